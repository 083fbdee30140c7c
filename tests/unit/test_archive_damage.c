/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are truncated, foreign or full of nonsense: told, set aside, nothing else harmed. */
#include "rrd/archive.h"

#include "common/error.h"
#include "common/file.h"
#include "rrd/archive_read.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#define STEP 30
#define FLIPS 3000

static char folder[UNIT_PATH_SIZE];
static struct archive_layout layout;
static struct archive *archive;
static struct archive_reader *reader;

static void setup(void)
{
	unit_make_folder(folder);
	archive_layout_default(STEP, &layout);
	archive = archives_open(folder, &layout);
	ck_assert_int_eq(archive_reader_open(folder, &reader), GRAPPE_OK);
	for (int i = 1; i <= 10; i++) {
		const struct archive_sender senders[2] = {{VM_B, 10, 0}, {VM_C, 20, 0}};

		ck_assert_int_eq(
		    archives_write(archive, VM_A, EPOCH + i * STEP, 1, 2, senders, NULL),
		    GRAPPE_OK);
	}
}

static void teardown(void)
{
	archive_reader_close(reader);
	archive_close(archive);
	archives_remove(folder);
}

static void put(const char *path, const void *bytes, size_t length)
{
	ck_assert_int_eq(file_replace(path, bytes, length, 0644), GRAPPE_OK);
}

static void spoil_by_truncating(const char *path)
{
	ck_assert_int_eq(truncate(path, 5000), 0);
}

static void spoil_head(const char *path)
{
	ck_assert_int_eq(truncate(path, 100), 0);
}

static void spoil_empty(const char *path)
{
	ck_assert_int_eq(truncate(path, 0), 0);
}

static void spoil_text(const char *path)
{
	put(path, "this is not an archive\n", 23);
}

static void spoil_directory(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void spoil_foreign(const char *path)
{
	const char *const arguments[] = {"create", path, "-s", "30", "DS:load:GAUGE:60:0:U",
	    "DS:temp:GAUGE:60:0:U", "RRA:AVERAGE:0.5:1:100", NULL};

	ck_assert_int_eq(unlink(path), 0);
	free(archives_rrdtool(arguments));
}

/* A file that an earlier wrong clock updated in the future: nothing could be added to it for years.
 */
static void spoil_future(const char *path)
{
	char update[64];
	const char *const arguments[] = {"update", path, update, NULL};

	snprintf(update, sizeof update, "%lld:1:1", (long long)EPOCH + INT64_C(3000) * 86400);
	free(archives_rrdtool(arguments));
}

static void (*const spoils[])(const char *path) = {spoil_by_truncating, spoil_head, spoil_empty,
    spoil_text, spoil_directory, spoil_foreign, spoil_future};
#define SPOILS ((int)(sizeof spoils / sizeof *spoils))
#define UNREADABLE (SPOILS - 1) /* the last one is readable as far as it goes */

/* What remains of the pair: periods before the damage are unknown, not silent. */
static void check_pair(const char *sender, int64_t until, double packets, bool damaged)
{
	struct archive_rows rows;

	ck_assert_int_eq(
	    archive_read_pair(reader, VM_A, sender, EPOCH, EPOCH + 12 * STEP, true, &rows),
	    GRAPPE_OK);
	for (size_t i = 0; i < rows.count; i++) {
		const bool lost = damaged && rows.rows[i].end_s < until;

		ck_assert_msg((rows.rows[i].known == 0) == lost, "row %zu", i);
		ck_assert(rows.rows[i].packets == (lost ? 0 : packets));
	}
	archive_rows_deinit(&rows);
}

START_TEST(a_damaged_pair_is_set_aside_and_others_go_on)
{
	const struct archive_sender senders[2] = {{VM_B, 10, 0}, {VM_C, 20, 0}};
	char path[1024], aside[1100], message[1024];
	struct archive_totals totals;
	struct stat status;
	const char *told;

	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	spoils[_i](path);
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 11 * STEP, 1, 2, senders, message), GRAPPE_OK);
	ck_assert_msg(strstr(message, path) != NULL, "%s", message);
	ck_assert_msg(strstr(message, "set aside") != NULL, "%s", message);
	snprintf(aside, sizeof aside, "%s.damaged-%lld", path, (long long)EPOCH + 11 * STEP);
	ck_assert_int_eq(stat(aside, &status), 0);
	ck_assert_uint_eq(archive_counters(archive)->damaged, 1);
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 12 * STEP, 1, 2, senders, message), GRAPPE_OK);
	ck_assert_str_eq(message, "");
	check_pair(VM_B, EPOCH + 11 * STEP, 10, true);
	check_pair(VM_C, 0, 20, false);
	/* Sums say that something is missing from them, unless they begin after it. */
	ck_assert_int_eq(
	    archive_read_totals(reader, VM_A, EPOCH, EPOCH + 12 * STEP, &totals), GRAPPE_OK);
	ck_assert_uint_eq(archive_reader_unreadable(reader, &told), 1);
	ck_assert_str_eq(told, aside);
	archive_totals_deinit(&totals);
	ck_assert_int_eq(
	    archive_read_totals(reader, VM_A, EPOCH + 11 * STEP, EPOCH + 12 * STEP, &totals),
	    GRAPPE_OK);
	ck_assert_uint_eq(archive_reader_unreadable(reader, &told), 1);
	archive_totals_deinit(&totals);
}
END_TEST

