/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Weeks of periods, one in five missing, pairs that come, pause and go, the writer restarted now
 * and then; the sums of windows are compared with an exact account at every level.
 */
#include "common/error.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <math.h>

#define STEP 30
#define DAY (86400 / STEP)
#define SENDERS 4
#define ROWS_MAX 6000

static const char *const senders[SENDERS] = {VM_B, VM_C, "external", "endpoint:dns"};
static char folder[UNIT_PATH_SIZE];
static unsigned state;
static struct archives_daemon cached;
static bool daemon_used;

static unsigned random_below(unsigned limit)
{
	state = state * 1664525 + 1013904223;
	return (unsigned)((uint64_t)(state >> 4) * limit >> 28);
}

static void setup(void)
{
	unit_make_folder(folder);
	state = 2026;
	daemon_used = false;
}

static void use_rrdcached(void)
{
	archives_daemon_start(&cached, true);
	daemon_used = true;
}

/* Directly, or through the daemon if it is used. */
static struct archive *open_archive(const struct archive_layout *layout)
{
	return archives_open_with(folder, layout, daemon_used ? cached.address : NULL);
}

/* Now and then, as the collector's writer does. */
static void commit(struct archive *archive)
{
	char message[1024];

	ck_assert_msg(
	    archive_commit(archive, false, message, sizeof message) == GRAPPE_OK, "%s", message);
	ck_assert_str_eq(message, "");
}

static void teardown(void)
{
	if (daemon_used)
		archives_daemon_remove(&cached);
	archives_remove(folder);
}

/* What was written: per period known or not, and the packets of each sender. */
struct account {
	int periods;
	bool *known;
	double (*packets)[SENDERS];
};

static struct account account_new(int periods)
{
	struct account account = {.periods = periods,
	    .known = calloc((size_t)periods + 1, sizeof *account.known),
	    .packets = calloc((size_t)periods + 1, sizeof *account.packets)};

	ck_assert(account.known != NULL && account.packets != NULL);
	return account;
}

static void account_free(struct account *account)
{
	free(account->known);
	free(account->packets);
}

/* The next stretch of periods behaves like this. */
struct mood {
	int left;
	bool active[SENDERS];
	unsigned missing_percent;
};

static void change_mood(struct mood *mood, unsigned missing_percent)
{
	mood->left = 1 + (int)random_below(2 * DAY / 3);
	mood->missing_percent = random_below(8) == 0 ? 100 : missing_percent;
	for (int k = 0; k < SENDERS; k++)
		mood->active[k] = random_below(3) == 0;
}

static void write_one(struct archive *archive, struct account *account, int number, bool lost)
{
	struct archive_sender list[SENDERS];
	size_t count = 0;

	for (int k = 0; k < SENDERS; k++)
		if (account->packets[number][k] > 0) {
			list[count] =
			    (struct archive_sender){.packets = account->packets[number][k]};
			snprintf(list[count++].sender, VM_ID_SIZE, "%s", senders[k]);
		}
	ck_assert_int_eq(archives_write(archive, VM_A, EPOCH + (int64_t)number * STEP, lost ? 0 : 1,
			     lost ? 0 : count, list, NULL),
	    GRAPPE_OK);
}

/* A missing period is either never delivered or told as lost. busy_percent: of the periods of
 * active pairs. */
static void write_all(struct account *account, const struct archive_layout *layout,
    unsigned missing_percent, unsigned busy_percent)
{
	struct archive *archive = open_archive(layout);
	struct mood mood = {0};

	for (int i = 1; i <= account->periods; i++) {
		if (mood.left-- <= 0)
			change_mood(&mood, missing_percent);
		if (random_below(5000) == 0) {
			archive_close(archive);
			archive = open_archive(layout);
		}
		if (random_below(10) == 0)
			commit(archive);
		account->known[i] =
		    random_below(100) >= mood.missing_percent || i == account->periods;
		for (int k = 0; account->known[i] && k < SENDERS; k++)
			if (mood.active[k] && random_below(100) < busy_percent)
				account->packets[i][k] = 1 + random_below(1000000);
		if (account->known[i] || random_below(2) == 0)
			write_one(archive, account, i, !account->known[i]);
	}
	archive_close(archive);
}

