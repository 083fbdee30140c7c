/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The archives on disk, writing side (doc/archives.md). One RRD file per (receiver, sender)
 * pair, one coverage file per receiver that tells which periods are known. A period of a
 * receiver is written pairs first, coverage last: the coverage file is the commit marker. What
 * is being written lies in a journal meanwhile, so that a killed writer leaves each period
 * stored exactly once: archive_open() finishes what was begun.
 *
 * Life-cycle: archive_open(), archive_write() …, archive_close(). One thread per archive; one
 * process per folder (a lock holds others off). Readers (rrd/archive_read.h) need no lock.
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
	int64_t end_s; /* end of the period, a multiple of its length */
	double known;  /* share that was watched, 0…1; 0 = lost for good (no senders) */
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
};

struct archive; /* opaque */

/*
 * archive_open - makes the folder when missing, locks it, finishes what a killed writer left.
 * layout: for receivers seen for the first time (others keep the layout of their coverage file).
 * floor_bytes: no file is created when less would stay free on the disk.
 * Returns 0, GRAPPE_EINVALID (layout), GRAPPE_EEXISTS (another process writes here), GRAPPE_EIO
 * (folder cannot be written), GRAPPE_EMEMORY, with the reason in message.
 */
int archive_open(const char *folder, const struct archive_layout *layout, uint64_t floor_bytes,
    struct archive **out, char *message, size_t size);
/* archive_close - NULL is allowed. */
void archive_close(struct archive *archive);

/*
 * archive_write - stores a period of a receiver; sorts update->senders, keeps nothing of it.
 * now_s: the present, against which the future is refused.
 * give_up: do not ask for a repetition when pairs fail: commit the rest, with the covered share
 * lowered by the packets that are lost.
 * Returns 0 when the period is committed (or was before); GRAPPE_ERANGE or GRAPPE_EINVALID when it
 * makes no sense (never repeat it); GRAPPE_EUNSUPPORTED when the receiver's files have periods of
 * another length; GRAPPE_EIO or GRAPPE_EMEMORY when some of it could not be stored (disk full, no
 * permission): nothing is lost, call again with the same update later. In each failing case message
 * says what, where and why.
 */
int archive_write(struct archive *archive, struct archive_update *update, int64_t now_s,
    bool give_up, char *message, size_t size);

const struct archive_counters *archive_counters(const struct archive *archive);

#endif
