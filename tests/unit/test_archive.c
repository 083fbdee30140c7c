/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing archives and reading them back, also with the real rrdtool. */
#include "rrd/archive.h"

#include "common/error.h"
#include "rrd/archive_read.h"
#include "tests/unit/archives.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STEP 30

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
}

static void teardown(void)
{
	archive_reader_close(reader);
	archive_close(archive);
	archives_remove(folder);
}

static void reopen(const struct archive_layout *with)
{
	archive_close(archive);
	archive = archives_open(folder, with);
}

/* Detail of one period. */
static struct archive_row period_of(const char *receiver, const char *sender, int64_t end_s)
{
	struct archive_rows rows;
	struct archive_row row;
	const int rc =
	    archive_read_pair(reader, receiver, sender, end_s - STEP, end_s, true, &rows);

	ck_assert_int_eq(rc, GRAPPE_OK);
	ck_assert_uint_eq(rows.count, 1);
	row = rows.rows[0];
	ck_assert_int_eq(row.end_s, end_s);
	ck_assert_int_eq(row.length_s, STEP);
	archive_rows_deinit(&rows);
	return row;
}

START_TEST(counts_come_back_exact_through_rrdtool)
{
	char path[1024];
	double values[100][2];

	for (int i = 1; i <= 100; i++)
		archives_write_one(archive, VM_A, VM_B, EPOCH + STEP * i, 1000 + 7 * i);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_uint_eq(
	    archives_fetch(path, "AVERAGE", STEP, EPOCH, EPOCH + 100 * STEP, values, 100), 100);
	for (int i = 1; i <= 100; i++) {
		ck_assert_double_eq_tol(values[i - 1][0] * STEP, 1000 + 7 * i, 1e-6);
		ck_assert_double_eq_tol(values[i - 1][1] * STEP, 100 * (1000 + 7 * i) + 7, 1e-4);
		ck_assert(period_of(VM_A, VM_B, EPOCH + STEP * i).packets == 1000 + 7 * i);
	}
}
END_TEST

/* Periods 1-3 traffic, 4-6 silence, 7-9 never delivered, 10 silence, 11 lost for good, 12 traffic.
 */
START_TEST(holes_stay_holes_and_silence_is_zero)
{
	static const char shape[] = "vvv000---0xv";
	char path[1024];
	double values[12][2];

	for (int i = 0; i < 12; i++)
		if (shape[i] == 'v')
			archives_write_one(archive, VM_A, VM_B, EPOCH + STEP * (i + 1), 42);
		else if (shape[i] != '-')
			ck_assert_int_eq(archives_write(archive, VM_A, EPOCH + STEP * (i + 1),
					     shape[i] == '0', 0, NULL, NULL),
			    GRAPPE_OK);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_uint_eq(
	    archives_fetch(path, "AVERAGE", STEP, EPOCH, EPOCH + 12 * STEP, values, 12), 12);
	for (int i = 0; i < 12; i++) {
		const struct archive_row row = period_of(VM_A, VM_B, EPOCH + STEP * (i + 1));
		const bool known = shape[i] == 'v' || shape[i] == '0';

		ck_assert_msg(isnan(values[i][0]) == !known, "period %d: %g", i + 1, values[i][0]);
		ck_assert(row.known == known);
		ck_assert(row.packets == (shape[i] == 'v' ? 42 : 0));
		if (known)
			ck_assert_double_eq_tol(
			    values[i][0] * STEP, shape[i] == 'v' ? 42 : 0, 1e-9);
	}
	archives_path(path, sizeof path, folder, VM_A, "coverage.rrd");
	ck_assert_uint_eq(
	    archives_fetch(path, "AVERAGE", STEP, EPOCH, EPOCH + 12 * STEP, values, 12), 12);
	for (int i = 0; i < 12; i++)
		ck_assert(values[i][0] == (shape[i] == 'v' || shape[i] == '0'));
}
END_TEST

/* A silent pair costs no write: its file stays as it is. */
START_TEST(silent_pairs_are_not_written)
{
	char path[1024];
	struct stat before, after;

	archives_write_one(archive, VM_A, VM_B, EPOCH + STEP, 5);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_int_eq(stat(path, &before), 0);
	for (int i = 2; i <= 50; i++)
		archives_write_one(archive, VM_A, VM_C, EPOCH + STEP * i, 1);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	ck_assert_uint_eq(archive_counters(archive)->updates, 50);
	ck_assert(period_of(VM_A, VM_B, EPOCH + 30 * STEP).known == 1);
	ck_assert(period_of(VM_A, VM_B, EPOCH + 30 * STEP).packets == 0);
}
END_TEST

