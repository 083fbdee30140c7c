/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cloud_openstack.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/secret.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_SIZE 8192
#define TRIES_MAX 3 /* of what only reads */
#define PAUSE_FIRST_MS 1000
#define REASON_SIZE 400
#define MICROVERSION_LEAST 60
/* Knows allocation_candidates?in_tree (Stein). */
#define PLACEMENT_MICROVERSION "1.31"
#define ERROR_ANSWER_MAX 65536

struct openstack_call {
	struct openstack_session *session;
	struct openstack_call *previous, *next;
	enum openstack_service service;
	char method[8], path[OPENSTACK_PATH_SIZE];
	char *body;
	size_t answer_max;
	struct http_exchange *exchange;
	struct event *timer; /* end of a pause, or of a call that fails without an answer */
	bool waiting;        /* for a token */
	bool ended;          /* `done` is called when the timer fires */
	bool offered;        /* as in the result */
	bool renewed;        /* a 401 came already */
	int tries;
	unsigned generation; /* of the token that was sent */
	enum http_verdict verdict;
	char reason[REASON_SIZE];
	openstack_done *done;
	void *context;
};

struct openstack_session {
	struct event_base *base;
	struct http_client *http;
	const struct cloud_settings *settings;
	struct openstack_call *calls;
	struct http_exchange *login; /* asking for a token */
	char token[TOKEN_SIZE];      /* "": none */
	unsigned generation;         /* counts tokens */
	int64_t renew_ns;            /* monotonic: from then on the token is not used any more */
	struct openstack_grant grant;
};

/* ---- settings ---- */

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EINVALID)

static bool ends_with(const char *text, const char *end)
{
	const size_t length = strlen(text), n = strlen(end);

	return length >= n && strcmp(text + length - n, end) == 0;
}

static bool is_microversion(const char *text)
{
	const char *digits = text + 2;

	return strncmp(text, "2.", 2) == 0 && digits[0] >= '1' && digits[0] <= '9' &&
	       strlen(digits) <= 4 && strspn(digits, "0123456789") == strlen(digits) &&
	       strtol(digits, NULL, 10) >= MICROVERSION_LEAST;
}

int openstack_check(const struct cloud_settings *settings, char *message, size_t size)
{
	if (!ends_with(settings->url, "/v3") && !ends_with(settings->url, "/v3/"))
		return FAIL(
		    "cloud \"%s\": url must be that of Keystone and end in /v3", settings->title);
	if (strlen(settings->url) >= OPENSTACK_URL_SIZE)
		return FAIL("cloud \"%s\": url is too long", settings->title);
	if (!is_microversion(settings->microversion))
		return FAIL("cloud \"%s\": microversion must be 2.%d or later", settings->title,
		    MICROVERSION_LEAST);
	if (settings->auth == 0 && settings->project[0] == '\0')
		return FAIL(
		    "cloud \"%s\": project must be given with auth = password", settings->title);
	return GRAPPE_OK;
}

/* ---- what is said of an answer ---- */

static const char *hint(bool keystone, long code)
{
	static const struct {
		long code;
		const char *keystone, *other;
	} hints[] = {{401, " (user, password or project is wrong)", " to a new token as well"},
	    {403, "", " (this user has not the right to do that)"},
	    {406, "", " (it does not offer this microversion)"}};

	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if (hints[i].code == code)
			return keystone ? hints[i].keystone : hints[i].other;
	return "";
}

static void explain(const char *who, const struct http_result *result, char reason[REASON_SIZE])
{
	char text[256];

	openstack_error_text(result->answer, result->length, text, sizeof text);
	if (result->code >= 400)
		snprintf(reason, REASON_SIZE, "%s answered %ld%s%s%s", who, result->code,
		    hint(strcmp(who, "Keystone") == 0, result->code), text[0] ? ": " : "", text);
	else
		snprintf(reason, REASON_SIZE, "%s: %s", who, result->reason);
}

static const char *service_name(const struct openstack_call *call)
{
	return call->service == OPENSTACK_COMPUTE ? "Nova" : "Placement";
}

/* ---- calls ---- */

static void free_call(struct openstack_call *call)
{
	if (call->previous != NULL)
		call->previous->next = call->next;
	else if (call->session->calls == call)
		call->session->calls = call->next;
	if (call->next != NULL)
		call->next->previous = call->previous;
	http_cancel(call->exchange);
	if (call->timer != NULL)
		event_free(call->timer);
	free(call->body);
	free(call);
}

