/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/mss.h"
#include "tests/unit/frames.h"

#include <check.h>

#define A_MAC "02:00:00:00:00:0a"
#define B_MAC "02:00:00:00:00:0b"
#define A "10.0.0.10"
#define B "10.0.0.11"

static struct mss_table *table;

static void setup(void)
{
	table = mss_new(4);
	ck_assert_ptr_nonnull(table);
}

static void teardown(void)
{
	mss_free(table);
}

static struct wire_count count(const struct made_frame *made, uint32_t scope, uint32_t mtu)
{
	struct frame frame;

	frame_decode(made->bytes, made->length, made->wire, &frame);
	ck_assert_int_eq(frame.kind, FRAME_IP);
	return mss_count(table, scope, &frame, mtu);
}

static void syn(uint16_t port, uint16_t a_mss, uint16_t b_mss, uint32_t scope)
{
	struct made_frame made;

	if (a_mss != 0) {
		frame_make_tcp(&made, B_MAC, A_MAC, A, B, port, 80, TCP_FLAG_SYN, 20, a_mss, 0);
		ck_assert_uint_eq(count(&made, scope, 1500).packets, 1);
	}
	if (b_mss != 0) {
		frame_make_tcp(
		    &made, A_MAC, B_MAC, B, A, 80, port, TCP_FLAG_SYN | TCP_FLAG_ACK, 20, b_mss, 0);
		ck_assert_uint_eq(count(&made, scope, 1500).packets, 1);
	}
}

static struct wire_count data_with(uint8_t flags, uint16_t port, unsigned options, uint32_t payload)
{
	struct made_frame made;

	frame_make_tcp(&made, B_MAC, A_MAC, A, B, port, 80, flags, options, 0, payload);
	return count(&made, 0, 1500);
}

/* Data from A to B with `options` bytes of TCP options. */
static struct wire_count data(
    uint16_t port, unsigned options, uint32_t payload, uint32_t scope, uint32_t mtu)
{
	struct made_frame made;

	frame_make_tcp(&made, B_MAC, A_MAC, A, B, port, 80, TCP_FLAG_ACK, options, 0, payload);
	return count(&made, scope, mtu);
}

START_TEST(split_by_both_syns)
{
	struct wire_count wire;

	syn(1000, 1460, 1460, 0);
	wire = data_with(TCP_FLAG_ACK | TCP_FLAG_PSH, 1000, 12, 1448 * 10 + 1);
	ck_assert_uint_eq(wire.packets, 11);
	ck_assert_uint_eq(wire.octets, 14481 + 11 * 52);
	ck_assert(!wire.estimated);
	wire = data(1000, 12, 1448, 0, 1500);
	ck_assert_uint_eq(wire.packets, 1);
	ck_assert_uint_eq(wire.octets, 1500);
	wire = data(1000, 0, 1461, 0, 1500);
	ck_assert_uint_eq(wire.packets, 2);
	wire = data(1000, 24, 1436 * 2, 0, 1500); /* time stamps and a SACK block */
	ck_assert_uint_eq(wire.packets, 2);
}
END_TEST

START_TEST(smaller_mss_of_the_two)
{
	syn(1000, 8960, 1400, 0);
	ck_assert_uint_eq(data(1000, 0, 2800, 0, 9000).packets, 2);
	syn(1001, 500, 8960, 0);
	ck_assert_uint_eq(data(1001, 0, 1000, 0, 9000).packets, 2);
	syn(1002, 8960, 8960, 0);
	ck_assert_uint_eq(data(1002, 0, 8960, 0, 1500).packets, 1);
}
END_TEST

/* The MSS says 1448, but a segment of 1248 is followed by more: the path's MTU is smaller. */
START_TEST(a_smaller_path_mtu_is_an_estimate)
{
	const uint8_t ack = TCP_FLAG_ACK, push = TCP_FLAG_ACK | TCP_FLAG_PSH;
	struct wire_count wire;

	syn(1000, 1460, 1460, 0);
	ck_assert_uint_eq(data_with(push, 1000, 12, 1248 * 10).packets, 9);
	ck_assert(!data_with(ack, 1000, 12, 1248).estimated);
	/* one short segment alone is no proof */
	ck_assert(!data_with(push, 1000, 12, 1248 * 5).estimated);
	ck_assert(!data_with(push, 1000, 12, 1248 * 7).estimated);
	wire = data_with(push, 1000, 12, 1248 * 10);
	ck_assert_uint_eq(wire.packets, 10);
	ck_assert(wire.estimated);
	/* with a SACK block segments are shorter */
	ck_assert_uint_eq(data_with(push, 1000, 24, 1236 * 10).packets, 10);
	/* neither a stream that ends nor a whole number of segments is such a sign */
	ck_assert(!data_with(push, 1000, 12, 1448 * 10).estimated);
	ck_assert(!data_with(push, 1000, 12, 1448 * 10 + 700).estimated);
	/* the path is as wide as it was */
	ck_assert(!data_with(ack, 1000, 12, 1448).estimated);
	ck_assert(!data_with(push, 1000, 12, 1248 * 10).estimated);
}
END_TEST

/* A segment that ends with PSH ended because there was no more. */
START_TEST(the_end_of_a_message_is_no_sign_of_the_path)
{
	const uint8_t ack = TCP_FLAG_ACK, push = TCP_FLAG_ACK | TCP_FLAG_PSH;

	syn(1000, 1460, 1460, 0);
	data_with(push, 1000, 12, 1000);
	ck_assert_uint_eq(data_with(push, 1000, 12, 5000).packets, 4);
	ck_assert(!data_with(push, 1000, 12, 5000).estimated);
	/* a full window ends a segment anywhere, once; what comes then is no multiple of it */
	data_with(ack, 1000, 12, 1000);
	for (uint32_t rest = 1; rest < 4; rest++)
		ck_assert(!data_with(push, 1000, 12, 4000 + rest).estimated);
	for (int i = 0; i < 5; i++)
		ck_assert(!data_with(push, 1000, 12, 5000).estimated);
	data_with(ack, 1000, 12, 100); /* too short to tell */
	ck_assert(!data_with(push, 1000, 12, 5000).estimated);
}
END_TEST

