/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which moves of a plan the APIs can make, in which order they may be ordered, how it ends; and
 * what is stored of it. */
#include "common/error.h"
#include "manager/execution.h"
#include "tests/unit/unit.h"

/* Two environments of one API, one of another, one of none. */
static const char document[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"a\",\"api\":\"nova\",\"hosts\":[{\"name\":\"a1\",\"api_name\":\"compute-1\"},"
    "{\"name\":\"a2\"}]},"
    "{\"name\":\"b\",\"api\":\"nova\",\"hosts\":[{\"name\":\"b1\"},{\"name\":\"b2\"}]},"
    "{\"name\":\"c\",\"api\":\"other\",\"hosts\":[{\"name\":\"c1\"}]},"
    "{\"name\":\"d\",\"hosts\":[{\"name\":\"d1\"}]}]}";
static const char *const clouds[] = {"nova", NULL};

static struct environments environments;

static void setup(void)
{
	char message[256];

	ck_assert_msg(environments_parse(document, strlen(document), &environments, message,
			  sizeof message) == GRAPPE_OK,
	    "%s", message);
}

static void teardown(void)
{
	environments_deinit(&environments);
}

/* "vm a1>b1" and its step; group -1: none. */
struct wish {
	unsigned step;
	const char *vm, *from, *to;
	int group;
};

static json_t *make_move(const struct wish *wish)
{
	char from[2] = {wish->from[0]}, to[2] = {wish->to[0]};

	return json_pack("{s:i, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}, s:b, s:b, s:o, s:s, "
			 "s:{s:f, s:f}}",
	    "step", (int)wish->step, "vm", "id", wish->vm, "name", wish->vm, "from", "environment",
	    from, "host", wish->from, "to", "environment", to, "host", wish->to, "parking", 0,
	    "forced", 0, "group", wish->group >= 0 ? json_integer(wish->group) : json_null(), "why",
	    "because", "terms", "inter_environment_octets_per_s_before", 5000.0,
	    "inter_environment_octets_per_s_after", 1000.0);
}

static void plan(const struct wish *wishes, size_t count, struct execution *out)
{
	json_t *moves = json_array(), *advice;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(moves, make_move(&wishes[i]));
	advice = json_pack("{s:s, s:o}", "id", "00112233445566778899aabbccddeeff", "moves", moves);
	ck_assert_int_eq(execution_plan(advice, &environments, clouds, 1000, out), GRAPPE_OK);
	json_decref(advice);
}

#define PLAN(wishes, out) plan(wishes, sizeof(wishes) / sizeof *(wishes), out)

static void finish(struct execution *it, size_t move, enum cloud_outcome outcome)
{
	const struct cloud_result result = {.outcome = outcome, .text = "as the API says"};

	execution_end(it, move, &result, 2000);
}

START_TEST(who_can_make_a_move)
{
	static const struct wish wishes[] = {{1, "v1", "a1", "b1", -1}, {2, "v2", "d1", "a1", -1},
	    {3, "v3", "a2", "c1", -1}, {4, "v4", "c1", "c1", -1}};
	struct execution it;

	PLAN(wishes, &it);
	ck_assert_int_eq(it.moves[0].state, MOVE_WAITING);
	ck_assert_str_eq(it.moves[0].cloud, "nova");
	ck_assert_str_eq(it.moves[0].order.from_host, "compute-1");
	ck_assert_str_eq(it.moves[0].order.to_host, "b1");
	ck_assert_str_eq(it.moves[0].from.host, "a1");
	ck_assert_int_eq(it.moves[1].state, MOVE_ADVICE);
	ck_assert_str_eq(it.moves[1].text, "advice only: environment d has no api");
	ck_assert_int_eq(it.moves[2].state, MOVE_ADVICE);
	ck_assert_ptr_nonnull(
	    strstr(it.moves[2].text, "c is not moved by the api of environment a"));
	ck_assert_int_eq(it.moves[3].state, MOVE_ADVICE);
	ck_assert_str_eq(it.moves[3].text, "advice only: cloud other is not configured");
	execution_deinit(&it);
}
END_TEST

START_TEST(what_hangs_on_advice_is_advice)
{
	/* v2 needs the room that v1 leaves; v3 is of v1's group; v4 of v2's; v5 is free; v6 comes
	 * before v1 and goes where v1 is, which was planned with v1 still there. */
	static const struct wish wishes[] = {{1, "v6", "a1", "b1", -1}, {2, "v1", "b1", "c1", 3},
	    {3, "v2", "a1", "b1", 4}, {3, "v3", "a2", "b2", 3}, {1, "v4", "a2", "b2", 4},
	    {5, "v5", "a1", "b2", -1}};
	struct execution it;

	PLAN(wishes, &it);
	ck_assert_int_eq(it.moves[0].state, MOVE_WAITING);
	for (int i = 1; i <= 4; i++)
		ck_assert_int_eq(it.moves[i].state, MOVE_ADVICE);
	ck_assert_ptr_nonnull(strstr(it.moves[2].text, "hangs on the move of v1"));
	ck_assert_int_eq(it.moves[5].state, MOVE_WAITING);
	execution_deinit(&it);
}
END_TEST

START_TEST(steps_follow_one_another)
{
	static const struct wish wishes[] = {
	    {1, "v1", "a1", "b1", -1}, {1, "v2", "a2", "b2", -1}, {2, "v3", "b1", "a1", -1}};
	struct execution it;

	PLAN(wishes, &it);
	ck_assert_uint_eq(execution_next(&it, 1), 0);
	execution_order(&it, 0, 1001);
	ck_assert_uint_eq(execution_next(&it, 1), 1);
	execution_order(&it, 1, 1001);
	ck_assert_uint_eq(execution_under_way(&it), 2);
	ck_assert_uint_eq(execution_next(&it, 9), EXECUTION_NONE);
	finish(&it, 1, CLOUD_MOVED);
	ck_assert_uint_eq(execution_next(&it, 9), EXECUTION_NONE);
	ck_assert(!execution_settle(&it, 1500));
	finish(&it, 0, CLOUD_MOVED);
	ck_assert_uint_eq(execution_next(&it, 1), 2);
	execution_order(&it, 2, 1600);
	finish(&it, 2, CLOUD_MOVED);
	ck_assert(execution_settle(&it, 1700));
	ck_assert_int_eq(it.state, EXECUTION_DONE);
	ck_assert(execution_is_over(&it));
	ck_assert(!execution_settle(&it, 1800));
	execution_deinit(&it);
}
END_TEST

START_TEST(a_host_takes_part_in_so_many)
{
	static const struct wish wishes[] = {
	    {1, "v1", "a1", "b1", -1}, {1, "v2", "a1", "b2", -1}, {1, "v3", "a2", "b1", -1}};
	struct execution it;

	PLAN(wishes, &it);
	execution_order(&it, 0, 1001);
	ck_assert_uint_eq(execution_next(&it, 1), EXECUTION_NONE);
	ck_assert_uint_eq(execution_next(&it, 2), 1);
	execution_order(&it, 1, 1001);
	ck_assert_uint_eq(execution_next(&it, 2), 2);
	finish(&it, 0, CLOUD_MOVED);
	ck_assert_uint_eq(execution_next(&it, 1), 2);
	execution_deinit(&it);
}
END_TEST

static const enum cloud_outcome bad[] = {CLOUD_FAILED, CLOUD_CANCELLED, CLOUD_LOST};

START_TEST(after_the_first_failure_nothing_is_ordered)
{
	static const struct wish wishes[] = {{1, "v1", "a1", "b1", -1}, {1, "v2", "a2", "b2", -1},
	    {1, "v4", "a2", "b1", -1}, {2, "v3", "b1", "a1", -1}};
	struct execution it;

	PLAN(wishes, &it);
	execution_order(&it, 0, 1001);
	execution_order(&it, 1, 1001);
	finish(&it, 0, bad[_i]);
	ck_assert_uint_eq(execution_next(&it, 9), EXECUTION_NONE);
	/* The other one is not called off. */
	ck_assert(!execution_settle(&it, 1100));
	finish(&it, 1, CLOUD_MOVED);
	ck_assert(execution_settle(&it, 1200));
	ck_assert_int_eq(it.state, EXECUTION_FAILED);
	ck_assert_int_eq(it.moves[2].state, MOVE_DROPPED);
	ck_assert_int_eq(it.moves[3].state, MOVE_DROPPED);
	ck_assert_str_eq(it.moves[0].text, "as the API says");
	execution_deinit(&it);
}
END_TEST

START_TEST(a_stop_drops_what_waits)
{
	static const struct wish wishes[] = {{1, "v1", "a1", "b1", -1}, {2, "v2", "a2", "b2", -1}};
	struct execution it;

	PLAN(wishes, &it);
	execution_order(&it, 0, 1001);
	execution_stop(&it, 1002);
	ck_assert(!execution_is_over(&it));
	ck_assert_uint_eq(execution_next(&it, 9), EXECUTION_NONE);
	finish(&it, 0, CLOUD_MOVED);
	ck_assert_uint_eq(execution_next(&it, 9), EXECUTION_NONE);
	ck_assert(execution_settle(&it, 1100));
	ck_assert_int_eq(it.state, EXECUTION_STOPPED);
	ck_assert_int_eq(it.moves[1].state, MOVE_DROPPED);
	execution_deinit(&it);
}
END_TEST

START_TEST(never_two_moves_of_one_vm)
{
	static const struct wish wishes[] = {{1, "v1", "a1", "b1", -1}, {1, "v1", "b1", "a2", -1}};
	struct execution it;

	PLAN(wishes, &it);
	execution_order(&it, 0, 1001);
	ck_assert_uint_eq(execution_next(&it, 100), EXECUTION_NONE);
	finish(&it, 0, CLOUD_MOVED);
	ck_assert_uint_eq(execution_next(&it, 100), 1);
	execution_deinit(&it);
}
END_TEST

START_TEST(stored_and_read_back)
{
	static const struct wish wishes[] = {{1, "v1", "a1", "b1", 2}, {2, "v2", "d1", "b2", -1}};
	struct execution it, again;
	json_t *first, *second;
	char *text, message[256];

	PLAN(wishes, &it);
	execution_order(&it, 0, 1001);
	execution_accept(&it, 0, "job 14");
	first = execution_json(&it);
	text = json_dumps(first, 0);
	ck_assert_msg(
	    execution_parse(text, strlen(text), &again, message, sizeof message) == GRAPPE_OK, "%s",
	    message);
	second = execution_json(&again);
	ck_assert(json_equal(first, second));
	ck_assert_str_eq(again.moves[0].handle, "job 14");
	ck_assert_str_eq(again.moves[0].order.from_host, "compute-1");
	ck_assert_str_eq(again.moves[0].order.to_environment, "b");
	json_decref(first);
	json_decref(second);
	free(text);
	execution_deinit(&it);
	execution_deinit(&again);
}
END_TEST

static const char *const damaged[] = {"", "[]", "{\"version\":2}",
    "{\"version\":1,\"recommendation\":\"a\",\"state\":\"odd\",\"started\":1,\"ended\":0,"
    "\"moves\":[]}",
    "{\"version\":1,\"recommendation\":\"a\",\"state\":\"done\",\"started\":-1,\"ended\":0,"
    "\"moves\":[]}",
    "{\"version\":1,\"recommendation\":\"a\",\"state\":\"done\",\"started\":1,\"ended\":0,"
    "\"moves\":[{}]}",
    "{\"version\":1,\"recommendation\":\"a\",\"state\":\"done\",\"started\":1,\"ended\":0}"};

START_TEST(damaged_files)
{
	struct execution it;
	char message[256] = "";

	ck_assert_int_eq(
	    execution_parse(damaged[_i], strlen(damaged[_i]), &it, message, sizeof message),
	    GRAPPE_EFORMAT);
	ck_assert_str_ne(message, "");
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("execution");
	TCase *tcase = tcase_create("execution");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, who_can_make_a_move);
	tcase_add_test(tcase, what_hangs_on_advice_is_advice);
	tcase_add_test(tcase, steps_follow_one_another);
	tcase_add_test(tcase, a_host_takes_part_in_so_many);
	tcase_add_loop_test(tcase, after_the_first_failure_nothing_is_ordered, 0, COUNT(bad));
	tcase_add_test(tcase, a_stop_drops_what_waits);
	tcase_add_test(tcase, never_two_moves_of_one_vm);
	tcase_add_test(tcase, stored_and_read_back);
	tcase_add_loop_test(tcase, damaged_files, 0, COUNT(damaged));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
