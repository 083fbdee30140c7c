/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon grappe-manager: a libevent loop that asks for the traffic after each period, plans,
 * keeps and posts the advice, and answers on its socket. Asking and planning run in a thread of
 * their own, one at a time, so that the socket answers meanwhile.
 */
#ifndef GRAPPE_MANAGER_MANAGER_H
#define GRAPPE_MANAGER_MANAGER_H

#include "manager/manager_settings.h"

#include <stdint.h>

#define MANAGER_EXIT_NO_INPUT 2 /* of manager_once(): the collector gave nothing */

/* manager_run - serves until SIGTERM or SIGINT. Returns the exit code. */
int manager_run(const struct manager_settings *settings);

/* manager_once - one cycle: asks, plans, stores, posts, prints the report to standard output.
 * Returns the exit code: 0, 1, or MANAGER_EXIT_NO_INPUT. */
int manager_once(const struct manager_settings *settings);

/* manager_next_run - when to plan next. interval_ms: 0 = after each period of length_s (> 0);
 * failures: asks in a row that failed, which are repeated after 2, 4 … 60 s; retry_at_s: when the
 * collector said it will have the data (0: it did not). now_ns: wall clock. Returns ns from now,
 * between 0.1 s and the interval or two periods. Pure. */
int64_t manager_next_run(
    int64_t now_ns, int64_t interval_ms, int64_t length_s, unsigned failures, int64_t retry_at_s);

#endif
