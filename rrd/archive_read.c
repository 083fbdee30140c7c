/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive_read.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/file.h"
#include "rrd/archive_path.h"
#include "rrd/coverage.h"
#include "rrd/journal.h"
#include "rrd/rrdfile.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TORN_BYTES_MAX (256u << 20) /* longest file that is copied */

struct archive_reader {
	char folder[PATH_MAX];
	/* A file that an ended writer left half updated is read from a copy as it was before. */
	char torn_path[PATH_MAX]; /* "": none */
	int copy_fd;
	uint64_t unreadable;
	char unreadable_path[PATH_MAX + 256];
};

/* ---- a file left half updated ---- */

static void forget_torn(struct archive_reader *reader)
{
	if (reader->torn_path[0] != '\0')
		close(reader->copy_fd);
	reader->torn_path[0] = '\0';
}

/* The whole file with the head it had before, in memory. Returns a descriptor or a negative error.
 */
static int copy_with_head(const char *path, const struct buffer *head)
{
	struct buffer whole;
	int fd = -1, rc = file_read(path, TORN_BYTES_MAX, &whole);

	if (rc == GRAPPE_OK && head->length > whole.length)
		rc = GRAPPE_EFORMAT;
	if (rc == GRAPPE_OK) {
		memcpy(whole.bytes, head->bytes, head->length);
		fd = memfd_create("grappe-archive", MFD_CLOEXEC);
		if (fd < 0 || write(fd, whole.bytes, whole.length) != (ssize_t)whole.length)
			rc = GRAPPE_EIO;
	}
	buffer_deinit(&whole);
	if (rc != GRAPPE_OK && fd >= 0)
		close(fd);
	return rc == GRAPPE_OK ? fd : rc;
}

/* To be called before each reading: a writer may have been killed, or one may have repaired what
 * was left. */
static void look_for_torn(struct archive_reader *reader)
{
	char path[PATH_MAX];
	struct buffer head;

	forget_torn(reader);
	if (journal_peek(reader->folder, path, &head) == 1) {
		reader->copy_fd = copy_with_head(path, &head);
		if (reader->copy_fd >= 0)
			memcpy(reader->torn_path, path, sizeof path);
	}
	buffer_deinit(&head);
}

/* The path under which a file is to be read. */
static void use_copy(const struct archive_reader *reader, char path[PATH_MAX])
{
	if (reader->torn_path[0] != '\0' && strcmp(path, reader->torn_path) == 0)
		snprintf(path, PATH_MAX, "/proc/self/fd/%d", reader->copy_fd);
}

/* ---- readers ---- */

int archive_reader_open(const char *folder, struct archive_reader **out)
{
	struct archive_reader *reader;
	DIR *dir = opendir(folder);

	*out = NULL;
	if (dir == NULL)
		return GRAPPE_EIO;
	closedir(dir);
	if (strlen(folder) > ARCHIVE_FOLDER_MAX) {
		errno = ENAMETOOLONG;
		return GRAPPE_EIO;
	}
	reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return GRAPPE_EMEMORY;
	snprintf(reader->folder, sizeof reader->folder, "%s", folder);
	reader->copy_fd = -1;
	*out = reader;
	return GRAPPE_OK;
}

void archive_reader_close(struct archive_reader *reader)
{
	if (reader == NULL)
		return;
	forget_torn(reader);
	free(reader);
}

uint64_t archive_reader_unreadable(const struct archive_reader *reader, const char **path)
{
	*path = reader->unreadable_path;
	return reader->unreadable;
}

/* ---- names ---- */

void archive_names_deinit(struct archive_names *names)
{
	free(names->ids);
	*names = (struct archive_names){0};
}

