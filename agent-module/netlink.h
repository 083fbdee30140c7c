/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel tells about interfaces and bridges (rtnetlink(7)): a dump at the start, events
 * after it. Messages come to the caller as plain structs.
 *
 * Life-cycle: netlink_open(), netlink_dump(), then netlink_read() whenever the descriptor is
 * readable, netlink_close(). netlink_parse() is pure. One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_NETLINK_H
#define GRAPPE_AGENT_MODULE_NETLINK_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_NAME_SIZE 16 /* IFNAMSIZ */

struct netlink_link {
	uint32_t ifindex;
	bool present; /* false: it is gone, only ifindex is valid */
	char name[NETLINK_NAME_SIZE];
	char kind[NETLINK_NAME_SIZE]; /* "tun", "veth", "bridge"…; "" for hardware */
	uint32_t master;              /* the bridge it is a port of; 0 = none */
	uint32_t lower; /* the interface of this namespace below it (VLAN, macvtap); 0 = none */
	uint32_t mtu;
	uint16_t vlan; /* of kind "vlan": its VLAN */
	bool filters;  /* of kind "bridge": it keeps VLANs apart */
	bool up;       /* administratively */
	bool ethernet;
};

/* The VLAN of untagged frames on a port of a bridge. */
struct netlink_pvid {
	uint32_t ifindex;
	uint16_t vlan; /* 0 = none */
};

/* An entry of a bridge's forwarding table. */
struct netlink_station {
	uint32_t ifindex; /* the port */
	uint32_t master;  /* the bridge */
	uint16_t vlan;    /* 0: the bridge does not keep VLANs apart */
	struct mac mac;
	bool present; /* false: aged out or deleted */
	bool local;   /* the host's own address on that port */
};

struct netlink_sink {
	void (*link)(void *context, const struct netlink_link *link);
	void (*pvid)(void *context, const struct netlink_pvid *pvid);
	void (*station)(void *context, const struct netlink_station *station);
	void *context;
};

/*
 * netlink_parse - calls the sink for every message of interest in one datagram. Foreign kinds of
 * messages are skipped. *done: set to true when the datagram ends a dump. Returns 0, GRAPPE_EFORMAT
 * (cut messages), or GRAPPE_EIO with errno for an error that the kernel reports.
 */
int netlink_parse(const void *bytes, size_t length, const struct netlink_sink *sink, bool *done);

struct netlink; /* opaque */

/* netlink_open - a socket that hears of links and forwarding tables of this network namespace.
 * Returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int netlink_open(struct netlink **out);
/* netlink_close - NULL is allowed. */
void netlink_close(struct netlink *netlink);
int netlink_fd(const struct netlink *netlink);
/* netlink_dump_links / netlink_dump_pvids / netlink_dump_stations - ask for everything and wait for
 * the answer (at most a few seconds). Events that come meanwhile go to the sink too. Returns 0,
 * GRAPPE_EIO (errno), GRAPPE_ETIMEOUT, GRAPPE_EFORMAT. */
int netlink_dump_links(struct netlink *netlink, const struct netlink_sink *sink);
int netlink_dump_pvids(struct netlink *netlink, const struct netlink_sink *sink);
int netlink_dump_stations(struct netlink *netlink, const struct netlink_sink *sink);
/* netlink_read - all events that wait. Returns 0, GRAPPE_ELIMIT when the kernel had to drop events:
 * dump again; GRAPPE_EIO (errno), GRAPPE_EFORMAT. */
int netlink_read(struct netlink *netlink, const struct netlink_sink *sink);

#endif
