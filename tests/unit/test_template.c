/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates of applications: how many VMs and links each has, and what is no template. */
#include "common/error.h"
#include "manager/template.h"
#include "tests/unit/unit.h"

static const struct {
	const char *pattern;
	size_t vms, links;
} patterns[] = {
    {"chain:1", 1, 0},
    {"chain:5", 5, 4},
    {"ring:5", 5, 5},
    {"ring:2", 2, 1},
    {"star:6", 6, 5},
    {"all-to-all:6", 6, 15},
    {"mesh:2x4", 8, 10},
    {"mesh:3x3", 9, 12},
    {"mesh:1x4", 4, 3},
    {"groups:3x4", 12, 18},
};

START_TEST(each_pattern_has_its_links)
{
	struct matrix *matrix = matrix_new();
	const struct matrix_pair *pairs;
	char message[256];
	size_t vms, count;

	ck_assert_msg(template_fill(patterns[_i].pattern, "app", 10, 1000, matrix, &vms, message,
			  sizeof message) == 0,
	    "%s", message);
	ck_assert_uint_eq(vms, patterns[_i].vms);
	ck_assert_uint_eq(matrix_nodes(matrix), vms);
	ck_assert_int_ge(matrix_find(matrix, "app-1"), 0);
	pairs = matrix_pairs(matrix, &count);
	ck_assert_uint_eq(count, 2 * patterns[_i].links);
	for (size_t i = 0; i < count; i++) {
		ck_assert_double_eq(pairs[i].packets, 10);
		ck_assert_double_eq(pairs[i].octets, 1000);
	}
	matrix_free(matrix);
}
END_TEST

START_TEST(a_mesh_joins_neighbours_in_both_directions_only)
{
	struct matrix *matrix = matrix_new();
	char message[256];
	size_t vms;

	ck_assert_int_eq(
	    template_fill("mesh:2x3", "n", 1, 1, matrix, &vms, message, sizeof message), 0);
	/* 1 2 / 3 4 / 5 6 */
	ck_assert_ptr_nonnull(matrix_get(matrix, 0, 1));
	ck_assert_ptr_nonnull(matrix_get(matrix, 0, 2));
	ck_assert_ptr_null(matrix_get(matrix, 1, 2));
	ck_assert_ptr_null(matrix_get(matrix, 0, 3));
	matrix_free(matrix);
}
END_TEST

START_TEST(what_is_no_pattern_is_refused)
{
	static const char *const wrong[] = {"", "chain", "chain:", "chain:0", "chain:-1",
	    "chain:3x", "mesh:4", "mesh:2x", "mesh:0x4", "groups:3x4x5", "tree:4", "chain:99999999",
	    "all-to-all:20000", "mesh:200x200"};
	char message[256];
	size_t vms;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct matrix *matrix = matrix_new();

		message[0] = '\0';
		ck_assert_int_lt(
		    template_fill(wrong[i], "app", 1, 1, matrix, &vms, message, sizeof message), 0);
		ck_assert_str_ne(message, "");
		matrix_free(matrix);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("template");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(
	    all, each_pattern_has_its_links, 0, sizeof patterns / sizeof *patterns);
	tcase_add_test(all, a_mesh_joins_neighbours_in_both_directions_only);
	tcase_add_test(all, what_is_no_pattern_is_refused);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
