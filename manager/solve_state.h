/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A placement of the nodes of a graph, with all that a search asks for kept up to date: what each
 * node would cost in each environment, how full environments are, who is where. Asking is a look
 * into an array; putting a node elsewhere costs its edges times the environments. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_STATE_H
#define GRAPPE_MANAGER_SOLVE_STATE_H

#include "manager/solve_graph.h"

struct solve_state {
	const struct solve_graph *g;
	uint32_t *place; /* per node; GRAPH_NOWHERE: not placed */
	/* [node * stride + env]: the node's own cost and that of its edges if it were there */
	double *cost;
	struct load *used;       /* per environment */
	uint32_t *members;       /* [env * nodes + i] */
	uint32_t *count, *index; /* members of each environment; where each node stands there */
	size_t moved;            /* voluntary moves that the placement takes */
	double *step[2 * COST_TERMS]; /* scratch: how rows of the tables change */
	uint64_t work;                /* how much was done, in units of about 10 ns */
};

/* solve_state_init - nobody placed. Returns 0 or GRAPPE_EMEMORY; deinit it in both cases. */
int solve_state_init(struct solve_state *s, const struct solve_graph *g);
void solve_state_deinit(struct solve_state *s);

/* solve_state_put - moves a node to an environment or GRAPH_NOWHERE, without any check. */
void solve_state_put(struct solve_state *s, uint32_t node, uint32_t env);
/* solve_state_load - puts every node where place says. */
void solve_state_load(struct solve_state *s, const uint32_t *place);
/* solve_state_total - the cost of the placement; all nodes must be placed. */
double solve_state_total(const struct solve_state *s);

/* solve_state_room - whether an environment has room for so much more. */
bool solve_state_room(const struct solve_state *s, uint32_t env, const struct load *more);
/* solve_state_over - whether it holds more than it may. */
bool solve_state_over(const struct solve_state *s, uint32_t env);
/* solve_state_apart - whether no node that must be apart from this one is in env; `except`: one
 * that does not count, or GRAPH_NOWHERE. */
bool solve_state_apart(const struct solve_state *s, uint32_t node, uint32_t env, uint32_t except);
/* solve_state_may - whether the node may go to env: allowed, room, nobody there to be apart from.
 */
bool solve_state_may(const struct solve_state *s, uint32_t node, uint32_t env);
/* solve_state_may_swap - whether two nodes of different environments may change places. */
bool solve_state_may_swap(const struct solve_state *s, uint32_t a, uint32_t b);

/* solve_state_delta - how the cost changes when a placed node goes to env. */
static inline double solve_state_delta(const struct solve_state *s, uint32_t node, uint32_t env)
{
	const double *row = s->cost + (size_t)node * s->g->stride;

	return row[env] - row[s->place[node]];
}

/* solve_state_delta_two - when a goes to env_a and b to env_b at once. */
double solve_state_delta_two(
    const struct solve_state *s, uint32_t a, uint32_t env_a, uint32_t b, uint32_t env_b);
/* solve_state_moved_by - how many voluntary moves more (or less) that takes. */
static inline int64_t solve_state_moved_by(const struct solve_state *s, uint32_t node, uint32_t env)
{
	const uint32_t *row = s->g->moved + (size_t)node * s->g->stride;

	return (int64_t)row[env] - (int64_t)row[s->place[node]];
}

/* solve_state_violation - how far the placement is from keeping capacity, where nodes may be and
 * who must be apart; 0: kept. */
double solve_state_violation(const struct solve_state *s);

#endif
