/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an answer is about, beside its rows: the same for every format. And the rows' shape.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_FACTS_H
#define GRAPPE_COLLECTOR_QUERY_FACTS_H

#include "common/protocol.h"

#include <stdbool.h>
#include <stddef.h>

#define QUERY_COEFFICIENTS_MAX 100000

enum query_what {
	QUERY_MEAN,
	QUERY_WEIGHTED,
	QUERY_COEFFICIENTS,
	QUERY_DETAIL,
	QUERY_INVENTORY,
	QUERY_ARCHIVES, /* which receivers an archive folder holds */
};

enum query_by { QUERY_BYTES, QUERY_PACKETS };

struct query_facts {
	enum query_what what;
	struct protocol_answer header; /* without columns and data; matrices only */
	double ratio;                  /* QUERY_WEIGHTED */
	const double *coefficients;    /* QUERY_COEFFICIENTS, oldest period first; borrowed */
	size_t ncoefficients;
	enum query_by by; /* what people's tables, --top and pictures go by */
	bool local;       /* people's times in the local zone */
	bool ids;         /* people see ids in place of names */
};

struct query_key {
	const char *name; /* in CSV, JSON and XML, with its unit */
	bool number;
};

struct query_shape {
	const char *name; /* of the kind of answer */
	const struct query_key *keys;
	size_t ncolumns;
	size_t receiver; /* column of the receiver's id, the sender's follows */
	bool matrix;     /* has them */
};

/* query_facts_shape - constant. */
const struct query_shape *query_facts_shape(enum query_what what);
/* query_facts_is_weighted - whether counts are per period, without a sum over the window. */
bool query_facts_is_weighted(const struct query_facts *facts);
/* query_facts_check - whether fields have the shape: numbers are decimal, finite and not negative,
 * or
 * "-" for the unknown. Returns 0 or GRAPPE_EFORMAT. */
int query_facts_check(const struct query_shape *shape, const char *const *fields);

#endif
