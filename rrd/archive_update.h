/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Periods of receivers (struct archive_update, rrd/archive.h) as such: whether one makes sense, and
 * its bytes in the journal and in the spool. Internal to rrd/. Pure; any thread.
 */
#ifndef GRAPPE_RRD_ARCHIVE_UPDATE_H
#define GRAPPE_RRD_ARCHIVE_UPDATE_H

#include "common/buffer.h"
#include "rrd/archive.h"

/* archive_update_check - sorts the senders and refuses what makes no sense: ids, counts, shares, an
 * end that is no multiple of length_s or later than now_s + length_s. Returns 0, GRAPPE_EINVALID or
 * GRAPPE_ERANGE with the reason in message. */
int archive_update_check(
    struct archive_update *update, uint32_t length_s, int64_t now_s, char *message, size_t size);

/* archive_update_put - appends the bytes of the period. */
void archive_update_put(struct buffer *buffer, const struct archive_update *update);
/* archive_update_take - the period that follows in reader, owned by the caller. Ids and counts are
 * as they were put, not checked. Returns 0, GRAPPE_EFORMAT or GRAPPE_EMEMORY. */
int archive_update_take(struct reader *reader, struct archive_update **out);

#endif
