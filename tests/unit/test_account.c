/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "tests/unit/account_world.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(half_open_periods_by_time_stamp)
{
	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_receive_from(OUT, BASE);
	world_receive_from(OUT, BASE + 30 * S - 1);
	world_pass(30 * S + S / 10);
	world_receive_from(OUT, BASE + 30 * S);     /* belongs to the next one */
	world_receive_from(OUT, BASE + 30 * S - 2); /* read late, but in time */
	world_none_closed();
	world_pass(3 * S / 10);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(1));
	ck_assert_uint_eq(world.period->header.length_s, 30);
	ck_assert_uint_eq(world.period->header.boot_id[0], 7);
	ck_assert_int_eq(world.period->header.clock_offset_ns, 42);
	ck_assert_uint_eq(world_packets_of(OUT), 3);
	ck_assert_uint_eq(world_row(OUT)->octets, 3 * 128);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 30000);
	world_none_closed();
	world_pass(30 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(2));
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	ck_assert_uint_eq(world.period->header.flags, 0);
	ck_assert_uint_eq(account_statistics(world.account)->late, 0);
}
END_TEST

START_TEST(first_period_is_partial)
{
	world_begin(BASE + 10 * S, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_pass(21 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(1));
	ck_assert_uint_eq(world.period->header.flags, PERIOD_PARTIAL);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 20000);
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world.period->header.flags, 0);
}
END_TEST

START_TEST(late_frames_are_counted_once)
{
	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_pass(31 * S);
	world_closed();
	world_receive_from(OUT, BASE + 29 * S); /* its period is closed: the next one has it */
	world_receive_from(OUT, BASE - 1);      /* more than a period late: lost, and said so */
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	ck_assert_uint_eq(world.period->header.dropped_packets, 1);
	ck_assert_uint_eq(account_statistics(world.account)->late, 1);
	ck_assert_uint_eq(account_statistics(world.account)->dropped, 1);
}
END_TEST

START_TEST(received_means_own_mac)
{
	struct made_frame made;

	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_receive_from(OUT, BASE);
	frame_make_udp(&made, VM2_MAC, OUT_MAC, OUT, "10.0.0.2", 100); /* flooded */
	world_feed(1, &made, BASE, false);
	frame_make_udp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 100); /* right MAC, wrong port */
	world_feed(2, &made, BASE, false);
	frame_make_udp(&made, ALL, OUT_MAC, OUT, "10.0.0.255", 100);
	world_feed(1, &made, BASE, false);
	frame_make_udp(&made, "01:00:5e:00:00:fb", OUT_MAC, OUT, "224.0.0.251", 100);
	world_feed(1, &made, BASE, false);
	frame_make_arp(&made, VM1_MAC, OUT_MAC, OUT, VM1);
	world_feed(1, &made, BASE, false);
	frame_make_arp(&made, ALL, OUT_MAC, OUT, VM1);
	world_feed(1, &made, BASE, false);
	frame_make_udp(&made, OUT_MAC, VM1_MAC, VM1, OUT, 100); /* what it sends is not received */
	world_feed(1, &made, BASE, true);
	frame_ethernet(&made, VM1_MAC, OUT_MAC, 0x0800);
	world_feed(1, &made, BASE, false);
	world_pass(31 * S);
	world_closed();
	ck_assert_uint_eq(world.period->nvifs, 1);
	ck_assert_uint_eq(world.period->nrows, 1);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	ck_assert_uint_eq(world.period->header.unmatched_packets, 2);
	ck_assert_uint_eq(world.period->header.unmatched_octets, 2 * 128);
	ck_assert_uint_eq(world.period->header.malformed_packets, 1);
	ck_assert_uint_eq(world.period->vifs[0].multicast_packets, 3);
	ck_assert_uint_eq(world.period->vifs[0].multicast_octets, 2 * 128 + 28);
	ck_assert_uint_eq(world.period->vifs[0].nonip_packets, 1);
}
END_TEST

