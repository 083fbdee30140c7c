/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which interfaces carry which virtual NICs (S-9), and in which segment each is (S-10): from what
 * libvirt tells, from the static list of VMs and from the ports of bridges. Fed with what rtnetlink
 * tells (agent-module/netlink.h), it answers with a plan: the interfaces to capture on and the vifs
 * there. Pure: no I/O, so tests play any history of links.
 *
 * A VM's MAC on a bridge port is learnt from the bridge's own forwarding table, that is, from the
 * frames the VM sends, or from a static entry there. A MAC that ages out of that table stays with
 * its port until it shows up at another one (the VM moved, also out through an excluded port) or
 * the port is gone. Every MAC that no vm section and no domain has is a VM of its own, but on the
 * interface of a known VM: there it is a further MAC of that virtual NIC, as soon as the NIC's own
 * MAC was seen there too. Only ports of the kinds that VMs have (tun, veth, macvtap…) are taken; a
 * port with more than DISCOVER_MACS_MAX unknown MACs is taken for an uplink, or for a bridge inside
 * the VM, whose MACs are nobody's then.
 *
 * An interface that libvirt names is watched wherever it is; a bridge section's exclude forbids it.
 * When it is gone, libvirt's word on its name is void until the next list: the name may be given to
 * another VM at once.
 * The segment is, in this order: what the vm section says, the segment section of the interface's
 * place (agent-module/links.h), what the bridge section says, "default".
 *
 * Life-cycle: discover_new(), discover_link()/discover_station() as messages come, discover_plan()
 * after each batch, discover_free(). One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_DISCOVER_H
#define GRAPPE_AGENT_MODULE_DISCOVER_H

#include "agent-module/links.h"
#include "common/period.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISCOVER_MACS_MAX 8                    /* unknown MACs behind one port of a bridge */
#define DISCOVER_STATIONS_MAX 16384            /* MACs on ports in all */
#define DISCOVER_VMS_MAX (PERIOD_VIFS_MAX / 2) /* virtual NICs of sections and libvirt together */

struct discover_vm {
	struct period_vif vif; /* id, name, segment ("": of the place), MACs, addresses, size */
	char interface[NETLINK_NAME_SIZE]; /* "": wherever a bridge port shows one of the MACs */
	struct links_place told;           /* by libvirt */
	bool by_libvirt;
	bool stale; /* that interface has gone since libvirt told of it */
};

struct discover_segment {
	char name[SEGMENT_SIZE];
	struct links_place place; /* VLAN 0: what no other segment of the bridge takes */
};

struct discover_bridge {
	char name[NETLINK_NAME_SIZE];
	char segment[SEGMENT_SIZE];
	char **exclude; /* owned; patterns of fnmatch(3) on port names */
	size_t nexclude;
};

/* What the configuration says. */
struct discover_sources {
	struct discover_vm *vms; /* owned */
	size_t nvms;
	struct discover_bridge *bridges; /* owned */
	size_t nbridges;
	struct discover_segment *segments; /* owned */
	size_t nsegments;
};

void discover_sources_deinit(struct discover_sources *sources);

/* An interface to capture on. */
struct discover_port {
	uint32_t ifindex;
	char name[NETLINK_NAME_SIZE];
	uint32_t mtu;
	bool reversed; /* what the guest sends is outgoing for this kind of interface (macvtap) */
	bool up;       /* it can be opened; what is open stays so when it goes down */
	bool uplink;   /* shows too many MACs: nothing there is counted as a VM */
};

/* A virtual NIC on it. */
struct discover_nic {
	uint32_t ifindex;
	struct period_vif vif;
};

struct discover_plan {
	struct discover_port *ports; /* owned; by ifindex */
	size_t nports;
	struct discover_nic *nics; /* owned */
	size_t nnics;
};

void discover_plan_deinit(struct discover_plan *plan);

struct domain;
struct discover; /* opaque */

/* discover_new - sources are borrowed and must stay. NULL without memory. */
struct discover *discover_new(const struct discover_sources *sources);
/* discover_free - NULL is allowed. */
void discover_free(struct discover *discover);

/* discover_domains - the complete list of what libvirt has on this host, in place of the one
 * before. Copied. Returns 0, GRAPPE_ELIMIT or GRAPPE_EMEMORY (the one before stays). */
int discover_domains(struct discover *discover, const struct domain *domains, size_t ndomains);

/* discover_link / discover_pvid / discover_station - what rtnetlink told. Return 0, GRAPPE_ELIMIT
 * or GRAPPE_EMEMORY. */
int discover_link(struct discover *discover, const struct netlink_link *link);
void discover_pvid(struct discover *discover, const struct netlink_pvid *pvid);
int discover_station(struct discover *discover, const struct netlink_station *station);
/* discover_begin_dump / discover_end_dump - around a full dump of links: those not told in between
 * are gone. */
void discover_begin_dump(struct discover *discover);
void discover_end_dump(struct discover *discover);

/* discover_plan - what to watch now. Returns 0 or GRAPPE_EMEMORY; discover_plan_deinit() in any
 * case. */
int discover_plan(const struct discover *discover, struct discover_plan *plan);

#endif
