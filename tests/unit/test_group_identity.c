/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups keep their numbers through joining, leaving, splitting, merging and noise. */
#include "manager/group_identity.h"
#include "tests/unit/unit.h"

#define VMS 26
#define GROUPS_MAX 8

/* What a plan saw: groups of VMs a … z, separated by spaces: "abc def". */
struct seen {
	struct observation observation;
	struct groups groups;
	struct groups_item items[GROUPS_MAX];
	uint32_t nodes[GROUPS_MAX][VMS];
};

static void see(struct seen *seen, const char *text)
{
	*seen = (struct seen){.groups.items = seen->items};
	ck_assert_int_eq(observation_init(&seen->observation), 0);
	for (char c = 'a'; c <= 'z'; c++)
		ck_assert_int_eq(matrix_node(seen->observation.matrix, (char[]){c, '\0'}), c - 'a');
	for (; *text != '\0'; text++) {
		struct groups_item *item;

		if (*text == ' ' || seen->groups.count == 0) {
			item = &seen->items[seen->groups.count];
			item->members.nodes = seen->nodes[seen->groups.count++];
		}
		if (*text == ' ')
			continue;
		item = &seen->items[seen->groups.count - 1];
		item->members.nodes[item->members.count++] = (uint32_t)(*text - 'a');
	}
}

/* The document that a plan leaves behind, as far as identities read it. */
static json_t *write_down(const struct seen *seen, const uint64_t *numbers, uint64_t next)
{
	json_t *groups = json_array();

	for (size_t g = 0; g < seen->groups.count; g++) {
		json_t *vms = json_array();

		for (size_t i = 0; i < seen->items[g].members.count; i++)
			json_array_append_new(vms, json_string(matrix_name(seen->observation.matrix,
						       seen->items[g].members.nodes[i])));
		json_array_append_new(
		    groups, json_pack("{s:o, s:I}", "vms", vms, "number", (json_int_t)numbers[g]));
	}
	return json_pack("{s:o, s:I}", "groups", groups, "next_group", (json_int_t)next);
}

/* The next plan. *document is replaced; numbers as text: "1 2". */
static struct group_churn step(json_t **document, const char *text, char *out)
{
	struct seen seen;
	struct group_churn churn;
	uint64_t numbers[GROUPS_MAX], next;

	see(&seen, text);
	ck_assert_int_eq(group_identity_find(*document, &seen.groups, seen.observation.matrix,
			     numbers, &next, &churn),
	    0);
	json_decref(*document);
	*document = write_down(&seen, numbers, next);
	out[0] = '\0';
	for (size_t g = 0; g < seen.groups.count; g++)
		out +=
		    snprintf(out, 24, "%s%llu", g > 0 ? " " : "", (unsigned long long)numbers[g]);
	observation_deinit(&seen.observation);
	return churn;
}

static const struct {
	const char *before, *now, *numbers;
	size_t kept, new, gone, joined, left;
} steps[] = {
    {"abc defg", "abc defg", "1 2", 2, 0, 0, 0, 0},
    {"abc defg", "defg abc", "2 1", 2, 0, 0, 0, 0},
    {"abc defg", "abch defg", "1 2", 2, 0, 0, 1, 0},
    {"abc defg", "abc def", "1 2", 2, 0, 0, 0, 1},
    {"abcdef", "abcd ef", "1 2", 1, 1, 0, 0, 2},
    {"abcd efg", "abcdefg", "1", 1, 0, 1, 3, 3},
    {"abc def", "abc xyz", "1 3", 1, 1, 1, 0, 3},
    {"abcd efgh", "abce dfgh", "1 2", 2, 0, 0, 2, 2},
    {"abc", "", "", 0, 0, 1, 0, 3},
    {"", "abc", "1", 0, 1, 0, 0, 0},
};

START_TEST(numbers_follow_the_vms)
{
	json_t *document = NULL;
	char numbers[64];
	struct group_churn churn = step(&document, steps[_i].before, numbers);

	ck_assert(!churn.known);
	churn = step(&document, steps[_i].now, numbers);
	ck_assert(churn.known);
	ck_assert_str_eq(numbers, steps[_i].numbers);
	ck_assert_uint_eq(churn.kept, steps[_i].kept);
	ck_assert_uint_eq(churn.new, steps[_i].new);
	ck_assert_uint_eq(churn.gone, steps[_i].gone);
	ck_assert_uint_eq(churn.joined, steps[_i].joined);
	ck_assert_uint_eq(churn.left, steps[_i].left);
	json_decref(document);
}
END_TEST

START_TEST(a_number_is_never_given_twice)
{
	json_t *document = NULL;
	char numbers[64];

	step(&document, "abc def", numbers);
	step(&document, "abc", numbers);
	ck_assert_str_eq(numbers, "1");
	step(&document, "abc xyz", numbers);
	ck_assert_str_eq(numbers, "1 3");
	step(&document, "", numbers);
	step(&document, "abc", numbers);
	ck_assert_str_eq(numbers, "4");
	json_decref(document);
}
END_TEST

START_TEST(noise_of_two_hundred_plans_changes_no_number)
{
	static const char base[] = "abcdef ghijkl mnopqr";
	json_t *document = NULL;
	char text[sizeof base + 1], numbers[64];
	uint64_t lots = 5;

	step(&document, base, numbers);
	for (int plan = 0; plan < 200; plan++) {
		size_t kept = 0, missing;

		/* One VM of each group is missing in turn, as if its traffic had been too little.
		 */
		lots = lots * UINT64_C(6364136223846793005) + 1442695040888963407;
		missing = (size_t)(lots >> 33) % 6;
		for (size_t i = 0; base[i] != '\0'; i++)
			if (base[i] == ' ' || i % 7 != missing)
				text[kept++] = base[i];
		text[kept] = '\0';
		step(&document, text, numbers);
		ck_assert_str_eq(numbers, "1 2 3");
	}
	json_decref(document);
}
END_TEST

START_TEST(a_label_needs_more_than_half)
{
	static const struct {
		const char *labels; /* of a, b, c …; '-': none */
		const char *wanted;
	} cases[] = {
	    {"sss-", "s"}, {"ss--", ""}, {"sstt", ""}, {"stsss", "s"}, {"----", ""}, {"tts", "t"}};

	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct seen seen;

		see(&seen, "abcde");
		seen.items[0].members.count = strlen(cases[k].labels);
		for (size_t i = 0; cases[k].labels[i] != '\0'; i++) {
			struct observed_vm vm = {0};

			snprintf(vm.id, sizeof vm.id, "%c", (char)('a' + (int)i));
			snprintf(vm.name, sizeof vm.name, "%s", vm.id);
			if (cases[k].labels[i] != '-')
				snprintf(vm.application, sizeof vm.application, "%c",
				    cases[k].labels[i]);
			ck_assert_int_eq(observation_add_vm(&seen.observation, &vm), 0);
		}
		ck_assert_int_eq(observation_finish(&seen.observation), 0);
		ck_assert_str_eq(
		    group_identity_label(&seen.items[0], &seen.observation), cases[k].wanted);
		observation_deinit(&seen.observation);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("group_identity");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, numbers_follow_the_vms, 0, sizeof steps / sizeof *steps);
	tcase_add_test(all, a_number_is_never_given_twice);
	tcase_add_test(all, noise_of_two_hundred_plans_changes_no_number);
	tcase_add_test(all, a_label_needs_more_than_half);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