START_TEST(overflow_goes_to_other)
{
	char peer[32];

	world_begin(BASE, 3, NULL);
	world_watch(1, "vm1", VM1_MAC);
	for (int i = 1; i <= 10; i++) {
		snprintf(peer, sizeof peer, "10.1.0.%d", i);
		world_receive_from(peer, BASE);
		world_receive_from(peer, BASE);
	}
	world_pass(31 * S);
	world_closed();
	ck_assert_uint_eq(world.period->nrows, 3);
	ck_assert_uint_eq(world_packets_of("10.1.0.1"), 2);
	ck_assert_uint_eq(world.period->vifs[0].other_packets, 14);
	ck_assert_uint_eq(world.period->vifs[0].other_octets, 14 * 128);
	world_receive_from("10.1.0.9", BASE + 31 * S); /* a new period has room again */
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world_packets_of("10.1.0.9"), 1);
	ck_assert_uint_eq(world.period->vifs[0].other_packets, 0);
}
END_TEST

START_TEST(named_endpoints_count_what_is_sent)
{
	struct made_frame made;

	world_begin(BASE, 10, OUT);
	world_watch(1, "vm1", VM1_MAC);
	frame_make_udp(&made, OUT_MAC, VM1_MAC, VM1, OUT, 100);
	world_feed(1, &made, BASE, true);
	world_receive_from(OUT, BASE);
	world_receive_from(OUT, BASE);
	frame_make_udp(&made, OUT_MAC, VM1_MAC, VM1, "10.0.0.98", 100);
	world_feed(1, &made, BASE, true);
	frame_make_udp(&made, OUT_MAC, "02:00:00:00:00:77", VM1, OUT, 100); /* not the vif's MAC */
	world_feed(1, &made, BASE, true);
	world_pass(31 * S);
	world_closed();
	ck_assert_uint_eq(world.period->nrows, 2);
	ck_assert_int_eq(world.period->rows[0].direction, ROW_RECEIVED);
	ck_assert_uint_eq(world.period->rows[0].packets, 2);
	ck_assert_int_eq(world.period->rows[1].direction, ROW_SENT);
	ck_assert_uint_eq(world.period->rows[1].packets, 1);
	ck_assert_uint_eq(world.period->rows[1].octets, 128);
}
END_TEST

START_TEST(super_frames_become_wire_packets)
{
	struct made_frame made;

	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	/* The guest's own SYN is seen as sent, the answer as received. */
	frame_make_tcp(&made, OUT_MAC, VM1_MAC, VM1, OUT, 1000, 80, 0x02, 20, 1460, 0);
	world_feed(1, &made, BASE, true);
	frame_make_tcp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 80, 1000, 0x12, 20, 1400, 0);
	world_feed(1, &made, BASE, false);
	frame_make_tcp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 80, 1000, 0x10, 12, 0, 13880);
	world_feed(1, &made, BASE, false);
	world_pass(31 * S);
	world_closed();
	ck_assert_uint_eq(world_packets_of(OUT), 11);
	ck_assert_uint_eq(world_row(OUT)->octets, 60 + 13880 + 520);
	ck_assert_uint_eq(world.period->header.flags & PERIOD_ESTIMATED, 0);
	frame_make_tcp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 80, 1001, 0x10, 12, 0, 14480);
	world_feed(1, &made, BASE + 31 * S, false);
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world_packets_of(OUT), 10);
	ck_assert_uint_ne(world.period->header.flags & PERIOD_ESTIMATED, 0);
	ck_assert_uint_eq(world.period->header.estimated_packets, 10);
}
END_TEST

START_TEST(vm_appears_and_vanishes)
{
	int handle;

	world_begin(BASE, 10, NULL);
	world_pass(10 * S);
	world_receive_from(OUT, world.wall); /* nobody's yet */
	handle = world_watch(1, "vm1", VM1_MAC);
	ck_assert_int_eq(world_watch(1, "vm1", VM1_MAC), GRAPPE_EEXISTS);
	world_receive_from(OUT, world.wall);
	world_pass(5 * S);
	account_unwatch(world.account, handle, world.wall);
	world_receive_from(OUT, world.wall);
	world_pass(16 * S);
	world_closed();
	ck_assert_uint_eq(world.period->nvifs, 1);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 5000);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	ck_assert_uint_eq(world.period->header.unmatched_packets, 2);
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world.period->nvifs, 0);
}
END_TEST

