/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/report_read.h"

#include "common/error.h"
#include "common/protocol.h"
#include "manager/report_archive.h"
#include "manager/source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 60000 /* what the collector gets for answering, its waiting aside */

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

static void tell(const struct report_wish *wish, const char *what, size_t done, size_t all)
{
	if (wish->progress != NULL)
		wish->progress(wish->progress_context, what, done, all);
}

/* ---- the collector ---- */

static int call(const struct report_wish *wish, const struct protocol_request *request,
    struct protocol_reply *reply, char *message, size_t size)
{
	const int rc =
	    protocol_call(wish->socket, request, (int)request->wait_ms + ANSWER_MS, reply);

	if (rc != GRAPPE_OK)
		return FAIL(rc, "collector at %s: %s", wish->socket, error_text(rc));
	if (reply->answer.status == STATUS_OK)
		return GRAPPE_OK;
	return FAIL(GRAPPE_EPEER, "collector at %s: %s", wish->socket, reply->answer.error);
}

/* A number of the answer, 0 for what is none; source_parse_matrix() has checked the main answer. */
static double number(const struct protocol_reply *reply, size_t row, size_t column)
{
	const double value = strtod(protocol_reply_field(reply, row, column), NULL);

	return isfinite(value) && value >= 0 ? value : 0;
}

static int note_rows(const struct protocol_reply *reply, struct report_input *input)
{
	int rc = GRAPPE_OK;

	for (size_t row = 0; rc == GRAPPE_OK && row < reply->nrows; row++)
		rc = report_input_note(input, protocol_reply_field(reply, row, 0),
		    number(reply, row, 4) / reply->answer.wanted);
	return rc;
}

static int read_window(
    const struct report_wish *wish, struct report_input *out, char *message, size_t size)
{
	const struct protocol_request request = {.op = OP_MATRIX,
	    .from_s = wish->from_s,
	    .to_s = wish->to_s,
	    .wait_ms = wish->wait_ms,
	    .approximate = wish->approximate,
	    .kind = KIND_MEAN};
	struct protocol_reply reply = {0};
	char why[256];
	int rc = call(wish, &request, &reply, message, size);

	if (rc == GRAPPE_OK) {
		rc = source_parse_matrix(&reply, &out->observation, why, sizeof why);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "collector at %s: %s", wish->socket, why);
	}
	if (rc == GRAPPE_OK && (rc = note_rows(&reply, out)) != GRAPPE_OK)
		snprintf(message, size, "%s", error_text(rc));
	protocol_reply_deinit(&reply);
	return rc;
}

static int read_inventory(
    const struct report_wish *wish, struct report_input *out, char *message, size_t size)
{
	const struct protocol_request request = {.op = OP_INVENTORY};
	struct protocol_reply reply = {0};
	char why[256];
	int rc = call(wish, &request, &reply, message, size);

	if (rc == GRAPPE_OK) {
		rc = source_parse_inventory(&reply, &out->observation, why, sizeof why);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "collector at %s: %s", wish->socket, why);
	}
	protocol_reply_deinit(&reply);
	return rc;
}

/* The rows of a mean over (from_s, to_s], or over more than that where archives are coarse. */
static void add_rows(
    const struct protocol_reply *reply, int64_t from_s, int64_t to_s, struct report_series *series)
{
	const struct protocol_answer *answer = &reply->answer;
	const double part = (double)(to_s - from_s) / (double)(answer->to_s - answer->from_s);
	const char *receiver, *before = "";

	for (size_t row = 0; row < reply->nrows; row++) {
		const double known = number(reply, row, 4);

		receiver = protocol_reply_field(reply, row, 0);
		if (strcmp(receiver, before) != 0) {
			const double share = known / answer->wanted;

			report_series_known(series, receiver, from_s, to_s, share < 1 ? share : 1);
		}
		before = receiver;
		report_series_add(series, protocol_reply_field(reply, row, 1), receiver, from_s,
		    to_s, number(reply, row, 3) * known * part);
	}
}

static bool is_mean(const struct protocol_reply *reply, int64_t at_s)
{
	const struct protocol_answer *answer = &reply->answer;

	if (reply->ncolumns != 5 || answer->wanted == 0 || answer->to_s <= at_s ||
	    answer->to_s <= answer->from_s)
		return false;
	for (size_t i = 0; i < reply->ncolumns; i++)
		if (strcmp(answer->columns[i], protocol_columns_mean[i]) != 0)
			return false;
	return true;
}

/* One mean for each step. What the collector has nothing about stays unknown. */
static int follow(
    const struct report_wish *wish, struct report_series *series, char *message, size_t size)
{
	int64_t at_s = series->from_s;

	for (size_t step = 0; step < series->count; step++) {
		struct protocol_request request = {.op = OP_MATRIX, .kind = KIND_MEAN};
		struct protocol_reply reply = {0};
		int rc;

		report_series_bounds(series, step, &request.from_s, &request.to_s);
		if (request.to_s <= at_s)
			continue;
		tell(wish, "steps of time", step, series->count);
		request.from_s = at_s;
		rc = call(wish, &request, &reply, message, size);
		if (rc == GRAPPE_OK && is_mean(&reply, at_s)) {
			const int64_t end_s =
			    reply.answer.to_s < series->to_s ? reply.answer.to_s : series->to_s;

			add_rows(&reply, at_s, end_s, series);
			at_s = end_s;
		} else if (rc == GRAPPE_OK || rc == GRAPPE_EPEER) {
			at_s = request.to_s;
		}
		protocol_reply_deinit(&reply);
		if (rc != GRAPPE_OK && rc != GRAPPE_EPEER)
			return rc;
	}
	return GRAPPE_OK;
}

static int read_collector(
    const struct report_wish *wish, struct report_input *out, char *message, size_t size)
{
	const struct matrix_window *window;
	int rc = read_window(wish, out, message, size);

	if (rc == GRAPPE_OK)
		rc = read_inventory(wish, out, message, size);
	if (rc == GRAPPE_OK && observation_finish(&out->observation) != GRAPPE_OK)
		rc = FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	if (rc != GRAPPE_OK)
		return rc;
	window = matrix_window(out->observation.matrix);
	rc = report_series_init(&out->series, &out->observation, window->from_s, window->to_s,
	    out->observation.length_s);
	if (rc != GRAPPE_OK)
		return FAIL(rc, "%s", error_text(rc));
	return out->series.nenvironments > 1 ? follow(wish, &out->series, message, size)
					     : GRAPPE_OK;
}

/* ---- both ---- */

int report_read(
    const struct report_wish *wish, struct report_input *out, char *message, size_t size)
{
	int rc;

	*out = (struct report_input){0};
	rc = observation_init(&out->observation);
	if (rc != GRAPPE_OK)
		return FAIL(rc, "%s", error_text(rc));
	if (wish->archive != NULL)
		rc = report_archive_read(wish, out, message, size);
	else
		rc = read_collector(wish, out, message, size);
	if (rc != GRAPPE_OK)
		report_input_deinit(out);
	return rc;
}
