/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of grappe-query beside its output: times, foreign texts, names, coefficients,
 * arguments. */
#include "collector/query_arguments.h"
#include "collector/query_fold.h"
#include "collector/query_names.h"
#include "collector/query_progress.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/time_text.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <math.h>
#include <time.h>

#define NOW INT64_C(1800000000) /* 2027-01-15 08:00:00 UTC */

/* ---- times ---- */

static const struct {
	const char *text;
	int64_t epoch_s; /* -1: refused */
	bool local;      /* in a zone an hour ahead of UTC */
} times[] = {{"1800000000", 1800000000, false}, {"2027-01-15 08:00:00", 1800000000, false},
    {"2027-01-15T08:00:00Z", 1800000000, false}, {"2027-01-15 08:00", 1800000000, false},
    {"2027-01-15", 1799971200, false}, {"2027-01-15 08:00", 1799996400, true},
    {"2027-01-15 08:00Z", 1800000000, true}, {"now", NOW, false}, {"today", 1799971200, false},
    {"today", 1799967600, true}, {"yesterday", 1799884800, false}, {"-2h", NOW - 7200, false},
    {"-90s", NOW - 90, true}, {"", -1, false}, {"-5", -1, false}, {"-", -1, false},
    {"--5s", -1, false}, {"-5x", -1, false}, {"-100000d", -1, false}, {"tomorrow", -1, false},
    {"2027-13-01", -1, false}, {"2027-01-15 08:00:00 x", -1, false},
    {"1800000000000000000000", -1, false}, {"1900-01-01", -1, false}};

START_TEST(times_are_read)
{
	int64_t epoch_s = -1;
	int rc;

	setenv("TZ", "XST-1", 1);
	tzset();
	rc = time_text_parse(times[_i].text, NOW, times[_i].local, &epoch_s);
	ck_assert_msg(rc == (times[_i].epoch_s < 0 ? GRAPPE_EFORMAT : GRAPPE_OK), "'%s': %d",
	    times[_i].text, rc);
	if (rc == GRAPPE_OK)
		ck_assert_int_eq(epoch_s, times[_i].epoch_s);
}
END_TEST

/* ---- texts of strangers ---- */

#define BAD "\xef\xbf\xbd"

static const struct {
	enum escape_style style;
	const char *text, *wanted;
} texts[] = {
    {ESCAPE_PLAIN, "b\xc3\xa4r \xe2\x82\xac \xf0\x9f\x8d\x87",
	"b\xc3\xa4r \xe2\x82\xac \xf0\x9f\x8d\x87"},
    {ESCAPE_PLAIN, "\033[2J\a\x7f", BAD "[2J" BAD BAD},
    {ESCAPE_PLAIN,
	"\xc2\x9b"
	"31m",
	BAD "31m"}, /* CSI of the second set */
    {ESCAPE_PLAIN,
	"a\xe2\x80\xae"
	"b",
	"a" BAD "b"}, /* turns the direction around */
    {ESCAPE_XML, "<a href=\"x\">&</a>", "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;"},
    {ESCAPE_XML, "\x01\xef\xbf\xbf\xef\xbf\xbe", BAD BAD BAD}, /* no characters in XML */
    {ESCAPE_XML, "\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80",
	BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD},
    {ESCAPE_XML, "\xe2\x82", BAD BAD}, /* cut in a character */
    {ESCAPE_HTML, "</title>'\"&\xe2\x80\xae\x1b", "&lt;/title&gt;&#39;&quot;&amp;" BAD BAD},
    {ESCAPE_JSON, "\"\\\n\xfe", "\\\"\\\\" BAD BAD},
    {ESCAPE_CSV, "a,b", "\"a,b\""},
    {ESCAPE_CSV, "say \"x\"", "\"say \"\"x\"\"\""},
    {ESCAPE_CSV, " a", "\" a\""},
    {ESCAPE_CSV, "", ""},
    {ESCAPE_GNUPLOT, "'`id`' 5%", "''''id'''' 5%%"},
};

