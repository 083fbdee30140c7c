/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive.h"

#include "common/error.h"
#include "common/file.h"
#include "rrd/archive_job.h"
#include "rrd/archive_path.h"
#include "rrd/archive_update.h"
#include "rrd/heads.h"
#include "rrd/relay.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a period ---- */

static int write_coverage(struct job *job, double stored)
{
	const struct archive_update *update = job->update;
	const int64_t length = job->archive->layout.length_s;
	const int64_t start = job->covered_before
				  ? job->coverage.last_s
				  : archive_first_start(&job->archive->layout, update->end_s);
	const bool gap = start < update->end_s - length;
	const struct rrdfile_point points[2] = {{.end_s = update->end_s - length, .values = {0, 0}},
	    {.end_s = update->end_s, .values = {update->known > 0, update->known * stored}}};

	if (job->covered_before)
		return archive_update_file(
		    job, NULL, job->coverage_path, &job->coverage, points + !gap, 1 + gap);
	return archive_create_file(
	    job, job->coverage_path, RRDFILE_COVERAGE, start, points + !gap, 1 + gap);
}

static int begin_period(struct job *job)
{
	const struct archive *archive = job->archive;
	int rc = archive_path_coverage(job->coverage_path, archive->folder, job->update->receiver);

	if (rc == GRAPPE_OK)
		rc = archive_usable_head(job, job->coverage_path, RRDFILE_COVERAGE, &job->coverage);
	job->covered_before = rc == GRAPPE_OK;
	if (rc == GRAPPE_OK && job->coverage.layout.length_s != archive->layout.length_s)
		return JOB_FAIL(job, GRAPPE_EUNSUPPORTED,
		    "%s has periods of %us, now they are %us: use another archive folder",
		    job->coverage_path, job->coverage.layout.length_s, archive->layout.length_s);
	return rc == GRAPPE_ENOTFOUND ? archive_make_receiver(job) : rc;
}

/* The pairs, then the coverage. */
static int write_files(struct job *job, bool give_up)
{
	struct archive_counters *counters = &job->archive->counters;
	const double packets = archive_packets(job->update);
	uint64_t failures;
	double lost;
	int rc;

	journal_begin(job->archive->journal, job->update);
	archive_settle_pairs(job, job->covered_before ? job->coverage.last_s : 0);
	failures = counters->failures;
	rc = archive_write_pairs(job, &lost);
	if (rc != GRAPPE_OK && !give_up)
		return rc;
	counters->lost += counters->failures - failures;
	rc = write_coverage(job, packets > 0 ? 1 - lost / packets : 1);
	if (rc != GRAPPE_OK) {
		counters->failures++;
		return rc;
	}
	journal_finish(job->archive->journal);
	counters->periods++;
	return GRAPPE_OK;
}

static int write_period(struct job *job, bool give_up)
{
	struct archive_counters *counters = &job->archive->counters;
	int rc = begin_period(job);

	if (rc != GRAPPE_OK) {
		counters->failures++;
		return rc;
	}
	if (job->covered_before &&
	    job->coverage.last_s > job->now_s + job->coverage.layout.length_s) {
		counters->refused++;
		return JOB_FAIL(job, GRAPPE_ERANGE,
		    "%s reaches %llds into the future: was the clock set back? What is stored "
		    "stays",
		    job->coverage_path, (long long)(job->coverage.last_s - job->now_s));
	}
	if (job->covered_before && job->coverage.last_s >= job->update->end_s) {
		counters->repeated++;
		return GRAPPE_OK;
	}
	return write_files(job, give_up);
}

static int write_directly(struct archive *archive, struct archive_update *update, int64_t now_s,
    bool give_up, char *message, size_t size)
{
	struct job job = {
	    .archive = archive, .update = update, .now_s = now_s, .message = message, .size = size};

	return write_period(&job, give_up);
}

int archive_write(struct archive *archive, struct archive_update *update, int64_t now_s,
    bool give_up, char *message, size_t size)
{
	int rc;

	message[0] = '\0';
	rc = archive_update_check(update, archive->layout.length_s, now_s, message, size);
	if (rc != GRAPPE_OK) {
		archive->counters.refused++;
		return rc;
	}
	rc = archive->relay != NULL
		 ? relay_write(archive->relay, update, now_s, give_up, message, size)
		 : write_directly(archive, update, now_s, give_up, message, size);
	if (rc == GRAPPE_OK)
		archive_note_period(archive, update->end_s);
	return rc;
}

int archive_commit(struct archive *archive, bool give_up, char *message, size_t size)
{
	message[0] = '\0';
	return archive->relay != NULL ? relay_commit(archive->relay, give_up, message, size)
				      : GRAPPE_OK;
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
		if (strncmp(entry->d_name, ARCHIVE_NEW_FILE, strlen(ARCHIVE_NEW_FILE)) == 0)
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
	message[0] = '\0';
	rc = archive_update_check(update, archive->layout.length_s, update->end_s, message, size);
	if (rc == GRAPPE_OK)
		rc = write_directly(archive, update, update->end_s, false, message, size);
	if (rc == GRAPPE_OK && archive->counters.periods > 0)
		archive->counters.recovered++;
	archive_update_free(update);
	return GRAPPE_OK;
}

