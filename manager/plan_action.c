/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/plan_action.h"

#include "common/error.h"
#include "manager/model.h"

#include <math.h>
#include <stdlib.h>

static void index_members(struct plan_workshop *shop, const struct plan_problem *problem)
{
	size_t *fill = shop->member_first + 1;

	for (size_t i = 0; i < problem->nvms; i++)
		if (problem->vms[i].group != PLAN_NO_GROUP)
			shop->member_first[problem->vms[i].group + 2]++;
	for (size_t g = 0; g < problem->ngroups; g++)
		shop->member_first[g + 2] += shop->member_first[g + 1];
	/* Filling moves each start by its group's size, so that the table fits one place lower. */
	for (uint32_t i = 0; i < problem->nvms; i++)
		if (problem->vms[i].group != PLAN_NO_GROUP)
			shop->members[fill[problem->vms[i].group]++] = i;
}

int plan_workshop_init(struct plan_workshop *shop, struct plan_state *state, double tolerance)
{
	const struct plan_problem *problem = state->problem;

	*shop = (struct plan_workshop){.state = state, .tolerance = tolerance};
	shop->touched = calloc(problem->nvms + 1, sizeof *shop->touched);
	shop->is_touched = calloc(problem->nvms + 1, sizeof *shop->is_touched);
	shop->chosen = calloc(problem->nvms + 1, sizeof *shop->chosen);
	shop->costs = calloc(problem->nenvironments + 1, sizeof *shop->costs);
	shop->member_first = calloc((size_t)problem->ngroups + 3, sizeof *shop->member_first);
	shop->members = calloc(problem->nvms + 1, sizeof *shop->members);
	if (shop->touched == NULL || shop->is_touched == NULL || shop->chosen == NULL ||
	    shop->costs == NULL || shop->member_first == NULL || shop->members == NULL) {
		plan_workshop_deinit(shop);
		return GRAPPE_EMEMORY;
	}
	index_members(shop, problem);
	return GRAPPE_OK;
}

void plan_workshop_deinit(struct plan_workshop *shop)
{
	free(shop->touched);
	free(shop->is_touched);
	free(shop->chosen);
	free(shop->costs);
	free(shop->member_first);
	free(shop->members);
	*shop = (struct plan_workshop){0};
}

/* The VM's part of the objective if it were in the environment. */
static double cost_in(struct plan_workshop *shop, uint32_t vm, uint32_t environment)
{
	model_costs(shop->state->problem, shop->state->place_of, vm, shop->costs);
	return model_value(shop->costs[environment]);
}

static void touch(struct plan_workshop *shop, uint32_t vm)
{
	if (shop->is_touched[vm])
		return;
	shop->is_touched[vm] = true;
	shop->touched[shop->ntouched++] = (struct plan_touched){vm, shop->state->place_of[vm]};
}

static void lift(struct plan_workshop *shop, struct plan_action *action, uint32_t vm)
{
	const double cost = cost_in(shop, vm, plan_state_environment(shop->state, vm));

	touch(shop, vm);
	plan_state_put(shop->state, vm, PLAN_NOWHERE);
	action->gain += cost;
	action->exposed += cost;
}

static void set_down(
    struct plan_workshop *shop, struct plan_action *action, uint32_t vm, uint32_t place)
{
	action->gain -= cost_in(shop, vm, shop->state->problem->places[place].environment);
	plan_state_put(shop->state, vm, place);
}

/* Takes back the touches from the mark on. */
static void undo_to(struct plan_workshop *shop, size_t mark)
{
	while (shop->ntouched > mark) {
		const struct plan_touched *it = &shop->touched[--shop->ntouched];

		shop->is_touched[it->vm] = false;
		plan_state_put(shop->state, it->vm, it->from);
	}
}

/* ---- which VMs ---- */

static bool is_candidate(const struct plan_workshop *shop, uint32_t vm, uint32_t to)
{
	return shop->state->problem->vms[vm].movable && !shop->is_touched[vm] &&
	       plan_state_environment(shop->state, vm) != to;
}

static size_t choose_members(struct plan_workshop *shop, uint32_t group, uint32_t from, uint32_t to)
{
	size_t count = 0;

	for (size_t i = shop->member_first[group]; i < shop->member_first[group + 1]; i++) {
		const uint32_t vm = shop->members[i];

		if (is_candidate(shop, vm, to) &&
		    (from == PLAN_NOWHERE || plan_state_environment(shop->state, vm) == from))
			shop->chosen[count++] = vm;
	}
	return count;
}