/* The window answered holds exactly what was written in it. */
static void check_window(struct archive_reader *reader, const struct account *account,
    int64_t from_s, int64_t to_s, int64_t *resolution_s)
{
	struct archive_totals totals;
	double known = 0, sums[SENDERS] = {0};

	ck_assert_int_eq(archive_read_totals(reader, VM_A, from_s, to_s, &totals), GRAPPE_OK);
	ck_assert_int_le(totals.from_s, from_s);
	ck_assert_int_ge(totals.to_s, to_s);
	for (int i = 1; i <= account->periods; i++) {
		const int64_t end_s = EPOCH + (int64_t)i * STEP;

		if (end_s <= totals.from_s || end_s > totals.to_s)
			continue;
		known += account->known[i];
		for (int k = 0; k < SENDERS; k++)
			sums[k] += account->packets[i][k];
	}
	ck_assert_double_eq(totals.known, known);
	for (int k = 0; k < SENDERS; k++) {
		double told = 0;

		for (size_t i = 0; i < totals.nsenders; i++)
			if (strcmp(totals.senders[i].sender, senders[k]) == 0)
				told = totals.senders[i].packets;
		ck_assert_msg(fabs(told - sums[k]) <= 1e-9 * sums[k] + 1e-6,
		    "(%lld, %lld] at %lld s, %s: %.6f instead of %.6f", (long long)totals.from_s,
		    (long long)totals.to_s, (long long)totals.resolution_s, senders[k], told,
		    sums[k]);
	}
	*resolution_s = totals.resolution_s;
	archive_totals_deinit(&totals);
}

/* Windows of all lengths and ages; every level must have answered some. */
static void check_windows(
    const struct account *account, const struct archive_layout *layout, int windows)
{
	const int64_t end_s = EPOCH + (int64_t)account->periods * STEP;
	int answers[ARCHIVE_LEVELS_MAX] = {0};
	struct archive_reader *reader;

	ck_assert_int_eq(archive_reader_open(folder, &reader), GRAPPE_OK);
	for (int i = 0; i < windows; i++) {
		const struct archive_level *level = &layout->levels[(size_t)i % layout->count];
		int64_t age_s = 1 + random_below((unsigned)(level->keep_s / STEP)) * (int64_t)STEP;
		int64_t length_s =
		    STEP + random_below((unsigned)(level->keep_s / STEP)) * (int64_t)STEP;
		int64_t resolution_s;

		age_s = age_s > end_s - EPOCH - STEP ? (end_s - EPOCH) / 2 / STEP * STEP
						     : age_s / STEP * STEP;
		length_s = length_s > end_s - age_s - EPOCH ? end_s - age_s - EPOCH : length_s;
		check_window(
		    reader, account, end_s - age_s - length_s, end_s - age_s, &resolution_s);
		for (size_t k = 0; k < layout->count; k++)
			answers[k] += layout->levels[k].resolution_s == resolution_s;
	}
	for (size_t k = 0; k < layout->count; k++) {
		printf(
		    "%lld s: %d windows\n", (long long)layout->levels[k].resolution_s, answers[k]);
		ck_assert_int_gt(answers[k], 0);
	}
	archive_reader_close(reader);
}

/* Four levels small enough that eight days of periods run through all of them several times. */
START_TEST(sums_are_true_at_every_level)
{
	const struct archive_layout layout = {.length_s = STEP,
	    .count = 4,
	    .levels = {{STEP, 7200}, {300, 28800}, {1800, 172800}, {7200, 8 * 86400}}};
	struct account account = account_new(8 * DAY);

	if (_i == 2)
		use_rrdcached();
	write_all(&account, &layout, _i == 1 ? 2 : 20, 50);
	check_windows(&account, &layout, 120);
	account_free(&account);
}
END_TEST

