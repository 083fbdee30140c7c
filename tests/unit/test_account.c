/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/account.h"
#include "common/error.h"
#include "tests/unit/frames.h"
#include "tests/unit/unit.h"

#include <string.h>

#define VM1_MAC "02:00:00:00:00:01"
#define VM2_MAC "02:00:00:00:00:02"
#define OUT_MAC "02:00:00:00:00:99"
#define ALL "ff:ff:ff:ff:ff:ff"
#define VM1 "10.0.0.1"
#define OUT "10.0.0.99"
#define S CLOCK_SECOND_NS
#define BASE (INT64_C(1000000020) * S) /* a multiple of 30 s */
#define END(n) (INT64_C(1000000020) + 30 * (n))

static struct account *account;
static int64_t wall, monotonic;
static struct period *period;
static const struct clock_sync synchronised = {.synchronised = true, .offset_ns = 42};

static void begin(int64_t at, uint32_t pairs, const char *endpoint)
{
	struct address address;
	struct account_options options = {.length_s = 30, .pairs_per_vif = pairs, .boot_id = {7}};

	if (endpoint != NULL) {
		ck_assert_int_eq(address_parse(endpoint, &address), 0);
		options.endpoints = &address;
		options.nendpoints = 1;
	}
	wall = at;
	monotonic = 5 * S;
	account = account_new(&options, wall, monotonic);
	ck_assert_ptr_nonnull(account);
}

static void teardown(void)
{
	period_free(period);
	account_free(account);
	period = NULL;
	account = NULL;
}

static void tick(void)
{
	account_tick(account, wall, monotonic, &synchronised);
}

/* Time passes, with a look at the clock every second. */
static void pass(int64_t ns)
{
	while (ns > 0) {
		const int64_t step = ns < S ? ns : S;

		wall += step;
		monotonic += step;
		ns -= step;
		tick();
	}
}

static int watch(uint32_t port, const char *name, const char *mac)
{
	struct period_vif vif = {.nmacs = 1, .segment = "t1"};

	ck_assert_int_eq(mac_parse(mac, &vif.macs[0]), 0);
	identity_from_mac(&vif.macs[0], vif.vm_id);
	snprintf(vif.vm_name, sizeof vif.vm_name, "%s", name);
	snprintf(vif.interface, sizeof vif.interface, "tap%u", port);
	return account_watch(account, port, &vif, wall);
}

static void feed(uint32_t port, const struct made_frame *made, int64_t stamp, bool sent)
{
	struct frame frame;

	frame_decode(made->bytes, made->length, made->wire, &frame);
	account_frame(account, port, &frame, stamp, sent, 1500);
}

/* One datagram of 128 IP bytes from `source` to VM1 on port 1. */
static void receive_from(const char *source, int64_t stamp)
{
	struct made_frame made;

	frame_make_udp(&made, VM1_MAC, OUT_MAC, source, VM1, 100);
	feed(1, &made, stamp, false);
}

/* The next closed period; fails when there is none. */
static const struct period *closed(void)
{
	period_free(period);
	ck_assert_int_eq(account_close(account, &period), 1);
	return period;
}

static void none_closed(void)
{
	struct period *more;

	ck_assert_int_eq(account_close(account, &more), 0);
	ck_assert_ptr_null(more);
}

static const struct period_row *row(const char *peer)
{
	struct address address;

	ck_assert_int_eq(address_parse(peer, &address), 0);
	for (size_t i = 0; i < period->nrows; i++)
		if (address_compare(&period->rows[i].peer, &address) == 0)
			return &period->rows[i];
	return NULL;
}

static uint64_t packets_of(const char *peer)
{
	return row(peer) != NULL ? row(peer)->packets : 0;
}

