/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_graph.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROW 4 /* doubles that rows are rounded up to */

double solve_graph_edge_cost(
    const struct solve_graph *g, const struct solve_graph_edge *edge, uint32_t here, uint32_t there)
{
	double cost = 0;

	for (unsigned t = 0; t < g->terms; t++)
		cost += (double)edge->in[t] * g->table[t][there * g->stride + here] +
			(double)edge->out[t] * g->table[t][here * g->stride + there];
	return cost;
}

double solve_graph_edge_weight(const struct solve_graph *g, const struct solve_graph_edge *edge)
{
	double weight = 0;

	for (unsigned t = 0; t < g->terms; t++)
		weight += g->pull[t] * ((double)edge->in[t] + (double)edge->out[t]);
	return weight;
}

size_t solve_graph_bytes(const struct solve_graph *g)
{
	return g->nodes * g->stride * sizeof *g->fixed + g->first[g->nodes] * sizeof *g->edges;
}

/* ---- memory ---- */

static int allocate_nodes(struct solve_graph *g)
{
	g->fixed = calloc((size_t)g->nodes * g->stride + 1, sizeof *g->fixed);
	g->moved = calloc((size_t)g->nodes * g->stride + 1, sizeof *g->moved);
	g->first = calloc(g->nodes + 2, sizeof *g->first);
	g->allowed = calloc(g->nodes + 1, sizeof *g->allowed);
	g->load = calloc(g->nodes + 1, sizeof *g->load);
	g->apart_first = calloc(g->nodes + 2, sizeof *g->apart_first);
	return g->fixed != NULL && g->moved != NULL && g->first != NULL && g->allowed != NULL &&
		       g->load != NULL && g->apart_first != NULL
		   ? GRAPPE_OK
		   : GRAPPE_EMEMORY;
}

void solve_graph_deinit(struct solve_graph *g)
{
	for (unsigned t = 0; g->owner && t < COST_TERMS; t++) {
		free(g->table[t]);
		free(g->back[t]);
	}
	if (g->owner) {
		free(g->limit);
		free(g->pull);
	}
	free(g->fixed);
	free(g->moved);
	free(g->first);
	free(g->edges);
	free(g->allowed);
	free(g->load);
	free(g->apart_first);
	free(g->apart);
	*g = (struct solve_graph){0};
}

/* ---- edges ---- */

/* Adds up the edges of one node by neighbour; a slot per possible neighbour. */
struct gather {
	struct solve_graph_edge *edges;
	size_t count, begin; /* begin: of the node's own */
	size_t *slot;        /* per neighbour: its edge, when not below begin */
};

static struct solve_graph_edge *gather_edge(struct gather *gather, uint32_t to)
{
	size_t at = gather->slot[to];

	if (at < gather->begin || at >= gather->count || gather->edges[at].to != to) {
		at = gather->slot[to] = gather->count++;
		gather->edges[at] = (struct solve_graph_edge){.to = to};
	}
	return &gather->edges[at];
}

/* ---- from an instance ---- */

static int build_tables(
    struct solve_graph *g, const struct instance *in, enum cost_objective objective)
{
	struct cost_tables tables;
	int rc = solve_model_tables_init(in, objective, &tables);

	g->terms = tables.terms;
	g->symmetric = objective == COST_TIME || objective == COST_TRAFFIC;
	g->pull = calloc(COST_TERMS, sizeof *g->pull);
	for (unsigned t = 0; rc == GRAPPE_OK && t < g->terms; t++) {
		const double between = (double)g->envs * (g->envs - 1);

		g->table[t] = calloc(g->envs * g->stride, sizeof *g->table[t]);
		g->back[t] = calloc(g->envs * g->stride, sizeof *g->back[t]);
		if (g->table[t] == NULL || g->back[t] == NULL || g->pull == NULL) {
			rc = GRAPPE_EMEMORY;
			break;
		}
		for (uint32_t f = 0; f < g->envs; f++) {
			for (uint32_t e = 0; e < g->envs; e++) {
				const double cost = tables.table[t][f * g->envs + e];

				g->table[t][f * g->stride + e] = cost;
				g->back[t][e * g->stride + f] = cost;
				g->symmetric &= cost == tables.table[t][e * g->envs + f];
				g->pull[t] += f == e ? -cost / g->envs : cost / fmax(between, 1);
			}
		}
	}
	solve_model_tables_deinit(&tables);
	return rc;
}