/* ---- what other programs read ---- */

/* The sum of mean x known x length over rows of one level, as doc/archives.md describes it. */
static double sum_by_fetch(const char *sender, int64_t resolution_s, int64_t from_s, int64_t to_s)
{
	static double pair[ROWS_MAX][2], coverage[ROWS_MAX][2];
	char path[1024], file[128];
	double sum = 0;
	size_t n;

	snprintf(file, sizeof file, "%s.rrd", sender);
	if (strchr(file, ':') != NULL)
		*strchr(file, ':') = '-';
	archives_path(path, sizeof path, folder, VM_A, file);
	n = archives_fetch(path, "AVERAGE", resolution_s, from_s, to_s, pair, ROWS_MAX);
	archives_path(path, sizeof path, folder, VM_A, "coverage.rrd");
	ck_assert_uint_eq(
	    archives_fetch(path, "AVERAGE", resolution_s, from_s, to_s, coverage, ROWS_MAX), n);
	for (size_t i = 0; i < n; i++)
		if (!isnan(pair[i][0]) && !isnan(coverage[i][0]))
			sum += pair[i][0] * coverage[i][0] * (double)resolution_s;
	return sum;
}

/* The same by one call of xport: its column holds rates over all time. */
static double sum_by_xport(const char *sender, int64_t resolution_s, int64_t from_s, int64_t to_s)
{
	char pair[1024], coverage[1024], from[32], to[32], step[32], file[128];
	const char *const arguments[] = {"xport", "-t", "-s", from, "-e", to, "--step", step, "-m",
	    "100000", pair, coverage, "CDEF:s=p,k,*", "XPORT:s", NULL};
	double sum = 0;
	char *text, *at;

	snprintf(file, sizeof file, "%s.rrd", sender);
	if (strchr(file, ':') != NULL)
		*strchr(file, ':') = '-';
	snprintf(pair, sizeof pair, "DEF:p=%s/" VM_A "/%s:packets:AVERAGE", folder, file);
	snprintf(coverage, sizeof coverage, "DEF:k=%s/" VM_A "/coverage.rrd:known:AVERAGE", folder);
	snprintf(from, sizeof from, "%lld", (long long)from_s);
	snprintf(to, sizeof to, "%lld", (long long)to_s);
	snprintf(step, sizeof step, "%lld", (long long)resolution_s);
	text = archives_rrdtool(arguments);
	at = text;
	while ((at = strstr(at, "<row><t>")) != NULL) {
		const int64_t end_s = strtoll(at + 8, &at, 10);
		const double value = strncmp(at, "</t><v>", 7) == 0 ? strtod(at + 7, NULL) : NAN;

		if (end_s > from_s && end_s <= to_s && !isnan(value))
			sum += value * (double)resolution_s;
	}
	free(text);
	return sum;
}

/* What was counted = what rrdtool reads, at every level, over whole days: the last one is settled
 * when the first period of the next is written. */
static void check_other_programs(const struct account *account, const struct archive_layout *layout,
    int64_t from_s, int64_t to_s)
{
	int heard = 0;

	for (int k = 0; k < SENDERS; k++) {
		double counted = 0;

		for (int i = 1; i <= account->periods; i++)
			if (EPOCH + (int64_t)i * STEP > from_s && EPOCH + (int64_t)i * STEP <= to_s)
				counted += account->packets[i][k];
		heard += counted > 0;
		for (size_t level = 0; counted > 0 && level < layout->count; level++) {
			const int64_t resolution_s = layout->levels[level].resolution_s;
			const double fetched = sum_by_fetch(senders[k], resolution_s, from_s, to_s);
			const double exported =
			    sum_by_xport(senders[k], resolution_s, from_s, to_s);

			ck_assert_msg(fabs(fetched - counted) <= 1e-9 * counted + 1e-3,
			    "%s at %lld s: fetch gives %.6f, counted were %.6f", senders[k],
			    (long long)resolution_s, fetched, counted);
			ck_assert_msg(fabs(exported - counted) <= 1e-8 * counted + 1e-3,
			    "%s at %lld s: xport gives %.6f, counted were %.6f", senders[k],
			    (long long)resolution_s, exported, counted);
		}
	}
	ck_assert_int_ge(heard, 3);
}

