/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Archives written through a real rrdcached: when a period counts as stored, and what becomes of it
 * when files, the daemon or the writer go away. */
#include "common/error.h"
#include "common/file.h"
#include "rrd/archive.h"
#include "rrd/archive_read.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STEP 30

static char folder[UNIT_PATH_SIZE], message[1024];
static struct archive_layout layout;
static struct archives_daemon cached;
static struct archive *archive;
static struct archive_reader *reader;

static void setup(void)
{
	unit_make_folder(folder);
	archive_layout_default(STEP, &layout);
	archives_daemon_start(&cached, true);
	archive = archives_open_with(folder, &layout, cached.address);
	ck_assert_int_eq(archive_reader_open(folder, &reader), GRAPPE_OK);
}

static void teardown(void)
{
	archive_reader_close(reader);
	archive_close(archive);
	archives_daemon_remove(&cached);
	archives_remove(folder);
}

/* Two senders, B with 10 and C with 20 packets. */
static int write_period(int number)
{
	const struct archive_sender senders[2] = {{VM_B, 10, 0}, {VM_C, 20, 0}};

	struct archive_update *update = archives_update(VM_A, EPOCH + number * STEP, 1, 2, senders);
	const int rc =
	    archive_write(archive, update, EPOCH + 100 * STEP, false, message, sizeof message);

	archive_update_free(update);
	return rc;
}

static void write_periods(int from, int to)
{
	for (int i = from; i <= to; i++)
		ck_assert_msg(write_period(i) == GRAPPE_OK, "%s", message);
}

static void commit(void)
{
	const int rc = archive_commit(archive, false, message, sizeof message);

	ck_assert_msg(rc == GRAPPE_OK && message[0] == '\0', "%d %s", rc, message);
}

static int committed(void)
{
	int64_t end_s = 0, length_s;
	const int rc = archive_read_last(reader, VM_A, &end_s, &length_s);

	ck_assert(rc == GRAPPE_OK || rc == GRAPPE_ENOTFOUND);
	return rc == GRAPPE_OK ? (int)((end_s - EPOCH) / STEP) : 0;
}

static void check_stored(const char *sender, double packets, int from, int to)
{
	struct archive_rows rows;

	ck_assert_int_eq(archive_read_pair(reader, VM_A, sender, EPOCH + (from - 1) * STEP,
			     EPOCH + to * STEP, true, &rows),
	    GRAPPE_OK);
	for (int i = from; i <= to; i++) {
		ck_assert_msg(rows.rows[i - from].known == 1, "period %d", i);
		ck_assert_msg(rows.rows[i - from].packets == packets, "period %d: %f", i,
		    rows.rows[i - from].packets);
	}
	archive_rows_deinit(&rows);
}

static off_t spooled(void)
{
	char path[1024];
	struct stat status;

	archives_path(path, sizeof path, folder, ".", "spool");
	ck_assert_int_eq(stat(path, &status), 0);
	return status.st_size;
}

START_TEST(a_period_counts_when_its_files_have_it)
{
	write_periods(1, 3);
	ck_assert_int_eq(committed(), 0);
	ck_assert_int_gt(spooled(), 0);
	commit();
	ck_assert_int_eq(committed(), 3);
	ck_assert_int_eq(spooled(), 0);
	write_periods(4, 6);
	ck_assert_int_eq(committed(), 3);
	commit();
	check_stored(VM_B, 10, 1, 6);
	check_stored(VM_C, 20, 1, 6);
	ck_assert_uint_eq(archive_counters(archive)->periods, 6);
	ck_assert_uint_eq(archive_counters(archive)->handed, 6);
	ck_assert_uint_eq(archive_counters(archive)->created, 3);
}
END_TEST

START_TEST(a_stop_commits)
{
	write_periods(1, 5);
	archive_close(archive);
	archive = NULL;
	check_stored(VM_C, 20, 1, 5);
}
END_TEST

