/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/period_store.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/unit/unit.h"

#include <sys/stat.h>

#define LENGTH 30

static char folder[UNIT_PATH_SIZE];
static struct period_store *store;

static void setup(void)
{
	unit_make_folder(folder);
	ck_assert_int_eq(period_store_open(folder, 3, &store), 0);
}

static void teardown(void)
{
	period_store_close(store);
	unit_remove_folder(folder);
}

static void reopen(void)
{
	period_store_close(store);
	ck_assert_int_eq(period_store_open(folder, 3, &store), 0);
}

/* One vif vm-N, one row from 10.0.0.N per vif. */
static struct period *make(int64_t end_s, int first, int count, uint64_t packets)
{
	struct period *period = period_new();

	period->header.end_s = end_s;
	period->header.length_s = LENGTH;
	for (int i = first; i < first + count; i++) {
		struct period_vif vif = {.segment = "t1",
		    .nmacs = 1,
		    .macs = {{{2, 0, 0, 0, 0, (uint8_t)i}}},
		    .covered_ms = 20000};
		struct period_row row = {.packets = packets, .octets = packets * 100};

		identity_from_mac(&vif.macs[0], vif.vm_id);
		row.vif = (uint32_t)period_add_vif(period, &vif);
		row.peer = (struct address){.type = ADDRESS_IPV4, .bytes = {10, 0, 0, (uint8_t)i}};
		ck_assert_int_ge(period_add_row(period, &row), 0);
	}
	return period;
}

static int publish(int64_t end_s, uint64_t packets)
{
	struct period *period = make(end_s, 1, 2, packets);
	const int rc = period_store_publish(store, period);

	period_free(period);
	return rc;
}

static bool exists(const char *name, mode_t mode)
{
	char path[UNIT_PATH_SIZE + 64];
	struct stat status;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return stat(path, &status) == 0 && (mode == 0 || (status.st_mode & 0777) == mode);
}

static void put(const char *name, const char *text)
{
	char path[UNIT_PATH_SIZE + 64];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	ck_assert_int_eq(file_replace(path, text, strlen(text), 0644), 0);
}

START_TEST(sealed_files)
{
	char path[UNIT_PATH_SIZE + 64];
	struct buffer bytes;
	struct period *period;

	ck_assert_int_eq(publish(3000, 7), 0);
	ck_assert(exists("3000", 0444));
	snprintf(path, sizeof path, "%s/3000", folder);
	ck_assert_int_eq(file_read(path, 1 << 20, &bytes), 0);
	ck_assert_int_eq(period_decode(bytes.bytes, bytes.length, &period), 0);
	ck_assert_int_eq(period->header.end_s, 3000);
	ck_assert_uint_eq(period->nrows, 2);
	period_free(period);
	buffer_deinit(&bytes);
}
END_TEST

START_TEST(nothing_is_replaced)
{
	ck_assert_int_eq(publish(3000, 7), 0);
	ck_assert_int_eq(publish(3000, 8), GRAPPE_EEXISTS);
	reopen();
	ck_assert_int_eq(publish(3000, 8), GRAPPE_EEXISTS);
	put("3030", "somebody else's");
	ck_assert_int_eq(publish(3030, 8), GRAPPE_EEXISTS);
}
END_TEST

START_TEST(the_oldest_leave)
{
	size_t count;

	for (int64_t end = 3000; end <= 3120; end += 30)
		ck_assert_int_eq(publish(end, 1), 0);
	ck_assert(
	    !exists("3000", 0) && !exists("3030", 0) && exists("3060", 0) && exists("3120", 0));
	reopen();
	ck_assert_int_eq(period_store_ends(store, &count)[0], 3060);
	ck_assert_uint_eq(count, 3);
	/* After a step back of the clock what was issued first leaves first. */
	ck_assert_int_eq(publish(1500, 1), 0);
	ck_assert(exists("1500", 0) && !exists("3060", 0));
}
END_TEST

