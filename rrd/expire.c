/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "rrd/archive_job.h"
#include "rrd/archive_path.h"
#include "rrd/archive_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPIRED ".expired-"   /* a receiver's folder that is being removed */
#define RECEIVERS_PER_CALL 64 /* looked at */
#define RUN_PERIODS 120       /* see archive_expire() */
#define JUMP_PERIODS 20

/* One call of archive_expire(). */
struct work {
	struct archive *archive;
	int64_t before_s; /* what was heard last before it is old */
	size_t left;      /* files that may still be removed */
	char *message;
	size_t size;
};

void archive_note_period(struct archive *archive, int64_t end_s)
{
	struct expiry *expiry = &archive->expiry;
	const int64_t jump_s = JUMP_PERIODS * (int64_t)archive->layout.length_s;

	if (end_s <= expiry->newest_s)
		return;
	if (end_s - expiry->newest_s > jump_s)
		expiry->run_from_s = end_s;
	expiry->newest_s = end_s;
}

static int fail(struct work *work, const char *what, const char *path)
{
	snprintf(work->message, work->size, "cannot %s %s: %s", what, path, strerror(errno));
	work->archive->counters.failures++;
	return GRAPPE_EIO;
}

/* Whether a file in a receiver's folder is ours; *end_s: of a damaged one, else 0. */
static bool is_ours(const char *name, int64_t *end_s)
{
	static const char coverage[] = "coverage.rrd";
	char id[VM_ID_SIZE];

	*end_s = 0;
	return strncmp(name, coverage, strlen(coverage)) == 0 ||
	       archive_path_sender(name, id) == GRAPPE_OK ||
	       archive_path_damaged(name, id, end_s) == GRAPPE_OK;
}

/* Removes what is ours in a folder that no reader looks into any more. Returns 1 when some of it is
 * left for later. */
static int empty_folder(struct work *work, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int64_t end_s;
	int rc = GRAPPE_OK;

	if (dir == NULL)
		return errno == ENOENT ? GRAPPE_OK : fail(work, "open", path);
	while (rc == GRAPPE_OK && (entry = readdir(dir)) != NULL) {
		if (!is_ours(entry->d_name, &end_s))
			continue;
		if (work->left == 0)
			rc = 1;
		else if (unlinkat(dirfd(dir), entry->d_name, 0) != 0)
			rc = fail(work, "empty", path);
		else
			work->left--;
		work->archive->counters.expired_files += rc == GRAPPE_OK;
	}
	closedir(dir);
	/* A file of somebody else stays, and the folder with it. */
	if (rc == GRAPPE_OK && rmdir(path) != 0 && errno != ENOTEMPTY && errno != EEXIST)
		rc = fail(work, "remove", path);
	return rc;
}

/* Goes on with folders that were renamed by an earlier call, or before a kill. */
static int empty_folders(struct work *work)
{
	char path[PATH_MAX + 256];
	DIR *dir = opendir(work->archive->folder);
	struct dirent *entry;
	int rc = GRAPPE_OK;

	if (dir == NULL)
		return fail(work, "open", work->archive->folder);
	while (rc == GRAPPE_OK && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, EXPIRED, strlen(EXPIRED)) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", work->archive->folder, entry->d_name);
		rc = empty_folder(work, path);
	}
	closedir(dir);
	return rc;
}

/* A receiver that was not heard of: it is out of sight of all readers in one step, so no sum is
 * ever made of a part of its files. */
static int expire_receiver(struct work *work, const char *id)
{
	char path[PATH_MAX], aside[PATH_MAX + 64];
	const char *name;
	int rc = archive_path_receiver(path, work->archive->folder, id);

	if (rc != GRAPPE_OK)
		return GRAPPE_OK;
	name = strrchr(path, '/') + 1;
	snprintf(aside, sizeof aside, "%s/" EXPIRED "%s", work->archive->folder, name);
	rc = empty_folder(work, aside); /* of its life before this one */
	if (rc != GRAPPE_OK)
		return rc;
	archive_forget_receiver(work->archive, id);
	if (rename(path, aside) != 0)
		return fail(work, "rename", path);
	work->archive->counters.expired_receivers++;
	return empty_folder(work, aside);
}

