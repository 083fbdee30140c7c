/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve.h"

#include "common/error.h"
#include "manager/solve_levels.h"
#include "manager/solve_open.h"
#include "manager/solve_order.h"
#include "manager/solve_start.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STARTS 20
#define START_SHARE 0.1 /* of the budget, when the first one takes too many moves */
#define CURVE_SHARE 0.1 /* of the budget, from its beginning */
#define SEARCH_END 0.92 /* of the budget; the rest is for the order of moves and the output */
#define CAPPED_END 0.6  /* the same, when caps may take the rest */
#define CURVE_POINTS 12
/* After so much of the budget it is seen whether moves block each other: then the search for a
 * placement ends, and what is left of the budget looks for one that can be reached. */
#define GLANCE_SHARE 0.15
#define GLANCE_VMS 1000
/* Instances that fit into a cache are worked on so much faster. */
#define CACHED_VMS 5000
#define CACHED_SPEED 1.6
#define LIMIT_S_PER_VM 2e-4 /* of many VMs */

struct solving {
	const struct instance *in;
	const struct solve_settings *settings;
	struct bounds bounds;
	struct solve_graph graph;
	struct lots lots;
	struct budget budget;
	uint32_t *place;  /* per unit */
	uint32_t *target; /* per VM */
	size_t max_moved;
	struct solve_answer *out;
};

double solve_default_limit_s(size_t nvms)
{
	static const struct {
		size_t nvms;
		double limit_s;
	} table[] = {{60, 1}, {5000, 15}};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (nvms <= table[i].nvms)
			return table[i].limit_s;
	return LIMIT_S_PER_VM * (double)nvms;
}

/* ---- a first placement ---- */

/* Who moved for nothing goes back, again and again, as each leaves room for others. */
static void send_home(struct solving *s, struct solve_state *state)
{
	bool again = true;

	while (again && state->moved > s->max_moved) {
		again = false;
		for (uint32_t node = 0; node < s->graph.nodes; node++) {
			for (uint32_t e = 0; e < s->graph.envs; e++) {
				if (solve_state_moved_by(state, node, e) >= 0 ||
				    !solve_state_may(state, node, e))
					continue;
				solve_state_put(state, node, e);
				again = true;
			}
		}
	}
}

/* One placement that keeps all limits; kept if it takes fewer moves than *moved. */
static int find_start_once(struct solving *s, const uint32_t *now, size_t *moved)
{
	struct solve_state state;
	int rc = solve_state_init(&state, &s->graph);

	if (rc == GRAPPE_OK)
		rc = solve_start_find(&state, now, &s->lots, &s->budget);
	if (rc == GRAPPE_OK)
		send_home(s, &state);
	if (rc == GRAPPE_OK && state.moved < *moved) {
		*moved = state.moved;
		memcpy(s->place, state.place, s->graph.nodes * sizeof *s->place);
	}
	solve_state_deinit(&state);
	return rc;
}

/* Returns 0, GRAPPE_ENOTFOUND or GRAPPE_EMEMORY. */
static int find_start(struct solving *s)
{
	uint32_t *now = malloc((s->graph.nodes + 1) * sizeof *now);
	size_t moved = SIZE_MAX;
	int rc = now != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK) {
		solve_start_now(s->in, &s->bounds, &s->graph, now);
		rc = find_start_once(s, now, &moved);
	}
	for (int i = 1; rc == GRAPPE_OK && moved > s->max_moved && i < STARTS &&
			solve_budget_progress(&s->budget) < START_SHARE;
	     i++)
		rc = find_start_once(s, now, &moved);
	if (rc == GRAPPE_ENOTFOUND && moved < SIZE_MAX)
		rc = GRAPPE_OK;
	if (rc == GRAPPE_OK && s->max_moved != SOLVE_NO_LIMIT && moved > s->max_moved)
		s->max_moved = moved;
	free(now);
	return rc;
}

/* ---- the curve ---- */

static int find_curve(struct solving *s)
{
	struct solve_answer *out = s->out;
	uint32_t *place = malloc((s->graph.nodes + 1) * sizeof *place);
	const size_t most =
	    s->settings->max_moves < s->in->nvms ? s->settings->max_moves : s->in->nvms;
	int rc = place != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK)
		memcpy(place, s->place, s->graph.nodes * sizeof *place);
	for (size_t moves = 1; rc == GRAPPE_OK && moves <= most && out->ncurve < CURVE_POINTS &&
			       solve_budget_progress(&s->budget) < CURVE_SHARE;
	     moves = moves < 2   ? 2
		     : moves < 5 ? 5
				 : 2 * moves) {
		struct solve_point *point = &out->curve[out->ncurve++];

		point->moves = moves;
		rc = solve_levels_extend(
		    &s->graph, place, moves, &s->lots, &s->budget, CURVE_SHARE, &point->value);
	}
	free(place);
	return rc;
}

/* ---- from units to an ordered plan ---- */

