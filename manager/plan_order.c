/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/plan_order.h"

#include "common/error.h"
#include "manager/model.h"
#include "manager/plan_state.h"

#include <math.h>
#include <stdlib.h>

struct pending {
	uint32_t vm, to;
	bool parked; /* once already */
};

struct ordering {
	struct plan_state state;
	struct pending *pending;
	size_t npending;
	struct plan_step *steps;
	size_t nsteps;
	struct plan_terms now; /* the objective after the steps so far */
	struct plan_terms *costs;
};

/* How the objective changes when the VM goes to the place; positive = gain. */
static struct plan_terms gain_of(struct ordering *o, uint32_t vm, uint32_t place)
{
	const uint32_t from = plan_state_environment(&o->state, vm);
	const uint32_t to = o->state.problem->places[place].environment;

	model_costs(o->state.problem, o->state.place_of, vm, o->costs);
	return (struct plan_terms){.octets = o->costs[from].octets - o->costs[to].octets,
	    .packets = o->costs[from].packets - o->costs[to].packets};
}

/* What is left of a sum after a part was taken away; what only rounding left is nothing. */
static double rest_of(double sum, double part)
{
	const double rest = sum - part;

	return rest > sum * 1e-9 ? rest : 0;
}

static void take_step(struct ordering *o, uint32_t vm, uint32_t to, bool parking)
{
	struct plan_step *step = &o->steps[o->nsteps++];
	const struct plan_terms gain = gain_of(o, vm, to);

	*step = (struct plan_step){
	    .vm = vm, .from = o->state.place_of[vm], .to = to, .parking = parking};
	step->forced = plan_state_over(&o->state, step->from) > 0;
	step->before = o->now;
	o->now.octets = rest_of(o->now.octets, gain.octets);
	o->now.packets = rest_of(o->now.packets, gain.packets);
	step->after = o->now;
	plan_state_put(&o->state, vm, to);
}

/* The pending move to make now, or npending when none is possible. */
static size_t choose_next(struct ordering *o)
{
	size_t best = o->npending;

	for (size_t i = 0; i < o->npending; i++) {
		const struct pending *it = &o->pending[i];

		if (!plan_state_fits(&o->state, it->vm, it->to))
			continue;
		if (plan_state_over(&o->state, o->state.place_of[it->vm]) > 0)
			return i;
		if (best == o->npending)
			best = i;
	}
	return best;
}

/* Whether some pending move becomes possible once `vm` has left its place for `parking`. */
static bool unblocks(struct ordering *o, const struct pending *parked, uint32_t parking)
{
	const uint32_t home = o->state.place_of[parked->vm];
	bool found = false;

	plan_state_put(&o->state, parked->vm, parking);
	for (size_t i = 0; i < o->npending && !found; i++)
		found = &o->pending[i] != parked && o->pending[i].to == home &&
			plan_state_fits(&o->state, o->pending[i].vm, home);
	plan_state_put(&o->state, parked->vm, home);
	return found;
}

/* Every pending move is blocked by another: the cheapest VM to set aside breaks the circle. */
static bool park_one(struct ordering *o)
{
	struct pending *best = NULL;
	uint32_t best_place = PLAN_NOWHERE;
	double best_gain = -INFINITY;

	for (size_t i = 0; i < o->npending; i++) {
		struct pending *it = &o->pending[i];

		for (uint32_t place = 0; !it->parked && place < o->state.problem->nplaces;
		     place++) {
			double gain;

			if (place == o->state.place_of[it->vm] ||
			    !plan_state_fits(&o->state, it->vm, place) || !unblocks(o, it, place))
				continue;
			gain = model_value(gain_of(o, it->vm, place));
			if (best == NULL || gain > best_gain) {
				best = it;
				best_gain = gain;
				best_place = place;
			}
		}
	}
	if (best == NULL)
		return false;
	best->parked = true;
	take_step(o, best->vm, best_place, true);
	return true;
}

static int ordering_init(struct ordering *o, const struct plan_problem *problem,
    const uint32_t *from, const uint32_t *to)
{
	size_t changes = 0;

	for (size_t i = 0; i < problem->nvms; i++)
		changes += from[i] != to[i];
	*o = (struct ordering){0};
	o->pending = calloc(changes + 1, sizeof *o->pending);
	o->steps = calloc(2 * changes + 1, sizeof *o->steps); /* each VM is parked at most once */
	o->costs = calloc(problem->nenvironments + 1, sizeof *o->costs);
	if (o->pending == NULL || o->steps == NULL || o->costs == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < problem->nvms; i++)
		if (from[i] != to[i])
			o->pending[o->npending++] = (struct pending){.vm = i, .to = to[i]};
	o->now = model_total(problem, from);
	return plan_state_init(&o->state, problem, from);
}

static void forget_pending(struct ordering *o, size_t index)
{
	for (size_t i = index + 1; i < o->npending; i++)
		o->pending[i - 1] = o->pending[i];
	o->npending--;
}

int plan_order(const struct plan_problem *problem, const uint32_t *from, const uint32_t *to,
    struct plan_step **steps)
{
	struct ordering o;
	int rc = ordering_init(&o, problem, from, to);

	while (rc == GRAPPE_OK && o.npending > 0) {
		const size_t next = choose_next(&o);

		if (next < o.npending) {
			take_step(&o, o.pending[next].vm, o.pending[next].to, false);
			forget_pending(&o, next);
		} else if (!park_one(&o)) {
			rc = GRAPPE_ENOTFOUND;
		}
	}
	free(o.pending);
	free(o.costs);
	plan_state_deinit(&o.state);
	*steps = rc == GRAPPE_OK ? o.steps : NULL;
	if (rc == GRAPPE_OK)
		return (int)o.nsteps;
	free(o.steps);
	return rc;
}