START_TEST(frames_above_64_kB)
{
	struct wire_count wire;

	syn(1000, 1460, 1460, 0);
	wire = data(1000, 12, 144800, 0, 1500);
	ck_assert_uint_eq(wire.packets, 100);
	ck_assert_uint_eq(wire.octets, 144800 + 5200);
}
END_TEST

START_TEST(unknown_mss_is_estimated_by_the_mtu)
{
	struct wire_count wire = data(1000, 12, 1448 * 10, 0, 1500);

	ck_assert_uint_eq(wire.packets, 10);
	ck_assert_uint_eq(wire.octets, 14480 + 520);
	ck_assert(wire.estimated);
	wire = data(1000, 12, 1448, 0, 1500);
	ck_assert_uint_eq(wire.packets, 1);
	ck_assert(!wire.estimated);
	wire = data(1000, 12, 1448 * 10, 0, 9000);
	ck_assert_uint_eq(wire.packets, 2);
}
END_TEST

START_TEST(one_syn_is_an_estimate)
{
	struct wire_count wire;

	syn(1000, 1400, 0, 0);
	wire = data(1000, 0, 14000, 0, 1500);
	ck_assert_uint_eq(wire.packets, 10);
	ck_assert(wire.estimated);
}
END_TEST

START_TEST(syn_without_option_means_536)
{
	struct made_frame made;

	syn(1000, 1460, 0, 0);
	frame_make_tcp(&made, A_MAC, B_MAC, B, A, 80, 1000, TCP_FLAG_SYN | TCP_FLAG_ACK, 0, 0, 0);
	count(&made, 0, 1500);
	ck_assert_uint_eq(data(1000, 0, 5360, 0, 1500).packets, 10);
}
END_TEST

START_TEST(hostile_mss_is_bounded)
{
	syn(1000, 1, 1, 0);
	ck_assert_uint_eq(data(1000, 0, 480, 0, 1500).packets, 10);
	/* The longest options leave eight bytes of the least MSS. */
	ck_assert_uint_eq(data(1000, 40, 480, 0, 1500).packets, 60);
}
END_TEST

START_TEST(scopes_are_apart)
{
	syn(1000, 1460, 1460, 1);
	syn(1000, 960, 960, 2);
	ck_assert_uint_eq(data(1000, 0, 14600, 1, 1500).packets, 10);
	ck_assert_uint_eq(data(1000, 0, 9600, 2, 1500).packets, 10);
	ck_assert(data(1000, 0, 14600, 3, 1500).estimated);
}
END_TEST

START_TEST(a_reused_port_is_a_new_connection)
{
	syn(1000, 1460, 1460, 0);
	syn(1000, 960, 0, 0);
	ck_assert(data(1000, 0, 14600, 0, 1500).estimated);
	syn(1000, 0, 1460, 0);
	ck_assert_uint_eq(data(1000, 0, 9600, 0, 1500).packets, 10);
}
END_TEST

START_TEST(the_table_is_bounded_and_keeps_what_is_used)
{
	for (uint16_t port = 1; port <= 4; port++)
		syn(port, 1460, 1460, 0);
	ck_assert(!data(1, 0, 14600, 0, 1500).estimated);
	syn(5, 1460, 1460, 0); /* makes 2 leave, not 1 */
	ck_assert(!data(1, 0, 14600, 0, 1500).estimated);
	ck_assert(data(2, 0, 14600, 0, 1500).estimated);
	for (uint16_t port = 100; port < 1100; port++)
		syn(port, 1460, 1460, 0);
	ck_assert(data(1, 0, 14600, 0, 1500).estimated);
	ck_assert(!data(1099, 0, 14600, 0, 1500).estimated);
}
END_TEST

START_TEST(datagrams_and_fragments)
{
	struct made_frame made;
	struct wire_count wire;

	frame_make_udp(&made, B_MAC, A_MAC, A, B, 14720);
	wire = count(&made, 0, 1500);
	ck_assert_uint_eq(wire.packets, 10);
	ck_assert_uint_eq(wire.octets, 14720 + 280);
	ck_assert(wire.estimated);
	made.bytes[20] = 0x20; /* a fragment, however long, is one packet */
	wire = count(&made, 0, 1500);
	ck_assert_uint_eq(wire.packets, 1);
	ck_assert_uint_eq(wire.octets, 14748);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mss");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, split_by_both_syns);
	tcase_add_test(tests, smaller_mss_of_the_two);
	tcase_add_test(tests, a_smaller_path_mtu_is_an_estimate);
	tcase_add_test(tests, the_end_of_a_message_is_no_sign_of_the_path);
	tcase_add_test(tests, frames_above_64_kB);
	tcase_add_test(tests, unknown_mss_is_estimated_by_the_mtu);
	tcase_add_test(tests, one_syn_is_an_estimate);
	tcase_add_test(tests, syn_without_option_means_536);
	tcase_add_test(tests, hostile_mss_is_bounded);
	tcase_add_test(tests, scopes_are_apart);
	tcase_add_test(tests, a_reused_port_is_a_new_connection);
	tcase_add_test(tests, the_table_is_bounded_and_keeps_what_is_used);
	tcase_add_test(tests, datagrams_and_fragments);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
