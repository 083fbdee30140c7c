/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_state.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows are whole vectors of four. */
typedef double row4 __attribute__((vector_size(32), aligned(8), may_alias));

int solve_state_init(struct solve_state *s, const struct solve_graph *g)
{
	bool good = true;

	*s = (struct solve_state){.g = g};
	s->place = calloc(g->nodes + 1, sizeof *s->place);
	s->cost = calloc((size_t)g->nodes * g->stride + 1, sizeof *s->cost);
	s->used = calloc(g->envs + 1, sizeof *s->used);
	s->members = calloc((size_t)g->envs * g->nodes + 1, sizeof *s->members);
	s->count = calloc(g->envs + 1, sizeof *s->count);
	s->index = calloc(g->nodes + 1, sizeof *s->index);
	for (unsigned t = 0; t < 2 * COST_TERMS; t++)
		good &= (s->step[t] = calloc(g->stride + 1, sizeof *s->step[t])) != NULL;
	if (!good || s->place == NULL || s->cost == NULL || s->used == NULL || s->members == NULL ||
	    s->count == NULL || s->index == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < g->nodes; i++)
		s->place[i] = GRAPH_NOWHERE;
	memcpy(s->cost, g->fixed, (size_t)g->nodes * g->stride * sizeof *s->cost);
	return GRAPPE_OK;
}

void solve_state_deinit(struct solve_state *s)
{
	free(s->place);
	free(s->cost);
	free(s->used);
	free(s->members);
	free(s->count);
	free(s->index);
	for (unsigned t = 0; t < 2 * COST_TERMS; t++)
		free(s->step[t]);
	*s = (struct solve_state){0};
}

/* ---- putting ---- */

static void leave(struct solve_state *s, uint32_t node)
{
	const uint32_t env = s->place[node];
	uint32_t *list = s->members + (size_t)env * s->g->nodes;
	const uint32_t last = list[--s->count[env]];

	list[s->index[node]] = last;
	s->index[last] = s->index[node];
	load_take(&s->used[env], &s->g->load[node]);
	s->moved -= s->g->moved[(size_t)node * s->g->stride + env];
}

static void enter(struct solve_state *s, uint32_t node, uint32_t env)
{
	s->index[node] = s->count[env];
	s->members[(size_t)env * s->g->nodes + s->count[env]++] = node;
	load_add(&s->used[env], &s->g->load[node]);
	s->moved += s->g->moved[(size_t)node * s->g->stride + env];
}

/* How a row of neighbours' costs changes: the table's row of `to` less that of `from`. */
static void table_step(
    const struct solve_graph *g, const double *table, uint32_t from, uint32_t to, double *step)
{
	for (uint32_t e = 0; e < g->stride; e++)
		step[e] = (to != GRAPH_NOWHERE ? table[to * g->stride + e] : 0) -
			  (from != GRAPH_NOWHERE ? table[from * g->stride + e] : 0);
}

static inline void add_scaled(double *row, const double *step, double weight, uint32_t stride)
{
	for (uint32_t e = 0; e < stride; e += 4)
		*(row4 *)(row + e) += *(const row4 *)(step + e) * weight;
}

static inline void add_scaled_two(double *row, const double *one, double weight, const double *two,
    double weight_two, uint32_t stride)
{
	for (uint32_t e = 0; e < stride; e += 4)
		*(row4 *)(row + e) +=
		    *(const row4 *)(one + e) * weight + *(const row4 *)(two + e) * weight_two;
}

static void tell_neighbours(struct solve_state *s, uint32_t node, uint32_t from, uint32_t to)
{
	const struct solve_graph *g = s->g;

	/* What the node sends (out) reaches a neighbour in e from here; what it receives (in)
	 * comes from e. */
	for (unsigned t = 0; t < g->terms; t++) {
		table_step(g, g->table[t], from, to, s->step[t]);
		if (!g->symmetric)
			table_step(g, g->back[t], from, to, s->step[COST_TERMS + t]);
	}
	for (size_t k = g->first[node]; k < g->first[node + 1]; k++) {
		const struct solve_graph_edge *edge = &g->edges[k];
		double *row = s->cost + (size_t)edge->to * g->stride;

		if (g->symmetric && g->terms == 2) {
			add_scaled_two(row, s->step[0], (double)edge->in[0], s->step[1],
			    (double)edge->in[1], g->stride);
			continue;
		}
		for (unsigned t = 0; t < g->terms; t++) {
			if (g->symmetric)
				add_scaled(row, s->step[t], (double)edge->in[t], g->stride);
			else
				add_scaled_two(row, s->step[t], (double)edge->out[t],
				    s->step[COST_TERMS + t], (double)edge->in[t], g->stride);
		}
	}
	s->work += 4 + (g->first[node + 1] - g->first[node]) *
			   (2 + g->stride * g->terms * (g->symmetric ? 1 : 2) / 16);
}