static int compare_ids(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* All names in path that stand for ids. */
static int list(const char *path, const char *suffix, struct archive_names *out)
{
	DIR *dir = opendir(path);
	size_t capacity = 0;
	struct dirent *entry;
	int rc = GRAPPE_OK;

	*out = (struct archive_names){0};
	if (dir == NULL)
		return errno == ENOENT ? GRAPPE_ENOTFOUND : GRAPPE_EIO;
	while (rc == GRAPPE_OK && (entry = readdir(dir)) != NULL) {
		char id[VM_ID_SIZE];
		void *bigger;

		if (archive_path_id(entry->d_name, suffix, id) != GRAPPE_OK)
			continue;
		if (out->count == capacity) {
			capacity = capacity > 0 ? capacity * 2 : 64;
			bigger = reallocarray(out->ids, capacity, sizeof *out->ids);
			if (bigger == NULL) {
				rc = GRAPPE_EMEMORY;
				break;
			}
			out->ids = bigger;
		}
		memcpy(out->ids[out->count++], id, sizeof id);
	}
	closedir(dir);
	if (rc == GRAPPE_OK && out->count > 0)
		qsort(out->ids, out->count, sizeof *out->ids, compare_ids);
	else if (rc != GRAPPE_OK)
		archive_names_deinit(out);
	return rc;
}

int archive_read_receivers(struct archive_reader *reader, struct archive_names *out)
{
	return list(reader->folder, "", out);
}

int archive_read_senders(
    struct archive_reader *reader, const char *receiver, struct archive_names *out)
{
	char path[PATH_MAX];

	*out = (struct archive_names){0};
	if (archive_path_receiver(path, reader->folder, receiver) != GRAPPE_OK)
		return GRAPPE_ENOTFOUND;
	return list(path, ".rrd", out);
}

static int note_unreadable(struct archive_reader *reader, const char *path, int rc)
{
	reader->unreadable++;
	snprintf(reader->unreadable_path, sizeof reader->unreadable_path, "%s", path);
	return rc;
}

/* ---- coverage ---- */

static int read_coverage_head(struct archive_reader *reader, const char *receiver,
    char path[PATH_MAX], struct rrdfile_head *head)
{
	int rc;

	if (archive_path_coverage(path, reader->folder, receiver) != GRAPPE_OK)
		return GRAPPE_ENOTFOUND;
	look_for_torn(reader);
	use_copy(reader, path);
	rc = rrdfile_read_head(path, RRDFILE_COVERAGE, head);
	return rc == GRAPPE_EFORMAT ? note_unreadable(reader, path, rc) : rc;
}

int archive_read_last(
    struct archive_reader *reader, const char *receiver, int64_t *end_s, int64_t *length_s)
{
	struct rrdfile_head head;
	char path[PATH_MAX];
	int rc = read_coverage_head(reader, receiver, path, &head);

	if (rc == GRAPPE_OK) {
		*end_s = head.last_s;
		*length_s = head.layout.length_s;
	}
	return rc;
}

void archive_rows_deinit(struct archive_rows *rows)
{
	free(rows->rows);
	*rows = (struct archive_rows){0};
}

int archive_read_coverage(struct archive_reader *reader, const char *receiver, int64_t from_s,
    int64_t to_s, bool detail, struct archive_rows *out)
{
	struct rrdfile_head head;
	char path[PATH_MAX];
	int rc;

	*out = (struct archive_rows){0};
	rc = read_coverage_head(reader, receiver, path, &head);
	return rc == GRAPPE_OK ? coverage_read(path, &head, from_s, to_s, detail, out) : rc;
}

/* ---- pairs ---- */

/* A count that rates lost a little of: means of whole numbers come back whole. */
static double snap(double value)
{
	const double whole = round(value);

	return fabs(value - whole) <= 1e-6 + 1e-12 * whole ? whole : value;
}

/* What the pair received in (from_s, to_s], from its finest level. */
static int sum_finest(
    const char *path, int64_t length_s, int64_t from_s, int64_t to_s, double sums[2])
{
	const int64_t count = (to_s - from_s) / length_s;
	double(*values)[2];
	int rc;

	sums[0] = sums[1] = 0;
	if (count <= 0)
		return GRAPPE_OK;
	values = calloc((size_t)count, sizeof *values);
	if (values == NULL)
		return GRAPPE_EMEMORY;
	rc = rrdfile_fetch(path, length_s, from_s, to_s, values);
	for (int64_t i = 0; rc == GRAPPE_OK && i < count; i++)
		for (int k = 0; k < 2; k++)
			if (!isnan(values[i][k]))
				sums[k] += values[i][k] * (double)length_s;
	free(values);
	return rc;
}

static void set_counts(struct archive_row *row, double packets, double octets)
{
	row->packets = snap(packets);
	row->octets = snap(octets);
}

/* The row in which the pair was heard last may still be growing, so that its level has no mean of
 * it yet. committed_s: periods after it are not the coverage's yet. */
static int fill_last_row(
    const char *path, const struct rrdfile_head *head, int64_t committed_s, struct archive_row *row)
{
	const int64_t begin = row->end_s - row->length_s;
	const int64_t last = head->last_s < committed_s ? head->last_s : committed_s;
	double sums[2];
	int rc = sum_finest(path, head->layout.length_s, begin, last, sums);

	if (rc == GRAPPE_OK)
		set_counts(row, sums[0], sums[1]);
	return rc;
}

/* Fills a run of rows of one length. */
static int fill_run(const char *path, const struct rrdfile_head *head, int64_t committed_s,
    struct archive_row *rows, size_t count)
{
	const int64_t unit = rows[0].length_s, from = rows[0].end_s - unit;
	double(*values)[2];
	int rc;

	while (count > 0 && rows[count - 1].end_s - unit >= head->last_s)
		count--; /* silent since */
	if (count == 0)
		return GRAPPE_OK;
	if (rows[count - 1].end_s > head->last_s) {
		rc = fill_last_row(path, head, committed_s, &rows[count - 1]);
		if (rc != GRAPPE_OK || --count == 0)
			return rc;
	}
	values = calloc(count, sizeof *values);
	if (values == NULL)
		return GRAPPE_EMEMORY;
	rc = rrdfile_fetch(path, unit, from, rows[count - 1].end_s, values);
	for (size_t i = 0; rc == GRAPPE_OK && i < count; i++) {
		const double known_s = rows[i].known * (double)unit;

		/* No mean in a known row: the file is younger, the pair was silent. */
		if (!isnan(values[i][0]) && !isnan(values[i][1]))
			set_counts(&rows[i], values[i][0] * known_s, values[i][1] * known_s);
	}
	free(values);
	return rc;
}

/* Adds the pair's counts to rows of coverage. */
static int fill_pair(const char *path, int64_t committed_s, struct archive_rows *rows)
{
	struct rrdfile_head head;
	size_t end;
	int rc = rrdfile_read_head(path, RRDFILE_PAIR, &head);

	if (rc != GRAPPE_OK)
		return rc == GRAPPE_ENOTFOUND ? GRAPPE_OK : rc;
	if (head.layout.length_s != rows->length_s)
		return GRAPPE_EFORMAT;
	for (size_t i = 0; rc == GRAPPE_OK && i < rows->count; i = end) {
		size_t known_end = i;

		for (end = i;
		     end < rows->count && rows->rows[end].length_s == rows->rows[i].length_s; end++)
			if (rows->rows[end].known > 0)
				known_end = end + 1;
		while (i < known_end && rows->rows[i].known <= 0)
			i++;
		if (known_end > i)
			rc = fill_run(path, &head, committed_s, rows->rows + i, known_end - i);
	}
	return rc;
}

/* Goes through the files of a receiver that were found damaged and set aside: returns up to which
 * period the newest one of the sender reached, 0: none. sender NULL: notes all that may hold
 * something after from_s. */
static int64_t damaged_until(
    struct archive_reader *reader, const char *receiver, const char *sender, int64_t from_s)
{
	char path[PATH_MAX], file[PATH_MAX + 256], id[VM_ID_SIZE];
	int64_t end_s, newest = 0;
	struct dirent *entry;
	DIR *dir;

	if (archive_path_receiver(path, reader->folder, receiver) != GRAPPE_OK)
		return 0;
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (archive_path_damaged(entry->d_name, id, &end_s) != GRAPPE_OK || end_s <= from_s)
			continue;
		if (sender == NULL) {
			snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
			note_unreadable(reader, file, GRAPPE_OK);
		} else if (strcmp(id, sender) == 0 && end_s > newest) {
			newest = end_s;
		}
	}
	if (dir != NULL)
		closedir(dir);
	return newest;
}

