/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/plan_curve.h"

#include "common/error.h"

#include <stdbool.h>
#include <stdlib.h>

#define MOVERS_MAX 500 /* VMs that move, above which there is no curve */

struct curve {
	const struct problem *p;
	enum cost_objective objective;
	const struct plan *plan;
	uint32_t *env; /* per VM */
	uint32_t movers[MOVERS_MAX];
	size_t nmovers;
};

static uint32_t target_of(const struct curve *c, uint32_t vm)
{
	return c->p->places.items[c->plan->place[vm]].env;
}

static double value_around(const struct curve *c, uint32_t vm)
{
	const struct cost_totals part = solve_model_around(&c->p->instance, c->env, vm,
	    c->p->flows + c->p->first[vm], c->p->first[vm + 1] - c->p->first[vm]);

	return solve_model_value(c->objective, &part);
}

/* What the objective changes by when the VM goes where it should. */
static double change_of(struct curve *c, uint32_t vm)
{
	const uint32_t here = c->env[vm];
	const double before = value_around(c, vm);
	double after;

	c->env[vm] = target_of(c, vm);
	after = value_around(c, vm);
	c->env[vm] = here;
	return after - before;
}

/* Takes the best mover; returns what it changes. */
static double take_best(struct curve *c)
{
	size_t best = 0;
	double change = 0;

	for (size_t i = 0; i < c->nmovers; i++) {
		const double next = change_of(c, c->movers[i]);

		if (i > 0 && next >= change)
			continue;
		change = next;
		best = i;
	}
	c->env[c->movers[best]] = target_of(c, c->movers[best]);
	c->movers[best] = c->movers[--c->nmovers];
	return change;
}

static bool list_movers(struct curve *c)
{
	for (uint32_t vm = 0; vm < c->p->instance.nvms; vm++) {
		c->env[vm] = c->p->instance.vms[vm].env;
		if (c->env[vm] == target_of(c, vm))
			continue;
		if (c->nmovers == MOVERS_MAX)
			return false;
		c->movers[c->nmovers++] = vm;
	}
	return true;
}

int plan_curve_find(const struct problem *problem, enum cost_objective objective, struct plan *plan)
{
	struct curve *c = calloc(1, sizeof *c);
	double value = solve_model_value(objective, &plan->before);
	size_t every;

	plan->ncurve = 0;
	if (c == NULL)
		return GRAPPE_EMEMORY;
	*c = (struct curve){.p = problem, .objective = objective, .plan = plan};
	c->env = calloc(problem->instance.nvms + 1, sizeof *c->env);
	if (c->env == NULL) {
		free(c);
		return GRAPPE_EMEMORY;
	}
	if (objective != COST_RESOURCES && list_movers(c)) {
		const size_t all = c->nmovers;

		every = all / SOLVE_CURVE_MAX + 1;
		while (c->nmovers > 0) {
			const size_t moves = all - c->nmovers + 1;

			value += take_best(c);
			if (moves % every == 0 || c->nmovers == 0)
				plan->curve[plan->ncurve++] = (struct solve_point){moves, value};
		}
	}
	free(c->env);
	free(c);
	return GRAPPE_OK;
}
