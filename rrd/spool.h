/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Periods that were handed to rrdcached and are not committed yet, on disk (FOLDER/spool): whoever
 * dies meanwhile, rrdcached or the collector, they are handed over again. Records are appended;
 * what is committed is dropped by writing the rest anew. Internal to rrd/; one thread.
 *
 * The spool guards against the end of processes, not of the machine.
 */
#ifndef GRAPPE_RRD_SPOOL_H
#define GRAPPE_RRD_SPOOL_H

#include "rrd/archive.h"

#include <stdbool.h>
#include <stdint.h>

struct spool; /* opaque */

/* spool_open - opens or makes FOLDER/spool; a record that a killed writer left half written is cut
 * off. Returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int spool_open(const char *folder, struct spool **out);
/* spool_close - NULL is allowed. */
void spool_close(struct spool *spool);

/* spool_append - Returns 0, GRAPPE_EIO (errno), GRAPPE_ELIMIT (RECORDS_BYTES_MAX) or
 * GRAPPE_EMEMORY; after a failure the spool is as it was. */
int spool_append(struct spool *spool, const struct archive_update *update);

/* spool_is_empty - whether there is no record. */
bool spool_is_empty(const struct spool *spool);

/* Called for each record in order; update: the visitor's to free. Other than 0 ends the visit. */
typedef int spool_visitor(void *context, struct archive_update *update);

/* spool_visit - returns 0, what the visitor returned, GRAPPE_EIO (errno), GRAPPE_EFORMAT or
 * GRAPPE_EMEMORY. */
int spool_visit(struct spool *spool, spool_visitor *visitor, void *context);

/* spool_keep - drops the records for which wanted() is false. Returns 0, GRAPPE_EIO (errno),
 * GRAPPE_EFORMAT or GRAPPE_EMEMORY; after a failure all records are there. */
int spool_keep(struct spool *spool,
    bool (*wanted)(void *context, const struct archive_update *update), void *context);
/* spool_clear - drops all records. Returns 0 or GRAPPE_EIO (errno). */
int spool_clear(struct spool *spool);

#endif