START_TEST(half_open_periods_by_time_stamp)
{
	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	receive_from(OUT, BASE);
	receive_from(OUT, BASE + 30 * S - 1);
	pass(30 * S + S / 10);
	receive_from(OUT, BASE + 30 * S);     /* belongs to the next one */
	receive_from(OUT, BASE + 30 * S - 2); /* read late, but in time */
	none_closed();
	pass(3 * S / 10);
	closed();
	ck_assert_int_eq(period->header.end_s, END(1));
	ck_assert_uint_eq(period->header.length_s, 30);
	ck_assert_uint_eq(period->header.boot_id[0], 7);
	ck_assert_int_eq(period->header.clock_offset_ns, 42);
	ck_assert_uint_eq(packets_of(OUT), 3);
	ck_assert_uint_eq(row(OUT)->octets, 3 * 128);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 30000);
	none_closed();
	pass(30 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(2));
	ck_assert_uint_eq(packets_of(OUT), 1);
	ck_assert_uint_eq(period->header.flags, 0);
	ck_assert_uint_eq(account_statistics(account)->late, 0);
}
END_TEST

START_TEST(first_period_is_partial)
{
	begin(BASE + 10 * S, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	pass(21 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(1));
	ck_assert_uint_eq(period->header.flags, PERIOD_PARTIAL);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 20000);
	pass(30 * S);
	closed();
	ck_assert_uint_eq(period->header.flags, 0);
}
END_TEST

START_TEST(late_frames_are_counted_once)
{
	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	pass(31 * S);
	closed();
	receive_from(OUT, BASE + 29 * S); /* its period is closed: the next one has it */
	receive_from(OUT, BASE - 1);      /* more than a period late: lost, and said so */
	pass(30 * S);
	closed();
	ck_assert_uint_eq(packets_of(OUT), 1);
	ck_assert_uint_eq(period->header.dropped_packets, 1);
	ck_assert_uint_eq(account_statistics(account)->late, 1);
	ck_assert_uint_eq(account_statistics(account)->dropped, 1);
}
END_TEST

START_TEST(received_means_own_mac)
{
	struct made_frame made;

	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	receive_from(OUT, BASE);
	frame_make_udp(&made, VM2_MAC, OUT_MAC, OUT, "10.0.0.2", 100); /* flooded */
	feed(1, &made, BASE, false);
	frame_make_udp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 100); /* right MAC, wrong port */
	feed(2, &made, BASE, false);
	frame_make_udp(&made, ALL, OUT_MAC, OUT, "10.0.0.255", 100);
	feed(1, &made, BASE, false);
	frame_make_udp(&made, "01:00:5e:00:00:fb", OUT_MAC, OUT, "224.0.0.251", 100);
	feed(1, &made, BASE, false);
	frame_make_arp(&made, VM1_MAC, OUT_MAC, OUT, VM1);
	feed(1, &made, BASE, false);
	frame_make_arp(&made, ALL, OUT_MAC, OUT, VM1);
	feed(1, &made, BASE, false);
	frame_make_udp(&made, OUT_MAC, VM1_MAC, VM1, OUT, 100); /* what it sends is not received */
	feed(1, &made, BASE, true);
	frame_ethernet(&made, VM1_MAC, OUT_MAC, 0x0800);
	feed(1, &made, BASE, false);
	pass(31 * S);
	closed();
	ck_assert_uint_eq(period->nvifs, 1);
	ck_assert_uint_eq(period->nrows, 1);
	ck_assert_uint_eq(packets_of(OUT), 1);
	ck_assert_uint_eq(period->header.unmatched_packets, 2);
	ck_assert_uint_eq(period->header.unmatched_octets, 2 * 128);
	ck_assert_uint_eq(period->header.malformed_packets, 1);
	ck_assert_uint_eq(period->vifs[0].multicast_packets, 3);
	ck_assert_uint_eq(period->vifs[0].multicast_octets, 2 * 128 + 28);
	ck_assert_uint_eq(period->vifs[0].nonip_packets, 1);
}
END_TEST

