/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/capture_filter.h"

#include <linux/if_packet.h>
#include <netinet/in.h>

/* Offsets in an untagged frame; the kernel keeps a first VLAN tag beside the frame. */
#define AT_ETHERTYPE 12
#define AT_IPV4 14
#define AT_IPV4_FRAGMENT 20
#define AT_IPV4_PROTOCOL 23
#define AT_IPV4_DESTINATION 30
#define AT_IPV6_NEXT 20
#define AT_IPV6_DESTINATION 38
#define AT_IPV6_PAYLOAD 54
#define TCP_FLAGS 13
#define TCP_SYN 0x02
#define ND_FIRST 133
#define ND_LAST 137
#define KEPT 0 /* scratch slot: how many bytes are kept of a sent frame */

struct program {
	struct sock_filter *out;
	size_t length;
};

static void put(struct program *program, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	program->out[program->length++] =
	    (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = k};
}

static void load_word(struct program *program, uint32_t at)
{
	put(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, at);
}

static void load_half(struct program *program, uint32_t at)
{
	put(program, BPF_LD | BPF_H | BPF_ABS, 0, 0, at);
}

static void load_byte(struct program *program, uint32_t at)
{
	put(program, BPF_LD | BPF_B | BPF_ABS, 0, 0, at);
}

static void if_equal(struct program *program, uint32_t k, uint8_t yes, uint8_t no)
{
	put(program, BPF_JMP | BPF_JEQ | BPF_K, yes, no, k);
}

/* Two instructions: end with the sent frame taken. */
static void take_frame(struct program *program)
{
	put(program, BPF_LD | BPF_MEM, 0, 0, KEPT);
	put(program, BPF_RET | BPF_A, 0, 0, 0);
}

/* A jump whose distance is not known yet; returns where it stands. */
static size_t put_jump(struct program *program)
{
	put(program, BPF_JMP | BPF_JA, 0, 0, 0);
	return program->length - 1;
}

static void land(struct program *program, size_t jump)
{
	program->out[jump].k = (uint32_t)(program->length - jump - 1);
}

/* min(length - 1, limit) into the scratch slot. */
static void put_kept_length(struct program *program, uint32_t limit)
{
	put(program, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
	put(program, BPF_JMP | BPF_JGT | BPF_K, 0, 1, limit);
	put(program, BPF_LD | BPF_IMM, 0, 0, limit + 1);
	put(program, BPF_ALU | BPF_SUB | BPF_K, 0, 0, 1);
	put(program, BPF_ST, 0, 0, KEPT);
}

static uint32_t word_of(const struct address *address, unsigned word)
{
	const uint8_t *b = address->bytes + word * 4;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void put_ipv4(struct program *program, const struct address *endpoints, size_t nendpoints)
{
	load_byte(program, AT_IPV4_PROTOCOL);
	if_equal(program, IPPROTO_TCP, 0, 7);
	load_half(program, AT_IPV4_FRAGMENT);
	put(program, BPF_JMP | BPF_JSET | BPF_K, 5, 0, 0x1fff);
	put(program, BPF_LDX | BPF_B | BPF_MSH, 0, 0, AT_IPV4);
	put(program, BPF_LD | BPF_B | BPF_IND, 0, 0, AT_IPV4 + TCP_FLAGS);
	put(program, BPF_JMP | BPF_JSET | BPF_K, 0, 2, TCP_SYN);
	take_frame(program);
	if (nendpoints > 0)
		load_word(program, AT_IPV4_DESTINATION);
	for (size_t i = 0; i < nendpoints; i++)
		if (endpoints[i].type == ADDRESS_IPV4) {
			if_equal(program, word_of(&endpoints[i], 0), 0, 2);
			take_frame(program);
			/* take_frame() ends the program, so A still holds the destination here. */
		}
}

static void put_ipv6(struct program *program, const struct address *endpoints, size_t nendpoints)
{
	load_byte(program, AT_IPV6_NEXT);
	if_equal(program, IPPROTO_ICMPV6, 0, 3);
	load_byte(program, AT_IPV6_PAYLOAD);
	put(program, BPF_JMP | BPF_JGE | BPF_K, 0, 6, ND_FIRST);
	put(program, BPF_JMP | BPF_JGT | BPF_K, 5, 3, ND_LAST);
	if_equal(program, IPPROTO_TCP, 0, 4);
	load_byte(program, AT_IPV6_PAYLOAD + TCP_FLAGS);
	put(program, BPF_JMP | BPF_JSET | BPF_K, 0, 2, TCP_SYN);
	take_frame(program);
	for (size_t i = 0; i < nendpoints; i++) {
		if (endpoints[i].type != ADDRESS_IPV6)
			continue;
		for (unsigned word = 0; word < 4; word++) {
			load_word(program, AT_IPV6_DESTINATION + word * 4);
			if_equal(program, word_of(&endpoints[i], word), 0, (uint8_t)(8 - 2 * word));
		}
		take_frame(program);
	}
}

static void put_sent(struct program *program, const struct address *endpoints, size_t nendpoints)
{
	size_t to_ipv4, to_ipv6, to_sample;

	load_half(program, AT_ETHERTYPE);
	if_equal(program, 0x0806, 0, 2);
	take_frame(program);
	if_equal(program, 0x0800, 0, 1);
	to_ipv4 = put_jump(program);
	if_equal(program, 0x86dd, 0, 1);
	to_ipv6 = put_jump(program);
	put(program, BPF_RET | BPF_K, 0, 0, 0);
	land(program, to_ipv4);
	put_ipv4(program, endpoints, nendpoints);
	to_sample = put_jump(program);
	land(program, to_ipv6);
	put_ipv6(program, endpoints, nendpoints);
	land(program, to_sample);
	load_word(program, (uint32_t)SKF_AD_OFF + SKF_AD_RANDOM);
	put(program, BPF_JMP | BPF_JSET | BPF_K, 2, 0, FILTER_SAMPLE_MASK);
	take_frame(program);
	put(program, BPF_RET | BPF_K, 0, 0, 0);
}

size_t capture_filter_build(uint32_t snaplen, bool reversed, const struct address *endpoints,
    size_t nendpoints, struct sock_filter out[FILTER_LENGTH_MAX])
{
	struct program program = {.out = out};

	if (nendpoints > FILTER_ENDPOINTS_MAX)
		nendpoints = FILTER_ENDPOINTS_MAX;
	load_half(&program, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE);
	/* Delivered to the guest: the next instruction; sent by it: the one after. */
	if_equal(&program, PACKET_OUTGOING, reversed, !reversed);
	put(&program, BPF_RET | BPF_K, 0, 0, snaplen);
	put_kept_length(&program, snaplen - FILTER_SENT_CUT);
	put_sent(&program, endpoints, nendpoints);
	return program.length;
}
