/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/decode.h"
#include "tests/unit/frames.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define VM "02:00:00:00:00:01"
#define PEER "02:00:00:00:00:02"
#define ALL "ff:ff:ff:ff:ff:ff"

static struct made_frame made;
static struct frame frame;

static void decode(void)
{
	/* A heap copy of exact size, so that the sanitizer sees any read beyond it. */
	uint8_t *copy = malloc(made.length > 0 ? made.length : 1);

	memcpy(copy, made.bytes, made.length);
	frame_decode(copy, made.length, made.wire, &frame);
	free(copy);
}

static const char *text(const struct address *address)
{
	static char out[2][ADDRESS_TEXT_SIZE];
	static int turn;

	turn = !turn;
	return address_format(address, out[turn]);
}

START_TEST(tcp_over_ipv4)
{
	frame_make_tcp(
	    &made, VM, PEER, "10.0.0.2", "10.0.0.1", 1234, 80, TCP_FLAG_ACK, 12, 0, 1000);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert_str_eq(text(&frame.ip_source), "10.0.0.2");
	ck_assert_str_eq(text(&frame.ip_destination), "10.0.0.1");
	ck_assert_uint_eq(frame.network_length, 1052);
	ck_assert_uint_eq(frame.network_header, 20);
	ck_assert(frame.has_transport);
	ck_assert_uint_eq(frame.transport_header, 32);
	ck_assert_uint_eq(frame.payload, 1000);
	ck_assert_uint_eq(frame.source_port, 1234);
	ck_assert_uint_eq(frame.destination_port, 80);
	ck_assert(!frame_is_group(&frame));
}
END_TEST

START_TEST(padding_is_not_counted)
{
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_ACK, 0, 0, 0);
	frame_put_zeros(&made, 6); /* to the least length of an Ethernet frame */
	decode();
	ck_assert_uint_eq(made.wire, 60);
	ck_assert_uint_eq(frame.network_length, 40);
	ck_assert_uint_eq(frame.payload, 0);
}
END_TEST

START_TEST(zero_total_length_means_the_frame)
{
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_ACK, 12, 0, 70000);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert_uint_eq(frame.network_length, 70052);
	ck_assert_uint_eq(frame.payload, 70000);
}
END_TEST

START_TEST(vlan_tags)
{
	frame_ethernet(&made, VM, PEER, 0x0800);
	frame_vlan(&made, 0x88a8, 7);
	frame_vlan(&made, 0x8100, 42);
	frame_ipv4(&made, "10.0.0.2", "10.0.0.1", 1, 0, 28, 0);
	frame_put_zeros(&made, 8);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert_uint_eq(frame.link_length, 22);
	ck_assert_uint_eq(frame.network_length, 28);
}
END_TEST

START_TEST(too_many_vlan_tags)
{
	frame_ethernet(&made, VM, PEER, 0x0800);
	for (int i = 0; i < 5; i++)
		frame_vlan(&made, 0x8100, 1);
	frame_put_zeros(&made, 40);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_NONIP);
}
END_TEST

START_TEST(ipv4_options_and_fragments)
{
	frame_ethernet(&made, VM, PEER, 0x0800);
	frame_ipv4(&made, "10.0.0.2", "10.0.0.1", 6, 8, 68, 0);
	frame_tcp(&made, 1, 2, TCP_FLAG_ACK, 0, 0);
	made.wire += 20;
	decode();
	ck_assert_uint_eq(frame.network_header, 28);
	ck_assert_uint_eq(frame.payload, 20);

	frame_ethernet(&made, VM, PEER, 0x0800);
	frame_ipv4(&made, "10.0.0.2", "10.0.0.1", 6, 0, 60, 0x2000);
	frame_tcp(&made, 1, 2, TCP_FLAG_ACK, 0, 0);
	made.wire += 20;
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert(frame.fragment);
	ck_assert(!frame.has_transport);
	ck_assert_uint_eq(frame.network_length, 60);
}
END_TEST

/* An IPv6 frame whose payload is `chain` followed by a TCP header and 10 bytes. */
static void make_ipv6(uint8_t first, const uint8_t *chain, size_t length)
{
	frame_ethernet(&made, VM, PEER, 0x86dd);
	frame_ipv6(&made, "fd00::2", "fd00::1", first, (uint16_t)(length + 30), 64);
	frame_put(&made, chain, length);
	frame_tcp(&made, 1, 2, TCP_FLAG_ACK, 0, 0);
	made.wire += 10;
}

