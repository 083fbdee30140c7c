/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers as CSV, JSON and XML for programs, and single periods as lines for people: row by row, in
 * memory that does not grow with the answer. What a document promises at its beginning is only
 * closed by query_writer_end(): after an answer that broke off, JSON and XML are not whole
 * documents. doc/query.md describes the formats. Pure but for the stream it writes to.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_WRITE_H
#define GRAPPE_COLLECTOR_QUERY_WRITE_H

#include "collector/query_facts.h"
#include "collector/query_names.h"
#include "collector/query_rows.h"

#include <stdint.h>
#include <stdio.h>

enum query_format { QUERY_TEXT, QUERY_CSV, QUERY_JSON, QUERY_XML };

/* What --top left out. */
struct query_rest {
	struct query_sums total, rest;
	size_t unknown; /* receivers of which nothing is known */
};

struct query_writer {
	const struct query_facts *facts;
	const struct query_shape *shape;
	const struct query_names *names; /* NULL: none are known */
	FILE *out;
	const struct query_writer_form *form;
	uint64_t nrows;
	char ending[64];             /* of a line of CSV */
	size_t width;                /* of a name on a line for people */
	char stamped[32], stamp[64]; /* the newest time on one, as it came and as it is shown */
};

/* query_writer_init - everything is borrowed until the end. QUERY_TEXT: only of single periods. */
void query_writer_init(struct query_writer *writer, enum query_format format,
    const struct query_facts *facts, const struct query_names *names, FILE *out);
void query_writer_begin(struct query_writer *writer);
/* query_writer_row - fields of the shape, checked by query_facts_check(). Returns 0, or GRAPPE_EIO:
 * the stream takes no more. */
int query_writer_row(struct query_writer *writer, const char *const *fields);
/* query_writer_end - rest: NULL when all rows were given. Returns 0 or GRAPPE_EIO. */
int query_writer_end(struct query_writer *writer, const struct query_rest *rest);

#endif
