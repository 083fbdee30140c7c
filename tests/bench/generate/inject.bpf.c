/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs on each injected frame as an XDP program: writes the source address of the next pair and the
 * IP header's checksum, and lets the frame pass as if the interface had received it. "make
 * regenerate-bpf" compiles it into inject_code.h.
 */
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/generate/inject.h"

#define SECTION(name) __attribute__((section(name), used))
#define HEADERS (14 + 20)

extern char state;

static void *(*map_lookup)(const void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;

SECTION("inject") int grappe_inject(struct xdp_md *context)
{
	uint8_t *data = (uint8_t *)(uintptr_t)context->data;
	const uint8_t *end = (const uint8_t *)(uintptr_t)context->data_end;
	uint32_t zero = 0, source, sum;
	struct inject_state *s = map_lookup(&state, &zero);

	if (s == NULL || data + HEADERS > end)
		return XDP_DROP;
	if (s->sent > 0 && s->sent % s->train == 0) {
		s->pair += s->step;
		if (s->pair >= s->pairs)
			s->pair -= s->pairs;
	}
	s->sent++;
	source = 0x0a000000u | (uint32_t)s->pair;
	sum = s->checksum + (source >> 16) + (source & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*(uint16_t *)(data + 14 + 10) = __builtin_bswap16((uint16_t)~sum);
	*(uint32_t *)(data + 14 + 12) = __builtin_bswap32(source);
	return XDP_PASS;
}
