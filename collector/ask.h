/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks the collector for its status over its socket (doc/protocol.md) without ever blocking: a loop
 * that serves others goes on while the collector is slow, stopped or gone. One question at a time,
 * on a connection of its own.
 *
 * Life-cycle: ask_new(), ask_begin() as often as wanted, ask_free(). In the loop's thread.
 */
#ifndef GRAPPE_COLLECTOR_ASK_H
#define GRAPPE_COLLECTOR_ASK_H

#include "collector/told.h"

struct ask; /* opaque */
struct event_base;

/* Called once for each question. told: taken over; NULL when there is no answer that can be used,
 * with the reason in words. */
typedef void ask_done(void *context, struct told *told, const char *why);

/* ask_new - path: of the collector's socket, which need not be there; timeout_ms: for a whole
 * answer. path must stay. NULL without memory. */
struct ask *ask_new(
    struct event_base *base, const char *path, int64_t timeout_ms, ask_done *done, void *context);
/* ask_begin - asks; without effect while a question is out. May call done before it returns. */
void ask_begin(struct ask *ask);
/* ask_free - a question that is out is given up without a word. NULL is allowed. */
void ask_free(struct ask *ask);

#endif
