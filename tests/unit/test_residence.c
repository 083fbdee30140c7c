/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who moved a short while ago, through restarts and damaged files; and that it is left alone. */
#include "manager/residence.h"
#include "tests/fakes/observed.h"
#include "tests/fakes/world.h"
#include "tests/unit/unit.h"

static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 32];

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/residence.json", folder);
}

static void teardown(void)
{
	unit_remove_folder(folder);
}

static const char *const vm3 = "mac-020000000003";

static void see(struct residence *residence, const char *hosts, int64_t now_s)
{
	struct observation observation;

	observed_make(&observation, hosts, 0);
	ck_assert_int_eq(residence_update(residence, &observation, now_s), 0);
	observation_deinit(&observation);
}

START_TEST(a_move_is_seen_when_the_place_is_another)
{
	struct residence residence = {0};

	see(&residence, "AAABBBA", 1000);
	ck_assert_uint_eq(residence.count, 7);
	ck_assert_int_eq(residence_moved_s(&residence, vm3), 0);
	see(&residence, "AABBBBA", 1030);
	ck_assert_int_eq(residence_moved_s(&residence, vm3), 1030);
	ck_assert_int_eq(residence_moved_s(&residence, "mac-020000000001"), 0);
	ck_assert_int_eq(residence_moved_s(&residence, "nobody"), 0);
	/* For a while nobody knows where it is: that is no move. */
	see(&residence, "AA-BBBA", 1060);
	see(&residence, "AABBBBA", 1090);
	ck_assert_int_eq(residence_moved_s(&residence, vm3), 1030);
	/* Not seen for a day: as if it had never been there. */
	see(&residence, "AA-BBBA", 1090 + RESIDENCE_FORGET_S);
	see(&residence, "AAABBBA", 1120 + RESIDENCE_FORGET_S);
	ck_assert_int_eq(residence_moved_s(&residence, vm3), 0);
	residence_deinit(&residence);
}
END_TEST

#define DAY_S 86400

START_TEST(moves_are_counted_and_forgotten_day_by_day)
{
	struct residence residence = {0};

	see(&residence, "AAABBBA", 1000);
	ck_assert_uint_eq(residence_recent_moves(&residence, vm3, 1000), 0);
	ck_assert_uint_eq(residence_recent_moves(&residence, "nobody", 1000), 0);
	for (int i = 1; i <= 3; i++)
		see(&residence, i % 2 != 0 ? "AABBBBA" : "AAABBBA", 1000 + i * 30);
	ck_assert_uint_eq(residence_recent_moves(&residence, vm3, 1090), 3);
	ck_assert_uint_eq(residence_recent_moves(&residence, vm3, 1090 + DAY_S), 2);
	ck_assert_uint_eq(residence_recent_moves(&residence, vm3, 1090 + 9 * DAY_S), 0);
	/* The next one counts with those that are not forgotten. */
	see(&residence, "AABBBBA", 1000 + DAY_S);
	see(&residence, "AABBBBA", 1000 + 2 * DAY_S - 60);
	see(&residence, "AAABBBA", 1090 + 2 * DAY_S - 60);
	ck_assert_uint_eq(residence_recent_moves(&residence, vm3, 1090 + 2 * DAY_S - 60), 3);
	for (int i = 0; i < 100; i++)
		see(&residence, i % 2 == 0 ? "AABBBBA" : "AAABBBA", 1090 + 2 * DAY_S + i);
	ck_assert_uint_eq(
	    residence_recent_moves(&residence, vm3, 1200 + 2 * DAY_S), RESIDENCE_MOVES_MAX);
	residence_deinit(&residence);
}
END_TEST

START_TEST(it_survives_a_restart)
{
	struct residence residence = {0}, again;
	char message[256];

	ck_assert_int_eq(residence_load(path, &again, message, sizeof message), 0);
	ck_assert_uint_eq(again.count, 0);
	see(&residence, "AAABBBA", 1000);
	see(&residence, "AABBBBA", 1030);
	ck_assert_int_eq(residence_save(&residence, path), 0);
	ck_assert(!residence.changed);
	ck_assert_int_eq(residence_load(path, &again, message, sizeof message), 0);
	ck_assert_uint_eq(again.count, 7);
	ck_assert_int_eq(residence_moved_s(&again, vm3), 1030);
	ck_assert_uint_eq(residence_recent_moves(&again, vm3, 1030), 1);
	/* A move while nobody looked. */
	see(&again, "AABBABA", 2000);
	ck_assert_int_eq(residence_moved_s(&again, "mac-020000000005"), 2000);
	residence_deinit(&residence);
	residence_deinit(&again);
}
END_TEST