START_TEST(foreign_texts_are_escaped)
{
	char out[256], *streamed = NULL;
	size_t length;
	FILE *stream = open_memstream(&streamed, &length);

	ck_assert_uint_eq(escape_text(texts[_i].text, texts[_i].style, out, sizeof out),
	    strlen(texts[_i].wanted));
	ck_assert_str_eq(out, texts[_i].wanted);
	escape_put(texts[_i].text, texts[_i].style, stream);
	fclose(stream);
	ck_assert_str_eq(streamed, texts[_i].wanted);
	free(streamed);
}
END_TEST

START_TEST(cut_texts_stay_whole_characters)
{
	static const char mixed[] = "\xc3\xa4,\"<\xe2\x82\xac";
	char out[8];

	for (size_t size = 1; size <= sizeof out; size++)
		for (int style = ESCAPE_PLAIN; style <= ESCAPE_GNUPLOT; style++) {
			char again[64];

			memset(out, 'x', sizeof out);
			ck_assert_uint_lt(escape_text(mixed, style, out, size), size);
			ck_assert_ptr_null(strstr(out, "xx"));
			escape_text(out, ESCAPE_PLAIN, again, sizeof again);
			ck_assert_str_eq(again, out); /* it is whole: nothing is replaced */
		}
}
END_TEST

/* ---- names ---- */

START_TEST(names_are_found)
{
	struct query_names *names = query_names_new();
	char id[32], name[32];
	bool several;

	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof id, "mac-%012x", i);
		snprintf(
		    name, sizeof name, "vm%d", i / 2 * (i < 10 ? 1 : 2) + (i < 10 ? 0 : i % 2));
		ck_assert_int_eq(query_names_add(names, id, name), GRAPPE_OK);
	}
	ck_assert_uint_eq(query_names_count(names), 5000);
	ck_assert_str_eq(query_names_find(names, "mac-000000001387"), "vm4999");
	ck_assert_str_eq(query_names_find(names, "nobody"), "nobody");
	ck_assert_str_eq(query_names_find(NULL, "nobody"), "nobody");
	ck_assert_str_eq(query_names_resolve(names, "vm4999", &several), "mac-000000001387");
	ck_assert(!several);
	query_names_resolve(names, "vm1", &several); /* two have it */
	ck_assert(several);
	ck_assert_str_eq(
	    query_names_resolve(names, "mac-000000000000", &several), "mac-000000000000");
	ck_assert(!several);
	query_names_free(names);
}
END_TEST

/* ---- numbers of a daemon ---- */

static const struct {
	const char *text;
	bool good;
} numbers[] = {{"0", true}, {"12", true}, {"0.5", true}, {"3e6", true}, {"1.5e-07", true},
    {"-", true}, {"", false}, {"-1", false}, {"007", false}, {"nan", false}, {"inf", false},
    {"0x10", false}, {"1.", false}, {".5", false}, {"1e", false}, {"1e999", false}, {"12 ", false},
    {"+1", false}, {"99999999999999999999", false}, {"1,5", false}};

START_TEST(numbers_are_checked)
{
	const char *const fields[] = {"r", "s", numbers[_i].text, "1", "1"};

	ck_assert_int_eq(query_facts_check(query_facts_shape(QUERY_MEAN), fields),
	    numbers[_i].good ? GRAPPE_OK : GRAPPE_EFORMAT);
}
END_TEST

/* ---- coefficients ---- */

struct detail {
	int64_t end_s;
	const char *receiver, *sender, *packets, *known;
};

