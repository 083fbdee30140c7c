/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/report_groups.h"

#include "manager/group_identity.h"
#include "manager/json_fields.h"

#include <stdlib.h>
#include <string.h>

#define ALONE_MAX 100 /* names of VMs in no group */

/* Both directions of two members. */
struct pair {
	size_t a, b; /* a < b */
	double rate;
};

/* Where a node of the matrix stands in its group. */
struct seat {
	int group; /* -1: in none */
	size_t index;
};

static const char *label_of(const struct report_input *input, uint32_t node)
{
	return observation_label(
	    matrix_name(input->observation.matrix, node), (void *)&input->observation);
}

static const struct observed_vm *vm_of(const struct report_input *input, uint32_t node)
{
	return observation_find(&input->observation, matrix_name(input->observation.matrix, node));
}

/* ---- links ---- */

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->rate != b->rate)
		return a->rate < b->rate ? 1 : -1;
	return a->a != b->a ? (a->a < b->a ? -1 : 1) : a->b < b->b ? -1 : a->b > b->b;
}

static int compare_ends(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	return a->a != b->a ? (a->a < b->a ? -1 : 1) : a->b < b->b ? -1 : a->b > b->b;
}

/* How many links the shape has. */
static size_t links_of(const struct shape *shape, size_t n)
{
	size_t bits = 0;

	switch (shape->kind) {
	case SHAPE_CHAIN:
	case SHAPE_STAR:
		return n - 1;
	case SHAPE_RING:
		return n;
	case SHAPE_MESH:
		return (size_t)2 * shape->width * shape->height - shape->width - shape->height;
	case SHAPE_HYPERCUBE:
		while (((size_t)2 << bits) <= n)
			bits++;
		return n * bits / 2;
	case SHAPE_ALL_TO_ALL:
		return n * (n - 1) / 2;
	default:
		return 2 * n;
	}
}

/* Adds up what is of one pair; pairs: count of them, in any order. Returns how many are left. */
static size_t add_up(struct pair *pairs, size_t count)
{
	size_t n = 0;

	qsort(pairs, count, sizeof *pairs, compare_ends);
	for (size_t i = 0; i < count; i++)
		if (n > 0 && compare_ends(&pairs[n - 1], &pairs[i]) == 0)
			pairs[n - 1].rate += pairs[i].rate;
		else
			pairs[n++] = pairs[i];
	qsort(pairs, n, sizeof *pairs, compare_pairs);
	return n;
}

static json_t *links_json(const struct groups_item *group, struct pair *pairs, size_t count)
{
	json_t *links = json_array();
	size_t wanted = links_of(&group->shape, group->members.count);

	count = add_up(pairs, count);
	if (wanted > REPORT_GROUP_LINKS_MAX)
		wanted = REPORT_GROUP_LINKS_MAX;
	for (size_t i = 0; i < count && json_array_size(links) < wanted; i++)
		if (pairs[i].b < REPORT_GROUP_MEMBERS_MAX)
			json_array_append_new(links, json_pack("[I, I, f]", (json_int_t)pairs[i].a,
							 (json_int_t)pairs[i].b, pairs[i].rate));
	return links;
}

/* ---- members ---- */

static json_t *members_json(const struct report_input *input, const struct groups_item *group)
{
	json_t *members = json_array();

	for (size_t i = 0; i < group->members.count && i < REPORT_GROUP_MEMBERS_MAX; i++) {
		const struct observed_vm *vm = vm_of(input, group->members.nodes[i]);
		const char *environment = vm != NULL ? vm->place.environment : "";
		const char *host = vm != NULL ? vm->place.host : "";

		json_array_append_new(members,
		    json_pack("{s:o, s:o, s:o}", "name",
			json_plain(label_of(input, group->members.nodes[i])), "environment",
			environment[0] != '\0' ? json_plain(environment) : json_null(), "host",
			host[0] != '\0' ? json_plain(host) : json_null()));
	}
	return members;
}

/* How many of the group are where, in order of first appearance. */
static json_t *environments_json(const struct report_input *input, const struct groups_item *group)
{
	json_t *counts = json_object(), *list = json_array(), *count;
	const char *name;

	for (size_t i = 0; i < group->members.count; i++) {
		const struct observed_vm *vm = vm_of(input, group->members.nodes[i]);
		json_t *shown = json_plain(vm != NULL ? vm->place.environment : "");

		name = json_string_value(shown);
		json_object_set_new(counts, name,
		    json_integer(json_integer_value(json_object_get(counts, name)) + 1));
		json_decref(shown);
	}
	json_object_foreach(counts, name, count)
	{
		json_array_append_new(
		    list, json_pack("{s:o, s:O}", "name",
			      name[0] != '\0' ? json_string(name) : json_null(), "vms", count));
	}
	json_decref(counts);
	return list;
}

