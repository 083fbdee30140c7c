/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grouping of M-1…M-5 (doc/requirements.md): the worked examples, the measured matrices, their
 * repeated runs.
 */
#include "manager/groups.h"

#include "common/error.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct groups_rules thesis_rules = {
    .method = GROUPS_THESIS,
    .graph = {.floor_packets = 100, .floor_octets = 10000, .window_s = 30},
    .thesis = {.factor = 0.8, .merge_share = 0.7},
};

struct pair_spec {
	const char *a, *b;
	double packets;
};

/* Each pair as two equal directions of 1000-byte packets. */
static struct matrix *matrix_of(const struct pair_spec *pairs, size_t count)
{
	struct matrix *matrix = matrix_new();

	for (size_t i = 0; i < count; i++) {
		const int a = matrix_node(matrix, pairs[i].a), b = matrix_node(matrix, pairs[i].b);
		const double half = pairs[i].packets / 2;

		ck_assert_int_eq(
		    matrix_add(matrix, (uint32_t)a, (uint32_t)b, half, 1000 * half), 0);
		ck_assert_int_eq(
		    matrix_add(matrix, (uint32_t)b, (uint32_t)a, half, 1000 * half), 0);
	}
	return matrix;
}

static struct matrix *matrix_of_file(const char *name)
{
	struct matrix *matrix = matrix_new();
	char path[512], message[256];
	FILE *file;

