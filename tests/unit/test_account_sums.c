/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of a back end that counts by itself, and what is nobody's. */
#include "common/error.h"
#include "tests/unit/account_world.h"
#include "tests/unit/unit.h"

#include <string.h>

static void add(
    enum counted_kind kind, int handle, const char *peer, uint64_t packets, int64_t end_s)
{
	struct counted counted = {.kind = kind,
	    .handle = handle,
	    .packets = packets,
	    .octets = packets * 100,
	    .end_s = end_s};

	if (peer != NULL)
		ck_assert_int_eq(address_parse(peer, &counted.peer), 0);
	account_counted(world.account, &counted);
}

START_TEST(sums_are_counted_like_frames)
{
	int handle;

	world_begin(BASE, 2, OUT);
	handle = world_watch(1, "vm1", VM1_MAC);
	world_pass(29 * S);
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 5, END(1));
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 7, END(1)); /* a second row of the pair */
	add(COUNTED_RECEIVED, handle, "10.0.0.3", 1, END(1));
	add(COUNTED_RECEIVED, handle, "10.0.0.4", 4, END(1)); /* more pairs than it may have */
	add(COUNTED_SENT, handle, OUT, 3, END(1));
	add(COUNTED_MULTICAST, handle, NULL, 8, END(1));
	add(COUNTED_OTHER, handle, NULL, 16, END(1));
	add(COUNTED_NONIP, handle, NULL, 32, END(1));
	add(COUNTED_UNMATCHED, -1, NULL, 64, END(1));
	add(COUNTED_MALFORMED, -1, NULL, 128, END(1));
	add(COUNTED_RECEIVED, handle + 5, "10.0.0.2", 256, END(1)); /* of a vif that is not known */
	world_pass(2 * S);
	world_closed();
	ck_assert_uint_eq(world_row("10.0.0.2")->packets, 12);
	ck_assert_uint_eq(world_row("10.0.0.2")->octets, 1200);
	ck_assert_uint_eq(world_row("10.0.0.3")->packets, 1);
	ck_assert_uint_eq(world.period->nrows, 3);
	ck_assert_uint_eq(world.period->vifs[0].multicast_octets, 800);
	ck_assert_uint_eq(world.period->vifs[0].other_packets, 20);
	ck_assert_uint_eq(world.period->vifs[0].nonip_packets, 32);
	ck_assert_uint_eq(world.period->header.unmatched_packets, 64 + 256);
	ck_assert_uint_eq(world.period->header.malformed_packets, 128);
}
END_TEST

START_TEST(sums_belong_to_their_period)
{
	int handle;

	world_begin(BASE, 100, NULL);
	handle = world_watch(1, "vm1", VM1_MAC);
	world_pass(30 * S + S / 5);
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 5, END(1)); /* told after its end */
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 6, END(2));
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 7, END(-1)); /* long gone */
	world_pass(S);
	ck_assert_uint_eq(world_closed()->header.end_s, END(1));
	ck_assert_uint_eq(world_row("10.0.0.2")->packets, 5);
	ck_assert_uint_eq(world.period->header.dropped_packets, 7);
	world_pass(30 * S);
	ck_assert_uint_eq(world_closed()->header.end_s, END(2));
	ck_assert_uint_eq(world_row("10.0.0.2")->packets, 6);
}
END_TEST

/* A VM ends just after a period's end of which the accounting has not heard yet: its last sums are
 * told when its place could be another VM's. */
START_TEST(sums_of_a_vif_that_ended_are_its_own)
{
	int handle;

	world_begin(BASE, 100, NULL);
	handle = world_watch(1, "vm1", VM1_MAC);
	world_pass(29 * S);
	world.wall += S + S / 5;
	world.monotonic += S + S / 5;
	account_unwatch(world.account, handle, world.wall);
	world_pass(S / 2);
	ck_assert_uint_eq(world_closed()->header.end_s, END(1));
	world_watch(2, "vm2", VM2_MAC);
	world_pass(29 * S + S / 2);
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 6, END(2));
	world_pass(S / 2);
	ck_assert_uint_eq(world_closed()->header.end_s, END(2));
	ck_assert_uint_eq(world.period->header.unmatched_packets, 0);
	ck_assert_str_eq(world.period->vifs[world_row("10.0.0.2")->vif].vm_name, "vm1");
	ck_assert_uint_eq(world.period->vifs[world_row("10.0.0.2")->vif].covered_ms, 200);
}
END_TEST