static void stay_as_it_is(struct solving *s)
{
	for (size_t vm = 0; vm < s->in->nvms; vm++)
		s->target[vm] = s->in->vms[vm].env;
}

/* Throws the plan away for one in which nobody moves; stay_as_it_is() was called. */
static int plan_to_stay(struct solving *s)
{
	solve_sequence_deinit(&s->out->plan);
	s->out->after = s->out->before;
	return solve_sequence_find(&(struct sequence_task){.instance = s->in,
				       .bounds = &s->bounds,
				       .target = s->target,
				       .objective = s->settings->objective},
	    &s->out->plan);
}

/* Moves that found no order may be those that a plan was good for. */
static bool is_worse_than_staying(struct solving *s)
{
	const enum cost_objective objective = s->settings->objective;

	if (solve_model_value(objective, &s->out->after) <=
	    solve_model_value(objective, &s->out->before))
		return false;
	stay_as_it_is(s);
	return solve_bounds_check(&s->bounds, s->in, s->target, NULL) == 0;
}

static struct solve_order order_of(struct solving *s)
{
	return (struct solve_order){.in = s->in,
	    .bounds = &s->bounds,
	    .graph = &s->graph,
	    .objective = s->settings->objective,
	    .max_moved = s->max_moved,
	    .lots = &s->lots,
	    .budget = &s->budget};
}

static int find_sequence(struct solving *s)
{
	const struct solve_order order = order_of(s);
	struct solve_answer *out = s->out;
	char what[RULES_TEXT_SIZE];
	int rc = solve_order_find(&order, s->place, &out->plan, &out->after, what);

	if (rc == GRAPPE_ENOTFOUND)
		snprintf(out->reason, sizeof out->reason,
		    "no order of moves was found that keeps capacity and rules at every step; what "
		    "is left: %s",
		    what);
	if (rc == GRAPPE_OK && is_worse_than_staying(s))
		rc = plan_to_stay(s);
	return rc;
}

static int solving_init(struct solving *s)
{
	int rc;

	s->place = calloc(s->in->nvms + 1, sizeof *s->place);
	s->target = calloc(s->in->nvms + 1, sizeof *s->target);
	if (s->place == NULL || s->target == NULL)
		return GRAPPE_EMEMORY;
	solve_lots_init(&s->lots, s->settings->seed);
	solve_budget_init(&s->budget,
	    s->settings->limit_s > 0 ? s->settings->limit_s : solve_default_limit_s(s->in->nvms),
	    s->settings->cpu_s);
	if (s->in->nvms <= CACHED_VMS)
		s->budget.total = (uint64_t)((double)s->budget.total * CACHED_SPEED);
	/* Reading took its share already: about 100 MB a second. */
	solve_budget_spend(&s->budget, s->in->bytes);
	s->max_moved = s->settings->max_moves;
	stay_as_it_is(s);
	rc = solve_model_totals_of(s->in, s->target, &s->out->before);
	return rc;
}

/* ---- caps ---- */

static bool has_caps(const struct solving *s)
{
	for (int kind = 0; kind < CAP_KINDS; kind++)
		if (s->settings->caps[kind] > 0)
			return true;
	return false;
}

/* No environment opens that is closed now, where a unit has another one. */
static void keep_closed(struct solving *s)
{
	uint64_t open = 0;

	for (size_t vm = 0; vm < s->in->nvms; vm++)
		open |= UINT64_C(1) << s->in->vms[vm].env;
	for (uint32_t node = 0; node < s->graph.nodes; node++)
		if ((s->graph.allowed[node] & open) != 0)
			s->graph.allowed[node] &= open;
}

static int apply_caps(struct solving *s, uint32_t *place)
{
	return solve_cap_apply(&(struct solve_cap_task){.instance = s->in,
				   .bounds = &s->bounds,
				   .graph = &s->graph,
				   .caps = s->settings->caps,
				   .max_moved = s->max_moved,
				   .budget = &s->budget},
	    place);
}

/* Whether a placement of units breaks a cap, and which. */
static int find_broken(struct solving *s, const uint32_t *place, enum cost_objective *kind)
{
	struct cost_totals totals;
	int rc;

	for (size_t vm = 0; vm < s->in->nvms; vm++)
		s->target[vm] = place[s->bounds.unit[vm]];
	rc = solve_model_totals_of(s->in, s->target, &totals);
	return rc == GRAPPE_OK ? solve_cap_broken(&totals, s->settings->caps, kind) : rc;
}

/* Begins at the other end: with little of the capped cost, and then what the caps allow of the
 * objective. */
static int begin_with_capped(struct solving *s, enum cost_objective kind, uint32_t *place)
{
	struct solve_graph graph = {0};
	int rc = solve_graph_build(s->in, &s->bounds, kind, &graph);

	if (rc == GRAPPE_OK)
		rc = solve_levels_improve(
		    &graph, place, s->max_moved, &s->lots, &s->budget, SEARCH_END);
	if (rc == GRAPPE_OK)
		rc = apply_caps(s, place);
	solve_graph_deinit(&graph);
	return rc;
}

