/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_start.h"

#include "common/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the order in which nodes are placed: those without choice, then by size ---- */

struct sized {
	uint32_t node;
	bool choice;
	double size;
};

static int compare_sized(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	if (x->choice != y->choice)
		return x->choice ? 1 : -1;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return (x->node > y->node) - (x->node < y->node);
}

/* How much of all capacity a node takes. */
static double size_of(const struct load *node, const struct load *all)
{
	return fmax(
	    fmax(node->vcpu / fmax(all->vcpu, 1e-9), node->mem_GiB / fmax(all->mem_GiB, 1e-9)),
	    node->vms / fmax(all->vms, 1e-9));
}

static struct sized *order_nodes(const struct solve_graph *g)
{
	struct sized *order = calloc(g->nodes + 1, sizeof *order);
	struct load all = {0};

	for (uint32_t e = 0; e < g->envs; e++)
		load_add(&all, &g->limit[e]);
	for (uint32_t i = 0; order != NULL && i < g->nodes; i++)
		order[i] = (struct sized){.node = i,
		    .choice = (g->allowed[i] & (g->allowed[i] - 1)) != 0,
		    .size = size_of(&g->load[i], &all)};
	if (order != NULL)
		qsort(order, g->nodes, sizeof *order, compare_sized);
	return order;
}

/* ---- placing ---- */

/* The environment where the node costs least and may be. */
static uint32_t cheapest(const struct solve_state *s, uint32_t node)
{
	const double *row = s->cost + (size_t)node * s->g->stride;
	uint32_t best = GRAPH_NOWHERE;

	for (uint32_t e = 0; e < s->g->envs; e++)
		if ((best == GRAPH_NOWHERE || row[e] < row[best]) && solve_state_may(s, node, e))
			best = e;
	return best;
}

/* A ring of nodes without a place. */
struct waiting {
	uint32_t *nodes;
	uint32_t head, length, size;
};

static void wait_for_place(struct waiting *w, uint32_t node)
{
	w->nodes[(w->head + w->length++) % w->size] = node;
}

static uint32_t next_waiting(struct waiting *w)
{
	const uint32_t node = w->nodes[w->head];

	w->head = (w->head + 1) % w->size;
	w->length--;
	return node;
}

static bool has_choice(const struct solve_graph *g, uint32_t node)
{
	return (g->allowed[node] & (g->allowed[node] - 1)) != 0;
}

/* Lifts those off whom the node must be apart from; false when one of them has no other place. */
static bool lift_opposed(struct solve_state *s, struct waiting *w, uint32_t node, uint32_t env)
{
	for (size_t k = s->g->apart_first[node]; k < s->g->apart_first[node + 1]; k++) {
		const uint32_t other = s->g->apart[k];

		if (s->place[other] != env)
			continue;
		if (!has_choice(s->g, other))
			return false;
		solve_state_put(s, other, GRAPH_NOWHERE);
		wait_for_place(w, other);
	}
	return true;
}

/* Makes room in env by lifting random members off, and puts the node there. */
static bool push_in(
    struct solve_state *s, struct waiting *w, struct lots *lots, uint32_t node, uint32_t env)
{
	int tries = 64;

	if (load_is_over(&s->g->load[node], &s->g->limit[env]) || !lift_opposed(s, w, node, env))
		return false;
	while (!solve_state_room(s, env, &s->g->load[node])) {
		uint32_t other;

		if (s->count[env] == 0 || tries-- == 0)
			return false;
		other =
		    s->members[(size_t)env * s->g->nodes + solve_lots_draw(lots, s->count[env])];
		if (!has_choice(s->g, other))
			continue;
		solve_state_put(s, other, GRAPH_NOWHERE);
		wait_for_place(w, other);
	}
	solve_state_put(s, node, env);
	return true;
}

static void place_waiting(
    struct solve_state *s, struct waiting *w, struct lots *lots, uint32_t node)
{
	const uint32_t free_env = cheapest(s, node);

	if (free_env != GRAPH_NOWHERE) {
		solve_state_put(s, node, free_env);
		return;
	}
	for (int tries = 0; tries < 8; tries++) {
		const uint32_t env = solve_lots_draw(lots, s->g->envs);

		if ((s->g->allowed[node] >> env & 1) != 0 && push_in(s, w, lots, node, env))
			return;
	}
	wait_for_place(w, node);
}

