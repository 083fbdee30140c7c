/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The archive writer: one thread that takes immutable periods from a bounded queue and writes
 * them (rrd/archive.h), so that a slow or full disk never stalls polling. Periods of one receiver
 * are written in the order of submission. What cannot be written for now (full disk, no permission,
 * a folder that is not there) is tried again until its patience ends; the periods of other
 * receivers go on meanwhile. With rrdcached what was handed over is committed every few minutes;
 * while that daemon does not answer everything waits. Faults are logged here, once, with their
 * recovery.
 *
 * Life-cycle: writer_new(), writer_submit() and writer_get_status() from the loop's thread,
 * writer_free().
 */
#ifndef GRAPPE_COLLECTOR_WRITER_H
#define GRAPPE_COLLECTOR_WRITER_H

#include "rrd/archive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer; /* opaque */

struct writer_options {
	const char *folder; /* of the archives; copied */
	struct archive_layout layout;
	uint64_t floor_bytes;  /* see archive_open(); 0: ARCHIVE_FLOOR_DEFAULT */
	const char *rrdcached; /* see struct archive_options; copied */
	int64_t commit_ms;     /* with rrdcached: between commits; 0: 5 min */
	int64_t expire_s;      /* see archive_expire(); 0: nothing is ever removed */
	size_t queue_pairs;    /* at most so many pairs (and periods) wait; 0: 500,000 (40 MB) */
	int64_t retry_ms;      /* between attempts after a failure; 0: 5 s */
	int64_t patience_ms; /* after so long a period of which some pairs fail is committed without
				them; 0: 1 h. While the folder itself cannot be written everything
				waits */
};

struct writer_status {
	bool failing;          /* something waits to be tried again */
	char error[256];       /* why, "" when not failing */
	int64_t written_end_s; /* newest period end written (with rrdcached: handed over, and safe
				  on disk) since start, 0 = none */
	size_t queue;          /* periods of receivers that wait */
	uint64_t failures;     /* attempts that failed, for whatever reason */
	uint64_t lost;         /* periods of receivers that will never be written */
	struct archive_counters counters;
};

/* writer_new - starts the thread. A folder that cannot be written is no error here: it is
 * complained about, shown in the status, and tried again. Returns 0, GRAPPE_EINVALID (layout,
 * logged), GRAPPE_EMEMORY or GRAPPE_EIO (no thread). */
int writer_new(const struct writer_options *options, struct writer **out);

/* writer_submit - hands over the update. Returns 0 (the writer owns it now), GRAPPE_ELIMIT (queue
 * full: the caller keeps it and may try later) or GRAPPE_ERANGE (end in the future or no multiple
 * of the period: the caller keeps it). */
int writer_submit(struct writer *writer, struct archive_update *update);

void writer_get_status(struct writer *writer, struct writer_status *status);

/* writer_free - writes what waits, at most drain_ms long, then ends the thread. NULL is allowed. */
void writer_free(struct writer *writer, int64_t drain_ms);

#endif