START_TEST(vm_moves_between_ports)
{
	struct made_frame made;
	int handle;

	world_begin(BASE, 10, NULL);
	handle = world_watch(1, "vm1", VM1_MAC);
	world_receive_from(OUT, BASE);
	world_pass(10 * S);
	account_unwatch(world.account, handle, world.wall);
	world_pass(2 * S);
	ck_assert_int_eq(world_watch(2, "vm1", VM1_MAC), handle);
	frame_make_udp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 100);
	world_feed(2, &made, world.wall, false);
	world_pass(19 * S);
	world_closed();
	ck_assert_uint_eq(world.period->nvifs, 1);
	ck_assert_str_eq(world.period->vifs[0].interface, "tap2");
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 28000);
	ck_assert_uint_eq(world_packets_of(OUT), 2);
}
END_TEST

START_TEST(slots_are_used_again)
{
	char mac[MAC_TEXT_SIZE];

	world_begin(BASE, 10, NULL);
	for (int i = 0; i < 500; i++) {
		int handle;

		snprintf(mac, sizeof mac, "02:00:00:01:%02x:%02x", i / 256, i % 256);
		handle = world_watch(1, "passing", mac);
		ck_assert_int_ge(handle, 0);
		ck_assert_int_lt(handle, 40);
		world_pass(2 * S);
		account_unwatch(world.account, handle, world.wall);
		while (account_close(world.account, &world.period) == 1) {
			ck_assert_uint_le(world.period->nvifs, 17);
			period_free(world.period);
			world.period = NULL;
		}
	}
}
END_TEST

START_TEST(clock_steps_forward)
{
	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_receive_from(OUT, BASE);
	world_pass(10 * S);
	world.wall += 95 * S; /* from 10 s into the first period to 15 s into the fourth */
	world_tick();
	world_receive_from(OUT, world.wall);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(1));
	ck_assert_uint_eq(world.period->header.flags, PERIOD_CLOCK_STEPPED | PERIOD_PARTIAL);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 10000);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	world_none_closed();
	world_pass(16 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(4));
	ck_assert_uint_eq(world.period->header.flags, PERIOD_CLOCK_STEPPED | PERIOD_PARTIAL);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 15000);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world.period->header.flags, 0);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 30000);
	ck_assert_uint_eq(account_statistics(world.account)->steps, 1);
}
END_TEST

START_TEST(clock_steps_back_a_little)
{
	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_pass(31 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(1));
	world.wall -= 5 * S; /* 4 s before the end of a period that was issued */
	world_tick();
	world_none_closed();
	world_receive_from(OUT, world.wall);
	world_pass(5 * S);
	world_none_closed();
	world_receive_from(OUT, world.wall);
	world_pass(30 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(2));
	ck_assert_uint_eq(world.period->header.flags, PERIOD_CLOCK_STEPPED);
	ck_assert_uint_eq(world_packets_of(OUT), 2);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 30000);
	world_none_closed();
}
END_TEST

START_TEST(clock_steps_back_far)
{
	int64_t last = 0;

	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	for (int i = 1; i <= 10; i++) {
		world_pass(30 * S);
		while (account_close(world.account, &world.period) == 1) {
			last = world.period->header.end_s;
			period_free(world.period);
			world.period = NULL;
		}
	}
	world_pass(10 * S);
	world_receive_from(OUT, world.wall);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(10));
	world.wall -= 200 * S;
	world_tick();
	world_closed(); /* what was open, at once */
	ck_assert_int_eq(world.period->header.end_s, END(11));
	ck_assert_uint_eq(world.period->header.flags, PERIOD_CLOCK_STEPPED | PERIOD_PARTIAL);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 10000);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	world_none_closed();
	world_receive_from(OUT, world.wall); /* in time that was lived before */
	world_pass(240 * S);
	world_receive_from(OUT, world.wall);
	world_none_closed(); /* 11 ends are taken; the next is END(12) */
	world_pass(21 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(12));
	ck_assert_int_gt(world.period->header.end_s, last);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	ck_assert_uint_eq(world.period->header.dropped_packets, 1);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 30000);
	world_none_closed();
}
END_TEST

