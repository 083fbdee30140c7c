/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One period of the global picture: what became of each agent in it. Part of collector/picture.h,
 * which tells the states. Pure; one thread. Zeroed: never used. Life-cycle: slot_reserve(), fill,
 * slot_clear() for the next period, slot_deinit().
 */
#ifndef GRAPPE_COLLECTOR_SLOT_H
#define GRAPPE_COLLECTOR_SLOT_H

#include "collector/delivery.h"
#include "collector/resolve.h"

#include <stdbool.h>
#include <stdint.h>

struct slot {
	int64_t end_s;                         /* 0: never used */
	uint8_t *states;                       /* enum picture_state by agent; owned */
	struct delivery *deliveries;           /* by agent; owned */
	uint32_t flags;                        /* enum period_flag, of all agents together */
	uint32_t delivered, pending, expected; /* agents in these states; expected: not absent */
	bool handed;                           /* settled, and all updates were handed out */
	bool packed;                           /* deliveries are */
	bool closed;           /* its view is final: rows of its deliveries were let go */
	bool empty;            /* closed, and all of its deliveries were let go */
	struct resolved *view; /* owned; NULL: not joined yet */
};

/* slot_reserve - room for so many agents, unless there is some. Returns 0 or GRAPPE_EMEMORY. */
int slot_reserve(struct slot *slot, uint32_t capacity);
/* slot_clear - lets go what its agents delivered; agents: how many there are. */
void slot_clear(struct slot *slot, uint32_t agents);
/* slot_deinit - frees all it holds. */
void slot_deinit(struct slot *slot, uint32_t agents);
/* slot_is_missing - whether an agent has not delivered. */
bool slot_is_missing(const struct slot *slot);
/* slot_reopen - what was lost may still come, unless its agent is removed (by agent) or the slot is
 * closed. */
void slot_reopen(struct slot *slot, const uint8_t *removed, uint32_t agents);

#endif
