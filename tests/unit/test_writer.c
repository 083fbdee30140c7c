/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The archive writer's thread: order, limits, faults that pass. */
#include "collector/writer.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "rrd/archive_read.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>
#include <time.h>

#define STEP 30
#define PERIODS 20
#define MANY 2500
#define DEADLINE_S 20

static char folder[UNIT_PATH_SIZE], archives[UNIT_PATH_SIZE + 16];
static struct writer_options options;
static int64_t first_s; /* end of period 1; period PERIODS has passed */

static void setup(void)
{
	unit_make_folder(folder);
	snprintf(archives, sizeof archives, "%s/rrd", folder);
	options = (struct writer_options){.folder = archives, .floor_bytes = 1, .retry_ms = 20};
	archive_layout_default(STEP, &options.layout);
	first_s = (clock_wall_ns() / CLOCK_SECOND_NS / STEP - PERIODS) * STEP;
}

static void teardown(void)
{
	archives_remove(folder);
}

static struct archive_update *period(const char *receiver, int number)
{
	const struct archive_sender senders[2] = {{VM_C, 100 * number, 0}, {"external", number, 0}};

	return archives_update(receiver, first_s + number * STEP, 1, 2, senders);
}

static int submit(struct writer *writer, const char *receiver, int number)
{
	struct archive_update *update = period(receiver, number);
	const int rc = writer_submit(writer, update);

	if (rc != GRAPPE_OK)
		archive_update_free(update);
	return rc;
}

/* Waits until nothing is queued, or until something fails. */
static struct writer_status wait_for(struct writer *writer, bool failing)
{
	const time_t end = time(NULL) + DEADLINE_S;
	struct writer_status status;

	do {
		const struct timespec nap = {.tv_nsec = 1000000};

		nanosleep(&nap, NULL);
		writer_get_status(writer, &status);
		ck_assert_msg(time(NULL) < end, "waited too long: queue %zu, failing %d, %s",
		    status.queue, status.failing, status.error);
	} while (failing ? !status.failing : status.queue > 0);
	return status;
}

static void check_stored(const char *receiver, int from, int to)
{
	struct archive_reader *reader;
	struct archive_rows rows;

	ck_assert_int_eq(archive_reader_open(archives, &reader), GRAPPE_OK);
	ck_assert_int_eq(archive_read_pair(reader, receiver, VM_C, first_s + (from - 1) * STEP,
			     first_s + to * STEP, true, &rows),
	    GRAPPE_OK);
	for (int i = from; i <= to; i++) {
		ck_assert(rows.rows[i - from].known == 1);
		ck_assert(rows.rows[i - from].packets == 100 * i);
	}
	archive_rows_deinit(&rows);
	archive_reader_close(reader);
}

START_TEST(periods_are_written_in_order)
{
	struct writer *writer;
	struct writer_status status;

	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	for (int i = 1; i <= PERIODS; i++) {
		ck_assert_int_eq(submit(writer, VM_A, i), GRAPPE_OK);
		ck_assert_int_eq(submit(writer, VM_B, i), GRAPPE_OK);
	}
	status = wait_for(writer, false);
	ck_assert(!status.failing);
	ck_assert_int_eq(status.written_end_s, first_s + PERIODS * STEP);
	ck_assert_uint_eq(status.counters.periods, 2 * PERIODS);
	ck_assert_uint_eq(status.counters.updates, 4 * PERIODS);
	ck_assert_uint_eq(status.counters.created, 6);
	ck_assert_uint_eq(status.lost, 0);
	writer_free(writer, 0);
	check_stored(VM_A, 1, PERIODS);
	check_stored(VM_B, 1, PERIODS);
}
END_TEST

START_TEST(what_waits_is_written_at_the_end)
{
	struct writer *writer;

	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	for (int i = 1; i <= PERIODS; i++)
		ck_assert_int_eq(submit(writer, VM_A, i), GRAPPE_OK);
	writer_free(writer, DEADLINE_S * 1000);
	check_stored(VM_A, 1, PERIODS);
}
END_TEST

START_TEST(a_stop_without_time_ends)
{
	struct writer *writer;

	ck_assert_int_eq(file_replace(archives, "x", 1, 0644), GRAPPE_OK);
	options.retry_ms = 3600000;
	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	ck_assert_int_eq(submit(writer, VM_A, 1), GRAPPE_OK);
	ck_assert_int_eq(submit(writer, VM_A, 2), GRAPPE_OK);
	wait_for(writer, true);
	writer_free(writer, 10);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_awaited)
{
	struct writer_status status;
	struct writer *writer;
	int taken = 0;

	ck_assert_int_eq(file_replace(archives, "in the way", 10, 0644), GRAPPE_OK);
	options.queue_pairs = 30; /* ten periods of two pairs each */
	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	status = wait_for(writer, true);
	ck_assert_msg(strstr(status.error, archives) != NULL, "%s", status.error);
	while (taken < PERIODS && submit(writer, VM_A, taken + 1) == GRAPPE_OK)
		taken++;
	ck_assert_int_eq(taken, 10);
	ck_assert_int_eq(submit(writer, VM_A, taken + 1), GRAPPE_ELIMIT);
	ck_assert_int_eq(unlink(archives), 0);
	status = wait_for(writer, false);
	ck_assert(!status.failing);
	ck_assert_str_eq(status.error, "");
	ck_assert_uint_gt(status.failures, 0);
	ck_assert_uint_eq(status.lost, 0);
	for (int i = taken + 1; i <= PERIODS; i++) {
		ck_assert_int_eq(submit(writer, VM_A, i), GRAPPE_OK);
		wait_for(writer, false);
	}
	writer_free(writer, 0);
	check_stored(VM_A, 1, PERIODS);
}
END_TEST