START_TEST(ipv6_plain_and_extensions)
{
	static const uint8_t chain[] = {
	    60, 0, 1, 4, 0, 0, 0, 0,                          /* hop-by-hop, next: destination */
	    44, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* destination, next: fragment */
	    6, 0, 0, 0, 1, 2, 3, 4,                           /* atomic fragment, next: TCP */
	};

	make_ipv6(6, NULL, 0);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert_uint_eq(frame.network_length, 70);
	ck_assert_uint_eq(frame.payload, 10);
	make_ipv6(0, chain, sizeof chain);
	decode();
	ck_assert_uint_eq(frame.network_header, 40 + sizeof chain);
	ck_assert_int_eq(frame.protocol, 6);
	ck_assert(frame.has_transport);
	ck_assert(!frame.fragment);
	ck_assert_uint_eq(frame.payload, 10);
}
END_TEST

START_TEST(ipv6_fragment_has_no_transport)
{
	static const uint8_t first[] = {6, 0, 0, 1, 1, 2, 3, 4};

	make_ipv6(44, first, sizeof first);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert(frame.fragment);
	ck_assert(!frame.has_transport);
	ck_assert_uint_eq(frame.network_length, 78);
}
END_TEST

START_TEST(ipv6_endless_chain_ends)
{
	uint8_t chain[160] = {0};

	make_ipv6(0, chain, sizeof chain);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert_uint_eq(frame.network_header, 40 + 8 * 8);
	ck_assert(!frame.has_transport);
}
END_TEST

START_TEST(ipv6_jumbogram)
{
	static const uint8_t jumbo[] = {6, 0, 0xc2, 4, 0, 1, 0x11, 0x94}; /* 70036 */

	frame_ethernet(&made, VM, PEER, 0x86dd);
	frame_ipv6(&made, "fd00::2", "fd00::1", 0, 0, 64);
	frame_put(&made, jumbo, sizeof jumbo);
	frame_tcp(&made, 1, 2, TCP_FLAG_ACK, 0, 0);
	made.wire = 14 + 40 + 70036;
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert_uint_eq(frame.network_length, 40 + 70036);
	ck_assert_uint_eq(frame.payload, 70036 - 8 - 20);
}
END_TEST

START_TEST(syn_options)
{
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_SYN, 20, 1460, 0);
	decode();
	ck_assert(frame.has_mss);
	ck_assert_uint_eq(frame.mss, 1460);
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_ACK, 20, 1460, 0);
	decode();
	ck_assert_msg(!frame.has_mss, "an MSS outside a SYN means nothing");
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_SYN, 4, 0, 0);
	made.bytes[54] = 2;
	made.bytes[55] = 0; /* an option of no length */
	decode();
	ck_assert(frame.has_transport && !frame.has_mss);
	made.bytes[55] = 200; /* longer than the header */
	decode();
	ck_assert(frame.has_transport && !frame.has_mss);
}
END_TEST

START_TEST(contradicting_headers_are_malformed)
{
	static const struct {
		size_t at;
		uint8_t value;
	} faults[] = {
	    {14, 0x65}, /* version */
	    {14, 0x44}, /* header below 20 bytes */
	    {16, 0xff}, /* total length beyond the frame */
	};

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		frame_make_tcp(
		    &made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_ACK, 0, 0, 100);
		made.bytes[faults[i].at] = faults[i].value;
		decode();
		ck_assert_msg(frame.kind == FRAME_MALFORMED, "fault %zu", i);
	}
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_ACK, 0, 0, 100);
	made.bytes[17] = 19; /* total length below the header */
	made.bytes[16] = 0;
	decode();
	ck_assert_int_eq(frame.kind, FRAME_MALFORMED);
}
END_TEST

START_TEST(tcp_header_that_lies)
{
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_ACK, 0, 0, 0);
	made.bytes[14 + 20 + 12] = 0xf0; /* 60 bytes of header in 20 */
	decode();
	ck_assert_int_eq(frame.kind, FRAME_IP);
	ck_assert(!frame.has_transport);
	ck_assert_uint_eq(frame.payload, 0);
}
END_TEST

