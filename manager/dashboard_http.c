/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kinds of dashboards that are told by HTTP: nagios-cgi, nrdp, icinga2, webhook. */
#include "common/error.h"
#include "common/secret.h"
#include "manager/chat.h"
#include "manager/dashboard_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 262144 /* bytes of an answer that are read */
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"
#define JSON_TYPE "Content-Type: application/json"
#define NRDP_SPACING_MS 2000 /* results of one second are not applied in order */
#define URL_SIZE 2048

/* ---- what all share ---- */

static const char *check_url(const struct dashboard_settings *settings)
{
	const char *reason;

	if (settings->path[0] != '\0')
		return "path is for kind nagios-fifo only";
	if (settings->url[0] == '\0')
		return "this kind needs a url";
	if (strlen(settings->url) >= URL_SIZE - 32)
		return "too long a url";
	if (!http_check_url(settings->url, &reason))
		return "its url is no http or https URL with a host and without user or password";
	if ((settings->login_file[0] != '\0' || settings->token_file[0] != '\0') &&
	    !http_is_private(settings->url))
		return "login_file and token_file need an https url, or they travel in the clear";
	return NULL;
}

static const char *check_login(const struct dashboard_settings *settings)
{
	if (settings->login_file[0] == '\0')
		return "this kind needs a login_file";
	if (settings->token_file[0] != '\0')
		return "this kind has no token_file";
	return check_url(settings);
}

static const char *check_cgi(const struct dashboard_settings *settings)
{
	return strchr(settings->url, '?') != NULL ? "the url of cmd.cgi ends with it"
						  : check_login(settings);
}

static const char *check_icinga(const struct dashboard_settings *settings)
{
	if (strstr(settings->url, "/v1") != NULL)
		return "url is that of the API without /v1, such as "
		       "https://icinga.example.org:5665";
	return check_login(settings);
}

static const char *check_nrdp(const struct dashboard_settings *settings)
{
	if (settings->token_file[0] == '\0')
		return "nrdp needs a token_file";
	return check_url(settings);
}

/* What a job sends; body may be NULL. The secrets are read anew, wiped after use. */
struct sending {
	const char *url;
	const char *headers[3];
	const char *body;
	bool token_in_body; /* not as a header */
};

/* Ends the job when it cannot be sent. */
static void send_job(struct dashboard_job *job, const struct sending *sending, http_done *done)
{
	const struct dashboard_settings *settings = job->lane->settings;
	char login[SECRET_SIZE] = "", token[SECRET_SIZE] = "", reason[DASHBOARD_REASON_SIZE];
	struct http_request request = {.url = sending->url,
	    .address = settings->address,
	    .ca_file = settings->ca_file,
	    .login = login,
	    .token = token,
	    .headers = sending->headers,
	    .body = sending->body,
	    .length = sending->body != NULL ? strlen(sending->body) : 0,
	    .connect_ms = settings->connect_timeout_ms,
	    .total_ms = settings->timeout_ms,
	    .answer_max = ANSWER_MAX};
	int rc = GRAPPE_OK;

	if (settings->login_file[0] != '\0')
		rc = secret_read_line(settings->login_file, login, reason, sizeof reason);
	if (rc == GRAPPE_OK && settings->token_file[0] != '\0' && !sending->token_in_body)
		rc = secret_read_token(settings->token_file, token, reason, sizeof reason);
	if (rc == GRAPPE_OK) {
		rc = http_send(job->lane->http, &request, done, job, &job->exchange);
		snprintf(reason, sizeof reason, "%s", error_text(rc));
	}
	explicit_bzero(login, sizeof login);
	explicit_bzero(token, sizeof token);
	if (rc != GRAPPE_OK)
		dashboard_job_done(job, DASHBOARD_AGAIN, reason);
}

static void fail(struct dashboard_job *job)
{
	dashboard_job_done(job, DASHBOARD_AGAIN, error_text(GRAPPE_EMEMORY));
}

/* Takes the text; ends the job without one. */
static void send_text(
    struct dashboard_job *job, struct sending *sending, char *text, http_done *done)
{
	if (text == NULL) {
		fail(job);
		return;
	}
	sending->body = text;
	send_job(job, sending, done);
	explicit_bzero(text, strlen(text));
	free(text);
}

/* True when the body of the answer decides; else the job is done. */
static bool is_answered(struct dashboard_job *job, const struct http_result *result)
{
	if (result->verdict == HTTP_DONE)
		return true;
	dashboard_job_done(job, result->verdict == HTTP_AGAIN ? DASHBOARD_AGAIN : DASHBOARD_REFUSED,
	    result->reason);
	return false;
}

static size_t collect_results(
    const struct dashboard_job *job, const struct dashboard_result *results[DASHBOARD_BATCH_MAX])
{
	for (size_t i = 0; i < job->count; i++)
		results[i] = dashboard_job_result(job, i);
	return job->count;
}

/* ---- nagios-cgi ---- */

static void start_cgi(struct dashboard_job *job);

static void on_committed(const struct http_result *result, void *context)
{
	struct dashboard_job *job = context;
	char reason[DASHBOARD_REASON_SIZE];
	enum dashboard_outcome outcome;
	bool form_refused;

	job->exchange = NULL;
	if (!is_answered(job, result))
		return;
	outcome = dashboard_judge_cgi(result->answer, &form_refused, reason, sizeof reason);
	if (form_refused) {
		job->lane->form_known = false;
		if (!job->again) {
			job->again = true;
			start_cgi(job);
			return;
		}
		outcome = DASHBOARD_AGAIN;
	}
	dashboard_job_done(job, outcome, reason);
}

