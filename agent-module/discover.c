/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/discover.h"

#include "agent-module/merge.h"
#include "common/error.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Kinds of interface that are the host's end of a virtual NIC. */
static const char *const vm_kinds[] = {"tun", "veth", "macvtap", "macvlan", "ipvtap", "netkit"};
/* Those of them on which frames to the guest are received, not sent. */
static const char *const reversed_kinds[] = {"macvtap", "macvlan", "ipvtap"};

struct station_entry {
	struct mac mac;
	uint16_t vlan;
	uint32_t ifindex, master;
};

struct discover {
	const struct discover_sources *sources;
	struct discover_vm *vms; /* owned; of the sources and of libvirt */
	size_t nvms;
	struct links links;
	struct station_entry *stations; /* owned; on ports that VMs may have */
	size_t nstations, stations_capacity;
};

void discover_sources_deinit(struct discover_sources *sources)
{
	for (size_t i = 0; i < sources->nbridges; i++) {
		for (size_t e = 0; e < sources->bridges[i].nexclude; e++)
			free(sources->bridges[i].exclude[e]);
		free(sources->bridges[i].exclude);
	}
	free(sources->bridges);
	free(sources->segments);
	free(sources->vms);
	*sources = (struct discover_sources){0};
}

void discover_plan_deinit(struct discover_plan *plan)
{
	free(plan->ports);
	free(plan->nics);
	*plan = (struct discover_plan){0};
}

struct discover *discover_new(const struct discover_sources *sources)
{
	struct discover *discover = calloc(1, sizeof *discover);

	if (discover == NULL)
		return NULL;
	discover->sources = sources;
	links_init(&discover->links);
	if (discover_domains(discover, NULL, 0) == GRAPPE_OK)
		return discover;
	free(discover);
	return NULL;
}

int discover_domains(struct discover *discover, const struct domain *domains, size_t ndomains)
{
	struct discover_vm *vms;
	size_t count;
	const int rc = merge_vms(
	    discover->sources->vms, discover->sources->nvms, domains, ndomains, &vms, &count);

	if (rc != GRAPPE_OK)
		return rc;
	free(discover->vms);
	discover->vms = vms;
	discover->nvms = count;
	return GRAPPE_OK;
}

void discover_free(struct discover *discover)
{
	if (discover == NULL)
		return;
	free(discover->vms);
	links_deinit(&discover->links);
	free(discover->stations);
	free(discover);
}

/* Room for one element behind `count`; the (moved) array or NULL. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
	const size_t wanted = *capacity > 0 ? *capacity * 2 : 16;
	void *bigger;

	if (count < *capacity)
		return array;
	bigger = reallocarray(array, wanted, size);
	if (bigger != NULL)
		*capacity = wanted;
	return bigger;
}

/* ---- links ---- */

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

static const struct discover_bridge *bridge_named(const struct discover *discover, const char *name)
{
	for (size_t i = 0; i < discover->sources->nbridges; i++)
		if (strcmp(discover->sources->bridges[i].name, name) == 0)
			return &discover->sources->bridges[i];
	return NULL;
}

/* The configured bridge that the link is a port of, or NULL. */
static const struct discover_bridge *bridge_of(
    const struct discover *discover, const struct netlink_link *link)
{
	const struct netlink_link *master = links_find(&discover->links, link->master);

	return master != NULL ? bridge_named(discover, master->name) : NULL;
}

static bool is_excluded(const struct discover_bridge *bridge, const struct netlink_link *link)
{
	for (size_t e = 0; bridge != NULL && e < bridge->nexclude; e++)
		if (fnmatch(bridge->exclude[e], link->name, 0) == 0)
			return true;
	return false;
}

/* A port of whatever bridge that may be a VM's. */
static bool is_vm_port(const struct discover *discover, const struct netlink_link *link)
{
	return link->master != 0 && link->ethernet &&
	       is_one_of(link->kind, vm_kinds, sizeof vm_kinds / sizeof *vm_kinds) &&
	       !is_excluded(bridge_of(discover, link), link);
}

