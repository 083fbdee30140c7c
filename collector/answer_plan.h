/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a request for the matrix can be answered (C-4 … C-7): at once, after a wait, from an
 * estimate, or not yet: a refusal that says when the data will be there. A plan asks no archive
 * and can be made again whenever something arrives.
 *
 * Pure: no I/O, time comes as an argument. One thread.
 */
#ifndef GRAPPE_COLLECTOR_ANSWER_PLAN_H
#define GRAPPE_COLLECTOR_ANSWER_PLAN_H

#include "collector/inventory.h"
#include "collector/picture.h"
#include "common/protocol.h"

#define ANSWER_PERIODS_MAX 20000000 /* atomic periods of one window */

enum answer_verdict {
	ANSWER_READY,   /* answer_begin() may be called now */
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

#endif
