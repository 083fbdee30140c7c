/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pairs of a matrix in memory, for what needs all of them at once: a table with the largest
 * first, --top, pictures, coefficients. Pure. query_rows_init(), add, order, use,
 * query_rows_deinit().
 */
#ifndef GRAPPE_COLLECTOR_QUERY_ROWS_H
#define GRAPPE_COLLECTOR_QUERY_ROWS_H

#include "collector/query_facts.h"
#include "common/matrix.h"

#define QUERY_NOBODY UINT32_MAX /* the sender of a receiver that got nothing */

struct query_pair {
	uint32_t receiver, sender; /* numbers of query_rows_id() */
	double packets, octets;    /* per period; NAN: unknown */
	double known;              /* periods */
};

struct query_rows {
	struct matrix *ids; /* serves as a register of ids */
	struct query_pair *pairs;
	size_t count, capacity;
};

/* Sums over pairs: over the known part of the window, or per period where the answer is weighted.
 */
struct query_sums {
	size_t pairs;
	double packets, octets;
};

int query_rows_init(struct query_rows *rows);
void query_rows_deinit(struct query_rows *rows);
/* query_rows_register - number of an id. Returns it (>= 0) or an error code. */
int query_rows_register(struct query_rows *rows, const char *id);
const char *query_rows_id(const struct query_rows *rows, uint32_t number);
/* query_rows_add - fields of the shape of a mean. Returns 0, GRAPPE_EMEMORY, GRAPPE_ELIMIT or
 * GRAPPE_EINVALID (an id that is none). */
int query_rows_add(struct query_rows *rows, const char *const *fields);
int query_rows_add_pair(struct query_rows *rows, const struct query_pair *pair);

/* query_rows_value - what a row counts for: its sum over the known part of the window, or per
 * period where the answer is weighted. NAN: unknown. */
double query_rows_value(
    const struct query_facts *facts, const struct query_pair *pair, enum query_by by);
/* query_rows_order - the largest first by facts->by, the unknown last; ties as they came.
 * Returns 0 or GRAPPE_EMEMORY. */
int query_rows_order(struct query_rows *rows, const struct query_facts *facts);
/* query_rows_top - after query_rows_order(): how many rows show the `wanted` largest pairs. */
size_t query_rows_top(const struct query_rows *rows, size_t wanted);
/* query_rows_sum - of the rows from `first` on, without unknown ones and silent receivers. */
struct query_sums query_rows_sum(
    const struct query_rows *rows, const struct query_facts *facts, size_t first);
/* query_rows_unknown - receivers of which no period is known. */
size_t query_rows_unknown(const struct query_rows *rows);

/* query_rows_fields - a row as the fields it came as; text: room for its numbers. */
#define QUERY_NUMBER_SIZE 32
void query_rows_fields(const struct query_rows *rows, size_t row, char text[3][QUERY_NUMBER_SIZE],
    const char *fields[5]);

#endif
