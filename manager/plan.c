/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/plan.h"

#include "common/error.h"
#include "manager/model.h"
#include "manager/plan_action.h"
#include "manager/plan_order.h"
#include "manager/plan_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEST_KEPT 8     /* actions tried in turn when the best has no order of steps */
#define WISHES_KEPT 64  /* actions without room for which others might make room */
#define CLUSTER_MAX 8   /* VMs of a cluster */
#define CLUSTER_VMS 400 /* above so many VMs clusters are not tried: groups have to do */
#define PARTS_VMS                                                                                  \
	16 /* above so many environments parts of groups go to those of their group only */
#define ROUNDING 1e-9
#define LOYALTY 1.25  /* so much better must other advice be than the one that stands */
#define TIDY_ROUNDS 3 /* search and tidy alternate so often at most */

/* The best actions seen, by gain for each move. */
struct ranking {
	struct plan_action items[WISHES_KEPT];
	size_t count, limit;
};

struct search {
	const struct plan_problem *problem;
	const struct plan_settings *settings;
	struct plan_state state;
	struct plan_workshop shop;
	struct plan_step *steps; /* how to come from the start to the state */
	size_t nsteps;
	uint32_t *start, *trial;
	struct ranking best, wishes;
};

static double rate(const struct plan_action *action)
{
	return action->gain / (double)action->moves * (action->advised ? LOYALTY : 1);
}

static void rank(struct ranking *ranking, const struct plan_action *action)
{
	size_t at = ranking->count;

	if (ranking->count == ranking->limit && rate(action) <= rate(&ranking->items[at - 1]))
		return;
	if (ranking->count < ranking->limit)
		ranking->count++;
	else
		at--;
	/* Strictly better ones move up, so that the first found stays first among equals. */
	for (; at > 0 && rate(&ranking->items[at - 1]) < rate(action); at--)
		ranking->items[at] = ranking->items[at - 1];
	ranking->items[at] = *action;
}

static bool is_worth_it(const struct search *s, const struct plan_action *action)
{
	/* Sums in another order differ in the last digits; that is no gain. */
	return action->gain > ROUNDING * action->exposed &&
	       action->gain >= s->settings->minimum_gain_octets * (double)action->moves &&
	       action->gain >= s->settings->minimum_gain * action->exposed;
}

/* ---- all actions from one state ---- */

static void consider(struct search *s, struct plan_action action)
{
	if (plan_workshop_apply(&s->shop, &action)) {
		if (is_worth_it(s, &action))
			rank(&s->best, &action);
		plan_workshop_undo(&s->shop);
		return;
	}
	if (action.room != ROOM_NONE)
		return;
	action.room = ROOM_IGNORE;
	if (!plan_workshop_apply(&s->shop, &action))
		return;
	if (is_worth_it(s, &action))
		rank(&s->wishes, &action);
	plan_workshop_undo(&s->shop);
}

static void consider_vm(struct search *s, uint32_t vm)
{
	const struct plan_problem *problem = s->problem;
	const uint32_t from = plan_state_environment(&s->state, vm);
	struct plan_action action = {.id = vm, .from = from};

	if (!problem->vms[vm].movable || problem->first[vm] == problem->first[vm + 1])
		return;
	for (uint32_t to = 0; to < problem->nenvironments; to++) {
		if (to == from)
			continue;
		action.to = to;
		action.kind = ACTION_VM;
		action.size = 1;
		consider(s, action);
		action.kind = ACTION_CLUSTER;
		for (action.size = 2; problem->nvms <= CLUSTER_VMS && action.size <= CLUSTER_MAX;
		     action.size++)
			consider(s, action);
	}
}

static bool has_member_in(const struct search *s, uint32_t group, uint32_t environment)
{
	for (size_t i = s->shop.member_first[group]; i < s->shop.member_first[group + 1]; i++)
		if (plan_state_environment(&s->state, s->shop.members[i]) == environment)
			return true;
	return false;
}

static void consider_group(struct search *s, uint32_t group)
{
	const uint32_t environments = (uint32_t)s->problem->nenvironments;
	struct plan_action action = {.id = group};

	for (action.to = 0; action.to < environments; action.to++) {
		if (environments > PARTS_VMS && !has_member_in(s, group, action.to))
			continue;
		action.kind = ACTION_GROUP;
		action.from = PLAN_NOWHERE;
		consider(s, action);
		action.kind = ACTION_PART;
		for (action.from = 0; action.from < environments; action.from++)
			if (action.from != action.to && has_member_in(s, group, action.from))
				consider(s, action);
	}
}