/* Two days, all levels of which hold all of it; read by our reader and by plain rrdtool. */
START_TEST(all_readers_agree_with_what_was_counted)
{
	const struct archive_layout layout = {.length_s = STEP,
	    .count = 4,
	    .levels = {{STEP, 3 * 86400}, {300, 3 * 86400}, {3600, 4 * 86400}, {14400, 8 * 86400}}};
	struct account account = account_new(2 * DAY + 1);
	const int64_t to_s = EPOCH + 2 * INT64_C(86400);

	if (_i == 1)
		use_rrdcached();
	write_all(&account, &layout, 20, 50);
	check_other_programs(&account, &layout, EPOCH, to_s);
	check_windows(&account,
	    &(struct archive_layout){.length_s = STEP, .count = 1, .levels = {{STEP, 3 * 86400}}},
	    40);
	account_free(&account);
}
END_TEST

/* Three weeks with the levels of a real site. */
START_TEST(sums_are_true_over_weeks)
{
	struct account account = account_new(21 * DAY);
	struct archive_layout layout;

	archive_layout_default(STEP, &layout);
	write_all(&account, &layout, 20, 5);
	layout.count = 3; /* windows reach the first three levels; the years follow */
	check_windows(&account, &layout, 45);
	account_free(&account);
}
END_TEST

/* A year and a half: days of traffic far apart, so that the coarsest level answers. */
START_TEST(sums_are_true_over_years)
{
	struct account account = account_new(550 * DAY);
	struct archive_reader *reader;
	struct archive_layout layout;
	struct archive *archive;
	int64_t resolution_s;

	archive_layout_default(STEP, &layout);
	archive = archives_open(folder, &layout);
	for (int i = 1; i <= account.periods; i++) {
		const bool busy_day = i / DAY % 40 == 0;

		if (!busy_day && i % 997 != 0 && i != account.periods)
			continue;
		account.known[i] = random_below(100) >= 20;
		for (int k = 0; account.known[i] && k < SENDERS; k++)
			account.packets[i][k] =
			    (i / DAY / 40 + k) % 3 == 0 || i % 50 == k ? 1 + random_below(9999) : 0;
		if (account.known[i])
			write_one(archive, &account, i, false);
	}
	archive_close(archive);
	ck_assert_int_eq(archive_reader_open(folder, &reader), GRAPPE_OK);
	check_window(reader, &account, EPOCH, EPOCH + 170 * INT64_C(86400), &resolution_s);
	ck_assert_int_eq(resolution_s, 86400);
	check_window(reader, &account, EPOCH, EPOCH + 550 * INT64_C(86400), &resolution_s);
	ck_assert_int_eq(resolution_s, 86400);
	check_window(reader, &account, EPOCH + 300 * INT64_C(86400), EPOCH + 550 * INT64_C(86400),
	    &resolution_s);
	ck_assert_int_eq(resolution_s, 3600);
	archive_reader_close(reader);
	account_free(&account);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("replay_archive");
	TCase *c = tcase_create("replay_archive");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, sums_are_true_at_every_level, 0, 3);
	tcase_add_loop_test(c, all_readers_agree_with_what_was_counted, 0, 2);
	tcase_add_test(c, sums_are_true_over_weeks);
	tcase_add_test(c, sums_are_true_over_years);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
