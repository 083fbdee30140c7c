/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bounded first-in first-out queue of documents in a folder of its own, one file
 * each, "SEQUENCE-ID.json". A document that publish_queue_push() took is on the disk,
 * synced; what a crash left half written is cleared away by the next open.
 *
 * Life-cycle: publish_queue_open(), push, read and pop, publish_queue_close() (the files stay).
 * One thread; one process per folder.
 */
#ifndef GRAPPE_MANAGER_PUBLISH_QUEUE_H
#define GRAPPE_MANAGER_PUBLISH_QUEUE_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct publish_queue; /* opaque */

/* publish_queue_open - the queue in folder (created when missing, mode 0750). Holds at most `limit`
 * (> 0) documents; more than that on disk: the oldest are removed. Other files there are left
 * alone. Returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int publish_queue_open(const char *folder, size_t limit, struct publish_queue **out);
/* publish_queue_close - NULL is allowed. */
void publish_queue_close(struct publish_queue *queue);

size_t publish_queue_count(const struct publish_queue *queue);
/* publish_queue_id - id of the document at this place, 0 the oldest; NULL past the end. Stays valid
 * until the next push or pop. */
const char *publish_queue_id(const struct publish_queue *queue, size_t place);
/* publish_queue_has - true when a document with this id waits. */
bool publish_queue_has(const struct publish_queue *queue, const char *id);
/* publish_queue_is_full - the next push needs a pop first. */
bool publish_queue_is_full(const struct publish_queue *queue);

/* publish_queue_check_id - true for 1 … PROTOCOL_ID_SIZE - 1 letters, digits and '-'. */
bool publish_queue_check_id(const char *id);

/* publish_queue_push - appends a document. Returns 0, GRAPPE_EINVALID (id), GRAPPE_ELIMIT (full),
 * GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int publish_queue_push(
    struct publish_queue *queue, const char *id, const void *bytes, size_t length);
/* publish_queue_read - the oldest document into *out, at most limit bytes (deinit by the caller,
 * also on error). Returns 0, GRAPPE_ENOTFOUND (empty), or as file_read(). */
int publish_queue_read(const struct publish_queue *queue, size_t limit, struct buffer *out);
/* publish_queue_pop - removes the oldest document. Returns 0, GRAPPE_ENOTFOUND (empty) or
 * GRAPPE_EIO (errno: its file could not be removed and will be back after a restart; it has left
 * the queue in memory). */
int publish_queue_pop(struct publish_queue *queue);

#endif
