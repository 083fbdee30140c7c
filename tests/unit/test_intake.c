/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/intake.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/fakes/make_period.h"
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <sys/stat.h>

#define START 1800000000

static char periods[UNIT_PATH_SIZE], state[UNIT_PATH_SIZE];
static struct intake *intake;
static int64_t steady_s; /* the monotonic clock of these tests */

static void open_intake(void)
{
	intake = intake_new(periods, state, 4);
	ck_assert_ptr_nonnull(intake);
	steady_s = 1000;
}

static void set_up(void)
{
	unit_make_folder(periods);
	unit_make_folder(state);
	open_intake();
}

static void tear_down(void)
{
	intake_free(intake);
	unit_remove_folder(periods);
	unit_remove_folder(state);
}

static void reopen(void)
{
	intake_free(intake);
	open_intake();
}

static const char *path_of(const char *folder, const char *name)
{
	static char path[2 * UNIT_PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static const char *path_of_end(int64_t end)
{
	char name[32];

	snprintf(name, sizeof name, "%" PRId64, end);
	return path_of(periods, name);
}

static void write_file(const char *path, const void *bytes, size_t length)
{
	ck_assert_int_eq(file_replace(path, bytes, length, 0644), 0);
}

/* A file named `name` with a period that ends at `end`, in which VM `to` got `packets` of VM 2. */
static void publish_as(const char *path, int64_t end, unsigned to, uint64_t packets)
{
	struct period *period = make_period(end);
	struct buffer bytes;

	make_received(period, make_vm(period, to), 2, packets, packets * 100);
	buffer_init(&bytes);
	ck_assert_int_eq(period_encode(make_sorted(period), &bytes), 0);
	write_file(path, bytes.bytes, bytes.length);
	buffer_deinit(&bytes);
	period_free(period);
}

static void publish(int64_t end, unsigned to, uint64_t packets)
{
	publish_as(path_of_end(end), end, to, packets);
}

static void withdraw(int64_t end)
{
	ck_assert_int_eq(unlink(path_of_end(end)), 0);
}

static int scan_after(int64_t seconds, int64_t now_s)
{
	steady_s += seconds;
	return intake_scan(intake, now_s, steady_s * CLOCK_SECOND_NS);
}

/* Cumulative packets that VM 1 received. */
static uint64_t packets(void)
{
	const struct ledger *ledger = intake_ledger(intake);
	uint64_t sum = 0;

	for (size_t i = 0; i < ledger->rows.count; i++)
		if (ledger->rows.items[i].vif == 1)
			sum += ledger->rows.items[i].packets;
	return sum;
}

START_TEST(each_file_counts_once)
{
	publish(START, 1, 10);
	publish(START + 30, 1, 20);
	ck_assert_int_eq(scan_after(1, START + 31), 2);
	ck_assert_int_eq(scan_after(2, START + 33), 0);
	ck_assert_uint_eq(packets(), 30);
	publish(START + 60, 1, 40);
	ck_assert_int_eq(scan_after(30, START + 61), 1);
	ck_assert_uint_eq(packets(), 70);
	ck_assert_uint_eq(intake_ledger(intake)->start_s, START - 30);
	ck_assert_uint_eq(intake_refused(intake), 0);
}
END_TEST

START_TEST(more_files_than_history)
{
	for (int i = 0; i < 7; i++)
		publish(START + 30 * i, 1, 1);
	ck_assert_int_eq(scan_after(1, START + 200), 7);
	ck_assert_uint_eq(packets(), 7);
	ck_assert_uint_eq(intake_ring(intake)->count, 4);
	ck_assert_int_eq(scan_after(1, START + 201), 0);
}
END_TEST

START_TEST(killed_and_started_again)
{
	for (int i = 0; i < 4; i++) {
		publish(START + 30 * i, 1, 10);
		scan_after(30, START + 30 * i + 1);
	}
	/* Not saved since the first; the rest is counted again from the files. */
	reopen();
	publish(START + 120, 1, 10);
	scan_after(1, START + 121);
	ck_assert_uint_eq(packets(), 50);
	ck_assert_uint_eq(intake_ledger(intake)->start_s, START - 30);
	ck_assert_uint_eq(intake_ring(intake)->count, 4);
	ck_assert_int_eq(intake_save(intake), 0);
	reopen();
	ck_assert_uint_eq(packets(), 50);
	/* The folder still holds the last period that was counted: nothing can be lost. */
	for (int i = 0; i < 4; i++)
		withdraw(START + 30 * i);
	publish(START + 180, 1, 10);
	scan_after(1, START + 181);
	ck_assert_uint_eq(packets(), 60);
	ck_assert_uint_eq(intake_ledger(intake)->start_s, START - 30);
}
END_TEST

/* Whatever the folder keeps, a kill at any moment loses nothing. */
START_TEST(killed_at_any_time)
{
	static const int folders[] = {2, 3, 8, 20};

	for (size_t round = 0; round < 4; round++) {
		const int kept = folders[round];
		const int64_t base = START + 90000 * (int64_t)kept;

		intake_free(intake);
		unlink(path_of(state, "index"));
		open_intake();
		for (int i = 0; i < 30; i++) {
			publish(base + 30 * i, 1, 10);
			if (i >= kept)
				withdraw(base + 30 * (i - kept));
			scan_after(30, base + 30 * i + 1);
			if (i % 7 == kept % 7)
				reopen();
			ck_assert_uint_le(packets(), 10u * (i + 1));
		}
		reopen();
		scan_after(1, base + 30 * 30);
		ck_assert_uint_eq(packets(), 300);
		ck_assert_uint_eq(intake_ledger(intake)->start_s, base - 30);
		for (int i = 30 - kept; i < 30; i++)
			withdraw(base + 30 * i);
	}
}
END_TEST

START_TEST(a_gap_over_a_restart_starts_again)
{
	publish(START, 1, 10);
	scan_after(1, START + 1);
	ck_assert_int_eq(intake_save(intake), 0);
	reopen();
	withdraw(START);
	publish(START + 60, 1, 5);
	publish(START + 120, 1, 6); /* the sensor paused: no gap of ours */
	scan_after(1, START + 121);
	ck_assert_uint_eq(packets(), 11);
	ck_assert_uint_eq(intake_ledger(intake)->start_s, START + 30);
	/* The number of the VM stays. */
	ck_assert_uint_eq(intake_ledger(intake)->nvifs, 1);
}
END_TEST

START_TEST(the_next_period_is_no_gap)
{
	publish(START, 1, 10);
	scan_after(1, START + 1);
	ck_assert_int_eq(intake_save(intake), 0);
	reopen();
	withdraw(START);
	publish(START + 30, 1, 5);
	scan_after(1, START + 31);
	ck_assert_uint_eq(packets(), 15);
}
END_TEST

START_TEST(a_watched_folder_has_no_gap)
{
	publish(START, 1, 10);
	scan_after(1, START + 1);
	withdraw(START); /* the sensor was restarted and began with an empty folder */
	scan_after(20, START + 3600);
	publish(START + 3600, 1, 5);
	scan_after(20, START + 3620);
	ck_assert_uint_eq(packets(), 15);
	/* But not when the agent slept. */
	withdraw(START + 3600);
	publish(START + 7200, 1, 7);
	scan_after(3000, START + 7201);
	ck_assert_uint_eq(packets(), 7);
}
END_TEST

START_TEST(the_future_waits)
{
	publish(START, 1, 10);
	publish(START + 30, 1, 20);
	publish(START + 86400, 1, 40);
	ck_assert_int_eq(scan_after(1, START + 1), 1);
	ck_assert_int_eq(scan_after(30, START + 29), 1);
	ck_assert_uint_eq(packets(), 30);
	ck_assert_uint_eq(intake_ledger(intake)->last_end, START + 30);
}
END_TEST

START_TEST(a_clock_set_back)
{
	publish(START + 36000, 1, 10);
	scan_after(1, START + 36001);
	ck_assert_uint_eq(packets(), 10);
	publish(START, 1, 3);
	ck_assert_int_eq(scan_after(10, START + 1), 1);
	ck_assert_uint_eq(packets(), 3);
	ck_assert_uint_eq(intake_ledger(intake)->last_end, START);
	ck_assert_uint_eq(intake_ring(intake)->count, 1);
	ck_assert_uint_eq(intake_ledger(intake)->nvifs, 1);
	ck_assert_int_eq(intake_save(intake), 0);
	reopen();
	ck_assert_uint_eq(packets(), 3);
}
END_TEST

START_TEST(bad_files_are_counted_once)
{
	const char text[] = "no period";
	char whole[512];
	struct buffer bytes;

	publish(START, 1, 10);
	publish_as(path_of_end(START + 10), START, 1, 10); /* its name is not its end */
	write_file(path_of_end(START + 1), text, sizeof text);
	write_file(path_of_end(START + 2), text, 0);
	write_file(path_of(periods, "notes"), text, sizeof text);
	write_file(path_of(periods, "01800000000"), text, sizeof text);
	write_file(path_of(periods, "99999999999999999999"), text, sizeof text);
	write_file(path_of(periods, "1800000030.Ab3dEf"), text, sizeof text);
	write_file(path_of(periods, ".hidden"), text, sizeof text);
	write_file(path_of(periods, "lock"), text, 0);
	write_file(path_of(periods, "unfinished"), text, sizeof text);
	write_file(path_of(periods, "unfinished.Ab3dEf"), text, sizeof text);
	ck_assert_int_eq(mkfifo(path_of_end(START + 3), 0600), 0);
	ck_assert_int_eq(symlink("loop", path_of(periods, "1800000004")), 0);
	ck_assert_int_eq(file_read(path_of_end(START), sizeof whole, &bytes), 0);
	write_file(path_of_end(START + 5), bytes.bytes, bytes.length - 1);
	for (int i = 0; i < 3; i++) {
		scan_after(2, START + 60);
		ck_assert_uint_eq(packets(), 10);
		ck_assert_uint_eq(intake_refused(intake), 8);
	}
	/* Once it is whole and right, it is taken. */
	publish(START + 30, 1, 5);
	write_file(path_of_end(START + 60), bytes.bytes, bytes.length - 1);
	ck_assert_int_eq(scan_after(2, START + 61), 1);
	publish(START + 60, 1, 7);
	ck_assert_int_eq(scan_after(2, START + 63), 1);
	ck_assert_uint_eq(packets(), 22);
	ck_assert_uint_eq(intake_refused(intake), 9);
	buffer_deinit(&bytes);
}
END_TEST

START_TEST(no_folder_yet)
{
	unit_remove_folder(periods);
	ck_assert_int_eq(scan_after(1, START), GRAPPE_EIO);
	ck_assert_int_eq(scan_after(1, START), GRAPPE_EIO);
	ck_assert_int_eq(mkdir(periods, 0700), 0);
	publish(START, 1, 10);
	ck_assert_int_eq(scan_after(1, START + 1), 1);
}
END_TEST

START_TEST(damaged_state)
{
	struct buffer bytes;

	publish(START, 1, 10);
	scan_after(1, START + 1);
	ck_assert_int_eq(intake_save(intake), 0);
	ck_assert_int_eq(file_read(path_of(state, "index"), 65536, &bytes), 0);
	bytes.bytes[bytes.length / 2] ^= 1;
	write_file(path_of(state, "index"), bytes.bytes, bytes.length);
	write_file(path_of(state, "index.aB3xY9"), bytes.bytes, 10);
	buffer_deinit(&bytes);
	reopen();
	ck_assert_uint_eq(intake_ledger(intake)->last_end, 0);
	ck_assert_int_eq(access(path_of(state, "index.damaged"), R_OK), 0);
	ck_assert_int_ne(access(path_of(state, "index.aB3xY9"), F_OK), 0);
	ck_assert_int_eq(scan_after(1, START + 1), 1);
	ck_assert_uint_eq(packets(), 10);
}
END_TEST

START_TEST(no_room_for_state)
{
	/* A file where the folder should be: works for root as well. */
	intake_free(intake);
	write_file(path_of(state, "file"), "x", 1);
	intake = intake_new(periods, path_of(state, "file"), 4);
	ck_assert_ptr_nonnull(intake);
	publish(START, 1, 10);
	ck_assert_int_eq(scan_after(1, START + 1), 1);
	ck_assert_int_lt(intake_save(intake), 0);
	ck_assert_uint_eq(packets(), 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("intake");
	TCase *tcase = tcase_create("intake");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, each_file_counts_once);
	tcase_add_test(tcase, more_files_than_history);
	tcase_add_test(tcase, killed_and_started_again);
	tcase_add_test(tcase, killed_at_any_time);
	tcase_add_test(tcase, a_gap_over_a_restart_starts_again);
	tcase_add_test(tcase, the_next_period_is_no_gap);
	tcase_add_test(tcase, a_watched_folder_has_no_gap);
	tcase_add_test(tcase, the_future_waits);
	tcase_add_test(tcase, a_clock_set_back);
	tcase_add_test(tcase, bad_files_are_counted_once);
	tcase_add_test(tcase, no_folder_yet);
	tcase_add_test(tcase, damaged_state);
	tcase_add_test(tcase, no_room_for_state);
	tcase_set_timeout(tcase, 120); /* files are synced to disk, which may be slow */
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