	snprintf(path, sizeof path, "%s/npb/%s", TEST_DATA, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	ck_assert_msg(matrix_read_csv(matrix, file, message, sizeof message) == 0, "%s", message);
	fclose(file);
	return matrix;
}

/* Groups as text: "a b c | d e", the last byte of each name standing for it. */
static const char *groups_text(
    const struct matrix *matrix, const struct groups_rules *rules, char *out, size_t size)
{
	struct groups groups;
	size_t at = 0;

	ck_assert_int_eq(groups_find(matrix, rules, &groups), GRAPPE_OK);
	out[0] = '\0';
	for (size_t i = 0; i < groups.count; i++) {
		for (size_t k = 0; k < groups.items[i].members.count; k++) {
			const char *name = matrix_name(matrix, groups.items[i].members.nodes[k]);

			ck_assert_uint_lt(at + 4, size);
			at += (size_t)snprintf(out + at, size - at, "%s%c",
			    k > 0   ? " "
			    : i > 0 ? " | "
				    : "",
			    name[strlen(name) - 1]);
		}
	}
	groups_deinit(&groups);
	return out;
}

static void assert_groups(const struct pair_spec *pairs, size_t count, const char *expected)
{
	struct matrix *matrix = matrix_of(pairs, count);
	struct groups_rules rules = thesis_rules;
	char text[256];

	for (int by = 0; by < 2; by++) {
		rules.graph.by_octets = by;
		ck_assert_str_eq(groups_text(matrix, &rules, text, sizeof text), expected);
	}
	matrix_free(matrix);
}

#define ASSERT_GROUPS(expected, ...)                                                               \
	do {                                                                                       \
		const struct pair_spec pairs_[] = {__VA_ARGS__};                                   \
		assert_groups(pairs_, sizeof pairs_ / sizeof *pairs_, expected);                   \
	} while (0)

/* clang-format off */
START_TEST(worked_examples_of_the_report)
{
	ASSERT_GROUPS("1 2 | 3 4", {"vm1", "vm2", 10000}, {"vm3", "vm4", 8000});
	ASSERT_GROUPS("1 2 3", {"vm1", "vm2", 10000}, {"vm2", "vm3", 9700});
	ASSERT_GROUPS("1 2", {"vm1", "vm2", 10000}, {"vm2", "vm3", 1000});
}
END_TEST

START_TEST(below_the_threshold_a_vm_stands_alone_and_others_may_join_it)
{
	/* 3 is refused by {1,2}; its own threshold is zero, so 4 joins it however light the pair. */
	ASSERT_GROUPS("1 2 | 3 4", {"vm1", "vm2", 10000}, {"vm2", "vm3", 1000}, {"vm3", "vm4", 300});
}
END_TEST

START_TEST(a_single_vm_does_not_swallow_a_group)
{
	/* 3 stands alone (threshold zero); its pair with {1,2} below that group's threshold changes nothing. */
	ASSERT_GROUPS("1 2", {"vm1", "vm2", 10000}, {"vm2", "vm3", 1000}, {"vm1", "vm3", 900});
}
END_TEST

START_TEST(a_single_vm_is_taken_in_by_a_pair_above_the_larger_groups_threshold)
{
	/* 3 is refused by {1,2} at 4000, so stands alone; {4,5} built at 3900 takes it at 3800. */
	ASSERT_GROUPS("3 4 5 | 1 2", {"vm1", "vm2", 10000}, {"vm2", "vm3", 4000}, {"vm4", "vm5", 3900},
	    {"vm3", "vm4", 3800});
}
END_TEST

START_TEST(two_pairs_joined_by_an_equal_link_are_one_group)
{
	ASSERT_GROUPS("1 2 3 4", {"vm1", "vm2", 10000}, {"vm3", "vm4", 10000}, {"vm2", "vm3", 10000});
}
END_TEST

START_TEST(groups_with_little_between_them_stay_apart)
{
	/* Two full triangles of 10000 joined by one pair of 9500: 0.32 of the inside. */
	ASSERT_GROUPS("1 2 3 | 4 5 6", {"vm1", "vm2", 10000}, {"vm2", "vm3", 10000}, {"vm1", "vm3", 10000},
	    {"vm4", "vm5", 10000}, {"vm5", "vm6", 10000}, {"vm4", "vm6", 10000}, {"vm3", "vm4", 9500});
}
END_TEST

START_TEST(the_threshold_follows_the_mean_of_the_pairs_that_built_the_group)
{
	/* 10000 then 8100 (> 8000): the mean is 9050, so 7300 (> 7240) still joins; 7200 would not. */
	ASSERT_GROUPS("1 2 3 4", {"vm1", "vm2", 10000}, {"vm2", "vm3", 8100}, {"vm3", "vm4", 7300});
	ASSERT_GROUPS("1 2 3", {"vm1", "vm2", 10000}, {"vm2", "vm3", 8100}, {"vm3", "vm4", 7200});
}
END_TEST
/* clang-format on */

START_TEST(a_pair_is_a_link_only_above_both_floors)
{
	const struct pair_spec pairs[] = {{"vm1", "vm2", 202}};
	struct matrix *matrix = matrix_of(pairs, 1);
	struct groups_rules rules = thesis_rules;
	char text[64];

	ck_assert_str_eq(groups_text(matrix, &rules, text, sizeof text), "1 2");
	rules.graph.window_s = 60; /* the floor is 200 packets now */
	ck_assert_str_eq(groups_text(matrix, &rules, text, sizeof text), "1 2");
	rules.graph.window_s = 61;
	ck_assert_str_eq(groups_text(matrix, &rules, text, sizeof text), "");
	rules.graph.window_s = 30;
	rules.graph.floor_octets = 202000; /* not above it */
	ck_assert_str_eq(groups_text(matrix, &rules, text, sizeof text), "");
	matrix_free(matrix);
}
END_TEST

START_TEST(senders_that_are_no_vms_take_no_part)
{
	const struct pair_spec pairs[] = {{"vm1", "vm2", 10000}, {"vm1", "external", 10000},
	    {"vm2", "endpoint:nfs", 10000}, {"vm2", "other", 10000}, {"vm1", "multicast", 10000}};
	struct matrix *matrix = matrix_of(pairs, 5);
	struct groups groups;
	char text[64];

	ck_assert_str_eq(groups_text(matrix, &thesis_rules, text, sizeof text), "1 2");
	ck_assert_int_eq(groups_find(matrix, &thesis_rules, &groups), 0);
	ck_assert_uint_eq(groups.alone.count, 0);
	groups_deinit(&groups);
	matrix_free(matrix);
}
END_TEST

START_TEST(rules_out_of_range_are_refused)
{
	struct matrix *matrix = matrix_new();
	struct groups_rules rules = thesis_rules;
	struct groups groups;

	rules.thesis.factor = 0;
	ck_assert_int_eq(groups_find(matrix, &rules, &groups), GRAPPE_EINVALID);
	rules = thesis_rules;
	rules.graph.window_s = NAN;
	ck_assert_int_eq(groups_find(matrix, &rules, &groups), GRAPPE_EINVALID);
	matrix_free(matrix);
}
END_TEST

/* ---- measured matrices (M-5, M-6) ---- */

static const struct {
	const char *file, *groups, *shape, *group_shape;
} oracles[] = {
    {"cg.A.8.csv", "1 2 3 4 | 5 6 7 8", "mesh 2x4", "ring"},
    {"lu.A.8.csv", "1 2 3 4 | 5 6 7 8", "mesh 2x4", "chain"},
    {"mg.A.8.csv", "1 2 3 4 5 6 7 8", "hypercube", "hypercube"},
    {"bt.A.4.csv", "1 2 3 4", "all-to-all", "all-to-all"},
    {"cg.A.4.csv", "1 2 3 4", "chain", "chain"},
    {"lu.A.4.csv", "1 2 3 4", "ring", "ring"},
    {"ep.A.4.csv", "", "none", NULL},
    {"ep.A.8.csv", "", "none", NULL},
};

START_TEST(measured_matrices_give_the_stated_groups_and_shapes)
{
	struct groups_rules rules = thesis_rules;
	struct matrix *matrix = matrix_of_file(oracles[_i].file);
	char text[256], shape[SHAPE_TEXT_SIZE];
	struct groups groups;

	for (int by = 0; by < 2; by++) {
		rules.graph.by_octets = by;
		ck_assert_str_eq(
		    groups_text(matrix, &rules, text, sizeof text), oracles[_i].groups);
		ck_assert_int_eq(groups_find(matrix, &rules, &groups), 0);
		ck_assert_str_eq(shape_format(&groups.shape, shape), oracles[_i].shape);
		for (size_t i = 0; i < groups.count; i++)
			ck_assert_str_eq(
			    shape_format(&groups.items[i].shape, shape), oracles[_i].group_shape);
		ck_assert_uint_eq(groups.hubs.count, 0);
		/* The head node is alone, last by name. */
		ck_assert_uint_gt(groups.alone.count, 0);
		ck_assert_str_eq(
		    matrix_name(matrix, groups.alone.nodes[groups.alone.count - 1]), "10.77.0.100");
		groups_deinit(&groups);
	}
	matrix_free(matrix);
}
END_TEST

START_TEST(settings_near_the_defaults_change_nothing)
{
	static const double packet_factors[] = {0.75, 0.8, 0.85}, octet_factors[] = {0.5, 0.7, 0.9};
	struct groups_rules rules = thesis_rules;
	struct matrix *matrix = matrix_of_file(oracles[_i].file);
	char text[256];

	for (int i = 0; i < 6; i++) {
		rules.graph.by_octets = i >= 3;
		rules.thesis.factor = i >= 3 ? octet_factors[i - 3] : packet_factors[i];
		ck_assert_str_eq(
		    groups_text(matrix, &rules, text, sizeof text), oracles[_i].groups);
	}
	matrix_free(matrix);
}
END_TEST

static double swing(unsigned short state[3], double range)
{
	return 1 + range * (2 * erand48(state) - 1);
}

/* What another run of the same application would have counted: all packets differ by one factor of
 * up to 30 %, their acknowledgements move the octets by 0.6 %, each direction differs a little of
 * itself. */
static struct matrix *another_run(
    struct matrix *matrix, unsigned short state[3], double packet_noise, double octet_noise)
{
	struct matrix *run = matrix_new();
	const double factor = swing(state, 0.3);
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(matrix, &count);

