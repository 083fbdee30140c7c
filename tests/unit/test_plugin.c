/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "nagios/plugin.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct plugin_metric metrics[] = {
    {"age", "s", true},
    {"clock offset", "us", false},
    {"drops", "c", true},
};

static struct plugin *plugin;
static char output[65536];

static void set_up(void)
{
	plugin = plugin_new("TEST", metrics, 3);
	ck_assert_ptr_nonnull(plugin);
}

static void tear_down(void)
{
	plugin_free(plugin);
}

static enum plugin_state print(int verbosity)
{
	FILE *out = fmemopen(output, sizeof output, "w");
	enum plugin_state state;

	ck_assert_ptr_nonnull(out);
	state = plugin_print(plugin, out, verbosity);
	fclose(out);
	return state;
}

#define UNKNOWN_METRICS " | age=U;;;0 'clock offset'=U drops=U;;;0\n"

/* OK < UNKNOWN < WARNING < CRITICAL */
START_TEST(test_worst)
{
	static const enum plugin_state order[] = {
	    PLUGIN_OK, PLUGIN_UNKNOWN, PLUGIN_WARNING, PLUGIN_CRITICAL};

	for (int a = 0; a < 4; a++)
		for (int b = 0; b < 4; b++)
			ck_assert_int_eq(plugin_worst(order[a], order[b]), order[a > b ? a : b]);
}
END_TEST

START_TEST(test_state_words)
{
	static const struct {
		const char *text;
		int state; /* -1: refused */
	} words[] = {{"OK", 0}, {"ok", 0}, {"Warning", 1}, {"CRITICAL", 2}, {"unknown", 3},
	    {"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}, {"4", -1}, {"", -1}, {"CRIT", -1}, {"22", -1},
	    {"-1", -1}};
	enum plugin_state state;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const int rc = plugin_parse_state(words[i].text, &state);

		ck_assert_int_eq(rc, words[i].state < 0 ? GRAPPE_EFORMAT : GRAPPE_OK);
		if (rc == GRAPPE_OK)
			ck_assert_int_eq((int)state, words[i].state);
	}
}
END_TEST

START_TEST(test_critical_is_judged_first)
{
	struct range warning, critical, none = {0};

	range_set_limit(&warning, 10);
	range_set_limit(&critical, 5);
	ck_assert_int_eq(plugin_judge(12, &warning, &critical), PLUGIN_CRITICAL);
	ck_assert_int_eq(plugin_judge(12, &warning, &none), PLUGIN_WARNING);
	ck_assert_int_eq(plugin_judge(4, &warning, &critical), PLUGIN_OK);
	ck_assert_int_eq(plugin_judge(NAN, &warning, &critical), PLUGIN_OK);
}
END_TEST

START_TEST(test_nothing_checked_is_unknown)
{
	ck_assert_int_eq(print(0), PLUGIN_UNKNOWN);
	ck_assert_str_eq(output, "TEST UNKNOWN - nothing was checked" UNKNOWN_METRICS);
}
END_TEST

START_TEST(test_all_ok_shows_the_summary)
{
	plugin_set_summary(plugin, "%d things are fine", 3);
	plugin_add_check(plugin, NULL, PLUGIN_OK, "a thing");
	ck_assert_int_eq(print(0), PLUGIN_OK);
	ck_assert_str_eq(output, "TEST OK - 3 things are fine" UNKNOWN_METRICS);
}
END_TEST

START_TEST(test_first_line_tells_the_worst_first)
{
	struct plugin_check *fine;

	plugin_set_summary(plugin, "not seen");
	plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "u");
	plugin_add_check(plugin, NULL, PLUGIN_WARNING, "w");
	fine = plugin_add_check(plugin, NULL, PLUGIN_OK, "fine");
	plugin_add_check(plugin, fine, PLUGIN_CRITICAL, "c");
	ck_assert_int_eq(print(0), PLUGIN_CRITICAL);
	ck_assert_str_eq(output, "TEST CRITICAL - c, w, u" UNKNOWN_METRICS);
}
END_TEST

START_TEST(test_first_line_stays_short)
{
	for (int i = 0; i < 30; i++)
		plugin_add_check(plugin, NULL, PLUGIN_WARNING, "problem number %d", i);
	print(0);
	*strchr(output, '|') = '\0';
	ck_assert_uint_le(strlen(output), PLUGIN_LINE_WISHED + 1);
	ck_assert_ptr_nonnull(strstr(output, "problem number 0, problem number 1"));
	ck_assert_ptr_nonnull(strstr(output, "more)"));
}
END_TEST

START_TEST(test_tree_grows_with_verbosity)
{
	struct plugin_check *top, *middle;

	plugin_set_summary(plugin, "s");
	top = plugin_add_check(plugin, NULL, PLUGIN_WARNING, "top");
	middle = plugin_add_check(plugin, top, PLUGIN_OK, "middle");
	plugin_add_check(plugin, middle, PLUGIN_OK, "low");
	plugin_add_check(plugin, NULL, PLUGIN_OK, "second");
	print(0);
	ck_assert_str_eq(output, "TEST WARNING - top" UNKNOWN_METRICS);
	print(1);
	ck_assert_str_eq(output,
	    "TEST WARNING - top" UNKNOWN_METRICS "[WARNING] top\n  [OK] middle\n[OK] second\n");
	print(2);
	ck_assert_str_eq(output, "TEST WARNING - top" UNKNOWN_METRICS
				 "[WARNING] top\n  [OK] middle\n    [OK] low\n[OK] second\n");
}
END_TEST