START_TEST(readers_say_what_they_cannot_read)
{
	struct archive_totals totals;
	struct archive_rows rows;
	char path[1024];
	const char *told;

	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	spoils[_i](path);
	ck_assert_int_eq(archive_read_pair(reader, VM_A, VM_B, EPOCH, EPOCH + STEP, true, &rows),
	    GRAPPE_EFORMAT);
	ck_assert_int_eq(
	    archive_read_totals(reader, VM_A, EPOCH, EPOCH + 10 * STEP, &totals), GRAPPE_OK);
	ck_assert_uint_eq(totals.nsenders, 1);
	ck_assert_str_eq(totals.senders[0].sender, VM_C);
	ck_assert(totals.senders[0].packets == 200);
	archive_totals_deinit(&totals);
	ck_assert_uint_eq(archive_reader_unreadable(reader, &told), 2);
	ck_assert_str_eq(told, path);
}
END_TEST

START_TEST(damaged_coverage_begins_anew)
{
	struct archive_totals totals;
	char path[1024], message[1024];
	int64_t end_s, length_s;

	archives_path(path, sizeof path, folder, VM_A, "coverage.rrd");
	spoils[_i](path);
	if (spoils[_i] != spoil_future)
		ck_assert_int_eq(
		    archive_read_last(reader, VM_A, &end_s, &length_s), GRAPPE_EFORMAT);
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 11 * STEP, 1, 0, NULL, message), GRAPPE_OK);
	ck_assert_msg(strstr(message, "set aside") != NULL, "%s", message);
	ck_assert_int_eq(archive_read_last(reader, VM_A, &end_s, &length_s), GRAPPE_OK);
	ck_assert_int_eq(end_s, EPOCH + 11 * STEP);
	ck_assert_int_eq(
	    archive_read_totals(reader, VM_A, EPOCH, EPOCH + 11 * STEP, &totals), GRAPPE_OK);
	ck_assert(totals.known == 1 && totals.wanted == 11);
	archive_totals_deinit(&totals);
}
END_TEST