/* First who may have what it should, then the others. */
static void place_wished(struct solve_state *s, const uint32_t *place, const struct sized *order)
{
	for (uint32_t i = 0; i < s->g->nodes; i++) {
		const uint32_t node = order[i].node, env = place[node];

		/* Who has no choice is there, whatever the capacity. */
		if (env != GRAPH_NOWHERE &&
		    (solve_state_may(s, node, env) ||
			(!order[i].choice && s->g->allowed[node] == UINT64_C(1) << env)))
			solve_state_put(s, node, env);
	}
}

void solve_start_now(
    const struct instance *in, const struct bounds *b, const struct solve_graph *g, uint32_t *place)
{
	for (uint32_t u = 0; u < b->nunits; u++)
		place[u] = GRAPH_NOWHERE;
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		const uint32_t unit = b->unit[vm], env = in->vms[vm].env;
		const uint32_t *moved = g->moved + (size_t)unit * g->stride;

		if (place[unit] == GRAPH_NOWHERE || moved[env] < moved[place[unit]])
			place[unit] = env;
	}
}

int solve_start_find(
    struct solve_state *s, const uint32_t *place, struct lots *lots, struct budget *budget)
{
	struct sized *order = order_nodes(s->g);
	struct waiting w = {
	    .nodes = calloc(s->g->nodes + 1, sizeof *w.nodes), .size = s->g->nodes + 1};
	uint64_t rounds = 100000 + 200 * (uint64_t)s->g->nodes;
	int rc = order != NULL && w.nodes != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK && place != NULL)
		place_wished(s, place, order);
	for (uint32_t i = 0; rc == GRAPPE_OK && i < s->g->nodes; i++)
		if (s->place[order[i].node] == GRAPH_NOWHERE)
			wait_for_place(&w, order[i].node);
	while (rc == GRAPPE_OK && w.length > 0) {
		if (rounds-- == 0 || solve_budget_progress(budget) > 1)
			rc = GRAPPE_ENOTFOUND;
		else
			place_waiting(s, &w, lots, next_waiting(&w));
		solve_budget_spend(budget, 4 + s->work);
		s->work = 0;
	}
	if (rc == GRAPPE_OK && solve_state_violation(s) > 0)
		rc = GRAPPE_ENOTFOUND;
	free(order);
	free(w.nodes);
	return rc;
}

/* ---- why not ---- */

#define MASKS_MAX 12 /* different sets of environments that are looked at in all unions */

struct masks {
	uint64_t set[MASKS_MAX];
	size_t count;
	bool complete;
};

static void list_masks(const struct solve_graph *g, struct masks *masks)
{
	*masks = (struct masks){.complete = true};
	for (uint32_t i = 0; i < g->nodes; i++) {
		size_t at = 0;

		while (at < masks->count && masks->set[at] != g->allowed[i])
			at++;
		if (at < masks->count)
			continue;
		if (masks->count == MASKS_MAX) {
			masks->complete = false;
			return;
		}
		masks->set[masks->count++] = g->allowed[i];
	}
}

static void name_set(
    const struct solve_graph *g, const struct instance *in, uint64_t set, char *out, size_t size)
{
	size_t length = 0;
	char name[INSTANCE_NAME_SIZE];

	out[0] = '\0';
	for (uint32_t e = 0; e < g->envs && length < size; e++)
		if ((set >> e & 1) != 0)
			length += (size_t)snprintf(out + length, size - length, "%s%s",
			    length > 0 ? "," : "", solve_instance_env_name(in, e, name));
}

struct excess {
	double need, limit;
	const char *unit; /* NULL: none */
};

static struct excess find_excess(const struct load *need, const struct load *limit)
{
	const struct excess kinds[] = {{need->vcpu, limit->vcpu, "vcpu"},
	    {need->mem_GiB, limit->mem_GiB, "GiB of memory"}, {need->vms, limit->vms, "VMs"}};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!load_is_within(kinds[i].need, kinds[i].limit))
			return kinds[i];
	return (struct excess){0};
}

/* Whether those who may only be in the set need more than it has. */
static bool is_overfull(const struct solve_graph *g, const struct instance *in, uint64_t set,
    char reason[START_TEXT_SIZE])
{
	struct load need = {0}, limit = {0};
	struct excess over;
	char names[200];

	for (uint32_t i = 0; i < g->nodes; i++) {
		if ((g->allowed[i] & ~set) != 0)
			continue;
		load_add(&need, &g->load[i]);
	}
	for (uint32_t e = 0; e < g->envs; e++) {
		if ((set >> e & 1) == 0)
			continue;
		load_add(&limit, &g->limit[e]);
	}
	over = find_excess(&need, &limit);
	if (over.unit == NULL)
		return false;
	name_set(g, in, set, names, sizeof names);
	snprintf(reason, START_TEXT_SIZE,
	    "capacity: VMs that availability and rules leave only %s%s need %g %s of %g there",
	    in->env_names == NULL ? "environments " : "", names, over.need, over.unit, over.limit);
	return true;
}

