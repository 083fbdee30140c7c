/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/vifs.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

struct vifs_lookup {
	uint32_t port, slot; /* slot VIFS_NONE: free */
	struct mac mac;      /* all zero: the first vif of the port */
};

static const struct mac first_mac;

void vifs_init(struct vifs *vifs)
{
	*vifs = (struct vifs){0};
}

void vifs_deinit(struct vifs *vifs)
{
	free(vifs->slots);
	free(vifs->lookup);
	*vifs = (struct vifs){0};
}

uint32_t vifs_same(const struct vifs *vifs, const struct period_vif *identity)
{
	for (uint32_t i = 0; i < vifs->nslots; i++) {
		const struct period_vif *other = &vifs->slots[i].identity;

		if (vifs->slots[i].used && strcmp(other->vm_id, identity->vm_id) == 0 &&
		    strcmp(other->segment, identity->segment) == 0 &&
		    mac_equal(&other->macs[0], &identity->macs[0]))
			return i;
	}
	return VIFS_NONE;
}

int64_t vifs_take(struct vifs *vifs, const struct period_vif *identity)
{
	uint32_t i = 0;

	while (i < vifs->nslots && vifs->slots[i].used)
		i++;
	if (i >= PERIOD_VIFS_MAX)
		return GRAPPE_ELIMIT;
	if (i == vifs->capacity) {
		const uint32_t capacity = i > 0 ? i * 2 : 16;
		void *slots = reallocarray(vifs->slots, capacity, sizeof *vifs->slots);

		if (slots == NULL)
			return GRAPPE_EMEMORY;
		vifs->slots = slots;
		vifs->capacity = capacity;
	}
	if (i == vifs->nslots)
		vifs->nslots++;
	vifs->slots[i] = (struct vif_slot){.identity = *identity, .used = true};
	return i;
}

/* Where (port, mac) is or belongs. */
static struct vifs_lookup *probe(const struct vifs *vifs, uint32_t port, const struct mac *mac)
{
	const uint32_t mask = vifs->lookup_size - 1;
	uint64_t hash = port;
	uint32_t i;

	for (int b = 0; b < 6; b++)
		hash = (hash << 8 ^ hash >> 56) ^ mac->bytes[b];
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	for (i = (uint32_t)(hash >> 32) & mask; vifs->lookup[i].slot != VIFS_NONE;
	     i = (i + 1) & mask)
		if (vifs->lookup[i].port == port && mac_equal(&vifs->lookup[i].mac, mac))
			break;
	return &vifs->lookup[i];
}

static void put(struct vifs *vifs, uint32_t port, const struct mac *mac, uint32_t slot)
{
	struct vifs_lookup *entry = probe(vifs, port, mac);

	/* Of two vifs with the MAC the one watched last wins. */
	if (entry->slot != VIFS_NONE &&
	    vifs->slots[entry->slot].since_ns > vifs->slots[slot].since_ns)
		return;
	*entry = (struct vifs_lookup){.port = port, .mac = *mac, .slot = slot};
}

static int rebuild(struct vifs *vifs)
{
	struct vifs_lookup *lookup;
	uint32_t entries = 0, size = 16;

	for (uint32_t i = 0; i < vifs->nslots; i++)
		if (vifs->slots[i].watched)
			entries += 1 + vifs->slots[i].identity.nmacs;
	while (size < entries * 2)
		size *= 2;
	lookup = calloc(size, sizeof *lookup);
	if (lookup == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < size; i++)
		lookup[i].slot = VIFS_NONE;
	free(vifs->lookup);
	vifs->lookup = lookup;
	vifs->lookup_size = size;
	for (uint32_t i = 0; i < vifs->nslots; i++) {
		const struct vif_slot *slot = &vifs->slots[i];

		if (!slot->watched)
			continue;
		for (uint32_t m = 0; m < slot->identity.nmacs; m++)
			put(vifs, slot->port, &slot->identity.macs[m], i);
		if (probe(vifs, slot->port, &first_mac)->slot == VIFS_NONE)
			put(vifs, slot->port, &first_mac, i);
	}
	return GRAPPE_OK;
}

int vifs_start(struct vifs *vifs, uint32_t slot, uint32_t port, int64_t since_ns)
{
	int rc;

	vifs->slots[slot].port = port;
	vifs->slots[slot].since_ns = since_ns;
	vifs->slots[slot].watched = true;
	rc = rebuild(vifs);
	if (rc != GRAPPE_OK)
		vifs->slots[slot].watched = false;
	return rc;
}

void vifs_stop(struct vifs *vifs, uint32_t slot)
{
	vifs->slots[slot].watched = false;
	/* Without memory the old look-up stays; vifs_find() skips what is not watched. */
	(void)rebuild(vifs);
}

void vifs_release(struct vifs *vifs, uint32_t slot)
{
	vifs->slots[slot].used = false;
}

static uint32_t find(const struct vifs *vifs, uint32_t port, const struct mac *mac)
{
	uint32_t slot;

	if (vifs->lookup_size == 0)
		return VIFS_NONE;
	slot = probe(vifs, port, mac)->slot;
	return slot != VIFS_NONE && vifs->slots[slot].watched ? slot : VIFS_NONE;
}

uint32_t vifs_find(const struct vifs *vifs, uint32_t port, const struct mac *mac)
{
	/* The key of the first one; as a MAC, which a frame may well have, it is nobody's. */
	return mac_equal(mac, &first_mac) ? VIFS_NONE : find(vifs, port, mac);
}

uint32_t vifs_first(const struct vifs *vifs, uint32_t port)
{
	return find(vifs, port, &first_mac);
}
