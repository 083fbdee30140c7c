/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the archives tell of a window that is older than memory: sums per pair, plain or weighted,
 * and how many periods of each receiver are known, or single periods. past_read() blocks on the
 * disk (0.3 s for 10,000 pairs): daemons call it in a thread of its own; each call opens its own
 * reader.
 */
#ifndef GRAPPE_COLLECTOR_PAST_H
#define GRAPPE_COLLECTOR_PAST_H

#include "collector/weighting.h"
#include "common/caveats.h"
#include "common/identity.h"
#include "common/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAST_ROWS_MAX 20000000

/* A single period of one pair. sender "": the receiver was watched (known > 0) or not, and got
 * nothing. */
struct past_row {
	int64_t end_s;
	uint32_t length_s;
	uint32_t receiver,
	    sender; /* nodes of the matrix; sender UINT32_MAX: nothing was received */
	double packets, octets;
	double known; /* share of the row */
};

struct past {
	int64_t from_s,
	    to_s; /* the window answered, wished one widened to whole rows of the archives */
	uint32_t periods; /* atomic periods known, mean over the watched receivers, rounded down */
	struct matrix *sums; /* totals over the known periods; weighted: each with its weight */
	double *known;       /* by node: known atomic periods of a receiver; -1: no receiver here */
	double *weight;      /* by node: the same, each with its weight */
	struct past_row *rows; /* detail only, ascending by end */
	size_t nrows;
	/* Sums only. Marks are kept for each receiver: of each mark the count of the receiver that
	 * has most; periods: the most that are known of any receiver. */
	struct caveats caveats;
	size_t unreadable; /* damaged files that were left out */
};

struct past_request {
	const char *folder;   /* of the archives */
	int64_t from_s, to_s; /* ends e with from < e <= to */
	uint32_t length_s;    /* atomic period */
	bool detail;
	const struct weighting *weighting; /* weighted sums from single periods; NULL: plain ones */
	const char *select;                /* "" = all, else an id: pairs it is part of */
	void (*progress)(
	    void *context, size_t done, size_t all); /* receivers so far; may be NULL */
	void *progress_context;
};

/* past_read - *out is owned by the caller (past_free()). An archive that holds nothing of the
 * window gives an empty result, not an error. Returns 0, GRAPPE_EUNSUPPORTED (detail no longer
 * kept), GRAPPE_ELIMIT (too many rows), GRAPPE_EIO, GRAPPE_EMEMORY, with the reason in message.
 * */
int past_read(const struct past_request *request, struct past **out, char *message, size_t size);
/* past_free - NULL is allowed. */
void past_free(struct past *past);

#endif
