/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive.h"

#include "common/error.h"
#include "common/file.h"
#include "rrd/archive_path.h"
#include "rrd/coverage.h"
#include "rrd/journal.h"
#include "rrd/rrdfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NEW_FILE ".new.rrd" /* where files are born, in the archive folder */
#define FOLDER_MODE 0755

struct archive {
	char folder[PATH_MAX];
	struct archive_layout layout;
	uint64_t floor_bytes;
	struct journal *journal;
	struct archive_counters counters;
};

/* One call of archive_write(). */
struct job {
	struct archive *archive;
	const struct archive_update *update;
	int64_t now_s;
	char coverage_path[PATH_MAX];
	bool covered_before;          /* the coverage file exists; then: */
	struct rrdfile_head coverage; /* its head */
	char *message;
	size_t size;
};

#define FAIL(job, code, ...) (snprintf((job)->message, (job)->size, __VA_ARGS__), (code))

struct archive_update *archive_update_new(
    const char *receiver, int64_t end_s, double known, size_t nsenders)
{
	struct archive_update *update = calloc(1, sizeof *update);

	if (update == NULL)
		return NULL;
	update->senders = calloc(nsenders > 0 ? nsenders : 1, sizeof *update->senders);
	if (update->senders == NULL) {
		free(update);
		return NULL;
	}
	snprintf(update->receiver, sizeof update->receiver, "%s", receiver);
	update->end_s = end_s;
	update->known = known;
	update->nsenders = nsenders;
	return update;
}

void archive_update_free(struct archive_update *update)
{
	if (update == NULL)
		return;
	free(update->senders);
	free(update);
}

/* ---- what makes no sense ---- */

static int compare_senders(const void *left, const void *right)
{
	const struct archive_sender *x = left, *y = right;

	return strcmp(x->sender, y->sender);
}

static bool is_count(double value)
{
	return isfinite(value) && value >= 0;
}

static int check_senders(struct job *job)
{
	const struct archive_update *update = job->update;

	for (size_t i = 0; i < update->nsenders; i++) {
		const struct archive_sender *sender = &update->senders[i];

		if (!identity_is_valid(sender->sender))
			return FAIL(
			    job, GRAPPE_EINVALID, "'%.63s' is no sender's id", sender->sender);
		if (!is_count(sender->packets) || !is_count(sender->octets))
			return FAIL(job, GRAPPE_EINVALID, "counts of %s from %s are no counts",
			    update->receiver, sender->sender);
		if (i > 0 && strcmp(sender[-1].sender, sender->sender) == 0)
			return FAIL(job, GRAPPE_EINVALID, "sender %s twice in a period of %s",
			    sender->sender, update->receiver);
	}
	return GRAPPE_OK;
}

static int check_update(struct job *job)
{
	const struct archive_update *update = job->update;
	const int64_t length = job->archive->layout.length_s;

	if (!identity_is_valid(update->receiver))
		return FAIL(job, GRAPPE_EINVALID, "'%.63s' is no receiver's id", update->receiver);
	if (!(update->known >= 0 && update->known <= 1) ||
	    (update->known == 0 && update->nsenders > 0))
		return FAIL(job, GRAPPE_EINVALID, "known share %g of %s makes no sense",
		    update->known, update->receiver);
	if (update->end_s <= 0 || update->end_s % length != 0)
		return FAIL(job, GRAPPE_ERANGE, "period end %lld of %s is no multiple of %llds",
		    (long long)update->end_s, update->receiver, (long long)length);
	if (update->end_s > job->now_s + length)
		return FAIL(job, GRAPPE_ERANGE, "period end %lld of %s lies in the future",
		    (long long)update->end_s, update->receiver);
	return check_senders(job);
}

/* ---- files ---- */

/* A file that cannot be used is kept under another name; what for, an operator decides. */
static int set_aside(struct job *job, const char *path)
{
	char aside[PATH_MAX + 64];

	for (int64_t stamp = job->update->end_s; stamp < job->update->end_s + 100; stamp++) {
		snprintf(aside, sizeof aside, "%s.damaged-%lld", path, (long long)stamp);
		if (renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE) == 0) {
			job->archive->counters.damaged++;
			return FAIL(job, GRAPPE_OK,
			    "%s is damaged or no archive of ours: set aside as %s, a new one "
			    "begins",
			    path, aside);
		}
		if (errno != EEXIST)
			break;
	}
	return FAIL(job, GRAPPE_EIO, "cannot set the damaged %s aside: %s", path, strerror(errno));
}

