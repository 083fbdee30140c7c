/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/group_thesis.h"

#include "common/error.h"

#include <stdlib.h>

/* A group while it grows. Members form a list through `next_member`. */
struct group {
	uint32_t head, tail; /* first and last member */
	uint32_t size;       /* members; 0 = merged into another */
	double built_weight; /* sum over the pairs that built it */
	size_t built_pairs;  /* how many; 0 = a single VM, threshold zero */
	double inside;       /* traffic among the members */
	size_t degree;       /* links of all members, to choose the cheaper side of a merge */
};

struct grouping {
	const struct graph *graph;
	const struct thesis_rules *rules;
	uint32_t *group_of, *next_member; /* per node */
	struct group *groups;
	uint32_t ngroups;
};

static double threshold(const struct grouping *g, uint32_t group)
{
	const struct group *it = &g->groups[group];

	return it->built_pairs > 0 ? g->rules->factor * it->built_weight / (double)it->built_pairs
				   : 0;
}

static void count_built(struct group *group, double weight)
{
	group->built_weight += weight;
	group->built_pairs++;
}

static uint32_t found_group(struct grouping *g, uint32_t node)
{
	const uint32_t group = g->ngroups++;

	g->groups[group] = (struct group){
	    .head = node, .tail = node, .size = 1, .degree = graph_degree(g->graph, node)};
	g->next_member[node] = UINT32_MAX;
	g->group_of[node] = group;
	return group;
}

/* Traffic between a node and the members of a group. */
static double node_to_group(const struct grouping *g, uint32_t node, uint32_t group)
{
	double sum = 0;

	for (size_t i = g->graph->first[node]; i < g->graph->first[node + 1]; i++)
		if (g->group_of[g->graph->neighbours[i].node] == group)
			sum += g->graph->neighbours[i].weight;
	return sum;
}

static double between_groups(const struct grouping *g, uint32_t a, uint32_t b)
{
	const uint32_t scan = g->groups[a].degree <= g->groups[b].degree ? a : b;
	const uint32_t other = scan == a ? b : a;
	double sum = 0;

	for (uint32_t node = g->groups[scan].head; node != UINT32_MAX; node = g->next_member[node])
		sum += node_to_group(g, node, other);
	return sum;
}

static void join_group(struct grouping *g, uint32_t group, uint32_t node, double weight)
{
	struct group *into = &g->groups[group];

	into->inside += node_to_group(g, node, group);
	into->degree += graph_degree(g->graph, node);
	g->next_member[into->tail] = node;
	g->next_member[node] = UINT32_MAX;
	into->tail = node;
	into->size++;
	g->group_of[node] = group;
	count_built(into, weight);
}

static void merge_groups(struct grouping *g, uint32_t a, uint32_t b, double weight)
{
	struct group *into = &g->groups[a], *from = &g->groups[b];

	into->inside += from->inside + between_groups(g, a, b);
	into->degree += from->degree;
	into->size += from->size;
	into->built_weight += from->built_weight;
	into->built_pairs += from->built_pairs;
	for (uint32_t node = from->head; node != UINT32_MAX; node = g->next_member[node])
		g->group_of[node] = a;
	g->next_member[into->tail] = from->head;
	into->tail = from->tail;
	from->size = 0;
	count_built(into, weight);
}

static bool may_merge(const struct grouping *g, uint32_t a, uint32_t b, double weight)
{
	const struct group *x = &g->groups[a], *y = &g->groups[b];
	const double less = x->inside < y->inside ? x->inside : y->inside;

	if (x->size == 1 || y->size == 1)
		return weight > threshold(g, x->size >= y->size ? a : b);
	return weight > threshold(g, a) && weight > threshold(g, b) &&
	       between_groups(g, a, b) > g->rules->merge_share * less;
}

/* One of the two is in a group, the other not yet. */
static void take_newcomer(struct grouping *g, uint32_t group, uint32_t newcomer, double weight)
{
	if (weight > threshold(g, group))
		join_group(g, group, newcomer, weight);
	else
		found_group(g, newcomer);
}

static void take_pair(struct grouping *g, const struct graph_link *link)
{
	const uint32_t a = g->group_of[link->a], b = g->group_of[link->b];

	if (a == GROUP_ALONE && b == GROUP_ALONE)
		join_group(g, found_group(g, link->a), link->b, link->weight);
	else if (a == GROUP_ALONE)
		take_newcomer(g, b, link->a, link->weight);
	else if (b == GROUP_ALONE)
		take_newcomer(g, a, link->b, link->weight);
	else if (a != b && may_merge(g, a, b, link->weight))
		merge_groups(g, g->groups[a].size >= g->groups[b].size ? a : b,
		    g->groups[a].size >= g->groups[b].size ? b : a, link->weight);
}

static int compare_weight(const void *left, const void *right)
{
	const struct graph_link *x = left, *y = right;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static int take_all_pairs(struct grouping *g, const bool *leave_out)
{
	struct graph_link *sorted = calloc(g->graph->nlinks + 1, sizeof *sorted);
	size_t count = 0;

	if (sorted == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < g->graph->nlinks; i++) {
		const struct graph_link *link = &g->graph->links[i];

		if (leave_out == NULL || (!leave_out[link->a] && !leave_out[link->b]))
			sorted[count++] = *link;
	}
	qsort(sorted, count, sizeof *sorted, compare_weight);
	for (size_t i = 0; i < count; i++)
		take_pair(g, &sorted[i]);
	free(sorted);
	return GRAPPE_OK;
}

int group_thesis(const struct graph *graph, const bool *leave_out, const struct thesis_rules *rules,
    uint32_t *group_of)
{
	struct grouping g = {.graph = graph, .rules = rules, .group_of = group_of};
	int rc = GRAPPE_EMEMORY;

	if (!(rules->factor > 0 && rules->factor <= 1 && rules->merge_share >= 0))
		return GRAPPE_EINVALID;
	for (size_t i = 0; i < graph->nnodes; i++)
		group_of[i] = GROUP_ALONE;
	g.groups = calloc(graph->nnodes + 1, sizeof *g.groups);
	g.next_member = calloc(graph->nnodes + 1, sizeof *g.next_member);
	if (g.groups != NULL && g.next_member != NULL)
		rc = take_all_pairs(&g, leave_out);
	if (rc == GRAPPE_OK)
		rc = group_number(group_of, graph->nnodes, 2);
	free(g.groups);
	free(g.next_member);
	return rc;
}
