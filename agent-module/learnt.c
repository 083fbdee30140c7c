/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/learnt.h"

#include <stdlib.h>
#include <string.h>

static bool is_worth_learning(const struct address *address)
{
	static const uint8_t zeros[16];
	static const uint8_t loopback[16] = {[15] = 1};

	if (address_size(address) == 0 || address_is_multicast(address))
		return false;
	if (memcmp(address->bytes, zeros, sizeof zeros) == 0)
		return false;
	if (address->type == ADDRESS_IPV4)
		return address->bytes[0] != 127;
	return memcmp(address->bytes, loopback, sizeof loopback) != 0;
}

static uint32_t find(const struct learnt *learnt, const struct address *address)
{
	uint32_t i = 0;

	while (i < learnt->count && address_compare(&learnt->items[i].entry.address, address) != 0)
		i++;
	return i;
}

/* The mere source not seen for longest, or count when there is none. */
static uint32_t oldest_source(const struct learnt *learnt)
{
	uint32_t oldest = learnt->count;

	for (uint32_t i = 0; i < learnt->count; i++)
		if (learnt->items[i].entry.evidence == EVIDENCE_SOURCE &&
		    (oldest == learnt->count ||
			learnt->items[i].seen_s < learnt->items[oldest].seen_s))
			oldest = i;
	return oldest;
}

void learnt_note(struct learnt *learnt, const struct address *address,
    enum address_evidence evidence, int64_t now_s)
{
	uint32_t i = find(learnt, address);

	if (i < learnt->count) {
		learnt->items[i].seen_s = now_s;
		/* The smaller number is the stronger evidence. */
		if (evidence < learnt->items[i].entry.evidence)
			learnt->items[i].entry.evidence = (uint8_t)evidence;
		return;
	}
	if (!is_worth_learning(address))
		return;
	if (learnt->count < PERIOD_ADDRESSES_MAX)
		learnt->count++;
	else
		i = oldest_source(learnt);
	if (i == PERIOD_ADDRESSES_MAX)
		return; /* full of better evidence */
	learnt->items[i].entry =
	    (struct period_address){.address = *address, .evidence = (uint8_t)evidence};
	learnt->items[i].seen_s = now_s;
}

static void forget(struct learnt *learnt, uint32_t i)
{
	learnt->items[i] = learnt->items[--learnt->count];
}

void learnt_drop_claim(struct learnt *learnt, const struct address *address)
{
	const uint32_t i = find(learnt, address);

	if (i < learnt->count && learnt->items[i].entry.evidence != EVIDENCE_CONFIGURED)
		forget(learnt, i);
}

void learnt_expire(struct learnt *learnt, int64_t now_s)
{
	for (uint32_t i = learnt->count; i-- > 0;) {
		const uint8_t evidence = learnt->items[i].entry.evidence;
		const int64_t limit =
		    evidence == EVIDENCE_CLAIMED ? LEARNT_CLAIM_AGE_S : LEARNT_SOURCE_AGE_S;

		if (learnt->items[i].seen_s > now_s)
			learnt->items[i].seen_s = now_s;
		if (evidence != EVIDENCE_CONFIGURED && now_s - learnt->items[i].seen_s > limit)
			forget(learnt, i);
	}
}

bool learnt_is_router(const struct learnt *learnt)
{
	uint32_t sources = 0;

	for (uint32_t i = 0; i < learnt->count; i++)
		sources += learnt->items[i].entry.evidence == EVIDENCE_SOURCE;
	return sources > LEARNT_ROUTER_SOURCES;
}

static int compare(const void *left, const void *right)
{
	const struct period_address *a = left, *b = right;

	return address_compare(&a->address, &b->address);
}

void learnt_export(const struct learnt *learnt, struct period_vif *vif)
{
	memset(vif->addresses, 0, sizeof vif->addresses);
	for (uint32_t i = 0; i < learnt->count; i++)
		vif->addresses[i] = learnt->items[i].entry;
	vif->naddresses = learnt->count;
	qsort(vif->addresses, vif->naddresses, sizeof *vif->addresses, compare);
	vif->flags &= ~(uint32_t)VIF_ROUTER;
	if (learnt_is_router(learnt))
		vif->flags |= VIF_ROUTER;
}