/* The head of a file that may be updated. GRAPPE_ENOTFOUND: there is none (any more). */
static int usable_head(
    struct job *job, const char *path, enum rrdfile_kind kind, struct rrdfile_head *head)
{
	int rc = rrdfile_read_head(path, kind, head);

	if (rc == GRAPPE_EIO)
		return FAIL(job, rc, "cannot read %s: %s", path, strerror(errno));
	/* So far in the future that nothing could be added for long. A clock that was set back by
	 * less is no reason to leave the file. */
	if (rc == GRAPPE_OK && head->last_s > job->now_s + head->layout.levels[0].keep_s)
		rc = GRAPPE_EFORMAT;
	if (rc == GRAPPE_EFORMAT) {
		rc = set_aside(job, path);
		return rc == GRAPPE_OK ? GRAPPE_ENOTFOUND : rc;
	}
	return rc;
}

static int check_space(struct job *job)
{
	struct statvfs status;
	uint64_t left;

	if (statvfs(job->archive->folder, &status) != 0)
		return FAIL(job, GRAPPE_EIO, "cannot ask for free space of %s: %s",
		    job->archive->folder, strerror(errno));
	left = (uint64_t)status.f_bavail * status.f_frsize;
	if (left < job->archive->floor_bytes)
		return FAIL(job, GRAPPE_EIO,
		    "no new archive in %s: %llu kB free on that disk, %llu kB are to stay free",
		    job->archive->folder, (unsigned long long)(left >> 10),
		    (unsigned long long)(job->archive->floor_bytes >> 10));
	return GRAPPE_OK;
}

/* Makes path with its first points in one step: it is there with all of them, or not at all. */
static int create_file(struct job *job, const char *path, enum rrdfile_kind kind, int64_t start_s,
    const struct rrdfile_point *points, size_t count)
{
	struct archive_layout layout =
	    job->covered_before ? job->coverage.layout : job->archive->layout;
	char fresh[PATH_MAX + 16];
	int rc = check_space(job);

	if (rc != GRAPPE_OK)
		return rc;
	layout.maximum = job->archive->layout.maximum;
	snprintf(fresh, sizeof fresh, "%s/" NEW_FILE, job->archive->folder);
	unlink(fresh);
	rc = rrdfile_create(fresh, kind, &layout, start_s, job->message, job->size);
	if (rc == GRAPPE_OK)
		rc = rrdfile_update(fresh, points, count, job->message, job->size);
	if (rc == GRAPPE_OK && rename(fresh, path) != 0)
		rc = FAIL(job, GRAPPE_EIO, "cannot create %s: %s", path, strerror(errno));
	if (rc == GRAPPE_OK)
		job->archive->counters.created++;
	else
		unlink(fresh);
	return rc;
}

static int update_file(struct job *job, const char *sender, const char *path,
    const struct rrdfile_head *head, const struct rrdfile_point *points, size_t count)
{
	if (head->sparse && rrdfile_reserve(path, job->message, job->size) != GRAPPE_OK)
		return GRAPPE_EIO;
	/* Without journal the update is still right; only a kill inside it would not be. */
	journal_keep_head(job->archive->journal, sender, head);
	return rrdfile_update(path, points, count, job->message, job->size);
}

/* ---- the points of a pair ---- */

/* The state from one time to the next; equal neighbours are one point. */
struct points {
	struct rrdfile_point *items;
	size_t count, capacity;
	int64_t at; /* everything up to here is told */
};

static int add_point(struct points *points, int64_t end_s, double packets, double octets)
{
	const size_t capacity = points->capacity > 0 ? points->capacity * 2 : 8;
	struct rrdfile_point *bigger;

	if (points->count == points->capacity) {
		bigger = reallocarray(points->items, capacity, sizeof *bigger);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		points->items = bigger;
		points->capacity = capacity;
	}
	points->items[points->count++] =
	    (struct rrdfile_point){.end_s = end_s, .values = {packets, octets}};
	points->at = end_s;
	return GRAPPE_OK;
}

/* Silence (value 0) or ignorance (value NaN) up to end_s. */
static int add_stretch(struct points *points, int64_t end_s, double value)
{
	struct rrdfile_point *last = points->count > 0 ? &points->items[points->count - 1] : NULL;

	if (end_s <= points->at)
		return GRAPPE_OK;
	if (last != NULL && isnan(last->values[0]) == isnan(value)) {
		last->end_s = points->at = end_s;
		return GRAPPE_OK;
	}
	return add_point(points, end_s, value, value);
}