/* In the steady state no file is opened: those of the pairs are not even there. */
START_TEST(nothing_is_opened_in_the_steady_state)
{
	char path[1024], away[1100];

	write_periods(1, 2);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	snprintf(away, sizeof away, "%s.away", path);
	ck_assert_int_eq(rename(path, away), 0);
	write_periods(3, 4);
	ck_assert_int_eq(rename(away, path), 0);
	commit();
	check_stored(VM_B, 10, 1, 4);
}
END_TEST

START_TEST(silence_and_holes_between_commits)
{
	const struct archive_sender b = {VM_B, 7, 0};
	static const char shape[] = "b..b-x.b-...b";
	const int n = (int)strlen(shape);
	struct archive_rows rows;

	for (int i = 0; i < n; i++) {
		if (shape[i] != '-')
			ck_assert_int_eq(archives_write(archive, VM_A, EPOCH + (i + 1) * STEP,
					     shape[i] != 'x', shape[i] == 'b', &b, message),
			    GRAPPE_OK);
		if (i == _i)
			commit();
	}
	commit();
	ck_assert_int_eq(
	    archive_read_pair(reader, VM_A, VM_B, EPOCH, EPOCH + n * STEP, true, &rows), GRAPPE_OK);
	for (int i = 0; i < n; i++) {
		ck_assert(rows.rows[i].known == (shape[i] != '-' && shape[i] != 'x'));
		ck_assert(rows.rows[i].packets == (shape[i] == 'b' ? 7 : 0));
	}
	archive_rows_deinit(&rows);
}
END_TEST

START_TEST(what_was_handed_over_is_not_taken_twice)
{
	write_periods(1, 3);
	write_periods(2, 3);
	commit();
	write_periods(1, 3);
	commit();
	ck_assert_uint_eq(archive_counters(archive)->repeated, 5);
	check_stored(VM_B, 10, 1, 3);
}
END_TEST

START_TEST(a_daemon_that_is_away_is_awaited)
{
	write_periods(1, 2);
	archives_daemon_kill(&cached);
	ck_assert_int_eq(write_period(3), GRAPPE_ETIMEOUT);
	ck_assert_msg(strstr(message, cached.address) != NULL, "%s", message);
	ck_assert_int_eq(archive_commit(archive, false, message, sizeof message), GRAPPE_ETIMEOUT);
	ck_assert_int_eq(committed(), 0);
	cached.journal = _i == 0;
	archives_daemon_restart(&cached);
	write_periods(3, 4);
	commit();
	check_stored(VM_B, 10, 1, 4);
}
END_TEST

/* Runs in a process of its own that ends without a word. */
static void die_after(int periods)
{
	const pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		archive_close(archive);
		archive = archives_open_with(folder, &layout, cached.address);
		for (int i = 1; i <= periods; i++)
			if (write_period(i) != GRAPPE_OK)
				_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/* The writer dies with periods that are not committed, and whoever comes next has them: the same,
 * also when the daemon died as well, or one that writes directly from then on. */
START_TEST(a_writer_that_died_left_everything)
{
	archive_close(archive);
	archive = NULL;
	die_after(5);
	ck_assert_int_eq(committed(), 0);
	if (_i == 1) {
		archives_daemon_kill(&cached);
		cached.journal = false;
		archives_daemon_restart(&cached);
	}
	archive = archives_open_with(folder, &layout, _i == 2 ? NULL : cached.address);
	/* The collector asks agents again, and is told of a loss where they have nothing. */
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 5 * STEP, 0, 0, NULL, message), GRAPPE_OK);
	write_periods(6, 6);
	commit();
	check_stored(VM_B, 10, 1, 6);
	check_stored(VM_C, 20, 1, 6);
	ck_assert_int_eq(spooled(), 0);
}
END_TEST

START_TEST(a_file_that_vanished_begins_anew)
{
	char path[1024];

	write_periods(1, 2);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	if (_i == 1)
		commit();
	ck_assert_int_eq(unlink(path), 0);
	archives_daemon_kill(&cached); /* so that it looks for the file again */
	archives_daemon_restart(&cached);
	write_period(3);
	archive_commit(archive, false, message, sizeof message);
	write_periods(3, 4);
	commit();
	check_stored(VM_B, 10, _i == 1 ? 3 : 1, 4);
	check_stored(VM_C, 20, 1, 4);
}
END_TEST

