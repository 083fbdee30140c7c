/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/environment_watch.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/secret.h"
#include "manager/environment.h"
#include "manager/environment_change.h"
#include "manager/http.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHANGES_LOGGED 20
#define VALIDATOR_SIZE 256 /* longest ETag or Last-Modified that is sent back */

struct environment_watch {
	struct environment_watch_options options; /* texts owned */
	struct event *timer;
	struct http_client *client;     /* NULL: a file, or no source */
	struct http_exchange *exchange; /* that is under way */
	char copy_path[PATH_MAX];
	char *text; /* the last good document; owned, NULL = none */
	size_t length;
	struct environments facts; /* of it */
	int64_t had_s;             /* when it came in */
	int64_t fetched_s;         /* when it was last seen to be current; 0 = only from the copy */
	char etag[VALIDATOR_SIZE], last_modified[VALIDATOR_SIZE];
	char error[512]; /* of the last look, "" = well */
	bool nonsense;   /* what was had last is no document */
	bool looked;
	struct log_complaint complaint, age;
};

static bool is_url(const char *source)
{
	return strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
}

static int64_t now_s(void)
{
	return clock_wall_ns() / CLOCK_SECOND_NS;
}

/* ---- a look is over ---- */

static void schedule(struct environment_watch *watch)
{
	const struct timeval delay = {
	    watch->options.refresh_ms / 1000, watch->options.refresh_ms % 1000 * 1000};

	event_add(watch->timer, &delay);
}

static void finish_look(struct environment_watch *watch)
{
	schedule(watch);
	if (watch->looked)
		return;
	watch->looked = true;
	watch->options.ready(watch->options.context);
}

static void note_failure(struct environment_watch *watch, const char *why)
{
	snprintf(watch->error, sizeof watch->error, "%s", why);
	log_complain(&watch->complaint, "environment document: %s%s", watch->error,
	    watch->text != NULL && !watch->nonsense ? "; the last one stays" : "");
	finish_look(watch);
}

static int64_t as_of(const struct environment_watch *watch)
{
	return watch->facts.as_of_s != 0 ? watch->facts.as_of_s : watch->had_s;
}

static void note_current(struct environment_watch *watch)
{
	const int64_t age_s = now_s() - as_of(watch);

	watch->fetched_s = now_s();
	watch->error[0] = '\0';
	watch->nonsense = false;
	log_recovered(
	    &watch->complaint, "environment document: %s is read again", watch->options.source);
	if (watch->facts.as_of_s != 0 && age_s > watch->options.stale_ms / 1000)
		log_complain(&watch->age, "environment document: what it says is %lld h old",
		    (long long)(age_s / 3600));
	else
		log_recovered(&watch->age, "environment document: what it says is recent again");
	finish_look(watch);
}

/* ---- a document came ---- */

struct telling {
	size_t count;
	char first[ENVIRONMENT_CHANGE_SIZE];
};

static void tell_change(const char *text, void *context)
{
	struct telling *telling = context;

	if (telling->count++ == 0)
		snprintf(telling->first, sizeof telling->first, "%s", text);
	if (telling->count <= CHANGES_LOGGED)
		log_info("environments: %s", text);
}

static int64_t modified_s(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (int64_t)status.st_mtime : now_s();
}

static void keep_copy(const struct environment_watch *watch)
{
	if (file_make_folder(watch->options.folder, 0750) != GRAPPE_OK ||
	    file_replace(watch->copy_path, watch->text, watch->length, 0640) != GRAPPE_OK)
		log_warning("the copy of the environment document cannot be written to %s: %s",
		    watch->copy_path, strerror(errno));
}

/* Takes text and facts over. */
static void replace(
    struct environment_watch *watch, char *text, size_t length, struct environments *facts)
{
	struct telling telling = {0};
	const bool first = watch->text == NULL;

	if (!first)
		environment_compare(&watch->facts, facts, tell_change, &telling);
	if (telling.count > CHANGES_LOGGED)
		log_info("environments: and %zu changes more", telling.count - CHANGES_LOGGED);
	environments_deinit(&watch->facts);
	free(watch->text);
	watch->facts = *facts;
	watch->text = text;
	watch->length = length;
	watch->had_s = now_s();
	keep_copy(watch);
	if (first)
		log_info("environment document: %zu environments from %s", watch->facts.count,
		    watch->options.source);
	if (telling.count > 0)
		watch->options.changed(watch->options.context, telling.first, telling.count);
}