/* How many periods of (from_s, to_s] the pair file itself knows. */
static int64_t known_in_pair(const char *path, int64_t length_s, int64_t from_s, int64_t to_s)
{
	const int64_t count = (to_s - from_s) / length_s;
	double(*values)[2] = calloc((size_t)count + 1, sizeof *values);
	int64_t known = 0;

	if (values != NULL && rrdfile_fetch(path, length_s, from_s, to_s, values) == GRAPPE_OK)
		for (int64_t i = 0; i < count; i++)
			known += !isnan(values[i][0]);
	free(values);
	return known;
}

/*
 * Brings a pair from points->at to until_s as the coverage file tells: 0 where the receiver was
 * known, unknown elsewhere. In rows that hold several periods the number of known ones is what
 * counts: the pair's mean is taken over the same number of periods as the coverage's share.
 */
static int add_silence(struct job *job, const char *path, struct points *points, int64_t until_s)
{
	const int64_t length = job->archive->layout.length_s;
	struct archive_rows rows = {0};
	int rc = GRAPPE_OK;

	if (job->covered_before && job->coverage.last_s > points->at)
		rc = coverage_read(job->coverage_path, &job->coverage, points->at,
		    job->coverage.last_s < until_s ? job->coverage.last_s : until_s, false, &rows);
	for (size_t i = 0; rc == GRAPPE_OK && i < rows.count; i++) {
		const int64_t begin = rows.rows[i].end_s - rows.rows[i].length_s;
		const int64_t room = (rows.rows[i].end_s - points->at) / length;
		int64_t known = coverage_known(&rows.rows[i], length);

		if (begin < points->at)
			known -= known_in_pair(path, length, begin, points->at);
		known = known < 0 ? 0 : known > room ? room : known;
		rc = add_stretch(points, points->at + known * length, 0);
		if (rc == GRAPPE_OK)
			rc = add_stretch(points, rows.rows[i].end_s, NAN);
	}
	archive_rows_deinit(&rows);
	if (rc == GRAPPE_OK)
		rc = add_stretch(points, until_s, NAN);
	return rc == GRAPPE_OK
		   ? rc
		   : FAIL(job, rc, "cannot tell what %s missed: %s", path, error_text(rc));
}

/* Where a new file begins: rows of every level begin there, too. */
static int64_t first_start(const struct archive_layout *layout, int64_t end_s)
{
	const int64_t before = end_s - layout->length_s;

	return before - before % layout->levels[layout->count - 1].resolution_s;
}

static int write_pair(struct job *job, const struct archive_sender *sender)
{
	const int64_t end_s = job->update->end_s, length = job->archive->layout.length_s;
	const struct archive_layout *layout =
	    job->covered_before ? &job->coverage.layout : &job->archive->layout;
	struct points points = {0};
	struct rrdfile_head head;
	char path[PATH_MAX];
	int rc =
	    archive_path_pair(path, job->archive->folder, job->update->receiver, sender->sender);
	bool fresh;

	if (rc == GRAPPE_OK)
		rc = usable_head(job, path, RRDFILE_PAIR, &head);
	fresh = rc == GRAPPE_ENOTFOUND;
	if (rc != GRAPPE_OK && !fresh)
		return rc;
	if (!fresh && head.last_s >= end_s) {
		job->archive->counters.repeated++;
		return GRAPPE_OK;
	}
	points.at = fresh ? first_start(layout, end_s) : head.last_s;
	rc = add_silence(job, path, &points, end_s - length);
	if (rc == GRAPPE_OK)
		rc = add_point(&points, end_s, sender->packets, sender->octets);
	if (rc == GRAPPE_OK)
		rc = fresh ? create_file(job, path, RRDFILE_PAIR, first_start(layout, end_s),
				 points.items, points.count)
			   : update_file(
				 job, sender->sender, path, &head, points.items, points.count);
	if (rc == GRAPPE_OK)
		job->archive->counters.updates++;
	free(points.items);
	return rc;
}

/* ---- pairs that fell silent ---- */

