/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of records that is appended to and rewritten: what the spool and the kept heads are made
 * of. A record that a killed process left half written is cut off. Guards against the end of
 * processes, not of the machine. Internal to rrd/; one thread.
 */
#ifndef GRAPPE_RRD_RECORDS_H
#define GRAPPE_RRD_RECORDS_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORDS_BYTES_MAX (UINT64_C(512) << 20) /* of one file */

struct records; /* opaque */

/* records_open - opens or makes FOLDER/name. Returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int records_open(const char *folder, const char *name, struct records **out);
/* records_close - NULL is allowed. */
void records_close(struct records *records);
/* records_are_none - whether the file is empty. */
bool records_are_none(const struct records *records);

/* records_append - Returns 0, GRAPPE_EIO (errno), GRAPPE_ELIMIT (RECORDS_BYTES_MAX) or
 * GRAPPE_EMEMORY; after a failure the file is as it was. */
int records_append(struct records *records, const struct buffer *payload);
/* records_clear - drops all. Returns 0 or GRAPPE_EIO (errno). */
int records_clear(struct records *records);

/* Called for each record in order. Other than 0 ends the visit. */
typedef int records_visitor(void *context, struct reader *payload);

/* records_visit - what is appended meanwhile is not visited. Returns 0, what the visitor returned,
 * GRAPPE_EIO (errno), GRAPPE_EFORMAT or GRAPPE_EMEMORY. */
int records_visit(struct records *records, records_visitor *visitor, void *context);

/* Writing the file anew: records_begin(), records_add() …, then records_end(), which puts the new
 * file in place of the old one; or records_cancel(). Each returns 0, GRAPPE_EIO (errno),
 * GRAPPE_ELIMIT or GRAPPE_EMEMORY; after a failure the old file is in force, and records_cancel()
 * is to be called. */
int records_begin(struct records *records);
int records_add(struct records *records, const struct buffer *payload);
int records_end(struct records *records);
void records_cancel(struct records *records);

#endif