/* Actions that failed for want of room, again with others making room. */
static void consider_wishes(struct search *s)
{
	for (size_t i = 0; i < s->wishes.count; i++) {
		struct plan_action action = s->wishes.items[i];

		action.room = ROOM_EVICT;
		consider(s, action);
		action.room = ROOM_SWAP;
		if (action.kind == ACTION_GROUP)
			continue;
		for (action.swapped = 0; action.swapped < s->problem->ngroups; action.swapped++)
			if (has_member_in(s, action.swapped, action.to) &&
			    (action.kind != ACTION_PART || action.swapped != action.id))
				consider(s, action);
	}
}

static void find_actions(struct search *s)
{
	s->best = (struct ranking){.limit = BEST_KEPT};
	s->wishes = (struct ranking){.limit = WISHES_KEPT};
	for (uint32_t vm = 0; vm < s->problem->nvms; vm++)
		consider_vm(s, vm);
	for (uint32_t group = 0; group < s->problem->ngroups; group++)
		consider_group(s, group);
	consider_wishes(s);
}

/* ---- steps ---- */

static size_t count_voluntary(const struct plan_step *steps, size_t count)
{
	size_t voluntary = 0;

	for (size_t i = 0; i < count; i++)
		voluntary += !steps[i].forced;
	return voluntary;
}

static void adopt_steps(struct search *s, struct plan_step *steps, size_t count)
{
	free(s->steps);
	s->steps = steps;
	s->nsteps = count;
}

/* The steps so far with those from there to the state behind them. Returns as plan_order(). */
static int append_order(struct search *s, struct plan_step **steps)
{
	struct plan_step *more, *all;
	int count;

	memcpy(s->trial, s->start, s->problem->nvms * sizeof *s->trial);
	for (size_t i = 0; i < s->nsteps; i++)
		s->trial[s->steps[i].vm] = s->steps[i].to;
	count = plan_order(s->problem, s->trial, s->state.place_of, &more);
	if (count < 0)
		return count;
	all = calloc(s->nsteps + (size_t)count + 1, sizeof *all);
	if (all != NULL) {
		if (s->nsteps > 0)
			memcpy(all, s->steps, s->nsteps * sizeof *all);
		memcpy(all + s->nsteps, more, (size_t)count * sizeof *all);
	}
	free(more);
	*steps = all;
	return all != NULL ? (int)s->nsteps + count : GRAPPE_EMEMORY;
}

/* Finds steps from the start to the present state. Returns 0, GRAPPE_ENOTFOUND (no order, or too
 * many moves) or GRAPPE_EMEMORY; only on success the search's steps change. */
static int update_steps(struct search *s)
{
	struct plan_step *steps;
	int count = plan_order(s->problem, s->start, s->state.place_of, &steps);

	if (count == GRAPPE_ENOTFOUND)
		count = append_order(s, &steps);
	if (count < 0)
		return count;
	if (count_voluntary(steps, (size_t)count) > s->settings->max_moves) {
		free(steps);
		return GRAPPE_ENOTFOUND;
	}
	adopt_steps(s, steps, (size_t)count);
	return GRAPPE_OK;
}

/* Takes the best action that can be ordered. Returns 1 when one was taken, 0, or GRAPPE_EMEMORY. */
static int take_best(struct search *s)
{
	find_actions(s);
	for (size_t i = 0; i < s->best.count; i++) {
		int rc;

		if (!plan_workshop_apply(&s->shop, &s->best.items[i]))
			continue;
		rc = update_steps(s);
		if (rc == GRAPPE_OK) {
			plan_workshop_keep(&s->shop);
			return 1;
		}
		plan_workshop_undo(&s->shop);
		if (rc != GRAPPE_ENOTFOUND)
			return rc;
	}
	return 0;
}

/* Sends VMs home that gained nothing by leaving. Returns how many, or GRAPPE_EMEMORY. */
static int tidy(struct search *s)
{
	int count = 0;

	for (uint32_t vm = 0; vm < s->problem->nvms; vm++) {
		const uint32_t home = s->start[vm], place = s->state.place_of[vm];
		const struct plan_terms *costs = s->shop.costs;
		int rc;

		if (place == home || !plan_state_fits(&s->state, vm, home))
			continue;
		model_costs(s->problem, s->state.place_of, vm, s->shop.costs);
		if (model_value(costs[s->problem->places[home].environment]) >
		    model_value(costs[s->problem->places[place].environment]))
			continue;
		plan_state_put(&s->state, vm, home);
		rc = update_steps(s);
		if (rc == GRAPPE_ENOTFOUND)
			plan_state_put(&s->state, vm, place);
		else if (rc != GRAPPE_OK)
			return rc;
		else
			count++;
	}
	return count;
}

/* ---- forced moves ---- */

