/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/group_strand.h"

#include "common/error.h"

#include <stdlib.h>

struct node {
	uint32_t degree; /* links inside its part that are like others there */
	double outside;  /* its heaviest link to another part */
};

struct part {
	size_t nodes, links, alike; /* links inside; those of them that are like others */
	uint32_t degree;            /* of its nodes at most */
	double light;               /* lower quartile of the weights of links inside */
};

struct inner {
	uint32_t part;
	double weight;
};

/* What parts are like, of one partition. */
struct look {
	const struct graph *graph;
	const uint32_t *part_of;
	struct node *nodes;
	struct part *parts;
	double floor;
	struct inner *inner; /* links inside a part */
	size_t ninner;
};

static int look_init(
    struct look *look, const struct graph *graph, const uint32_t *part_of, uint32_t nparts)
{
	*look = (struct look){
	    .graph = graph,
	    .part_of = part_of,
	    .nodes = calloc(graph->nnodes + 1, sizeof *look->nodes),
	    .parts = calloc((size_t)nparts + 1, sizeof *look->parts),
	    .inner = calloc(graph->nlinks + 1, sizeof *look->inner),
	};
	return look->nodes != NULL && look->parts != NULL && look->inner != NULL ? GRAPPE_OK
										 : GRAPPE_EMEMORY;
}

static void look_deinit(struct look *look)
{
	free(look->nodes);
	free(look->parts);
	free(look->inner);
}

static int compare_inner(const void *left, const void *right)
{
	const struct inner *x = left, *y = right;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return x->weight < y->weight ? -1 : x->weight > y->weight;
}

static void meet_outside(struct node *node, double weight)
{
	if (weight > node->outside)
		node->outside = weight;
}

static void look_at_links(struct look *look)
{
	const struct graph *graph = look->graph;

	for (size_t i = 0; i < graph->nlinks; i++) {
		const struct graph_link *link = &graph->links[i];
		const uint32_t a = look->part_of[link->a], b = look->part_of[link->b];

		if (a == GROUP_ALONE || b == GROUP_ALONE || link->weight <= look->floor)
			continue;
		if (a != b) {
			meet_outside(&look->nodes[link->a], link->weight);
			meet_outside(&look->nodes[link->b], link->weight);
			continue;
		}
		look->parts[a].links++;
		look->inner[look->ninner++] = (struct inner){a, link->weight};
	}
}

static void measure_links(struct look *look)
{
	qsort(look->inner, look->ninner, sizeof *look->inner, compare_inner);
	for (size_t i = 0; i < look->ninner;) {
		struct part *part = &look->parts[look->inner[i].part];

		part->light = look->inner[i + (part->links - 1) / 4].weight;
		i += part->links;
	}
}

static bool is_alike(const struct part *part, double floor, double weight)
{
	return weight > floor && weight >= STRAND_ALIKE * part->light;
}

static void count_links(struct look *look)
{
	const struct graph *graph = look->graph;

	for (size_t i = 0; i < graph->nlinks; i++) {
		const struct graph_link *link = &graph->links[i];
		const uint32_t part = look->part_of[link->a];

		if (part == GROUP_ALONE || part != look->part_of[link->b] ||
		    !is_alike(&look->parts[part], look->floor, link->weight))
			continue;
		look->nodes[link->a].degree++;
		look->nodes[link->b].degree++;
		look->parts[part].alike++;
	}
	for (size_t i = 0; i < graph->nnodes; i++) {
		struct part *part;

		if (look->part_of[i] == GROUP_ALONE)
			continue;
		part = &look->parts[look->part_of[i]];
		part->nodes++;
		if (look->nodes[i].degree > part->degree)
			part->degree = look->nodes[i].degree;
	}
}

static bool is_end(const struct look *look, uint32_t at, double weight)
{
	const struct node *node = &look->nodes[at];
	const struct part *part = &look->parts[look->part_of[at]];

	return part->nodes >= STRAND_NODES && part->degree <= STRAND_DEGREE &&
	       part->alike < part->nodes + part->nodes / STRAND_CHORD &&
	       node->degree <= STRAND_END && weight >= node->outside;
}

static bool goes_on_by(const struct look *look, const struct graph_link *link)
{
	const uint32_t a = look->part_of[link->a], b = look->part_of[link->b];

	return a != b && a != GROUP_ALONE && b != GROUP_ALONE &&
	       (is_alike(&look->parts[a], look->floor, link->weight) ||
		   is_alike(&look->parts[b], look->floor, link->weight)) &&
	       is_end(look, link->a, link->weight) && is_end(look, link->b, link->weight);
}

int group_strand_mark(const struct graph *graph, const uint32_t *part_of, uint32_t nparts,
    double floor, bool *goes_on)
{
	struct look look;
	const int rc = look_init(&look, graph, part_of, nparts);

	look.floor = floor;
	if (rc == GRAPPE_OK) {
		look_at_links(&look);
		measure_links(&look);
		count_links(&look);
		for (size_t i = 0; i < graph->nlinks; i++)
			goes_on[i] = goes_on_by(&look, &graph->links[i]);
	}
	look_deinit(&look);
	return rc;
}
