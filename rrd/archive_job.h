/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of the writing side share: archive.c (opening, periods), archive_pair.c (the files
 * of a period's pairs), relay.c (rrdcached), expire.c. Internal to rrd/; one thread.
 */
#ifndef GRAPPE_RRD_ARCHIVE_JOB_H
#define GRAPPE_RRD_ARCHIVE_JOB_H

#include "rrd/archive.h"
#include "rrd/archive_read.h"
#include "rrd/journal.h"
#include "rrd/receivers.h"
#include "rrd/rrdfile.h"
#include "rrd/spool.h"

#include <limits.h>

#define ARCHIVE_NEW_FILE ".new.rrd" /* where files are born, in the archive folder */
#define ARCHIVE_FOLDER_MODE 0755

struct relay;

/* What archive_expire() is at. */
struct expiry {
	int64_t newest_s;               /* newest period that was written */
	int64_t run_from_s;             /* since then periods came without a jump */
	struct archive_names receivers; /* of the present round */
	size_t at;
};

struct archive {
	char folder[PATH_MAX];
	struct archive_layout layout;
	uint64_t floor_bytes;
	struct journal *journal;
	struct spool *spool;
	struct relay *relay; /* NULL: files are written directly */
	struct expiry expiry;
	struct archive_counters counters;
};

/* The work on one period of a receiver. */
struct job {
	struct archive *archive;
	const struct archive_update *update;
	int64_t now_s;
	char coverage_path[PATH_MAX];
	bool covered_before;          /* the coverage file exists; then: */
	struct rrdfile_head coverage; /* its head; with a relay only layout and last_s */
	struct receiver *receiver;    /* with a relay: what is remembered of it; else NULL */
	char *message;
	size_t size;
};

#define JOB_FAIL(job, code, ...) (snprintf((job)->message, (job)->size, __VA_ARGS__), (code))

/* archive_usable_head - the head of a file that may be updated; a damaged one is set aside.
 * GRAPPE_ENOTFOUND: there is none (any more). */
int archive_usable_head(
    struct job *job, const char *path, enum rrdfile_kind kind, struct rrdfile_head *head);
/* archive_create_file - makes path with its first points in one step: it is there with all of them,
 * or not at all. */
int archive_create_file(struct job *job, const char *path, enum rrdfile_kind kind, int64_t start_s,
    const struct rrdfile_point *points, size_t count);
/* archive_update_file - appends to a file directly, guarded by the journal. sender NULL: the
 * coverage file. */
int archive_update_file(struct job *job, const char *sender, const char *path,
    const struct rrdfile_head *head, const struct rrdfile_point *points, size_t count);
/* archive_make_receiver - the receiver's folder. */
int archive_make_receiver(struct job *job);

/* archive_first_start - where a new file begins: rows of every level begin there, too. */
int64_t archive_first_start(const struct archive_layout *layout, int64_t end_s);
/* archive_write_pairs - writes (with a relay: adds to its batch) all pairs that can be written.
 * Returns the first failure; *lost: the packets of those that failed. */
int archive_write_pairs(struct job *job, double *lost);
/* archive_settle_pairs - once in a row of the coarsest level: see archive_pair.c. before_s: the
 * receiver's period before this one. */
void archive_settle_pairs(struct job *job, int64_t before_s);
/* archive_note_period - a period was written: the present, as far as expiry is concerned. */
void archive_note_period(struct archive *archive, int64_t end_s);
/* archive_is_pending - something of the receiver was handed to rrdcached and is not committed. */
bool archive_is_pending(const struct archive *archive, const char *receiver);
/* archive_forget_receiver - its files are about to be removed. */
void archive_forget_receiver(struct archive *archive, const char *receiver);
/* archive_forget_pair - its file is about to be removed; false: it must not be. */
bool archive_forget_pair(struct archive *archive, const char *receiver, const char *sender);
/* archive_packets - of all senders of the period. */
double archive_packets(const struct archive_update *update);

#endif
