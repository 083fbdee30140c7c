/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/answer.h"

#include "collector/answer_mean.h"
#include "collector/answer_window.h"
#include "common/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a detail answer goes on. */
struct cursor {
	size_t past_row, moment, receiver;       /* next */
	const struct resolved *view;             /* of `watched` */
	const struct resolved_receiver *watched; /* whose rows come now; NULL: the next one's */
	uint32_t row;                            /* next of its rows */
};

struct answer {
	const struct past *past; /* NULL: all in memory */
	struct answer_sink sink;
	struct answer_window window;
	struct answer_mean *mean; /* NULL: detail */
	struct cursor cursor;
	int64_t length_s;
};

/* ---- the header ---- */

static uint32_t count_complete(const struct answer_source *source, const struct answer_plan *plan)
{
	const int64_t length_s = picture_length(source->picture);
	uint32_t count = 0;

	for (int64_t end_s = plan->memory_from_s + length_s; end_s <= plan->to_s; end_s += length_s)
		count += picture_is_complete(source->picture, end_s);
	return count;
}

/* What is marked in the window, in memory and as far as the archives tell. */
static struct caveats collect_caveats(
    const struct answer_source *source, const struct answer_plan *plan, const struct past *past)
{
	const int64_t length_s = picture_length(source->picture);
	struct caveats caveats = past != NULL ? past->caveats : (struct caveats){0};

	for (int64_t end_s = plan->memory_from_s + length_s; end_s <= plan->to_s;
	     end_s += length_s) {
		uint32_t delivered, before = 0;
		uint32_t flags = picture_flags(source->picture, end_s, &delivered);

		/* what is missing of it comes from the period before */
		if (plan->approximate && end_s == plan->to_s)
			flags |= picture_flags(source->picture, end_s - length_s, &before);
		if (delivered > 0 || before > 0)
			caveats_add(&caveats, flags);
	}
	return caveats;
}

static void begin(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink)
{
	const uint32_t length_s = picture_length(source->picture);
	const int64_t from_s = past != NULL ? past->from_s : plan->from_s;
	const struct protocol_answer header = {.status = STATUS_OK,
	    .exact = !plan->approximate,
	    .approximate = plan->approximate,
	    .from_s = from_s,
	    .to_s = plan->to_s,
	    .length_s = length_s,
	    .known = count_complete(source, plan) + (past != NULL ? past->periods : 0),
	    .wanted = (uint32_t)((plan->to_s - from_s) / length_s),
	    .caveats = collect_caveats(source, plan, past),
	    .columns =
		request->kind == KIND_DETAIL ? protocol_columns_detail : protocol_columns_mean};

	sink->begin(sink->context, &header);
}

/* ---- counts as text ---- */

/* The digits of value, at least one; returns their end. */
static char *put_whole(char *text, uint64_t value)
{
	char digits[20];
	size_t count = 0;

	do
		digits[count++] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	while (count > 0)
		*text++ = digits[--count];
	return text;
}

/* Ten significant digits of 1 <= value < 1e10, as "%.10g" has them; it takes a quarter of its time.
 */
static void put_fraction(char *text, double value)
{
	uint64_t unit = 1, scaled;
	double limit = 1e10;

	for (; value * 10 < limit; limit /= 10)
		unit *= 10;
	scaled = (uint64_t)nearbyint(value * (double)unit);
	text = put_whole(text, scaled / unit);
	scaled %= unit;
	if (scaled > 0)
		*text++ = '.';
	while (scaled > 0) {
		unit /= 10;
		*text++ = (char)('0' + scaled / unit);
		scaled %= unit;
	}
	*text = '\0';
}

const char *answer_format_count(double value, char text[ANSWER_COUNT_SIZE])
{
	if (value >= 0 && value < 1e15 && value == floor(value))
		*put_whole(text, (uint64_t)value) = '\0';
	else if (value >= 1 && value < 1e9)
		put_fraction(text, value);
	else
		snprintf(text, ANSWER_COUNT_SIZE, "%.10g", value);
	return text;
}

/* ---- means ---- */

static bool give_mean(struct answer *answer)
{
	char packets[ANSWER_COUNT_SIZE] = "-", octets[ANSWER_COUNT_SIZE] = "-";
	char periods[ANSWER_COUNT_SIZE];
	struct answer_mean_row row;

	if (!answer_mean_next(answer->mean, &row))
		return false;
	if (row.weight > 0) {
		answer_format_count(row.packets, packets);
		answer_format_count(row.octets, octets);
	}
	answer->sink.row(answer->sink.context,
	    (const char *const[]){row.receiver, row.sender != NULL ? row.sender : "-", packets,
		octets, answer_format_count(row.known, periods)});
	return true;
}

/* ---- detail ---- */