static void forget_stations(struct discover *discover, uint32_t ifindex)
{
	for (size_t i = discover->nstations; i-- > 0;)
		if (discover->stations[i].ifindex == ifindex)
			discover->stations[i] = discover->stations[--discover->nstations];
}

static void forget_link(struct discover *discover, uint32_t ifindex)
{
	const struct netlink_link *link = links_find(&discover->links, ifindex);

	if (link == NULL)
		return;
	for (size_t i = 0; i < discover->nvms; i++)
		if (discover->vms[i].by_libvirt &&
		    strcmp(discover->vms[i].interface, link->name) == 0)
			discover->vms[i].stale = true;
	forget_stations(discover, ifindex);
	links_remove(&discover->links, ifindex);
}

int discover_link(struct discover *discover, const struct netlink_link *link)
{
	const struct netlink_link *known = links_find(&discover->links, link->ifindex);

	if (!link->present) {
		forget_link(discover, link->ifindex);
		return GRAPPE_OK;
	}
	if (known != NULL && known->master != link->master)
		forget_stations(discover, link->ifindex);
	return links_put(&discover->links, link);
}

void discover_pvid(struct discover *discover, const struct netlink_pvid *pvid)
{
	links_set_pvid(&discover->links, pvid);
}

void discover_begin_dump(struct discover *discover)
{
	discover->links.generation++;
}

void discover_end_dump(struct discover *discover)
{
	const struct links *links = &discover->links;

	for (size_t i = links->count; i-- > 0;)
		if (links->entries[i].generation != links->generation)
			forget_link(discover, links->entries[i].link.ifindex);
}

/* ---- stations ---- */

/* The entry of this MAC in the bridge's VLAN, or the number of entries. */
static size_t find_station(const struct discover *discover, const struct station_entry *wanted)
{
	size_t i = 0;

	while (i < discover->nstations && (discover->stations[i].master != wanted->master ||
					      discover->stations[i].vlan != wanted->vlan ||
					      !mac_equal(&discover->stations[i].mac, &wanted->mac)))
		i++;
	return i;
}

int discover_station(struct discover *discover, const struct netlink_station *station)
{
	const struct netlink_link *port = links_find(&discover->links, station->ifindex);
	struct station_entry entry = {.mac = station->mac,
	    .vlan = station->vlan,
	    .ifindex = station->ifindex,
	    .master = station->master};
	void *stations;
	size_t i;

	if (!station->present || station->local || port == NULL)
		return GRAPPE_OK;
	if (entry.master == 0)
		entry.master = port->master;
	i = find_station(discover, &entry);
	if (!is_vm_port(discover, port)) {
		/* Seen behind an uplink: it left this host. */
		if (i < discover->nstations)
			discover->stations[i] = discover->stations[--discover->nstations];
		return GRAPPE_OK;
	}
	if (i == discover->nstations) {
		if (discover->nstations >= DISCOVER_STATIONS_MAX)
			return GRAPPE_ELIMIT;
		stations = grow(discover->stations, i, &discover->stations_capacity,
		    sizeof *discover->stations);
		if (stations == NULL)
			return GRAPPE_EMEMORY;
		discover->stations = stations;
		discover->nstations++;
	}
	discover->stations[i] = entry;
	return GRAPPE_OK;
}

/* ---- segments ---- */

/* The name of the segment at that place; see the header for the order. */
static const char *segment_at(const struct discover *discover, const struct links_place *place)
{
	const struct discover_segment *best = NULL;
	const struct discover_bridge *bridge = bridge_named(discover, place->bridge);

	for (size_t i = 0; i < discover->sources->nsegments; i++) {
		const struct discover_segment *segment = &discover->sources->segments[i];

		if (strcmp(segment->place.bridge, place->bridge) == 0 &&
		    (segment->place.vlan == place->vlan ||
			(segment->place.vlan == 0 && best == NULL)))
			best = segment;
	}
	if (best != NULL)
		return best->name;
	return bridge != NULL ? bridge->segment : SEGMENT_DEFAULT;
}

