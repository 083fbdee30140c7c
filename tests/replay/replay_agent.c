/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A day of periods through the agent's ledger, ring and snapshot: VMs come and go, the agent is
 * restarted from its state file now and then, and at every period the tables must be what an
 * accounting of its own says: sums, rows that linger, numbers that stay.
 */
#include "tests/unit/agent_world.h"
#include "tests/unit/unit.h"

#define START INT64_C(1800000000)
#define PERIODS (24 * 120)
#define VMS 12
#define PEERS 30
#define LINGER_S 3600
#define HISTORY 20

static struct {
	uint64_t packets, sent;
	int64_t last_end; /* 0 = never */
} expected[VMS][PEERS];
static uint32_t number_of[VMS]; /* as first seen */
static uint64_t random_state = 7;

static unsigned pick(unsigned limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(random_state >> 33) % limit;
}

static void add_traffic(struct period *period, uint32_t vif, unsigned vm, unsigned peer)
{
	const uint64_t packets = 1 + pick(1000);
	const bool sends = peer == 0 && pick(2) == 0;

	make_received(period, vif, 100 + peer, packets, packets * 100);
	expected[vm][peer].packets += packets;
	if (sends) {
		make_row(period, vif, ROW_SENT, make_address(100 + peer), packets, packets * 50);
		expected[vm][peer].sent += packets;
	}
	expected[vm][peer].last_end = period->header.end_s;
}

/* VM n runs for n + 1 hours, then is away as long; its pairs come and go faster. */
static struct period *make_next(int64_t end)
{
	struct period *period = make_period(end);

	for (unsigned vm = 0; vm < VMS; vm++) {
		uint32_t vif;

		if ((end - START) / (3600 * (vm + 1)) % 2 == 1)
			continue;
		vif = make_vm(period, vm + 1);
		for (unsigned peer = 0; peer < PEERS; peer++)
			if (pick(PEERS) > peer || (peer == PEERS - 1 && pick(500) == 0))
				add_traffic(period, vif, vm, peer);
	}
	return make_sorted(period);
}

/* A row of the table against the accounting; plain, since the library's checks are slow. */
static bool is_right(const struct tally *tally, unsigned vm, unsigned peer)
{
	return tally->vif == number_of[vm] && tally->peer.bytes[3] == 100 + peer &&
	       tally->packets == expected[vm][peer].packets &&
	       tally->octets == expected[vm][peer].packets * 100 &&
	       tally->sent_packets == expected[vm][peer].sent &&
	       tally->last_end == expected[vm][peer].last_end;
}

/* The day is shorter than LEDGER_ROW_IDLE_S, so that no row starts again from zero. */
static void check_snapshot(const struct world *world, int64_t end)
{
	struct snapshot *snapshot = snapshot_new(world->ledger, &world->ring, LINGER_S);
	size_t row = 0;

	ck_assert_ptr_nonnull(snapshot);
	for (size_t v = 0; v < snapshot->nvifs; v++) {
		const unsigned vm = snapshot->vifs[v].vif.macs[0].bytes[5] - 1u;

		if (number_of[vm] == 0)
			number_of[vm] = snapshot->vifs[v].number;
		ck_assert_uint_eq(number_of[vm], snapshot->vifs[v].number);
		for (unsigned peer = 0; peer < PEERS; peer++) {
			const struct tally *tally = &snapshot->pairs.items[row];

			if (expected[vm][peer].last_end == 0 ||
			    expected[vm][peer].last_end + LINGER_S < end)
				continue;
			if (row >= snapshot->pairs.count || !is_right(tally, vm, peer))
				ck_abort_msg("period %lld: row %zu of VM %u and peer %u is wrong",
				    (long long)end, row, vm + 1, peer);
			row++;
		}
	}
	ck_assert_uint_eq(row, snapshot->pairs.count);
	ck_assert_uint_eq(snapshot->start_s, START - MAKE_LENGTH_S);
	ck_assert_int_eq(snapshot_capture_state(snapshot, end + 1), MIB_CAPTURE_RUNNING);
	snapshot_free(snapshot);
}

START_TEST(a_day)
{
	struct world world;
	unsigned restarts = 0;

	world_init(&world, HISTORY);
	for (int64_t i = 0; i < PERIODS; i++) {
		const int64_t end = START + MAKE_LENGTH_S * i;

		world_feed(&world, make_next(end));
		if (pick(50) == 0) {
			world_restart(&world);
			restarts++;
		}
		check_snapshot(&world, end);
		ck_assert_uint_eq(world.ring.count, i < HISTORY ? (size_t)i + 1 : HISTORY);
	}
	ck_assert_uint_gt(restarts, 20);
	world_deinit(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("agent");
	TCase *tcase = tcase_create("a day");

	tcase_add_test(tcase, a_day);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