static int build_limits(struct solve_graph *g, const struct bounds *bounds)
{
	g->limit = calloc(g->envs + 1, sizeof *g->limit);
	g->apart = calloc(bounds->apart_first[bounds->nunits] + 1, sizeof *g->apart);
	if (g->limit == NULL || g->apart == NULL)
		return GRAPPE_EMEMORY;
	memcpy(g->limit, bounds->limit, g->envs * sizeof *g->limit);
	memcpy(g->apart_first, bounds->apart_first, (g->nodes + 1) * sizeof *g->apart_first);
	memcpy(g->apart, bounds->apart, g->apart_first[g->nodes] * sizeof *g->apart);
	return GRAPPE_OK;
}

static void build_nodes(struct solve_graph *g, const struct instance *in,
    const struct bounds *bounds, enum cost_objective objective)
{
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		const uint32_t node = bounds->unit[vm];
		const bool voluntary = solve_bounds_may_stay(bounds, in, vm);

		g->allowed[node] = bounds->allowed[vm];
		load_add(&g->load[node], &in->vms[vm].load);
		for (uint32_t e = 0; e < g->envs; e++) {
			g->fixed[node * g->stride + e] += solve_model_of_vm(in, objective, vm, e);
			g->moved[node * g->stride + e] += voluntary && in->vms[vm].env != e;
		}
	}
}

/* A flow that binds nobody but a unit to an environment: with an endpoint, or inside the unit. */
static bool take_bound_flow(struct solve_graph *g, const struct instance *in,
    const struct bounds *bounds, enum cost_objective objective, const struct instance_flow *flow)
{
	double weight[COST_TERMS];
	uint32_t node;

	if (flow->from >= in->nvms && flow->to >= in->nvms)
		return true;
	if (flow->from >= in->nvms || flow->to >= in->nvms) {
		node = bounds->unit[flow->to < in->nvms ? flow->to : flow->from];
		for (uint32_t e = 0; e < g->envs; e++)
			g->fixed[node * g->stride + e] +=
			    solve_model_of_endpoint_flow(in, objective, flow, e);
		return true;
	}
	node = bounds->unit[flow->to];
	if (bounds->unit[flow->from] != node)
		return false;
	solve_model_of_flow(in, objective, flow, weight);
	for (uint32_t e = 0; e < g->envs; e++)
		for (unsigned t = 0; t < g->terms; t++)
			g->fixed[node * g->stride + e] +=
			    weight[t] * g->table[t][e * g->stride + e];
	return true;
}

/* Flows that reach each unit or leave it, as 2 * index, + 1 for those that leave it: those of a
 * node are list[first[node]] to list[first[node + 1] - 1]. */
static int list_flows(struct solve_graph *g, const struct instance *in, const struct bounds *bounds,
    enum cost_objective objective, size_t **first, uint32_t **list)
{
	size_t *begin = *first = calloc(g->nodes + 3, sizeof **first);

