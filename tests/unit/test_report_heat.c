/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrix of a report: what it sums when there are more VMs than rows, and that nothing is lost
 * by summing. */
#include "manager/report_heat.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_S 300

/* Rings of three: every VM sends 3 kB/s to the next of its ring, and the middle one 1 kB/s to the
 * first VM of all. */
struct world {
	struct report_input input;
	struct groups groups;
};

static const struct {
	const char *name;
	unsigned nvms, labelled, applications, grouped; /* VMs, from the first on */
	const char *of;
	size_t cells;
	const char *last;
	unsigned last_vms, summed;
} cases[] = {
    {"each VM a row", 60, 60, 2, 60, "vms", 60, NULL, 1, 0},
    {"applications", 72, 72, 6, 72, "applications", 6, "app5", 12, 72},
    {"and what has none", 72, 36, 3, 72, "applications", 4, "no application", 36, 72},
    {"too few have one", 72, 33, 3, 72, "groups", 24, "group 24", 3, 72},
    {"one application is none", 72, 72, 1, 72, "groups", 24, "group 24", 3, 72},
    {"more applications than rows", 183, 183, 61, 183, "applications", 60, "others", 6, 183},
    {"more groups than rows", 183, 0, 0, 183, "groups", 60, "others", 6, 183},
    {"nothing to sum by", 183, 0, 0, 3, "vms", 60, "others", 124, 124},
};

static void make_node(struct world *world, unsigned number, unsigned labelled, unsigned napps)
{
	struct observed_vm vm = {.vcpu = NAN, .mem_GiB = NAN};

	snprintf(vm.id, sizeof vm.id, "mac-02000000%04x", number);
	snprintf(vm.name, sizeof vm.name, "vm%u", number);
	snprintf(vm.place.environment, sizeof vm.place.environment, "site-%u", number % 2);
	if (number < labelled)
		snprintf(vm.application, sizeof vm.application, "app%u",
		    number * napps / (labelled > 0 ? labelled : 1));
	ck_assert_int_eq(observation_add_vm(&world->input.observation, &vm), 0);
	ck_assert_int_eq(matrix_node(world->input.observation.matrix, vm.id), (int)number);
}

static void talk(struct world *world, uint32_t from, uint32_t to, double octets_per_s)
{
	ck_assert_int_eq(
	    matrix_add(world->input.observation.matrix, from, to, 1, octets_per_s * WINDOW_S), 0);
}

static void make_groups(struct world *world, unsigned grouped)
{
	world->groups.count = grouped / 3;
	world->groups.items = calloc(world->groups.count, sizeof *world->groups.items);
	for (unsigned g = 0; g < world->groups.count; g++) {
		struct groups_nodes *members = &world->groups.items[g].members;

		members->nodes = calloc(3, sizeof *members->nodes);
		members->count = 3;
		for (unsigned k = 0; k < 3; k++)
			members->nodes[k] = 3 * g + k;
	}
}

/* Returns what all pairs carry, octets per second. */
static double make_world(struct world *world, size_t i)
{
	const unsigned nvms = cases[i].nvms;
	double sum = 0;

	*world = (struct world){.input = {.nknown = nvms}};
	ck_assert_int_eq(observation_init(&world->input.observation), 0);
	*matrix_window(world->input.observation.matrix) =
	    (struct matrix_window){.from_s = 300, .to_s = 600, .length_s = WINDOW_S};
	world->input.known = calloc(nvms, sizeof *world->input.known);
	for (unsigned v = 0; v < nvms; v++) {
		make_node(world, v, cases[i].labelled, cases[i].applications);
		world->input.known[v] = 1;
	}
	for (unsigned v = 0; v < nvms; v++) {
		talk(world, v, v % 3 == 2 ? v - 2 : v + 1, 3000);
		sum += 3000;
		if (v % 3 == 1) { /* not a pair of a ring */
			talk(world, v, v == 1 ? 4 : 0, 1000);
			sum += 1000;
		}
	}
	ck_assert_int_eq(observation_finish(&world->input.observation), 0);
	make_groups(world, cases[i].grouped);
	return sum;
}

static void free_world(struct world *world)
{
	groups_deinit(&world->groups);
	observation_deinit(&world->input.observation);
	free(world->input.known);
}

