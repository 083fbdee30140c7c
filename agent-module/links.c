/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/links.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

/* Kinds of interface whose frames are those of the interface below them. */
static const char *const kinds_above[] = {"macvtap", "macvlan", "ipvtap"};

void links_init(struct links *links)
{
	*links = (struct links){0};
}

void links_deinit(struct links *links)
{
	free(links->entries);
	*links = (struct links){0};
}

/* Where the interface is or belongs. */
static size_t position(const struct links *links, uint32_t ifindex)
{
	size_t low = 0, high = links->count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (links->entries[middle].link.ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct links_entry *find(const struct links *links, uint32_t ifindex)
{
	const size_t i = position(links, ifindex);

	return i < links->count && links->entries[i].link.ifindex == ifindex ? &links->entries[i]
									     : NULL;
}

static int make_room(struct links *links)
{
	const size_t wanted = links->capacity > 0 ? links->capacity * 2 : 16;
	struct links_entry *bigger;

	if (links->count < links->capacity)
		return GRAPPE_OK;
	if (links->count >= LINKS_MAX)
		return GRAPPE_ELIMIT;
	bigger = reallocarray(links->entries, wanted, sizeof *bigger);
	if (bigger == NULL)
		return GRAPPE_EMEMORY;
	links->entries = bigger;
	links->capacity = wanted;
	return GRAPPE_OK;
}

int links_put(struct links *links, const struct netlink_link *link)
{
	struct links_entry *entry = find(links, link->ifindex);
	int rc;

	if (entry == NULL) {
		const size_t i = position(links, link->ifindex);

		rc = make_room(links);
		if (rc != GRAPPE_OK)
			return rc;
		entry = &links->entries[i];
		memmove(entry + 1, entry, (links->count - i) * sizeof *entry);
		links->count++;
		entry->pvid = 0;
	}
	entry->link = *link;
	entry->generation = links->generation;
	return GRAPPE_OK;
}

void links_set_pvid(struct links *links, const struct netlink_pvid *pvid)
{
	struct links_entry *entry = find(links, pvid->ifindex);

	if (entry != NULL)
		entry->pvid = pvid->vlan;
}

void links_remove(struct links *links, uint32_t ifindex)
{
	struct links_entry *entry = find(links, ifindex);

	if (entry == NULL)
		return;
	links->count--;
	memmove(
	    entry, entry + 1, (links->count - (size_t)(entry - links->entries)) * sizeof *entry);
}

const struct netlink_link *links_find(const struct links *links, uint32_t ifindex)
{
	const struct links_entry *entry = ifindex != 0 ? find(links, ifindex) : NULL;

	return entry != NULL ? &entry->link : NULL;
}

const struct netlink_link *links_named(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->entries[i].link.name, name) == 0)
			return &links->entries[i].link;
	return NULL;
}

/* ---- segments ---- */

/* The VLAN of the only VLAN device among the ports of the bridge; 0 = there is none, or several. */
static uint16_t vlan_of_uplink(const struct links *links, uint32_t bridge)
{
	uint16_t vlan = 0;

	for (size_t i = 0; i < links->count; i++) {
		const struct netlink_link *port = &links->entries[i].link;

		if (port->master != bridge || port->vlan == 0)
			continue;
		if (vlan != 0 && vlan != port->vlan)
			return 0;
		vlan = port->vlan;
	}
	return vlan;
}

static bool is_above_another(const struct netlink_link *link)
{
	for (size_t i = 0; i < sizeof kinds_above / sizeof *kinds_above; i++)
		if (strcmp(link->kind, kinds_above[i]) == 0)
			return true;
	return false;
}

/* On that interface, or in its VLAN on the one below. */
static struct links_place place_on(const struct links *links, const struct netlink_link *lower)
{
	const struct netlink_link *below =
	    lower->vlan != 0 ? links_find(links, lower->lower) : NULL;
	struct links_place place = {.vlan = below != NULL ? lower->vlan : 0};

	memcpy(place.bridge, below != NULL ? below->name : lower->name, sizeof place.bridge);
	return place;
}

struct links_place links_place(
    const struct links *links, const struct netlink_link *link, const struct links_place *told)
{
	const struct netlink_link *master = links_find(links, link->master);
	const struct netlink_link *lower =
	    is_above_another(link) ? links_find(links, link->lower) : NULL;
	struct links_place place = {.vlan = 0};

	if (master != NULL && strcmp(master->kind, "bridge") == 0) {
		memcpy(place.bridge, master->name, sizeof place.bridge);
		place.vlan = master->filters ? find(links, link->ifindex)->pvid
					     : vlan_of_uplink(links, master->ifindex);
		return place;
	}
	if (lower != NULL)
		return place_on(links, lower);
	return told != NULL ? *told : place;
}
