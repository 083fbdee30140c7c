/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "nagios/range.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	double start, end;
	bool inside;
} good[] = {
    {"10", 0, 10, false},
    {"0", 0, 0, false},
    {"10:", 10, INFINITY, false},
    {":10", 0, 10, false},
    {"~:10", -INFINITY, 10, false},
    {"~:", -INFINITY, INFINITY, false},
    {"10:20", 10, 20, false},
    {"10:10", 10, 10, false},
    {"@10:20", 10, 20, true},
    {"@10", 0, 10, true},
    {"-5:-2.5", -5, -2.5, false},
    {"0.25:.5", 0.25, 0.5, false},
    {"030", 0, 30, false},
};

START_TEST(test_good_ranges)
{
	struct range range;

	ck_assert_int_eq(range_parse(good[_i].text, &range), GRAPPE_OK);
	ck_assert(range.given);
	ck_assert(range.start == good[_i].start);
	ck_assert(range.end == good[_i].end);
	ck_assert_int_eq(range.inside, good[_i].inside);
	ck_assert_str_eq(range.text, good[_i].text);
}
END_TEST

static const struct {
	const char *text;
	int rc;
} bad[] = {
    {"", GRAPPE_EFORMAT},
    {":", GRAPPE_EFORMAT},
    {"@", GRAPPE_EFORMAT},
    {"@:", GRAPPE_EFORMAT},
    {"~", GRAPPE_EFORMAT},
    {"abc", GRAPPE_EFORMAT},
    {"10x", GRAPPE_EFORMAT},
    {"10:20x", GRAPPE_EFORMAT},
    {"10:20:30", GRAPPE_EFORMAT},
    {"10 ", GRAPPE_EFORMAT},
    {" 10", GRAPPE_EFORMAT},
    {"10: 20", GRAPPE_EFORMAT},
    {"1e3", GRAPPE_EFORMAT},
    {"0x10", GRAPPE_EFORMAT},
    {"inf", GRAPPE_EFORMAT},
    {"nan:5", GRAPPE_EFORMAT},
    {"10%", GRAPPE_EFORMAT},
    {"10,20", GRAPPE_EFORMAT},
    {"+5", GRAPPE_EFORMAT},
    {"-", GRAPPE_EFORMAT},
    {".", GRAPPE_EFORMAT},
    {"10:~", GRAPPE_EFORMAT},
    {"~10", GRAPPE_EFORMAT},
    {"~5:10", GRAPPE_EFORMAT},
    {"@@10", GRAPPE_EFORMAT},
    {"20:10", GRAPPE_ERANGE},
    {"-5", GRAPPE_ERANGE},
    {"1111111111111111111111111111111111111111111111111111111111111111", GRAPPE_ERANGE},
};

START_TEST(test_bad_ranges)
{
	struct range range;

	memset(&range, 0xff, sizeof range);
	ck_assert_int_eq(range_parse(bad[_i].text, &range), bad[_i].rc);
	ck_assert(!range.given);
	ck_assert(!range_alerts(&range, 1e9));
}
END_TEST

static const struct {
	const char *text;
	double value;
	bool alerts;
} alerts[] = {
    {"10", 0, false},
    {"10", 10, false},
    {"10", 10.001, true},
    {"10", -0.001, true},
    {"10:", 10, false},
    {"10:", 9.999, true},
    {"10:", INFINITY, false},
    {"~:10", -1e9, false},
    {"~:10", 10, false},
    {"~:10", 11, true},
    {"10:20", 9, true},
    {"10:20", 10, false},
    {"10:20", 20, false},
    {"10:20", 21, true},
    {"@10:20", 9, false},
    {"@10:20", 10, true},
    {"@10:20", 20, true},
    {"@10:20", 21, false},
    {"10", NAN, false},
    {"@~:", NAN, false},
    {"@~:", 5, true},
};

START_TEST(test_alerts)
{
	struct range range;

	ck_assert_int_eq(range_parse(alerts[_i].text, &range), GRAPPE_OK);
	ck_assert_int_eq(range_alerts(&range, alerts[_i].value), alerts[_i].alerts);
}
END_TEST

START_TEST(test_limit_and_none)
{
	struct range range = {0};

	ck_assert(!range_alerts(&range, -5));
	range_set_limit(&range, 120);
	ck_assert_str_eq(range.text, "120");
	ck_assert(!range_alerts(&range, 120));
	ck_assert(range_alerts(&range, 121));
	ck_assert(range_alerts(&range, -1));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("range");
	TCase *tcase = tcase_create("range");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, test_good_ranges, 0, COUNT(good));
	tcase_add_loop_test(tcase, test_bad_ranges, 0, COUNT(bad));
	tcase_add_loop_test(tcase, test_alerts, 0, COUNT(alerts));
	tcase_add_test(tcase, test_limit_and_none);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
