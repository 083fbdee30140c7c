/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the archive writer is doing right now, on disk: the period of a receiver that is being
 * written, and the head that the file now being updated had before. A writer that is killed
 * leaves at most one half-updated file; its head is put back and the period written again,
 * where files that have it already are skipped. Internal to rrd/; one thread.
 *
 * The journal guards against the end of the process. Against the end of the machine it does what
 * the file system's order of writes does.
 */
#ifndef GRAPPE_RRD_JOURNAL_H
#define GRAPPE_RRD_JOURNAL_H

#include "common/buffer.h"
#include "rrd/archive.h"
#include "rrd/rrdfile.h"

#include <limits.h>

struct journal; /* opaque */

/* journal_open - opens or makes FOLDER/journal and locks it.
 * Returns 0, GRAPPE_EEXISTS (locked by another), GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int journal_open(const char *folder, struct journal **out);
/* journal_close - NULL is allowed. */
void journal_close(struct journal *journal);

/* journal_recover - puts the head of a half-updated file back and returns the period that was not
 * finished in *out (owned by the caller; NULL: none). Returns 0, GRAPPE_EIO (errno) or
 * GRAPPE_EMEMORY. */
int journal_recover(struct journal *journal, const char *folder, struct archive_update **out);

/* journal_peek - for readers: which file an ended writer left half updated. Returns 1 with its path
 * and its head before the update (*head owned by the caller), 0 when there is none or a writer is
 * at work, or GRAPPE_EMEMORY. */
int journal_peek(const char *folder, char path[PATH_MAX], struct buffer *head);

/* journal_begin - notes the whole period. Returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY; writing
 * may go on then, without this guard. */
int journal_begin(struct journal *journal, const struct archive_update *update);
/* journal_keep_head - to be called before a file of this period is updated; sender NULL: the
 * coverage file. */
int journal_keep_head(struct journal *journal, const char *sender, const struct rrdfile_head *head);
/* journal_finish - the period is committed. */
void journal_finish(struct journal *journal);

#endif
