/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "tests/unit/agent_world.h"
#include "tests/unit/unit.h"

#define START 1800000000
#define LINGER 3600

static struct world world;
static struct snapshot *snapshot;

static void set_up(void)
{
	world_init(&world, 3);
	snapshot = NULL;
}

static void tear_down(void)
{
	snapshot_free(snapshot);
	world_deinit(&world);
}

static void take(void)
{
	snapshot_free(snapshot);
	snapshot = snapshot_new(world.ledger, &world.ring, LINGER);
	ck_assert_ptr_nonnull(snapshot);
}

static void feed(int64_t end, unsigned to, unsigned from, uint64_t packets)
{
	struct period *period = make_period(end);

	make_received(period, make_vm(period, to), from, packets, packets * 100);
	world_feed(&world, make_sorted(period));
}

START_TEST(before_the_first_period)
{
	take();
	ck_assert_uint_eq(snapshot->nperiods, 0);
	ck_assert_uint_eq(snapshot->pairs.count, 0);
	ck_assert_int_eq(snapshot_capture_state(snapshot, START), MIB_CAPTURE_ABSENT);
	ck_assert_int_eq(snapshot_clock_state(snapshot), MIB_CLOCK_UNSYNCHRONISED);
}
END_TEST

START_TEST(rows_linger_and_come_back)
{
	feed(START, 1, 2, 10);
	feed(START + LINGER, 3, 2, 20);
	take();
	ck_assert_uint_eq(snapshot->pairs.count, 2);
	ck_assert_uint_eq(snapshot->nvifs, 2);
	ck_assert_uint_eq(snapshot->nvms, 2);
	ck_assert_uint_eq(snapshot->vifs[0].vif.covered_ms, 0);
	ck_assert_uint_eq(snapshot->vifs[1].vif.covered_ms, 30000);
	feed(START + LINGER + 30, 3, 2, 20);
	take();
	ck_assert_uint_eq(snapshot->pairs.count, 1);
	ck_assert_uint_eq(snapshot->nvms, 1);
	ck_assert_uint_eq(snapshot->vms[0].number, 2);
	feed(START + LINGER + 60, 1, 2, 5);
	take();
	ck_assert_uint_eq(snapshot->pairs.count, 2);
	ck_assert_uint_eq(snapshot->pairs.items[0].packets, 15);
}
END_TEST

START_TEST(a_vm_is_what_its_vif_seen_last_says)
{
	struct period *period = make_period(START);

	make_vif(period, 1, "a", 30000);
	make_vif(period, 2, "a", 30000);
	make_vif(period, 1, "b", 30000);
	world_feed(&world, make_sorted(period));
	period = make_period(START + 30);
	make_vif(period, 1, "b", 30000);
	snprintf(period->vifs[0].vm_name, VM_NAME_SIZE, "renamed");
	world_feed(&world, make_sorted(period));
	take();
	ck_assert_uint_eq(snapshot->nvms, 2);
	ck_assert_uint_eq(snapshot->vms[0].nvifs, 2);
	ck_assert_str_eq(snapshot->vms[0].facts->vm_name, "renamed");
	ck_assert_str_eq(snapshot->vms[1].facts->vm_name, "vm2");
}
END_TEST

START_TEST(keys_are_unique)
{
	struct period *period = make_period(START);
	char first[SNAPSHOT_KEY_SIZE], second[SNAPSHOT_KEY_SIZE], third[SNAPSHOT_KEY_SIZE];

	make_received(period, make_vif(period, 1, "a", 0), 7, 1, 1);
	make_received(period, make_vif(period, 1, "b", 0), 7, 1, 1);
	make_vif(period, 1, "a", 0);
	period->vifs[2].macs[0].bytes[1] = 0xaf;
	make_received(period, 2, 7, 1, 1);
	world_feed(&world, make_sorted(period));
	take();
	ck_assert_uint_eq(snapshot->pairs.count, 3);
	ck_assert_str_eq(snapshot_format_key(snapshot, &snapshot->pairs.items[0], first),
	    "mac-020000000001/a/10.0.0.7");
	ck_assert_str_eq(snapshot_format_key(snapshot, &snapshot->pairs.items[1], second),
	    "mac-020000000001/b/10.0.0.7");
	ck_assert_str_eq(snapshot_format_key(snapshot, &snapshot->pairs.items[2], third),
	    "mac-020000000001/a+02:af:00:00:00:01/10.0.0.7");
}
END_TEST