/* sender NULL: nothing was received, or nothing is known. */
static void give_detail(const struct answer_sink *sink, int64_t end_s, int64_t length_s,
    const char *receiver, const char *sender, const struct matrix_pair *counts, double known)
{
	char end[ANSWER_COUNT_SIZE], length[ANSWER_COUNT_SIZE], share[ANSWER_COUNT_SIZE];
	char packets[ANSWER_COUNT_SIZE] = "-", octets[ANSWER_COUNT_SIZE] = "-";

	answer_format_count((double)end_s, end);
	answer_format_count((double)length_s, length);
	if (known > 0) {
		answer_format_count(counts != NULL ? counts->packets : 0, packets);
		answer_format_count(counts != NULL ? counts->octets : 0, octets);
	}
	sink->row(sink->context,
	    (const char *const[]){end, length, receiver, sender != NULL ? sender : "-", packets,
		octets, answer_format_count(known, share)});
}

static bool give_past_row(const struct answer *answer, const struct past_row *row)
{
	const struct matrix *sums = answer->past->sums;
	const struct matrix_pair counts = {.packets = row->packets, .octets = row->octets};
	const char *select = answer->window.select;

	if (select[0] != '\0' && strcmp(select, matrix_name(sums, row->receiver)) != 0 &&
	    (row->sender == UINT32_MAX || strcmp(select, matrix_name(sums, row->sender)) != 0))
		return false;
	give_detail(&answer->sink, row->end_s, row->length_s, matrix_name(sums, row->receiver),
	    row->sender == UINT32_MAX ? NULL : matrix_name(sums, row->sender), &counts, row->known);
	return true;
}

/* The next row of the receiver at the cursor; false: it has no more. */
static bool give_receiver_row(struct answer *answer, int64_t end_s)
{
	struct cursor *cursor = &answer->cursor;
	const struct resolved_receiver *watched = cursor->watched;
	const char *id = resolve_id(cursor->view, watched);

	while (watched->known > 0 && cursor->row < watched->nrows) {
		const struct matrix_pair pair =
		    resolve_row(cursor->view, watched->first_row + cursor->row++);

		if (!answer_window_is_selected(&answer->window, watched->node, pair.source))
			continue;
		give_detail(&answer->sink, end_s, answer->length_s, id,
		    matrix_name(answer->window.catalogue, pair.source), &pair, watched->known);
		return true;
	}
	return false;
}

/* Whether a receiver of which no row was given is told of all the same. */
static bool is_silent(const struct answer *answer, const struct resolved_receiver *watched)
{
	return (watched->known <= 0 || watched->nrows == 0) &&
	       answer_window_is_selected(&answer->window, watched->node, UINT32_MAX);
}

/* Gives the next row, if there is one. */
static bool give_detail_row(struct answer *answer)
{
	struct cursor *cursor = &answer->cursor;

	while (answer->past != NULL && cursor->past_row < answer->past->nrows)
		if (give_past_row(answer, &answer->past->rows[cursor->past_row++]))
			return true;
	while (cursor->moment < answer->window.count) {
		const struct answer_moment *moment = &answer->window.moments[cursor->moment];

		if (cursor->watched != NULL && give_receiver_row(answer, moment->end_s))
			return true;
		cursor->row = 0;
		cursor->watched =
		    answer_window_next(&answer->window, moment, &cursor->receiver, &cursor->view);
		if (cursor->watched == NULL) {
			cursor->receiver = 0;
			cursor->moment++;
		} else if (is_silent(answer, cursor->watched)) {
			give_detail(&answer->sink, moment->end_s, answer->length_s,
			    resolve_id(cursor->view, cursor->watched), NULL, NULL,
			    cursor->watched->known);
			return true;
		}
	}
	return false;
}

/* ---- life ---- */

int answer_begin(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink,
    struct answer **out)
{
	const struct weighting weighting = {
	    .ratio = request->kind == KIND_WEIGHTED ? request->ratio : 1,
	    .from_s = plan->from_s,
	    .to_s = plan->to_s,
	    .length_s = picture_length(source->picture)};
	struct answer *answer = calloc(1, sizeof *answer);
	int rc;

	*out = NULL;
	if (answer == NULL)
		return GRAPPE_EMEMORY;
	answer->past = past;
	answer->sink = *sink;
	answer->length_s = weighting.length_s;
	rc = answer_window_init(&answer->window, source, plan);
	if (rc == GRAPPE_OK && request->kind != KIND_DETAIL)
		rc = answer_mean_new(&answer->window, past, &weighting, &answer->mean);
	if (rc != GRAPPE_OK) {
		answer_free(answer);
		return rc;
	}
	begin(source, request, plan, past, sink);
	*out = answer;
	return GRAPPE_OK;
}

bool answer_rows(struct answer *answer, size_t limit)
{
	bool more = true;

	for (; limit > 0 && more; limit--)
		more = answer->mean != NULL ? give_mean(answer) : give_detail_row(answer);
	return more;
}

void answer_free(struct answer *answer)
{
	if (answer == NULL)
		return;
	answer_mean_free(answer->mean);
	answer_window_deinit(&answer->window);
	free(answer);
}

int answer_make(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink)
{
	struct answer *answer;
	const int rc = answer_begin(source, request, plan, past, sink, &answer);

	while (rc == GRAPPE_OK && answer_rows(answer, SIZE_MAX))
		;
	answer_free(answer);
	return rc;
}
