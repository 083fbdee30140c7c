/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_order.h"

#include "common/error.h"
#include "manager/solve_levels.h"
#include "manager/solve_open.h"
#include "manager/solve_start.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 24
#define END 0.99 /* of the budget */

struct trying {
	const struct solve_order *o;
	uint32_t *place;   /* per unit: wished now */
	uint32_t *target;  /* per VM */
	uint64_t *allowed; /* per unit, as it was */
	bool *blocked;     /* per unit: has not come where it should in one of the tries */
	bool found;
	double value; /* of the best plan */
	struct sequence *plan;
	struct cost_totals *after;
	char *what;
};

static int order_moves(const struct trying *t, bool may_park, struct sequence *plan)
{
	const struct sequence_task task = {.instance = t->o->in,
	    .bounds = t->o->bounds,
	    .target = t->target,
	    .objective = t->o->objective,
	    .may_park = may_park};

	return solve_sequence_find(&task, plan);
}

/* VMs that wait take moves: where these are limited, only if it stays within the limit. */
static int order_within_limit(const struct trying *t, struct sequence *plan)
{
	const size_t most = t->o->max_moved;
	struct sequence parked;
	int rc = order_moves(t, most == SEARCH_NO_LIMIT, plan);

	if (rc != GRAPPE_OK || plan->dropped == 0 || most == SEARCH_NO_LIMIT)
		return rc;
	rc = order_moves(t, true, &parked);
	if (rc == GRAPPE_OK && solve_sequence_voluntary(&parked) <= most) {
		solve_sequence_deinit(plan);
		*plan = parked;
	} else if (rc == GRAPPE_OK) {
		solve_sequence_deinit(&parked);
	}
	if (rc != GRAPPE_OK)
		solve_sequence_deinit(plan);
	return rc;
}

/* Takes over the plan if it is the best so far, or throws it away. */
static int judge(struct trying *t, struct sequence *plan, bool first)
{
	const struct solve_order *o = t->o;
	struct cost_totals after;
	char what[RULES_TEXT_SIZE] = "";
	const bool good = solve_bounds_check(o->bounds, o->in, plan->place, what) == 0;
	int rc = solve_model_totals_of(o->in, plan->place, &after);
	const double value = solve_model_value(o->objective, &after);

	if (first)
		memcpy(t->what, what, sizeof what);
	if (rc != GRAPPE_OK || !good || (t->found && value >= t->value)) {
		solve_sequence_deinit(plan);
		return rc;
	}
	if (t->found)
		solve_sequence_deinit(t->plan);
	*t->plan = *plan;
	*t->after = after;
	t->found = true;
	t->value = value;
	return GRAPPE_OK;
}

/* Orders the moves to the wished placement. Returns 1 when all of them are possible, 0 when those
 * of blocked units are not, or an error. */
static int try_order(struct trying *t, bool first)
{
	const struct bounds *b = t->o->bounds;
	struct sequence plan;
	bool all;
	int rc;

	for (size_t vm = 0; vm < b->nvms; vm++)
		t->target[vm] = t->place[b->unit[vm]];
	rc = order_within_limit(t, &plan);
	if (rc != GRAPPE_OK)
		return rc;
	all = plan.dropped == 0;
	for (size_t vm = 0; vm < b->nvms; vm++) {
		t->blocked[b->unit[vm]] |= plan.place[vm] != t->target[vm];
		t->place[b->unit[vm]] = plan.place[vm];
	}
	rc = judge(t, &plan, first);
	return rc == GRAPPE_OK ? all : rc;
}

/* Some of those that blocked each other stay where they came to, in some tries others as well. */
static void hold_some(struct trying *t, int tries)
{
	struct solve_graph *g = t->o->graph;
	const bool others = tries % 2 != 0;

	for (uint32_t u = 0; u < g->nodes; u++) {
		const uint64_t here = UINT64_C(1) << t->place[u];
		const bool held = tries == 0 || solve_lots_draw(t->o->lots, 2) == 0;

		if (held && (t->blocked[u] || others) && (t->allowed[u] & here) != 0)
			g->allowed[u] = here;
	}
}

