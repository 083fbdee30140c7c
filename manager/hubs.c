/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/hubs.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

#define NO_SET UINT32_MAX

static int compare_sizes(const void *left, const void *right)
{
	const size_t x = *(const size_t *)left, y = *(const size_t *)right;

	return x < y ? -1 : x > y;
}

/* The number of links from which a node is looked at; 0 when no node can qualify. */
static int find_degree_limit(const struct graph *graph, size_t *limit)
{
	size_t *degrees = calloc(graph->nnodes + 1, sizeof *degrees);
	size_t count = 0;

	if (degrees == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < graph->nnodes; i++)
		if (graph_degree(graph, i) > 0)
			degrees[count++] = graph_degree(graph, i);
	qsort(degrees, count, sizeof *degrees, compare_sizes);
	*limit = count > 0 ? HUB_DEGREE_RATIO * degrees[(count - 1) / 2] : 0;
	if (*limit < HUB_DEGREE_MIN)
		*limit = HUB_DEGREE_MIN;
	free(degrees);
	return GRAPPE_OK;
}

/* Numbers the connected sets among nodes that are no candidates; size[] counts their nodes. */
static void number_sets(const struct graph *graph, const bool *candidate, uint32_t *set_of,
    uint32_t *size, uint32_t *stack)
{
	uint32_t sets = 0;

	for (uint32_t start = 0; start < graph->nnodes; start++) {
		size_t depth = 0;

		if (candidate[start] || set_of[start] != NO_SET)
			continue;
		set_of[start] = sets;
		stack[depth++] = start;
		while (depth > 0) {
			const uint32_t node = stack[--depth];

			size[sets]++;
			for (size_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
				const uint32_t next = graph->neighbours[i].node;

				if (candidate[next] || set_of[next] != NO_SET)
					continue;
				set_of[next] = sets;
				stack[depth++] = next;
			}
		}
		sets++;
	}
}

/* How many sets of two or more the node touches; seen[] remembers by which node a set was last
 * seen. */
static unsigned count_sets(const struct graph *graph, uint32_t node, const uint32_t *set_of,
    const uint32_t *size, uint32_t *seen)
{
	unsigned count = 0;

	for (size_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
		const uint32_t set = set_of[graph->neighbours[i].node];

		if (set == NO_SET || size[set] < 2 || seen[set] == node + 1)
			continue;
		seen[set] = node + 1;
		count++;
	}
	return count;
}

int hubs_find(const struct graph *graph, bool *hub)
{
	const size_t room = graph->nnodes + 1;
	uint32_t *set_of = malloc(room * sizeof *set_of), *size = calloc(room, sizeof *size);
	uint32_t *scratch = calloc(room, sizeof *scratch);
	size_t limit;
	int count = 0, rc = GRAPPE_EMEMORY;

	if (set_of != NULL && size != NULL && scratch != NULL)
		rc = find_degree_limit(graph, &limit);
	if (rc == GRAPPE_OK) {
		for (uint32_t i = 0; i < graph->nnodes; i++) {
			set_of[i] = NO_SET;
			hub[i] = graph_degree(graph, i) >= limit;
		}
		number_sets(graph, hub, set_of, size, scratch);
		memset(scratch, 0, room * sizeof *scratch);
		for (uint32_t i = 0; i < graph->nnodes; i++) {
			hub[i] =
			    hub[i] && count_sets(graph, i, set_of, size, scratch) >= HUB_SETS_MIN;
			count += hub[i];
		}
	}
	free(set_of);
	free(size);
	free(scratch);
	return rc == GRAPPE_OK ? count : rc;
}