/* bytes: not ours. */
static void take(struct environment_watch *watch, const char *bytes, size_t length)
{
	struct environments facts;
	char why[400], message[512];
	char *text;

	if (watch->text != NULL && length == watch->length &&
	    memcmp(bytes, watch->text, length) == 0) {
		note_current(watch);
		return;
	}
	if (environments_parse(bytes, length, &facts, why, sizeof why) != GRAPPE_OK) {
		snprintf(message, sizeof message, "%.100s: %s", watch->options.source, why);
		watch->nonsense = true;
		note_failure(watch, message);
		return;
	}
	text = malloc(length + 1);
	if (text == NULL) {
		environments_deinit(&facts);
		note_failure(watch, error_text(GRAPPE_EMEMORY));
		return;
	}
	memcpy(text, bytes, length);
	text[length] = '\0';
	replace(watch, text, length, &facts);
	note_current(watch);
}

/* ---- where it comes from ---- */

static void look_at_file(struct environment_watch *watch)
{
	struct buffer bytes;
	char message[512];
	const int rc = file_read(watch->options.source, ENVIRONMENT_DOCUMENT_MAX, &bytes);

	if (rc == GRAPPE_OK) {
		take(watch, (const char *)bytes.bytes, bytes.length);
	} else {
		snprintf(message, sizeof message, "%.300s: %s", watch->options.source,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
		note_failure(watch, message);
	}
	buffer_deinit(&bytes);
}

/* What is sent back must be one whole header. */
static void keep_validator(char out[VALIDATOR_SIZE], const char *value)
{
	const size_t length = strlen(value);

	out[0] = '\0';
	if (length < VALIDATOR_SIZE && strcspn(value, "\r\n") == length)
		memcpy(out, value, length + 1);
}

static void on_answer(const struct http_result *result, void *context)
{
	struct environment_watch *watch = context;
	char message[512];

	watch->exchange = NULL;
	if (result->code == 304 && watch->text != NULL) {
		note_current(watch);
		return;
	}
	if (result->verdict != HTTP_DONE) {
		snprintf(
		    message, sizeof message, "%.200s: %s", watch->options.source, result->reason);
		note_failure(watch, message);
		return;
	}
	keep_validator(watch->etag, http_answer_header(result, "ETag"));
	keep_validator(watch->last_modified, http_answer_header(result, "Last-Modified"));
	take(watch, result->answer, result->length);
	/* What was no good is asked for again in full. */
	if (watch->error[0] != '\0')
		watch->etag[0] = watch->last_modified[0] = '\0';
}

static void look_at_url(struct environment_watch *watch)
{
	char token[SECRET_SIZE] = "", message[512];
	char match[VALIDATOR_SIZE + 32], since[VALIDATOR_SIZE + 32];
	const char *headers[3] = {NULL};
	const struct http_request request = {.url = watch->options.source,
	    .ca_file = watch->options.ca_file,
	    .token = token,
	    .headers = headers,
	    .connect_ms = watch->options.timeout_ms,
	    .total_ms = watch->options.timeout_ms,
	    .answer_max = ENVIRONMENT_DOCUMENT_MAX};
	size_t count = 0;
	int rc = GRAPPE_OK;

	if (watch->options.token_file[0] != '\0')
		rc = secret_read_token(watch->options.token_file, token, message, sizeof message);
	if (rc != GRAPPE_OK) {
		note_failure(watch, message);
		return;
	}
	snprintf(match, sizeof match, "If-None-Match: %s", watch->etag);
	snprintf(since, sizeof since, "If-Modified-Since: %s", watch->last_modified);
	if (watch->etag[0] != '\0')
		headers[count++] = match;
	if (watch->last_modified[0] != '\0')
		headers[count++] = since;
	rc = http_send(watch->client, &request, on_answer, watch, &watch->exchange);
	explicit_bzero(token, sizeof token);
	if (rc != GRAPPE_OK)
		note_failure(watch, error_text(rc));
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct environment_watch *watch = context;

	(void)fd;
	(void)what;
	if (watch->options.source[0] == '\0')
		finish_look(watch);
	else if (watch->client != NULL)
		look_at_url(watch);
	else
		look_at_file(watch);
}

void environment_watch_start(struct environment_watch *watch)
{
	event_active(watch->timer, EV_TIMEOUT, 0);
}

void environment_watch_refresh(struct environment_watch *watch)
{
	if (watch->options.source[0] != '\0' && watch->client == NULL)
		look_at_file(watch);
}

/* ---- life ---- */

/* What an earlier run left is better than nothing; how old it is is told. */
static void read_copy(struct environment_watch *watch)
{
	struct buffer bytes;
	char message[256];

	if (watch->options.source[0] == '\0')
		return;
	if (file_read(watch->copy_path, ENVIRONMENT_DOCUMENT_MAX, &bytes) != GRAPPE_OK) {
		buffer_deinit(&bytes);
		return;
	}
	if (environments_parse((const char *)bytes.bytes, bytes.length, &watch->facts, message,
		sizeof message) == GRAPPE_OK) {
		watch->text = (char *)bytes.bytes;
		watch->length = bytes.length;
		watch->had_s = modified_s(watch->copy_path);
		return;
	}
	log_warning("%s: %s; it is not used", watch->copy_path, message);
	buffer_deinit(&bytes);
}

static bool copy_options(
    struct environment_watch *watch, const struct environment_watch_options *options)
{
	struct environment_watch_options *own = &watch->options;

	*own = *options;
	own->source = strdup(options->source);
	own->ca_file = strdup(options->ca_file);
	own->token_file = strdup(options->token_file);
	own->folder = strdup(options->folder);
	snprintf(watch->copy_path, sizeof watch->copy_path, "%s/" ENVIRONMENT_WATCH_COPY,
	    options->folder);
	return own->source != NULL && own->ca_file != NULL && own->token_file != NULL &&
	       own->folder != NULL;
}

int environment_watch_new(struct event_base *base, const struct environment_watch_options *options,
    struct environment_watch **out, char *message, size_t size)
{
	struct environment_watch *watch;
	const char *reason;
	int rc = GRAPPE_OK;

	*out = NULL;
	if (is_url(options->source) && !http_check_url(options->source, &reason)) {
		snprintf(message, size, "environments: %s", reason);
		return GRAPPE_EINVALID;
	}
	watch = calloc(1, sizeof *watch);
	if (watch == NULL || !copy_options(watch, options))
		rc = GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK && is_url(options->source))
		rc = http_client_new(base, &watch->client);
	if (rc == GRAPPE_OK)
		watch->timer = evtimer_new(base, on_timer, watch);
	if (rc != GRAPPE_OK || watch->timer == NULL) {
		environment_watch_free(watch);
		snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	read_copy(watch);
	*out = watch;
	return GRAPPE_OK;
}

void environment_watch_free(struct environment_watch *watch)
{
	if (watch == NULL)
		return;
	http_cancel(watch->exchange);
	http_client_free(watch->client);
	if (watch->timer != NULL)
		event_free(watch->timer);
	environments_deinit(&watch->facts);
	free(watch->text);
	free((char *)watch->options.source);
	free((char *)watch->options.ca_file);
	free((char *)watch->options.token_file);
	free((char *)watch->options.folder);
	free(watch);
}

/* ---- looking at it ---- */

const char *environment_watch_document(
    const struct environment_watch *watch, size_t *length, const char **error)
{
	*length = watch->length;
	*error = watch->error;
	return watch->nonsense ? NULL : watch->text;
}

static const char *state_of(const struct environment_watch *watch, int64_t at_s)
{
	if (watch->options.source[0] == '\0')
		return "none";
	if (watch->text == NULL || watch->error[0] != '\0')
		return "failing";
	return at_s - as_of(watch) > watch->options.stale_ms / 1000 && watch->facts.as_of_s != 0
		   ? "stale"
		   : "ok";
}

json_t *environment_watch_status(const struct environment_watch *watch, int64_t at_s)
{
	json_t *source = json_string(watch->options.source), *error = json_string(watch->error);

	return json_pack("{s:o, s:s, s:I, s:I, s:I, s:o}", "source",
	    source != NULL ? source : json_string(""), "state", state_of(watch, at_s), "count",
	    (json_int_t)watch->facts.count, "as_of",
	    (json_int_t)(watch->text != NULL ? as_of(watch) : 0), "fetched",
	    (json_int_t)watch->fetched_s, "error", error != NULL ? error : json_string(""));
}
