/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/shape.h"

#include "common/error.h"
#include "manager/pattern.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTS_MAX 64         /* different numbers of links that shapes of one size have */
#define TRIES_MAX 200         /* ways to choose foreign links */
#define FOREIGN_NODES_MAX 256 /* nodes of a shape with foreign links */

/* Links much lighter than the heaviest are nearly nothing, whatever the number: tried at last. */
static const double light_shares[] = {0.05, 0.01, 0};

/* The links among the chosen nodes. */
struct sketch {
	size_t n, m;
	struct pattern_link *links; /* heavy ones first */
	bool *dropped;              /* per link */
	double traffic;             /* of all links */
	size_t counts[COUNTS_MAX];  /* of links that a shape of n nodes can have, ascending */
	size_t ncounts;
	size_t cube; /* links of a hypercube of n nodes, 0 when there is none */
	struct pattern pattern;
	unsigned tries;
};

static int compare_nodes(const void *left, const void *right)
{
	const uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;

	return x < y ? -1 : x > y;
}

/* Heavy links first; of equal ones the order of names. */
static int compare_links(const void *left, const void *right)
{
	const struct pattern_link *x = left, *y = right;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static int compare_counts(const void *left, const void *right)
{
	const size_t x = *(const size_t *)left, y = *(const size_t *)right;

	return x < y ? -1 : x > y;
}

/* ---- the sketch ---- */

static void sketch_deinit(struct sketch *sketch)
{
	pattern_deinit(&sketch->pattern);
	free(sketch->links);
	free(sketch->dropped);
}

/* nodes[] ascending; numbers them by their place in it. */
static void take_links(const struct graph *graph, const uint32_t *nodes, struct sketch *sketch)
{
	for (uint32_t a = 0; a < sketch->n; a++) {
		for (size_t i = graph->first[nodes[a]]; i < graph->first[nodes[a] + 1]; i++) {
			const struct graph_neighbour *to = &graph->neighbours[i];
			const uint32_t *found;

			if (to->node <= nodes[a])
				continue;
			found = bsearch(&to->node, nodes, sketch->n, sizeof *nodes, compare_nodes);
			if (found == NULL)
				continue;
			sketch->links[sketch->m++] =
			    (struct pattern_link){a, (uint32_t)(found - nodes), to->weight};
			sketch->traffic += to->weight;
		}
	}
	if (sketch->m > 0)
		qsort(sketch->links, sketch->m, sizeof *sketch->links, compare_links);
}

static void add_count(struct sketch *sketch, size_t count)
{
	if (count == 0 || count > sketch->m || sketch->ncounts == COUNTS_MAX)
		return;
	for (size_t i = 0; i < sketch->ncounts; i++)
		if (sketch->counts[i] == count)
			return;
	sketch->counts[sketch->ncounts++] = count;
}

static void list_counts(struct sketch *sketch)
{
	const size_t n = sketch->n;
	size_t bits = 0;

	add_count(sketch, n - 1); /* chain, star */
	add_count(sketch, n);     /* ring */
	add_count(sketch, n * (n - 1) / 2);
	while ((size_t)1 << (bits + 1) <= n)
		bits++;
	if ((size_t)1 << bits == n && bits > 2)
		sketch->cube = n * bits / 2;
	add_count(sketch, sketch->cube);
	for (size_t width = 2; width * width <= n; width++)
		if (n % width == 0)
			add_count(sketch, 2 * n - width - n / width);
	qsort(sketch->counts, sketch->ncounts, sizeof *sketch->counts, compare_counts);
}

static int sketch_init(
    struct sketch *sketch, const struct graph *graph, const uint32_t *nodes, size_t count)
{
	uint32_t *sorted = malloc(count * sizeof *sorted);
	size_t room = 1;
	int rc = GRAPPE_EMEMORY;

	for (size_t i = 0; i < count; i++)
		room += graph_degree(graph, nodes[i]);
	*sketch = (struct sketch){.n = count,
	    .links = calloc(room, sizeof *sketch->links),
	    .dropped = calloc(room, sizeof *sketch->dropped)};
	if (sorted != NULL && sketch->links != NULL && sketch->dropped != NULL) {
		memcpy(sorted, nodes, count * sizeof *sorted);
		qsort(sorted, count, sizeof *sorted, compare_nodes);
		take_links(graph, sorted, sketch);
		list_counts(sketch);
		rc = pattern_init(&sketch->pattern, count, sketch->m);
	}
	free(sorted);
	return rc;
}

/* ---- the heaviest links as they are ---- */

/* Names the `count` heaviest links but those dropped. */
static bool name_heaviest(struct sketch *sketch, size_t count, struct shape *shape)
{
	pattern_fill(&sketch->pattern, sketch->links, count, sketch->dropped);
	return pattern_name(&sketch->pattern, shape);
}

static double aside(const struct sketch *sketch, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < sketch->m; i++)
		if (i >= count || sketch->dropped[i])
			sum += sketch->links[i].weight;
	return sum;
}

/* How many times lighter the next link is than the last of the `count` heaviest. */
static double fall_after(const struct sketch *sketch, size_t count)
{
	if (count == sketch->m)
		return SHAPE_CLEAR_FALL;
	return sketch->links[count].weight > 0
		   ? sketch->links[count - 1].weight / sketch->links[count].weight
		   : SHAPE_CLEAR_FALL;
}