	*list = NULL;
	if (begin == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < in->nflows; i++) {
		const struct instance_flow *flow = &in->flows[i];

		if (take_bound_flow(g, in, bounds, objective, flow))
			continue;
		begin[bounds->unit[flow->from] + 2]++;
		begin[bounds->unit[flow->to] + 2]++;
	}
	for (uint32_t i = 0; i <= g->nodes; i++)
		begin[i + 2] += begin[i + 1];
	*list = calloc(begin[g->nodes + 1] + 1, sizeof **list);
	if (*list == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < in->nflows; i++) {
		const struct instance_flow *flow = &in->flows[i];

		if (flow->from >= in->nvms || flow->to >= in->nvms ||
		    bounds->unit[flow->from] == bounds->unit[flow->to])
			continue;
		(*list)[begin[bounds->unit[flow->from] + 1]++] = (uint32_t)(2 * i + 1);
		(*list)[begin[bounds->unit[flow->to] + 1]++] = (uint32_t)(2 * i);
	}
	return GRAPPE_OK;
}

/* The flow as an edge of the node that receives it, or (end 1) that sends it. */
static void add_flow(struct solve_graph *g, struct gather *gather, const struct bounds *bounds,
    const struct instance_flow *flow, bool leaves, const double weight[COST_TERMS])
{
	struct solve_graph_edge *edge =
	    gather_edge(gather, bounds->unit[leaves ? flow->to : flow->from]);

	for (unsigned t = 0; t < g->terms; t++) {
		if (g->symmetric || !leaves)
			edge->in[t] += (float)weight[t];
		else
			edge->out[t] += (float)weight[t];
	}
}

static int build_edges(struct solve_graph *g, const struct instance *in,
    const struct bounds *bounds, enum cost_objective objective)
{
	size_t *begin = NULL;
	uint32_t *list = NULL;
	struct gather gather = {.slot = calloc(g->nodes + 1, sizeof *gather.slot)};
	int rc = list_flows(g, in, bounds, objective, &begin, &list);

	gather.edges = calloc(2 * in->nflows + 1, sizeof *gather.edges);
	if (gather.edges == NULL || gather.slot == NULL)
		rc = GRAPPE_EMEMORY;
	for (uint32_t node = 0; rc == GRAPPE_OK && node < g->nodes; node++) {
		g->first[node] = gather.begin = gather.count;
		for (size_t i = begin[node]; i < begin[node + 1]; i++) {
			const struct instance_flow *flow = &in->flows[list[i] / 2];
			double weight[COST_TERMS];

			solve_model_of_flow(in, objective, flow, weight);
			add_flow(g, &gather, bounds, flow, list[i] % 2 != 0, weight);
		}
	}
	g->first[g->nodes] = gather.count;
	g->edges = gather.edges;
	free(gather.slot);
	free(begin);
	free(list);
	return rc;
}

int solve_graph_build(const struct instance *in, const struct bounds *bounds,
    enum cost_objective objective, struct solve_graph *g)
{
	int rc;

	*g = (struct solve_graph){.nodes = (uint32_t)bounds->nunits,
	    .envs = (uint32_t)bounds->nenvs,
	    .stride = ((uint32_t)bounds->nenvs + ROW - 1) / ROW * ROW,
	    .owner = true};
	rc = allocate_nodes(g);
	if (rc == GRAPPE_OK)
		rc = build_tables(g, in, objective);
	if (rc == GRAPPE_OK)
		rc = build_limits(g, bounds);
	if (rc == GRAPPE_OK) {
		build_nodes(g, in, bounds, objective);
		rc = build_edges(g, in, bounds, objective);
	}
	return rc;
}

/* ---- clusters ---- */

static void add_row(double *sum, const double *row, uint32_t count)
{
	for (uint32_t e = 0; e < count; e++)
		sum[e] += row[e];
}

static void cluster_nodes(
    const struct solve_graph *g, const uint32_t *cluster, struct solve_graph *out)
{
	for (uint32_t c = 0; c < out->nodes; c++)
		out->allowed[c] = UINT64_MAX;
	for (uint32_t i = 0; i < g->nodes; i++) {
		const uint32_t c = cluster[i];

		out->allowed[c] &= g->allowed[i];
		load_add(&out->load[c], &g->load[i]);
		add_row(
		    out->fixed + (size_t)c * g->stride, g->fixed + (size_t)i * g->stride, g->envs);
		for (uint32_t e = 0; e < g->envs; e++)
			out->moved[(size_t)c * g->stride + e] +=
			    g->moved[(size_t)i * g->stride + e];
	}
}