START_TEST(every_cut_is_survived)
{
	frame_make_tcp(&made, VM, PEER, "10.0.0.2", "10.0.0.1", 1, 2, TCP_FLAG_SYN, 20, 1460, 0);
	for (size_t cut = made.length; cut-- > 0;) {
		made.length = cut;
		decode();
		ck_assert_int_eq(frame.kind == FRAME_IP, cut >= 34);
		ck_assert_int_eq(frame.has_transport, cut >= 54);
		ck_assert_int_eq(frame.has_mss, cut >= 58);
		if (cut >= 34)
			ck_assert_uint_eq(frame.network_length, 60);
	}
}
END_TEST

START_TEST(arp_claims)
{
	frame_make_arp(&made, ALL, VM, "10.0.0.1", "10.0.0.2");
	decode();
	ck_assert_int_eq(frame.kind, FRAME_NONIP);
	ck_assert(frame_is_group(&frame));
	ck_assert_str_eq(text(&frame.claim), "10.0.0.1");
	ck_assert(mac_equal(&frame.claim_mac, &frame.source));
	frame_make_arp(&made, ALL, VM, "0.0.0.0", "10.0.0.2");
	decode();
	ck_assert_msg(frame.claim.type == ADDRESS_NONE, "a probe claims nothing");
	made.length = 30;
	decode();
	ck_assert_int_eq(frame.claim.type, ADDRESS_NONE);
}
END_TEST

static void make_neighbour(const char *source, uint8_t type, const char *target, uint8_t hop_limit)
{
	struct address address;
	const uint8_t lead[8] = {type};

	frame_ethernet(&made, "33:33:00:00:00:01", VM, 0x86dd);
	frame_ipv6(&made, source, "ff02::1", 58, 24, hop_limit);
	frame_put(&made, lead, sizeof lead);
	ck_assert_int_eq(address_parse(target, &address), 0);
	frame_put(&made, address.bytes, 16);
	decode();
}

START_TEST(neighbour_claims)
{
	make_neighbour("fe80::1", 136, "fd00::1", 255);
	ck_assert_str_eq(text(&frame.claim), "fd00::1");
	make_neighbour("fe80::1", 135, "fd00::9", 255);
	ck_assert_str_eq(text(&frame.claim), "fe80::1");
	make_neighbour("::", 135, "fd00::1", 255);
	ck_assert_str_eq(text(&frame.claim), "fd00::1");
	make_neighbour("fe80::1", 136, "fd00::1", 64);
	ck_assert_msg(frame.claim.type == ADDRESS_NONE, "forwarded by a router: forged");
	ck_assert(frame_is_group(&frame));
}
END_TEST

START_TEST(group_by_either_address)
{
	frame_make_udp(&made, VM, PEER, "10.0.0.2", "239.1.1.1", 10);
	decode();
	ck_assert(frame_is_group(&frame));
	frame_make_udp(&made, ALL, PEER, "10.0.0.2", "10.0.0.1", 10);
	decode();
	ck_assert(frame_is_group(&frame));
}
END_TEST

START_TEST(short_and_other_frames)
{
	frame_ethernet(&made, VM, PEER, 0x0026); /* 802.3 length: spanning tree */
	frame_put_zeros(&made, 38);
	decode();
	ck_assert_int_eq(frame.kind, FRAME_NONIP);
	ck_assert_uint_eq(frame.network_length, 38);
	made.length = made.wire = 13;
	decode();
	ck_assert_int_eq(frame.kind, FRAME_MALFORMED);
	ck_assert(frame.has_macs);
	made.length = made.wire = 11;
	decode();
	ck_assert(!frame.has_macs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decode");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, tcp_over_ipv4);
	tcase_add_test(tests, padding_is_not_counted);
	tcase_add_test(tests, zero_total_length_means_the_frame);
	tcase_add_test(tests, vlan_tags);
	tcase_add_test(tests, too_many_vlan_tags);
	tcase_add_test(tests, ipv4_options_and_fragments);
	tcase_add_test(tests, ipv6_plain_and_extensions);
	tcase_add_test(tests, ipv6_fragment_has_no_transport);
	tcase_add_test(tests, ipv6_endless_chain_ends);
	tcase_add_test(tests, ipv6_jumbogram);
	tcase_add_test(tests, syn_options);
	tcase_add_test(tests, contradicting_headers_are_malformed);
	tcase_add_test(tests, tcp_header_that_lies);
	tcase_add_test(tests, every_cut_is_survived);
	tcase_add_test(tests, arp_claims);
	tcase_add_test(tests, neighbour_claims);
	tcase_add_test(tests, group_by_either_address);
	tcase_add_test(tests, short_and_other_frames);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