/* A pair that fell silent for good: after the day its rows are complete for every reader of the
 * file. */
START_TEST(a_silent_pair_is_settled_once_a_day)
{
	const int64_t midnight = EPOCH - EPOCH % 86400 + 86400;
	struct stat before, after;
	char path[1024];
	double values[1][2];

	for (int i = 1; i <= 7; i++)
		archives_write_one(archive, VM_A, VM_B, EPOCH + STEP * i, 30 * i);
	archives_write_one(archive, VM_A, VM_C, midnight, 1);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_uint_eq(archives_fetch(path, "AVERAGE", 300, EPOCH, EPOCH + 300, values, 1), 1);
	ck_assert(isnan(values[0][0]));
	archives_write_one(archive, VM_A, VM_C, midnight + STEP, 1);
	ck_assert_uint_eq(archives_fetch(path, "AVERAGE", 300, EPOCH, EPOCH + 300, values, 1), 1);
	ck_assert_double_eq_tol(
	    values[0][0] * 7 * STEP, 30 * 28, 1e-6); /* mean of the seven known */
	ck_assert_uint_eq(
	    archives_fetch(path, "AVERAGE", 86400, midnight - 86400, midnight, values, 1), 1);
	ck_assert_double_eq_tol(
	    values[0][0] * 8 * STEP, 30 * 28, 1e-6); /* the eighth: at midnight */
	ck_assert_int_eq(stat(path, &before), 0);
	for (int day = 0; day < 3; day++)
		archives_write_one(archive, VM_A, VM_C, midnight + 2 * STEP + day * 86400, 1);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	ck_assert(period_of(VM_A, VM_B, midnight + 2 * STEP + 2 * 86400).known == 1);
}
END_TEST

/* A pair that begins, pauses and resumes inside consolidated rows with unknown periods around it.
 */
START_TEST(consolidated_rows_of_partly_known_time_keep_their_sum)
{
	static const struct {
		int64_t days, resolution_s;
	} later[] = {{0, STEP}, {1, 300}, {14, 3600}, {366, 86400}};
	struct archive_totals totals;
	const int64_t to = EPOCH + 400 * STEP;
	double sum = 0;

	for (int i = 1; i <= 400; i++) {
		if (i % 5 == 3 || (i > 100 && i < 120))
			continue;
		if (i > 37 && (i < 80 || i > 333)) {
			archives_write_one(archive, VM_A, VM_B, EPOCH + i * STEP, i);
			sum += i;
		} else {
			ck_assert_int_eq(
			    archives_write(archive, VM_A, EPOCH + i * STEP, 1, 0, NULL, NULL),
			    GRAPPE_OK);
		}
	}
	/* With every further day, then month, a coarser level answers. */
	for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
		if (later[i].days > 0)
			ck_assert_int_eq(archives_write(archive, VM_A, to + later[i].days * 86400,
					     1, 0, NULL, NULL),
			    GRAPPE_OK);
		ck_assert_int_eq(archive_read_totals(reader, VM_A, EPOCH, to, &totals), GRAPPE_OK);
		ck_assert_int_eq(totals.resolution_s, later[i].resolution_s);
		ck_assert_uint_eq(totals.nsenders, 1);
		ck_assert_double_eq_tol(totals.senders[0].packets, sum, 1e-6);
		ck_assert(totals.known == 400 - 80 - 15);
		archive_totals_deinit(&totals);
	}
}
END_TEST

START_TEST(rrdtool_can_name_the_file_of_an_endpoint)
{
	char path[1024], definition[1100], end[32], start[32];
	char *text;
	const char *arguments[] = {"graph", "/dev/null", "-s", start, "-e", end, definition,
	    "VDEF:t=p,TOTAL", "PRINT:t:%.3lf", NULL};

	archives_write_one(archive, VM_A, NFS, EPOCH + STEP, 60);
	archives_write_one(archive, NFS, VM_A, EPOCH + STEP, 61);
	ck_assert(period_of(VM_A, NFS, EPOCH + STEP).packets == 60);
	ck_assert(period_of(NFS, VM_A, EPOCH + STEP).packets == 61);
	archives_path(path, sizeof path, folder, VM_A, "endpoint-nfs.example.rrd");
	snprintf(definition, sizeof definition, "DEF:p=%s:packets:AVERAGE", path);
	snprintf(start, sizeof start, "%lld", (long long)EPOCH);
	snprintf(end, sizeof end, "%lld", (long long)EPOCH + STEP);
	text = archives_rrdtool(arguments);
	ck_assert_msg(strstr(text, "60.000") != NULL, "%s", text);
	free(text);
}
END_TEST