static int fold_rows(const double *coefficients, size_t count, const struct detail *details,
    size_t ndetails, struct query_rows *rows)
{
	struct query_fold *fold;
	int rc;

	ck_assert_int_eq(query_fold_new(coefficients, count, &fold), GRAPPE_OK);
	query_fold_window(fold, NOW, 30);
	ck_assert_int_eq(query_rows_init(rows), GRAPPE_OK);
	rc = GRAPPE_OK;
	for (size_t i = 0; i < ndetails && rc == GRAPPE_OK; i++) {
		char end[24];
		const char *fields[] = {end, "30", details[i].receiver, details[i].sender,
		    details[i].packets, details[i].packets, details[i].known};

		snprintf(end, sizeof end, "%lld", (long long)details[i].end_s);
		rc = query_fold_add(fold, fields);
	}
	if (rc == GRAPPE_OK)
		rc = query_fold_finish(fold, rows);
	query_fold_free(fold);
	return rc;
}

START_TEST(a_vector_weighs_periods)
{
	static const double vector[] = {0.1, 0.2, 0.7};
	static const struct detail details[] = {{NOW - 60, "a", "b", "100", "1"},
	    {NOW - 60, "c", "-", "-", "0"}, /* c: not known */
	    {NOW - 60, "d", "-", "-", "0"}, {NOW - 30, "a", "b", "200", "1"},
	    {NOW - 30, "a", "external", "10", "1"}, {NOW - 30, "c", "a", "50", "1"},
	    {NOW - 30, "d", "-", "-", "0"}, {NOW, "a", "b", "300", "1"},
	    {NOW, "c", "a", "20", "0.5"}, /* half watched */
	    {NOW, "d", "-", "-", "0"}};
	struct query_rows rows;

	ck_assert_int_eq(
	    fold_rows(vector, 3, details, sizeof details / sizeof *details, &rows), GRAPPE_OK);
	ck_assert_uint_eq(rows.count, 4);
	/* by ids: a from b, a from external, c from a, d */
	ck_assert_str_eq(query_rows_id(&rows, rows.pairs[0].sender), "b");
	ck_assert_double_eq_tol(rows.pairs[0].packets, 10 + 40 + 210, 1e-9);
	ck_assert_double_eq(rows.pairs[0].known, 3);
	ck_assert_double_eq_tol(rows.pairs[1].packets, 2, 1e-9);
	/* Unknown periods are left out, the others' weights stand for them. */
	ck_assert_double_eq_tol(rows.pairs[2].packets, (10 + 14) / (0.2 + 0.35), 1e-9);
	ck_assert_double_eq(rows.pairs[2].known, 1.5);
	ck_assert_uint_eq(rows.pairs[3].sender, QUERY_NOBODY);
	ck_assert_double_nan(rows.pairs[3].packets);
	ck_assert_double_eq(rows.pairs[3].known, 0);
	query_rows_deinit(&rows);
}
END_TEST

START_TEST(equal_weights_are_the_mean)
{
	static const double vector[] = {5, 5};
	static const struct detail details[] = {
	    {NOW - 30, "a", "b", "100", "1"}, {NOW, "a", "-", "0", "1"}};
	struct query_rows rows;

	ck_assert_int_eq(fold_rows(vector, 2, details, 2, &rows), GRAPPE_OK);
	ck_assert_uint_eq(rows.count, 1);
	ck_assert_double_eq(rows.pairs[0].packets, 50);
	query_rows_deinit(&rows);
}
END_TEST

static const struct detail bad_details[][2] = {
    {{NOW + 30, "a", "b", "1", "1"}},                            /* after the window */
    {{NOW - 60, "a", "b", "1", "1"}},                            /* before it */
    {{NOW - 7, "a", "b", "1", "1"}},                             /* between periods */
    {{NOW, "a", "b", "1", "1"}, {NOW - 30, "a", "b", "1", "1"}}, /* back in time */
    {{NOW, "a", "b", "1", "2"}},                                 /* known twice over */
    {{NOW, "a", "b", "-", "1"}},                                 /* known, and not */
};