START_TEST(overflow_goes_to_other)
{
	char peer[32];

	begin(BASE, 3, NULL);
	watch(1, "vm1", VM1_MAC);
	for (int i = 1; i <= 10; i++) {
		snprintf(peer, sizeof peer, "10.1.0.%d", i);
		receive_from(peer, BASE);
		receive_from(peer, BASE);
	}
	pass(31 * S);
	closed();
	ck_assert_uint_eq(period->nrows, 3);
	ck_assert_uint_eq(packets_of("10.1.0.1"), 2);
	ck_assert_uint_eq(period->vifs[0].other_packets, 14);
	ck_assert_uint_eq(period->vifs[0].other_octets, 14 * 128);
	receive_from("10.1.0.9", BASE + 31 * S); /* a new period has room again */
	pass(30 * S);
	closed();
	ck_assert_uint_eq(packets_of("10.1.0.9"), 1);
	ck_assert_uint_eq(period->vifs[0].other_packets, 0);
}
END_TEST

START_TEST(named_endpoints_count_what_is_sent)
{
	struct made_frame made;

	begin(BASE, 10, OUT);
	watch(1, "vm1", VM1_MAC);
	frame_make_udp(&made, OUT_MAC, VM1_MAC, VM1, OUT, 100);
	feed(1, &made, BASE, true);
	receive_from(OUT, BASE);
	receive_from(OUT, BASE);
	frame_make_udp(&made, OUT_MAC, VM1_MAC, VM1, "10.0.0.98", 100);
	feed(1, &made, BASE, true);
	frame_make_udp(&made, OUT_MAC, "02:00:00:00:00:77", VM1, OUT, 100); /* not the vif's MAC */
	feed(1, &made, BASE, true);
	pass(31 * S);
	closed();
	ck_assert_uint_eq(period->nrows, 2);
	ck_assert_int_eq(period->rows[0].direction, ROW_RECEIVED);
	ck_assert_uint_eq(period->rows[0].packets, 2);
	ck_assert_int_eq(period->rows[1].direction, ROW_SENT);
	ck_assert_uint_eq(period->rows[1].packets, 1);
	ck_assert_uint_eq(period->rows[1].octets, 128);
}
END_TEST

START_TEST(super_frames_become_wire_packets)
{
	struct made_frame made;

	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	/* The guest's own SYN is seen as sent, the answer as received. */
	frame_make_tcp(&made, OUT_MAC, VM1_MAC, VM1, OUT, 1000, 80, 0x02, 20, 1460, 0);
	feed(1, &made, BASE, true);
	frame_make_tcp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 80, 1000, 0x12, 20, 1400, 0);
	feed(1, &made, BASE, false);
	frame_make_tcp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 80, 1000, 0x10, 12, 0, 13880);
	feed(1, &made, BASE, false);
	pass(31 * S);
	closed();
	ck_assert_uint_eq(packets_of(OUT), 11);
	ck_assert_uint_eq(row(OUT)->octets, 60 + 13880 + 520);
	ck_assert_uint_eq(period->header.flags & PERIOD_ESTIMATED, 0);
	frame_make_tcp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 80, 1001, 0x10, 12, 0, 14480);
	feed(1, &made, BASE + 31 * S, false);
	pass(30 * S);
	closed();
	ck_assert_uint_eq(packets_of(OUT), 10);
	ck_assert_uint_ne(period->header.flags & PERIOD_ESTIMATED, 0);
	ck_assert_uint_eq(period->header.estimated_packets, 10);
}
END_TEST

START_TEST(vm_appears_and_vanishes)
{
	int handle;

	begin(BASE, 10, NULL);
	pass(10 * S);
	receive_from(OUT, wall); /* nobody's yet */
	handle = watch(1, "vm1", VM1_MAC);
	ck_assert_int_eq(watch(1, "vm1", VM1_MAC), GRAPPE_EEXISTS);
	receive_from(OUT, wall);
	pass(5 * S);
	account_unwatch(account, handle, wall);
	receive_from(OUT, wall);
	pass(16 * S);
	closed();
	ck_assert_uint_eq(period->nvifs, 1);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 5000);
	ck_assert_uint_eq(packets_of(OUT), 1);
	ck_assert_uint_eq(period->header.unmatched_packets, 2);
	pass(30 * S);
	closed();
	ck_assert_uint_eq(period->nvifs, 0);
}
END_TEST

