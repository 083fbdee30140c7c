/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/shape.h"

#include "common/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Links lighter than these shares of the heaviest are ignored, one after the other, until a name
 * fits. */
static const double light_shares[] = {0.05, 0.01, 0};

/* The links among the chosen nodes, these numbered from 0. */
struct pattern {
	size_t n, m;     /* nodes, links */
	uint32_t *local; /* graph node -> number, UINT32_MAX when not chosen */
	size_t *first;   /* n + 1 */
	uint32_t *to;
	uint32_t *distance[2], *queue, *label; /* scratch, n each */
	double heaviest;
};

static void pattern_free(struct pattern *p)
{
	free(p->local);
	free(p->first);
	free(p->to);
	free(p->distance[0]);
	free(p->distance[1]);
	free(p->queue);
	free(p->label);
}

static int pattern_init(
    const struct graph *graph, const uint32_t *nodes, size_t count, struct pattern *p)
{
	size_t room = 1;

	*p = (struct pattern){.n = count};
	for (size_t i = 0; i < count; i++)
		room += graph_degree(graph, nodes[i]);
	p->local = malloc((graph->nnodes + 1) * sizeof *p->local);
	p->first = calloc(count + 1, sizeof *p->first);
	p->to = calloc(room, sizeof *p->to);
	for (int i = 0; i < 2; i++)
		p->distance[i] = calloc(count + 1, sizeof *p->distance[i]);
	p->queue = calloc(count + 1, sizeof *p->queue);
	p->label = calloc(count + 1, sizeof *p->label);
	if (p->local == NULL || p->first == NULL || p->to == NULL || p->distance[0] == NULL ||
	    p->distance[1] == NULL || p->queue == NULL || p->label == NULL) {
		pattern_free(p);
		return GRAPPE_EMEMORY;
	}
	for (size_t i = 0; i < graph->nnodes; i++)
		p->local[i] = UINT32_MAX;
	for (uint32_t i = 0; i < count; i++)
		p->local[nodes[i]] = i;
	return GRAPPE_OK;
}

/* Takes the links among the nodes whose weight is at least `least`. */
static void pattern_fill(
    const struct graph *graph, const uint32_t *nodes, double least, struct pattern *p)
{
	size_t fill = 0;

	for (size_t i = 0; i < p->n; i++) {
		p->first[i] = fill;
		for (size_t k = graph->first[nodes[i]]; k < graph->first[nodes[i] + 1]; k++) {
			const struct graph_neighbour *next = &graph->neighbours[k];

			if (p->local[next->node] == UINT32_MAX || next->weight < least)
				continue;
			p->to[fill++] = p->local[next->node];
			if (next->weight > p->heaviest)
				p->heaviest = next->weight;
		}
	}
	p->first[p->n] = fill;
	p->m = fill / 2;
}

static size_t degree(const struct pattern *p, size_t node)
{
	return p->first[node + 1] - p->first[node];
}

/* Breadth first from start; returns how many nodes were reached. */
static size_t measure_distances(struct pattern *p, uint32_t start, uint32_t *distance)
{
	size_t head = 0, tail = 0;

	for (size_t i = 0; i < p->n; i++)
		distance[i] = UINT32_MAX;
	distance[start] = 0;
	p->queue[tail++] = start;
	while (head < tail) {
		const uint32_t node = p->queue[head++];

		for (size_t i = p->first[node]; i < p->first[node + 1]; i++) {
			if (distance[p->to[i]] != UINT32_MAX)
				continue;
			distance[p->to[i]] = distance[node] + 1;
			p->queue[tail++] = p->to[i];
		}
	}
	return tail;
}

static size_t count_degree(const struct pattern *p, size_t wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < p->n; i++)
		count += degree(p, i) == wanted;
	return count;
}

static bool is_chain(struct pattern *p, struct shape *shape)
{
	(void)shape;
	return p->m == p->n - 1 && count_degree(p, 1) == 2 && count_degree(p, 2) == p->n - 2;
}

static bool is_ring(struct pattern *p, struct shape *shape)
{
	(void)shape;
	return p->n > 3 && count_degree(p, 2) == p->n;
}

static bool is_star(struct pattern *p, struct shape *shape)
{
	(void)shape;
	return p->n > 3 && p->m == p->n - 1 && count_degree(p, p->n - 1) == 1;
}

static bool is_all_to_all(struct pattern *p, struct shape *shape)
{
	(void)shape;
	return p->n > 2 && p->m == p->n * (p->n - 1) / 2;
}

/* Every link joins two labels that differ in exactly one bit. */
static bool links_flip_one_bit(const struct pattern *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = p->first[i]; k < p->first[i + 1]; k++)
			if (__builtin_popcount(p->label[i] ^ p->label[p->to[k]]) != 1)
				return false;
	return true;
}

static bool labels_are_distinct(struct pattern *p)
{
	memset(p->distance[1], 0, p->n * sizeof *p->distance[1]);
	for (size_t i = 0; i < p->n; i++)
		if (p->label[i] >= p->n || p->distance[1][p->label[i]]++ != 0)
			return false;
	return true;
}