static int improve(const struct solve_order *o, uint32_t *place, size_t max_moved, double end)
{
	if (o->objective == COST_RESOURCES)
		return solve_open_fewest(
		    o->in, o->graph, place, max_moved, o->lots, o->budget, end);
	return solve_levels_improve(o->graph, place, max_moved, o->lots, o->budget, end);
}

/* Another placement: with fewer choices, or, in turns, with fewer moves, which block each other
 * less. */
static int look_elsewhere(struct trying *t, int tries)
{
	const struct solve_order *o = t->o;
	const bool near = o->max_moved == SEARCH_NO_LIMIT && tries % 2 == 0;
	const double now = solve_budget_progress(o->budget);
	size_t most = o->max_moved;
	struct solve_state state;
	int rc = solve_state_init(&state, o->graph);

	if (near)
		solve_start_now(o->in, o->bounds, o->graph, t->place);
	else
		hold_some(t, tries / 2);
	if (rc == GRAPPE_OK)
		rc = solve_start_find(&state, t->place, o->lots, o->budget);
	if (rc == GRAPPE_OK)
		memcpy(t->place, state.place, o->graph->nodes * sizeof *t->place);
	if (near)
		most = state.moved + 1 + solve_lots_draw(o->lots, o->graph->nodes / 2 + 1);
	if (rc == GRAPPE_OK && (most == SEARCH_NO_LIMIT || state.moved <= most))
		rc = improve(o, t->place, most, now + (END - now) / (TRIES - tries));
	solve_state_deinit(&state);
	memcpy(o->graph->allowed, t->allowed, o->graph->nodes * sizeof *t->allowed);
	return rc;
}

static int try_all(struct trying *t)
{
	int rc = try_order(t, true);

	for (int i = 0; rc == 0 && i < TRIES && solve_budget_progress(t->o->budget) < END; i++) {
		rc = look_elsewhere(t, i);
		if (rc == GRAPPE_OK)
			rc = try_order(t, false);
		/* What stays may leave no room for the others: the next ones are others. */
		if (rc == GRAPPE_ENOTFOUND || rc == 1)
			rc = 0;
	}
	return rc;
}

int solve_order_exists(const struct solve_order *order, const uint32_t *place)
{
	const struct bounds *b = order->bounds;
	struct trying t = {.o = order, .target = calloc(b->nvms + 1, sizeof *t.target)};
	struct sequence plan;
	int rc = t.target != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	for (size_t vm = 0; rc == GRAPPE_OK && vm < b->nvms; vm++)
		t.target[vm] = place[b->unit[vm]];
	if (rc == GRAPPE_OK)
		rc = order_within_limit(&t, &plan);
	if (rc == GRAPPE_OK) {
		rc = plan.dropped == 0;
		solve_sequence_deinit(&plan);
	}
	free(t.target);
	return rc;
}

int solve_order_find(const struct solve_order *order, const uint32_t *place, struct sequence *plan,
    struct cost_totals *after, char what[RULES_TEXT_SIZE])
{
	const size_t units = order->graph->nodes;
	struct trying t = {.o = order,
	    .place = calloc(units + 1, sizeof *t.place),
	    .target = calloc(order->in->nvms + 1, sizeof *t.target),
	    .allowed = calloc(units + 1, sizeof *t.allowed),
	    .blocked = calloc(units + 1, sizeof *t.blocked),
	    .plan = plan,
	    .after = after,
	    .what = what};
	int rc = GRAPPE_EMEMORY;

	if (t.place != NULL && t.target != NULL && t.allowed != NULL && t.blocked != NULL) {
		memcpy(t.place, place, units * sizeof *t.place);
		memcpy(t.allowed, order->graph->allowed, units * sizeof *t.allowed);
		rc = try_all(&t);
	}
	free(t.place);
	free(t.target);
	free(t.allowed);
	free(t.blocked);
	if (rc >= 0)
		return t.found ? GRAPPE_OK : GRAPPE_ENOTFOUND;
	if (t.found)
		solve_sequence_deinit(plan);
	return rc;
}