/* A bridge floods what is sent to the MAC of zeros, which is nobody's. */
START_TEST(no_mac_is_nobodys)
{
	struct made_frame made;

	world_begin(BASE, 100, NULL);
	world_watch(1, "vm1", VM1_MAC);
	frame_make_udp(&made, "00:00:00:00:00:00", OUT_MAC, OUT, VM1, 10);
	world_feed(1, &made, BASE, false);
	world_pass(31 * S);
	ck_assert_uint_eq(world_closed()->header.unmatched_packets, 1);
	ck_assert_uint_eq(world.period->nrows, 0);
}
END_TEST

START_TEST(merged_periods_claim_no_silence)
{
	int handle;

	world_begin(BASE, 100, NULL);
	handle = world_watch(1, "vm1", VM1_MAC);
	world_pass(10 * S);
	/* The program sleeps through three ends; the second table holds everything since the first.
	 */
	world.wall += 95 * S;
	world.monotonic += 95 * S;
	world_tick();
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 5, END(1));
	account_merged(world.account, END(2), world.wall);
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 600, END(2));
	ck_assert_uint_eq(world_closed()->header.flags & (PERIOD_MERGED | PERIOD_PARTIAL), 0);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 30000);
	ck_assert_uint_eq(world_closed()->header.flags & PERIOD_MERGED, PERIOD_MERGED);
	ck_assert_uint_eq(world_row("10.0.0.2")->packets, 600);
	ck_assert_uint_eq(world_closed()->header.end_s, END(3));
	ck_assert_uint_eq(world.period->header.flags & PERIOD_PARTIAL, PERIOD_PARTIAL);
	ck_assert_uint_eq(world.period->nvifs, 0);
	world_pass(16 * S);
	ck_assert_uint_eq(world_closed()->header.flags & PERIOD_PARTIAL, PERIOD_PARTIAL);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 15000);
}
END_TEST

START_TEST(back_ends_are_told)
{
	world_begin(BASE, 100, NULL);
	account_set_backends(world.account, BACKEND_BPF, "because");
	world_pass(31 * S);
	ck_assert_uint_eq(world_closed()->header.backends, BACKEND_BPF);
	ck_assert_str_eq(world.period->header.backend_reason, "because");
}
END_TEST

START_TEST(learning_counts_nothing)
{
	struct made_frame made;
	struct frame frame;

	world_begin(BASE, 100, NULL);
	world_watch(1, "vm1", VM1_MAC);
	frame_make_arp(&made, ALL, VM1_MAC, VM1, OUT);
	frame_decode(made.bytes, made.length, made.wire, &frame);
	account_learn(world.account, 1, &frame);
	world_pass(31 * S);
	world_closed();
	ck_assert_uint_eq(world.period->vifs[0].naddresses, 1);
	ck_assert_uint_eq(world.period->vifs[0].addresses[0].evidence, EVIDENCE_CLAIMED);
	ck_assert_uint_eq(
	    world.period->vifs[0].multicast_packets + world.period->vifs[0].nonip_packets, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account_sums");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, NULL, world_end);
	tcase_add_test(tests, sums_are_counted_like_frames);
	tcase_add_test(tests, sums_belong_to_their_period);
	tcase_add_test(tests, sums_of_a_vif_that_ended_are_its_own);
	tcase_add_test(tests, no_mac_is_nobodys);
	tcase_add_test(tests, merged_periods_claim_no_silence);
	tcase_add_test(tests, back_ends_are_told);
	tcase_add_test(tests, learning_counts_nothing);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