static double talks_with(const struct plan_workshop *shop, uint32_t vm, size_t count)
{
	const struct plan_problem *problem = shop->state->problem;
	double sum = 0;

	for (size_t i = problem->first[vm]; i < problem->first[vm + 1]; i++)
		for (size_t k = 0; k < count; k++)
			if (shop->chosen[k] == problem->neighbours[i].vm)
				sum += problem->neighbours[i].octets;
	return sum;
}

static bool is_chosen(const struct plan_workshop *shop, uint32_t vm, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (shop->chosen[k] == vm)
			return true;
	return false;
}

/* The VM in the same environment that talks most with those chosen, PLAN_NOWHERE when none does. */
static uint32_t next_of_cluster(
    const struct plan_workshop *shop, const struct plan_action *action, size_t count)
{
	const struct plan_problem *problem = shop->state->problem;
	uint32_t best = PLAN_NOWHERE;
	double best_talk = 0;

	for (size_t k = 0; k < count; k++) {
		const uint32_t from = shop->chosen[k];

		for (size_t i = problem->first[from]; i < problem->first[from + 1]; i++) {
			const uint32_t vm = problem->neighbours[i].vm;
			double talk;

			if (!is_candidate(shop, vm, action->to) || is_chosen(shop, vm, count) ||
			    plan_state_environment(shop->state, vm) != action->from)
				continue;
			talk = talks_with(shop, vm, count);
			if (talk > best_talk || (talk == best_talk && vm < best)) {
				best = vm;
				best_talk = talk;
			}
		}
	}
	return best;
}

static size_t choose_cluster(struct plan_workshop *shop, const struct plan_action *action)
{
	size_t count = 0;

	shop->chosen[count++] = action->id;
	while (count < action->size) {
		const uint32_t next = next_of_cluster(shop, action, count);

		if (next == PLAN_NOWHERE)
			return 0;
		shop->chosen[count++] = next;
	}
	return count;
}

static size_t choose_vms(struct plan_workshop *shop, const struct plan_action *action)
{
	switch (action->kind) {
	case ACTION_PART:
		return choose_members(shop, action->id, action->from, action->to);
	case ACTION_GROUP:
		return choose_members(shop, action->id, PLAN_NOWHERE, action->to);
	case ACTION_CLUSTER:
		return choose_cluster(shop, action);
	case ACTION_VM:
		break;
	}
	shop->chosen[0] = action->id;
	return is_candidate(shop, action->id, action->to);
}

static double size_of(const struct plan_vm *vm)
{
	return (isnan(vm->vcpu) ? 0 : vm->vcpu) + (isnan(vm->mem_GiB) ? 0 : vm->mem_GiB);
}

/* Large VMs first: they find room hardest. Insertion sort; ties keep the order of VMs. */
static void sort_by_size(const struct plan_problem *problem, uint32_t *vms, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const uint32_t vm = vms[i];
		size_t at = i;

		for (; at > 0 && size_of(&problem->vms[vms[at - 1]]) < size_of(&problem->vms[vm]);
		     at--)
			vms[at] = vms[at - 1];
		vms[at] = vm;
	}
}

/* ---- making room ---- */

struct way_out {
	uint32_t vm, place;
	double loss;
};

/* Where the VM would lose least, away from its place. */
static struct way_out find_way_out(struct plan_workshop *shop, uint32_t vm)
{
	const struct plan_state *state = shop->state;
	const uint32_t home = state->place_of[vm];
	struct way_out best = {vm, PLAN_NOWHERE, INFINITY};
	const double cost = cost_in(shop, vm, state->problem->places[home].environment);

	/* The table of costs stays valid: nothing is put in between. */
	for (uint32_t e = 0; e < state->problem->nenvironments; e++) {
		const double loss = model_value(shop->costs[e]) - cost;
		uint32_t place;

		if (loss >= best.loss)
			continue;
		place = plan_state_choose(state, vm, e, home);
		if (place != PLAN_NOWHERE)
			best = (struct way_out){vm, place, loss};
	}
	return best;
}

/* Lets VMs leave `place` until `vm` fits. Returns false, with the touches made so far, when it
 * cannot. */
static bool clear_place(
    struct plan_workshop *shop, struct plan_action *action, uint32_t vm, uint32_t place)
{
	const struct plan_problem *problem = shop->state->problem;

