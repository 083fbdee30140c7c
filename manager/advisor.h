/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The current recommendation and what happens to it: new plans come in, people approve, posts get
 * through, time passes. Each change is stored at once (recommendation.json, history.jsonl in
 * the state directory), so that a crash loses nothing that was told. Faults of the disk are
 * logged; the advice then lives in memory. One thread.
 *
 * Life-cycle: advisor_open(), the advisor_… events, advisor_close().
 */
#ifndef GRAPPE_MANAGER_ADVISOR_H
#define GRAPPE_MANAGER_ADVISOR_H

#include "manager/history.h"
#include "manager/recommendation.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct advisor; /* opaque */

/* advisor_open - creates the folder if need be and takes hold of it (one process at a time). A
 * stored document that cannot be read is set aside. Returns 0, or with words in message GRAPPE_EIO,
 * GRAPPE_EEXISTS (another process holds it), GRAPPE_ELIMIT or GRAPPE_EMEMORY. */
int advisor_open(const char *folder, struct advisor **out, char *message, size_t size);
void advisor_close(struct advisor *advisor);

/* advisor_current - the document that counts, NULL when there is none yet. Borrowed until the next
 * call. */
const json_t *advisor_current(const struct advisor *advisor);
const struct history *advisor_history(const struct advisor *advisor);

/* advisor_take - a fresh document of recommendation_build(). Returns true when it is new advice, to
 * be posted. */
bool advisor_take(struct advisor *advisor, json_t *fresh, int64_t now_s);
/* advisor_approve - by id. Returns 0 (also when it was approved before), GRAPPE_ENOTFOUND (another
 * id) or GRAPPE_EINVALID (it is not pending). */
int advisor_approve(struct advisor *advisor, const char *id, int64_t now_s);
/* advisor_settle - the webhooks are through with the document. */
void advisor_settle(struct advisor *advisor, const char *id, bool delivered, int64_t now_s);
/* advisor_note - an event for the history. id: the recommendation it is about, "" none. */
void advisor_note(
    struct advisor *advisor, const char *id, const char *event, const char *text, int64_t now_s);
/* advisor_end - the recommendation was carried out, or that failed: the current document, if it is
 * this one, gets the state "done" or "failed". */
void advisor_end(
    struct advisor *advisor, const char *id, const char *state, const char *text, int64_t now_s);
/* advisor_expire - lets the current advice expire when its time is over. */
void advisor_expire(struct advisor *advisor, int64_t now_s);

#endif
