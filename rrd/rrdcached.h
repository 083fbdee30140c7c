/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client of rrdcached(1): updates of many files in one exchange (BATCH), which librrd's own
 * client has no call for. What the daemon answers is not trusted: lines, counts and time are
 * bounded, and after anything unexpected the connection is closed. Internal to rrd/; one thread.
 *
 * Life-cycle: rrdcached_new(), rrdcached_connect(), exchanges, rrdcached_free(). Every function
 * that talks returns 0, or GRAPPE_ETIMEOUT when the daemon could not be asked (no connection, no
 * answer in time, nonsense): the connection is closed then, message says why, and what the daemon
 * did is unknown.
 */
#ifndef GRAPPE_RRD_RRDCACHED_H
#define GRAPPE_RRD_RRDCACHED_H

#include "rrd/rrdfile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RRDCACHED_PORT "42217"
#define RRDCACHED_TIMEOUT_MS 10000 /* for one exchange */

struct rrdcached; /* opaque */

/* rrdcached_check_address - a path, unix:PATH, HOST, HOST:PORT or [IPv6]:PORT. Returns 0 or
 * GRAPPE_EINVALID with the reason in message. */
int rrdcached_check_address(const char *address, char *message, size_t size);

/* rrdcached_new - remembers the address (checked already). NULL without memory. */
struct rrdcached *rrdcached_new(const char *address, int64_t timeout_ms);
/* rrdcached_free - NULL is allowed. */
void rrdcached_free(struct rrdcached *client);
/* rrdcached_adopt - takes a connected stream socket as the connection; for tests. */
void rrdcached_adopt(struct rrdcached *client, int fd);

/* rrdcached_is_connected - false also after an exchange that failed: what it held of our updates
 * may be gone with it. */
bool rrdcached_is_connected(const struct rrdcached *client);
/* rrdcached_connect - does nothing when there is a connection. */
int rrdcached_connect(struct rrdcached *client, char *message, size_t size);

/* rrdcached_disconnect - the next rrdcached_connect() makes a new connection. */
void rrdcached_disconnect(struct rrdcached *client);

/* ---- updates of many files ---- */

enum rrdcached_refusal {
	RRDCACHED_STORED,  /* it has a value of that time or a later one */
	RRDCACHED_MISSING, /* no such file */
	RRDCACHED_OTHER,
};

/* Called for each update that was refused. tag: as given to rrdcached_add(). */
typedef void rrdcached_refused(
    void *context, uint32_t tag, enum rrdcached_refusal refusal, const char *reason);

/* rrdcached_add - one more update for the next rrdcached_send(); points that do not fit in one
 * line of the protocol make several, with the same tag. Returns 0 or GRAPPE_EMEMORY. */
int rrdcached_add(struct rrdcached *client, uint32_t tag, const char *path,
    const struct rrdfile_point *points, size_t count);
/* rrdcached_add_forget - the same, to drop what the daemon holds of a file. */
int rrdcached_add_forget(struct rrdcached *client, uint32_t tag, const char *path);
/* rrdcached_send - sends what was added, if anything, and empties it in any case. */
int rrdcached_send(struct rrdcached *client, rrdcached_refused *refused, void *context,
    char *message, size_t size);

/* ---- files ---- */

/* rrdcached_flush_all - has everything written that the daemon holds, of all its clients; waits
 * until nothing is queued, as long as the queue gets shorter. */
int rrdcached_flush_all(struct rrdcached *client, char *message, size_t size);
/* rrdcached_flush - has one file written and waits for it. */
int rrdcached_flush(struct rrdcached *client, const char *path, char *message, size_t size);
/* rrdcached_forget - drops what the daemon holds of a file, its time of the last update included.
 */
int rrdcached_forget(struct rrdcached *client, const char *path, char *message, size_t size);

#endif
