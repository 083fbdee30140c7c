/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plain and weighted means (C-8) over a window, from memory and from the archives. Internal to the
 * answers. Pure; one thread.
 *
 * Cost: one addition for each row of the window in memory; then the pairs are sorted once.
 */
#ifndef GRAPPE_COLLECTOR_ANSWER_MEAN_H
#define GRAPPE_COLLECTOR_ANSWER_MEAN_H

#include "collector/answer_window.h"
#include "collector/past.h"
#include "collector/weighting.h"

struct answer_mean; /* opaque */

struct answer_mean_row {
	const char *receiver;   /* valid as long as the window */
	const char *sender;     /* NULL: nothing was received */
	double packets, octets; /* per period; meaningless when weight is 0 */
	double weight;          /* 0: nothing is known of the receiver */
	double known;           /* periods */
};

/* answer_mean_new - window: selected receivers are found anew. past: NULL when all is in memory.
 * Rows come in the order of the receivers' and senders' ids. Returns 0 or GRAPPE_EMEMORY. */
int answer_mean_new(struct answer_window *window, const struct past *past,
    const struct weighting *weighting, struct answer_mean **out);
/* answer_mean_free - NULL is allowed. */
void answer_mean_free(struct answer_mean *mean);
/* answer_mean_next - the next row; false: there are no more. */
bool answer_mean_next(struct answer_mean *mean, struct answer_mean_row *row);

#endif
