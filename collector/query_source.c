/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_source.h"

#include "common/error.h"
#include "common/escape.h"
#include "common/time_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000 /* what the collector may need beside the wait */
#define MESSAGE_SIZE 512

int query_fail(const char *format, ...)
{
	char text[MESSAGE_SIZE], shown[MESSAGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	escape_text(text, ESCAPE_PLAIN, shown, sizeof shown);
	fprintf(stderr, "grappe-query: %s\n", shown);
	return GRAPPE_EINVALID;
}

/* Lets through what has the form it should have. */
struct guard {
	const struct query_shape *shape;
	const struct protocol_sink *sink;
	struct protocol_answer answer; /* a refusal: without columns and data */
	bool malformed, stopped;       /* stopped: by the sink, which knows why */
	uint64_t rows;
};

static int guard_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct guard *guard = context;
	int rc;

	guard->answer = *answer;
	guard->answer.columns = NULL;
	guard->answer.data = NULL;
	if (answer->status != STATUS_OK)
		return GRAPPE_OK;
	if (ncolumns != guard->shape->ncolumns ||
	    (guard->shape->matrix && (answer->length_s == 0 || answer->wanted == 0))) {
		guard->malformed = true;
		return GRAPPE_EFORMAT;
	}
	rc = guard->sink->begin(guard->sink->context, answer, ncolumns);
	guard->stopped = rc != GRAPPE_OK;
	return rc;
}

static int guard_row(void *context, const char *const *fields)
{
	struct guard *guard = context;
	int rc;

	if (guard->answer.status != STATUS_OK ||
	    query_facts_check(guard->shape, fields) != GRAPPE_OK) {
		guard->malformed = true;
		return GRAPPE_EFORMAT;
	}
	guard->rows++;
	rc = guard->sink->row(guard->sink->context, fields);
	guard->stopped = rc != GRAPPE_OK;
	return rc;
}

static int hand_back(const struct protocol_answer *answer)
{
	char stamp[TIME_TEXT_SIZE];

	query_fail("%s; ask again at %s UTC (%" PRId64 "), or allow --wait or --approximate",
	    answer->error, time_text_format(answer->retry_at_s, false, stamp, sizeof stamp),
	    answer->retry_at_s);
	return QUERY_EXIT_LATER;
}

/* What became of a call, in words. */
static int explain(const char *path, const struct guard *guard, int rc)
{
	if (guard->stopped)
		return EXIT_FAILURE;
	if (guard->malformed)
		query_fail("the collector's answer has a form that is not known here");
	else if (rc == GRAPPE_EIO)
		query_fail("nobody answers on %s: %s (is grappe-collector running?)", path,
		    strerror(errno));
	else if (rc != GRAPPE_OK && guard->rows > 0)
		query_fail("the collector's answer broke off after %" PRIu64
			   " rows: %s; what was printed is not all",
		    guard->rows, error_text(rc));
	else if (rc != GRAPPE_OK)
		query_fail("the collector's answer on %s is no good: %s", path, error_text(rc));
	else if (guard->answer.status == STATUS_LATER)
		return hand_back(&guard->answer);
	else if (guard->answer.status == STATUS_ERROR)
		query_fail("%s", guard->answer.error);
	else
		return EXIT_SUCCESS;
	return EXIT_FAILURE;
}

int query_ask_collector(const char *path, const struct protocol_request *request,
    const struct query_shape *shape, const struct protocol_sink *sink)
{
	struct guard guard = {.shape = shape, .sink = sink};
	const struct protocol_sink through = {guard_begin, guard_row, &guard};
	const int rc =
	    protocol_call_stream(path, request, TIMEOUT_MS + (int)request->wait_ms, &through);

	return explain(path, &guard, rc);
}

/* ---- small answers ---- */

static int status_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	(void)ncolumns;
	if (json_is_object(answer->data))
		*(json_t **)context = json_incref(answer->data);
	return GRAPPE_OK;
}

static int no_row(void *context, const char *const *fields)
{
	(void)context;
	(void)fields;
	return GRAPPE_EFORMAT;
}

int query_ask_status(const char *path, json_t **data)
{
	static const struct query_shape nothing = {.name = "status"};
	const struct protocol_request request = {.op = OP_STATUS};
	const struct protocol_sink sink = {status_begin, no_row, data};
	int code;

	*data = NULL;
	code = query_ask_collector(path, &request, &nothing, &sink);
	if (code == EXIT_SUCCESS && *data == NULL) {
		query_fail("the collector's answer has a form that is not known here");
		code = EXIT_FAILURE;
	}
	return code;
}

static int names_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	(void)context;
	(void)answer;
	(void)ncolumns;
	return GRAPPE_OK;
}

static int names_row(void *context, const char *const *fields)
{
	return query_names_add(context, fields[0], fields[1]);
}

int query_names_collector(const char *path, struct query_names *names)
{
	const struct protocol_request request = {.op = OP_INVENTORY};
	const struct protocol_sink sink = {names_begin, names_row, names};

	if (query_ask_collector(path, &request, query_facts_shape(QUERY_INVENTORY), &sink) ==
	    EXIT_SUCCESS)
		return GRAPPE_OK;
	query_fail("names are not all known, so ids are shown");
	return GRAPPE_ENOTFOUND;
}