void solve_state_put(struct solve_state *s, uint32_t node, uint32_t env)
{
	const uint32_t from = s->place[node];

	if (from == env)
		return;
	if (from != GRAPH_NOWHERE)
		leave(s, node);
	s->place[node] = env;
	if (env != GRAPH_NOWHERE)
		enter(s, node, env);
	if (s->g->terms > 0)
		tell_neighbours(s, node, from, env);
}

void solve_state_load(struct solve_state *s, const uint32_t *place)
{
	for (uint32_t i = 0; i < s->g->nodes; i++)
		solve_state_put(s, i, place[i]);
}

double solve_state_total(const struct solve_state *s)
{
	double twice = 0, own = 0;

	/* Edges stand in the rows of both ends. */
	for (uint32_t i = 0; i < s->g->nodes; i++) {
		const size_t at = (size_t)i * s->g->stride + s->place[i];

		own += s->g->fixed[at];
		twice += s->cost[at] - s->g->fixed[at];
	}
	return own + twice / 2;
}

/* ---- asking ---- */

bool solve_state_room(const struct solve_state *s, uint32_t env, const struct load *more)
{
	return load_fits(&s->used[env], more, &s->g->limit[env]);
}

bool solve_state_over(const struct solve_state *s, uint32_t env)
{
	return load_is_over(&s->used[env], &s->g->limit[env]);
}

bool solve_state_apart(const struct solve_state *s, uint32_t node, uint32_t env, uint32_t except)
{
	for (size_t k = s->g->apart_first[node]; k < s->g->apart_first[node + 1]; k++)
		if (s->g->apart[k] != except && s->place[s->g->apart[k]] == env)
			return false;
	return true;
}

static bool is_allowed(const struct solve_state *s, uint32_t node, uint32_t env)
{
	return (s->g->allowed[node] >> env & 1) != 0;
}

bool solve_state_may(const struct solve_state *s, uint32_t node, uint32_t env)
{
	return is_allowed(s, node, env) && solve_state_room(s, env, &s->g->load[node]) &&
	       solve_state_apart(s, node, env, GRAPH_NOWHERE);
}

bool solve_state_may_swap(const struct solve_state *s, uint32_t a, uint32_t b)
{
	struct load to_b = s->g->load[a], to_a = s->g->load[b];

	load_take(&to_b, &s->g->load[b]);
	load_take(&to_a, &s->g->load[a]);
	return is_allowed(s, a, s->place[b]) && is_allowed(s, b, s->place[a]) &&
	       solve_state_room(s, s->place[b], &to_b) && solve_state_room(s, s->place[a], &to_a) &&
	       solve_state_apart(s, a, s->place[b], b) && solve_state_apart(s, b, s->place[a], a);
}

static const struct solve_graph_edge *find_edge(const struct solve_graph *g, uint32_t a, uint32_t b)
{
	for (size_t k = g->first[a]; k < g->first[a + 1]; k++)
		if (g->edges[k].to == b)
			return &g->edges[k];
	return NULL;
}

double solve_state_delta_two(
    const struct solve_state *s, uint32_t a, uint32_t env_a, uint32_t b, uint32_t env_b)
{
	const struct solve_graph *g = s->g;
	const bool swapped = g->first[a + 1] - g->first[a] > g->first[b + 1] - g->first[b];
	const uint32_t one = swapped ? b : a, two = swapped ? a : b;
	const uint32_t env_one = swapped ? env_b : env_a, env_two = swapped ? env_a : env_b;
	const struct solve_graph_edge *edge = find_edge(g, one, two);
	double delta = solve_state_delta(s, a, env_a) + solve_state_delta(s, b, env_b);

	if (edge != NULL) {
		/* Each single change took the other as staying. */
		delta += solve_graph_edge_cost(g, edge, env_one, env_two) -
			 solve_graph_edge_cost(g, edge, env_one, s->place[two]) -
			 solve_graph_edge_cost(g, edge, s->place[one], env_two) +
			 solve_graph_edge_cost(g, edge, s->place[one], s->place[two]);
	}
	return delta;
}

double solve_state_violation(const struct solve_state *s)
{
	double sum = 0;

	for (uint32_t e = 0; e < s->g->envs; e++) {
		const struct load *used = &s->used[e], *limit = &s->g->limit[e];

		if (solve_state_over(s, e))
			sum += fmax(0, used->vcpu - limit->vcpu) +
			       fmax(0, used->mem_GiB - limit->mem_GiB) +
			       fmax(0, used->vms - limit->vms);
	}
	for (uint32_t i = 0; i < s->g->nodes; i++) {
		sum += s->place[i] == GRAPH_NOWHERE || !is_allowed(s, i, s->place[i]);
		if (s->place[i] != GRAPH_NOWHERE)
			sum += !solve_state_apart(s, i, s->place[i], GRAPH_NOWHERE);
	}
	return sum;
}