START_TEST(periods_are_decoded_when_asked_and_outlive_the_ring)
{
	for (unsigned i = 0; i < 3; i++)
		feed(START + 30 * (int64_t)i, 1, 2, 10 + i);
	take();
	feed(START + 90, 1, 2, 13);
	ck_assert_uint_eq(world.ring.count, 3);
	ck_assert_uint_eq(sealed_end(world.ring.items[0]), START + 30);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++) {
			const struct tally_set *rows = snapshot_period_rows(snapshot, i);

			ck_assert_uint_eq(rows->count, 1);
			ck_assert_uint_eq(rows->items[0].packets, 10 + i);
			ck_assert_uint_eq(snapshot->periods[i]->ntallies, 1);
		}
	}
	ck_assert_uint_eq(snapshot_find_period(snapshot, 0), 0);
	ck_assert_uint_eq(snapshot_find_period(snapshot, START + 1), 1);
	ck_assert_uint_eq(snapshot_find_period(snapshot, START + 61), 3);
}
END_TEST

START_TEST(state_of_capture_and_clock)
{
	struct period *period = make_period(START);

	period->header.flags = PERIOD_CLOCK_UNSYNCED;
	world_feed(&world, make_sorted(period));
	take();
	ck_assert_int_eq(snapshot_clock_state(snapshot), MIB_CLOCK_UNSYNCHRONISED);
	ck_assert_int_eq(snapshot_capture_state(snapshot, START), MIB_CAPTURE_RUNNING);
	ck_assert_int_eq(snapshot_capture_state(snapshot, START + 70), MIB_CAPTURE_RUNNING);
	ck_assert_int_eq(snapshot_capture_state(snapshot, START + 71), MIB_CAPTURE_STALE);
	ck_assert_int_eq(snapshot_capture_state(snapshot, START - 30), MIB_CAPTURE_RUNNING);
	ck_assert_int_eq(snapshot_capture_state(snapshot, START - 31), MIB_CAPTURE_STALE);
	period = make_period(START + 30);
	period->header.flags = PERIOD_CLOCK_UNSYNCED | PERIOD_CLOCK_STEPPED;
	world_feed(&world, make_sorted(period));
	take();
	ck_assert_int_eq(snapshot_clock_state(snapshot), MIB_CLOCK_STEPPED);
	world_feed(&world, make_sorted(make_period(START + 60)));
	take();
	ck_assert_int_eq(snapshot_clock_state(snapshot), MIB_CLOCK_SYNCHRONISED);
}
END_TEST

START_TEST(the_back_end_of_the_newest_period)
{
	static const struct {
		uint32_t backends;
		enum mib_backend shown;
	} cases[] = {{BACKEND_PCAP, MIB_BACKEND_PCAP}, {BACKEND_BPF, MIB_BACKEND_BPF},
	    {BACKEND_PCAP | BACKEND_BPF, MIB_BACKEND_MIXED}, {0, MIB_BACKEND_UNKNOWN},
	    {1u << 31, MIB_BACKEND_UNKNOWN}};

	take();
	ck_assert_int_eq(snapshot->backend, MIB_BACKEND_UNKNOWN);
	ck_assert_str_eq(snapshot->backend_reason, "");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct period *period = make_period(START + 30 * (int64_t)i);

		period->header.backends = cases[i].backends;
		snprintf(period->header.backend_reason, PERIOD_REASON_SIZE, "reason %zu", i);
		period->header.estimated_packets = 10;
		period->header.malformed_packets = 1;
		world_feed(&world, make_sorted(period));
		take();
		ck_assert_int_eq(snapshot->backend, cases[i].shown);
		ck_assert_int_eq(snapshot->backend_reason[7], '0' + (int)i);
		ck_assert_uint_eq(snapshot->estimated, 10 * (i + 1));
		ck_assert_uint_eq(snapshot->malformed, i + 1);
	}
}
END_TEST

START_TEST(the_ring_keeps_the_newest_in_order)
{
	static const int64_t ends[] = {START + 60, START, START + 30, START + 90, START - 30};
	struct ring *ring = &world.ring;

	for (size_t i = 0; i < 5; i++) {
		struct period *period = make_sorted(make_period(ends[i]));
		struct buffer bytes;

		buffer_init(&bytes);
		ck_assert_int_eq(period_encode(period, &bytes), 0);
		ck_assert_int_eq(ring_add(ring, sealed_new(&bytes, period, NULL, 0)), 0);
		period_free(period);
	}
	ck_assert_uint_eq(ring->count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(sealed_end(ring->items[i]), START + 30 + 30 * i);
	ck_assert_int_eq(ring_add(ring, sealed_hold(ring->items[1])), GRAPPE_EEXISTS);
	ck_assert_uint_eq(ring->items[1]->references, 1);
	ck_assert_uint_eq(ring->bytes, 3 * ring->items[0]->length);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *tcase = tcase_create("snapshot");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, before_the_first_period);
	tcase_add_test(tcase, rows_linger_and_come_back);
	tcase_add_test(tcase, a_vm_is_what_its_vif_seen_last_says);
	tcase_add_test(tcase, keys_are_unique);
	tcase_add_test(tcase, periods_are_decoded_when_asked_and_outlive_the_ring);
	tcase_add_test(tcase, state_of_capture_and_clock);
	tcase_add_test(tcase, the_back_end_of_the_newest_period);
	tcase_add_test(tcase, the_ring_keeps_the_newest_in_order);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