static void commit(struct dashboard_job *job)
{
	const struct dashboard_lane *lane = job->lane;
	char cookie[DASHBOARD_FORM_ID_SIZE + 32];
	struct sending sending = {.url = lane->settings->url, .headers = {FORM_TYPE, cookie, NULL}};

	snprintf(cookie, sizeof cookie, "Cookie: NagFormId=%s", lane->form_id);
	if (lane->form_id[0] == '\0')
		sending.headers[1] = NULL;
	send_text(job, &sending, dashboard_format_cgi(dashboard_job_result(job, 0), lane->form_id),
	    on_committed);
}

/* A Nagios of before 4.5 sends no id and wants none. */
static void on_form(const struct http_result *result, void *context)
{
	struct dashboard_job *job = context;

	job->exchange = NULL;
	if (!is_answered(job, result))
		return;
	dashboard_read_form_id(http_answer_header(result, "Set-Cookie"), job->lane->form_id);
	job->lane->form_known = true;
	commit(job);
}

static void start_cgi(struct dashboard_job *job)
{
	char url[URL_SIZE];
	const struct sending sending = {.url = url};

	if (job->lane->form_known) {
		commit(job);
		return;
	}
	snprintf(url, sizeof url, "%s?cmd_typ=30", job->lane->settings->url);
	send_job(job, &sending, on_form);
}

const struct dashboard_kind dashboard_kind_cgi = {
    .parallel = 1, .batch = 1, .check = check_cgi, .start = start_cgi};

/* ---- nrdp ---- */

static void on_nrdp(const struct http_result *result, void *context)
{
	struct dashboard_job *job = context;
	char reason[DASHBOARD_REASON_SIZE];
	enum dashboard_outcome outcome;

	job->exchange = NULL;
	if (!is_answered(job, result))
		return;
	outcome = dashboard_judge_nrdp(result->answer, result->length, reason, sizeof reason);
	dashboard_job_done(job, outcome, reason);
}

static void start_nrdp(struct dashboard_job *job)
{
	const struct dashboard_result *results[DASHBOARD_BATCH_MAX];
	const size_t count = collect_results(job, results);
	char token[SECRET_SIZE], reason[DASHBOARD_REASON_SIZE];
	struct sending sending = {
	    .url = job->lane->settings->url, .headers = {FORM_TYPE, NULL}, .token_in_body = true};

	if (secret_read_token(job->lane->settings->token_file, token, reason, sizeof reason) !=
	    GRAPPE_OK) {
		dashboard_job_done(job, DASHBOARD_AGAIN, reason);
		return;
	}
	send_text(job, &sending, dashboard_format_nrdp(results, count, token), on_nrdp);
	explicit_bzero(token, sizeof token);
}

const struct dashboard_kind dashboard_kind_nrdp = {.parallel = 1,
    .batch = DASHBOARD_BATCH_MAX,
    .spacing_ms = NRDP_SPACING_MS,
    .check = check_nrdp,
    .start = start_nrdp};

/* ---- icinga2 ---- */

static void on_icinga(const struct http_result *result, void *context)
{
	struct dashboard_job *job = context;
	char reason[DASHBOARD_REASON_SIZE];
	enum dashboard_outcome outcome;

	job->exchange = NULL;
	/* Cut, too long, or nothing at all: there is no body to judge by. */
	if (result->code == 0 || result->answer == NULL ||
	    (result->verdict != HTTP_DONE && result->code >= 200 && result->code < 400)) {
		is_answered(job, result);
		return;
	}
	outcome = dashboard_judge_icinga(
	    result->code, result->answer, result->length, reason, sizeof reason);
	dashboard_job_done(job, outcome, reason);
}

static void start_icinga(struct dashboard_job *job)
{
	const char *base = job->lane->settings->url;
	size_t length = strlen(base);
	char url[URL_SIZE];
	struct sending sending = {
	    .url = url, .headers = {JSON_TYPE, "Accept: application/json", NULL}};

	while (length > 0 && base[length - 1] == '/')
		length--;
	snprintf(url, sizeof url, "%.*s/v1/actions/process-check-result", (int)length, base);
	send_text(job, &sending, dashboard_format_icinga(dashboard_job_result(job, 0)), on_icinga);
}

const struct dashboard_kind dashboard_kind_icinga2 = {
    .parallel = DASHBOARD_JOBS_MAX, .batch = 1, .check = check_icinga, .start = start_icinga};

/* ---- webhook ---- */

static void on_webhook(const struct http_result *result, void *context)
{
	struct dashboard_job *job = context;

	job->exchange = NULL;
	if (is_answered(job, result))
		dashboard_job_done(job, DASHBOARD_DELIVERED, "");
}

static void start_webhook(struct dashboard_job *job)
{
	const struct dashboard_settings *settings = job->lane->settings;
	const struct dashboard_result *results[DASHBOARD_BATCH_MAX];
	const size_t count = collect_results(job, results);
	struct sending sending = {
	    .url = settings->url, .headers = {JSON_TYPE, "Accept: */*", NULL}};
	char *text;

	if (settings->chat == CHAT_JSON) {
		send_text(job, &sending, dashboard_format_json(results, count), on_webhook);
		return;
	}
	text = dashboard_format_chat(results, count);
	send_text(job, &sending,
	    text != NULL ? chat_message((enum chat_template)settings->chat, text) : NULL,
	    on_webhook);
	free(text);
}

const struct dashboard_kind dashboard_kind_webhook = {
    .parallel = 1, .batch = DASHBOARD_BATCH_MAX, .check = check_url, .start = start_webhook};
