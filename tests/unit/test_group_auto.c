/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The default grouping and shared services (M-7): planted groups are found again, as well as the
 * literature's methods find them (doc/benchmarks.md), and what is plain stays plain. */
#include "common/error.h"
#include "manager/groups.h"
#include "tests/fakes/planted.h"

#include <check.h>
#include <math.h>
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

/* Each node's group; those alone and hubs are groups of their own. */
static uint32_t *find_groups(struct matrix *matrix, bool by_octets, struct groups *groups)
{
	uint32_t *group_of = calloc(matrix_nodes(matrix) + 1, sizeof *group_of), next;
	struct groups_rules rules = groups_rules_default;

	rules.graph.by_octets = by_octets;
	ck_assert_int_eq(groups_find(matrix, &rules, groups), GRAPPE_OK);
	for (next = 0; next < groups->count; next++)
		for (size_t i = 0; i < groups->items[next].members.count; i++)
			group_of[groups->items[next].members.nodes[i]] = next;
	for (size_t i = 0; i < groups->alone.count; i++)
		group_of[groups->alone.nodes[i]] = next++;
	for (size_t i = 0; i < groups->hubs.count; i++)
		group_of[groups->hubs.nodes[i]] = next++;
	return group_of;
}

/* ---- planted groups ---- */

struct score {
	double agreement;
	unsigned found, right, wanted; /* hubs */
};

static void try_planted(const struct planted_wish *wish, bool by_octets, struct score *score)
{
	struct planted planted = planted_make(wish);
	struct groups groups;
	uint32_t *found = find_groups(planted.matrix, by_octets, &groups);

	score->agreement += planted_agreement(found, planted.group_of, wish->vms);
	score->wanted += wish->hubs;
	score->found += (unsigned)groups.hubs.count;
	for (size_t i = 0; i < groups.hubs.count; i++)
		score->right += planted.group_of[groups.hubs.nodes[i]] < wish->hubs;
	groups_deinit(&groups);
	free(found);
	planted_free(&planted);
}

/* The least agreement: below what is measured by the scatter between seeds. */
static const struct {
	const char *name;
	struct planted_wish wish;
	unsigned seeds;
	double least[2]; /* mean agreement by packets, by octets */
} fields[] = {
    {"1,000 VMs, 5 % noise", {1000, 0.05, 0, 0}, 10, {0.84, 0.87}},
    {"1,000 VMs, 25 % noise and hubs", {1000, 0.25, 5, 0}, 10, {0.79, 0.82}},
    {"10,000 VMs, 25 % noise and hubs", {10000, 0.25, 50, 0}, 1, {0.77, 0.80}},
};

START_TEST(planted_groups_and_hubs_are_found)
{
	for (int by = 0; by < 2; by++) {
		struct score score = {0};

		for (unsigned seed = 1; seed <= fields[_i].seeds; seed++) {
			struct planted_wish wish = fields[_i].wish;

			wish.seed = (unsigned short)seed;
			try_planted(&wish, by, &score);
		}
		score.agreement /= fields[_i].seeds;
		printf(
		    "%s, by %s: adjusted Rand index %.3f; hubs: %u planted, %u found, %u right\n",
		    fields[_i].name, by ? "bytes" : "packets", score.agreement, score.wanted,
		    score.found, score.right);
		ck_assert_double_ge(score.agreement, fields[_i].least[by]);
		/* Recall and precision. */
		ck_assert_uint_ge(100 * score.right, 95 * score.wanted);
		ck_assert_uint_le(score.found - score.right, 3 + score.wanted / 20);
	}
}
END_TEST

START_TEST(hubs_are_found_among_few_vms)
{
	struct score score = {0};

	for (unsigned seed = 1; seed <= 60; seed++) {
		const struct planted_wish wish = {
		    .vms = 60 + 5 * seed, .noise = 0.25, .hubs = 1, .seed = (unsigned short)seed};

		try_planted(&wish, true, &score);
	}
	printf("65 to 360 VMs: %u hubs planted, %u found, %u right\n", score.wanted, score.found,
	    score.right);
	ck_assert_uint_ge(100 * score.right, 90 * score.wanted);
	ck_assert_uint_ge(100 * score.right, 90 * score.found);
}
END_TEST

START_TEST(the_same_traffic_gives_the_same_groups_in_any_order_and_unit)
{
	const struct planted_wish wish = {.vms = 300, .noise = 0.2, .hubs = 1, .seed = 9};
	struct planted planted = planted_make(&wish);
	struct matrix *other = matrix_new();
	struct groups groups[2];
	uint32_t *found[2] = {find_groups(planted.matrix, true, &groups[0])};
	json_t *texts[2];
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(planted.matrix, &count);

	while (count-- > 0) {
		const int source =
		    matrix_node(other, matrix_name(planted.matrix, pairs[count].source));
		const int receiver =
		    matrix_node(other, matrix_name(planted.matrix, pairs[count].receiver));

		ck_assert_int_eq(matrix_add(other, (uint32_t)source, (uint32_t)receiver,
				     4 * pairs[count].packets, 4 * pairs[count].octets),
		    0);
	}
	found[1] = find_groups(other, true, &groups[1]);
	texts[0] = groups_to_json(&groups[0], planted.matrix, NULL, NULL);
	texts[1] = groups_to_json(&groups[1], other, NULL, NULL);
	ck_assert_uint_gt(groups[0].count, 5);
	ck_assert(
	    json_equal(json_object_get(texts[0], "groups"), json_object_get(texts[1], "groups")));
	for (int i = 0; i < 2; i++) {
		json_decref(texts[i]);
		groups_deinit(&groups[i]);
		free(found[i]);
	}
	matrix_free(other);
	planted_free(&planted);
}
END_TEST