START_TEST(vm_moves_between_ports)
{
	struct made_frame made;
	int handle;

	begin(BASE, 10, NULL);
	handle = watch(1, "vm1", VM1_MAC);
	receive_from(OUT, BASE);
	pass(10 * S);
	account_unwatch(account, handle, wall);
	pass(2 * S);
	ck_assert_int_eq(watch(2, "vm1", VM1_MAC), handle);
	frame_make_udp(&made, VM1_MAC, OUT_MAC, OUT, VM1, 100);
	feed(2, &made, wall, false);
	pass(19 * S);
	closed();
	ck_assert_uint_eq(period->nvifs, 1);
	ck_assert_str_eq(period->vifs[0].interface, "tap2");
	ck_assert_uint_eq(period->vifs[0].covered_ms, 28000);
	ck_assert_uint_eq(packets_of(OUT), 2);
}
END_TEST

START_TEST(slots_are_used_again)
{
	char mac[MAC_TEXT_SIZE];

	begin(BASE, 10, NULL);
	for (int i = 0; i < 500; i++) {
		int handle;

		snprintf(mac, sizeof mac, "02:00:00:01:%02x:%02x", i / 256, i % 256);
		handle = watch(1, "passing", mac);
		ck_assert_int_ge(handle, 0);
		ck_assert_int_lt(handle, 40);
		pass(2 * S);
		account_unwatch(account, handle, wall);
		while (account_close(account, &period) == 1) {
			ck_assert_uint_le(period->nvifs, 17);
			period_free(period);
			period = NULL;
		}
	}
}
END_TEST

START_TEST(clock_steps_forward)
{
	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	receive_from(OUT, BASE);
	pass(10 * S);
	wall += 95 * S; /* from 10 s into the first period to 15 s into the fourth */
	tick();
	receive_from(OUT, wall);
	closed();
	ck_assert_int_eq(period->header.end_s, END(1));
	ck_assert_uint_eq(period->header.flags, PERIOD_CLOCK_STEPPED | PERIOD_PARTIAL);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 10000);
	ck_assert_uint_eq(packets_of(OUT), 1);
	none_closed();
	pass(16 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(4));
	ck_assert_uint_eq(period->header.flags, PERIOD_CLOCK_STEPPED | PERIOD_PARTIAL);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 15000);
	ck_assert_uint_eq(packets_of(OUT), 1);
	pass(30 * S);
	closed();
	ck_assert_uint_eq(period->header.flags, 0);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 30000);
	ck_assert_uint_eq(account_statistics(account)->steps, 1);
}
END_TEST

START_TEST(clock_steps_back_a_little)
{
	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	pass(31 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(1));
	wall -= 5 * S; /* 4 s before the end of a period that was issued */
	tick();
	none_closed();
	receive_from(OUT, wall);
	pass(5 * S);
	none_closed();
	receive_from(OUT, wall);
	pass(30 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(2));
	ck_assert_uint_eq(period->header.flags, PERIOD_CLOCK_STEPPED);
	ck_assert_uint_eq(packets_of(OUT), 2);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 30000);
	none_closed();
}
END_TEST

START_TEST(clock_steps_back_far)
{
	int64_t last = 0;

	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	for (int i = 1; i <= 10; i++) {
		pass(30 * S);
		while (account_close(account, &period) == 1) {
			last = period->header.end_s;
			period_free(period);
			period = NULL;
		}
	}
	pass(10 * S);
	receive_from(OUT, wall);
	closed();
	ck_assert_int_eq(period->header.end_s, END(10));
	wall -= 200 * S;
	tick();
	closed(); /* what was open, at once */
	ck_assert_int_eq(period->header.end_s, END(11));
	ck_assert_uint_eq(period->header.flags, PERIOD_CLOCK_STEPPED | PERIOD_PARTIAL);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 10000);
	ck_assert_uint_eq(packets_of(OUT), 1);
	none_closed();
	receive_from(OUT, wall); /* in time that was lived before */
	pass(240 * S);
	receive_from(OUT, wall);
	none_closed(); /* 11 ends are taken; the next is END(12) */
	pass(21 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(12));
	ck_assert_int_gt(period->header.end_s, last);
	ck_assert_uint_eq(packets_of(OUT), 1);
	ck_assert_uint_eq(period->header.dropped_packets, 1);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 30000);
	none_closed();
}
END_TEST