START_TEST(maximum_is_kept_on_request)
{
	char path[1024];
	double values[4][2];

	layout.maximum = true;
	reopen(&layout);
	for (int i = 1; i <= 20; i++)
		archives_write_one(archive, VM_A, VM_B, EPOCH + i * STEP, i == 4 ? 900 : 30);
	archives_path(path, sizeof path, folder, VM_A, VM_B ".rrd");
	ck_assert_uint_eq(archives_fetch(path, "MAX", 300, EPOCH, EPOCH + 300, values, 4), 1);
	ck_assert_double_eq_tol(values[0][0], 30, 1e-9);
	ck_assert(period_of(VM_A, VM_B, EPOCH + 4 * STEP).packets == 900);
}
END_TEST

START_TEST(a_period_written_twice_counts_once)
{
	struct archive_sender senders[2] = {{VM_B, 10, 0}, {VM_C, 20, 0}};

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    archives_write(archive, VM_A, EPOCH + STEP, 1, 2, senders, NULL), GRAPPE_OK);
	reopen(&layout);
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + STEP, 1, 2, senders, NULL), GRAPPE_OK);
	ck_assert(period_of(VM_A, VM_B, EPOCH + STEP).packets == 10);
	ck_assert(period_of(VM_A, VM_C, EPOCH + STEP).packets == 20);
	ck_assert_uint_eq(archive_counters(archive)->repeated, 1);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	static const struct {
		const char *receiver, *sender, *word;
		int64_t end_s, now_s;
		double known, packets;
		int rc;
	} cases[] = {
	    {VM_A, VM_B, "future", EPOCH + 300, EPOCH, 1, 1, GRAPPE_ERANGE},
	    {VM_A, VM_B, "multiple", EPOCH + 1, EPOCH + 1, 1, 1, GRAPPE_ERANGE},
	    {VM_A, VM_B, "multiple", -STEP, EPOCH, 1, 1, GRAPPE_ERANGE},
	    {VM_A, VM_B, "counts", EPOCH, EPOCH, 1, NAN, GRAPPE_EINVALID},
	    {VM_A, VM_B, "counts", EPOCH, EPOCH, 1, INFINITY, GRAPPE_EINVALID},
	    {VM_A, VM_B, "counts", EPOCH, EPOCH, 1, -1, GRAPPE_EINVALID},
	    {VM_A, "../../etc/x", "sender's id", EPOCH, EPOCH, 1, 1, GRAPPE_EINVALID},
	    {VM_A, "coverage", "sender's id", EPOCH, EPOCH, 1, 1, GRAPPE_EINVALID},
	    {"..", VM_B, "receiver's id", EPOCH, EPOCH, 1, 1, GRAPPE_EINVALID},
	    {VM_A, VM_B, "known", EPOCH, EPOCH, NAN, 1, GRAPPE_EINVALID},
	    {VM_A, VM_B, "known", EPOCH, EPOCH, 1.5, 1, GRAPPE_EINVALID},
	    {VM_A, VM_B, "known", EPOCH, EPOCH, 0, 1, GRAPPE_EINVALID},
	};
	struct archive_names names;
	char message[1024];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct archive_update *update =
		    archive_update_new(cases[i].receiver, cases[i].end_s, cases[i].known, 1);

		snprintf(update->senders[0].sender, VM_ID_SIZE, "%s", cases[i].sender);
		update->senders[0].packets = cases[i].packets;
		ck_assert_int_eq(
		    archive_write(archive, update, cases[i].now_s, false, message, sizeof message),
		    cases[i].rc);
		ck_assert_msg(strstr(message, cases[i].word) != NULL, "%zu: %s", i, message);
		archive_update_free(update);
	}
	ck_assert_uint_eq(archive_counters(archive)->refused, sizeof cases / sizeof *cases);
	ck_assert_int_eq(archive_read_receivers(reader, &names), GRAPPE_OK);
	ck_assert_uint_eq(names.count, 0);
	archive_names_deinit(&names);
}
END_TEST