START_TEST(rows_out_of_place_are_refused)
{
	static const double vector[] = {1, 1};
	struct query_rows rows;

	ck_assert_int_eq(fold_rows(vector, 2, bad_details[_i],
			     bad_details[_i][1].receiver != NULL ? 2 : 1, &rows),
	    GRAPPE_EFORMAT);
	query_rows_deinit(&rows);
}
END_TEST

/* ---- --top ---- */

START_TEST(the_largest_come_first)
{
	static const char *const fields[][5] = {{"a", "b", "10", "5", "10"},
	    {"a", "c", "1", "50", "10"}, {"b", "a", "100", "1", "1"}, {"c", "-", "0", "0", "10"},
	    {"d", "-", "-", "-", "0"}};
	struct query_facts facts = {.what = QUERY_MEAN};
	struct query_rows rows;
	struct query_sums rest;

	ck_assert_int_eq(query_rows_init(&rows), GRAPPE_OK);
	for (size_t i = 0; i < 5; i++)
		ck_assert_int_eq(query_rows_add(&rows, fields[i]), GRAPPE_OK);
	ck_assert_int_eq(query_rows_order(&rows, &facts), GRAPPE_OK);
	ck_assert_double_eq(rows.pairs[0].octets, 50);
	ck_assert_double_eq(rows.pairs[1].octets, 5);
	ck_assert_uint_eq(query_rows_top(&rows, 2), 2);
	ck_assert_uint_eq(query_rows_top(&rows, 100), 3); /* silence is no pair */
	rest = query_rows_sum(&rows, &facts, 2);
	ck_assert_uint_eq(rest.pairs, 1);
	ck_assert_double_eq(rest.octets, 1);
	ck_assert_double_eq(query_rows_sum(&rows, &facts, 0).octets, 551);
	ck_assert_uint_eq(query_rows_unknown(&rows), 1);
	facts.by = QUERY_PACKETS;
	ck_assert_int_eq(query_rows_order(&rows, &facts), GRAPPE_OK);
	ck_assert_double_eq(
	    rows.pairs[0].packets, 10); /* 10 periods of 10 and one of 100 are equal */
	ck_assert_double_eq(rows.pairs[1].packets, 100);
	query_rows_deinit(&rows);
}
END_TEST

/* ---- progress ---- */

/* What the terminal behind standard error has been sent since. */
static void read_terminal(int master, char text[256])
{
	const ssize_t n = read(master, text, 255);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
}

START_TEST(progress_is_shown_on_terminals_only)
{
	const int master = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(STDERR_FILENO);
	struct query_progress progress;
	char text[256];
	int slave;

	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	dup2(slave, STDERR_FILENO);
	query_progress_start(&progress, false);
	query_progress_part(&progress, 1, 9, "receivers"); /* too early to tell */
	progress.next_ns = 0;
	query_progress_part(&progress, 3, 9, "receivers");
	query_progress_part(&progress, 4, 9, "receivers"); /* too soon after the last */
	read_terminal(master, text);
	ck_assert_str_eq(text, "\r3 of 9 receivers\033[K");
	query_progress_end(&progress);
	query_progress_end(&progress);
	read_terminal(master, text);
	ck_assert_str_eq(text, "\r\033[K");
	query_progress_start(&progress, true);
	ck_assert(!progress.wanted);
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	query_progress_start(&progress, false);
	ck_assert(!progress.wanted);
	dup2(saved, STDERR_FILENO);
}
END_TEST

/* ---- arguments ---- */

#define ARGUMENTS_MAX 8

static bool read_line(struct query_arguments *arguments, const char *const *words)
{
	char *argv[ARGUMENTS_MAX + 2] = {(char *)"grappe-query"};
	int argc = 1, code;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return query_arguments_read(arguments, argc, argv, NOW, &code);
}

