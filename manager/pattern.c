/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/pattern.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

void pattern_deinit(struct pattern *p)
{
	free(p->first);
	free(p->to);
	free(p->distance[0]);
	free(p->distance[1]);
	free(p->queue);
	free(p->label);
	*p = (struct pattern){0};
}

int pattern_init(struct pattern *p, size_t nodes, size_t links)
{
	*p = (struct pattern){.n = nodes};
	p->first = calloc(nodes + 2, sizeof *p->first);
	p->to = calloc(2 * links + 1, sizeof *p->to);
	for (int i = 0; i < 2; i++)
		p->distance[i] = calloc(nodes + 1, sizeof *p->distance[i]);
	p->queue = calloc(nodes + 1, sizeof *p->queue);
	p->label = calloc(nodes + 1, sizeof *p->label);
	if (p->first != NULL && p->to != NULL && p->distance[0] != NULL && p->distance[1] != NULL &&
	    p->queue != NULL && p->label != NULL)
		return GRAPPE_OK;
	pattern_deinit(p);
	return GRAPPE_EMEMORY;
}

void pattern_fill(
    struct pattern *p, const struct pattern_link *links, size_t count, const bool *dropped)
{
	size_t *end = p->first + 1;

	p->m = 0;
	memset(p->first, 0, (p->n + 2) * sizeof *p->first);
	for (size_t i = 0; i < count; i++) {
		if (dropped[i])
			continue;
		p->m++;
		if (links[i].a + 2 <= p->n)
			p->first[links[i].a + 2]++;
		if (links[i].b + 2 <= p->n)
			p->first[links[i].b + 2]++;
	}
	for (size_t i = 2; i <= p->n; i++)
		p->first[i] += p->first[i - 1];
	/* end[i] now is where node i begins, and becomes where it ends. */
	for (size_t i = 0; i < count; i++) {
		if (dropped[i])
			continue;
		p->to[end[links[i].a]++] = links[i].b;
		p->to[end[links[i].b]++] = links[i].a;
	}
}

size_t pattern_degree(const struct pattern *p, uint32_t node)
{
	return p->first[node + 1] - p->first[node];
}

bool pattern_has(const struct pattern *p, uint32_t a, uint32_t b)
{
	for (size_t i = p->first[a]; i < p->first[a + 1]; i++)
		if (p->to[i] == b)
			return true;
	return false;
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
		count += pattern_degree(p, (uint32_t)i) == wanted;
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
		if (pattern_degree(p, other) != 2 || p->distance[0][other] != width - 1)
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
	while (pattern_degree(p, corner) != 2)
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

/* In this order where graphs coincide. */
static const struct {
	enum shape_kind kind;
	bool (*fits)(struct pattern *p, struct shape *shape);
} kinds[] = {
    {SHAPE_ALL_TO_ALL, is_all_to_all},
    {SHAPE_CHAIN, is_chain},
    {SHAPE_RING, is_ring},
    {SHAPE_STAR, is_star},
    {SHAPE_MESH, is_mesh},
    {SHAPE_HYPERCUBE, is_hypercube},
};

bool pattern_name(struct pattern *p, struct shape *shape)
{
	if (p->m + 1 < p->n || measure_distances(p, 0, p->distance[0]) != p->n)
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!kinds[i].fits(p, shape))
			continue;
		shape->kind = kinds[i].kind;
		return true;
	}
	return false;
}
