/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What archives keep beside counts, the marks of periods; and what they do not keep for ever. */
#include "common/error.h"
#include "common/period.h"
#include "rrd/archive.h"
#include "rrd/archive_read.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <sys/stat.h>

#define STEP 30
#define DAY INT64_C(86400)
#define RUN 125 /* periods after which expiry believes the time */

static char folder[UNIT_PATH_SIZE], message[1024];
static struct archive_layout layout;
static struct archives_daemon cached;
static struct archive *archive;
static struct archive_reader *reader;

static void setup(void)
{
	unit_make_folder(folder);
	archive_layout_default(STEP, &layout);
	archive = archives_open(folder, &layout);
	ck_assert_int_eq(archive_reader_open(folder, &reader), GRAPPE_OK);
}

static void teardown(void)
{
	archive_reader_close(reader);
	archive_close(archive);
	archives_remove(folder);
}

static void reopen(const struct archive_layout *with, const char *rrdcached)
{
	archive_close(archive);
	archive = archives_open_with(folder, with, rrdcached);
}

/* ---- marks ---- */

static void write_marked(int64_t end_s, uint32_t flags, double known)
{
	const struct archive_sender one = {VM_B, 10, 0};
	struct archive_update *update = archives_update(VM_A, end_s, known, known > 0, &one);

	update->flags = flags;
	ck_assert_msg(
	    archive_write(archive, update, end_s, false, message, sizeof message) == GRAPPE_OK,
	    "%s", message);
	archive_update_free(update);
}

static void check_marks(
    int64_t from_s, int64_t to_s, uint32_t periods, uint32_t unsynchronised, uint32_t estimated)
{
	struct archive_totals totals;
	struct caveats caveats;

	ck_assert_int_eq(archive_read_caveats(reader, VM_A, from_s, to_s, &caveats), GRAPPE_OK);
	ck_assert_uint_eq(caveats.periods, periods);
	ck_assert_uint_eq(caveats.marked[CAVEAT_UNSYNCHRONISED], unsynchronised);
	ck_assert_uint_eq(caveats.marked[CAVEAT_ESTIMATED], estimated);
	ck_assert_uint_eq(caveats.marked[CAVEAT_PARTIAL], 0);
	ck_assert_int_eq(archive_read_totals(reader, VM_A, from_s, to_s, &totals), GRAPPE_OK);
	ck_assert_mem_eq(&totals.caveats, &caveats, sizeof caveats);
	ck_assert_uint_eq(totals.nsenders, 1); /* a mark is no sender */
	archive_totals_deinit(&totals);
}

/* One in three periods unsynchronised, one in seven estimated, one in five missing: counted at each
 * level as they were given, directly and through rrdcached. */
START_TEST(marks_are_counted_at_every_level)
{
	uint32_t known = 0, unsynchronised = 0, estimated = 0;
	const int64_t to_s = EPOCH + 600 * STEP;

	if (_i == 1) {
		archives_daemon_start(&cached, true);
		reopen(&layout, cached.address);
	}
	for (int i = 1; i <= 600; i++) {
		const bool here = i % 5 != 0 || i == 600;
		const uint32_t flags = (i % 3 == 0 ? PERIOD_CLOCK_UNSYNCED : 0u) |
				       (i % 7 == 0 ? PERIOD_ESTIMATED : 0u);

		if (here || i % 10 == 0)
			write_marked(EPOCH + i * STEP, here ? flags : 0, here);
		known += here;
		unsynchronised += here && i % 3 == 0;
		estimated += here && i % 7 == 0;
	}
	ck_assert_int_eq(archive_commit(archive, false, message, sizeof message), GRAPPE_OK);
	check_marks(EPOCH, to_s, known, unsynchronised, estimated);
	check_marks(EPOCH, EPOCH + 3 * STEP, 3, 1, 0);
	for (int day = 1; day <= 400; day += 133) { /* coarser levels answer */
		write_marked(to_s + day * DAY, 0, 1);
		ck_assert_int_eq(
		    archive_commit(archive, false, message, sizeof message), GRAPPE_OK);
		check_marks(EPOCH, to_s, known, unsynchronised, estimated);
	}
	if (_i == 1) {
		reopen(&layout, NULL);
		archives_daemon_remove(&cached);
	}
}
END_TEST

START_TEST(archives_without_marks_have_none)
{
	char path[1024];
	struct stat status;

	archives_write_one(archive, VM_A, VM_B, EPOCH + STEP, 5);
	check_marks(EPOCH, EPOCH + STEP, 1, 0, 0);
	archives_path(path, sizeof path, folder, VM_A, "mark-partial.rrd");
	ck_assert_int_ne(stat(path, &status), 0); /* no mark, no file */
}
END_TEST

/* ---- expiry ---- */

/* A run of periods without a jump, of receiver C, that ends at end_s. */
static void write_run(int64_t end_s)
{
	for (int i = RUN - 1; i >= 0; i--)
		archives_write_one(archive, VM_C, VM_B, end_s - i * STEP, 1);
}

/* One period of receiver A with so many senders. */
static void write_senders(int count)
{
	struct archive_sender senders[32] = {0};

	for (int i = 0; i < count; i++) {
		snprintf(senders[i].sender, VM_ID_SIZE, "mac-0200000001%02x", i);
		senders[i].packets = 5;
	}
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + STEP, 1, (size_t)count, senders, message),
	    GRAPPE_OK);
}

/* Rounds until nothing is left; returns in how many calls. */
static int expire(int64_t expire_s, size_t files)
{
	int calls = 1, rc;

	while ((rc = archive_expire(archive, expire_s, files, message, sizeof message)) == 1) {
		ck_assert_str_eq(message, "");
		ck_assert_int_lt(calls++, 1000);
	}
	ck_assert_msg(rc == GRAPPE_OK, "%s", message);
	return calls;
}

