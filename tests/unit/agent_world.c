/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/agent_world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void world_init(struct world *world, size_t history)
{
	world->ledger = ledger_new();
	ck_assert_ptr_nonnull(world->ledger);
	ring_init(&world->ring, history);
}

void world_deinit(struct world *world)
{
	ledger_free(world->ledger);
	ring_deinit(&world->ring);
}

void world_feed(struct world *world, struct period *period)
{
	uint32_t *numbers = calloc(period->nvifs + 1, sizeof *numbers);
	struct tally_set rows;
	struct buffer bytes;
	struct sealed *sealed;
	bool added;

	ck_assert_ptr_nonnull(numbers);
	buffer_init(&bytes);
	ck_assert_int_eq(period_encode(period, &bytes), 0);
	ck_assert_int_eq(ledger_number(world->ledger, period, numbers, &added), 0);
	ck_assert_int_eq(tally_from_period(period, numbers, &rows), 0);
	ck_assert_int_eq(ledger_account(world->ledger, period, numbers, &rows), 0);
	sealed = sealed_new(&bytes, period, numbers, rows.count);
	ck_assert_ptr_nonnull(sealed);
	ck_assert_int_eq(ring_add(&world->ring, sealed), 0);
	tally_free(&rows);
	free(numbers);
	period_free(period);
}

void world_restart(struct world *world)
{
	struct buffer bytes;
	struct ledger *again;

	buffer_init(&bytes);
	ck_assert_int_eq(ledger_encode(world->ledger, &bytes), 0);
	ck_assert_int_eq(ledger_decode(bytes.bytes, bytes.length, &again), 0);
	buffer_deinit(&bytes);
	ledger_free(world->ledger);
	world->ledger = again;
}

uint32_t world_number(const struct world *world, unsigned n)
{
	const char *id = make_id(n);

	for (size_t i = 0; i < world->ledger->nvifs; i++)
		if (strcmp(world->ledger->vifs[i].vif.vm_id, id) == 0 &&
		    strcmp(world->ledger->vifs[i].vif.segment, SEGMENT_DEFAULT) == 0)
			return world->ledger->vifs[i].number;
	return 0;
}