START_TEST(the_same_sender_twice_is_refused)
{
	const struct archive_sender senders[3] = {{VM_B, 10, 0}, {VM_C, 20, 0}, {VM_B, 1, 0}};

	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH, 1, 3, senders, NULL), GRAPPE_EINVALID);
}
END_TEST

/* A clock that was ahead left periods in the future: they stay, what comes meanwhile is refused and
 * told. */
START_TEST(a_clock_set_back_destroys_nothing)
{
	struct archive_update *update;
	char message[1024];

	for (int i = 1; i <= 20; i++)
		archives_write_one(archive, VM_A, VM_B, EPOCH + i * STEP, i);
	update = archive_update_new(VM_A, EPOCH + 5 * STEP, 1, 0);
	ck_assert_int_eq(
	    archive_write(archive, update, EPOCH + 5 * STEP, false, message, sizeof message),
	    GRAPPE_ERANGE);
	ck_assert_msg(strstr(message, "clock") != NULL, "%s", message);
	archive_update_free(update);
	archives_write_one(archive, VM_A, VM_B, EPOCH + 21 * STEP, 21);
	for (int i = 1; i <= 21; i++)
		ck_assert(period_of(VM_A, VM_B, EPOCH + i * STEP).packets == i);
	ck_assert_uint_eq(archive_counters(archive)->damaged, 0);
}
END_TEST

/* Runs in a process of its own, without the check library. */
static void write_many(int periods)
{
	char message[1024];

	for (int i = 1; i <= periods; i++) {
		struct archive_update *update = archive_update_new(VM_A, EPOCH + i * STEP, 1, 2);

		snprintf(update->senders[0].sender, VM_ID_SIZE, VM_B);
		update->senders[0].packets = i;
		snprintf(update->senders[1].sender, VM_ID_SIZE, VM_C);
		update->senders[1].packets = 2 * i;
		if (archive_write(archive, update, update->end_s, false, message, sizeof message) !=
		    0)
			_exit(1);
		archive_update_free(update);
	}
	_exit(0);
}

START_TEST(readers_work_while_a_writer_writes)
{
	int status = 0, reads = 0;
	pid_t pid;

	archives_write_one(archive, VM_A, VM_B, EPOCH, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		write_many(2500);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct archive_rows rows;
		int64_t end_s, length_s;

		ck_assert_int_eq(archive_read_last(reader, VM_A, &end_s, &length_s), GRAPPE_OK);
		if (end_s < EPOCH + 10 * STEP)
			continue;
		ck_assert_int_eq(archive_read_pair(reader, VM_A, VM_B, end_s - 10 * STEP,
				     end_s + 10 * STEP, true, &rows),
		    GRAPPE_OK);
		for (size_t i = 0; i < rows.count; i++)
			if (rows.rows[i].known == 1)
				ck_assert_double_eq(rows.rows[i].packets,
				    (double)((rows.rows[i].end_s - EPOCH) / STEP));
		ck_assert(rows.rows[9].known == 1);
		archive_rows_deinit(&rows);
		reads++;
	}
	ck_assert_int_eq(status, 0);
	printf("%d reads beside a writer\n", reads);
	ck_assert_int_gt(reads, 10);
}
END_TEST

START_TEST(one_writer_per_folder)
{
	struct archive *second;
	char message[512];

	ck_assert_int_eq(archive_open(folder, &layout, &(struct archive_options){0}, &second,
			     message, sizeof message),
	    GRAPPE_EEXISTS);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(message, "another process"));
}
END_TEST

START_TEST(periods_of_another_length_are_refused)
{
	struct archive_layout minutes;
	char message[1024];

	archives_write_one(archive, VM_A, VM_B, EPOCH, 10);
	archive_layout_default(60, &minutes);
	reopen(&minutes);
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 60, 1, 0, NULL, message), GRAPPE_EUNSUPPORTED);
	ck_assert_msg(strstr(message, "30s") != NULL, "%s", message);
	ck_assert(period_of(VM_A, VM_B, EPOCH).packets == 10);
}
END_TEST

