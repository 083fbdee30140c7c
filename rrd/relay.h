/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Archives written through rrdcached: what archive_write() does then (doc/archives.md, "Through
 * rrdcached"). A period goes to the spool, its pairs to the daemon; relay_commit() has the files
 * written, looks into each of them, and only then writes the coverage files: so the commit marker
 * means the same as without the daemon, whatever becomes of it. Internal to rrd/; one thread.
 */
#ifndef GRAPPE_RRD_RELAY_H
#define GRAPPE_RRD_RELAY_H

#include "rrd/archive_job.h"

/* relay_new - address: checked; nothing is connected yet. NULL without memory. */
struct relay *relay_new(struct archive *archive, const char *address);
/* relay_free - NULL is allowed. */
void relay_free(struct relay *relay);

/* relay_adopt - at the start: takes over what an earlier process left in the spool; handed over at
 * the next connection. Returns 0, GRAPPE_EIO, GRAPPE_EFORMAT or GRAPPE_EMEMORY. */
int relay_adopt(struct relay *relay);

/* relay_write - archive_write() of a checked update. */
int relay_write(struct relay *relay, struct archive_update *update, int64_t now_s, bool give_up,
    char *message, size_t size);

/* relay_remember - the times of a pair's last update, handed over and seen in its file. Returns 0
 * or GRAPPE_EMEMORY. */
int relay_remember(struct job *job, const char *sender, int64_t handed_s, int64_t stored_s);
/* relay_put - adds points of the pair at path to the batch, and remembers them as handed over.
 * Returns 0 or GRAPPE_EMEMORY. */
int relay_put(struct job *job, const char *sender, const char *path, double packets,
    const struct rrdfile_point *points, size_t count);
/* relay_flush - has the file of a pair written before it is read. Returns 0 or GRAPPE_ETIMEOUT. */
int relay_flush(struct job *job, const char *path);

/* relay_commit - see archive_commit(). */
int relay_commit(struct relay *relay, bool give_up, char *message, size_t size);

#endif
