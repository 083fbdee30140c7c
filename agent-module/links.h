/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interfaces of this host as rtnetlink tells of them (agent-module/netlink.h), by ifindex, and
 * in which layer-2 segment each of them is (S-10): named by the bridge it is a port of and the VLAN
 * that its untagged frames are in there. Pure.
 *
 *     where the interface is                          bridge              VLAN
 *     port of a bridge that keeps VLANs apart         the bridge          PVID of the port
 *     port of a bridge with one VLAN device as port   the bridge          that of the device
 *     on an interface (macvtap) that is a VLAN device the interface below that of the device
 *     on an interface                                 that interface      0
 *     elsewhere (Open vSwitch)                        told by libvirt     told by libvirt
 *
 * Life-cycle: links_init(), links_put() and links_remove() as messages come, links_deinit(). One
 * thread.
 */
#ifndef GRAPPE_AGENT_MODULE_LINKS_H
#define GRAPPE_AGENT_MODULE_LINKS_H

#include "agent-module/netlink.h"

#include <stddef.h>
#include <stdint.h>

#define LINKS_MAX 65536

struct links_entry {
	struct netlink_link link;
	uint16_t pvid;
	uint32_t generation; /* of the dump that told of it last */
};

struct links {
	struct links_entry *entries; /* owned; by ifindex */
	size_t count, capacity;
	uint32_t generation;
};

/* A layer-2 network on this host. */
struct links_place {
	char bridge[NETLINK_NAME_SIZE]; /* "" = unknown */
	uint16_t vlan;                  /* 0 = none */
};

void links_init(struct links *links);
void links_deinit(struct links *links);

/* links_put - a new interface, or what is new about it. Returns 0, GRAPPE_ELIMIT or GRAPPE_EMEMORY.
 */
int links_put(struct links *links, const struct netlink_link *link);
/* links_set_pvid - of a port that is known; else nothing happens. */
void links_set_pvid(struct links *links, const struct netlink_pvid *pvid);
/* links_remove - nothing happens when it is not there. */
void links_remove(struct links *links, uint32_t ifindex);

/* links_find / links_named - borrowed until the next change, or NULL. */
const struct netlink_link *links_find(const struct links *links, uint32_t ifindex);
const struct netlink_link *links_named(const struct links *links, const char *name);

/* links_place - where the interface is, see above; told: by libvirt, or NULL. */
struct links_place links_place(
    const struct links *links, const struct netlink_link *link, const struct links_place *told);

#endif
