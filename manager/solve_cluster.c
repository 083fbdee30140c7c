/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_cluster.h"

#include "common/error.h"

#include <stdlib.h>

#define ROUNDS 4

struct labels {
	const struct solve_graph *g;
	const uint32_t *place;
	const struct load *most;
	uint32_t *label;
	struct load *load; /* per label */
	uint64_t *allowed; /* per label */
	double *weight;    /* per label: scratch, zero between nodes */
	uint32_t *order;
};

static bool may_join(const struct labels *l, uint32_t node, uint32_t label)
{
	return load_fits(&l->load[label], &l->g->load[node], l->most) &&
	       (l->allowed[label] & l->g->allowed[node]) != 0;
}

static bool is_loner(const struct solve_graph *g, uint32_t node)
{
	return g->apart_first[node + 1] > g->apart_first[node] ||
	       (g->allowed[node] & (g->allowed[node] - 1)) == 0;
}

/* Joins the node to the label among its neighbours' with which it exchanges most. */
static void choose_label(struct labels *l, uint32_t node)
{
	const struct solve_graph *g = l->g;
	const uint32_t own = l->label[node];
	uint32_t best = own;

	for (size_t k = g->first[node]; k < g->first[node + 1]; k++) {
		const uint32_t other = g->edges[k].to;

		if ((l->place == NULL || l->place[other] == l->place[node]) && !is_loner(g, other))
			l->weight[l->label[other]] += solve_graph_edge_weight(g, &g->edges[k]);
	}
	for (size_t k = g->first[node]; k < g->first[node + 1]; k++) {
		const uint32_t label = l->label[g->edges[k].to];

		if (l->weight[label] > l->weight[best] && may_join(l, node, label))
			best = label;
	}
	for (size_t k = g->first[node]; k < g->first[node + 1]; k++)
		l->weight[l->label[g->edges[k].to]] = 0;
	if (best == own)
		return;
	load_take(&l->load[own], &g->load[node]);
	load_add(&l->load[best], &g->load[node]);
	l->allowed[best] &= g->allowed[node];
	l->label[node] = best;
}

static int labels_init(struct labels *l)
{
	const uint32_t nodes = l->g->nodes;

	l->label = calloc(nodes + 1, sizeof *l->label);
	l->load = calloc(nodes + 1, sizeof *l->load);
	l->allowed = calloc(nodes + 1, sizeof *l->allowed);
	l->weight = calloc(nodes + 1, sizeof *l->weight);
	l->order = calloc(nodes + 1, sizeof *l->order);
	if (l->label == NULL || l->load == NULL || l->allowed == NULL || l->weight == NULL ||
	    l->order == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < nodes; i++) {
		l->label[i] = l->order[i] = i;
		l->load[i] = l->g->load[i];
		l->allowed[i] = l->g->allowed[i];
	}
	return GRAPPE_OK;
}

static void labels_deinit(struct labels *l)
{
	free(l->label);
	free(l->load);
	free(l->allowed);
	free(l->weight);
	free(l->order);
}

static void shuffle(uint32_t *order, uint32_t count, struct lots *lots)
{
	for (uint32_t i = count; i > 1; i--) {
		const uint32_t j = solve_lots_draw(lots, i), kept = order[i - 1];

		order[i - 1] = order[j];
		order[j] = kept;
	}
}

/* Numbers the labels in use; number: scratch, one for each label. */
static int number_labels(const struct labels *l, uint32_t *number, uint32_t *cluster)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < l->g->nodes; i++)
		number[i] = UINT32_MAX;
	for (uint32_t i = 0; i < l->g->nodes; i++) {
		if (number[l->label[i]] == UINT32_MAX)
			number[l->label[i]] = count++;
		cluster[i] = number[l->label[i]];
	}
	return (int)count;
}

int solve_cluster_find(const struct solve_graph *graph, const uint32_t *place,
    const struct load *most, struct lots *lots, struct budget *budget, uint32_t *cluster)
{
	struct labels l = {.g = graph, .place = place, .most = most};
	int count = labels_init(&l);

	if (count == GRAPPE_OK) {
		for (int round = 0; round < ROUNDS; round++) {
			shuffle(l.order, graph->nodes, lots);
			for (uint32_t i = 0; i < graph->nodes; i++)
				if (!is_loner(graph, l.order[i]))
					choose_label(&l, l.order[i]);
			solve_budget_spend(
			    budget, graph->nodes * 2 + graph->first[graph->nodes] * 2);
		}
		count = number_labels(&l, l.order, cluster);
	}
	labels_deinit(&l);
	return count;
}