static void set_timer(struct openstack_call *call, int64_t milliseconds)
{
	const struct timeval delay = {milliseconds / 1000, milliseconds % 1000 * 1000};

	event_add(call->timer, &delay);
}

/* Ends a call that the service was not asked for, or gave nothing to. */
static void fail(struct openstack_call *call, enum http_verdict verdict, const char *reason)
{
	call->waiting = false;
	call->ended = true;
	call->verdict = verdict;
	snprintf(call->reason, sizeof call->reason, "%s", reason);
	set_timer(call, 0);
}

/* Another try of what changes nothing. False: there were enough. */
static bool pause_call(struct openstack_call *call)
{
	const int64_t poll_ms = call->session->settings->poll_ms;
	const int64_t first = poll_ms < PAUSE_FIRST_MS ? poll_ms : PAUSE_FIRST_MS;

	if (++call->tries >= TRIES_MAX)
		return false;
	call->waiting = false;
	set_timer(call, first << (call->tries - 1));
	return true;
}

static void advance(struct openstack_call *call);

static void deliver(
    struct openstack_call *call, const struct http_result *from, const char *request_id)
{
	const struct openstack_result result = {.verdict = call->verdict,
	    .code = from != NULL ? from->code : 0,
	    .sent = from != NULL,
	    .offered = call->offered,
	    .reason = call->reason,
	    .answer = from != NULL ? from->answer : "",
	    .length = from != NULL ? from->length : 0,
	    .request_id = request_id};

	call->done(&result, call->context);
	free_call(call);
}

static void forget_token(struct openstack_session *session)
{
	explicit_bzero(session->token, sizeof session->token);
}

static void on_answer(const struct http_result *result, void *context)
{
	struct openstack_call *call = context;
	struct openstack_session *session = call->session;
	const char *request_id = http_answer_header(result, "X-Openstack-Request-Id");

	call->exchange = NULL;
	if (result->code == 401 && !call->renewed) {
		call->renewed = true;
		if (call->generation == session->generation)
			forget_token(session);
		advance(call);
		return;
	}
	if (result->verdict == HTTP_AGAIN && strcmp(call->method, "GET") == 0 && pause_call(call))
		return;
	call->verdict = result->verdict;
	call->reason[0] = '\0';
	if (result->verdict != HTTP_DONE)
		explain(service_name(call), result, call->reason);
	deliver(call, result, openstack_is_request(request_id) ? request_id : "");
}

/* The same host and port as Keystone's are reached the same way. */
static const char *find_address(const struct cloud_settings *settings, const char *url)
{
	const char *host = strstr(settings->url, "://");
	const size_t length =
	    host != NULL ? (size_t)(host - settings->url) + 3 + strcspn(host + 3, "/") : 0;

	return length > 0 && strncmp(settings->url, url, length) == 0 &&
		       (url[length] == '/' || url[length] == '\0')
		   ? settings->address
		   : "";
}

static struct http_request make_request(
    const struct openstack_session *session, const char *method, const char *url)
{
	return (struct http_request){.method = method,
	    .url = url,
	    .address = find_address(session->settings, url),
	    .ca_file = session->settings->ca_file,
	    .connect_ms = session->settings->connect_timeout_ms,
	    .total_ms = session->settings->timeout_ms};
}

static int send_call(struct openstack_call *call, const char *endpoint)
{
	struct openstack_session *session = call->session;
	char url[OPENSTACK_URL_SIZE + OPENSTACK_PATH_SIZE], token[TOKEN_SIZE + 16], version[64];
	const char *const headers[] = {
	    token, version, "Accept: application/json", "Content-Type: application/json", NULL};
	struct http_request request;
	int rc;

	snprintf(url, sizeof url, "%s%s", endpoint, call->path);
	request = make_request(session, call->method, url);
	snprintf(token, sizeof token, "X-Auth-Token: %s", session->token);
	snprintf(version, sizeof version, "OpenStack-API-Version: %s %s",
	    call->service == OPENSTACK_COMPUTE ? "compute" : "placement",
	    call->service == OPENSTACK_COMPUTE ? session->settings->microversion
					       : PLACEMENT_MICROVERSION);
	request.headers = headers;
	request.body = call->body;
	request.length = call->body != NULL ? strlen(call->body) : 0;
	request.answer_max = call->answer_max;
	call->generation = session->generation;
	rc = http_send(session->http, &request, on_answer, call, &call->exchange);
	explicit_bzero(token, sizeof token);
	return rc;
}

