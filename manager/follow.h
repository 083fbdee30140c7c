/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Follow-through: moves that were made, by this manager or by others, are watched until their
 * effect is measured; what was measured goes to the history, to the webhooks, and to the residence
 * book when a move brought nothing. The shell around manager/effects.h; in the loop, one thread.
 *
 * Life-cycle: follow_open(), the follow_… events, follow_close().
 */
#ifndef GRAPPE_MANAGER_FOLLOW_H
#define GRAPPE_MANAGER_FOLLOW_H

#include "manager/advisor.h"
#include "manager/effects.h"
#include "manager/execution.h"
#include "manager/publish.h"
#include "manager/residence.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct follow; /* opaque */

/* follow_open - folder: the state folder, exists; advisor, publisher: borrowed. Returns 0,
 * GRAPPE_EMEMORY, or with words GRAPPE_EIO. A file that cannot be read is begun anew. */
int follow_open(const char *folder, struct advisor *advisor, struct publisher *publisher,
    struct follow **out, char *message, size_t size);
void follow_close(struct follow *follow);

/* follow_made - the executor's move was made. */
void follow_made(
    struct follow *follow, const struct execution *execution, const struct execution_move *move);
/* follow_seen - what the residence book saw arrive in its last update. length_s: of a period. */
void follow_seen(
    struct follow *follow, const struct residence *residence, int64_t length_s, int64_t now_s);
/* follow_due - see effects_due(). */
size_t follow_due(const struct follow *follow, int64_t to_s, int64_t length_s, int64_t window_s,
    struct effect_watch *out, size_t limit);
/* follow_take - the effect of these moves was measured (NULL: it cannot be; why says so). */
void follow_take(struct follow *follow, const struct effect_watch *watches, size_t count,
    json_t *effect, const char *why, struct residence *residence, int64_t now_s);
/* follow_is_waiting - moves of this manager that nobody saw arrive yet: no plan can be right. */
bool follow_is_waiting(const struct follow *follow);
/* follow_json - the newest documents, at most `limit`. A new reference. */
json_t *follow_json(const struct follow *follow, size_t limit);

#endif