static int keep_caps(struct solving *s)
{
	uint32_t *place = calloc(s->graph.nodes + 1, sizeof *place);
	enum cost_objective kind;
	int rc = place != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK)
		rc = apply_caps(s, s->place);
	if (rc == GRAPPE_OK)
		rc = find_broken(s, s->place, &kind);
	if (rc > 0 && kind != COST_RESOURCES) {
		memcpy(place, s->place, s->graph.nodes * sizeof *place);
		rc = begin_with_capped(s, kind, place);
		if (rc == GRAPPE_OK)
			rc = find_broken(s, place, &kind);
		if (rc == 0)
			memcpy(s->place, place, s->graph.nodes * sizeof *place);
	}
	free(place);
	return rc > 0 ? GRAPPE_OK : rc;
}

/* A plan that breaks a cap, and is worse than the present in that, is none: everybody stays, if
 * that keeps the rules. */
static int check_caps(struct solving *s)
{
	double caps[CAP_KINDS];
	enum cost_objective kind;

	memcpy(caps, s->settings->caps, sizeof caps);
	if (solve_cap_broken(&s->out->after, caps, &kind))
		snprintf(s->out->reason, sizeof s->out->reason,
		    "cap: no placement was found that keeps the rules and costs no more than %.6g "
		    "of %s",
		    caps[kind], cost_names[kind]);
	solve_cap_raise(&s->out->before, caps);
	if (!solve_cap_broken(&s->out->after, caps, &kind))
		return GRAPPE_OK;
	stay_as_it_is(s);
	if (solve_bounds_check(&s->bounds, s->in, s->target, NULL) > 0)
		return GRAPPE_ENOTFOUND;
	return plan_to_stay(s);
}

static int improve_until(struct solving *s, double end)
{
	return solve_levels_improve(&s->graph, s->place, s->max_moved, &s->lots, &s->budget, end);
}

/* Returns 1 when the moves of a first search block each other, 0 when not, or an error. */
static int is_blocked(struct solving *s)
{
	const struct solve_order order = order_of(s);
	int rc;

	if (s->in->nvms > GLANCE_VMS)
		return 0;
	rc = improve_until(s, solve_budget_progress(&s->budget) + GLANCE_SHARE);
	if (rc == GRAPPE_OK)
		rc = solve_order_exists(&order, s->place);
	return rc < 0 ? rc : rc == 0;
}

/* Returns 0, GRAPPE_ENOTFOUND with a reason in the answer, or GRAPPE_EMEMORY. */
static int improve(struct solving *s)
{
	int rc = find_start(s);

	if (rc == GRAPPE_ENOTFOUND)
		s->out->proven = solve_start_explain(&s->graph, &s->bounds, s->in, s->out->reason);
	if (rc == GRAPPE_OK && s->settings->objective == COST_RESOURCES)
		return solve_open_fewest(
		    s->in, &s->graph, s->place, s->max_moved, &s->lots, &s->budget, SEARCH_END);
	if (rc == GRAPPE_OK)
		rc = find_curve(s);
	if (rc == GRAPPE_OK)
		rc = is_blocked(s);
	if (rc == 0)
		rc = improve_until(s, has_caps(s) ? CAPPED_END : SEARCH_END);
	return rc < 0 ? rc : GRAPPE_OK;
}

int solve_find(const struct instance *instance, const struct rules *rules,
    const struct solve_settings *settings, struct solve_answer *out)
{
	struct solving s = {.in = instance, .settings = settings, .out = out};
	int rc;

	*out = (struct solve_answer){0};
	rc = solving_init(&s);
	if (rc == GRAPPE_OK) {
		rc = solve_bounds_build(instance, rules, &s.bounds, out->reason);
		out->proven = rc == GRAPPE_ENOTFOUND;
	}
	if (rc == GRAPPE_OK)
		rc = solve_graph_build(instance, &s.bounds, settings->objective, &s.graph);
	if (rc == GRAPPE_OK && settings->caps[COST_RESOURCES] > 0 &&
	    settings->objective != COST_RESOURCES)
		keep_closed(&s);
	if (rc == GRAPPE_OK)
		rc = improve(&s);
	if (rc == GRAPPE_OK && has_caps(&s))
		rc = keep_caps(&s);
	if (rc == GRAPPE_OK)
		rc = find_sequence(&s);
	if (rc == GRAPPE_OK)
		rc = check_caps(&s);
	out->feasible = rc == GRAPPE_OK;
	out->late = s.budget.late;
	solve_graph_deinit(&s.graph);
	solve_bounds_deinit(&s.bounds);
	free(s.place);
	free(s.target);
	if (rc == GRAPPE_ENOTFOUND)
		rc = GRAPPE_OK;
	if (rc != GRAPPE_OK)
		solve_deinit(out);
	return rc;
}

void solve_deinit(struct solve_answer *answer)
{
	solve_sequence_deinit(&answer->plan);
	*answer = (struct solve_answer){0};
}
