/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer to a request for the matrix (C-4 … C-8, C-10), once its plan
 * (collector/answer_plan.h) says READY and what is older than memory was fetched
 * (collector/past.h): a header, then rows, as many at a time as the reader takes. What the answer
 * is about was settled at its beginning; what arrives meanwhile changes nothing.
 *
 * Pure: no I/O. One thread. Life-cycle: answer_begin(), answer_rows() until false, answer_free().
 */
#ifndef GRAPPE_COLLECTOR_ANSWER_H
#define GRAPPE_COLLECTOR_ANSWER_H

#include "collector/answer_plan.h"
#include "collector/past.h"

#define ANSWER_COUNT_SIZE 32

struct answer; /* opaque */

/* Where the answer goes: the header once, then rows of as many fields as the kind has columns. */
struct answer_sink {
	void (*begin)(void *context, const struct protocol_answer *header);
	void (*row)(void *context, const char *const *fields);
	void *context;
};

/* answer_begin - gives the header of a READY plan's answer. past: what the archives told of (from,
 * memory_from], NULL when all of the window is in memory; it and the source must stay until
 * answer_free(). Returns 0, or GRAPPE_EMEMORY before anything went into the sink. */
int answer_begin(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink,
    struct answer **out);
/* answer_rows - gives at most `limit` rows. false: that was all. */
bool answer_rows(struct answer *answer, size_t limit);
/* answer_free - NULL is allowed. */
void answer_free(struct answer *answer);

/* answer_make - all of it at once. Returns as answer_begin(). */
int answer_make(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink);

/* answer_format_count - a count or mean as decimal text: whole numbers without a point, others with
 * up to ten digits. */
const char *answer_format_count(double value, char text[ANSWER_COUNT_SIZE]);

#endif