	for (uint32_t i = 0; i < matrix_nodes(matrix); i++)
		ck_assert_int_eq(matrix_node(run, matrix_name(matrix, i)), (int)i);
	for (size_t i = 0; i < count; i++) {
		const double packets = pairs[i].packets * factor * swing(state, packet_noise);
		const double octets =
		    pairs[i].octets * (1 + 0.02 * (factor - 1)) * swing(state, octet_noise);

		ck_assert_int_eq(matrix_add(run, pairs[i].source, pairs[i].receiver, round(packets),
				     round(octets)),
		    0);
	}
	return run;
}

START_TEST(repeated_runs_give_the_same_groups)
{
	/* The directions of one pair differ by up to 3 % in packets and 0.2 % in octets in the
	 * measured runs. */
	static const double noises[][2] = {{0.01, 0.001}, {0.03, 0.002}, {0.05, 0.004}};
	unsigned short state[3] = {1, 2, (unsigned short)_i};
	struct groups_rules rules = thesis_rules;
	struct matrix *matrix = matrix_of_file(oracles[_i].file);
	char text[256];

	for (size_t noise = 0; noise < 3; noise++) {
		int right[2] = {0, 0};

		for (int draw = 0; draw < 200; draw++) {
			struct matrix *run =
			    another_run(matrix, state, noises[noise][0], noises[noise][1]);

			for (int by = 0; by < 2; by++) {
				rules.graph.by_octets = by;
				right[by] += strcmp(groups_text(run, &rules, text, sizeof text),
						 oracles[_i].groups) == 0;
			}
			matrix_free(run);
		}
		printf("%s: %.0f %% packet noise: %d/200 by packets; %.1f %% octet noise: %d/200 "
		       "by bytes\n",
		    oracles[_i].file, 100 * noises[noise][0], right[0], 100 * noises[noise][1],
		    right[1]);
		ck_assert_int_ge(right[0], noise < 2 ? 200 : 198);
		ck_assert_int_ge(right[1], noise < 2 ? 200 : 196);
	}
	matrix_free(matrix);
}
END_TEST

/* Box and Muller. */
static double normal(unsigned short state[3])
{
	return sqrt(-2 * log(1 - erand48(state))) * cos(2 * M_PI * erand48(state));
}

/* Every count of packets is off by itself: by up to `error`, or with this standard deviation. */
static struct matrix *miscounted(
    struct matrix *matrix, unsigned short state[3], double error, bool gaussian)
{
	struct matrix *run = matrix_new();
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(matrix, &count);