static double sum_of(const json_t *rows)
{
	const json_t *row, *rate;
	double sum = 0;
	size_t i, k;

	json_array_foreach(rows, i, row)
	{
		ck_assert_uint_eq(json_array_size(row), json_array_size(rows));
		json_array_foreach(row, k, rate) sum += json_number_value(rate);
	}
	return sum;
}

static double count_vms(const json_t *cells)
{
	const json_t *cell;
	double count = 0;
	size_t i;

	json_array_foreach(cells, i, cell) count += json_number_value(json_object_get(cell, "vms"));
	return count;
}

START_TEST(what_is_summed_is_said_and_nothing_is_lost)
{
	struct world world;
	const double sum = make_world(&world, (size_t)_i);
	json_t *heat = report_heat_json(&world.input, &world.groups);
	const json_t *cells = json_object_get(heat, "cells"), *last;

	last = json_array_get(cells, json_array_size(cells) - 1);
	ck_assert_str_eq(json_string_value(json_object_get(heat, "of")), cases[_i].of);
	ck_assert_msg(json_array_size(cells) == cases[_i].cells, "%s: %zu rows", cases[_i].name,
	    json_array_size(cells));
	ck_assert_int_eq(json_integer_value(json_object_get(heat, "summed_vms")), cases[_i].summed);
	ck_assert_int_eq(json_integer_value(json_object_get(last, "vms")), cases[_i].last_vms);
	if (cases[_i].last != NULL)
		ck_assert_str_eq(json_string_value(json_object_get(last, "name")), cases[_i].last);
	ck_assert_double_eq(count_vms(cells), cases[_i].nvms);
	ck_assert_double_eq_tol(sum_of(json_object_get(heat, "octets_per_s")), sum, 1e-6 * sum);
	json_decref(heat);
	free_world(&world);
}
END_TEST

/* The first VM has most traffic, then the middle ones of the rings, of which there are 61; 58 find
 * room beside it. */
START_TEST(those_with_most_traffic_keep_their_rows)
{
	struct world world;
	const size_t plain = sizeof cases / sizeof *cases - 1;
	json_t *heat;
	const json_t *cell;
	size_t i, first = 0, middle = 0;
	unsigned number;

	make_world(&world, plain);
	heat = report_heat_json(&world.input, &world.groups);
	json_array_foreach(json_object_get(heat, "cells"), i, cell)
	{
		if (sscanf(json_string_value(json_object_get(cell, "name")), "vm%u", &number) != 1)
			continue;
		first += number == 0;
		middle += number % 3 == 1;
	}
	ck_assert_uint_eq(first, 1);
	ck_assert_uint_eq(middle, 58);
	json_decref(heat);
	free_world(&world);
}
END_TEST

/* A row says how much of it is known, and nothing where nothing is. */
START_TEST(what_is_not_known_is_null)
{
	struct world world;
	json_t *heat;
	const json_t *cells, *rows;

	make_world(&world, 1);
	for (unsigned v = 0; v < 12; v++)
		world.input.known[v] = -1; /* app0 */
	for (unsigned v = 12; v < 18; v++)
		world.input.known[v] = 0.5; /* half of app1 */
	heat = report_heat_json(&world.input, &world.groups);
	cells = json_object_get(heat, "cells");
	rows = json_object_get(heat, "octets_per_s");
	ck_assert(json_is_null(json_array_get(json_array_get(rows, 0), 0)));
	ck_assert(json_is_real(json_array_get(json_array_get(rows, 1), 0)));
	ck_assert_double_eq(
	    json_number_value(json_object_get(json_array_get(cells, 0), "known")), 0);
	ck_assert_double_eq(
	    json_number_value(json_object_get(json_array_get(cells, 1), "known")), 0.75);
	json_decref(heat);
	free_world(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_heat");
	TCase *tcase = tcase_create("heat");

	tcase_add_loop_test(tcase, what_is_summed_is_said_and_nothing_is_lost, 0,
	    (int)(sizeof cases / sizeof *cases));
	tcase_add_test(tcase, those_with_most_traffic_keep_their_rows);
	tcase_add_test(tcase, what_is_not_known_is_null);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