static json_t *names_json(
    const struct report_input *input, const struct groups_nodes *nodes, size_t limit)
{
	json_t *names = json_array();

	for (size_t i = 0; i < nodes->count && i < limit; i++)
		json_array_append_new(names, json_plain(label_of(input, nodes->nodes[i])));
	return names;
}

/* ---- groups ---- */

static json_t *group_json(const struct report_input *input, const struct groups_item *group,
    size_t number, struct pair *pairs, size_t count)
{
	const char *application = group_identity_label(group, &input->observation);
	char shape[SHAPE_TEXT_SIZE];
	double rate = 0;

	for (size_t i = 0; i < count; i++)
		rate += pairs[i].rate;
	return json_pack("{s:I, s:s, s:o, s:I, s:o, s:o, s:f, s:o}", "number", (json_int_t)number,
	    "shape", shape_format(&group->shape, shape), "application",
	    application != NULL && application[0] != '\0' ? json_plain(application) : json_null(),
	    "vms", (json_int_t)group->members.count, "members", members_json(input, group), "links",
	    links_json(group, pairs, count), "octets_per_s", rate, "environments",
	    environments_json(input, group));
}

static struct seat *find_seats(const struct report_input *input, const struct groups *groups)
{
	const size_t nodes = matrix_nodes(input->observation.matrix);
	struct seat *seats = calloc(nodes + 1, sizeof *seats);

	for (size_t i = 0; seats != NULL && i < nodes; i++)
		seats[i].group = -1;
	for (size_t g = 0; seats != NULL && g < groups->count; g++)
		for (size_t k = 0; k < groups->items[g].members.count; k++)
			seats[groups->items[g].members.nodes[k]] = (struct seat){(int)g, k};
	return seats;
}

/* Pairs inside groups, those of a group together: first[g] … first[g + 1]. */
static struct pair *find_pairs(const struct report_input *input, const struct groups *groups,
    const struct seat *seats, size_t *first)
{
	size_t npairs;
	const struct matrix_pair *all = matrix_pairs(input->observation.matrix, &npairs);
	struct pair *pairs = calloc(npairs + 1, sizeof *pairs);

	for (size_t i = 0; pairs != NULL && i < npairs; i++) {
		const struct seat from = seats[all[i].source], to = seats[all[i].receiver];

		if (from.group >= 0 && from.group == to.group && from.index != to.index)
			first[from.group + 1]++;
	}
	for (size_t g = 0; g < groups->count; g++)
		first[g + 1] += first[g];
	for (size_t i = 0; pairs != NULL && i < npairs; i++) {
		const struct seat from = seats[all[i].source], to = seats[all[i].receiver];
		struct pair pair = {
		    from.index, to.index, report_input_rate(input, &all[i], all[i].octets)};

		if (from.group < 0 || from.group != to.group || from.index == to.index)
			continue;
		if (pair.a > pair.b) {
			pair.a = to.index;
			pair.b = from.index;
		}
		pairs[first[from.group]++] = pair;
	}
	for (size_t g = groups->count; g > 0; g--)
		first[g] = first[g - 1];
	first[0] = 0;
	return pairs;
}

json_t *report_groups_json(const struct report_input *input, const struct groups *groups)
{
	struct seat *seats = find_seats(input, groups);
	size_t *first = calloc(groups->count + 2, sizeof *first);
	struct pair *pairs =
	    seats != NULL && first != NULL ? find_pairs(input, groups, seats, first) : NULL;
	json_t *items = json_array();
	char shape[SHAPE_TEXT_SIZE];

	for (size_t g = 0; pairs != NULL && g < groups->count && g < REPORT_GROUPS_MAX; g++)
		json_array_append_new(items, group_json(input, &groups->items[g], g + 1,
						 pairs + first[g], first[g + 1] - first[g]));
	free(pairs);
	free(first);
	free(seats);
	return json_pack("{s:I, s:s, s:o, s:o, s:I, s:o}", "count", (json_int_t)groups->count,
	    "shape", shape_format(&groups->shape, shape), "items", items, "alone",
	    names_json(input, &groups->alone, ALONE_MAX), "alone_vms",
	    (json_int_t)groups->alone.count, "hubs", names_json(input, &groups->hubs, ALONE_MAX));
}
