/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakes/make_period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "make_period: %s\n", what);
		abort();
	}
}

struct period *make_period(int64_t end_s)
{
	struct period *period = period_new();

	must(period != NULL, "no memory");
	period->header.end_s = end_s;
	period->header.length_s = MAKE_LENGTH_S;
	memset(period->header.boot_id, 7, sizeof period->header.boot_id);
	return period;
}

static char *next_text(void)
{
	static char texts[8][VM_ID_SIZE];
	static unsigned next;

	return texts[next++ % 8];
}

const char *make_id(unsigned n)
{
	char *text = next_text();

	snprintf(text, VM_ID_SIZE, "mac-02000000%04x", n);
	return text;
}

const char *make_address(unsigned n)
{
	char *text = next_text();

	snprintf(text, VM_ID_SIZE, "10.0.%u.%u", n / 256, n % 256);
	return text;
}

uint32_t make_vif(struct period *period, unsigned n, const char *segment, uint32_t covered_ms)
{
	struct period_vif vif = {
	    .covered_ms = covered_ms, .nmacs = 1, .vcpu = 1, .memory_bytes = 512u << 20};
	int index;

	snprintf(vif.vm_id, sizeof vif.vm_id, "%s", make_id(n));
	snprintf(vif.vm_name, sizeof vif.vm_name, "vm%u", n);
	snprintf(vif.segment, sizeof vif.segment, "%s", segment);
	snprintf(vif.interface, sizeof vif.interface, "tap%u", n);
	vif.macs[0] = (struct mac){{2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}};
	index = period_add_vif(period, &vif);
	must(index >= 0, "no room for a NIC");
	return (uint32_t)index;
}

void make_claim(
    struct period *period, uint32_t vif, const char *address, enum address_evidence evidence)
{
	struct period_vif *target = &period->vifs[vif];
	struct period_address *slot = &target->addresses[target->naddresses];

	must(target->naddresses < PERIOD_ADDRESSES_MAX, "no room for an address");
	must(address_parse(address, &slot->address) == 0, "bad address");
	slot->evidence = (uint8_t)evidence;
	target->naddresses++;
}

void make_row(struct period *period, uint32_t vif, enum period_direction direction,
    const char *peer, uint64_t packets, uint64_t octets)
{
	struct period_row row = {
	    .vif = vif, .direction = (uint8_t)direction, .packets = packets, .octets = octets};

	must(address_parse(peer, &row.peer) == 0, "bad peer");
	must(period_add_row(period, &row) >= 0, "no room for a row");
}

uint32_t make_vm(struct period *period, unsigned n)
{
	const uint32_t vif = make_vif(period, n, SEGMENT_DEFAULT, MAKE_LENGTH_S * 1000);

	make_claim(period, vif, make_address(n), EVIDENCE_CLAIMED);
	return vif;
}

void make_received(
    struct period *period, uint32_t vif, unsigned from, uint64_t packets, uint64_t octets)
{
	make_row(period, vif, ROW_RECEIVED, make_address(from), packets, octets);
}

struct period *make_sorted(struct period *period)
{
	period_sort(period);
	return period;
}