/* Why the catalog's endpoint is not used; NULL: it is. */
static const char *find_fault(const char *endpoint)
{
	const char *reason;

	if (endpoint[0] == '\0')
		return "is not in the catalog, as a public endpoint of this region";
	if (!http_check_url(endpoint, &reason))
		return reason;
	if (!http_is_private(endpoint))
		return "has an endpoint in the catalog that is not https: the token would travel "
		       "in the clear";
	return NULL;
}

/* With a token: to the service. */
static void send_or_fail(struct openstack_call *call)
{
	const struct openstack_grant *grant = &call->session->grant;
	const char *endpoint =
	    call->service == OPENSTACK_COMPUTE ? grant->compute : grant->placement;
	const char *fault = find_fault(endpoint);
	char reason[REASON_SIZE];

	call->waiting = false;
	if (fault != NULL) {
		call->offered = false;
		snprintf(reason, sizeof reason, "%s %s", service_name(call), fault);
		fail(call, HTTP_REFUSED, reason);
		return;
	}
	if (send_call(call, endpoint) != GRAPPE_OK)
		fail(call, HTTP_REFUSED, "the request cannot be made");
}

/* ---- tokens ---- */

/* Nothing was asked of the services yet, so that any call may be tried again. */
static void fail_waiting(
    struct openstack_session *session, enum http_verdict verdict, const char *reason)
{
	for (struct openstack_call *call = session->calls; call != NULL; call = call->next)
		if (call->waiting && (verdict != HTTP_AGAIN || !pause_call(call)))
			fail(call, verdict, reason);
}

static int64_t margin_s(int64_t life_s)
{
	return life_s / 10 < 60 ? life_s / 10 + 1 : 60;
}

static const char *take_token(struct openstack_session *session, const struct http_result *result)
{
	const char *token = http_answer_header(result, "X-Subject-Token");
	const size_t length = strlen(token);

	if (length == 0 || length >= TOKEN_SIZE)
		return "Keystone's answer holds no token";
	for (size_t i = 0; i < length; i++)
		if (token[i] <= ' ' || token[i] >= 127)
			return "Keystone's answer holds no token";
	if (openstack_read_grant(result->answer, result->length, session->settings->region,
		&session->grant) != GRAPPE_OK)
		return "Keystone's answer is not one to a request for a token";
	memcpy(session->token, token, length + 1);
	session->generation++;
	session->renew_ns =
	    clock_monotonic_ns() +
	    (session->grant.life_s - margin_s(session->grant.life_s)) * CLOCK_SECOND_NS;
	return NULL;
}

static void on_login(const struct http_result *result, void *context)
{
	struct openstack_session *session = context;
	char reason[REASON_SIZE];
	const char *fault;

	session->login = NULL;
	if (result->verdict != HTTP_DONE) {
		explain("Keystone", result, reason);
		fail_waiting(session, result->verdict, reason);
		return;
	}
	fault = take_token(session, result);
	if (fault != NULL) {
		fail_waiting(session, HTTP_REFUSED, fault);
		return;
	}
	for (struct openstack_call *call = session->calls; call != NULL; call = call->next)
		if (call->waiting)
			send_or_fail(call);
}

static json_t *make_identity(
    const struct cloud_settings *settings, const char *user, const char *secret)
{
	if (settings->auth != 0)
		return json_pack("{s:{s:{s:[s], s:{s:s, s:s}}}}", "auth", "identity", "methods",
		    "application_credential", "application_credential", "id", user, "secret",
		    secret);
	return json_pack("{s:{s:{s:[s], s:{s:{s:s, s:{s:s}, s:s}}}, s:{s:{s:s, s:{s:s}}}}}", "auth",
	    "identity", "methods", "password", "password", "user", "name", user, "domain", "name",
	    settings->domain, "password", secret, "scope", "project", "name", settings->project,
	    "domain", "name", settings->project_domain);
}

/* The body of the request for a token, to be wiped after use. NULL: message says why. */
static char *make_login(const struct cloud_settings *settings, char *message, size_t size)
{
	char secret[SECRET_SIZE], *colon, *text = NULL;
	json_t *body;

	if (secret_read_line(settings->login_file, secret, message, size) != GRAPPE_OK)
		return NULL;
	colon = strchr(secret, ':');
	if (colon == NULL) {
		snprintf(message, size, "%s does not hold NAME:SECRET", settings->login_file);
	} else {
		*colon = '\0';
		body = make_identity(settings, secret, colon + 1);
		text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
		json_decref(body);
		if (text == NULL)
			snprintf(message, size, "%s is not UTF-8", settings->login_file);
	}
	explicit_bzero(secret, sizeof secret);
	return text;
}