/* Overwritten after it was handed over: what was not committed is written to a new file. */
START_TEST(a_damaged_file_is_set_aside)
{
	char path[1024];
	struct archive_rows rows;
	bool told = false;

	write_periods(1, 2);
	commit();
	write_periods(3, 4);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_int_eq(truncate(path, 100), 0);
	for (int i = 0; i < 3 && committed() < 4; i++) {
		archive_commit(archive, false, message, sizeof message);
		told |= strstr(message, VM_B) != NULL;
	}
	ck_assert(told);
	ck_assert_int_eq(committed(), 4);
	write_periods(5, 5);
	commit();
	ck_assert_uint_eq(archive_counters(archive)->damaged, 1);
	check_stored(VM_B, 10, 3, 5);
	check_stored(VM_C, 20, 1, 5);
	ck_assert_int_eq(
	    archive_read_pair(reader, VM_A, VM_B, EPOCH, EPOCH + STEP, true, &rows), GRAPPE_OK);
	ck_assert(rows.rows[0].known == 0);
	archive_rows_deinit(&rows);
}
END_TEST

/* A pair whose file cannot be written: its receiver waits, others go on; with the end of patience
 * the rest is committed and says what it lacks. */
START_TEST(one_receiver_in_trouble_holds_nobody_up)
{
	const struct archive_sender one = {VM_B, 5, 0};
	struct archive_rows rows;
	char path[1024];

	write_periods(1, 2);
	commit();
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	write_periods(3, 3);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd/in-the-way");
	ck_assert_int_eq(mkdir(path, 0755), 0);
	for (int end = EPOCH + 3 * STEP, i = 0; i < 100; i++) {
		/* not even a name is free to set it aside */
		snprintf(path, sizeof path, "%s/" VM_A "/" VM_B ".rrd.damaged-%d", folder, end + i);
		ck_assert_int_eq(mkdir(path, 0755), 0);
	}
	ck_assert_int_eq(
	    archives_write(archive, VM_C, EPOCH + 3 * STEP, 1, 1, &one, message), GRAPPE_OK);
	ck_assert_int_eq(archive_commit(archive, false, message, sizeof message), GRAPPE_EIO);
	ck_assert_msg(strstr(message, VM_B) != NULL, "%s", message);
	ck_assert_int_eq(committed(), 2);
	ck_assert_int_eq(
	    archive_read_pair(reader, VM_C, VM_B, EPOCH + 2 * STEP, EPOCH + 3 * STEP, true, &rows),
	    GRAPPE_OK);
	ck_assert(rows.rows[0].known == 1 && rows.rows[0].packets == 5);
	archive_rows_deinit(&rows);
	ck_assert_int_gt(spooled(), 0);
	ck_assert_int_eq(archive_commit(archive, true, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(committed(), 3);
	ck_assert_int_eq(
	    archive_read_coverage(reader, VM_A, EPOCH + 2 * STEP, EPOCH + 3 * STEP, true, &rows),
	    GRAPPE_OK);
	ck_assert_double_eq_tol(rows.rows[0].covered, 2.0 / 3, 1e-9);
	archive_rows_deinit(&rows);
	ck_assert_uint_eq(archive_counters(archive)->lost, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("relay");
	TCase *c = tcase_create("relay");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_period_counts_when_its_files_have_it);
	tcase_add_test(c, a_stop_commits);
	tcase_add_test(c, nothing_is_opened_in_the_steady_state);
	tcase_add_loop_test(c, silence_and_holes_between_commits, 0, 14);
	tcase_add_test(c, what_was_handed_over_is_not_taken_twice);
	tcase_add_loop_test(c, a_daemon_that_is_away_is_awaited, 0, 2);
	tcase_add_loop_test(c, a_writer_that_died_left_everything, 0, 3);
	tcase_add_loop_test(c, a_file_that_vanished_begins_anew, 0, 2);
	tcase_add_test(c, a_damaged_file_is_set_aside);
	tcase_add_test(c, one_receiver_in_trouble_holds_nobody_up);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
