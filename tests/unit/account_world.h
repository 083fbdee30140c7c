/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An accounting with a clock of its own and frames for it: what the tests of agent-module/account.c
 * share. world_begin(), then the rest, world_end() (a fixture's teardown).
 */
#ifndef GRAPPE_TESTS_UNIT_ACCOUNT_WORLD_H
#define GRAPPE_TESTS_UNIT_ACCOUNT_WORLD_H

#include "agent-module/account.h"
#include "tests/unit/frames.h"

#define VM1_MAC "02:00:00:00:00:01"
#define VM2_MAC "02:00:00:00:00:02"
#define OUT_MAC "02:00:00:00:00:99"
#define ALL "ff:ff:ff:ff:ff:ff"
#define VM1 "10.0.0.1"
#define OUT "10.0.0.99"
#define S CLOCK_SECOND_NS
#define BASE (INT64_C(1000000020) * S) /* a multiple of 30 s */
#define END(n) (INT64_C(1000000020) + 30 * (n))

extern struct account_world {
	struct account *account; /* owned, as period */
	int64_t wall, monotonic;
	struct period *period; /* closed last */
} world;

/* world_begin - at this wall clock time; endpoint: a named one, or NULL. */
void world_begin(int64_t at, uint32_t pairs, const char *endpoint);
void world_end(void);
/* world_tick - tells the time as it is in world. */
void world_tick(void);
/* world_pass - time passes, with a look at the clock every second. */
void world_pass(int64_t ns);
/* world_watch - returns the handle. */
int world_watch(uint32_t port, const char *name, const char *mac);
void world_feed(uint32_t port, const struct made_frame *made, int64_t stamp, bool sent);
/* world_receive_from - one datagram of 128 IP bytes from `source` to VM1 on port 1. */
void world_receive_from(const char *source, int64_t stamp);
/* world_closed - the next closed period; fails when there is none. */
const struct period *world_closed(void);
void world_none_closed(void);
/* world_row - of the period closed last, or NULL. */
const struct period_row *world_row(const char *peer);
uint64_t world_packets_of(const char *peer);

#endif