static bool find_by_fall(struct sketch *sketch, struct shape *shape)
{
	double deepest = SHAPE_FALL;
	bool found = false;

	for (size_t i = sketch->ncounts; i-- > 0;) {
		const double fall = fall_after(sketch, sketch->counts[i]);
		struct shape candidate = {SHAPE_NONE, 0, 0};

		if (fall < deepest)
			continue;
		if (fall < SHAPE_CLEAR_FALL &&
		    aside(sketch, sketch->counts[i]) > SHAPE_ASIDE * sketch->traffic)
			continue;
		if (!name_heaviest(sketch, sketch->counts[i], &candidate))
			continue;
		deepest = fall;
		*shape = candidate;
		found = true;
	}
	return found;
}

static bool find_by_share(struct sketch *sketch, struct shape *shape)
{
	for (size_t i = 0; i < sizeof light_shares / sizeof *light_shares; i++) {
		size_t count = sketch->m;

		while (count > 0 &&
		       sketch->links[count - 1].weight < light_shares[i] * sketch->links[0].weight)
			count--;
		if (name_heaviest(sketch, count, shape))
			return true;
	}
	return false;
}

/* ---- foreign links ---- */

/* How many squares of links a link is part of. */
static unsigned count_squares(const struct pattern *p, const struct pattern_link *link)
{
	unsigned squares = 0;

	for (size_t i = p->first[link->a]; i < p->first[link->a + 1]; i++) {
		const uint32_t beside = p->to[i];

		if (beside == link->b)
			continue;
		for (size_t k = p->first[link->b]; k < p->first[link->b + 1]; k++)
			squares += p->to[k] != link->a && p->to[k] != beside &&
				   pattern_has(p, beside, p->to[k]);
	}
	return squares;
}

/* Links a node has at least in a shape of so many. */
static size_t least_degree(const struct sketch *sketch, size_t count)
{
	if (count < sketch->n)
		return 1;
	return count == sketch->cube ? 2 * count / sketch->n : 2;
}

/* Whether a link may be foreign to a shape of so many links: in a chain, ring or cube both its ends
 * have too many; what lies inside a mesh has two squares. */
static bool may_be_foreign(
    const struct sketch *sketch, size_t count, const struct pattern_link *link)
{
	const struct pattern *p = &sketch->pattern;
	const size_t least = least_degree(sketch, count);

	return pattern_degree(p, link->a) > least && pattern_degree(p, link->b) > least &&
	       (count <= sketch->n || count == sketch->cube || count_squares(p, link) < 2);
}

/* Drops `foreign` more of the first `taken` links, light ones first, until a shape of `count` links
 * is left. */
static bool drop_foreign(struct sketch *sketch, size_t count, size_t taken, size_t before,
    size_t foreign, struct shape *shape)
{
	if (sketch->tries++ > TRIES_MAX)
		return false;
	pattern_fill(&sketch->pattern, sketch->links, taken, sketch->dropped);
	if (foreign == 0)
		return pattern_name(&sketch->pattern, shape);
	for (uint32_t i = 0; i < sketch->n; i++)
		if (pattern_degree(&sketch->pattern, i) < least_degree(sketch, count))
			return false;
	for (size_t i = before; i-- > 0;) {
		if (!may_be_foreign(sketch, count, &sketch->links[i]))
			continue;
		sketch->dropped[i] = true;
		if (drop_foreign(sketch, count, taken, i, foreign - 1, shape))
			return true;
		sketch->dropped[i] = false;
		pattern_fill(&sketch->pattern, sketch->links, taken, sketch->dropped);
	}
	return false;
}

static bool find_with_foreign(struct sketch *sketch, struct shape *shape)
{
	if (sketch->n < SHAPE_FOREIGN_NODES || sketch->n > FOREIGN_NODES_MAX)
		return false;
	for (size_t i = sketch->ncounts; i-- > 0;) {
		const size_t count = sketch->counts[i];

		for (size_t foreign = 1; foreign <= count / SHAPE_FOREIGN; foreign++) {
			const size_t taken = count + foreign;

			sketch->tries = 0;
			if (taken <= sketch->m &&
			    aside(sketch, taken) <= SHAPE_ASIDE * sketch->traffic &&
			    drop_foreign(sketch, count, taken, taken, foreign, shape))
				return true;
		}
	}
	return false;
}

int shape_find(const struct graph *graph, const uint32_t *nodes, size_t count, struct shape *shape)
{
	struct sketch sketch;
	int rc;

	*shape = (struct shape){SHAPE_NONE, 0, 0};
	if (count < 2)
		return GRAPPE_OK;
	rc = sketch_init(&sketch, graph, nodes, count);
	/* Fewer than a chain has: not all of them are linked. */
	if (rc == GRAPPE_OK && sketch.m + 1 >= count && !find_by_fall(&sketch, shape) &&
	    !find_by_share(&sketch, shape))
		find_with_foreign(&sketch, shape);
	sketch_deinit(&sketch);
	return rc;
}

static const char *const names[] = {
    [SHAPE_NONE] = "none",
    [SHAPE_CHAIN] = "chain",
    [SHAPE_RING] = "ring",
    [SHAPE_STAR] = "star",
    [SHAPE_MESH] = "mesh",
    [SHAPE_HYPERCUBE] = "hypercube",
    [SHAPE_ALL_TO_ALL] = "all-to-all",
};

const char *shape_format(const struct shape *shape, char out[SHAPE_TEXT_SIZE])
{
	if (shape->kind == SHAPE_MESH)
		snprintf(out, SHAPE_TEXT_SIZE, "%s %ux%u", names[shape->kind], shape->width,
		    shape->height);
	else
		snprintf(out, SHAPE_TEXT_SIZE, "%s", names[shape->kind]);
	return out;
}
