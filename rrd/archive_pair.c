/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive_job.h"

#include "common/caveats.h"
#include "common/error.h"
#include "rrd/archive_path.h"
#include "rrd/coverage.h"
#include "rrd/relay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- files ---- */

/* A file that cannot be used is kept under another name; what for, an operator decides. */
static int set_aside(struct job *job, const char *path)
{
	char aside[PATH_MAX + 64];

	for (int64_t stamp = job->update->end_s; stamp < job->update->end_s + 100; stamp++) {
		snprintf(aside, sizeof aside, "%s.damaged-%lld", path, (long long)stamp);
		if (renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE) == 0) {
			job->archive->counters.damaged++;
			return JOB_FAIL(job, GRAPPE_OK,
			    "%s is damaged or no archive of ours: set aside as %s, a new one "
			    "begins",
			    path, aside);
		}
		if (errno != EEXIST)
			break;
	}
	return JOB_FAIL(
	    job, GRAPPE_EIO, "cannot set the damaged %s aside: %s", path, strerror(errno));
}

/* The head of a file that may be updated. GRAPPE_ENOTFOUND: there is none (any more). */
int archive_usable_head(
    struct job *job, const char *path, enum rrdfile_kind kind, struct rrdfile_head *head)
{
	int rc = rrdfile_read_head(path, kind, head);

	if (rc == GRAPPE_EIO)
		return JOB_FAIL(job, rc, "cannot read %s: %s", path, strerror(errno));
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
		return JOB_FAIL(job, GRAPPE_EIO, "cannot ask for free space of %s: %s",
		    job->archive->folder, strerror(errno));
	left = (uint64_t)status.f_bavail * status.f_frsize;
	if (left < job->archive->floor_bytes)
		return JOB_FAIL(job, GRAPPE_EIO,
		    "no new archive in %s: %llu kB free on that disk, %llu kB are to stay free",
		    job->archive->folder, (unsigned long long)(left >> 10),
		    (unsigned long long)(job->archive->floor_bytes >> 10));
	return GRAPPE_OK;
}

/* Makes path with its first points in one step: it is there with all of them, or not at all. */
int archive_create_file(struct job *job, const char *path, enum rrdfile_kind kind, int64_t start_s,
    const struct rrdfile_point *points, size_t count)
{
	struct archive_layout layout =
	    job->covered_before ? job->coverage.layout : job->archive->layout;
	char fresh[PATH_MAX + 16];
	int rc = check_space(job);

	if (rc != GRAPPE_OK)
		return rc;
	layout.maximum = job->archive->layout.maximum;
	snprintf(fresh, sizeof fresh, "%s/" ARCHIVE_NEW_FILE, job->archive->folder);
	unlink(fresh);
	rc = rrdfile_create(fresh, kind, &layout, start_s, job->message, job->size);
	if (rc == GRAPPE_OK)
		rc = rrdfile_update(fresh, points, count, job->message, job->size);
	if (rc == GRAPPE_OK && rename(fresh, path) != 0)
		rc = JOB_FAIL(job, GRAPPE_EIO, "cannot create %s: %s", path, strerror(errno));
	if (rc == GRAPPE_OK)
		job->archive->counters.created++;
	else
		unlink(fresh);
	return rc;
}

int archive_update_file(struct job *job, const char *sender, const char *path,
    const struct rrdfile_head *head, const struct rrdfile_point *points, size_t count)
{
	if (head->sparse && rrdfile_reserve(path, job->message, job->size) != GRAPPE_OK)
		return GRAPPE_EIO;
	/* Without journal the update is still right; only a kill inside it would not be. */
	journal_keep_head(job->archive->journal, sender, head);
	return rrdfile_update(path, points, count, job->message, job->size);
}

