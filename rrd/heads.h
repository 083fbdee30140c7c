/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * With rrdcached: the changing part of the head of each pair's file as it was before anything was
 * handed over since the last commit (FOLDER/heads). When the daemon is killed while it writes a
 * file, that file is half updated: its rows may be shifted, its means count a period twice, and
 * nothing tells. So at each new connection the kept heads are put back, and what came after them is
 * handed over again from the spool. Internal to rrd/; one thread.
 */
#ifndef GRAPPE_RRD_HEADS_H
#define GRAPPE_RRD_HEADS_H

#include "rrd/rrdfile.h"

#include <stdbool.h>

struct heads; /* opaque */

/* heads_open - Returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int heads_open(const char *folder, struct heads **out);
/* heads_close - NULL is allowed. */
void heads_close(struct heads *heads);
/* heads_clear - keeps none. Returns 0 or GRAPPE_EIO (errno). */
int heads_clear(struct heads *heads);

/* heads_keep - one more, before the first update since the last commit. Returns 0, GRAPPE_EIO
 * (errno), GRAPPE_ELIMIT or GRAPPE_EMEMORY. */
int heads_keep(
    struct heads *heads, const char *receiver, const char *sender, const struct rrdfile_head *head);

/* heads_begin, heads_add …, heads_end - keeps these instead, as of a commit. A failure leaves the
 * old ones in force. Return as heads_keep(). */
int heads_begin(struct heads *heads);
int heads_add(
    struct heads *heads, const char *receiver, const char *sender, const struct rrdfile_head *head);
int heads_end(struct heads *heads);

/* Called for each head that is kept; of a pair that occurs twice the first one counts. */
typedef int heads_visitor(
    void *context, const char *receiver, const char *sender, const struct rrdfile_live *live);

/* heads_visit - Returns as records_visit(). */
int heads_visit(struct heads *heads, heads_visitor *visitor, void *context);

#endif