/* The move off an over-full place that costs least, or false. */
static bool relieve_once(struct search *s, uint32_t place)
{
	const double over = plan_state_over(&s->state, place);
	uint32_t best_vm = PLAN_NOWHERE, best_place = PLAN_NOWHERE;
	double best_loss = INFINITY;

	for (uint32_t vm = 0; vm < s->problem->nvms; vm++) {
		double cost, after;

		if (s->state.place_of[vm] != place || !s->problem->vms[vm].movable)
			continue;
		plan_state_put(&s->state, vm, PLAN_NOWHERE);
		after = plan_state_over(&s->state, place);
		plan_state_put(&s->state, vm, place);
		if (after >= over)
			continue; /* would not help */
		model_costs(s->problem, s->state.place_of, vm, s->shop.costs);
		cost = model_value(s->shop.costs[s->problem->places[place].environment]);
		for (uint32_t e = 0; e < s->problem->nenvironments; e++) {
			const double tolerance = s->settings->minimum_gain_octets;
			const double favour =
			    s->problem->vms[vm].advised != PLAN_NOWHERE ? 2 * tolerance : 0;
			const double loss = model_value(s->shop.costs[e]) - cost - favour;
			const uint32_t to = loss < best_loss - tolerance
						? plan_state_choose(&s->state, vm, e, place)
						: PLAN_NOWHERE;

			if (to == PLAN_NOWHERE)
				continue;
			best_vm = vm;
			best_place = to;
			best_loss = loss;
		}
	}
	if (best_vm == PLAN_NOWHERE)
		return false;
	plan_state_put(&s->state, best_vm, best_place);
	return true;
}

static int count_overfull(const struct search *s)
{
	int count = 0;

	for (uint32_t place = 0; place < s->problem->nplaces; place++)
		count += plan_state_over(&s->state, place) > 0;
	return count;
}

/* Returns 0 or GRAPPE_EMEMORY. */
static int relieve_places(struct search *s)
{
	int rc;

	for (uint32_t place = 0; place < s->problem->nplaces; place++)
		while (plan_state_over(&s->state, place) > 0 && relieve_once(s, place))
			;
	rc = update_steps(s);
	if (rc != GRAPPE_ENOTFOUND)
		return rc;
	for (uint32_t vm = 0; vm < s->problem->nvms; vm++)
		plan_state_put(&s->state, vm, s->start[vm]);
	return GRAPPE_OK;
}

/* ---- the whole ---- */

static int search_init(
    struct search *s, const struct plan_problem *problem, const struct plan_settings *settings)
{
	int rc = plan_state_init(&s->state, problem, NULL);

	s->problem = problem;
	s->settings = settings;
	if (rc == GRAPPE_OK)
		rc = plan_workshop_init(&s->shop, &s->state, settings->minimum_gain_octets);
	s->start = calloc(problem->nvms + 1, sizeof *s->start);
	s->trial = calloc(problem->nvms + 1, sizeof *s->trial);
	if (rc != GRAPPE_OK || s->start == NULL || s->trial == NULL)
		return GRAPPE_EMEMORY;
	memcpy(s->start, s->state.place_of, problem->nvms * sizeof *s->start);
	return GRAPPE_OK;
}

static void search_deinit(struct search *s)
{
	if (s->shop.state != NULL)
		plan_workshop_deinit(&s->shop);
	plan_state_deinit(&s->state);
	free(s->steps);
	free(s->start);
	free(s->trial);
	free(s);
}

static int improve(struct search *s)
{
	int rc = 1;

	for (int round = 0; rc > 0 && round < TIDY_ROUNDS; round++) {
		do
			rc = take_best(s);
		while (rc > 0);
		if (rc == 0)
			rc = tidy(s);
	}
	return rc < 0 ? rc : GRAPPE_OK;
}

static void hand_over(struct search *s, struct plan *out)
{
	out->before = model_total(s->problem, s->start);
	out->after = out->before;
	out->steps = s->steps;
	out->nsteps = s->nsteps;
	s->steps = NULL;
	if (out->nsteps > 0)
		out->after = model_total(s->problem, s->state.place_of);
}

int plan_find(
    const struct plan_problem *problem, const struct plan_settings *settings, struct plan *out)
{
	struct search *s = calloc(1, sizeof *s);
	int rc;

	if (s == NULL)
		return GRAPPE_EMEMORY;
	rc = search_init(s, problem, settings);
	if (rc == GRAPPE_OK)
		rc = relieve_places(s);
	if (rc == GRAPPE_OK)
		rc = improve(s);
	if (rc == GRAPPE_OK) {
		*out = (struct plan){.overfull = (size_t)count_overfull(s)};
		hand_over(s, out);
	}
	search_deinit(s);
	return rc;
}

void plan_deinit(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){0};
}