START_TEST(detail_that_is_no_longer_kept_is_refused)
{
	struct archive_rows rows;

	for (int i = 1; i <= 3; i++)
		archives_write_one(archive, VM_A, VM_B, EPOCH + i * 86400, 10);
	ck_assert_int_eq(
	    archive_read_pair(reader, VM_A, VM_B, EPOCH + 86400, EPOCH + 3 * 86400, true, &rows),
	    GRAPPE_EUNSUPPORTED);
	ck_assert_int_eq(archive_read_pair(reader, VM_A, VM_B, EPOCH + 86400 - 300,
			     EPOCH + 3 * 86400, false, &rows),
	    GRAPPE_OK);
	ck_assert_int_eq(rows.resolution_s, 300);
	ck_assert_int_eq(rows.rows[0].length_s, 300);
	ck_assert(rows.rows[0].packets == 10 && rows.rows[0].known == 0.1);
	ck_assert_int_eq(rows.rows[rows.count - 1].length_s, STEP);
	ck_assert(rows.rows[rows.count - 1].packets == 10);
	for (size_t i = 1; i < rows.count; i++)
		ck_assert_int_eq(
		    rows.rows[i].end_s - rows.rows[i].length_s, rows.rows[i - 1].end_s);
	archive_rows_deinit(&rows);
}
END_TEST

START_TEST(time_outside_the_archive_is_unknown)
{
	struct archive_totals totals;
	struct archive_rows rows;

	archives_write_one(archive, VM_A, VM_B, EPOCH + STEP, 10);
	ck_assert_int_eq(
	    archive_read_totals(reader, VM_A, EPOCH - 100 * STEP, EPOCH + 100 * STEP, &totals),
	    GRAPPE_OK);
	ck_assert(totals.known == 1 && totals.wanted == 200 && totals.senders[0].packets == 10);
	archive_totals_deinit(&totals);
	ck_assert_int_eq(
	    archive_read_coverage(reader, VM_A, EPOCH, EPOCH + 10 * STEP, true, &rows), GRAPPE_OK);
	ck_assert_uint_eq(rows.count, 10);
	ck_assert(rows.rows[0].known == 1);
	ck_assert(rows.rows[9].known == 0 && rows.rows[9].length_s == STEP);
	archive_rows_deinit(&rows);
	ck_assert_int_eq(archive_read_totals(reader, VM_A, EPOCH - INT64_C(20) * 366 * 86400,
			     EPOCH + STEP, &totals),
	    GRAPPE_OK);
	ck_assert(totals.known == 1 && totals.senders[0].packets == 10);
	archive_totals_deinit(&totals);
	ck_assert_int_eq(archive_read_totals(reader, VM_A, EPOCH, EPOCH, &totals), GRAPPE_ERANGE);
	ck_assert_int_eq(
	    archive_read_totals(reader, VM_C, EPOCH, EPOCH + STEP, &totals), GRAPPE_ENOTFOUND);
	ck_assert_int_eq(
	    archive_read_totals(reader, "../x", EPOCH, EPOCH + STEP, &totals), GRAPPE_ENOTFOUND);
}
END_TEST

START_TEST(a_matrix_tells_what_is_missing)
{
	struct matrix *matrix = matrix_new();
	const struct archive_sender to_a[2] = {{VM_B, 10, 1000}, {"external", 5, 50}};
	int a, b;

	for (int i = 1; i <= 4; i++) {
		ck_assert_int_eq(
		    archives_write(archive, VM_A, EPOCH + i * STEP, 1, 2, to_a, NULL), GRAPPE_OK);
		if (i != 2)
			ck_assert_int_eq(
			    archives_write(archive, VM_B, EPOCH + i * STEP, 1, 0, NULL, NULL),
			    GRAPPE_OK);
	}
	ck_assert_int_eq(archive_read_matrix(reader, EPOCH, EPOCH + 4 * STEP, matrix), GRAPPE_OK);
	ck_assert_uint_eq(matrix_nodes(matrix), 3);
	a = matrix_find(matrix, VM_A);
	b = matrix_find(matrix, VM_B);
	ck_assert(matrix_get(matrix, (uint32_t)b, (uint32_t)a)->packets == 40);
	ck_assert(matrix_get(matrix, (uint32_t)b, (uint32_t)a)->octets == 4000);
	ck_assert_ptr_null(matrix_get(matrix, (uint32_t)a, (uint32_t)b));
	ck_assert_uint_eq(matrix_window(matrix)->known, 3);
	ck_assert_uint_eq(matrix_window(matrix)->wanted, 4);
	ck_assert(matrix_window(matrix)->length_s == 120);
	matrix_free(matrix);
	matrix = matrix_new();
	ck_assert_int_eq(archive_read_matrix(reader, EPOCH + 4 * STEP, EPOCH + 8 * STEP, matrix),
	    GRAPPE_ENOTFOUND);
	matrix_free(matrix);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_told)
{
	char path[1024], message[512];
	struct archive *other;

	snprintf(path, sizeof path, "%s/journal/below-a-file", folder);
	ck_assert_int_eq(archive_open(path, &layout, &(struct archive_options){0}, &other, message,
			     sizeof message),
	    GRAPPE_EIO);
	ck_assert_msg(strstr(message, path) != NULL, "%s", message);
}
END_TEST

