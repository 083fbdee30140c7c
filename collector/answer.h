/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What to answer to a request for the matrix (C-4 … C-8, C-10): at once, after a wait, from an
 * estimate, or a refusal that says when the data will be there. A plan comes first; it asks no
 * archive and can be made again whenever something arrives. When it says READY, the part of the
 * window that is older than memory is fetched (collector/past.h) and answer_make() gives the
 * rows.
 *
 * Pure: no I/O, time comes as an argument. One thread.
 */
#ifndef GRAPPE_COLLECTOR_ANSWER_H
#define GRAPPE_COLLECTOR_ANSWER_H

#include "collector/inventory.h"
#include "collector/past.h"
#include "collector/picture.h"
#include "common/protocol.h"

#define ANSWER_PERIODS_MAX 20000000 /* atomic periods of one window */

enum answer_verdict {
	ANSWER_READY,   /* answer_make() may be called now */
	ANSWER_WAIT,    /* plan again when something arrives, at wait_until_ns at the latest */
	ANSWER_LATER,   /* handed back: text and retry_at_s (C-7) */
	ANSWER_REFUSED, /* will never be answered: text */
};

struct answer_plan {
	enum answer_verdict verdict;
	int64_t from_s, to_s;    /* whole periods: ends e with from < e <= to */
	int64_t memory_from_s;   /* ends above it come from memory, the others from the archives */
	bool approximate;        /* `to` is estimated from the period before it (C-6) */
	char select[VM_ID_SIZE]; /* "" = all */
	int64_t wait_until_ns;   /* wall clock */
	int64_t retry_at_s;
	char text[256]; /* for people, LATER and REFUSED */
};

struct answer_source {
	struct picture *picture;
	const struct inventory *inventory; /* names for `select` */
	bool has_archive;                  /* windows older than memory can be answered */
	int64_t detail_s;                  /* how far back the archives hold single periods */
};

/* answer_plan - request: of OP_MATRIX. waited_ms: how long it has waited already. wall_ns: now. */
void answer_plan(const struct answer_source *source, const struct protocol_request *request,
    int64_t waited_ms, int64_t wall_ns, struct answer_plan *plan);

/* Where the answer goes: the header once, then rows of as many fields as the kind has columns. */
struct answer_sink {
	void (*begin)(void *context, const struct protocol_answer *header);
	void (*row)(void *context, const char *const *fields);
	void *context;
};

/* answer_make - a READY plan's answer. past: what the archives told of (from, memory_from], NULL
 * when all of the window is in memory. Returns 0, or GRAPPE_EMEMORY before anything went into the
 * sink. */
int answer_make(const struct answer_source *source, const struct protocol_request *request,
    const struct answer_plan *plan, const struct past *past, const struct answer_sink *sink);

/* answer_format_count - a count or mean as decimal text: whole numbers without a point. */
const char *answer_format_count(double value, char *text, size_t size);

#endif