static const char *segment_of(
    const struct discover *discover, const struct netlink_link *link, const struct discover_vm *vm)
{
	const struct links_place place =
	    links_place(&discover->links, link, vm != NULL ? &vm->told : NULL);

	return segment_at(discover, &place);
}

/* ---- the plan ---- */

struct planning {
	const struct discover *discover;
	struct discover_plan *plan;
	size_t ports_capacity, nics_capacity;
};

static bool has_mac(const struct period_vif *vif, const struct mac *mac)
{
	for (uint32_t m = 0; m < vif->nmacs; m++)
		if (mac_equal(&vif->macs[m], mac))
			return true;
	return false;
}

/* The virtual NIC that has the MAC, preferably one of the segment, or NULL. */
static const struct discover_vm *vm_of_mac(
    const struct discover *discover, const struct mac *mac, const char *segment)
{
	const struct discover_vm *found = NULL;

	for (size_t i = 0; i < discover->nvms; i++) {
		const struct discover_vm *vm = &discover->vms[i];

		if (has_mac(&vm->vif, mac) &&
		    (found == NULL || strcmp(vm->vif.segment, segment) == 0))
			found = vm;
	}
	return found;
}

static const struct discover_vm *vm_of_interface(const struct discover *discover, const char *name)
{
	for (size_t i = 0; i < discover->nvms; i++)
		if (discover->vms[i].interface[0] != '\0' && !discover->vms[i].stale &&
		    strcmp(discover->vms[i].interface, name) == 0)
			return &discover->vms[i];
	return NULL;
}

static int add_port(struct planning *planning, const struct netlink_link *link, bool uplink)
{
	struct discover_plan *plan = planning->plan;
	void *ports =
	    grow(plan->ports, plan->nports, &planning->ports_capacity, sizeof *plan->ports);
	struct discover_port *port;

	if (ports == NULL)
		return GRAPPE_EMEMORY;
	plan->ports = ports;
	port = &plan->ports[plan->nports++];
	*port = (struct discover_port){.ifindex = link->ifindex,
	    .mtu = link->mtu,
	    .up = link->up,
	    .reversed = is_one_of(
		link->kind, reversed_kinds, sizeof reversed_kinds / sizeof *reversed_kinds),
	    .uplink = uplink};
	memcpy(port->name, link->name, sizeof port->name);
	return GRAPPE_OK;
}

static int add_nic(struct planning *planning, const struct netlink_link *link,
    const struct period_vif *vif, const char *segment)
{
	const char *where = vif->segment[0] != '\0' ? vif->segment : segment;
	struct discover_plan *plan = planning->plan;
	struct discover_nic *nic;
	void *nics;

	/* A VM with several MACs on one port is one vif; a vif is never in two places. */
	for (size_t i = 0; i < plan->nnics; i++)
		if (strcmp(plan->nics[i].vif.vm_id, vif->vm_id) == 0 &&
		    mac_equal(&plan->nics[i].vif.macs[0], &vif->macs[0]) &&
		    strcmp(plan->nics[i].vif.segment, where) == 0)
			return GRAPPE_OK;
	nics = grow(plan->nics, plan->nnics, &planning->nics_capacity, sizeof *plan->nics);
	if (nics == NULL)
		return GRAPPE_EMEMORY;
	plan->nics = nics;
	nic = &plan->nics[plan->nnics++];
	*nic = (struct discover_nic){.ifindex = link->ifindex, .vif = *vif};
	if (vif->segment[0] == '\0')
		snprintf(nic->vif.segment, sizeof nic->vif.segment, "%s", segment);
	memcpy(nic->vif.interface, link->name, sizeof nic->vif.interface);
	return GRAPPE_OK;
}

static void describe_unknown(const struct mac *mac, struct period_vif *vif)
{
	*vif = (struct period_vif){.nmacs = 1, .macs = {*mac}};
	identity_from_mac(mac, vif->vm_id);
	snprintf(vif->vm_name, sizeof vif->vm_name, "%s", vif->vm_id);
}