/* An edge inside a cluster: it costs what it costs wherever the cluster is. Both ends come by. */
static void cluster_inner(
    const struct solve_graph *g, const struct solve_graph_edge *edge, double *fixed)
{
	for (unsigned t = 0; t < g->terms; t++) {
		const double weight = (double)edge->in[t] * (g->symmetric ? 0.5 : 1);

		for (uint32_t e = 0; e < g->envs; e++)
			fixed[e] += weight * g->table[t][e * g->stride + e];
	}
}

/* Nodes by cluster: list[first[cluster]] to list[first[cluster + 1] - 1]. */
static int list_members(const struct solve_graph *g, const uint32_t *cluster, uint32_t count,
    uint32_t **first, uint32_t **list)
{
	*first = calloc(count + 3, sizeof **first);
	*list = calloc(g->nodes + 1, sizeof **list);
	if (*first == NULL || *list == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < g->nodes; i++)
		(*first)[cluster[i] + 2]++;
	for (uint32_t c = 0; c <= count; c++)
		(*first)[c + 2] += (*first)[c + 1];
	for (uint32_t i = 0; i < g->nodes; i++)
		(*list)[(*first)[cluster[i] + 1]++] = i;
	return GRAPPE_OK;
}

static void cluster_edges(const struct solve_graph *g, const uint32_t *cluster,
    const uint32_t *first, const uint32_t *list, struct gather *gather, struct solve_graph *out)
{
	size_t napart = 0;

	for (uint32_t c = 0; c < out->nodes; c++) {
		out->first[c] = gather->begin = gather->count;
		out->apart_first[c] = napart;
		for (uint32_t m = first[c]; m < first[c + 1]; m++) {
			const uint32_t i = list[m];

			for (size_t k = g->first[i]; k < g->first[i + 1]; k++) {
				const uint32_t other = cluster[g->edges[k].to];
				struct solve_graph_edge *edge;

				if (other == c) {
					cluster_inner(
					    g, &g->edges[k], out->fixed + (size_t)c * g->stride);
					continue;
				}
				edge = gather_edge(gather, other);
				for (unsigned t = 0; t < g->terms; t++) {
					edge->in[t] += g->edges[k].in[t];
					edge->out[t] += g->edges[k].out[t];
				}
			}
			for (size_t k = g->apart_first[i]; k < g->apart_first[i + 1]; k++)
				out->apart[napart++] = cluster[g->apart[k]];
		}
	}
	out->first[out->nodes] = gather->count;
	out->apart_first[out->nodes] = napart;
}

int solve_graph_cluster(
    const struct solve_graph *g, const uint32_t *cluster, uint32_t count, struct solve_graph *out)
{
	uint32_t *first = NULL, *list = NULL;
	struct gather gather = {.slot = calloc(count + 1, sizeof *gather.slot)};
	int rc;

	*out = *g;
	out->owner = false;
	out->nodes = count;
	out->edges = NULL;
	out->apart = calloc(g->apart_first[g->nodes] + 1, sizeof *out->apart);
	rc = allocate_nodes(out);
	gather.edges = calloc(g->first[g->nodes] + 1, sizeof *gather.edges);
	if (rc == GRAPPE_OK)
		rc = list_members(g, cluster, count, &first, &list);
	if (rc == GRAPPE_OK && out->apart != NULL && gather.edges != NULL && gather.slot != NULL) {
		cluster_nodes(g, cluster, out);
		cluster_edges(g, cluster, first, list, &gather, out);
	} else {
		rc = GRAPPE_EMEMORY;
	}
	out->edges = gather.edges;
	free(gather.slot);
	free(first);
	free(list);
	return rc;
}