START_TEST(leftovers_of_a_kill_go_and_foreign_files_stay)
{
	put("3000.Ab12Xy", "half written");
	put("unfinished.Ab12Xy", "half written");
	put("notes.Ab12Xy", "not ours");
	put("README", "not ours");
	put("0123", "no end of a period");
	reopen();
	ck_assert(!exists("3000.Ab12Xy", 0) && !exists("unfinished.Ab12Xy", 0));
	ck_assert(exists("notes.Ab12Xy", 0) && exists("README", 0) && exists("0123", 0));
}
END_TEST

START_TEST(one_program_at_a_time)
{
	struct period_store *second;

	ck_assert_int_eq(period_store_open(folder, 3, &second), GRAPPE_EEXISTS);
	ck_assert_ptr_null(second);
}
END_TEST

START_TEST(folders_that_cannot_be)
{
	struct period_store *second;
	char path[UNIT_PATH_SIZE + 64];

	put("file", "x");
	snprintf(path, sizeof path, "%s/file/periods", folder);
	ck_assert_int_eq(period_store_open(path, 3, &second), GRAPPE_EIO);
}
END_TEST

START_TEST(unfinished_is_handed_on)
{
	struct period *period = make(3000, 1, 2, 5), *again;

	ck_assert_int_eq(period_store_load_unfinished(store, &again), 0);
	ck_assert_ptr_null(again);
	ck_assert_int_eq(period_store_save_unfinished(store, period), 0);
	period_free(period);
	reopen();
	ck_assert_int_eq(period_store_load_unfinished(store, &again), 0);
	ck_assert_ptr_nonnull(again);
	ck_assert_int_eq(again->header.end_s, 3000);
	period_free(again);
	period_store_remove_unfinished(store);
	ck_assert_int_eq(period_store_load_unfinished(store, &again), 0);
	ck_assert_ptr_null(again);
	put("unfinished", "GRPE garbage");
	ck_assert_int_lt(period_store_load_unfinished(store, &again), 0);
	ck_assert_ptr_null(again);
}
END_TEST

START_TEST(parts_of_a_period_add_up)
{
	struct period *early = make(3000, 1, 3, 5), *late = make(3000, 2, 3, 70);

	early->header.dropped_packets = 4;
	early->vifs[1].multicast_packets = 9;
	early->vifs[1].covered_ms = 15000;
	late->header.dropped_packets = 1;
	early->header.backends = BACKEND_PCAP;
	late->header.backends = BACKEND_BPF;
	ck_assert_int_eq(period_store_merge(late, early), 0);
	ck_assert_uint_eq(late->header.backends, BACKEND_PCAP | BACKEND_BPF);
	ck_assert_uint_eq(late->nvifs, 4);
	ck_assert_uint_eq(late->nrows, 4);
	ck_assert_uint_eq(late->header.dropped_packets, 5);
	ck_assert_uint_ne(late->header.flags & PERIOD_PARTIAL, 0);
	ck_assert_uint_eq(late->vifs[0].multicast_packets, 9);
	ck_assert_uint_eq(late->vifs[0].covered_ms, 30000);
	ck_assert_uint_eq(late->rows[0].packets, 75); /* vm 2, in both */
	ck_assert_uint_eq(late->rows[1].packets, 75);
	ck_assert_uint_eq(late->rows[2].packets, 70); /* vm 4, only late */
	ck_assert_uint_eq(late->rows[3].packets, 5);  /* vm 1, only early */
	ck_assert_int_eq(period_store_publish(store, late), 0);
	late->header.end_s += 30;
	ck_assert_int_eq(period_store_merge(late, early), GRAPPE_EINVALID);
	period_free(early);
	period_free(late);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("period_store");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sealed_files);
	tcase_add_test(tests, nothing_is_replaced);
	tcase_add_test(tests, the_oldest_leave);
	tcase_add_test(tests, leftovers_of_a_kill_go_and_foreign_files_stay);
	tcase_add_test(tests, one_program_at_a_time);
	tcase_add_test(tests, folders_that_cannot_be);
	tcase_add_test(tests, unfinished_is_handed_on);
	tcase_add_test(tests, parts_of_a_period_add_up);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
