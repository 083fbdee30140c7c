/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/groups.h"

#include "common/error.h"
#include "manager/group_auto.h"
#include "manager/hubs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct groups_rules groups_rules_default = {
    .method = GROUPS_AUTO,
    .graph = {.by_octets = false,
	.floor_packets = 100,
	.floor_octets = 10000,
	.window_s = GRAPH_FLOOR_SECONDS},
    .thesis = {.factor = 0.8, .merge_share = 0.7},
};

/* What the search works on; node numbers are those of the graph until finish_nodes(). */
struct search {
	struct graph graph;
	bool *hub;
	uint32_t *group_of;
};

static int search_init(
    struct search *search, const struct matrix *matrix, const struct groups_rules *rules)
{
	int rc = graph_build(matrix, &rules->graph, &search->graph);

	if (rc != GRAPPE_OK)
		return rc;
	search->hub = calloc(search->graph.nnodes + 1, sizeof *search->hub);
	search->group_of = calloc(search->graph.nnodes + 1, sizeof *search->group_of);
	return search->hub != NULL && search->group_of != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static void search_deinit(struct search *search)
{
	graph_deinit(&search->graph);
	free(search->hub);
	free(search->group_of);
}

static int nodes_reserve(struct groups_nodes *nodes, size_t count)
{
	nodes->nodes = calloc(count + 1, sizeof *nodes->nodes);
	return nodes->nodes != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static int collect_members(const struct search *search, struct groups *out)
{
	const size_t nnodes = search->graph.nnodes;

	for (uint32_t i = 0; i < nnodes; i++)
		if (search->group_of[i] != GROUP_ALONE)
			out->items[search->group_of[i]].members.count++;
	for (size_t i = 0; i < out->count; i++) {
		struct groups_nodes *members = &out->items[i].members;

		if (nodes_reserve(members, members->count) != GRAPPE_OK)
			return GRAPPE_EMEMORY;
		members->count = 0;
	}
	if (nodes_reserve(&out->alone, nnodes) != GRAPPE_OK ||
	    nodes_reserve(&out->hubs, nnodes) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < nnodes; i++) {
		struct groups_nodes *set = search->hub[i] ? &out->hubs : &out->alone;

		if (search->group_of[i] != GROUP_ALONE)
			set = &out->items[search->group_of[i]].members;
		set->nodes[set->count++] = i;
	}
	return GRAPPE_OK;
}

static int name_whole(const struct search *search, struct groups *out)
{
	const struct graph *graph = &search->graph;
	uint32_t *linked = calloc(graph->nnodes + 1, sizeof *linked);
	size_t count = 0;
	int rc;

	if (linked == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < graph->nnodes; i++)
		if (!search->hub[i] && graph_degree(graph, i) > 0)
			linked[count++] = i;
	rc = shape_find(graph, linked, count, &out->shape);
	free(linked);
	return rc;
}

static int name_shapes(const struct search *search, struct groups *out)
{
	int rc = name_whole(search, out);

	for (size_t i = 0; rc == GRAPPE_OK && i < out->count; i++)
		rc = shape_find(&search->graph, out->items[i].members.nodes,
		    out->items[i].members.count, &out->items[i].shape);
	return rc;
}

/* Larger groups first; equal ones by their first member, which differs between groups. */
static int compare_items(const void *left, const void *right)
{
	const struct groups_nodes *x = &((const struct groups_item *)left)->members;
	const struct groups_nodes *y = &((const struct groups_item *)right)->members;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->nodes[0] < y->nodes[0] ? -1 : x->nodes[0] > y->nodes[0];
}

static void finish_nodes(const struct graph *graph, struct groups_nodes *set)
{
	for (size_t i = 0; i < set->count; i++)
		set->nodes[i] = graph->matrix_node[set->nodes[i]];
}

static int fill_groups(struct search *search, const struct groups_rules *rules, struct groups *out)
{
	int rc = hubs_find(&search->graph, search->hub);

	if (rc < 0)
		return rc;
	if (rules->method == GROUPS_THESIS)
		rc = group_thesis(&search->graph, search->hub, &rules->thesis, search->group_of);
	else
		rc = group_auto(&search->graph, search->hub, search->group_of);
	if (rc < 0)
		return rc;
	out->items = calloc((size_t)rc + 1, sizeof *out->items);
	if (out->items == NULL)
		return GRAPPE_EMEMORY;
	out->count = (size_t)rc;
	rc = collect_members(search, out);
	if (rc == GRAPPE_OK)
		rc = name_shapes(search, out);
	if (rc != GRAPPE_OK)
		return rc;
	qsort(out->items, out->count, sizeof *out->items, compare_items);
	for (size_t i = 0; i < out->count; i++)
		finish_nodes(&search->graph, &out->items[i].members);
	finish_nodes(&search->graph, &out->alone);
	finish_nodes(&search->graph, &out->hubs);
	return GRAPPE_OK;
}

int groups_find(const struct matrix *matrix, const struct groups_rules *rules, struct groups *out)
{
	struct search search = {0};
	struct groups found = {0};
	int rc = search_init(&search, matrix, rules);

	if (rc == GRAPPE_OK)
		rc = fill_groups(&search, rules, &found);
	search_deinit(&search);
	if (rc == GRAPPE_OK)
		*out = found;
	else
		groups_deinit(&found);
	return rc;
}

void groups_deinit(struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		free(groups->items[i].members.nodes);
	free(groups->items);
	free(groups->alone.nodes);
	free(groups->hubs.nodes);
	*groups = (struct groups){0};
}

/* ---- answers ---- */

struct writer {
	const struct matrix *matrix;
	groups_label *label;
	void *context;
};

static const char *label_of(const struct writer *writer, uint32_t node)
{
	const char *name = matrix_name(writer->matrix, node);

	return writer->label != NULL ? writer->label(name, writer->context) : name;
}

static json_t *nodes_to_json(const struct writer *writer, const struct groups_nodes *set)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < set->count; i++) {
		const char *label = label_of(writer, set->nodes[i]);
		json_t *text = json_string(label);

		/* A name that is no UTF-8 still has to appear. */
		if (text == NULL)
			text = json_sprintf("node-%u", set->nodes[i] + 1);
		if (json_array_append_new(array, text) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *groups_to_json(
    const struct groups *groups, const struct matrix *matrix, groups_label *label, void *context)
{
	const struct writer writer = {matrix, label, context};
	json_t *sets = json_array(), *shapes = json_array(), *answer;
	char text[SHAPE_TEXT_SIZE];

	for (size_t i = 0; i < groups->count; i++) {
		const struct groups_item *item = &groups->items[i];

		if (json_array_append_new(sets, nodes_to_json(&writer, &item->members)) != 0 ||
		    json_array_append_new(shapes, json_string(shape_format(&item->shape, text))) !=
			0) {
			json_decref(sets);
			json_decref(shapes);
			return NULL;
		}
	}
	answer = json_pack("{s:o, s:o, s:o, s:s, s:o}", "groups", sets, "alone",
	    nodes_to_json(&writer, &groups->alone), "hubs", nodes_to_json(&writer, &groups->hubs),
	    "shape", shape_format(&groups->shape, text), "group_shapes", shapes);
	return answer;
}

static void print_nodes(
    const struct writer *writer, const struct groups_nodes *set, const char *title, FILE *out)
{
	if (set->count == 0)
		return;
	fprintf(out, "%s", title);
	for (size_t i = 0; i < set->count; i++)
		fprintf(out, " %s", label_of(writer, set->nodes[i]));
	fputc('\n', out);
}

void groups_print(const struct groups *groups, const struct matrix *matrix, groups_label *label,
    void *context, FILE *out)
{
	const struct writer writer = {matrix, label, context};
	char text[SHAPE_TEXT_SIZE], title[64 + SHAPE_TEXT_SIZE];

	if (groups->count == 0)
		fputs("no groups\n", out);
	for (size_t i = 0; i < groups->count; i++) {
		snprintf(title, sizeof title, "group %zu (%zu VMs, %s):", i + 1,
		    groups->items[i].members.count, shape_format(&groups->items[i].shape, text));
		print_nodes(&writer, &groups->items[i].members, title, out);
	}
	print_nodes(&writer, &groups->hubs, "shared services:", out);
	print_nodes(&writer, &groups->alone, "alone:", out);
	fprintf(out, "shape of the whole: %s\n", shape_format(&groups->shape, text));
}