/* A pair that is inside a row of some level, up to the end of that row. */
static int settle_pair(struct job *job, const char *sender, int64_t until_s)
{
	const int64_t coarsest =
	    job->coverage.layout.levels[job->coverage.layout.count - 1].resolution_s;
	struct points points = {0};
	struct rrdfile_head head;
	char path[PATH_MAX];
	int rc = archive_path_pair(path, job->archive->folder, job->update->receiver, sender);

	if (rc != GRAPPE_OK || rrdfile_read_head(path, RRDFILE_PAIR, &head) != GRAPPE_OK ||
	    head.last_s >= until_s || head.last_s % coarsest == 0)
		return GRAPPE_OK;
	points.at = head.last_s;
	rc = add_silence(job, path, &points, until_s);
	if (rc == GRAPPE_OK)
		rc = update_file(job, sender, path, &head, points.items, points.count);
	free(points.items);
	return rc;
}

/*
 * With the first period of a row of the coarsest level (once a day) all pairs that were heard in
 * the row before are brought to its end: the rows in which they fell silent are then complete for
 * every program that reads the files. A failure here is no loss: the same happens at the pair's
 * next packet.
 */
static void settle_pairs(struct job *job)
{
	char path[PATH_MAX], id[VM_ID_SIZE], message[1024];
	struct job quiet = *job;
	struct dirent *entry;
	int64_t until_s;
	DIR *dir;

	if (!job->covered_before)
		return;
	until_s = first_start(&job->coverage.layout, job->update->end_s);
	if (job->coverage.last_s > until_s)
		return;
	archive_path_receiver(path, job->archive->folder, job->update->receiver);
	dir = opendir(path);
	if (dir == NULL)
		return;
	quiet.message = message;
	quiet.size = sizeof message;
	while ((entry = readdir(dir)) != NULL)
		if (archive_path_id(entry->d_name, ".rrd", id) == GRAPPE_OK &&
		    settle_pair(&quiet, id, until_s) != GRAPPE_OK)
			job->archive->counters.failures++;
	closedir(dir);
}

/* ---- a period ---- */

static int write_coverage(struct job *job, double stored)
{
	const struct archive_update *update = job->update;
	const int64_t length = job->archive->layout.length_s;
	const int64_t start = job->covered_before
				  ? job->coverage.last_s
				  : first_start(&job->archive->layout, update->end_s);
	const bool gap = start < update->end_s - length;
	const struct rrdfile_point points[2] = {{.end_s = update->end_s - length, .values = {0, 0}},
	    {.end_s = update->end_s, .values = {update->known > 0, update->known * stored}}};

	if (job->covered_before)
		return update_file(
		    job, NULL, job->coverage_path, &job->coverage, points + !gap, 1 + gap);
	return create_file(
	    job, job->coverage_path, RRDFILE_COVERAGE, start, points + !gap, 1 + gap);
}

/* Writes all pairs that can be written. Returns the first failure; *stored: the share of packets
 * that is on disk. */
static int write_pairs(struct job *job, double *stored)
{
	double packets = 0, lost = 0;
	char again[1024];
	int first = GRAPPE_OK;

	for (size_t i = 0; i < job->update->nsenders; i++) {
		const struct archive_sender *sender = &job->update->senders[i];
		struct job quiet = *job;
		int rc;

		if (sender->packets == 0 && sender->octets == 0)
			continue;
		if (first != GRAPPE_OK) { /* the first reason is the one told */
			quiet.message = again;
			quiet.size = sizeof again;
		}
		rc = write_pair(&quiet, sender);
		packets += sender->packets;
		if (rc == GRAPPE_OK)
			continue;
		job->archive->counters.failures++;
		lost += sender->packets;
		if (first == GRAPPE_OK)
			first = rc;
	}
	*stored = packets > 0 ? 1 - lost / packets : 1;
	return first;
}

static int begin_period(struct job *job)
{
	const struct archive *archive = job->archive;
	char path[PATH_MAX];
	int rc = archive_path_coverage(job->coverage_path, archive->folder, job->update->receiver);

	if (rc == GRAPPE_OK)
		rc = usable_head(job, job->coverage_path, RRDFILE_COVERAGE, &job->coverage);
	job->covered_before = rc == GRAPPE_OK;
	if (rc == GRAPPE_OK && job->coverage.layout.length_s != archive->layout.length_s)
		return FAIL(job, GRAPPE_EUNSUPPORTED,
		    "%s has periods of %us, now they are %us: use another archive folder",
		    job->coverage_path, job->coverage.layout.length_s, archive->layout.length_s);
	if (rc != GRAPPE_ENOTFOUND)
		return rc;
	archive_path_receiver(path, archive->folder, job->update->receiver);
	if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
		return FAIL(job, GRAPPE_EIO, "cannot make %s: %s", path, strerror(errno));
	return GRAPPE_OK;
}

