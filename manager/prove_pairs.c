/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/prove_pairs.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>

#define ROUNDING 1e-12 /* of the largest cost of a pair: what is less is 0 */

/* ---- costs ---- */

/* The pair's matrix; a new one where there was none. NULL without memory. */
static struct prove_pair *pair_of(
    struct prove_pairs *pairs, size_t *slot, uint32_t nunits, uint32_t u, uint32_t w)
{
	struct prove_pair *pair;

	if (slot[u * nunits + w] == 0) {
		pair = &pairs->items[pairs->count];
		pair->cost = calloc((size_t)pairs->envs * pairs->envs, sizeof *pair->cost);
		if (pair->cost == NULL)
			return NULL;
		pair->u = u;
		pair->w = w;
		slot[u * nunits + w] = ++pairs->count;
	}
	return &pairs->items[slot[u * nunits + w] - 1];
}

static void add_flow(const struct prove_pairs *pairs, const struct cost_tables *tables,
    const double weight[COST_TERMS], bool to_u, double *cost)
{
	const uint32_t envs = pairs->envs;

	for (uint32_t e = 0; e < envs; e++)
		for (uint32_t f = 0; f < envs; f++)
			for (unsigned t = 0; t < tables->terms; t++)
				cost[e * envs + f] +=
				    weight[t] *
				    tables->table[t][to_u ? f * envs + e : e * envs + f];
}

static int add_flows(struct prove_pairs *pairs, const struct instance *in,
    const struct bounds *bounds, enum cost_objective objective, const struct cost_tables *tables)
{
	const uint32_t nunits = (uint32_t)bounds->nunits;
	size_t *slot = calloc((size_t)nunits * nunits + 1, sizeof *slot);

	if (slot == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < in->nflows; i++) {
		const struct instance_flow *flow = &in->flows[i];
		double weight[COST_TERMS];
		struct prove_pair *pair;
		uint32_t from, to;

		if (flow->from >= in->nvms || flow->to >= in->nvms)
			continue; /* part of what one unit costs */
		from = bounds->unit[flow->from];
		to = bounds->unit[flow->to];
		if (from == to)
			continue; /* the same */
		pair = pair_of(pairs, slot, nunits, from < to ? from : to, from < to ? to : from);
		if (pair == NULL) {
			free(slot);
			return GRAPPE_EMEMORY;
		}
		solve_model_of_flow(in, objective, flow, weight);
		add_flow(pairs, tables, weight, to < from, pair->cost);
	}
	free(slot);
	return GRAPPE_OK;
}

int prove_pairs_build(const struct instance *in, const struct bounds *bounds,
    enum cost_objective objective, struct prove_pairs *out)
{
	struct cost_tables tables;
	int rc = solve_model_tables_init(in, objective, &tables);

	*out = (struct prove_pairs){.envs = (uint32_t)in->nenvs};
	out->items = calloc(bounds->nunits * bounds->nunits / 2 + 1, sizeof *out->items);
	if (out->items == NULL)
		rc = GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK && tables.terms > 0)
		rc = add_flows(out, in, bounds, objective, &tables);
	solve_model_tables_deinit(&tables);
	return rc;
}

void prove_pairs_deinit(struct prove_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		free(pairs->items[i].cost);
	free(pairs->items);
	*pairs = (struct prove_pairs){0};
}

/* ---- the split ---- */

/* A pair on its way: rows are places of u, columns those of w. */
struct split {
	double *cost, *alone_u, *alone_w;
	uint64_t rows, columns;           /* that are allowed */
	uint64_t tree_rows, tree_columns; /* that hang together by cells without difference */
	uint32_t envs;
	double rounding;
};

static bool has(uint64_t set, uint32_t env)
{
	return (set >> env & 1) != 0;
}

static double slack(const struct split *s, uint32_t e, uint32_t f)
{
	return s->alone_u[e] + s->alone_w[f] - s->cost[e * s->envs + f];
}

/* Least sums: first by rows, then what that leaves by columns. */
static void split_first(struct split *s)
{
	for (uint32_t e = 0; e < s->envs; e++) {
		s->alone_u[e] = has(s->rows, e) ? -INFINITY : 0;
		s->alone_w[e] = has(s->columns, e) ? -INFINITY : 0;
		for (uint32_t f = 0; has(s->rows, e) && f < s->envs; f++)
			if (has(s->columns, f))
				s->alone_u[e] = fmax(s->alone_u[e], s->cost[e * s->envs + f]);
	}
	for (uint32_t e = 0; e < s->envs; e++)
		for (uint32_t f = 0; has(s->rows, e) && f < s->envs; f++)
			if (has(s->columns, f))
				s->alone_w[f] =
				    fmax(s->alone_w[f], s->cost[e * s->envs + f] - s->alone_u[e]);
}

/* Adds what cells without difference bind to the tree. Returns whether that was anything. */
static bool grow_tree(struct split *s)
{
	const uint64_t rows = s->tree_rows, columns = s->tree_columns;

	for (uint32_t e = 0; e < s->envs; e++)
		for (uint32_t f = 0; has(s->rows, e) && f < s->envs; f++)
			if (has(s->columns, f) && slack(s, e, f) <= s->rounding &&
			    (has(s->tree_rows, e) || has(s->tree_columns, f))) {
				s->tree_rows |= UINT64_C(1) << e;
				s->tree_columns |= UINT64_C(1) << f;
			}
	return s->tree_rows != rows || s->tree_columns != columns;
}

/* Lowers the rows of the tree and raises its columns until one more column belongs to it. Returns
 * false when there is none. */
static bool bend(struct split *s)
{
	double least = INFINITY;

	for (uint32_t e = 0; e < s->envs; e++)
		for (uint32_t f = 0; has(s->tree_rows, e) && f < s->envs; f++)
			if (has(s->columns & ~s->tree_columns, f))
				least = fmin(least, slack(s, e, f));
	if (!isfinite(least))
		return false;
	for (uint32_t e = 0; e < s->envs; e++) {
		s->alone_u[e] -= has(s->tree_rows, e) ? least : 0;
		s->alone_w[e] += has(s->tree_columns, e) ? least : 0;
	}
	return true;
}

size_t prove_pairs_split(const struct prove_pairs *pairs, struct prove_pair *pair,
    uint64_t allowed_u, uint64_t allowed_w, double *alone_u, double *alone_w)
{
	struct split s = {.cost = pair->cost,
	    .alone_u = alone_u,
	    .alone_w = alone_w,
	    .rows = allowed_u,
	    .columns = allowed_w,
	    .tree_rows = allowed_u & -allowed_u,
	    .envs = pairs->envs};
	size_t count = 0;

	for (uint32_t i = 0; i < s.envs * s.envs; i++)
		s.rounding = fmax(s.rounding, ROUNDING * fabs(s.cost[i]));
	split_first(&s);
	do {
		while (grow_tree(&s))
			continue;
	} while (bend(&s) && grow_tree(&s));
	for (uint32_t e = 0; e < s.envs; e++) {
		for (uint32_t f = 0; f < s.envs; f++) {
			const double left = slack(&s, e, f);
			const bool counts =
			    has(allowed_u, e) && has(allowed_w, f) && left > s.rounding;

			s.cost[e * s.envs + f] = counts ? -left : 0;
			count += counts;
		}
	}
	return count;
}
