/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/caveats.h"

#include "common/error.h"
#include "common/period.h"
#include "tests/unit/unit.h"

static char text[CAVEATS_TEXT_SIZE];

START_TEST(each_flag_is_counted_by_itself)
{
	struct caveats caveats = {0};

	caveats_add(&caveats, 0);
	ck_assert_str_eq(caveats_describe(&caveats, text, sizeof text), "");
	caveats_add(&caveats, PERIOD_PARTIAL | PERIOD_CLOCK_UNSYNCED);
	caveats_add(&caveats, PERIOD_CLOCK_UNSYNCED | PERIOD_CLOCK_STEPPED);
	caveats_add(&caveats, PERIOD_ESTIMATED | PERIOD_MERGED);
	/* what a later version may add, and the test switch, say nothing here */
	caveats_add(&caveats, PERIOD_TEST_LENGTH | 1u << 31);
	ck_assert_uint_eq(caveats.periods, 5);
	ck_assert_uint_eq(caveats.marked[CAVEAT_PARTIAL], 1);
	ck_assert_uint_eq(caveats.marked[CAVEAT_UNSYNCHRONISED], 2);
	ck_assert_uint_eq(caveats.marked[CAVEAT_STEPPED], 1);
	ck_assert_uint_eq(caveats.marked[CAVEAT_ESTIMATED], 1);
	ck_assert_uint_eq(caveats.marked[CAVEAT_MERGED], 1);
	ck_assert_str_eq(caveats_describe(&caveats, text, sizeof text),
	    "1 of 5 periods: partial; 2: clock not synchronised; 1: clock set; 1: packets partly "
	    "estimated; 1: holds counts of the time after it");
}
END_TEST

START_TEST(the_longest_words_have_room)
{
	struct caveats caveats = {.periods = UINT32_MAX};
	char small[10];

	for (size_t i = 0; i < CAVEATS; i++)
		caveats.marked[i] = UINT32_MAX;
	caveats_describe(&caveats, text, sizeof text);
	ck_assert_uint_lt(strlen(text), sizeof text - 1);
	ck_assert_str_eq(caveats_describe(&caveats, small, sizeof small), "429496729");
}
END_TEST

START_TEST(as_json_and_back)
{
	const struct caveats caveats = {.periods = 9, .marked = {1, 2, 3, 4, 5}};
	struct caveats back;
	json_t *object = caveats_json(&caveats);

	ck_assert_int_eq(json_integer_value(json_object_get(object, "estimated")), 4);
	ck_assert_int_eq(caveats_from_json(object, &back), GRAPPE_OK);
	ck_assert_mem_eq(&back, &caveats, sizeof back);
	json_decref(object);
}
END_TEST

START_TEST(foreign_objects_are_checked)
{
	static const char *const bad[] = {"[]", "1", "{\"periods\":-1}", "{\"periods\":1.5}",
	    "{\"periods\":4294967296}", "{\"periods\":\"9\"}", "{\"periods\":1,\"partial\":2}",
	    "{\"partial\":1}", "{\"periods\":9,\"merged\":null}"};
	struct caveats caveats;
	json_t *object;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		object = json_loads(bad[i], JSON_DECODE_ANY, NULL);
		ck_assert_ptr_nonnull(object);
		ck_assert_msg(caveats_from_json(object, &caveats) == GRAPPE_EFORMAT, "%s", bad[i]);
		json_decref(object);
	}
	ck_assert_int_eq(caveats_from_json(NULL, &caveats), GRAPPE_OK);
	ck_assert_uint_eq(caveats.periods, 0);
	object = json_loads("{\"periods\":9,\"partial\":1,\"newer\":[]}", 0, NULL);
	ck_assert_int_eq(caveats_from_json(object, &caveats), GRAPPE_OK);
	ck_assert_uint_eq(caveats.marked[CAVEAT_PARTIAL], 1);
	json_decref(object);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("caveats");
	TCase *all = tcase_create("all");

	tcase_add_test(all, each_flag_is_counted_by_itself);
	tcase_add_test(all, the_longest_words_have_room);
	tcase_add_test(all, as_json_and_back);
	tcase_add_test(all, foreign_objects_are_checked);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
