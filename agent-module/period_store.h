/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder of closed periods: one sealed file per period, named by its end in epoch seconds, read
 * by grappe-agent. A file is written beside its place and renamed, never changed and never
 * replaced; the oldest leave when there are too many. Other names in the folder mean nothing to
 * readers: temporary files, "lock", and "unfinished", the period that was open when the program
 * ended in good order. The next start goes on with it, so that a restart inside a period neither
 * loses a packet nor counts one twice.
 *
 * Life-cycle: period_store_open(), period_store_publish()…, period_store_close(). One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_PERIOD_STORE_H
#define GRAPPE_AGENT_MODULE_PERIOD_STORE_H

#include "common/period.h"

#include <stddef.h>
#include <stdint.h>

struct period_store; /* opaque */

/*
 * period_store_open - makes the folder if needed (mode 0755), removes temporary files of a killed
 * run, and learns which periods are there. kept: so many stay, 1 or more. The folder is locked: a
 * second program on it gets GRAPPE_EEXISTS. Returns 0, GRAPPE_EIO (errno), GRAPPE_EEXISTS or
 * GRAPPE_EMEMORY.
 */
int period_store_open(const char *folder, size_t kept, struct period_store **out);
/* period_store_close - NULL is allowed. */
void period_store_close(struct period_store *store);

/* period_store_ends - ends of the periods that are there, oldest issued first; *count gets their
 * number. Valid until the next publication. */
const int64_t *period_store_ends(const struct period_store *store, size_t *count);

/* period_store_publish - writes the period's file. Returns 0, GRAPPE_EEXISTS when a period of this
 * end is there (it stays), GRAPPE_EIO (errno), GRAPPE_EMEMORY, or what period_encode() says. */
int period_store_publish(struct period_store *store, const struct period *period);

/* period_store_save_unfinished - keeps an open period for the next start. Errors as
 * period_store_publish(). */
int period_store_save_unfinished(struct period_store *store, const struct period *period);
/* period_store_load_unfinished - what an earlier run saved; *out is the caller's, NULL when there
 * is none. It stays in the folder until period_store_remove_unfinished(), that is until its counts
 * are safe in a published file. Returns 0, or the error of a file that cannot be read. */
int period_store_load_unfinished(struct period_store *store, struct period **out);
void period_store_remove_unfinished(struct period_store *store);

/*
 * period_store_merge - adds the counts of `from`, an earlier part of the same period, to `into`:
 * vifs are matched by VM id, segment and first MAC, coverage adds up to at most the period's
 * length, flags and counters of the headers add up. PERIOD_PARTIAL stays on the sum. Pure. Returns
 * 0, GRAPPE_EINVALID (not the same period), GRAPPE_EMEMORY or GRAPPE_ELIMIT; then `into` may hold a
 * part of it.
 */
int period_store_merge(struct period *into, const struct period *from);

#endif
