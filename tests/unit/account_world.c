/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/account_world.h"

#include "tests/unit/unit.h"

#include <stdio.h>

struct account_world world;

static const struct clock_sync synchronised = {.synchronised = true, .offset_ns = 42};

void world_begin(int64_t at, uint32_t pairs, const char *endpoint)
{
	struct address address;
	struct account_options options = {.length_s = 30, .pairs_per_vif = pairs, .boot_id = {7}};

	if (endpoint != NULL) {
		ck_assert_int_eq(address_parse(endpoint, &address), 0);
		options.endpoints = &address;
		options.nendpoints = 1;
	}
	world.wall = at;
	world.monotonic = 5 * S;
	world.account = account_new(&options, world.wall, world.monotonic);
	ck_assert_ptr_nonnull(world.account);
}

void world_end(void)
{
	period_free(world.period);
	account_free(world.account);
	world.period = NULL;
	world.account = NULL;
}

void world_tick(void)
{
	account_tick(world.account, world.wall, world.monotonic, &synchronised);
}

void world_pass(int64_t ns)
{
	while (ns > 0) {
		const int64_t step = ns < S ? ns : S;

		world.wall += step;
		world.monotonic += step;
		ns -= step;
		world_tick();
	}
}

int world_watch(uint32_t port, const char *name, const char *mac)
{
	struct period_vif vif = {.nmacs = 1, .segment = "t1"};

	ck_assert_int_eq(mac_parse(mac, &vif.macs[0]), 0);
	identity_from_mac(&vif.macs[0], vif.vm_id);
	snprintf(vif.vm_name, sizeof vif.vm_name, "%s", name);
	snprintf(vif.interface, sizeof vif.interface, "tap%u", port);
	return account_watch(world.account, port, &vif, world.wall);
}

void world_feed(uint32_t port, const struct made_frame *made, int64_t stamp, bool sent)
{
	struct frame frame;

	frame_decode(made->bytes, made->length, made->wire, &frame);
	account_frame(world.account, port, &frame, stamp, sent, 1500);
}

void world_receive_from(const char *source, int64_t stamp)
{
	struct made_frame made;

	frame_make_udp(&made, VM1_MAC, OUT_MAC, source, VM1, 100);
	world_feed(1, &made, stamp, false);
}

const struct period *world_closed(void)
{
	period_free(world.period);
	ck_assert_int_eq(account_close(world.account, &world.period), 1);
	return world.period;
}

void world_none_closed(void)
{
	struct period *more;

	ck_assert_int_eq(account_close(world.account, &more), 0);
	ck_assert_ptr_null(more);
}

const struct period_row *world_row(const char *peer)
{
	struct address address;

	ck_assert_int_eq(address_parse(peer, &address), 0);
	for (size_t i = 0; i < world.period->nrows; i++)
		if (address_compare(&world.period->rows[i].peer, &address) == 0)
			return &world.period->rows[i];
	return NULL;
}

uint64_t world_packets_of(const char *peer)
{
	return world_row(peer) != NULL ? world_row(peer)->packets : 0;
}