START_TEST(clock_steps_back_before_the_start)
{
	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	pass(31 * S);
	closed();
	wall -= 86400 * S; /* the host booted with a wrong clock */
	tick();
	closed();
	ck_assert_int_eq(period->header.end_s, END(2));
	receive_from(OUT, wall);
	pass(30 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(1) + 30 - 86400);
	ck_assert_uint_eq(packets_of(OUT), 1);
	ck_assert_uint_ne(period->header.flags & PERIOD_PARTIAL, 0);
	pass(30 * S);
	closed();
	ck_assert_uint_eq(period->header.flags, 0);
}
END_TEST

START_TEST(unsynchronised_clock_is_marked)
{
	begin(BASE, 10, NULL);
	pass(20 * S);
	account_tick(account, wall, monotonic, NULL);
	pass(11 * S);
	closed();
	ck_assert_uint_eq(period->header.flags, PERIOD_CLOCK_UNSYNCED);
	pass(30 * S);
	closed();
	ck_assert_uint_eq(period->header.flags, 0);
}
END_TEST

START_TEST(held_up_for_minutes)
{
	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	pass(10 * S);
	/* Stopped and continued: the frames waited in the ring, their stamps are of then. */
	wall += 100 * S;
	monotonic += 100 * S;
	tick();
	for (int i = 0; i < 4; i++)
		receive_from(OUT, BASE + (15 + 30 * i) * S);
	for (int i = 1; i <= 3; i++) {
		closed();
		ck_assert_int_eq(period->header.end_s, END(i));
		ck_assert_uint_eq(packets_of(OUT), 1);
	}
	none_closed();
	ck_assert_uint_eq(account_statistics(account)->steps, 0);
	/* Longer than periods can be open. */
	wall += 3600 * S;
	monotonic += 3600 * S;
	for (int i = 4; i <= 123; i++) {
		tick();
		closed();
		ck_assert_int_eq(period->header.end_s, END(i));
	}
	tick();
	none_closed();
}
END_TEST

START_TEST(issued_by_an_earlier_run)
{
	begin(BASE + 10 * S, 10, NULL);
	account_mark_issued(account, END(0));
	account_mark_issued(account, END(1));
	watch(1, "vm1", VM1_MAC);
	receive_from(OUT, wall);
	pass(21 * S);
	none_closed();
	receive_from(OUT, wall);
	pass(30 * S);
	closed();
	ck_assert_int_eq(period->header.end_s, END(2));
	ck_assert_uint_eq(period->header.flags, 0);
	ck_assert_uint_eq(packets_of(OUT), 2);
}
END_TEST

START_TEST(the_end_is_partial)
{
	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	pass(30 * S);
	receive_from(OUT, BASE + 29 * S);
	pass(S / 10);
	receive_from(OUT, wall);
	ck_assert_int_eq(account_finish(account, wall, &period), 1);
	ck_assert_int_eq(period->header.end_s, END(1));
	ck_assert_uint_eq(period->header.flags, 0);
	ck_assert_uint_eq(packets_of(OUT), 1);
	period_free(period);
	ck_assert_int_eq(account_finish(account, wall, &period), 1);
	ck_assert_int_eq(period->header.end_s, END(2));
	ck_assert_uint_eq(period->header.flags, PERIOD_PARTIAL);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 100);
	ck_assert_uint_eq(packets_of(OUT), 1);
	period_free(period);
	ck_assert_int_eq(account_finish(account, wall, &period), 0);
}
END_TEST