START_TEST(test_text_that_would_break_the_output)
{
	plugin_add_check(plugin, NULL, PLUGIN_WARNING, "a|b;c\nd\te");
	print(1);
	ck_assert_str_eq(
	    output, "TEST WARNING - a/b,c d e" UNKNOWN_METRICS "[WARNING] a/b;c d e\n");
}
END_TEST

START_TEST(test_too_many_checks_keep_the_worst_state)
{
	struct plugin_check *last = NULL;

	for (int i = 0; i < PLUGIN_CHECKS_MAX; i++)
		last = plugin_add_check(plugin, NULL, PLUGIN_OK, "x");
	ck_assert_ptr_nonnull(last);
	last = plugin_add_check(plugin, NULL, PLUGIN_CRITICAL, "x");
	ck_assert_ptr_null(last);
	ck_assert_ptr_null(plugin_add_check(plugin, last, PLUGIN_OK, "x"));
	ck_assert_int_eq(plugin_state(plugin), PLUGIN_CRITICAL);
}
END_TEST

static const struct {
	double value;
	const char *text;
} values[] = {
    {0, "age=0s"},
    {-0.0, "age=0s"},
    {12, "age=12s"},
    {1.5, "age=1.5s"},
    {0.1, "age=0.1s"},
    {-3.25, "age=-3.25s"},
    {1e15, "age=1000000000000000s"},
    {1e-9, "age=0s"},
    {1234567.891, "age=1234567.891s"},
    {NAN, "age=U;"},
    {INFINITY, "age=U;"},
    {-INFINITY, "age=U;"},
    {1e300, "age=U;"},
};

START_TEST(test_values)
{
	plugin_add_check(plugin, NULL, PLUGIN_OK, "x");
	plugin_set_value(plugin, 0, values[_i].value);
	print(0);
	ck_assert_msg(strstr(output, values[_i].text) != NULL, "%s", output);
	ck_assert_ptr_null(strstr(output, "e+"));
}
END_TEST

START_TEST(test_performance_data)
{
	struct range warning, critical;

	ck_assert_int_eq(range_parse("@5:10", &warning), GRAPPE_OK);
	ck_assert_int_eq(range_parse("~:300", &critical), GRAPPE_OK);
	plugin_set_summary(plugin, "s");
	plugin_add_check(plugin, NULL, PLUGIN_OK, "x");
	plugin_set_ranges(plugin, 0, &warning, &critical);
	plugin_set_value(plugin, 0, 12);
	plugin_set_value(plugin, 1, -7);
	plugin_set_count(plugin, 2, UINT64_MAX);
	print(0);
	ck_assert_str_eq(output, "TEST OK - s | age=12s;@5:10;~:300;0 'clock offset'=-7us "
				 "drops=18446744073709551615c;;;0\n");
}
END_TEST

START_TEST(test_strange_labels)
{
	static const struct plugin_metric strange[] = {
	    {"it's", "", false}, {"a=b|c", "", false}, {"ok_1", "", false}};
	struct plugin *other = plugin_new("TEST", strange, 3);
	FILE *out = fmemopen(output, sizeof output, "w");

	plugin_add_check(other, NULL, PLUGIN_WARNING, "x");
	plugin_print(other, out, 0);
	fclose(out);
	plugin_free(other);
	ck_assert_str_eq(output, "TEST WARNING - x | 'it''s'=U 'a_b_c'=U ok_1=U\n");
}
END_TEST

START_TEST(test_output_that_cannot_be_written)
{
	FILE *full = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(full);
	plugin_add_check(plugin, NULL, PLUGIN_OK, "x");
	ck_assert_int_eq(plugin_print(plugin, full, 0), PLUGIN_UNKNOWN);
	fclose(full);
}
END_TEST

/* The alarm ends the process, so a child runs into it. */
START_TEST(test_alarm)
{
	int ends[2], status;
	ssize_t length;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		plugin_set_value(plugin, 0, 5); /* known by then, but the labels are told unknown */
		plugin_arm(plugin, 1, PLUGIN_CRITICAL);
		for (;;)
			pause();
	}
	close(ends[1]);
	length = read(ends[0], output, sizeof output - 1);
	ck_assert_int_gt(length, 0);
	output[length] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), PLUGIN_CRITICAL);
	ck_assert_str_eq(output, "TEST CRITICAL - no result within 1 s" UNKNOWN_METRICS);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("plugin");
	TCase *tcase = tcase_create("plugin");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_worst);
	tcase_add_test(tcase, test_state_words);
	tcase_add_test(tcase, test_critical_is_judged_first);
	tcase_add_test(tcase, test_nothing_checked_is_unknown);
	tcase_add_test(tcase, test_all_ok_shows_the_summary);
	tcase_add_test(tcase, test_first_line_tells_the_worst_first);
	tcase_add_test(tcase, test_first_line_stays_short);
	tcase_add_test(tcase, test_tree_grows_with_verbosity);
	tcase_add_test(tcase, test_text_that_would_break_the_output);
	tcase_add_test(tcase, test_too_many_checks_keep_the_worst_state);
	tcase_add_loop_test(tcase, test_values, 0, COUNT(values));
	tcase_add_test(tcase, test_performance_data);
	tcase_add_test(tcase, test_strange_labels);
	tcase_add_test(tcase, test_output_that_cannot_be_written);
	tcase_add_test(tcase, test_alarm);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
