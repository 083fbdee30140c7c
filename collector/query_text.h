/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers as tables for people. Pure but for the stream. Times are in UTC, or in the local zone
 * when facts say so; the zone is named.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_TEXT_H
#define GRAPPE_COLLECTOR_QUERY_TEXT_H

#include "collector/query_facts.h"
#include "collector/query_names.h"
#include "collector/query_rows.h"

#include <stdio.h>

/* query_text_window - two or three lines: window, completeness, what to bear in mind. */
void query_text_window(const struct query_facts *facts, FILE *out);
/* query_text_matrix - rows in their order (query_rows_order()), at most `shown` of them: what is
 * left out is summed up in a line of its own. names: NULL: ids are shown. */
void query_text_matrix(const struct query_facts *facts, const struct query_rows *rows, size_t shown,
    const struct query_names *names, FILE *out);

/* Rows as they came, of shapes that are no matrices. */
struct query_table {
	size_t nrows, ncolumns;
	char **fields; /* nrows * ncolumns; each and the array owned */
	size_t capacity;
};

/* query_table_add - appends a copy of a row of ncolumns fields. Returns 0 or GRAPPE_EMEMORY. */
int query_table_add(struct query_table *table, const char *const *fields);
const char *query_table_field(const struct query_table *table, size_t row, size_t column);
void query_table_deinit(struct query_table *table);

/* query_text_inventory / query_text_archives - tables of these shapes. */
void query_text_inventory(
    const struct query_facts *facts, const struct query_table *table, FILE *out);
void query_text_archives(
    const struct query_facts *facts, const struct query_table *table, FILE *out);
/* query_text_status - `data` of the collector's status, which may be nonsense. */
void query_text_status(const struct query_facts *facts, const json_t *data, FILE *out);

/* query_text_bytes - "1.5 MB" (powers of 1000). Returns text. */
const char *query_text_bytes(double bytes, char *text, size_t size);

#endif
