/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The archives on disk, writing side (doc/archives.md). One RRD file per (receiver, sender)
 * pair, one coverage file per receiver that tells which periods are known. A period of a
 * receiver is written pairs first, coverage last: the coverage file is the commit marker. What
 * is being written lies in a journal meanwhile, so that a killed writer leaves each period
 * stored exactly once: archive_open() finishes what was begun.
 *
 * With rrdcached pairs are written by that daemon, in its own time; archive_commit() brings files
 * and coverage up to date, and a spool on disk holds what is between (doc/archives.md).
 *
 * Life-cycle: archive_open(), archive_write() …, archive_commit() …, archive_close(). One thread
 * per archive; one process per folder (a lock holds others off). Readers (rrd/archive_read.h) need
 * no lock.
 */
#ifndef GRAPPE_RRD_ARCHIVE_H
#define GRAPPE_RRD_ARCHIVE_H

#include "common/identity.h"
#include "rrd/archive_layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_FLOOR_DEFAULT (UINT64_C(64) << 20) /* bytes left free on the disk */

/* What one sender gave a receiver in one period: wire packets, IP-level octets. */
struct archive_sender {
	char sender[VM_ID_SIZE]; /* identity_is_valid() */
	double packets, octets;  /* finite, >= 0 */
};

/* One period of one receiver. Periods of a receiver are written in ascending order; what was not
 * written when a later one comes is a hole for good. */
struct archive_update {
	char receiver[VM_ID_SIZE];
	int64_t end_s;  /* end of the period, a multiple of its length */
	double known;   /* share that was watched, 0…1; 0 = lost for good (no senders) */
	uint32_t flags; /* enum period_flag of all sensors that counted it; 0: nothing to bear in
			   mind */
	size_t nsenders;
	struct archive_sender *senders; /* owned; each sender once; order does not matter */
};

/* archive_update_new - with room for nsenders, zeroed; NULL without memory. */
struct archive_update *archive_update_new(
    const char *receiver, int64_t end_s, double known, size_t nsenders);
/* archive_update_free - NULL is allowed. */
void archive_update_free(struct archive_update *update);

struct archive_counters {
	uint64_t periods;   /* periods of receivers committed */
	uint64_t updates;   /* pair files updated */
	uint64_t created;   /* files made */
	uint64_t repeated;  /* updates of pairs or periods that were stored already */
	uint64_t damaged;   /* files found unusable and set aside */
	uint64_t failures;  /* file operations that failed */
	uint64_t refused;   /* updates that make no sense (time, ids, counts) */
	uint64_t lost;      /* pairs of periods given up */
	uint64_t recovered; /* periods finished after a crash */
	uint64_t expired_files, expired_receivers; /* removed by archive_expire() */
	uint64_t handed;                           /* periods of receivers handed to rrdcached */
};

struct archive; /* opaque */

struct archive_options {
	uint64_t floor_bytes;  /* no file is created when less would stay free on the disk */
	const char *rrdcached; /* its address, checked (archive_check_rrdcached()); NULL or "":
				  files are written directly */
};

/* archive_check_rrdcached - whether address can be one: a path, unix:PATH or HOST:PORT. Returns 0
 * or GRAPPE_EINVALID with the reason in message. */
int archive_check_rrdcached(const char *address, char *message, size_t size);

/*
 * archive_open - makes the folder when missing, locks it, finishes what a killed writer left.
 * layout: for receivers seen for the first time (others keep the layout of their coverage file).
 * Returns 0, GRAPPE_EINVALID (layout), GRAPPE_EEXISTS (another process writes here), GRAPPE_EIO
 * (folder cannot be written), GRAPPE_EMEMORY, with the reason in message. rrdcached is not asked
 * yet.
 */
int archive_open(const char *folder, const struct archive_layout *layout,
    const struct archive_options *options, struct archive **out, char *message, size_t size);
/* archive_close - commits as far as rrdcached answers; the rest waits on disk for the next
 * archive_open(). NULL is allowed. */
void archive_close(struct archive *archive);

/*
 * archive_write - stores a period of a receiver; sorts update->senders, keeps nothing of it.
 * now_s: the present, against which the future is refused.
 * give_up: do not ask for a repetition when pairs fail: commit the rest, with the covered share
 * lowered by the packets that are lost.
 * Returns 0 when the period is committed (or was before), with rrdcached: when it is handed over
 * and safe on disk; GRAPPE_ERANGE or GRAPPE_EINVALID when it makes no sense (never repeat it);
 * GRAPPE_EUNSUPPORTED when the receiver's files have periods of another length; GRAPPE_EIO or
 * GRAPPE_EMEMORY when some of it could not be stored (disk full, no permission): nothing is lost,
 * call again with the same update later; GRAPPE_ETIMEOUT when rrdcached does not answer: the same,
 * and nothing else can be written either. In each failing case message says what, where and why.
 */
int archive_write(struct archive *archive, struct archive_update *update, int64_t now_s,
    bool give_up, char *message, size_t size);

/*
 * archive_commit - with rrdcached: has all files written, looks whether they are, and commits the
 * periods handed over so far; to be called every few minutes. Blocks for as long as the daemon
 * writes (seconds for 100,000 files). Without rrdcached there is nothing to do. give_up: commit
 * also receivers of whose pairs some cannot be written, with the covered share lowered. Returns 0,
 * GRAPPE_EIO (some receivers are not committed; they stay in the spool), GRAPPE_ETIMEOUT (rrdcached
 * does not answer) or GRAPPE_EMEMORY, with the reason in message.
 */
int archive_commit(struct archive *archive, bool give_up, char *message, size_t size);

/*
 * archive_expire - removes, a bounded number of files a call, the folders of receivers whose last
 * period is more than expire_s before the newest one that was written, and in the folders of the
 * others the files of pairs that were silent for so long and for so long that no row of any level
 * reaches back to them. Does nothing before an hour of periods (120) was written without a jump of
 * their ends, for a clock that was set wrong must not remove anything. expire_s 0: never.
 * Returns 1 (there is more to do), 0 (a round is over; call again in an hour or so), or GRAPPE_EIO
 * with the reason in message: call again as after 1.
 */
int archive_expire(
    struct archive *archive, int64_t expire_s, size_t files, char *message, size_t size);

const struct archive_counters *archive_counters(const struct archive *archive);

#endif