	for (uint32_t i = 0; i < matrix_nodes(matrix); i++)
		ck_assert_int_eq(matrix_node(run, matrix_name(matrix, i)), (int)i);
	for (size_t i = 0; i < count; i++) {
		const double factor =
		    gaussian ? fmax(0, 1 + error * normal(state)) : swing(state, error);

		ck_assert_int_eq(matrix_add(run, pairs[i].source, pairs[i].receiver,
				     round(pairs[i].packets * factor), pairs[i].octets),
		    0);
	}
	return run;
}

START_TEST(a_random_error_of_2_percent_of_each_count_changes_nothing)
{
	enum { draws = 1000 };
	unsigned short state[3] = {7, 11, (unsigned short)_i};
	struct matrix *matrix = matrix_of_file(oracles[_i].file);
	char text[256];

	for (int gaussian = 0; gaussian < 2; gaussian++) {
		int right = 0;

		for (int draw = 0; draw < draws; draw++) {
			struct matrix *run = miscounted(matrix, state, 0.02, gaussian);

			right += strcmp(groups_text(run, &thesis_rules, text, sizeof text),
				     oracles[_i].groups) == 0;
			matrix_free(run);
		}
		printf("%s, by packets, each count off by 2 %% (%s): %d of %d right\n",
		    oracles[_i].file, gaussian ? "standard deviation" : "at most", right, draws);
		ck_assert_int_ge(right, draws * 95 / 100);
	}
	matrix_free(matrix);
}
END_TEST

START_TEST(the_answer_does_not_depend_on_the_order_of_lines)
{
	struct matrix *matrix = matrix_of_file(oracles[_i].file), *back = matrix_new();
	json_t *one, *two;
	struct groups groups;
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(matrix, &count);

	while (count-- > 0) {
		const int source = matrix_node(back, matrix_name(matrix, pairs[count].source));
		const int receiver = matrix_node(back, matrix_name(matrix, pairs[count].receiver));

		matrix_add(back, (uint32_t)source, (uint32_t)receiver, pairs[count].packets,
		    pairs[count].octets);
	}
	ck_assert_int_eq(groups_find(matrix, &thesis_rules, &groups), 0);
	one = groups_to_json(&groups, matrix, NULL, NULL);
	groups_deinit(&groups);
	ck_assert_int_eq(groups_find(back, &thesis_rules, &groups), 0);
	two = groups_to_json(&groups, back, NULL, NULL);
	groups_deinit(&groups);
	ck_assert_ptr_nonnull(one);
	ck_assert(json_equal(one, two));
	json_decref(one);
	json_decref(two);
	matrix_free(matrix);
	matrix_free(back);
}
END_TEST

int main(void)
{
	const int noracles = sizeof oracles / sizeof *oracles;
	Suite *suite = suite_create("group_thesis");
	TCase *rules = tcase_create("rules"), *measured = tcase_create("measured");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(rules, worked_examples_of_the_report);
	tcase_add_test(rules, below_the_threshold_a_vm_stands_alone_and_others_may_join_it);
	tcase_add_test(rules, a_single_vm_does_not_swallow_a_group);
	tcase_add_test(rules, a_single_vm_is_taken_in_by_a_pair_above_the_larger_groups_threshold);
	tcase_add_test(rules, two_pairs_joined_by_an_equal_link_are_one_group);
	tcase_add_test(rules, groups_with_little_between_them_stay_apart);
	tcase_add_test(rules, the_threshold_follows_the_mean_of_the_pairs_that_built_the_group);
	tcase_add_test(rules, a_pair_is_a_link_only_above_both_floors);
	tcase_add_test(rules, senders_that_are_no_vms_take_no_part);
	tcase_add_test(rules, rules_out_of_range_are_refused);
	suite_add_tcase(suite, rules);
	tcase_add_loop_test(
	    measured, measured_matrices_give_the_stated_groups_and_shapes, 0, noracles);
	tcase_add_loop_test(measured, settings_near_the_defaults_change_nothing, 0, noracles);
	tcase_add_loop_test(
	    measured, a_random_error_of_2_percent_of_each_count_changes_nothing, 0, noracles);
	tcase_add_loop_test(measured, repeated_runs_give_the_same_groups, 0, noracles);
	tcase_add_loop_test(
	    measured, the_answer_does_not_depend_on_the_order_of_lines, 0, noracles);
	tcase_set_timeout(measured, 60);
	suite_add_tcase(suite, measured);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