static bool prove_capacity(
    const struct solve_graph *g, const struct instance *in, char reason[START_TEXT_SIZE])
{
	struct masks masks;

	list_masks(g, &masks);
	for (size_t subset = 1; subset < (size_t)1 << masks.count; subset++) {
		uint64_t set = 0;

		for (size_t i = 0; i < masks.count; i++)
			set |= (subset >> i & 1) != 0 ? masks.set[i] : 0;
		if (is_overfull(g, in, set, reason))
			return true;
	}
	return is_overfull(g, in, g->envs < 64 ? (UINT64_C(1) << g->envs) - 1 : UINT64_MAX, reason);
}

static const char *first_of_unit(
    const struct bounds *b, const struct instance *in, uint32_t unit, char name[INSTANCE_NAME_SIZE])
{
	uint32_t vm = 0;

	while (b->unit[vm] != unit)
		vm++;
	return solve_instance_vm_name(in, vm, name);
}

static bool prove_size(const struct solve_graph *g, const struct bounds *b,
    const struct instance *in, char reason[START_TEXT_SIZE])
{
	char name[INSTANCE_NAME_SIZE];

	for (uint32_t i = 0; i < g->nodes; i++) {
		bool fits = false;

		for (uint32_t e = 0; e < g->envs; e++)
			fits |= (g->allowed[i] >> e & 1) != 0 &&
				!load_is_over(&g->load[i], &g->limit[e]);
		if (fits)
			continue;
		snprintf(reason, START_TEXT_SIZE,
		    "capacity: VM %s%s (%g vcpu, %g GiB) is larger than every environment where it "
		    "may be",
		    first_of_unit(b, in, i, name),
		    g->load[i].vms > 1 ? " and those it stays together with" : "", g->load[i].vcpu,
		    g->load[i].mem_GiB);
		return true;
	}
	return false;
}

/* Tries all placements of a small graph, at most so many steps. */
#define PROOF_NODES 64
#define PROOF_STEPS 3000000

struct proof {
	struct solve_state state;
	const struct sized *order;
	uint64_t steps;
};

/* 1: there is a placement; 0: there is none; -1: not found out. */
static int try_all(struct proof *p, uint32_t depth)
{
	const struct solve_graph *g = p->state.g;
	const uint32_t node = depth < g->nodes ? p->order[depth].node : 0;

	if (depth == g->nodes)
		return 1;
	for (uint32_t e = 0; e < g->envs; e++) {
		int found;

		if (p->steps++ >= PROOF_STEPS)
			return -1;
		if (!solve_state_may(&p->state, node, e))
			continue;
		solve_state_put(&p->state, node, e);
		found = try_all(p, depth + 1);
		solve_state_put(&p->state, node, GRAPH_NOWHERE);
		if (found != 0)
			return found;
	}
	return 0;
}

static bool prove_by_trying(const struct solve_graph *g, char reason[START_TEXT_SIZE])
{
	struct proof p = {0};
	struct sized *order = g->nodes <= PROOF_NODES ? order_nodes(g) : NULL;
	bool none = false;

	if (order != NULL && solve_state_init(&p.state, g) == GRAPPE_OK) {
		p.order = order;
		none = try_all(&p, 0) == 0;
	}
	solve_state_deinit(&p.state);
	free(order);
	if (none)
		snprintf(reason, START_TEXT_SIZE,
		    "capacity: all placements were tried; the VMs do not fit into the environments "
		    "that availability and rules leave them%s",
		    g->apart_first[g->nodes] > 0 ? ", with those apart that must be" : "");
	return none;
}

bool solve_start_explain(const struct solve_graph *g, const struct bounds *b,
    const struct instance *in, char reason[START_TEXT_SIZE])
{
	if (prove_size(g, b, in, reason) || prove_capacity(g, in, reason) ||
	    prove_by_trying(g, reason))
		return true;
	snprintf(reason, START_TEXT_SIZE,
	    "no placement was found that keeps capacity and rules; that there is none is not "
	    "proven: free capacity, loosen a rule or give more time");
	return false;
}