START_TEST(clock_steps_back_before_the_start)
{
	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_pass(31 * S);
	world_closed();
	world.wall -= 86400 * S; /* the host booted with a wrong clock */
	world_tick();
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(2));
	world_receive_from(OUT, world.wall);
	world_pass(30 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(1) + 30 - 86400);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	ck_assert_uint_ne(world.period->header.flags & PERIOD_PARTIAL, 0);
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world.period->header.flags, 0);
}
END_TEST

START_TEST(unsynchronised_clock_is_marked)
{
	world_begin(BASE, 10, NULL);
	world_pass(20 * S);
	account_tick(world.account, world.wall, world.monotonic, NULL);
	world_pass(11 * S);
	world_closed();
	ck_assert_uint_eq(world.period->header.flags, PERIOD_CLOCK_UNSYNCED);
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world.period->header.flags, 0);
}
END_TEST

START_TEST(held_up_for_minutes)
{
	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_pass(10 * S);
	/* Stopped and continued: the frames waited in the ring, their stamps are of then. */
	world.wall += 100 * S;
	world.monotonic += 100 * S;
	world_tick();
	for (int i = 0; i < 4; i++)
		world_receive_from(OUT, BASE + (15 + 30 * i) * S);
	for (int i = 1; i <= 3; i++) {
		world_closed();
		ck_assert_int_eq(world.period->header.end_s, END(i));
		ck_assert_uint_eq(world_packets_of(OUT), 1);
	}
	world_none_closed();
	ck_assert_uint_eq(account_statistics(world.account)->steps, 0);
	/* Longer than periods can be open. */
	world.wall += 3600 * S;
	world.monotonic += 3600 * S;
	for (int i = 4; i <= 123; i++) {
		world_tick();
		world_closed();
		ck_assert_int_eq(world.period->header.end_s, END(i));
	}
	world_tick();
	world_none_closed();
}
END_TEST

START_TEST(issued_by_an_earlier_run)
{
	world_begin(BASE + 10 * S, 10, NULL);
	account_mark_issued(world.account, END(0));
	account_mark_issued(world.account, END(1));
	world_watch(1, "vm1", VM1_MAC);
	world_receive_from(OUT, world.wall);
	world_pass(21 * S);
	world_none_closed();
	world_receive_from(OUT, world.wall);
	world_pass(30 * S);
	world_closed();
	ck_assert_int_eq(world.period->header.end_s, END(2));
	ck_assert_uint_eq(world.period->header.flags, 0);
	ck_assert_uint_eq(world_packets_of(OUT), 2);
}
END_TEST

START_TEST(the_end_is_partial)
{
	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_pass(30 * S);
	world_receive_from(OUT, BASE + 29 * S);
	world_pass(S / 10);
	world_receive_from(OUT, world.wall);
	ck_assert_int_eq(account_finish(world.account, world.wall, &world.period), 1);
	ck_assert_int_eq(world.period->header.end_s, END(1));
	ck_assert_uint_eq(world.period->header.flags, 0);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	period_free(world.period);
	ck_assert_int_eq(account_finish(world.account, world.wall, &world.period), 1);
	ck_assert_int_eq(world.period->header.end_s, END(2));
	ck_assert_uint_eq(world.period->header.flags, PERIOD_PARTIAL);
	ck_assert_uint_eq(world.period->vifs[0].covered_ms, 100);
	ck_assert_uint_eq(world_packets_of(OUT), 1);
	period_free(world.period);
	ck_assert_int_eq(account_finish(world.account, world.wall, &world.period), 0);
}
END_TEST