START_TEST(files_of_others_are_ignored)
{
	struct archive_names names;
	char path[1024];

	archives_path(path, sizeof path, folder, VM_A, "notes.rrd");
	put(path, "x", 1);
	archives_path(path, sizeof path, folder, VM_A, "external.rrd.bak");
	put(path, "x", 1);
	archives_path(path, sizeof path, folder, ".", "stray");
	put(path, "x", 1);
	ck_assert_int_eq(archive_read_receivers(reader, &names), GRAPPE_OK);
	ck_assert_uint_eq(names.count, 1);
	ck_assert_str_eq(names.ids[0], VM_A);
	archive_names_deinit(&names);
	ck_assert_int_eq(archive_read_senders(reader, VM_A, &names), GRAPPE_OK);
	ck_assert_uint_eq(names.count, 2);
	archive_names_deinit(&names);
}
END_TEST

/* One to three bytes of a head changed at random: whatever they say, no crash, no endless work. */
START_TEST(random_damage_is_survived)
{
	struct buffer whole;
	char path[1024];
	unsigned state = 12345;
	int unreadable = 0;

	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_int_eq(file_read(path, 1 << 20, &whole), GRAPPE_OK);
	for (int round = 0; round < FLIPS; round++) {
		struct archive_rows rows;
		const int fd = open(path, O_WRONLY);
		uint8_t byte;

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(pwrite(fd, whole.bytes, 4096, 0), 4096);
		for (int i = 0; i <= round % 3; i++) {
			state = state * 1664525 + 1013904223;
			byte = (uint8_t)(state >> 24);
			ck_assert_int_eq(pwrite(fd, &byte, 1, (state >> 8) % 2048), 1);
		}
		close(fd);
		unreadable += archive_read_pair(reader, VM_A, VM_B, EPOCH, EPOCH + 10 * STEP, true,
				  &rows) == GRAPPE_EFORMAT;
		archive_rows_deinit(&rows);
	}
	buffer_deinit(&whole);
	ck_assert_int_gt(unreadable, FLIPS / 10);
}
END_TEST

/* The same for the writer, which must put such a file aside or use it. */
START_TEST(random_damage_does_not_stop_the_writer)
{
	struct buffer whole;
	char path[1024], message[1024];
	unsigned state = 99;

	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_int_eq(file_read(path, 1 << 20, &whole), GRAPPE_OK);
	for (int round = 0; round < 200; round++) {
		const int64_t end_s = EPOCH + (11 + round) * STEP;
		const struct archive_sender senders[2] = {{VM_B, 10, 0}, {VM_C, 20, 0}};

		for (int i = 0; i <= round % 3; i++) {
			state = state * 1664525 + 1013904223;
			whole.bytes[(state >> 8) % 2048] = (uint8_t)(state >> 24);
		}
		put(path, whole.bytes, whole.length);
		/* A head whose nonsense librrd itself refuses may fail; the other pair goes on. */
		archives_write(archive, VM_A, end_s, 1, 2, senders, message);
		buffer_deinit(&whole);
		ck_assert_int_eq(file_read(path, 1 << 20, &whole), GRAPPE_OK);
	}
	buffer_deinit(&whole);
	archives_path(path, sizeof path, folder, VM_A, VM_C ".rrd");
	{
		double values[200][2];

		ck_assert_uint_eq(archives_fetch(path, "AVERAGE", STEP, EPOCH + 10 * STEP,
				      EPOCH + 210 * STEP, values, 200),
		    200);
		for (int i = 0; i < 200; i++)
			ck_assert_double_eq_tol(values[i][0] * STEP, 20, 1e-9);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("archive_damage");
	TCase *c = tcase_create("archive_damage");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_damaged_pair_is_set_aside_and_others_go_on, 0, SPOILS);
	tcase_add_loop_test(c, readers_say_what_they_cannot_read, 0, UNREADABLE);
	tcase_add_loop_test(c, damaged_coverage_begins_anew, 0, SPOILS);
	tcase_add_test(c, files_of_others_are_ignored);
	tcase_add_test(c, random_damage_is_survived);
	tcase_add_test(c, random_damage_does_not_stop_the_writer);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
