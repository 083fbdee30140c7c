/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_fold.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a detail. */
enum { END, LENGTH, RECEIVER, SENDER, PACKETS, OCTETS, KNOWN };

/* What is known of a node as a receiver. */
struct watch {
	bool receiver;
	bool busy;     /* it got something */
	int64_t end_s; /* of the newest row */
	double known;  /* periods */
	double weight; /* coefficient x known share, summed up */
};

struct query_fold {
	const double *coefficients;
	size_t count;
	int64_t to_s, length_s;
	struct matrix *sums; /* coefficient x count */
	struct watch *watches;
	size_t size; /* of watches */
};

int query_fold_new(const double *coefficients, size_t count, struct query_fold **out)
{
	struct query_fold *fold = calloc(1, sizeof *fold);

	*out = fold;
	if (fold == NULL)
		return GRAPPE_EMEMORY;
	fold->coefficients = coefficients;
	fold->count = count;
	fold->sums = matrix_new();
	return fold->sums != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

void query_fold_free(struct query_fold *fold)
{
	if (fold == NULL)
		return;
	matrix_free(fold->sums);
	free(fold->watches);
	free(fold);
}

void query_fold_window(struct query_fold *fold, int64_t to_s, uint32_t length_s)
{
	fold->to_s = to_s;
	fold->length_s = length_s;
}

static int node_of(struct query_fold *fold, const char *id)
{
	const int node = matrix_node(fold->sums, id);
	size_t wanted = fold->size ? fold->size : 64;
	struct watch *bigger;

	if (node < 0 || (size_t)node < fold->size)
		return node;
	while (wanted <= (size_t)node)
		wanted *= 2;
	bigger = reallocarray(fold->watches, wanted, sizeof *bigger);
	if (bigger == NULL)
		return GRAPPE_EMEMORY;
	memset(bigger + fold->size, 0, (wanted - fold->size) * sizeof *bigger);
	fold->watches = bigger;
	fold->size = wanted;
	return node;
}

/* The coefficient of a row's period, or -1. */
static double coefficient_of(
    const struct query_fold *fold, const char *const *fields, int64_t end_s)
{
	const int64_t age_s = fold->to_s - end_s;

	if (fold->length_s <= 0 || strtoll(fields[LENGTH], NULL, 10) != fold->length_s ||
	    age_s < 0 || age_s % fold->length_s != 0 ||
	    (uint64_t)(age_s / fold->length_s) >= fold->count)
		return -1;
	return fold->coefficients[fold->count - 1 - (size_t)(age_s / fold->length_s)];
}

int query_fold_add(struct query_fold *fold, const char *const *fields)
{
	const int64_t end_s = strtoll(fields[END], NULL, 10);
	const double coefficient = coefficient_of(fold, fields, end_s);
	const double known = strcmp(fields[KNOWN], "-") == 0 ? 0 : strtod(fields[KNOWN], NULL);
	const int receiver = node_of(fold, fields[RECEIVER]);
	struct watch *watch;
	int sender;

	if (receiver < 0)
		return receiver;
	watch = &fold->watches[receiver];
	if (coefficient < 0 || known > 1 || (watch->receiver && end_s < watch->end_s))
		return GRAPPE_EFORMAT;
	if ((!watch->receiver || end_s > watch->end_s) && coefficient > 0) {
		watch->known += known;
		watch->weight += known * coefficient;
	}
	watch->receiver = true;
	watch->end_s = end_s;
	if (known <= 0 || coefficient <= 0 || strcmp(fields[SENDER], "-") == 0)
		return GRAPPE_OK;
	if (strcmp(fields[PACKETS], "-") == 0 || strcmp(fields[OCTETS], "-") == 0)
		return GRAPPE_EFORMAT;
	watch->busy = true;
	sender = node_of(fold, fields[SENDER]);
	if (sender < 0)
		return sender;
	return matrix_add(fold->sums, (uint32_t)sender, (uint32_t)receiver,
	    strtod(fields[PACKETS], NULL) * coefficient,
	    strtod(fields[OCTETS], NULL) * coefficient);
}

static int compare_pairs(const void *left, const void *right, void *context)
{
	const struct query_pair *a = left, *b = right;
	const struct query_rows *rows = context;
	const int order =
	    strcmp(query_rows_id(rows, a->receiver), query_rows_id(rows, b->receiver));

	return order != 0 ? order
			  : strcmp(query_rows_id(rows, a->sender), query_rows_id(rows, b->sender));
}

/* sender NULL: nothing was received, or nothing is known. */
static int add_mean(const struct query_fold *fold, struct query_rows *rows, uint32_t node,
    const char *sender, double packets, double octets)
{
	const struct watch *watch = &fold->watches[node];
	const int receiver = query_rows_register(rows, matrix_name(fold->sums, node));
	const int from = sender != NULL ? query_rows_register(rows, sender) : 0;
	const struct query_pair pair = {.receiver = (uint32_t)receiver,
	    .sender = sender != NULL ? (uint32_t)from : QUERY_NOBODY,
	    .packets = watch->weight > 0 ? packets / watch->weight : NAN,
	    .octets = watch->weight > 0 ? octets / watch->weight : NAN,
	    .known = watch->known};

	if (receiver < 0 || from < 0)
		return receiver < 0 ? receiver : from;
	return query_rows_add_pair(rows, &pair);
}

int query_fold_finish(const struct query_fold *fold, struct query_rows *rows)
{
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(fold->sums, &count);
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < count && rc == GRAPPE_OK; i++)
		rc = add_mean(fold, rows, pairs[i].receiver,
		    matrix_name(fold->sums, pairs[i].source), pairs[i].packets, pairs[i].octets);
	for (uint32_t n = 0; n < matrix_nodes(fold->sums) && rc == GRAPPE_OK; n++)
		if (fold->watches[n].receiver && !fold->watches[n].busy)
			rc = add_mean(fold, rows, n, NULL, 0, 0);
	if (rc == GRAPPE_OK && rows->count > 0)
		qsort_r(rows->pairs, rows->count, sizeof *rows->pairs, compare_pairs, rows);
	return rc;
}