/* Neighbours of node 0 get one bit each; farther nodes the union of those one step nearer. */
static bool is_hypercube(struct pattern *p, struct shape *shape)
{
	uint32_t bits = 0;

	(void)shape;
	while (bits < 31 && (size_t)1 << bits < p->n)
		bits++;
	if (bits < 3 || (size_t)1 << bits != p->n || count_degree(p, bits) != p->n ||
	    measure_distances(p, 0, p->distance[0]) != p->n)
		return false;
	memset(p->label, 0, p->n * sizeof *p->label);
	for (uint32_t i = 0; i < bits; i++)
		p->label[p->to[p->first[0] + i]] = UINT32_C(1) << i;
	for (size_t q = bits + 1; q < p->n; q++) {
		const uint32_t node = p->queue[q];

		for (size_t k = p->first[node]; k < p->first[node + 1]; k++)
			if (p->distance[0][p->to[k]] < p->distance[0][node])
				p->label[node] |= p->label[p->to[k]];
	}
	return labels_are_distinct(p) && links_flip_one_bit(p);
}

/* Places every node by its distances to two corners `width` - 1 apart; all links must be unit
 * steps. */
static bool fits_mesh(struct pattern *p, uint32_t width, uint32_t height)
{
	const uint32_t w = width - 1;

	for (size_t i = 0; i < p->n; i++) {
		const int64_t a = p->distance[0][i], b = p->distance[1][i];
		const int64_t x2 = a - b + w, y2 = a + b - w;

		if (x2 < 0 || y2 < 0 || x2 % 2 != 0 || x2 / 2 > w || y2 / 2 >= height)
			return false;
		p->label[i] = (uint32_t)(x2 / 2 + y2 / 2 * width);
	}
	if (!labels_are_distinct(p))
		return false;
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = p->first[i]; k < p->first[i + 1]; k++) {
			const uint32_t u = p->label[i], v = p->label[p->to[k]];
			const uint32_t low = u < v ? u : v, high = u < v ? v : u;

			if (high - low != width && (high - low != 1 || high % width == 0))
				return false;
		}
	}
	return true;
}

static bool is_mesh_of(struct pattern *p, uint32_t corner, uint32_t width, uint32_t height)
{
	if (measure_distances(p, corner, p->distance[0]) != p->n)
		return false;
	for (uint32_t other = 0; other < p->n; other++) {
		if (degree(p, other) != 2 || p->distance[0][other] != width - 1)
			continue;
		measure_distances(p, other, p->distance[1]);
		if (fits_mesh(p, width, height))
			return true;
	}
	return false;
}

static bool is_mesh(struct pattern *p, struct shape *shape)
{
	uint32_t corner = 0;

	if (p->n < 6 || count_degree(p, 2) != 4)
		return false;
	while (degree(p, corner) != 2)
		corner++;
	for (uint32_t width = 2; (size_t)width * width <= p->n; width++) {
		const uint32_t height = (uint32_t)(p->n / width);

		if (p->n % width != 0 || p->m != 2 * p->n - width - height ||
		    !is_mesh_of(p, corner, width, height))
			continue;
		shape->width = width;
		shape->height = height;
		return true;
	}
	return false;
}

static const struct {
	enum shape_kind kind;
	const char *name;
	bool (*fits)(struct pattern *p, struct shape *shape);
} kinds[] = {
    {SHAPE_ALL_TO_ALL, "all-to-all", is_all_to_all},
    {SHAPE_CHAIN, "chain", is_chain},
    {SHAPE_RING, "ring", is_ring},
    {SHAPE_STAR, "star", is_star},
    {SHAPE_MESH, "mesh", is_mesh},
    {SHAPE_HYPERCUBE, "hypercube", is_hypercube},
};

#define NKINDS (sizeof kinds / sizeof *kinds)

static bool name_pattern(struct pattern *p, struct shape *shape)
{
	if (p->m + 1 < p->n || measure_distances(p, 0, p->distance[0]) != p->n)
		return false;
	for (size_t i = 0; i < NKINDS; i++) {
		if (!kinds[i].fits(p, shape))
			continue;
		shape->kind = kinds[i].kind;
		return true;
	}
	return false;
}

int shape_find(const struct graph *graph, const uint32_t *nodes, size_t count, struct shape *shape)
{
	struct pattern p;

	*shape = (struct shape){SHAPE_NONE, 0, 0};
	if (count < 2)
		return GRAPPE_OK;
	if (pattern_init(graph, nodes, count, &p) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	pattern_fill(graph, nodes, 0, &p); /* finds the heaviest */
	for (size_t i = 0; i < sizeof light_shares / sizeof *light_shares; i++) {
		pattern_fill(graph, nodes, light_shares[i] * p.heaviest, &p);
		if (name_pattern(&p, shape))
			break;
	}
	pattern_free(&p);
	return GRAPPE_OK;
}

const char *shape_format(const struct shape *shape, char out[SHAPE_TEXT_SIZE])
{
	const char *name = "none";

	for (size_t i = 0; i < NKINDS; i++)
		if (kinds[i].kind == shape->kind)
			name = kinds[i].name;
	if (shape->kind == SHAPE_MESH)
		snprintf(out, SHAPE_TEXT_SIZE, "%s %ux%u", name, shape->width, shape->height);
	else
		snprintf(out, SHAPE_TEXT_SIZE, "%s", name);
	return out;
}