/* What was counted up to lost_s is gone: that part of the rows is unknown. */
static void lower_known(struct archive_rows *rows, int64_t lost_s)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct archive_row *row = &rows->rows[i];
		double left = (double)(row->end_s - lost_s) / (double)row->length_s;

		if (left >= 1)
			return;
		left = left > 0 ? left : 0;
		row->known *= left;
		row->covered *= left;
	}
}

int archive_read_pair(struct archive_reader *reader, const char *receiver, const char *sender,
    int64_t from_s, int64_t to_s, bool detail, struct archive_rows *out)
{
	char coverage[PATH_MAX], path[PATH_MAX];
	struct rrdfile_head head;
	int rc;

	*out = (struct archive_rows){0};
	rc = read_coverage_head(reader, receiver, coverage, &head);
	if (rc != GRAPPE_OK)
		return rc;
	if (archive_path_pair(path, reader->folder, receiver, sender) != GRAPPE_OK)
		return GRAPPE_ENOTFOUND;
	use_copy(reader, path);
	rc = coverage_read(coverage, &head, from_s, to_s, detail, out);
	if (rc == GRAPPE_OK)
		rc = fill_pair(path, head.last_s, out);
	if (rc == GRAPPE_EFORMAT)
		note_unreadable(reader, path, rc);
	if (rc == GRAPPE_OK)
		lower_known(out, damaged_until(reader, receiver, sender, 0) - out->length_s);
	if (rc != GRAPPE_OK)
		archive_rows_deinit(out);
	return rc;
}

