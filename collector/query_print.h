/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers as text for people, CSV and JSON. Pure but for the stream it writes to. An answer is a
 * header and a table of texts, wherever it came from.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_PRINT_H
#define GRAPPE_COLLECTOR_QUERY_PRINT_H

#include "common/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum query_format { QUERY_TEXT, QUERY_CSV, QUERY_JSON };

struct query_table {
	struct protocol_answer header;
	enum protocol_op op;
	enum protocol_kind kind;
	size_t nrows, ncolumns;
	char **fields; /* nrows * ncolumns; each and the array owned */
	size_t capacity;
};

/* query_table_add - appends a copy of a row of ncolumns fields. Returns 0 or GRAPPE_EMEMORY. */
int query_table_add(struct query_table *table, const char *const *fields);
const char *query_table_field(const struct query_table *table, size_t row, size_t column);
void query_table_deinit(struct query_table *table);

/* query_print - the table to out. names: an inventory's table for display names, or NULL. ids:
 * show ids in place of names (text only; CSV and JSON have both). Returns 0, GRAPPE_EIO or
 * GRAPPE_EMEMORY. */
int query_print(const struct query_table *table, const struct query_table *names,
    enum query_format format, bool ids, FILE *out);

/* query_format_bytes / query_format_stamp - "1.5 MB" (powers of 1000); "2026-11-22 20:30:00". */
const char *query_format_bytes(double bytes, char *text, size_t size);
const char *query_format_stamp(int64_t epoch_s, char *text, size_t size);

#endif