/* A pair's file, or one set aside, that has nothing to say about any row that is still kept: all of
 * them read the same without it. */
static int expire_pairs(struct work *work, const char *id, const struct rrdfile_head *coverage)
{
	const struct archive_level *coarsest = &coverage->layout.levels[coverage->layout.count - 1];
	const int64_t reach_s = coverage->last_s - coarsest->keep_s - 2 * coarsest->resolution_s;
	char folder[PATH_MAX], path[PATH_MAX + 256], sender[VM_ID_SIZE];
	struct dirent *entry;
	int rc = archive_path_receiver(folder, work->archive->folder, id);
	DIR *dir = rc == GRAPPE_OK ? opendir(folder) : NULL;

	while (dir != NULL && rc == GRAPPE_OK && (entry = readdir(dir)) != NULL) {
		struct rrdfile_head head;
		int64_t last_s;

		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (archive_path_sender(entry->d_name, sender) == GRAPPE_OK) {
			if (rrdfile_read_head(path, RRDFILE_PAIR, &head) != GRAPPE_OK)
				continue;
			last_s = head.last_s;
		} else if (archive_path_damaged(entry->d_name, sender, &last_s) != GRAPPE_OK) {
			continue;
		}
		if (last_s >= reach_s || last_s >= work->before_s ||
		    !archive_forget_pair(work->archive, id, sender))
			continue;
		if (work->left == 0)
			rc = 1;
		else if (unlink(path) != 0)
			rc = fail(work, "remove", path);
		else
			work->left--;
		work->archive->counters.expired_files += rc == GRAPPE_OK;
	}
	if (dir != NULL)
		closedir(dir);
	return rc;
}

static int look_at(struct work *work, const char *id)
{
	char path[PATH_MAX];
	struct rrdfile_head coverage;

	/* A receiver without coverage is not complete yet, or damaged: not ours to remove. */
	if (archive_path_coverage(path, work->archive->folder, id) != GRAPPE_OK ||
	    rrdfile_read_head(path, RRDFILE_COVERAGE, &coverage) != GRAPPE_OK ||
	    archive_is_pending(work->archive, id))
		return GRAPPE_OK;
	return coverage.last_s < work->before_s ? expire_receiver(work, id)
						: expire_pairs(work, id, &coverage);
}

/* The receivers of a new round. */
static int list_receivers(struct work *work)
{
	struct expiry *expiry = &work->archive->expiry;
	struct archive_reader *reader;
	int rc = archive_reader_open(work->archive->folder, &reader);

	expiry->at = 0;
	if (rc == GRAPPE_OK)
		rc = archive_read_receivers(reader, &expiry->receivers);
	if (rc == GRAPPE_OK || rc == GRAPPE_EMEMORY)
		archive_reader_close(reader);
	return rc == GRAPPE_OK ? rc : fail(work, "list", work->archive->folder);
}

int archive_expire(
    struct archive *archive, int64_t expire_s, size_t files, char *message, size_t size)
{
	struct expiry *expiry = &archive->expiry;
	struct work work = {.archive = archive,
	    .before_s = expiry->newest_s - expire_s,
	    .left = files,
	    .message = message,
	    .size = size};
	int rc = GRAPPE_OK;

	message[0] = '\0';
	if (expire_s <= 0 || expiry->newest_s == 0 ||
	    expiry->newest_s - expiry->run_from_s < RUN_PERIODS * (int64_t)archive->layout.length_s)
		return GRAPPE_OK;
	if (expiry->at >= expiry->receivers.count) {
		archive_names_deinit(&expiry->receivers);
		rc = list_receivers(&work);
	}
	if (rc == GRAPPE_OK)
		rc = empty_folders(&work);
	for (int i = 0; rc == GRAPPE_OK && i < RECEIVERS_PER_CALL; i++) {
		if (expiry->at >= expiry->receivers.count)
			return GRAPPE_OK;
		rc = look_at(&work, expiry->receivers.ids[expiry->at]);
		if (rc != 1) /* one that fails holds nobody up */
			expiry->at++;
	}
	return rc < 0 ? rc : 1;
}