/* ---- sums ---- */

void archive_totals_deinit(struct archive_totals *totals)
{
	free(totals->senders);
	*totals = (struct archive_totals){0};
}

/* Sums of a file over rows of coverage; leaves the rows' counts at 0 again. */
static int sum_file(struct archive_reader *reader, const char *receiver, const char *sender,
    int64_t committed_s, struct archive_rows *rows, struct archive_sender *total)
{
	char path[PATH_MAX];
	int rc = archive_path_pair(path, reader->folder, receiver, sender);

	*total = (struct archive_sender){0};
	if (rc != GRAPPE_OK)
		return rc;
	use_copy(reader, path);
	rc = fill_pair(path, committed_s, rows);
	for (size_t i = 0; i < rows->count; i++) {
		total->packets += rows->rows[i].packets;
		total->octets += rows->rows[i].octets;
		rows->rows[i].packets = rows->rows[i].octets = 0;
	}
	if (rc == GRAPPE_EFORMAT || rc == GRAPPE_EIO)
		return note_unreadable(reader, path, GRAPPE_OK);
	return rc;
}

/* One sender's sums over rows of coverage; leaves the rows' counts at 0 again. */
static int add_total(struct archive_reader *reader, const char *receiver, const char *sender,
    int64_t committed_s, struct archive_rows *rows, struct archive_totals *out)
{
	struct archive_sender *total = &out->senders[out->nsenders];
	const int rc = sum_file(reader, receiver, sender, committed_s, rows, total);

	if (rc == GRAPPE_OK && (total->packets > 0 || total->octets > 0)) {
		snprintf(total->sender, sizeof total->sender, "%s", sender);
		out->nsenders++;
	}
	return rc;
}

/* Marks are kept like senders; rows: of coverage, counts 0. */
static int count_marks(struct archive_reader *reader, const char *receiver, int64_t committed_s,
    struct archive_rows *rows, struct caveats *caveats)
{
	double known = 0;
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < rows->count; i++)
		known += (double)coverage_known(&rows->rows[i], rows->length_s);
	*caveats = (struct caveats){.periods = (uint32_t)fmin(known, UINT32_MAX)};
	for (unsigned i = 0; rc == GRAPPE_OK && i < CAVEATS && known > 0; i++) {
		struct archive_sender total;
		char mark[VM_ID_SIZE];

		snprintf(mark, sizeof mark, ARCHIVE_MARK "%s", caveats_name(i));
		rc = sum_file(reader, receiver, mark, committed_s, rows, &total);
		caveats->marked[i] = (uint32_t)fmin(round(total.packets), caveats->periods);
	}
	return rc;
}

/* What was watched in the window: the head of the receiver's coverage, and its rows. rows needs
 * archive_rows_deinit() in any case. */
static int read_watched(struct archive_reader *reader, const char *receiver, int64_t from_s,
    int64_t to_s, struct rrdfile_head *head, struct archive_rows *rows)
{
	char path[PATH_MAX];
	int rc = read_coverage_head(reader, receiver, path, head);

	return rc == GRAPPE_OK ? coverage_read(path, head, from_s, to_s, false, rows) : rc;
}

int archive_read_caveats(struct archive_reader *reader, const char *receiver, int64_t from_s,
    int64_t to_s, struct caveats *caveats)
{
	struct archive_rows rows = {0};
	struct rrdfile_head head;
	int rc;

	*caveats = (struct caveats){0};
	rc = read_watched(reader, receiver, from_s, to_s, &head, &rows);
	if (rc == GRAPPE_OK)
		rc = count_marks(reader, receiver, head.last_s, &rows, caveats);
	archive_rows_deinit(&rows);
	return rc;
}