int archive_make_receiver(struct job *job)
{
	char path[PATH_MAX];

	archive_path_receiver(path, job->archive->folder, job->update->receiver);
	if (mkdir(path, ARCHIVE_FOLDER_MODE) != 0 && errno != EEXIST)
		return JOB_FAIL(job, GRAPPE_EIO, "cannot make %s: %s", path, strerror(errno));
	return GRAPPE_OK;
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

/* Silence where the coverage file knows, up to until_s at most. */
static int add_filed_silence(
    struct job *job, const char *path, struct points *points, int64_t until_s)
{
	const int64_t length = job->archive->layout.length_s;
	struct archive_rows rows = {0};
	int rc =
	    coverage_read(job->coverage_path, &job->coverage, points->at, until_s, false, &rows);

	for (size_t i = 0; rc == GRAPPE_OK && i < rows.count; i++) {
		const int64_t begin = rows.rows[i].end_s - rows.rows[i].length_s;
		const int64_t room = (rows.rows[i].end_s - points->at) / length;
		int64_t known = coverage_known(&rows.rows[i], length);

		if (begin < points->at && job->receiver != NULL)
			rc = relay_flush(job, path);
		if (begin < points->at)
			known -= known_in_pair(path, length, begin, points->at);
		known = known < 0 ? 0 : known > room ? room : known;
		if (rc == GRAPPE_OK)
			rc = add_stretch(points, points->at + known * length, 0);
		if (rc == GRAPPE_OK)
			rc = add_stretch(points, rows.rows[i].end_s, NAN);
	}
	archive_rows_deinit(&rows);
	return rc;
}

/* Silence in periods that were handed over lately; most are not in the coverage file yet. */
static int add_recent_silence(struct job *job, struct points *points, int64_t until_s)
{
	const int64_t length = job->archive->layout.length_s;
	const struct receiver *receiver = job->receiver;
	int rc = GRAPPE_OK;

	for (size_t i = 0; rc == GRAPPE_OK && i < receiver->nrecent; i++) {
		const struct handed *period = &receiver->recent[i];

		if (period->end_s > until_s)
			break;
		rc = add_stretch(points, period->end_s - length, NAN);
		if (rc == GRAPPE_OK)
			rc = add_stretch(points, period->end_s, period->known ? 0 : NAN);
	}
	return rc;
}

/*
 * Brings a pair from points->at to until_s as the coverage file tells: 0 where the receiver was
 * known, unknown elsewhere. In rows that hold several periods the number of known ones is what
 * counts: the pair's mean is taken over the same number of periods as the coverage's share.
 */
static int add_silence(struct job *job, const char *path, struct points *points, int64_t until_s)
{
	int64_t filed_s = job->covered_before ? job->coverage.last_s : 0;
	int rc = GRAPPE_OK;

	if (points->at >= until_s)
		return rc;
	if (job->receiver != NULL && job->receiver->recent_from_s < filed_s)
		filed_s = job->receiver->recent_from_s;
	if (filed_s > points->at)
		rc = add_filed_silence(job, path, points, filed_s < until_s ? filed_s : until_s);
	if (rc == GRAPPE_OK && job->receiver != NULL)
		rc = add_recent_silence(job, points, until_s);
	if (rc == GRAPPE_OK)
		rc = add_stretch(points, until_s, NAN);
	return rc == GRAPPE_OK || rc == GRAPPE_ETIMEOUT
		   ? rc
		   : JOB_FAIL(job, rc, "cannot tell what %s missed: %s", path, error_text(rc));
}

/* ---- pairs ---- */

/* Where a new file begins: rows of every level begin there, too. */
int64_t archive_first_start(const struct archive_layout *layout, int64_t end_s)
{
	const int64_t before = end_s - layout->length_s;

	return before - before % layout->levels[layout->count - 1].resolution_s;
}

static const struct archive_layout *layout_of(const struct job *job)
{
	return job->covered_before ? &job->coverage.layout : &job->archive->layout;
}

/* The last update of a pair: as remembered, else as its file says; then head is filled in. */
static int find_last(struct job *job, const char *sender, const char *path,
    struct rrdfile_head *head, int64_t *last_s)
{
	const struct pair *pair =
	    job->receiver != NULL ? receiver_find_pair(job->receiver, sender) : NULL;
	int rc;

	if (pair != NULL) {
		*last_s = pair->handed_s;
		return GRAPPE_OK;
	}
	rc = archive_usable_head(job, path, RRDFILE_PAIR, head);
	if (rc != GRAPPE_OK)
		return rc;
	*last_s = head->last_s;
	if (job->receiver == NULL)
		return rc;
	if (head->sparse)
		rc = rrdfile_reserve(path, job->message, job->size);
	return rc == GRAPPE_OK ? relay_remember(job, sender, head->last_s, head->last_s) : rc;
}

static int append(struct job *job, const struct archive_sender *sender, const char *path,
    const struct rrdfile_head *head, const struct points *points)
{
	if (job->receiver != NULL)
		return relay_put(
		    job, sender->sender, path, sender->packets, points->items, points->count);
	return archive_update_file(job, sender->sender, path, head, points->items, points->count);
}

static int create(struct job *job, const struct archive_sender *sender, const char *path,
    int64_t start_s, const struct points *points)
{
	const int rc =
	    archive_create_file(job, path, RRDFILE_PAIR, start_s, points->items, points->count);

	if (rc == GRAPPE_OK && job->receiver != NULL)
		return relay_remember(job, sender->sender, points->at, points->at);
	return rc;
}

static int write_pair(struct job *job, const struct archive_sender *sender)
{
	const int64_t end_s = job->update->end_s, length = job->archive->layout.length_s;
	struct points points = {0};
	struct rrdfile_head head;
	char path[PATH_MAX];
	int rc =
	    archive_path_pair(path, job->archive->folder, job->update->receiver, sender->sender);
	bool fresh;

	if (rc == GRAPPE_OK)
		rc = find_last(job, sender->sender, path, &head, &points.at);
	fresh = rc == GRAPPE_ENOTFOUND;
	if (rc != GRAPPE_OK && !fresh)
		return rc;
	if (!fresh && points.at >= end_s) {
		job->archive->counters.repeated++;
		return GRAPPE_OK;
	}
	if (fresh)
		points.at = archive_first_start(layout_of(job), end_s);
	rc = add_silence(job, path, &points, end_s - length);
	if (rc == GRAPPE_OK)
		rc = add_point(&points, end_s, sender->packets, sender->octets);
	if (rc == GRAPPE_OK)
		rc = fresh ? create(job, sender, path, archive_first_start(layout_of(job), end_s),
				 &points)
			   : append(job, sender, path, &head, &points);
	if (rc == GRAPPE_OK)
		job->archive->counters.updates++;
	free(points.items);
	return rc;
}

/* ---- pairs that fell silent ---- */

/* A pair that is inside a row of some level, up to the end of that row. */
static int settle_pair(struct job *job, const char *name, int64_t until_s)
{
	const int64_t coarsest = layout_of(job)->levels[layout_of(job)->count - 1].resolution_s;
	struct archive_sender sender = {0};
	struct points points = {0};
	struct rrdfile_head head;
	char path[PATH_MAX];
	int rc = archive_path_pair(path, job->archive->folder, job->update->receiver, name);

	if (rc == GRAPPE_OK && rrdfile_read_head(path, RRDFILE_PAIR, &head) == GRAPPE_OK)
		rc = find_last(job, name, path, &head, &points.at);
	else
		return GRAPPE_OK;
	if (rc != GRAPPE_OK || points.at >= until_s || points.at % coarsest == 0)
		return GRAPPE_OK;
	snprintf(sender.sender, sizeof sender.sender, "%s", name);
	rc = add_silence(job, path, &points, until_s);
	if (rc == GRAPPE_OK)
		rc = append(job, &sender, path, &head, &points);
	free(points.items);
	return rc;
}

/*
 * With the first period of a row of the coarsest level (once a day) all pairs that were heard in
 * the row before are brought to its end: the rows in which they fell silent are then complete for
 * every program that reads the files. A failure here is no loss: the same happens at the pair's
 * next packet.
 */
void archive_settle_pairs(struct job *job, int64_t before_s)
{
	const int64_t until_s = archive_first_start(layout_of(job), job->update->end_s);
	char path[PATH_MAX], id[VM_ID_SIZE], message[1024];
	struct job quiet = *job;
	struct dirent *entry;
	DIR *dir;

	if (before_s == 0 || before_s > until_s)
		return;
	archive_path_receiver(path, job->archive->folder, job->update->receiver);
	dir = opendir(path);
	if (dir == NULL)
		return;
	quiet.message = message;
	quiet.size = sizeof message;
	while ((entry = readdir(dir)) != NULL)
		if (archive_path_sender(entry->d_name, id) == GRAPPE_OK &&
		    settle_pair(&quiet, id, until_s) != GRAPPE_OK)
			job->archive->counters.failures++;
	closedir(dir);
}

/* ---- all pairs of a period ---- */

double archive_packets(const struct archive_update *update)
{
	double packets = 0;

	for (size_t i = 0; i < update->nsenders; i++)
		packets += update->senders[i].packets;
	return packets;
}

/* One sender; the first reason for a failure is the one told. */
static int try_pair(struct job *job, const struct archive_sender *sender, int *first)
{
	char *const message = job->message, again[1024];
	const size_t size = job->size;
	int rc;

	if (*first != GRAPPE_OK) {
		job->message = again;
		job->size = sizeof again;
	}
	rc = write_pair(job, sender);
	job->message = message;
	job->size = size;
	if (rc == GRAPPE_OK)
		return rc;
	job->archive->counters.failures++;
	if (*first == GRAPPE_OK)
		*first = rc;
	return rc;
}

/* What is to be borne in mind of the period: silent pairs of the receiver with its marks. */
static void write_marks(struct job *job, int *first)
{
	for (unsigned i = 0; i < CAVEATS && job->update->known > 0; i++) {
		struct archive_sender mark = {.packets = 1};

		if (!caveats_has(job->update->flags, i))
			continue;
		snprintf(mark.sender, sizeof mark.sender, ARCHIVE_MARK "%s", caveats_name(i));
		try_pair(job, &mark, first);
	}
}

int archive_write_pairs(struct job *job, double *lost)
{
	int first = GRAPPE_OK;

	*lost = 0;
	for (size_t i = 0; i < job->update->nsenders; i++) {
		const struct archive_sender *sender = &job->update->senders[i];

		if (sender->packets == 0 && sender->octets == 0)
			continue;
		if (try_pair(job, sender, &first) != GRAPPE_OK)
			*lost += sender->packets;
		if (first == GRAPPE_ETIMEOUT)
			return first;
	}
	write_marks(job, &first);
	return first;
}