	while (!plan_state_fits(shop->state, vm, place)) {
		struct way_out best = {PLAN_NOWHERE, PLAN_NOWHERE, INFINITY};

		for (uint32_t other = 0; other < problem->nvms; other++) {
			struct way_out way;

			if (shop->state->place_of[other] != place || shop->is_touched[other] ||
			    !problem->vms[other].movable)
				continue;
			way = find_way_out(shop, other);
			if (problem->vms[other].advised != PLAN_NOWHERE)
				way.loss -= 2 * shop->tolerance;
			if (way.place != PLAN_NOWHERE && way.loss < best.loss - shop->tolerance)
				best = way;
		}
		if (best.vm == PLAN_NOWHERE)
			return false;
		lift(shop, action, best.vm);
		set_down(shop, action, best.vm, best.place);
	}
	return true;
}

/* The place of the environment that can be cleared for `vm` at the least loss, cleared; or
 * PLAN_NOWHERE. */
static uint32_t make_room(struct plan_workshop *shop, struct plan_action *action, uint32_t vm)
{
	const struct plan_problem *problem = shop->state->problem;
	uint32_t best = PLAN_NOWHERE;
	double best_gain = -INFINITY;

	for (uint32_t place = 0; place < problem->nplaces; place++) {
		const struct plan_action before = *action;
		const size_t mark = shop->ntouched;

		if (problem->places[place].environment != action->to ||
		    !problem->places[place].target)
			continue;
		if (clear_place(shop, action, vm, place) && action->gain > best_gain) {
			best = place;
			best_gain = action->gain;
		}
		undo_to(shop, mark);
		*action = before;
	}
	if (best != PLAN_NOWHERE)
		clear_place(shop, action, vm, best);
	return best;
}

static uint32_t any_place(const struct plan_problem *problem, uint32_t environment)
{
	for (uint32_t place = 0; place < problem->nplaces; place++)
		if (problem->places[place].environment == environment &&
		    problem->places[place].target)
			return place;
	return PLAN_NOWHERE;
}

static bool set_down_all(
    struct plan_workshop *shop, struct plan_action *action, size_t begin, size_t end, uint32_t to)
{
	for (size_t i = begin; i < end; i++) {
		const uint32_t vm = shop->chosen[i];
		uint32_t place = action->room == ROOM_IGNORE
				     ? any_place(shop->state->problem, to)
				     : plan_state_choose(shop->state, vm, to, PLAN_NOWHERE);

		if (place == PLAN_NOWHERE && action->room == ROOM_EVICT)
			place = make_room(shop, action, vm);
		if (place == PLAN_NOWHERE)
			return false;
		set_down(shop, action, vm, place);
	}
	return true;
}

/* Appends the members of the swapped group that are in `to` to the chosen ones. */
static size_t choose_swapped(
    struct plan_workshop *shop, const struct plan_action *action, size_t count)
{
	const size_t *first = &shop->member_first[action->swapped];

	for (size_t i = first[0]; i < first[1]; i++) {
		const uint32_t vm = shop->members[i];

		if (shop->state->problem->vms[vm].movable &&
		    plan_state_environment(shop->state, vm) == action->to)
			shop->chosen[count++] = vm;
	}
	return count;
}

static void count_moves(const struct plan_workshop *shop, struct plan_action *action)
{
	action->moves = 0;
	action->advised = true;
	for (size_t i = 0; i < shop->ntouched; i++) {
		const uint32_t vm = shop->touched[i].vm, place = shop->state->place_of[vm];

		if (place == shop->touched[i].from)
			continue;
		action->moves++;
		action->advised &= place == shop->state->problem->vms[vm].advised;
	}
}

bool plan_workshop_apply(struct plan_workshop *shop, struct plan_action *action)
{
	const struct plan_problem *problem = shop->state->problem;
	const size_t count = choose_vms(shop, action);
	size_t all = count;
	bool done;

	action->gain = action->exposed = 0;
	action->moves = 0;
	if (count == 0)
		return false;
	if (action->room == ROOM_SWAP)
		all = choose_swapped(shop, action, count);
	sort_by_size(problem, shop->chosen, count);
	sort_by_size(problem, shop->chosen + count, all - count);
	for (size_t i = 0; i < all; i++)
		lift(shop, action, shop->chosen[i]);
	done = set_down_all(shop, action, 0, count, action->to) &&
	       set_down_all(shop, action, count, all, action->from);
	count_moves(shop, action);
	if (done && action->moves > 0)
		return true;
	plan_workshop_undo(shop);
	return false;
}

void plan_workshop_undo(struct plan_workshop *shop)
{
	undo_to(shop, 0);
}

void plan_workshop_keep(struct plan_workshop *shop)
{
	while (shop->ntouched > 0)
		shop->is_touched[shop->touched[--shop->ntouched].vm] = false;
}
