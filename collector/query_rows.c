/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_rows.h"

#include "common/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int query_rows_init(struct query_rows *rows)
{
	*rows = (struct query_rows){.ids = matrix_new()};
	return rows->ids != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

void query_rows_deinit(struct query_rows *rows)
{
	matrix_free(rows->ids);
	free(rows->pairs);
	*rows = (struct query_rows){0};
}

int query_rows_register(struct query_rows *rows, const char *id)
{
	return matrix_node(rows->ids, id);
}

const char *query_rows_id(const struct query_rows *rows, uint32_t number)
{
	return number == QUERY_NOBODY ? "-" : matrix_name(rows->ids, number);
}

int query_rows_add_pair(struct query_rows *rows, const struct query_pair *pair)
{
	if (rows->count == rows->capacity) {
		const size_t wanted = rows->capacity ? 2 * rows->capacity : 1024;
		struct query_pair *bigger = reallocarray(rows->pairs, wanted, sizeof *bigger);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		rows->pairs = bigger;
		rows->capacity = wanted;
	}
	rows->pairs[rows->count++] = *pair;
	return GRAPPE_OK;
}

static double number(const char *text)
{
	return strcmp(text, "-") == 0 ? NAN : strtod(text, NULL);
}

int query_rows_add(struct query_rows *rows, const char *const *fields)
{
	const int receiver = query_rows_register(rows, fields[0]);
	const int sender = strcmp(fields[1], "-") == 0 ? 0 : query_rows_register(rows, fields[1]);
	const double known = number(fields[4]);
	struct query_pair pair = {.receiver = (uint32_t)receiver,
	    .sender = strcmp(fields[1], "-") == 0 ? QUERY_NOBODY : (uint32_t)sender,
	    .packets = number(fields[2]),
	    .octets = number(fields[3]),
	    .known = isnan(known) ? 0 : known};

	if (receiver < 0 || sender < 0)
		return receiver < 0 ? receiver : sender;
	if (pair.known <= 0)
		pair.packets = pair.octets = NAN;
	return query_rows_add_pair(rows, &pair);
}

double query_rows_value(
    const struct query_facts *facts, const struct query_pair *pair, enum query_by by)
{
	const double mean = by == QUERY_PACKETS ? pair->packets : pair->octets;

	return query_facts_is_weighted(facts) ? mean : mean * pair->known;
}

/* ---- order ---- */

struct ranked {
	double value;
	size_t at;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (isnan(a->value) || isnan(b->value)) {
		if (isnan(a->value) != isnan(b->value))
			return isnan(a->value) ? 1 : -1;
	} else if (a->value != b->value) {
		return a->value > b->value ? -1 : 1;
	}
	return a->at < b->at ? -1 : 1;
}

int query_rows_order(struct query_rows *rows, const struct query_facts *facts)
{
	struct ranked *ranked = calloc(rows->count + 1, sizeof *ranked);
	struct query_pair *pairs = calloc(rows->count + 1, sizeof *pairs);

	if (ranked == NULL || pairs == NULL) {
		free(ranked);
		free(pairs);
		return GRAPPE_EMEMORY;
	}
	for (size_t i = 0; i < rows->count; i++) {
		const bool silent = rows->pairs[i].sender == QUERY_NOBODY;
		const double value = query_rows_value(facts, &rows->pairs[i], facts->by);

		/* Between the pairs and the unknown. */
		ranked[i] = (struct ranked){silent && !isnan(value) ? -1 : value, i};
	}
	qsort(ranked, rows->count, sizeof *ranked, compare_ranked);
	for (size_t i = 0; i < rows->count; i++)
		pairs[i] = rows->pairs[ranked[i].at];
	free(ranked);
	free(rows->pairs);
	rows->pairs = pairs;
	rows->capacity = rows->count + 1;
	return GRAPPE_OK;
}

static bool is_counted(const struct query_pair *pair)
{
	return pair->sender != QUERY_NOBODY && !isnan(pair->octets) && !isnan(pair->packets);
}

size_t query_rows_top(const struct query_rows *rows, size_t wanted)
{
	size_t n = 0;

	while (n < rows->count && n < wanted && is_counted(&rows->pairs[n]))
		n++;
	return n;
}

struct query_sums query_rows_sum(
    const struct query_rows *rows, const struct query_facts *facts, size_t first)
{
	struct query_sums sums = {0};

	for (size_t i = first; i < rows->count; i++) {
		if (!is_counted(&rows->pairs[i]))
			continue;
		sums.pairs++;
		sums.packets += query_rows_value(facts, &rows->pairs[i], QUERY_PACKETS);
		sums.octets += query_rows_value(facts, &rows->pairs[i], QUERY_BYTES);
	}
	return sums;
}

size_t query_rows_unknown(const struct query_rows *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++)
		count += isnan(rows->pairs[i].octets) && rows->pairs[i].sender == QUERY_NOBODY;
	return count;
}

/* As the collector writes counts, so that a number comes out as it came in. */
static const char *format(double value, char text[QUERY_NUMBER_SIZE])
{
	if (isnan(value))
		return "-";
	if (value == floor(value) && value < 1e15)
		snprintf(text, QUERY_NUMBER_SIZE, "%.0f", value);
	else
		snprintf(text, QUERY_NUMBER_SIZE, "%.10g", value);
	return text;
}

void query_rows_fields(const struct query_rows *rows, size_t row, char text[3][QUERY_NUMBER_SIZE],
    const char *fields[5])
{
	const struct query_pair *pair = &rows->pairs[row];

	fields[0] = query_rows_id(rows, pair->receiver);
	fields[1] = query_rows_id(rows, pair->sender);
	fields[2] = format(pair->packets, text[0]);
	fields[3] = format(pair->octets, text[1]);
	fields[4] = format(pair->known, text[2]);
}
