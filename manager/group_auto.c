/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/group_auto.h"

#include "common/error.h"
#include "manager/group_flow.h"
#include "manager/group_join.h"
#include "manager/shape.h"

#include <stdlib.h>

/* Everything that `start` is linked to, directly or not, into nodes[]; returns how many. reached[]
 * marks them, and what is left out from the start. */
static size_t reach_all(const struct graph *graph, uint32_t start, bool *reached, uint32_t *nodes)
{
	size_t count = 1;

	nodes[0] = start;
	reached[start] = true;
	for (size_t at = 0; at < count; at++) {
		for (size_t i = graph->first[nodes[at]]; i < graph->first[nodes[at] + 1]; i++) {
			const uint32_t next = graph->neighbours[i].node;

			if (reached[next])
				continue;
			reached[next] = true;
			nodes[count++] = next;
		}
	}
	return count;
}

static bool is_split(const uint32_t *nodes, size_t count, const uint32_t *group_of)
{
	for (size_t i = 1; i < count; i++)
		if (group_of[nodes[i]] != group_of[nodes[0]])
			return true;
	return false;
}

/* Makes one part of what has a shape as a whole. */
static int join_shapes(const struct graph *graph, const bool *leave_out, uint32_t *group_of)
{
	bool *reached = calloc(graph->nnodes + 1, sizeof *reached);
	uint32_t *nodes = calloc(graph->nnodes + 1, sizeof *nodes);
	int rc = reached != NULL && nodes != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	for (uint32_t i = 0; rc == GRAPPE_OK && leave_out != NULL && i < graph->nnodes; i++)
		reached[i] = leave_out[i];
	for (uint32_t start = 0; rc == GRAPPE_OK && start < graph->nnodes; start++) {
		struct shape shape = {SHAPE_NONE, 0, 0};
		size_t count;

		if (reached[start])
			continue;
		count = reach_all(graph, start, reached, nodes);
		if (is_split(nodes, count, group_of))
			rc = shape_find(graph, nodes, count, &shape);
		for (size_t i = 0; rc == GRAPPE_OK && shape.kind != SHAPE_NONE && i < count; i++)
			group_of[nodes[i]] = group_of[nodes[0]];
	}
	free(reached);
	free(nodes);
	return rc;
}

int group_auto(const struct graph *graph, const bool *leave_out, uint32_t *group_of)
{
	int rc = group_flow(graph, leave_out, group_of);

	if (rc >= 0)
		rc = group_join(graph, group_of, (uint32_t)rc);
	if (rc >= 0)
		rc = join_shapes(graph, leave_out, group_of);
	return rc == GRAPPE_OK ? group_number(group_of, graph->nnodes, 2) : rc;
}