static const char *const bad_lines[][ARGUMENTS_MAX] = {{"--format", "yaml"}, {"--top", "0"},
    {"--top", "x"}, {"--top", "99999999999"}, {"--by", "size"}, {"--coefficients", ""},
    {"--coefficients", "1,"}, {"--coefficients", "1,,2"}, {"--coefficients", "0,0"},
    {"--coefficients", "1,-2"}, {"--coefficients", "1,nan"}, {"--coefficients", "0x1,2"},
    {"--coefficients", "1", "--last", "1h"}, {"--coefficients", "1", "--kind", "mean"},
    {"--coefficients", "1", "--since", "-1h"}, {"--kind", "weighted"}, {"--ratio", "2"},
    {"--kind", "weighted", "--ratio", "0"}, {"--kind", "detail", "--top", "3"},
    {"--kind", "detail", "--gnuplot", "d"}, {"--gnuplot", "d", "--top", "3"},
    {"--gnuplot", "d", "--vm", "a"}, {"--inventory", "f"}, {"--archive", "d", "status"},
    {"status", "--format", "xml"}, {"status", "--format", "csv"}, {"inventory", "--top", "3"},
    {"matrix", "inventory"}, {"matrices"}, {"--since", "-1h", "--last", "1h"},
    {"--since", "now", "--until", "yesterday"}, {"--since", "0"}, {"--until", "later"},
    {"--last", "1ms"}, {"--wait", "2h"}};

START_TEST(bad_arguments_are_refused)
{
	struct query_arguments arguments;

	ck_assert(!read_line(&arguments, bad_lines[_i]));
	query_arguments_deinit(&arguments);
}
END_TEST

START_TEST(arguments_are_read)
{
	static const char *const line[ARGUMENTS_MAX] = {
	    "--since", "-2h", "--until", "now", "--top", "5", "--by=packets"};
	static const char *const vector[ARGUMENTS_MAX] = {
	    "--coefficients", "0.1,.2,0.7", "--vm", "a"};
	static const char *const plain[ARGUMENTS_MAX] = {"--archive", "d", "inventory"};
	struct query_arguments arguments;

	ck_assert(read_line(&arguments, line));
	ck_assert_int_eq(arguments.request.from_s, NOW - 7200);
	ck_assert_int_eq(arguments.request.to_s, NOW);
	ck_assert_uint_eq(arguments.top, 5);
	ck_assert_int_eq(arguments.by, QUERY_PACKETS);
	query_arguments_deinit(&arguments);
	ck_assert(read_line(&arguments, vector));
	ck_assert_uint_eq(arguments.ncoefficients, 3);
	ck_assert_double_eq(arguments.coefficients[1], 0.2);
	ck_assert_int_eq(arguments.request.kind, KIND_DETAIL);
	ck_assert_str_eq(arguments.request.select, ""); /* all is needed to know what is known */
	ck_assert_str_eq(arguments.vm, "a");
	query_arguments_deinit(&arguments);
	ck_assert(read_line(&arguments, plain));
	ck_assert_int_eq(arguments.what, QUERY_ARCHIVES);
	query_arguments_deinit(&arguments);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
	Suite *suite = suite_create("parts of query");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, times_are_read, 0, COUNT(times));
	tcase_add_loop_test(all, foreign_texts_are_escaped, 0, COUNT(texts));
	tcase_add_test(all, cut_texts_stay_whole_characters);
	tcase_add_test(all, names_are_found);
	tcase_add_loop_test(all, numbers_are_checked, 0, COUNT(numbers));
	tcase_add_test(all, a_vector_weighs_periods);
	tcase_add_test(all, equal_weights_are_the_mean);
	tcase_add_loop_test(all, rows_out_of_place_are_refused, 0, COUNT(bad_details));
	tcase_add_test(all, the_largest_come_first);
	tcase_add_test(all, progress_is_shown_on_terminals_only);
	tcase_add_loop_test(all, bad_arguments_are_refused, 0, COUNT(bad_lines));
	tcase_add_test(all, arguments_are_read);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