START_TEST(what_is_no_residence_is_refused)
{
	static const char *const wrong[] = {"", "[]", "{}", "{\"version\":2,\"vms\":[]}",
	    "{\"version\":1}", "{\"version\":1,\"vms\":[1]}",
	    "{\"version\":1,\"vms\":[{\"id\":\"a\",\"environment\":\"e\",\"host\":\"h\",\"moved\":-"
	    "1,"
	    "\"seen\":1}]}",
	    "{\"version\":1,\"vms\":[{\"id\":\"b\",\"environment\":\"e\",\"host\":\"h\",\"moved\":"
	    "0,"
	    "\"seen\":1},{\"id\":\"a\",\"environment\":\"e\",\"host\":\"h\",\"moved\":0,\"seen\":1}"
	    "]}",
	    "{\"version\":1,\"vms\":[{\"id\":\"a\",\"environment\":\"e\",\"host\":\"h\",\"moved\":"
	    "1,"
	    "\"seen\":1,\"moves\":17}]}",
	    "{\"version\":1,\"vms\":[{\"id\":\"a\",\"environment\":\"e\",\"host\":\"h\",\"moved\":"
	    "1,"
	    "\"seen\":1,\"moves\":\"1\"}]}"};
	struct residence residence;
	char message[256];

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		message[0] = '\0';
		ck_assert_int_lt(residence_parse(wrong[i], strlen(wrong[i]), &residence, message,
				     sizeof message),
		    0);
		ck_assert_str_ne(message, "");
	}
}
END_TEST

/* vm3 belongs to the others, but was seen to come to hostB at 1030. What a
 * plan at now_s does about it, with this document and these rules. */
struct wanted {
	const char *what, *document, *rules;
	int64_t now_s;
	size_t resting;
	bool stays; /* vm3 */
};

#define DOCUMENT(more_1, more_2)                                                                   \
	"{\"version\":1,\"environments\":["                                                        \
	"{\"name\":\"site-1\"" more_1 ",\"hosts\":[{\"name\":\"hostA\",\"max_vms\":9}]},"          \
	"{\"name\":\"site-2\"" more_2 ",\"hosts\":[{\"name\":\"hostB\",\"max_vms\":9}]}]}"

static const struct wanted cases[] = {
    {"it is left alone for a while", DOCUMENT("", ""), "", 1090, 1, true},
    {"but not longer", DOCUMENT("", ""), "", 1030 + 1800, 0, false},
    {"the time of its move has not come yet", DOCUMENT("", ""), "", 1029, 0, false},
    {"a site that opens later is no reason to move",
	"{\"version\":1,\"environments\":["
	"{\"name\":\"site-1\",\"hosts\":[{\"name\":\"hostA\",\"max_vms\":6}]},"
	"{\"name\":\"site-2\",\"hosts\":[{\"name\":\"hostB\",\"max_vms\":6}]},"
	"{\"name\":\"site-3\",\"available_from\":\"2030-01-01T00:00:00Z\","
	"\"hosts\":[{\"name\":\"hostC\",\"max_vms\":6}]}]}",
	"", 1090, 1, true},
    {"nor is a quota that is kept", DOCUMENT("", ""), "quota\tsite-1\t99\nquota\tsite-2\t99\n",
	1090, 1, true},
    {"nor a rule that is kept", DOCUMENT("", ""), "forbid\tvm3\tsite-1\n", 1090, 1, true},
    {"a rule that is not sends it on", DOCUMENT("", ""), "pin\tvm3\tsite-1\n", 1090, 0, false},
    {"so does a drained site", DOCUMENT("", ",\"drain\":true"), "", 1090, 0, false},
};

static void write_rules(struct world *world, const char *lines)
{
	char file_path[UNIT_PATH_SIZE + 32];
	FILE *file;

	snprintf(file_path, sizeof file_path, "%s/rules.tsv", folder);
	file = fopen(file_path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "rule\ta\tb\n%s", lines);
	fclose(file);
	free(world->settings.rules);
	world->settings.rules = strdup(file_path);
}