START_TEST(addresses_and_evidence)
{
	struct made_frame made;
	char source[32];

	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	watch(2, "vm2", VM2_MAC);
	frame_make_arp(&made, ALL, VM1_MAC, VM1, OUT);
	feed(1, &made, BASE, true);
	frame_make_udp(&made, OUT_MAC, VM2_MAC, "10.0.0.2", OUT, 10);
	feed(2, &made, BASE, true);
	pass(31 * S);
	closed();
	ck_assert_uint_eq(period->vifs[0].naddresses, 1);
	ck_assert_int_eq(period->vifs[0].addresses[0].evidence, EVIDENCE_CLAIMED);
	ck_assert_uint_eq(period->vifs[1].naddresses, 1);
	ck_assert_int_eq(period->vifs[1].addresses[0].evidence, EVIDENCE_SOURCE);
	/* VM 2 takes VM 1's address over, and forwards for a whole network. */
	frame_make_arp(&made, ALL, VM2_MAC, VM1, OUT);
	feed(2, &made, wall, true);
	for (int i = 0; i < 40; i++) {
		snprintf(source, sizeof source, "10.9.0.%d", i + 1);
		frame_make_udp(&made, OUT_MAC, VM2_MAC, source, OUT, 10);
		feed(2, &made, wall, true);
	}
	pass(30 * S);
	closed();
	ck_assert_uint_eq(period->vifs[0].naddresses, 0);
	ck_assert_uint_eq(period->vifs[1].naddresses, PERIOD_ADDRESSES_MAX);
	ck_assert_uint_eq(period->vifs[1].flags, VIF_ROUTER);
	ck_assert_uint_eq(period->vifs[0].flags, 0);
}
END_TEST

START_TEST(periods_encode)
{
	struct buffer bytes;
	struct period *again;

	begin(BASE, 10, NULL);
	watch(1, "vm1", VM1_MAC);
	watch(2, "vm2", VM2_MAC);
	receive_from(OUT, BASE);
	receive_from("10.0.0.7", BASE);
	receive_from("10.0.0.8", BASE);
	pass(31 * S);
	closed();
	buffer_init(&bytes);
	ck_assert_int_eq(period_encode(period, &bytes), 0);
	ck_assert_int_eq(period_decode(bytes.bytes, bytes.length, &again), 0);
	ck_assert_uint_eq(again->nrows, 3);
	period_free(again);
	buffer_deinit(&bytes);
}
END_TEST

/* ---- sums of a back end that counts by itself ---- */

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
	account_counted(account, &counted);
}

START_TEST(sums_are_counted_like_frames)
{
	int handle;

	begin(BASE, 2, OUT);
	handle = watch(1, "vm1", VM1_MAC);
	pass(29 * S);
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
	pass(2 * S);
	closed();
	ck_assert_uint_eq(row("10.0.0.2")->packets, 12);
	ck_assert_uint_eq(row("10.0.0.2")->octets, 1200);
	ck_assert_uint_eq(row("10.0.0.3")->packets, 1);
	ck_assert_uint_eq(period->nrows, 3);
	ck_assert_uint_eq(period->vifs[0].multicast_octets, 800);
	ck_assert_uint_eq(period->vifs[0].other_packets, 20);
	ck_assert_uint_eq(period->vifs[0].nonip_packets, 32);
	ck_assert_uint_eq(period->header.unmatched_packets, 64 + 256);
	ck_assert_uint_eq(period->header.malformed_packets, 128);
}
END_TEST

START_TEST(sums_belong_to_their_period)
{
	int handle;

	begin(BASE, 100, NULL);
	handle = watch(1, "vm1", VM1_MAC);
	pass(30 * S + S / 5);
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 5, END(1)); /* told after its end */
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 6, END(2));
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 7, END(-1)); /* long gone */
	pass(S);
	ck_assert_uint_eq(closed()->header.end_s, END(1));
	ck_assert_uint_eq(row("10.0.0.2")->packets, 5);
	ck_assert_uint_eq(period->header.dropped_packets, 7);
	pass(30 * S);
	ck_assert_uint_eq(closed()->header.end_s, END(2));
	ck_assert_uint_eq(row("10.0.0.2")->packets, 6);
}
END_TEST

