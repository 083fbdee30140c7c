/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of communication patterns (M-6) and shared services set aside (M-7). */
#include "common/error.h"
#include "manager/groups.h"
#include "manager/shape.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT 10000.0

static void add_link(struct matrix *matrix, unsigned a, unsigned b, double weight)
{
	char name[2][16];
	int node[2];

	snprintf(name[0], sizeof name[0], "vm%u", a);
	snprintf(name[1], sizeof name[1], "vm%u", b);
	node[0] = matrix_node(matrix, name[0]);
	node[1] = matrix_node(matrix, name[1]);
	ck_assert_int_eq(
	    matrix_add(matrix, (uint32_t)node[0], (uint32_t)node[1], weight, 1000 * weight), 0);
}

/* The shape of the whole, as text. */
static const char *shape_text(struct matrix *matrix, char out[SHAPE_TEXT_SIZE])
{
	struct groups groups;

	ck_assert_int_eq(groups_find(matrix, &groups_rules_default, &groups), GRAPPE_OK);
	shape_format(&groups.shape, out);
	groups_deinit(&groups);
	return out;
}

static void assert_shape(struct matrix *matrix, const char *expected)
{
	char text[SHAPE_TEXT_SIZE];

	ck_assert_str_eq(shape_text(matrix, text), expected);
	matrix_free(matrix);
}

static struct matrix *chain_of(unsigned n)
{
	struct matrix *matrix = matrix_new();

	for (unsigned i = 1; i < n; i++)
		add_link(matrix, i, i + 1, WEIGHT);
	return matrix;
}

static struct matrix *ring_of(unsigned n)
{
	struct matrix *matrix = chain_of(n);

	add_link(matrix, n, 1, WEIGHT);
	return matrix;
}

static struct matrix *star_of(unsigned n)
{
	struct matrix *matrix = matrix_new();

	for (unsigned i = 2; i <= n; i++)
		add_link(matrix, i, 1, WEIGHT);
	return matrix;
}

/* Nodes are numbered in a scattered order, so that the search cannot lean on names. */
static struct matrix *mesh_of(unsigned width, unsigned height)
{
	struct matrix *matrix = matrix_new();
	const unsigned n = width * height;

	for (unsigned i = 0; i < n; i++) {
		if (i % width + 1 < width)
			add_link(matrix, i * 7 % n, (i + 1) * 7 % n, WEIGHT);
		if (i + width < n)
			add_link(matrix, i * 7 % n, (i + width) * 7 % n, WEIGHT);
	}
	return matrix;
}

static struct matrix *hypercube_of(unsigned bits)
{
	struct matrix *matrix = matrix_new();
	const unsigned n = 1u << bits;

	for (unsigned i = 0; i < n; i++)
		for (unsigned bit = 1; bit < n; bit <<= 1)
			if ((i & bit) == 0)
				add_link(matrix, i * 5 % n, (i | bit) * 5 % n, WEIGHT);
	return matrix;
}

static struct matrix *full_of(unsigned n)
{
	struct matrix *matrix = matrix_new();

	for (unsigned i = 1; i <= n; i++)
		for (unsigned k = i + 1; k <= n; k++)
			add_link(matrix, i, k, WEIGHT);
	return matrix;
}

START_TEST(regular_patterns_are_named)
{
	assert_shape(chain_of(2), "chain");
	assert_shape(chain_of(3), "chain");
	assert_shape(chain_of(50), "chain");
	assert_shape(ring_of(4), "ring");
	assert_shape(ring_of(5), "ring");
	assert_shape(ring_of(64), "ring");
	assert_shape(star_of(4), "star");
	assert_shape(star_of(7), "star");
	assert_shape(full_of(3), "all-to-all");
	assert_shape(full_of(4), "all-to-all");
	assert_shape(full_of(16), "all-to-all");
	assert_shape(mesh_of(2, 3), "mesh 2x3");
	assert_shape(mesh_of(2, 4), "mesh 2x4");
	assert_shape(mesh_of(4, 2), "mesh 2x4");
	assert_shape(mesh_of(4, 4), "mesh 4x4");
	assert_shape(mesh_of(3, 5), "mesh 3x5");
	assert_shape(hypercube_of(3), "hypercube");
	assert_shape(hypercube_of(4), "hypercube");
	assert_shape(hypercube_of(5), "hypercube");
}
END_TEST