/* A period that was handed to rrdcached once, and is written without it now. */
static int write_spooled(void *context, struct archive_update *update)
{
	struct archive *archive = context;
	char message[1024];
	int rc = archive_update_check(
	    update, archive->layout.length_s, update->end_s, message, sizeof message);

	if (rc == GRAPPE_OK)
		rc = write_directly(archive, update, update->end_s, false, message, sizeof message);
	archive_update_free(update);
	return rc == GRAPPE_EIO || rc == GRAPPE_EMEMORY ? rc : GRAPPE_OK;
}

static int put_back(
    void *context, const char *receiver, const char *sender, const struct rrdfile_live *live)
{
	const struct archive *archive = context;
	char path[PATH_MAX];

	if (archive_path_pair(path, archive->folder, receiver, sender) == GRAPPE_OK)
		rrdfile_put_back(path, live); /* damage is found when it is written */
	return GRAPPE_OK;
}

/* rrdcached was given up after something was handed to it: as if it had never been. */
static int write_all_spooled(struct archive *archive)
{
	struct heads *heads;
	int rc = heads_open(archive->folder, &heads);

	if (rc == GRAPPE_OK)
		rc = heads_visit(heads, put_back, archive);
	if (rc == GRAPPE_OK)
		rc = spool_visit(archive->spool, write_spooled, archive);
	if (rc == GRAPPE_OK)
		rc = spool_clear(archive->spool);
	if (rc == GRAPPE_OK)
		rc = heads_clear(heads);
	heads_close(heads);
	return rc;
}

/* What was handed to rrdcached and is not committed: to be handed over again, or written. */
static int open_spool(struct archive *archive, char *message, size_t size)
{
	int rc = spool_open(archive->folder, &archive->spool);

	if (rc == GRAPPE_OK && archive->relay != NULL) {
		rc = relay_adopt(archive->relay);
	} else if (rc == GRAPPE_OK && !spool_is_empty(archive->spool)) {
		rc = write_all_spooled(archive);
	}
	if (rc != GRAPPE_OK)
		snprintf(message, size, "cannot finish what is in %s/spool: %s", archive->folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	return rc;
}

static int open_folder(struct archive *archive, char *message, size_t size)
{
	int rc = file_make_folder(archive->folder, ARCHIVE_FOLDER_MODE);

	if (rc == GRAPPE_OK)
		rc = journal_open(archive->folder, &archive->journal);
	if (rc != GRAPPE_OK) {
		snprintf(message, size, "cannot write archives in %s: %s", archive->folder,
		    rc == GRAPPE_EIO       ? strerror(errno)
		    : rc == GRAPPE_EEXISTS ? "another process writes there"
					   : error_text(rc));
		return rc;
	}
	rc = recover(archive, message, size);
	return rc == GRAPPE_OK ? open_spool(archive, message, size) : rc;
}

/* The folder as rrdcached, which has another working directory, is to be told of it. */
static int name_folder(struct archive *archive, const char *folder, char *message, size_t size)
{
	char *whole = NULL;
	int rc = GRAPPE_OK;

	if (archive->relay != NULL && file_make_folder(folder, ARCHIVE_FOLDER_MODE) == GRAPPE_OK)
		whole = realpath(folder, NULL);
	snprintf(archive->folder, sizeof archive->folder, "%s", whole != NULL ? whole : folder);
	if (folder[0] == '\0' || strlen(folder) > ARCHIVE_FOLDER_MAX ||
	    strlen(archive->folder) > ARCHIVE_FOLDER_MAX) {
		snprintf(message, size, "the path of the archive folder is empty or too long");
		rc = GRAPPE_EINVALID;
	}
	free(whole);
	return rc;
}

int archive_open(const char *folder, const struct archive_layout *layout,
    const struct archive_options *options, struct archive **out, char *message, size_t size)
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
	archive->floor_bytes = options->floor_bytes;
	if (options->rrdcached != NULL && options->rrdcached[0] != '\0') {
		archive->relay = relay_new(archive, options->rrdcached);
		rc = archive->relay != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
	}
	if (rc == GRAPPE_OK)
		rc = name_folder(archive, folder, message, size);
	if (rc == GRAPPE_OK)
		rc = open_folder(archive, message, size);
	if (rc == GRAPPE_OK)
		*out = archive;
	else
		archive_close(archive);
	return rc;
}

void archive_close(struct archive *archive)
{
	char message[1024];

	if (archive == NULL)
		return;
	/* What cannot be committed now stays in the spool. */
	if (archive->journal != NULL && archive->spool != NULL)
		archive_commit(archive, false, message, sizeof message);
	archive_names_deinit(&archive->expiry.receivers);
	relay_free(archive->relay);
	spool_close(archive->spool);
	journal_close(archive->journal);
	free(archive);
}