START_TEST(addresses_and_evidence)
{
	struct made_frame made;
	char source[32];

	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_watch(2, "vm2", VM2_MAC);
	frame_make_arp(&made, ALL, VM1_MAC, VM1, OUT);
	world_feed(1, &made, BASE, true);
	frame_make_udp(&made, OUT_MAC, VM2_MAC, "10.0.0.2", OUT, 10);
	world_feed(2, &made, BASE, true);
	world_pass(31 * S);
	world_closed();
	ck_assert_uint_eq(world.period->vifs[0].naddresses, 1);
	ck_assert_int_eq(world.period->vifs[0].addresses[0].evidence, EVIDENCE_CLAIMED);
	ck_assert_uint_eq(world.period->vifs[1].naddresses, 1);
	ck_assert_int_eq(world.period->vifs[1].addresses[0].evidence, EVIDENCE_SOURCE);
	/* VM 2 takes VM 1's address over, and forwards for a whole network. */
	frame_make_arp(&made, ALL, VM2_MAC, VM1, OUT);
	world_feed(2, &made, world.wall, true);
	for (int i = 0; i < 40; i++) {
		snprintf(source, sizeof source, "10.9.0.%d", i + 1);
		frame_make_udp(&made, OUT_MAC, VM2_MAC, source, OUT, 10);
		world_feed(2, &made, world.wall, true);
	}
	world_pass(30 * S);
	world_closed();
	ck_assert_uint_eq(world.period->vifs[0].naddresses, 0);
	ck_assert_uint_eq(world.period->vifs[1].naddresses, PERIOD_ADDRESSES_MAX);
	ck_assert_uint_eq(world.period->vifs[1].flags, VIF_ROUTER);
	ck_assert_uint_eq(world.period->vifs[0].flags, 0);
}
END_TEST

START_TEST(periods_encode)
{
	struct buffer bytes;
	struct period *again;

	world_begin(BASE, 10, NULL);
	world_watch(1, "vm1", VM1_MAC);
	world_watch(2, "vm2", VM2_MAC);
	world_receive_from(OUT, BASE);
	world_receive_from("10.0.0.7", BASE);
	world_receive_from("10.0.0.8", BASE);
	world_pass(31 * S);
	world_closed();
	buffer_init(&bytes);
	ck_assert_int_eq(period_encode(world.period, &bytes), 0);
	ck_assert_int_eq(period_decode(bytes.bytes, bytes.length, &again), 0);
	ck_assert_uint_eq(again->nrows, 3);
	period_free(again);
	buffer_deinit(&bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, NULL, world_end);
	tcase_add_test(tests, half_open_periods_by_time_stamp);
	tcase_add_test(tests, first_period_is_partial);
	tcase_add_test(tests, late_frames_are_counted_once);
	tcase_add_test(tests, received_means_own_mac);
	tcase_add_test(tests, overflow_goes_to_other);
	tcase_add_test(tests, named_endpoints_count_what_is_sent);
	tcase_add_test(tests, super_frames_become_wire_packets);
	tcase_add_test(tests, vm_appears_and_vanishes);
	tcase_add_test(tests, vm_moves_between_ports);
	tcase_add_test(tests, slots_are_used_again);
	tcase_add_test(tests, clock_steps_forward);
	tcase_add_test(tests, clock_steps_back_a_little);
	tcase_add_test(tests, clock_steps_back_far);
	tcase_add_test(tests, clock_steps_back_before_the_start);
	tcase_add_test(tests, unsynchronised_clock_is_marked);
	tcase_add_test(tests, held_up_for_minutes);
	tcase_add_test(tests, issued_by_an_earlier_run);
	tcase_add_test(tests, the_end_is_partial);
	tcase_add_test(tests, addresses_and_evidence);
	tcase_add_test(tests, periods_encode);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