START_TEST(what_only_resembles_a_pattern_is_not_named)
{
	struct matrix *matrix = matrix_new();

	assert_shape(matrix, "none");
	/* A mesh with one link too many. */
	matrix = mesh_of(3, 3);
	add_link(matrix, 0, 0 + 4, WEIGHT);
	assert_shape(matrix, "none");
	/* Two rings beside each other. */
	matrix = ring_of(4);
	for (unsigned i = 5; i <= 8; i++)
		add_link(matrix, i, i < 8 ? i + 1 : 5, WEIGHT);
	assert_shape(matrix, "none");
	/* Eight VMs with three neighbours each that are no cube: a Möbius ladder. */
	matrix = ring_of(8);
	for (unsigned i = 1; i <= 4; i++)
		add_link(matrix, i, i + 4, WEIGHT);
	assert_shape(matrix, "none");
	/* A tree that is neither chain nor star. */
	matrix = star_of(5);
	add_link(matrix, 5, 6, WEIGHT);
	assert_shape(matrix, "none");
}
END_TEST

START_TEST(links_much_lighter_than_the_others_do_not_hide_the_pattern)
{
	struct matrix *matrix = chain_of(5);

	add_link(matrix, 1, 5, 0.04 * WEIGHT);
	assert_shape(matrix, "chain");
	matrix = chain_of(5);
	add_link(matrix, 1, 5, 0.5 * WEIGHT);
	assert_shape(matrix, "ring");
	matrix = hypercube_of(3);
	add_link(matrix, 0, 7, 0.005 * WEIGHT + 101);
	assert_shape(matrix, "hypercube");
}
END_TEST

/* Three triangles, a file server that talks to all nine, and a tenth loner of its. */
static struct matrix *served_triangles(void)
{
	struct matrix *matrix = matrix_new();

	for (unsigned t = 0; t < 3; t++) {
		add_link(matrix, 3 * t + 1, 3 * t + 2, WEIGHT);
		add_link(matrix, 3 * t + 2, 3 * t + 3, WEIGHT);
		add_link(matrix, 3 * t + 1, 3 * t + 3, WEIGHT);
	}
	for (unsigned i = 1; i <= 9; i++)
		add_link(matrix, 99, i, WEIGHT);
	add_link(matrix, 99, 10, WEIGHT);
	return matrix;
}

START_TEST(a_shared_service_is_set_aside)
{
	struct matrix *matrix = served_triangles();
	struct groups groups;

	ck_assert_int_eq(groups_find(matrix, &groups_rules_default, &groups), 0);
	ck_assert_uint_eq(groups.hubs.count, 1);
	ck_assert_str_eq(matrix_name(matrix, groups.hubs.nodes[0]), "vm99");
	ck_assert_uint_eq(groups.count, 3);
	ck_assert_uint_eq(groups.alone.count, 1);
	for (size_t i = 0; i < groups.count; i++)
		ck_assert_int_eq(groups.items[i].shape.kind, SHAPE_ALL_TO_ALL);
	groups_deinit(&groups);
	matrix_free(matrix);
}
END_TEST

START_TEST(the_master_of_a_star_is_no_shared_service)
{
	struct matrix *matrix = star_of(12);
	struct groups groups;

	ck_assert_int_eq(groups_find(matrix, &groups_rules_default, &groups), 0);
	ck_assert_uint_eq(groups.hubs.count, 0);
	ck_assert_uint_eq(groups.count, 1);
	groups_deinit(&groups);
	matrix_free(matrix);
}
END_TEST

START_TEST(groups_stand_by_size_and_names_in_natural_order)
{
	struct matrix *matrix = matrix_new();
	struct groups groups;
	json_t *answer, *expected;

	add_link(matrix, 10, 9, WEIGHT);
	add_link(matrix, 3, 20, WEIGHT);
	add_link(matrix, 5, 11, WEIGHT);
	add_link(matrix, 5, 100, WEIGHT);
	add_link(matrix, 7, 8, 1);
	ck_assert_int_eq(groups_find(matrix, &groups_rules_default, &groups), 0);
	answer = groups_to_json(&groups, matrix, NULL, NULL);
	expected = json_loads(
	    "{\"groups\": [[\"vm5\",\"vm11\",\"vm100\"],[\"vm3\",\"vm20\"],[\"vm9\",\"vm10\"]],"
	    "\"alone\": [\"vm7\",\"vm8\"], \"hubs\": [], \"shape\": \"none\","
	    "\"group_shapes\": [\"chain\",\"chain\",\"chain\"]}",
	    0, NULL);
	ck_assert(json_equal(answer, expected));
	json_decref(answer);
	json_decref(expected);
	groups_deinit(&groups);
	matrix_free(matrix);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shape");
	TCase *cases = tcase_create("shape");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, regular_patterns_are_named);
	tcase_add_test(cases, what_only_resembles_a_pattern_is_not_named);
	tcase_add_test(cases, links_much_lighter_than_the_others_do_not_hide_the_pattern);
	tcase_add_test(cases, a_shared_service_is_set_aside);
	tcase_add_test(cases, the_master_of_a_star_is_no_shared_service);
	tcase_add_test(cases, groups_stand_by_size_and_names_in_natural_order);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
