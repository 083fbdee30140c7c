/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_open.h"

#include "common/error.h"
#include "manager/solve_levels.h"
#include "manager/solve_start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MAX 64        /* sets of environments that are tried */
#define SETS_SHARE 0.75    /* of the time */
#define SETS_STEPS 2000000 /* of looking for them */

struct open_set {
	uint64_t set;
	double vcpu; /* of the instance's environments, which the objective counts */
};

struct opening {
	const struct instance *in;
	const struct solve_graph *g;
	struct load need;
	struct load left[INSTANCE_ENVS_MAX + 1]; /* from e on */
	struct open_set sets[SETS_MAX];          /* by vcpu */
	size_t nsets;
	double bound; /* what is in use now */
	uint64_t steps;
};

static double worst(const struct opening *o)
{
	return o->nsets < SETS_MAX ? o->bound : o->sets[SETS_MAX - 1].vcpu;
}

static void note_set(struct opening *o, uint64_t set, double vcpu)
{
	size_t at = o->nsets < SETS_MAX ? o->nsets++ : SETS_MAX - 1;

	while (at > 0 && o->sets[at - 1].vcpu > vcpu) {
		o->sets[at] = o->sets[at - 1];
		at--;
	}
	o->sets[at] = (struct open_set){set, vcpu};
}

/* Every set of environments from e on that could hold all, beside those chosen already. */
static void list_sets(
    struct opening *o, uint32_t e, uint64_t set, double vcpu, const struct load *room)
{
	struct load more = *room;

	load_add(&more, &o->left[e]);
	if (o->steps++ > SETS_STEPS || vcpu >= worst(o) || load_is_over(&o->need, &more))
		return;
	if (e == o->g->envs) {
		note_set(o, set, vcpu);
		return;
	}
	list_sets(o, e + 1, set, vcpu, room);
	more = *room;
	load_add(&more, &o->g->limit[e]);
	list_sets(o, e + 1, set | UINT64_C(1) << e, vcpu + o->in->envs[e].limit.vcpu, &more);
}

static void measure(struct opening *o, const uint32_t *place)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < o->g->nodes; i++) {
		load_add(&o->need, &o->g->load[i]);
		used |= UINT64_C(1) << place[i];
	}
	for (uint32_t e = o->g->envs; e-- > 0;) {
		o->left[e] = o->left[e + 1];
		load_add(&o->left[e], &o->g->limit[e]);
		o->bound += (used >> e & 1) != 0 ? o->in->envs[e].limit.vcpu : 0;
	}
}

/* A placement within the set, in place; 1 when there is one, 0 when none was found, or an error. */
static int try_set(struct solve_graph *narrow, const struct solve_graph *g, uint64_t set,
    uint32_t *place, size_t max_moved, struct lots *lots, struct budget *budget)
{
	struct solve_state state;
	int rc;

	for (uint32_t i = 0; i < g->nodes; i++) {
		narrow->allowed[i] = g->allowed[i] & set;
		if (narrow->allowed[i] == 0)
			return 0;
	}
	rc = solve_state_init(&state, narrow);
	if (rc == GRAPPE_OK)
		rc = solve_start_find(&state, place, lots, budget);
	if (rc == GRAPPE_OK && state.moved <= max_moved) {
		memcpy(place, state.place, g->nodes * sizeof *place);
		rc = 1;
	}
	solve_state_deinit(&state);
	return rc == GRAPPE_ENOTFOUND ? 0 : rc;
}

int solve_open_fewest(const struct instance *instance, const struct solve_graph *graph,
    uint32_t *place, size_t max_moved, struct lots *lots, struct budget *budget, double end)
{
	const double begin = solve_budget_progress(budget);
	struct opening *o = calloc(1, sizeof *o);
	uint64_t *allowed = calloc(graph->nodes + 1, sizeof *allowed);
	struct solve_graph narrow = *graph;
	int rc = o != NULL && allowed != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK) {
		narrow.allowed = allowed;
		memcpy(allowed, graph->allowed, graph->nodes * sizeof *allowed);
		o->in = instance;
		o->g = graph;
		measure(o, place);
		list_sets(o, 0, 0, 0, &(struct load){0});
	}
	for (size_t i = 0; rc == GRAPPE_OK && i < o->nsets &&
			   solve_budget_progress(budget) < begin + SETS_SHARE * (end - begin);
	     i++)
		rc = try_set(&narrow, graph, o->sets[i].set, place, max_moved, lots, budget);
	if (rc == 0 && o != NULL)
		memcpy(allowed, graph->allowed, graph->nodes * sizeof *allowed);
	/* Fewer moves into the same environments. */
	if (rc >= 0)
		rc = solve_levels_improve(&narrow, place, max_moved, lots, budget, end);
	free(o);
	free(allowed);
	return rc;
}