static void start_login(struct openstack_session *session)
{
	static const char *const headers[] = {
	    "Accept: application/json", "Content-Type: application/json", NULL};
	const size_t length = strlen(session->settings->url);
	char url[OPENSTACK_URL_SIZE + 16], message[REASON_SIZE];
	struct http_request request;
	char *body = make_login(session->settings, message, sizeof message);
	int rc;

	if (body == NULL) {
		fail_waiting(session, HTTP_REFUSED, message);
		return;
	}
	snprintf(url, sizeof url, "%s%sauth/tokens", session->settings->url,
	    length > 0 && session->settings->url[length - 1] == '/' ? "" : "/");
	request = make_request(session, "POST", url);
	request.headers = headers;
	request.body = body;
	request.length = strlen(body);
	request.answer_max = OPENSTACK_ANSWER_MAX;
	rc = http_send(session->http, &request, on_login, session, &session->login);
	explicit_bzero(body, strlen(body));
	free(body);
	if (rc != GRAPPE_OK)
		fail_waiting(session, HTTP_REFUSED, error_text(rc));
}

/* ---- the way of a call ---- */

static void advance(struct openstack_call *call)
{
	struct openstack_session *session = call->session;

	if (session->token[0] != '\0' && clock_monotonic_ns() < session->renew_ns) {
		send_or_fail(call);
		return;
	}
	call->waiting = true;
	if (session->login == NULL)
		start_login(session);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct openstack_call *call = context;

	(void)fd;
	(void)what;
	if (call->ended)
		deliver(call, NULL, "");
	else
		advance(call);
}

int openstack_send(struct openstack_session *session, const struct openstack_request *request,
    openstack_done *done, void *context, struct openstack_call **out)
{
	struct openstack_call *call = calloc(1, sizeof *call);

	*out = NULL;
	if (call == NULL)
		return GRAPPE_EMEMORY;
	call->session = session;
	call->service = request->service;
	call->offered = true;
	call->done = done;
	call->context = context;
	call->answer_max = request->answer_max > 0 ? request->answer_max : OPENSTACK_ANSWER_MAX;
	snprintf(call->method, sizeof call->method, "%s",
	    request->method != NULL ? request->method : "GET");
	snprintf(call->path, sizeof call->path, "%s", request->path);
	call->next = session->calls;
	if (call->next != NULL)
		call->next->previous = call;
	session->calls = call;
	call->timer = evtimer_new(session->base, on_timer, call);
	call->body = request->body != NULL ? strdup(request->body) : NULL;
	if (call->timer == NULL || (request->body != NULL && call->body == NULL)) {
		free_call(call);
		return GRAPPE_EMEMORY;
	}
	*out = call;
	advance(call);
	return GRAPPE_OK;
}

void openstack_cancel(struct openstack_call *call)
{
	if (call != NULL)
		free_call(call);
}

/* ---- life-cycle ---- */

int openstack_session_new(struct event_base *base, struct http_client *http,
    const struct cloud_settings *settings, struct openstack_session **out)
{
	struct openstack_session *session = calloc(1, sizeof *session);

	*out = session;
	if (session == NULL)
		return GRAPPE_EMEMORY;
	session->base = base;
	session->http = http;
	session->settings = settings;
	return GRAPPE_OK;
}

void openstack_session_free(struct openstack_session *session)
{
	if (session == NULL)
		return;
	while (session->calls != NULL)
		free_call(session->calls);
	http_cancel(session->login);
	forget_token(session);
	free(session);
}

int openstack_encode(const char *text, char *out, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.";
	size_t used = 0;

	for (; *text != '\0'; text++) {
		const bool is_plain = strchr(plain, *text) != NULL;

		if (used + 4 > size)
			return GRAPPE_ERANGE;
		if (is_plain)
			out[used++] = *text;
		else
			used += (size_t)snprintf(
			    out + used, 4, "%%%02X", (unsigned)(unsigned char)*text);
	}
	if (used >= size)
		return GRAPPE_ERANGE;
	out[used] = '\0';
	return GRAPPE_OK;
}
