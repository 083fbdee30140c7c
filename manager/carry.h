/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What follows from advice: in the modes `confirm` and `execute` it is carried out (executor), and
 * moves, whoever made them, are followed until their effect is known (follow). Between the daemon
 * and these two; in the loop, one thread.
 *
 * Life-cycle: carry_open(), around each cycle carry_prepare() and carry_take(), carry_out() when
 * advice came or was approved, carry_close().
 */
#ifndef GRAPPE_MANAGER_CARRY_H
#define GRAPPE_MANAGER_CARRY_H

#include "manager/advisor.h"
#include "manager/cycle.h"
#include "manager/manager_settings.h"
#include "manager/publish.h"
#include "manager/residence.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct carry; /* opaque */

/* Called from the loop when something ended, so that a new plan is due. */
typedef void carry_ended(void *context);

/* carry_open - all of it borrowed until carry_close(). Returns 0, GRAPPE_EMEMORY, or with words
 * GRAPPE_EIO. */
int carry_open(struct event_base *base, const struct manager_settings *settings,
    struct advisor *advisor, struct publisher *publisher, carry_ended *ended, void *context,
    struct carry **out, char *message, size_t size);
void carry_close(struct carry *carry);

/* carry_prepare - tells a cycle whose effect it is to measure, and its residence book which VMs are
 * left alone because their move failed. to_s, length_s: of the newest period that is known, 0 none.
 */
void carry_prepare(
    struct carry *carry, struct cycle *cycle, int64_t to_s, int64_t length_s, int64_t now_s);
/* carry_take - what the cycle saw and measured. residence: free to be changed again. */
void carry_take(
    struct carry *carry, const struct cycle *cycle, struct residence *residence, int64_t now_s);
/* carry_blocks - something is being carried out, or was and is not seen yet: no new advice now. */
bool carry_blocks(const struct carry *carry);
/* carry_out - begins with the current recommendation, if the mode and its state say so.
 * environments, length: the document, NULL none. */
void carry_out(struct carry *carry, const char *environments, size_t length, int64_t now_s);

/* carry_start - the clouds are asked for what they know from now on. */
void carry_start(struct carry *carry);
/* carry_feed - the environment document with what they know; see cloud_watch_feed(). */
char *carry_feed(const struct carry *carry, const char *text, size_t length, json_t **places);

/* carry_json - the member "execution" of the manager's status (doc/protocol.md). A new reference,
 * NULL without memory. */
json_t *carry_json(const struct carry *carry);

#endif