static void describe_window(const struct archive_rows *rows, struct archive_totals *out)
{
	const double window = (double)(rows->to_s - rows->from_s);

	out->from_s = rows->from_s;
	out->to_s = rows->to_s;
	out->length_s = rows->length_s;
	out->resolution_s = rows->resolution_s;
	out->wanted = window / (double)rows->length_s;
	for (size_t i = 0; i < rows->count; i++) {
		out->known += (double)coverage_known(&rows->rows[i], rows->length_s);
		out->covered += rows->rows[i].covered * (double)rows->rows[i].length_s / window;
	}
}

int archive_read_totals(struct archive_reader *reader, const char *receiver, int64_t from_s,
    int64_t to_s, struct archive_totals *out)
{
	struct archive_names senders = {0};
	struct archive_rows rows = {0};
	struct rrdfile_head head;
	int rc;

	*out = (struct archive_totals){0};
	rc = read_watched(reader, receiver, from_s, to_s, &head, &rows);
	if (rc == GRAPPE_OK)
		rc = archive_read_senders(reader, receiver, &senders);
	if (rc == GRAPPE_OK) {
		describe_window(&rows, out);
		damaged_until(reader, receiver, NULL, rows.from_s);
		out->senders = calloc(senders.count + 1, sizeof *out->senders);
		rc = out->senders != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
	}
	for (size_t i = 0; rc == GRAPPE_OK && out->known > 0 && i < senders.count; i++)
		rc = add_total(reader, receiver, senders.ids[i], head.last_s, &rows, out);
	if (rc == GRAPPE_OK)
		rc = count_marks(reader, receiver, head.last_s, &rows, &out->caveats);
	archive_rows_deinit(&rows);
	archive_names_deinit(&senders);
	if (rc != GRAPPE_OK)
		archive_totals_deinit(out);
	return rc;
}

static int add_receiver(
    struct matrix *matrix, const char *receiver, const struct archive_totals *totals)
{
	const int node = matrix_node(matrix, receiver);
	int rc = node < 0 ? node : GRAPPE_OK;

	for (size_t i = 0; rc == GRAPPE_OK && i < totals->nsenders; i++) {
		const struct archive_sender *sender = &totals->senders[i];
		const int source = matrix_node(matrix, sender->sender);

		rc = source < 0 ? source
				: matrix_add(matrix, (uint32_t)source, (uint32_t)node,
				      sender->packets, sender->octets);
	}
	return rc;
}

int archive_read_matrix(
    struct archive_reader *reader, int64_t from_s, int64_t to_s, struct matrix *matrix)
{
	struct matrix_window *window = matrix_window(matrix);
	double known = 0, wanted = 0;
	struct archive_names receivers;
	size_t watched = 0;
	int rc = archive_read_receivers(reader, &receivers);

	*window = (struct matrix_window){.from_s = from_s, .to_s = to_s};
	for (size_t i = 0; rc == GRAPPE_OK && i < receivers.count; i++) {
		struct archive_totals totals;

		rc = archive_read_totals(reader, receivers.ids[i], from_s, to_s, &totals);
		if (rc == GRAPPE_OK && totals.known > 0) {
			rc = add_receiver(matrix, receivers.ids[i], &totals);
			watched++;
			known += totals.known;
			wanted = fmax(wanted, totals.wanted);
			window->from_s =
			    totals.from_s < window->from_s ? totals.from_s : window->from_s;
			window->to_s = totals.to_s > window->to_s ? totals.to_s : window->to_s;
		} else if (rc == GRAPPE_EFORMAT || rc == GRAPPE_ENOTFOUND) {
			rc = GRAPPE_OK; /* a damaged coverage file is counted; a folder may be empty
					 */
		}
		archive_totals_deinit(&totals);
	}
	archive_names_deinit(&receivers);
	if (rc != GRAPPE_OK)
		return rc;
	if (watched == 0)
		return GRAPPE_ENOTFOUND;
	window->length_s = (double)(window->to_s - window->from_s);
	window->wanted = (uint32_t)fmin(wanted, UINT32_MAX);
	window->known = (uint32_t)fmin(known / (double)watched, wanted);
	return GRAPPE_OK;
}