static bool shows_too_many(const struct discover *discover, uint32_t ifindex, const char *segment)
{
	size_t unknown = 0;

	for (size_t i = 0; i < discover->nstations; i++)
		if (discover->stations[i].ifindex == ifindex &&
		    vm_of_mac(discover, &discover->stations[i].mac, segment) == NULL)
			unknown++;
	return unknown > DISCOVER_MACS_MAX;
}

/* Where the VM is, libvirt or its section says, and that interface is there. */
static bool has_a_place(const struct discover *discover, const struct discover_vm *vm)
{
	return vm != NULL && vm->interface[0] != '\0' && !vm->stale &&
	       links_named(&discover->links, vm->interface) != NULL;
}

static int plan_bridge_port(struct planning *planning, const struct netlink_link *link)
{
	const struct discover *discover = planning->discover;
	const char *segment = segment_of(discover, link, NULL);
	const bool uplink = shows_too_many(discover, link->ifindex, segment);
	struct period_vif unknown;
	int rc = add_port(planning, link, uplink);

	for (size_t i = 0; i < discover->nstations && rc == GRAPPE_OK && !uplink; i++) {
		const struct station_entry *station = &discover->stations[i];
		const struct discover_vm *vm;

		if (station->ifindex != link->ifindex)
			continue;
		vm = vm_of_mac(discover, &station->mac, segment);
		if (has_a_place(discover, vm))
			continue;
		describe_unknown(&station->mac, &unknown);
		rc = add_nic(planning, link, vm != NULL ? &vm->vif : &unknown, segment);
	}
	return rc;
}

/* Adds MACs that the VM's interface shows beside those that are known, see the header. */
static void add_macs(
    const struct discover *discover, const struct netlink_link *link, struct period_vif *vif)
{
	const char *segment = segment_of(discover, link, NULL);
	bool own = false;

	for (size_t i = 0; i < discover->nstations; i++)
		own = own || (discover->stations[i].ifindex == link->ifindex &&
				 mac_equal(&discover->stations[i].mac, &vif->macs[0]));
	if (!own || shows_too_many(discover, link->ifindex, segment))
		return;
	for (size_t i = 0; i < discover->nstations && vif->nmacs < PERIOD_MACS_MAX; i++) {
		const struct mac *mac = &discover->stations[i].mac;

		/* On a trunk the same one shows in several VLANs. */
		if (discover->stations[i].ifindex == link->ifindex && !has_mac(vif, mac) &&
		    vm_of_mac(discover, mac, segment) == NULL)
			vif->macs[vif->nmacs++] = *mac;
	}
}

static int plan_vm(
    struct planning *planning, const struct netlink_link *link, const struct discover_vm *vm)
{
	struct period_vif vif = vm->vif;
	const int rc = add_port(planning, link, false);

	if (rc != GRAPPE_OK)
		return rc;
	add_macs(planning->discover, link, &vif);
	return add_nic(planning, link, &vif, segment_of(planning->discover, link, vm));
}

static int plan_link(struct planning *planning, const struct netlink_link *link)
{
	const struct discover *discover = planning->discover;
	const struct discover_vm *vm = vm_of_interface(discover, link->name);
	const struct discover_bridge *bridge = bridge_of(discover, link);

	if (vm != NULL && !(vm->by_libvirt && is_excluded(bridge, link)))
		return plan_vm(planning, link, vm);
	if (bridge != NULL && is_vm_port(discover, link))
		return plan_bridge_port(planning, link);
	return GRAPPE_OK;
}

int discover_plan(const struct discover *discover, struct discover_plan *plan)
{
	struct planning planning = {.discover = discover, .plan = plan};
	int rc = GRAPPE_OK;

	*plan = (struct discover_plan){0};
	for (size_t i = 0; i < discover->links.count && rc == GRAPPE_OK; i++)
		rc = plan_link(&planning, &discover->links.entries[i].link);
	return rc;
}
