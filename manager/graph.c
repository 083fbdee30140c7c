/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/graph.h"

#include "common/error.h"
#include "common/identity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct named {
	const char *name;
	uint32_t node;
};

static bool is_reserved(const char *name)
{
	return strcmp(name, SENDER_EXTERNAL) == 0 || strcmp(name, SENDER_OTHER) == 0 ||
	       strcmp(name, SENDER_MULTICAST) == 0 ||
	       strncmp(name, SENDER_ENDPOINT, strlen(SENDER_ENDPOINT)) == 0;
}

static int compare_named(const void *left, const void *right)
{
	const struct named *x = left, *y = right;
	const int order = strverscmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->name, y->name);
}

/* Fills graph->matrix_node in natural order and node_of[]: matrix index -> graph index. */
static int order_nodes(const struct matrix *matrix, struct graph *graph, uint32_t *node_of)
{
	const size_t count = matrix_nodes(matrix);
	struct named *named = calloc(count + 1, sizeof *named);

	if (named == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < count; i++) {
		const char *name = matrix_name(matrix, i);

		node_of[i] = UINT32_MAX;
		if (!is_reserved(name))
			named[graph->nnodes++] = (struct named){name, i};
	}
	qsort(named, graph->nnodes, sizeof *named, compare_named);
	for (uint32_t i = 0; i < graph->nnodes; i++) {
		graph->matrix_node[i] = named[i].node;
		node_of[named[i].node] = i;
	}
	free(named);
	return GRAPPE_OK;
}

static void keep_links(const struct matrix_link *all, size_t count, const uint32_t *node_of,
    const struct graph_rules *rules, struct graph *graph)
{
	const double scale = rules->window_s / GRAPH_FLOOR_SECONDS;

	for (size_t i = 0; i < count; i++) {
		const uint32_t a = node_of[all[i].a], b = node_of[all[i].b];

		if (a == UINT32_MAX || b == UINT32_MAX)
			continue;
		if (all[i].packets <= rules->floor_packets * scale ||
		    all[i].octets <= rules->floor_octets * scale)
			continue;
		graph->links[graph->nlinks++] = (struct graph_link){
		    .a = a < b ? a : b,
		    .b = a < b ? b : a,
		    .weight = rules->by_octets ? all[i].octets : all[i].packets,
		};
	}
}

static void put_neighbour(
    struct graph *graph, size_t *fill, uint32_t at, uint32_t node, double weight)
{
	graph->neighbours[graph->first[at] + fill[at]++] = (struct graph_neighbour){node, weight};
}

static int index_neighbours(struct graph *graph)
{
	size_t *fill = calloc(graph->nnodes + 1, sizeof *fill);

	if (fill == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < graph->nlinks; i++) {
		graph->first[graph->links[i].a + 1]++;
		graph->first[graph->links[i].b + 1]++;
	}
	for (size_t i = 0; i < graph->nnodes; i++)
		graph->first[i + 1] += graph->first[i];
	for (size_t i = 0; i < graph->nlinks; i++) {
		const struct graph_link *link = &graph->links[i];

		put_neighbour(graph, fill, link->a, link->b, link->weight);
		put_neighbour(graph, fill, link->b, link->a, link->weight);
	}
	free(fill);
	return GRAPPE_OK;
}

static bool rules_are_valid(const struct graph_rules *rules)
{
	return isfinite(rules->window_s) && rules->window_s > 0 && rules->floor_packets >= 0 &&
	       rules->floor_octets >= 0;
}

int graph_build(const struct matrix *matrix, const struct graph_rules *rules, struct graph *out)
{
	const size_t count = matrix_nodes(matrix);
	struct graph graph = {0};
	struct matrix_link *all;
	uint32_t *node_of;
	size_t nall;
	int rc = GRAPPE_EMEMORY;

	if (!rules_are_valid(rules))
		return GRAPPE_EINVALID;
	all = matrix_links(matrix, &nall);
	node_of = calloc(count + 1, sizeof *node_of);
	graph.matrix_node = calloc(count + 1, sizeof *graph.matrix_node);
	graph.links = calloc(nall + 1, sizeof *graph.links);
	graph.first = calloc(count + 2, sizeof *graph.first);
	graph.neighbours = calloc(2 * nall + 1, sizeof *graph.neighbours);
	if (all != NULL && node_of != NULL && graph.matrix_node != NULL && graph.links != NULL &&
	    graph.first != NULL && graph.neighbours != NULL)
		rc = order_nodes(matrix, &graph, node_of);
	if (rc == GRAPPE_OK) {
		keep_links(all, nall, node_of, rules, &graph);
		rc = index_neighbours(&graph);
	}
	free(all);
	free(node_of);
	if (rc == GRAPPE_OK)
		*out = graph;
	else
		graph_deinit(&graph);
	return rc;
}

void graph_deinit(struct graph *graph)
{
	free(graph->matrix_node);
	free(graph->links);
	free(graph->first);
	free(graph->neighbours);
	*graph = (struct graph){0};
}

size_t graph_degree(const struct graph *graph, uint32_t node)
{
	return graph->first[node + 1] - graph->first[node];
}
