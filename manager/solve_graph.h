/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The problem as the search sees it: nodes that go into environments, what each costs where, and
 * edges whose cost depends on where both ends are. Nodes are units of VMs that must stay together,
 * or clusters of such units; a clustered graph has the same costs as the one it was made of while
 * the members of each cluster stay together. Pure.
 *
 * Life-cycle: solve_graph_build(); solve_graph_cluster() any number of times, each from a graph
 * that stays; solve_graph_deinit() each, the first one last.
 */
#ifndef GRAPPE_MANAGER_SOLVE_GRAPH_H
#define GRAPPE_MANAGER_SOLVE_GRAPH_H

#include "manager/solve_load.h"
#include "manager/solve_model.h"
#include "manager/solve_rules.h"

#include <stdbool.h>

#define GRAPH_NOWHERE UINT32_MAX

/* The traffic between a node and a neighbour: weights of what it receives and of what it sends. */
struct solve_graph_edge {
	uint32_t to;
	float in[COST_TERMS], out[COST_TERMS];
};

struct solve_graph {
	uint32_t nodes, envs;
	uint32_t stride; /* envs rounded up, so that rows are whole vectors */
	unsigned terms;
	bool symmetric; /* links cost the same both ways: `in` holds both directions, `out` nothing
			 */
	/* [from * stride + to], and the other way round; shared by the clustered graphs */
	double *table[COST_TERMS], *back[COST_TERMS];
	double *fixed; /* [node * stride + env]; INFINITY where envs end */
	size_t *first; /* nodes + 1 offsets into edges */
	struct solve_graph_edge *edges;
	uint64_t *allowed;   /* per node: environments, as bits */
	struct load *load;   /* per node */
	uint32_t *moved;     /* [node * stride + env]: voluntary moves that this takes */
	size_t *apart_first; /* nodes + 1 offsets into apart */
	uint32_t *apart;
	struct load *limit; /* per environment */
	double *pull;       /* per term: how much farther other environments are than one's own */
	bool owner;         /* of the tables and capacities */
};

/* solve_graph_build - from an instance and its bounds. Returns 0 or GRAPPE_EMEMORY; deinit it in
 * both cases. */
int solve_graph_build(const struct instance *instance, const struct bounds *bounds,
    enum cost_objective objective, struct solve_graph *out);
/* solve_graph_cluster - the graph of clusters: cluster[node] below count. Returns 0 or
 * GRAPPE_EMEMORY; deinit it in both cases. */
int solve_graph_cluster(const struct solve_graph *graph, const uint32_t *cluster, uint32_t count,
    struct solve_graph *out);
void solve_graph_deinit(struct solve_graph *graph);

/* solve_graph_edge_cost - of an edge of a node in environment `here` whose other end is in `there`.
 */
double solve_graph_edge_cost(const struct solve_graph *graph, const struct solve_graph_edge *edge,
    uint32_t here, uint32_t there);
/* solve_graph_edge_weight - about what it costs to have the ends in different environments. */
double solve_graph_edge_weight(
    const struct solve_graph *graph, const struct solve_graph_edge *edge);
/* solve_graph_bytes - memory that rows and edges take, as a measure of how fast a search goes. */
size_t solve_graph_bytes(const struct solve_graph *graph);

#endif