static int write_period(struct job *job, bool give_up)
{
	struct archive_counters *counters = &job->archive->counters;
	uint64_t failures;
	double stored;
	int rc = begin_period(job);

	if (rc != GRAPPE_OK) {
		counters->failures++;
		return rc;
	}
	if (job->covered_before &&
	    job->coverage.last_s > job->now_s + job->coverage.layout.length_s) {
		counters->refused++;
		return FAIL(job, GRAPPE_ERANGE,
		    "%s reaches %llds into the future: was the clock set back? What is stored "
		    "stays",
		    job->coverage_path, (long long)(job->coverage.last_s - job->now_s));
	}
	if (job->covered_before && job->coverage.last_s >= job->update->end_s) {
		counters->repeated++;
		return GRAPPE_OK;
	}
	journal_begin(job->archive->journal, job->update);
	settle_pairs(job);
	failures = counters->failures;
	rc = write_pairs(job, &stored);
	if (rc != GRAPPE_OK && !give_up)
		return rc;
	counters->lost += counters->failures - failures;
	rc = write_coverage(job, stored);
	if (rc != GRAPPE_OK) {
		counters->failures++;
		return rc;
	}
	journal_finish(job->archive->journal);
	counters->periods++;
	return GRAPPE_OK;
}

int archive_write(struct archive *archive, struct archive_update *update, int64_t now_s,
    bool give_up, char *message, size_t size)
{
	struct job job = {
	    .archive = archive, .update = update, .now_s = now_s, .message = message, .size = size};
	int rc;

	message[0] = '\0';
	qsort(update->senders, update->nsenders, sizeof *update->senders, compare_senders);
	rc = check_update(&job);
	if (rc != GRAPPE_OK) {
		archive->counters.refused++;
		return rc;
	}
	return write_period(&job, give_up);
}

const struct archive_counters *archive_counters(const struct archive *archive)
{
	return &archive->counters;
}

/* ---- opening ---- */

/* Files that were being made when a writer was killed, librrd's own temporary ones included. */
static void remove_unborn(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, NEW_FILE, strlen(NEW_FILE)) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

/* Finishes the period a killed writer left. */
static int recover(struct archive *archive, char *message, size_t size)
{
	struct archive_update *update;
	int rc = journal_recover(archive->journal, archive->folder, &update);

	if (rc != GRAPPE_OK) {
		snprintf(message, size, "cannot recover %s/journal: %s", archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
		return rc;
	}
	remove_unborn(archive->folder);
	if (update == NULL)
		return GRAPPE_OK;
	/* It was accepted once, so it is not in the future. What cannot be finished now is not
	 * worth refusing to start: message says it, the collector may deliver the period again. */
	if (archive_write(archive, update, update->end_s, false, message, size) == GRAPPE_OK)
		archive->counters.recovered++;
	archive_update_free(update);
	return GRAPPE_OK;
}

int archive_open(const char *folder, const struct archive_layout *layout, uint64_t floor_bytes,
    struct archive **out, char *message, size_t size)
{
	struct archive *archive;
	int rc = archive_layout_check(layout, message, size);

	*out = NULL;
	if (rc != GRAPPE_OK)
		return rc;
	message[0] = '\0';
	archive = calloc(1, sizeof *archive);
	if (archive == NULL) {
		snprintf(message, size, "no memory");
		return GRAPPE_EMEMORY;
	}
	archive->layout = *layout;
	archive->floor_bytes = floor_bytes;
	if (folder[0] == '\0' || strlen(folder) > ARCHIVE_FOLDER_MAX) {
		snprintf(message, size, "the path of the archive folder is empty or too long");
		rc = GRAPPE_EINVALID;
		goto fail;
	}
	snprintf(archive->folder, sizeof archive->folder, "%s", folder);
	rc = file_make_folder(folder, FOLDER_MODE);
	if (rc == GRAPPE_OK)
		rc = journal_open(folder, &archive->journal);
	if (rc != GRAPPE_OK) {
		snprintf(message, size, "cannot write archives in %s: %s", folder,
		    rc == GRAPPE_EIO       ? strerror(errno)
		    : rc == GRAPPE_EEXISTS ? "another process writes there"
					   : error_text(rc));
		goto fail;
	}
	rc = recover(archive, message, size);
	if (rc == GRAPPE_OK) {
		*out = archive;
		return rc;
	}
fail:
	archive_close(archive);
	return rc;
}

void archive_close(struct archive *archive)
{
	if (archive == NULL)
		return;
	journal_close(archive->journal);
	free(archive);
}
