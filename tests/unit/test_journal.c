/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A writer that was killed in the middle of updating a file, at each step of it. */
#include "rrd/journal.h"

#include "common/error.h"
#include "common/file.h"
#include "rrd/archive.h"
#include "rrd/archive_read.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#define STEP 30
#define BEFORE 25 /* periods stored before the one that is interrupted */

static char folder[UNIT_PATH_SIZE];
static struct archive_layout layout;
static const struct archive_sender senders[2] = {{VM_B, 10, 1000}, {VM_C, 20, 3000}};

static void write_period(struct archive *archive, int number)
{
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + number * STEP, 1, 2, senders, NULL), GRAPPE_OK);
}

static void setup(void)
{
	struct archive *archive;

	unit_make_folder(folder);
	archive_layout_default(STEP, &layout);
	archive = archives_open(folder, &layout);
	for (int i = 1; i <= BEFORE; i++)
		write_period(archive, i);
	archive_close(archive);
}

static void teardown(void)
{
	archives_remove(folder);
}

static void path_of(const char *sender, char path[1024])
{
	char name[128];

	snprintf(name, sizeof name, "%s.rrd", sender);
	archives_path(path, 1024, folder, VM_A, name);
}

/* The state a kill leaves: period noted, head of `sender`'s file kept, then its update begun. */
static void interrupt(const char *sender, enum rrdfile_kind kind, size_t torn_at)
{
	struct archive_update *update =
	    archives_update(VM_A, EPOCH + (BEFORE + 1) * STEP, 1, 2, senders);
	const struct rrdfile_point point = {
	    .end_s = update->end_s, .values = {kind == RRDFILE_PAIR ? 10 : 1, 1}};
	struct rrdfile_head before, after;
	struct journal *journal;
	char path[1024], message[256];
	int fd;

	path_of(sender, path);
	ck_assert_int_eq(journal_open(folder, &journal), GRAPPE_OK);
	ck_assert_int_eq(journal_begin(journal, update), GRAPPE_OK);
	ck_assert_int_eq(rrdfile_read_head(path, kind, &before), GRAPPE_OK);
	ck_assert_int_eq(
	    journal_keep_head(journal, kind == RRDFILE_PAIR ? sender : NULL, &before), GRAPPE_OK);
	ck_assert_int_eq(rrdfile_update(path, &point, 1, message, sizeof message), GRAPPE_OK);
	ck_assert_int_eq(rrdfile_read_head(path, kind, &after), GRAPPE_OK);
	/* New up to torn_at, old behind it. */
	memcpy(after.bytes + torn_at, before.bytes + torn_at, before.size - torn_at);
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, after.bytes, after.size, 0), after.size);
	close(fd);
	journal_close(journal);
	archive_update_free(update);
}

/* All periods are there, and the next one is not. */
static void check_all(int periods)
{
	struct archive_reader *reader;
	struct archive_rows rows;

	ck_assert_int_eq(archive_reader_open(folder, &reader), GRAPPE_OK);
	for (int k = 0; k < 2; k++) {
		ck_assert_int_eq(archive_read_pair(reader, VM_A, senders[k].sender, EPOCH,
				     EPOCH + (periods + 1) * STEP, true, &rows),
		    GRAPPE_OK);
		for (int i = 0; i < periods; i++) {
			ck_assert(rows.rows[i].known == 1);
			ck_assert_msg(rows.rows[i].packets == senders[k].packets,
			    "period %d of %s: %g", i + 1, senders[k].sender, rows.rows[i].packets);
			ck_assert(rows.rows[i].octets == senders[k].octets);
		}
		ck_assert(rows.rows[periods].known == 0);
		archive_rows_deinit(&rows);
	}
	archive_reader_close(reader);
}

static void reopen_and_check(uint64_t recovered)
{
	struct archive *archive = archives_open(folder, &layout);

	ck_assert_uint_eq(archive_counters(archive)->recovered, recovered);
	check_all(BEFORE + 1);
	write_period(archive, BEFORE + 2);
	check_all(BEFORE + 2);
	archive_close(archive);
}

/* The head is written in pieces: wherever it was torn, the period is there once. */
START_TEST(a_torn_pair_is_repaired)
{
	interrupt(VM_B, RRDFILE_PAIR, (size_t)_i * 8);
	check_all(BEFORE); /* readers see the state before, too */
	reopen_and_check(1);
}
END_TEST

START_TEST(torn_coverage_is_repaired)
{
	interrupt("coverage", RRDFILE_COVERAGE, (size_t)_i * 64);
	check_all(BEFORE);
	reopen_and_check(1);
}
END_TEST

/* A kept head of a period that was committed must never come back. */
START_TEST(an_old_head_is_not_restored)
{
	struct archive *archive;
	struct journal *journal;
	struct archive_update *update;

	for (int i = 0; i < 3; i++) {
		archive = archives_open(folder, &layout);
		write_period(archive, BEFORE + 1 + i);
		archive_close(archive);
		/* Killed right after the next period was noted, before anything of it was written.
		 */
		ck_assert_int_eq(journal_open(folder, &journal), GRAPPE_OK);
		update = archives_update(VM_A, EPOCH + (BEFORE + 1 + i) * STEP, 1, 2, senders);
		ck_assert_int_eq(journal_begin(journal, update), GRAPPE_OK);
		archive_update_free(update);
		journal_close(journal);
	}
	archive = archives_open(folder, &layout);
	archive_close(archive);
	check_all(BEFORE + 3);
}
END_TEST

/* A journal of any bytes opens, and harms nothing stored. */
START_TEST(a_damaged_journal_is_survived)
{
	char path[1024];
	struct buffer whole;
	unsigned state = 7 + (unsigned)_i;

	interrupt(VM_B, RRDFILE_PAIR, 0);
	archives_path(path, sizeof path, folder, ".", "journal");
	ck_assert_int_eq(file_read(path, 2 << 20, &whole), GRAPPE_OK);
	for (int i = 0; i < 8; i++) {
		state = state * 1664525 + 1013904223;
		whole.bytes[16384 + (state >> 8) % 160] ^= (uint8_t)(1 + (state >> 26));
	}
	ck_assert_int_eq(file_replace(path, whole.bytes, whole.length, 0600), GRAPPE_OK);
	buffer_deinit(&whole);
	{
		struct archive *archive = archives_open(folder, &layout);

		ck_assert_uint_eq(archive_counters(archive)->recovered, 0);
		archive_close(archive);
	}
	check_all(BEFORE);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("journal");
	TCase *c = tcase_create("journal");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_torn_pair_is_repaired, 0, 180);
	tcase_add_loop_test(c, torn_coverage_is_repaired, 0, 22);
	tcase_add_test(c, an_old_head_is_not_restored);
	tcase_add_loop_test(c, a_damaged_journal_is_survived, 0, 20);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