START_TEST(one_receiver_in_trouble_holds_nobody_up)
{
	char path[UNIT_PATH_SIZE + 128];
	const time_t end = time(NULL) + DEADLINE_S;
	struct writer_status status;
	struct writer *writer;

	ck_assert_int_eq(mkdir(archives, 0755), 0);
	snprintf(path, sizeof path, "%s/" VM_A, archives);
	ck_assert_int_eq(file_replace(path, "in the way", 10, 0644), GRAPPE_OK);
	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	for (int i = 1; i <= PERIODS; i++) {
		ck_assert_int_eq(submit(writer, VM_A, i), GRAPPE_OK);
		ck_assert_int_eq(submit(writer, VM_B, i), GRAPPE_OK);
	}
	do {
		writer_get_status(writer, &status);
		ck_assert_int_lt(time(NULL), end);
	} while (status.counters.periods < PERIODS);
	check_stored(VM_B, 1, PERIODS);
	status = wait_for(writer, true);
	ck_assert_uint_eq(status.queue, PERIODS);
	ck_assert_msg(strstr(status.error, VM_A) != NULL, "%s", status.error);
	ck_assert_int_eq(unlink(path), 0);
	status = wait_for(writer, false);
	ck_assert(!status.failing);
	ck_assert_uint_eq(status.lost, 0);
	writer_free(writer, 0);
	check_stored(VM_A, 1, PERIODS);
}
END_TEST

/* The collector answers old windows from the archives while its writer goes on. */
START_TEST(reading_beside_the_thread_is_exact)
{
	struct archive_reader *reader;
	struct writer_status status;
	struct writer *writer;
	int reads = 0;

	first_s -= MANY * STEP;
	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	for (int i = 1; i <= MANY; i++)
		ck_assert_int_eq(submit(writer, VM_A, i), GRAPPE_OK);
	do {
		writer_get_status(writer, &status);
	} while (status.written_end_s < first_s + 20 * STEP);
	ck_assert_int_eq(archive_reader_open(archives, &reader), GRAPPE_OK);
	while (status.queue > 0) {
		struct archive_rows rows;

		ck_assert_int_eq(
		    archive_read_pair(reader, VM_A, VM_C, status.written_end_s - 10 * STEP,
			status.written_end_s, true, &rows),
		    GRAPPE_OK);
		for (size_t i = 0; i < rows.count; i++)
			ck_assert_double_eq(rows.rows[i].packets,
			    100 * (double)((rows.rows[i].end_s - first_s) / STEP));
		archive_rows_deinit(&rows);
		reads++;
		writer_get_status(writer, &status);
	}
	printf("%d reads beside the thread\n", reads);
	ck_assert_int_gt(reads, 10);
	ck_assert_uint_eq(status.failures, 0);
	archive_reader_close(reader);
	writer_free(writer, 0);
}
END_TEST

START_TEST(patience_ends)
{
	char path[UNIT_PATH_SIZE + 128];
	struct writer_status status;
	struct writer *writer;

	ck_assert_int_eq(mkdir(archives, 0755), 0);
	snprintf(path, sizeof path, "%s/" VM_A, archives);
	ck_assert_int_eq(file_replace(path, "in the way", 10, 0644), GRAPPE_OK);
	options.patience_ms = 50;
	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	ck_assert_int_eq(submit(writer, VM_A, 1), GRAPPE_OK);
	status = wait_for(writer, false);
	ck_assert_uint_eq(status.lost, 1);
	ck_assert_uint_gt(status.failures, 1);
	writer_free(writer, 0);
}
END_TEST

START_TEST(time_that_makes_no_sense_is_refused)
{
	struct archive_update *update = period(VM_A, PERIODS);
	struct archive_layout wrong = options.layout;
	struct writer *writer;

	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_OK);
	update->end_s += 3 * STEP;
	ck_assert_int_eq(writer_submit(writer, update), GRAPPE_ERANGE);
	update->end_s -= 3 * STEP + 1;
	ck_assert_int_eq(writer_submit(writer, update), GRAPPE_ERANGE);
	archive_update_free(update);
	writer_free(writer, 0);
	wrong.levels[0].resolution_s = 60;
	options.layout = wrong;
	ck_assert_int_eq(writer_new(&options, &writer), GRAPPE_EINVALID);
	ck_assert_ptr_null(writer);
	writer_free(NULL, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("writer");
	TCase *c = tcase_create("writer");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, periods_are_written_in_order);
	tcase_add_test(c, what_waits_is_written_at_the_end);
	tcase_add_test(c, a_stop_without_time_ends);
	tcase_add_test(c, a_folder_that_cannot_be_written_is_awaited);
	tcase_add_test(c, one_receiver_in_trouble_holds_nobody_up);
	tcase_add_test(c, reading_beside_the_thread_is_exact);
	tcase_add_test(c, patience_ends);
	tcase_add_test(c, time_that_makes_no_sense_is_refused);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