START_TEST(who_moved_is_left_alone_unless_it_has_to_go)
{
	const struct wanted *wanted = &cases[_i];
	struct residence residence = {0};
	struct observation observation;
	struct world world;
	struct advice advice;
	char message[1024] = "";
	struct advise_input input = {.observation = &observation,
	    .environments = &world.environments,
	    .settings = &world.settings,
	    .residence = &residence,
	    .now_s = wanted->now_s};
	int vm;

	see(&residence, "AAABBBA", 1000);
	see(&residence, "AABBBBA", 1030);
	observed_make(&observation, "AABBBBA", 0);
	world_begin(&world, wanted->document);
	write_rules(&world, wanted->rules);
	ck_assert_msg(advise_plan(&input, &advice, message, sizeof message) == 0, "%s", message);
	ck_assert_msg(advice.problem.resting == wanted->resting, "%s: %zu rest", wanted->what,
	    advice.problem.resting);
	vm = problem_find_vm(&advice.problem, vm3);
	ck_assert_int_ge(vm, 0);
	ck_assert_msg((advice.plan.place[vm] == advice.problem.place[vm]) == wanted->stays, "%s",
	    wanted->what);
	advice_deinit(&advice);
	world_deinit(&world);
	observation_deinit(&observation);
	residence_deinit(&residence);
}
END_TEST

START_TEST(a_file_of_an_earlier_version_counts_one_move)
{
	static const char text[] = "{\"version\":1,\"vms\":[{\"id\":\"a\",\"environment\":\"e\","
				   "\"host\":\"h\",\"moved\":1000,\"seen\":1000}]}";
	struct residence residence;
	char message[256];

	ck_assert_int_eq(
	    residence_parse(text, strlen(text), &residence, message, sizeof message), 0);
	ck_assert_uint_eq(residence_recent_moves(&residence, "a", 1000), 1);
	residence_deinit(&residence);
}
END_TEST

/* Whether vm3, which belongs to the others and could save all that its traffic costs, goes to them
 * after so many moves to and fro and so many days. */
static bool goes_home(int moves, int days)
{
	struct residence residence = {0};
	struct observation observation;
	struct world world;
	struct advice advice;
	char message[1024];
	struct advise_input input = {.observation = &observation,
	    .environments = &world.environments,
	    .settings = &world.settings,
	    .residence = &residence,
	    .now_s = 2000 + 1800 + days * DAY_S};
	bool goes;
	int vm;

	for (int i = moves; i >= 0; i--)
		see(&residence, i % 2 == 0 ? "AABBBBA" : "AAABBBA", 2000 - i);
	observed_make(&observation, "AABBBBA", 0);
	world_begin(&world, DOCUMENT("", ""));
	ck_assert_msg(advise_plan(&input, &advice, message, sizeof message) == 0, "%s", message);
	vm = problem_find_vm(&advice.problem, vm3);
	ck_assert_int_ge(vm, 0);
	goes = advice.plan.place[vm] != advice.problem.place[vm];
	advice_deinit(&advice);
	world_deinit(&world);
	observation_deinit(&observation);
	residence_deinit(&residence);
	return goes;
}

/* A tenth, two, four, eight tenths, and then more than all of what it could save. */
START_TEST(each_move_makes_the_next_one_dearer_for_some_days)
{
	ck_assert(goes_home(1, 0));
	ck_assert(goes_home(3, 0));
	ck_assert(!goes_home(4, 0));
	ck_assert(goes_home(4, 1));
	ck_assert(!goes_home(6, 2));
	ck_assert(goes_home(6, 3));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("residence");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_move_is_seen_when_the_place_is_another);
	tcase_add_test(all, moves_are_counted_and_forgotten_day_by_day);
	tcase_add_test(all, it_survives_a_restart);
	tcase_add_test(all, a_file_of_an_earlier_version_counts_one_move);
	tcase_add_test(all, each_move_makes_the_next_one_dearer_for_some_days);
	tcase_add_test(all, what_is_no_residence_is_refused);
	tcase_add_loop_test(
	    all, who_moved_is_left_alone_unless_it_has_to_go, 0, sizeof cases / sizeof *cases);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
