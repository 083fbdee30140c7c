/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A vector of coefficients applied to single periods (C-8): the mean of a pair is
 *
 *     sum of coefficient x count  /  sum of coefficient x known share
 *
 * over the periods that are known of its receiver, so that unknown ones are left out and the
 * others' weights stand for them. Pure; in memory that grows with the pairs, not with the periods.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_FOLD_H
#define GRAPPE_COLLECTOR_QUERY_FOLD_H

#include "collector/query_rows.h"

struct query_fold; /* opaque */

/* query_fold_new - coefficients: count of them, >= 0, finite, the last for the newest period;
 * borrowed. Returns 0 or GRAPPE_EMEMORY. */
int query_fold_new(const double *coefficients, size_t count, struct query_fold **out);
/* query_fold_free - NULL is allowed. */
void query_fold_free(struct query_fold *fold);
/* query_fold_window - of the answer whose rows come: its end, the length of its periods. */
void query_fold_window(struct query_fold *fold, int64_t to_s, uint32_t length_s);
/* query_fold_add - a row of the shape of a detail; rows of a receiver come by time. Returns 0,
 * GRAPPE_EMEMORY, GRAPPE_ELIMIT, or GRAPPE_EFORMAT: no period of the window, not in order. */
int query_fold_add(struct query_fold *fold, const char *const *fields);
/* query_fold_finish - the means into rows (query_rows_init() was called), in the order of ids.
 * Known are the periods with a coefficient above 0. Returns 0, GRAPPE_EMEMORY or GRAPPE_ELIMIT. */
int query_fold_finish(const struct query_fold *fold, struct query_rows *rows);

#endif