static bool is_there(const char *receiver, const char *file)
{
	char path[1024];
	struct stat status;

	archives_path(path, sizeof path, folder, receiver, file);
	return stat(path, &status) == 0;
}

START_TEST(receivers_expire_by_the_rule_only)
{
	const int64_t later_s = EPOCH + 100 * DAY;

	write_senders(12);
	archives_write_one(archive, VM_B, VM_A, EPOCH + 60 * DAY, 5);
	write_run(later_s);
	expire(0, 5); /* never */
	ck_assert(is_there(VM_A, "coverage.rrd"));
	expire(101 * DAY, 5);
	ck_assert(is_there(VM_A, "coverage.rrd"));
	ck_assert_int_gt(expire(90 * DAY, 5), 2); /* 13 files, five at a time */
	ck_assert(!is_there(VM_A, ""));
	ck_assert(is_there(VM_B, "mac-020000000001.rrd"));
	ck_assert(is_there(VM_C, "coverage.rrd"));
	ck_assert_uint_eq(archive_counters(archive)->expired_receivers, 1);
	ck_assert_uint_eq(archive_counters(archive)->expired_files, 13);
	/* It comes back as one that was never seen. */
	archives_write_one(archive, VM_A, VM_B, later_s + STEP, 7);
	ck_assert(is_there(VM_A, "coverage.rrd"));
}
END_TEST

/* A clock that jumps a year ahead removes nothing. */
START_TEST(a_jump_of_the_clock_removes_nothing)
{
	archives_write_one(archive, VM_A, VM_B, EPOCH + STEP, 5);
	write_run(EPOCH + RUN * STEP);
	archives_write_one(archive, VM_C, VM_B, EPOCH + 365 * DAY, 1);
	expire(30 * DAY, 100);
	ck_assert(is_there(VM_A, "coverage.rrd"));
	ck_assert_uint_eq(archive_counters(archive)->expired_receivers, 0);
}
END_TEST

/* The folder is out of sight before the first file is removed. */
START_TEST(readers_never_see_half_a_receiver)
{
	struct archive_names names;
	int calls = 0;

	write_senders(20);
	write_run(EPOCH + 100 * DAY);
	while (archive_expire(archive, 30 * DAY, 1, message, sizeof message) == 1) {
		ck_assert_int_eq(archive_read_receivers(reader, &names), GRAPPE_OK);
		ck_assert_uint_eq(names.count, 1);
		archive_names_deinit(&names);
		ck_assert_int_lt(calls++, 100);
		if (calls == 7) /* a stop in the middle */
			reopen(&layout, NULL), write_run(EPOCH + 101 * DAY);
	}
	ck_assert_int_gt(calls, 15);
}
END_TEST

/* A pair's file goes when no row reaches back to it: all sums are what they were. */
START_TEST(pairs_expire_when_they_say_nothing_any_more)
{
	const struct archive_layout small = {
	    .length_s = STEP, .count = 2, .levels = {{STEP, 7200}, {3600, 10 * DAY}}};
	struct archive_totals before, after;
	const int64_t end_s = EPOCH + 30 * DAY;

	reopen(&small, NULL);
	for (int day = 0; day < 30; day++) {
		const struct archive_sender two[2] = {{VM_B, 10, 0}, {"external", 5, 0}};

		ck_assert_int_eq(archives_write(archive, VM_A, EPOCH + day * DAY + STEP, 1,
				     day == 0 || day == 25 ? 2 : 1, two, message),
		    GRAPPE_OK);
		if (day == 1)
			archives_write_one(archive, VM_A, VM_C, EPOCH + day * DAY + 2 * STEP, 8);
	}
	write_run(end_s);
	archives_write_one(archive, VM_A, VM_B, end_s, 3);
	ck_assert_int_eq(archive_read_totals(reader, VM_A, EPOCH, end_s, &before), GRAPPE_OK);
	expire(12 * DAY, 100);
	ck_assert_int_eq(archive_read_totals(reader, VM_A, EPOCH, end_s, &after), GRAPPE_OK);
	ck_assert(!is_there(VM_A, VM_C ".rrd"));
	ck_assert(is_there(VM_A, "external.rrd"));
	ck_assert(is_there(VM_A, VM_B ".rrd"));
	ck_assert_uint_eq(archive_counters(archive)->expired_files, 1);
	ck_assert_double_eq(before.known, after.known);
	ck_assert_uint_eq(before.nsenders, after.nsenders);
	for (size_t i = 0; i < before.nsenders; i++)
		ck_assert_double_eq(before.senders[i].packets, after.senders[i].packets);
	archive_totals_deinit(&before);
	archive_totals_deinit(&after);
	/* It may come back. */
	archives_write_one(archive, VM_A, VM_C, end_s + STEP, 8);
	ck_assert_int_eq(archive_read_totals(reader, VM_A, end_s, end_s + STEP, &after), GRAPPE_OK);
	ck_assert(after.nsenders == 1 && after.senders[0].packets == 8);
	archive_totals_deinit(&after);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("archive_keep");
	TCase *c = tcase_create("archive_keep");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, marks_are_counted_at_every_level, 0, 2);
	tcase_add_test(c, archives_without_marks_have_none);
	tcase_add_test(c, receivers_expire_by_the_rule_only);
	tcase_add_test(c, a_jump_of_the_clock_removes_nothing);
	tcase_add_test(c, readers_never_see_half_a_receiver);
	tcase_add_test(c, pairs_expire_when_they_say_nothing_any_more);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