/* A VM ends just after a period's end of which the accounting has not heard yet: its last sums are
 * told when its place could be another VM's. */
START_TEST(sums_of_a_vif_that_ended_are_its_own)
{
	int handle;

	begin(BASE, 100, NULL);
	handle = watch(1, "vm1", VM1_MAC);
	pass(29 * S);
	wall += S + S / 5;
	monotonic += S + S / 5;
	account_unwatch(account, handle, wall);
	pass(S / 2);
	ck_assert_uint_eq(closed()->header.end_s, END(1));
	watch(2, "vm2", VM2_MAC);
	pass(29 * S + S / 2);
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 6, END(2));
	pass(S / 2);
	ck_assert_uint_eq(closed()->header.end_s, END(2));
	ck_assert_uint_eq(period->header.unmatched_packets, 0);
	ck_assert_str_eq(period->vifs[row("10.0.0.2")->vif].vm_name, "vm1");
	ck_assert_uint_eq(period->vifs[row("10.0.0.2")->vif].covered_ms, 200);
}
END_TEST

/* A bridge floods what is sent to the MAC of zeros, which is nobody's. */
START_TEST(no_mac_is_nobodys)
{
	struct made_frame made;

	begin(BASE, 100, NULL);
	watch(1, "vm1", VM1_MAC);
	frame_make_udp(&made, "00:00:00:00:00:00", OUT_MAC, OUT, VM1, 10);
	feed(1, &made, BASE, false);
	pass(31 * S);
	ck_assert_uint_eq(closed()->header.unmatched_packets, 1);
	ck_assert_uint_eq(period->nrows, 0);
}
END_TEST

START_TEST(merged_periods_claim_no_silence)
{
	int handle;

	begin(BASE, 100, NULL);
	handle = watch(1, "vm1", VM1_MAC);
	pass(10 * S);
	/* The program sleeps through three ends; the second table holds everything since the first.
	 */
	wall += 95 * S;
	monotonic += 95 * S;
	tick();
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 5, END(1));
	account_merged(account, END(2), wall);
	add(COUNTED_RECEIVED, handle, "10.0.0.2", 600, END(2));
	ck_assert_uint_eq(closed()->header.flags & (PERIOD_MERGED | PERIOD_PARTIAL), 0);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 30000);
	ck_assert_uint_eq(closed()->header.flags & PERIOD_MERGED, PERIOD_MERGED);
	ck_assert_uint_eq(row("10.0.0.2")->packets, 600);
	ck_assert_uint_eq(closed()->header.end_s, END(3));
	ck_assert_uint_eq(period->header.flags & PERIOD_PARTIAL, PERIOD_PARTIAL);
	ck_assert_uint_eq(period->nvifs, 0);
	pass(16 * S);
	ck_assert_uint_eq(closed()->header.flags & PERIOD_PARTIAL, PERIOD_PARTIAL);
	ck_assert_uint_eq(period->vifs[0].covered_ms, 15000);
}
END_TEST

START_TEST(back_ends_are_told)
{
	begin(BASE, 100, NULL);
	account_set_backends(account, BACKEND_BPF, "because");
	pass(31 * S);
	ck_assert_uint_eq(closed()->header.backends, BACKEND_BPF);
	ck_assert_str_eq(period->header.backend_reason, "because");
}
END_TEST

START_TEST(learning_counts_nothing)
{
	struct made_frame made;
	struct frame frame;

	begin(BASE, 100, NULL);
	watch(1, "vm1", VM1_MAC);
	frame_make_arp(&made, ALL, VM1_MAC, VM1, OUT);
	frame_decode(made.bytes, made.length, made.wire, &frame);
	account_learn(account, 1, &frame);
	pass(31 * S);
	closed();
	ck_assert_uint_eq(period->vifs[0].naddresses, 1);
	ck_assert_uint_eq(period->vifs[0].addresses[0].evidence, EVIDENCE_CLAIMED);
	ck_assert_uint_eq(period->vifs[0].multicast_packets + period->vifs[0].nonip_packets, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, NULL, teardown);
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