/* ---- plain cases ---- */

static void assert_sizes(struct matrix *matrix, size_t count, size_t members)
{
	struct groups groups;

	free(find_groups(matrix, false, &groups));
	ck_assert_uint_eq(groups.count, count);
	for (size_t i = 0; i < groups.count; i++)
		ck_assert_uint_eq(groups.items[i].members.count, members);
	groups_deinit(&groups);
	matrix_free(matrix);
}

static void add_full(struct matrix *matrix, unsigned first, unsigned size, double weight)
{
	for (unsigned a = 0; a < size; a++)
		for (unsigned b = a + 1; b < size; b++)
			add_link(matrix, first + a, first + b, weight);
}

START_TEST(nothing_has_no_groups)
{
	struct matrix *matrix = matrix_new();

	assert_sizes(matrix, 0, 0);
	matrix = matrix_new();
	add_link(matrix, 1, 2, 50); /* below the floor */
	assert_sizes(matrix, 0, 0);
}
END_TEST

START_TEST(dense_groups_with_one_link_between_them_stay_apart)
{
	struct matrix *matrix = matrix_new();

	add_full(matrix, 0, 3, WEIGHT);
	add_full(matrix, 3, 3, WEIGHT);
	add_link(matrix, 2, 3, 0.95 * WEIGHT);
	assert_sizes(matrix, 2, 3);
	matrix = matrix_new();
	for (unsigned g = 0; g < 10; g++) {
		add_full(matrix, 8 * g, 8, WEIGHT);
		add_link(matrix, 8 * g + 7, 8 * (g + 1) % 80, WEIGHT);
	}
	assert_sizes(matrix, 10, 8);
}
END_TEST

START_TEST(a_long_ring_is_one_group)
{
	struct matrix *matrix = matrix_new();

	for (unsigned i = 0; i < 300; i++)
		add_link(matrix, i, (i + 1) % 300, WEIGHT);
	assert_sizes(matrix, 1, 300);
}
END_TEST

/* Groups of which one talks a thousand times more than the other. */
START_TEST(a_quiet_group_is_seen_beside_a_loud_one)
{
	struct matrix *matrix = matrix_new();

	add_full(matrix, 0, 5, 1e6);
	add_full(matrix, 5, 5, 1e3);
	add_link(matrix, 0, 5, 1e3);
	assert_sizes(matrix, 2, 5);
}
END_TEST

/* 40 groups of six from VM `first` on, and noise between all VMs before them and theirs. */
static void add_groups_and_noise(struct matrix *matrix, unsigned first, unsigned short *state)
{
	for (unsigned g = 0; g < 40; g++)
		add_full(matrix, first + 6 * g, 6, WEIGHT * (0.5 + erand48(state)));
	for (unsigned i = 0; i < 600; i++) {
		const unsigned a = (unsigned)(erand48(state) * (first + 240));
		const unsigned b = (unsigned)(erand48(state) * (first + 240));

		if (a != b)
			add_link(matrix, a, b, WEIGHT * 0.1 * erand48(state));
	}
}

static void assert_one_large_group(struct matrix *matrix, size_t size)
{
	struct groups groups;

	free(find_groups(matrix, false, &groups));
	ck_assert_uint_eq(groups.count, 41);
	ck_assert_uint_eq(groups.items[0].members.count, size);
	ck_assert_uint_eq(groups.items[1].members.count, 6);
	groups_deinit(&groups);
	matrix_free(matrix);
}

/* A wide mesh and 40 groups in noise: its stretches are joined, the groups are not. */
START_TEST(stretches_of_a_mesh_are_joined_in_noise)
{
	struct matrix *matrix = matrix_new();
	unsigned short state[3] = {3, 4, 5};

	for (unsigned i = 0; i < 64; i++) {
		if (i % 8 != 7)
			add_link(matrix, i, i + 1, WEIGHT * (0.8 + 0.4 * erand48(state)));
		if (i < 56)
			add_link(matrix, i, i + 8, WEIGHT * (0.8 + 0.4 * erand48(state)));
	}
	add_groups_and_noise(matrix, 64, state);
	assert_one_large_group(matrix, 64);
}
END_TEST

/* The same with a chain whose links differ by a factor of ten; it is cut at the lightest. */
START_TEST(stretches_of_a_chain_are_joined_in_noise)
{
	for (unsigned short seed = 1; seed <= 10; seed++) {
		struct matrix *matrix = matrix_new();
		unsigned short state[3] = {seed, 4, 5};

		for (unsigned i = 0; i + 1 < 64; i++)
			add_link(matrix, i, i + 1, WEIGHT * 0.3 * pow(10, erand48(state)));
		add_groups_and_noise(matrix, 64, state);
		assert_one_large_group(matrix, 64);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("group_auto");
	TCase *planted = tcase_create("planted"), *plain = tcase_create("plain");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    planted, planted_groups_and_hubs_are_found, 0, (int)(sizeof fields / sizeof *fields));
	tcase_add_test(planted, hubs_are_found_among_few_vms);
	tcase_add_test(planted, the_same_traffic_gives_the_same_groups_in_any_order_and_unit);
	tcase_set_timeout(planted, 180);
	suite_add_tcase(suite, planted);
	tcase_add_test(plain, nothing_has_no_groups);
	tcase_add_test(plain, dense_groups_with_one_link_between_them_stay_apart);
	tcase_add_test(plain, a_long_ring_is_one_group);
	tcase_add_test(plain, a_quiet_group_is_seen_beside_a_loud_one);
	tcase_add_test(plain, stretches_of_a_mesh_are_joined_in_noise);
	tcase_add_test(plain, stretches_of_a_chain_are_joined_in_noise);
	suite_add_tcase(suite, plain);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