START_TEST(a_full_disk_stops_new_files_only)
{
	const struct archive_sender senders[2] = {{VM_B, 10, 0}, {VM_C, 20, 0}};
	char message[1024];
	struct archive_update *update;

	archives_write_one(archive, VM_A, VM_B, EPOCH + STEP, 7);
	archive_close(archive);
	ck_assert_int_eq(
	    archive_open(folder, &layout, &(struct archive_options){.floor_bytes = UINT64_MAX},
		&archive, message, sizeof message),
	    GRAPPE_OK);
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 2 * STEP, 1, 2, senders, message), GRAPPE_EIO);
	ck_assert_msg(strstr(message, "free") != NULL, "%s", message);
	ck_assert(period_of(VM_A, VM_B, EPOCH + 2 * STEP).known == 0);
	/* Given up: the pair that has a file is there, the rest is told as not covered. */
	update = archives_update(VM_A, EPOCH + 2 * STEP, 1, 2, senders);
	ck_assert_int_eq(
	    archive_write(archive, update, EPOCH + 2 * STEP, true, message, sizeof message),
	    GRAPPE_OK);
	archive_update_free(update);
	ck_assert(period_of(VM_A, VM_B, EPOCH + 2 * STEP).packets == 10);
	ck_assert_double_eq_tol(period_of(VM_A, VM_B, EPOCH + 2 * STEP).covered, 1.0 / 3, 1e-9);
	ck_assert_uint_eq(archive_counters(archive)->lost, 1);
	/* Room again: a period that failed before is written whole when it is tried again. */
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 3 * STEP, 1, 2, senders, message), GRAPPE_EIO);
	reopen(&layout);
	ck_assert_int_eq(
	    archives_write(archive, VM_A, EPOCH + 3 * STEP, 1, 2, senders, message), GRAPPE_OK);
	ck_assert(period_of(VM_A, VM_B, EPOCH + 3 * STEP).packets == 10);
	ck_assert(period_of(VM_A, VM_C, EPOCH + 3 * STEP).packets == 20);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("archive");
	TCase *c = tcase_create("archive");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, counts_come_back_exact_through_rrdtool);
	tcase_add_test(c, holes_stay_holes_and_silence_is_zero);
	tcase_add_test(c, silent_pairs_are_not_written);
	tcase_add_test(c, a_silent_pair_is_settled_once_a_day);
	tcase_add_test(c, consolidated_rows_of_partly_known_time_keep_their_sum);
	tcase_add_test(c, rrdtool_can_name_the_file_of_an_endpoint);
	tcase_add_test(c, maximum_is_kept_on_request);
	tcase_add_test(c, a_period_written_twice_counts_once);
	tcase_add_test(c, what_makes_no_sense_is_refused);
	tcase_add_test(c, the_same_sender_twice_is_refused);
	tcase_add_test(c, a_clock_set_back_destroys_nothing);
	tcase_add_test(c, readers_work_while_a_writer_writes);
	tcase_add_test(c, one_writer_per_folder);
	tcase_add_test(c, periods_of_another_length_are_refused);
	tcase_add_test(c, detail_that_is_no_longer_kept_is_refused);
	tcase_add_test(c, time_outside_the_archive_is_unknown);
	tcase_add_test(c, a_matrix_tells_what_is_missing);
	tcase_add_test(c, a_folder_that_cannot_be_made_is_told);
	tcase_add_test(c, a_full_disk_stops_new_files_only);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
