/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/plan_state.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>

#define ROUNDING 1e-9

int plan_state_init(
    struct plan_state *state, const struct plan_problem *problem, const uint32_t *place_of)
{
	*state = (struct plan_state){.problem = problem};
	state->place_of = malloc((problem->nvms + 1) * sizeof *state->place_of);
	state->usage = calloc(problem->nplaces + 1, sizeof *state->usage);
	if (state->place_of == NULL || state->usage == NULL) {
		plan_state_deinit(state);
		return GRAPPE_EMEMORY;
	}
	for (uint32_t vm = 0; vm < problem->nvms; vm++) {
		state->place_of[vm] = PLAN_NOWHERE;
		plan_state_put(state, vm, place_of != NULL ? place_of[vm] : problem->vms[vm].place);
	}
	return GRAPPE_OK;
}

void plan_state_deinit(struct plan_state *state)
{
	free(state->place_of);
	free(state->usage);
	*state = (struct plan_state){0};
}

static double known(double value)
{
	return isnan(value) ? 0 : value;
}

static void count(struct plan_state *state, uint32_t vm, double sign)
{
	struct plan_usage *usage = &state->usage[state->place_of[vm]];

	usage->vcpu += sign * known(state->problem->vms[vm].vcpu);
	usage->mem_GiB += sign * known(state->problem->vms[vm].mem_GiB);
	usage->vms += sign;
}

void plan_state_put(struct plan_state *state, uint32_t vm, uint32_t place)
{
	if (state->place_of[vm] != PLAN_NOWHERE)
		count(state, vm, -1);
	state->place_of[vm] = place;
	if (place != PLAN_NOWHERE)
		count(state, vm, 1);
}

static bool within(double used, double more, double limit)
{
	/* What a VM does not need cannot fail, even where the limit is passed already. */
	return more <= 0 || used + more <= limit + ROUNDING * (1 + limit);
}

bool plan_state_fits(const struct plan_state *state, uint32_t vm, uint32_t place)
{
	const struct plan_place *at = &state->problem->places[place];
	const struct plan_usage *usage = &state->usage[place];
	const struct plan_vm *it = &state->problem->vms[vm];

	return at->target && within(usage->vms, 1, at->max_vms) &&
	       within(usage->vcpu, known(it->vcpu), at->vcpu) &&
	       within(usage->mem_GiB, known(it->mem_GiB), at->mem_GiB);
}

static double excess(double used, double limit)
{
	return used > limit + ROUNDING * (1 + limit) ? (used - limit) / (limit > 0 ? limit : 1) : 0;
}

double plan_state_over(const struct plan_state *state, uint32_t place)
{
	const struct plan_place *at = &state->problem->places[place];
	const struct plan_usage *usage = &state->usage[place];

	return fmax(excess(usage->vms, at->max_vms),
	    fmax(excess(usage->vcpu, at->vcpu), excess(usage->mem_GiB, at->mem_GiB)));
}

static double share(double used, double limit)
{
	return isfinite(limit) && limit > 0 ? used / limit : 0;
}

double plan_state_load(const struct plan_state *state, uint32_t place)
{
	const struct plan_place *at = &state->problem->places[place];
	const struct plan_usage *usage = &state->usage[place];

	return fmax(share(usage->vms, at->max_vms),
	    fmax(share(usage->vcpu, at->vcpu), share(usage->mem_GiB, at->mem_GiB)));
}

uint32_t plan_state_environment(const struct plan_state *state, uint32_t vm)
{
	return state->problem->places[state->place_of[vm]].environment;
}

uint32_t plan_state_choose(
    const struct plan_state *state, uint32_t vm, uint32_t environment, uint32_t except)
{
	uint32_t best = PLAN_NOWHERE;
	double best_load = INFINITY;

	for (uint32_t place = 0; place < state->problem->nplaces; place++) {
		double load;

		if (state->problem->places[place].environment != environment || place == except ||
		    !plan_state_fits(state, vm, place))
			continue;
		load = plan_state_load(state, place);
		if (load < best_load) {
			best = place;
			best_load = load;
		}
	}
	return best;
}
