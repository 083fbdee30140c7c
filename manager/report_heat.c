/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/report_heat.h"

#include "manager/json_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum heat_of { HEAT_VMS, HEAT_APPLICATIONS, HEAT_GROUPS };

/* A VM of the matrix. */
struct heat_vm {
	uint32_t node;
	const struct observed_vm *vm; /* NULL: nobody told about it */
	int group;                    /* -1: none */
	double rate;                  /* received and sent */
	size_t cell;
};

/* A row and column of the picture. */
struct heat_cell {
	const char *name; /* NULL: what is left */
	char text[48];    /* what name may point to */
	const struct heat_vm *only;
	size_t nvms;
	double known;      /* sum over receivers */
	size_t nreceivers; /* of its VMs */
};

struct heat {
	const struct report_input *input;
	const struct groups *groups;
	enum heat_of of;
	struct heat_vm *vms;
	size_t nvms;
	struct heat_vm **by_node; /* NULL: no VM */
	struct heat_cell cells[REPORT_HEAT_MAX];
	size_t ncells, summed;
	bool overfull; /* some that have an application or group found no room in a row of it */
	double rates[REPORT_HEAT_MAX][REPORT_HEAT_MAX]; /* [receiver][sender] */
};

int report_heat_group(const struct groups *groups, uint32_t node)
{
	for (size_t i = 0; i < groups->count; i++)
		for (size_t k = 0; k < groups->items[i].members.count; k++)
			if (groups->items[i].members.nodes[k] == node)
				return (int)i;
	return -1;
}

bool report_heat_is_vm(const struct report_input *input, uint32_t node)
{
	const char *name = matrix_name(input->observation.matrix, node);

	return identity_is_vm(name) || observation_find(&input->observation, name) != NULL;
}

/* ---- the VMs ---- */

static const char *label_of(const struct heat *heat, const struct heat_vm *vm)
{
	return observation_label(matrix_name(heat->input->observation.matrix, vm->node),
	    (void *)&heat->input->observation);
}

static const char *application_of(const struct heat_vm *vm)
{
	return vm->vm != NULL ? vm->vm->application : "";
}

static void set_groups(struct heat *heat)
{
	for (size_t i = 0; i < heat->nvms; i++)
		heat->vms[i].group = -1;
	for (size_t g = 0; g < heat->groups->count; g++)
		for (size_t k = 0; k < heat->groups->items[g].members.count; k++) {
			struct heat_vm *vm = heat->by_node[heat->groups->items[g].members.nodes[k]];

			if (vm != NULL)
				vm->group = (int)g;
		}
}

static bool find_vms(struct heat *heat)
{
	const struct observation *observation = &heat->input->observation;
	const size_t nodes = matrix_nodes(observation->matrix);
	size_t npairs;
	const struct matrix_pair *pairs = matrix_pairs(observation->matrix, &npairs);

	heat->vms = calloc(nodes + 1, sizeof *heat->vms);
	heat->by_node = calloc(nodes + 1, sizeof *heat->by_node);
	if (heat->vms == NULL || heat->by_node == NULL)
		return false;
	for (uint32_t node = 0; node < nodes; node++)
		if (report_heat_is_vm(heat->input, node)) {
			struct heat_vm *vm = &heat->vms[heat->nvms++];

			vm->node = node;
			vm->vm =
			    observation_find(observation, matrix_name(observation->matrix, node));
			heat->by_node[node] = vm;
		}
	for (size_t i = 0; i < npairs; i++) {
		const double rate = report_input_rate(heat->input, &pairs[i], pairs[i].octets);

		if (heat->by_node[pairs[i].source] == NULL ||
		    heat->by_node[pairs[i].receiver] == NULL)
			continue;
		heat->by_node[pairs[i].source]->rate += rate;
		heat->by_node[pairs[i].receiver]->rate += rate;
	}
	set_groups(heat);
	return true;
}

/* ---- what a row stands for ---- */

static struct heat_cell *add_cell(struct heat *heat, const char *name)
{
	struct heat_cell *cell = &heat->cells[heat->ncells++];

