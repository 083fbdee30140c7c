/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ledger and a ring fed with periods: what the tests of the agent's tables share.
 */
#ifndef GRAPPE_TESTS_UNIT_AGENT_WORLD_H
#define GRAPPE_TESTS_UNIT_AGENT_WORLD_H

#include "agent-module/ledger.h"
#include "agent-module/ring.h"
#include "agent-module/snapshot.h"
#include "tests/fakes/make_period.h"

struct world {
	struct ledger *ledger;
	struct ring ring;
};

void world_init(struct world *world, size_t history);
void world_deinit(struct world *world);
/* world_feed - accounts a sorted period, which is taken over, and puts it into the ring. */
void world_feed(struct world *world, struct period *period);
/* world_restart - the ledger as it comes back from its file; the ring stays. */
void world_restart(struct world *world);
/* world_number - of VM n's NIC on the default segment; 0: has none. */
uint32_t world_number(const struct world *world, unsigned n);

#endif