	*cell = (struct heat_cell){.name = name};
	return cell;
}

/* The cell with this name; SIZE_MAX: no room for one. */
static size_t cell_of(struct heat *heat, const char *name, size_t limit)
{
	for (size_t i = 0; i < heat->ncells; i++)
		if (strcmp(heat->cells[i].name, name) == 0)
			return i;
	if (heat->ncells >= limit)
		return SIZE_MAX;
	add_cell(heat, name);
	return heat->ncells - 1;
}

static void put_rest(struct heat *heat)
{
	size_t rest = SIZE_MAX;

	for (size_t i = 0; i < heat->nvms; i++) {
		if (heat->vms[i].cell != SIZE_MAX)
			continue;
		if (rest == SIZE_MAX) {
			rest = heat->ncells;
			add_cell(heat, NULL);
		}
		heat->vms[i].cell = rest;
	}
}

/* By application, where there are two or more and most VMs have one. */
static bool try_applications(struct heat *heat)
{
	size_t labelled = 0;

	for (size_t i = 0; i < heat->nvms; i++) {
		const char *application = application_of(&heat->vms[i]);

		heat->vms[i].cell = SIZE_MAX;
		if (application[0] == '\0')
			continue;
		heat->vms[i].cell = cell_of(heat, application, REPORT_HEAT_MAX - 1);
		labelled += heat->vms[i].cell != SIZE_MAX;
		heat->overfull |= heat->vms[i].cell == SIZE_MAX;
	}
	if (heat->ncells < 2 || 2 * labelled < heat->nvms) {
		heat->ncells = 0;
		heat->overfull = false;
		return false;
	}
	heat->of = HEAT_APPLICATIONS;
	return true;
}

static bool try_groups(struct heat *heat)
{
	size_t members = 0;

	if (heat->groups->count < 2)
		return false;
	for (size_t i = 0; i < heat->nvms; i++) {
		const int group = heat->vms[i].group;

		heat->vms[i].cell =
		    group >= 0 && group < REPORT_HEAT_MAX - 1 ? (size_t)group : SIZE_MAX;
		members += heat->vms[i].cell != SIZE_MAX;
	}
	if (2 * members < heat->nvms)
		return false;
	heat->of = HEAT_GROUPS;
	heat->overfull = heat->groups->count > REPORT_HEAT_MAX - 1;
	for (size_t g = 0; g < heat->groups->count && g < REPORT_HEAT_MAX - 1; g++) {
		struct heat_cell *cell = add_cell(heat, "");

		snprintf(cell->text, sizeof cell->text, "group %zu", g + 1);
		cell->name = cell->text;
	}
	return true;
}

static int compare_rates(const void *left, const void *right)
{
	const struct heat_vm *a = left, *b = right;

	return a->rate != b->rate ? (a->rate < b->rate ? 1 : -1)
				  : (a->node < b->node ? -1 : a->node > b->node);
}

/* Groups together, in them environments, hosts, names. */
static int compare_places(const void *left, const void *right)
{
	const struct heat_vm *a = left, *b = right;
	int order;

	if (a->group != b->group)
		return (unsigned)a->group < (unsigned)b->group ? -1 : 1;
	if (a->vm == NULL || b->vm == NULL)
		return a->vm != NULL ? -1 : b->vm != NULL ? 1 : (a->node < b->node ? -1 : 1);
	order = strcmp(a->vm->place.environment, b->vm->place.environment);
	if (order == 0)
		order = strcmp(a->vm->place.host, b->vm->place.host);
	return order != 0 ? order : a->vm < b->vm ? -1 : 1; /* they stand in order of names */
}

static void use_vms(struct heat *heat)
{
	size_t shown = heat->nvms;

	if (shown > REPORT_HEAT_MAX) {
		qsort(heat->vms, heat->nvms, sizeof *heat->vms, compare_rates);
		shown = REPORT_HEAT_MAX - 1;
	}
	qsort(heat->vms, shown, sizeof *heat->vms, compare_places);
	for (size_t i = 0; i < heat->nvms; i++) {
		heat->by_node[heat->vms[i].node] = &heat->vms[i];
		heat->vms[i].cell = i < shown ? i : SIZE_MAX;
		if (i < shown)
			add_cell(heat, label_of(heat, &heat->vms[i]))->only = &heat->vms[i];
	}
	heat->summed = heat->nvms - shown;
}

static void choose_cells(struct heat *heat)
{
	if (heat->nvms <= REPORT_HEAT_MAX)
		use_vms(heat);
	else if (try_applications(heat) || try_groups(heat))
		heat->summed = heat->nvms;
	else
		use_vms(heat);
	put_rest(heat);
}

/* ---- sums ---- */

static void sum(struct heat *heat)
{
	size_t npairs;
	const struct matrix_pair *pairs = matrix_pairs(heat->input->observation.matrix, &npairs);

	for (size_t i = 0; i < heat->nvms; i++) {
		struct heat_cell *cell = &heat->cells[heat->vms[i].cell];
		const double known = report_input_known(heat->input, heat->vms[i].node);

		cell->nvms++;
		cell->known += known > 0 ? known : 0;
		cell->nreceivers += known > 0;
	}
	for (size_t i = 0; i < npairs; i++) {
		const struct heat_vm *from = heat->by_node[pairs[i].source],
				     *to = heat->by_node[pairs[i].receiver];

		if (from != NULL && to != NULL)
			heat->rates[to->cell][from->cell] +=
			    report_input_rate(heat->input, &pairs[i], pairs[i].octets);
	}
}

/* ---- as JSON ---- */

static const char *rest_name(const struct heat *heat)
{
	static const char *const names[] = {[HEAT_VMS] = "others",
	    [HEAT_APPLICATIONS] = "no application",
	    [HEAT_GROUPS] = "no group"};

	return names[heat->overfull ? HEAT_VMS : heat->of];
}

static json_t *cell_json(const struct heat *heat, const struct heat_cell *cell)
{
	const struct observed_vm *vm = cell->only != NULL ? cell->only->vm : NULL;
	const int group = cell->only != NULL ? cell->only->group : -1;

	return json_pack("{s:o, s:I, s:o, s:o, s:o, s:f}", "name",
	    json_plain(cell->name != NULL ? cell->name : rest_name(heat)), "vms",
	    (json_int_t)cell->nvms, "environment",
	    vm != NULL && vm->place.environment[0] != '\0' ? json_plain(vm->place.environment)
							   : json_null(),
	    "host",
	    vm != NULL && vm->place.host[0] != '\0' ? json_plain(vm->place.host) : json_null(),
	    "group", group >= 0 ? json_integer(group + 1) : json_null(), "known",
	    cell->nvms > 0 ? cell->known / (double)cell->nvms : 0.0);
}

static json_t *heat_json(const struct heat *heat)
{
	static const char *const names[] = {
	    [HEAT_VMS] = "vms", [HEAT_APPLICATIONS] = "applications", [HEAT_GROUPS] = "groups"};
	json_t *cells = json_array(), *rows = json_array();

	for (size_t i = 0; i < heat->ncells; i++) {
		json_t *row = json_array();

		json_array_append_new(cells, cell_json(heat, &heat->cells[i]));
		for (size_t k = 0; k < heat->ncells; k++)
			json_array_append_new(row, heat->cells[i].nreceivers > 0
						       ? json_real(heat->rates[i][k])
						       : json_null());
		json_array_append_new(rows, row);
	}
	return json_pack("{s:s, s:o, s:o, s:I}", "of", names[heat->of], "cells", cells,
	    "octets_per_s", rows, "summed_vms", (json_int_t)heat->summed);
}

json_t *report_heat_json(const struct report_input *input, const struct groups *groups)
{
	struct heat *heat = calloc(1, sizeof *heat);
	json_t *document = NULL;

	if (heat == NULL)
		return NULL;
	heat->input = input;
	heat->groups = groups;
	if (find_vms(heat)) {
		choose_cells(heat);
		sum(heat);
		document = heat_json(heat);
	}
	free(heat->vms);
	free(heat->by_node);
	free(heat);
	return document;
}
