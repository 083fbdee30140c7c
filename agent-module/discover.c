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

struct link_entry {
	struct netlink_link link;
	uint32_t generation;
};

struct station_entry {
	struct mac mac;
	uint32_t ifindex, master;
};

struct discover {
	const struct discover_sources *sources;
	struct discover_vm *vms; /* owned; of the sources and of libvirt */
	size_t nvms;
	struct link_entry *links; /* owned; by ifindex */
	size_t nlinks, links_capacity;
	struct station_entry *stations; /* owned; on watched ports only */
	size_t nstations, stations_capacity;
	uint32_t generation;
};

void discover_sources_deinit(struct discover_sources *sources)
{
	for (size_t i = 0; i < sources->nbridges; i++) {
		for (size_t e = 0; e < sources->bridges[i].nexclude; e++)
			free(sources->bridges[i].exclude[e]);
		free(sources->bridges[i].exclude);
	}
	free(sources->bridges);
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
	free(discover->links);
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

/* Where the link is or belongs. */
static size_t link_position(const struct discover *discover, uint32_t ifindex)
{
	size_t low = 0, high = discover->nlinks;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (discover->links[middle].link.ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct netlink_link *find_link(const struct discover *discover, uint32_t ifindex)
{
	const size_t i = link_position(discover, ifindex);

	return i < discover->nlinks && discover->links[i].link.ifindex == ifindex
		   ? &discover->links[i].link
		   : NULL;
}

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

/* The configured bridge that the link is a watched port of, or NULL. */
static const struct discover_bridge *bridge_of(
    const struct discover *discover, const struct netlink_link *link)
{
	const struct netlink_link *master =
	    link->master != 0 ? find_link(discover, link->master) : NULL;

	if (master == NULL || !link->ethernet ||
	    !is_one_of(link->kind, vm_kinds, sizeof vm_kinds / sizeof *vm_kinds))
		return NULL;
	for (size_t i = 0; i < discover->sources->nbridges; i++) {
		const struct discover_bridge *bridge = &discover->sources->bridges[i];

		if (strcmp(bridge->name, master->name) != 0)
			continue;
		for (size_t e = 0; e < bridge->nexclude; e++)
			if (fnmatch(bridge->exclude[e], link->name, 0) == 0)
				return NULL;
		return bridge;
	}
	return NULL;
}

static void forget_stations(struct discover *discover, uint32_t ifindex)
{
	for (size_t i = discover->nstations; i-- > 0;)
		if (discover->stations[i].ifindex == ifindex)
			discover->stations[i] = discover->stations[--discover->nstations];
}

static void forget_link(struct discover *discover, size_t position)
{
	forget_stations(discover, discover->links[position].link.ifindex);
	discover->nlinks--;
	memmove(&discover->links[position], &discover->links[position + 1],
	    (discover->nlinks - position) * sizeof *discover->links);
}

int discover_link(struct discover *discover, const struct netlink_link *link)
{
	const size_t i = link_position(discover, link->ifindex);
	const bool known = i < discover->nlinks && discover->links[i].link.ifindex == link->ifindex;
	void *links;

	if (!link->present) {
		if (known)
			forget_link(discover, i);
		return GRAPPE_OK;
	}
	if (!known) {
		if (discover->nlinks >= DISCOVER_LINKS_MAX)
			return GRAPPE_ELIMIT;
		links = grow(discover->links, discover->nlinks, &discover->links_capacity,
		    sizeof *discover->links);
		if (links == NULL)
			return GRAPPE_EMEMORY;
		discover->links = links;
		memmove(&discover->links[i + 1], &discover->links[i],
		    (discover->nlinks - i) * sizeof *discover->links);
		discover->nlinks++;
	} else if (discover->links[i].link.master != link->master) {
		forget_stations(discover, link->ifindex);
	}
	discover->links[i].link = *link;
	discover->links[i].generation = discover->generation;
	return GRAPPE_OK;
}

void discover_begin_dump(struct discover *discover)
{
	discover->generation++;
}

void discover_end_dump(struct discover *discover)
{
	for (size_t i = discover->nlinks; i-- > 0;)
		if (discover->links[i].generation != discover->generation)
			forget_link(discover, i);
}

/* ---- stations ---- */

int discover_station(struct discover *discover, const struct netlink_station *station)
{
	const struct netlink_link *port = find_link(discover, station->ifindex);
	const uint32_t master =
	    station->master != 0 || port == NULL ? station->master : port->master;
	void *stations;
	size_t i = 0;

	if (!station->present || station->local || port == NULL)
		return GRAPPE_OK;
	while (
	    i < discover->nstations && (discover->stations[i].master != master ||
					   !mac_equal(&discover->stations[i].mac, &station->mac)))
		i++;
	if (bridge_of(discover, port) == NULL) {
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
	discover->stations[i] = (struct station_entry){
	    .mac = station->mac, .ifindex = station->ifindex, .master = master};
	return GRAPPE_OK;
}

/* ---- the plan ---- */

struct planning {
	const struct discover *discover;
	struct discover_plan *plan;
	size_t ports_capacity, nics_capacity;
};

/* The virtual NIC that has the MAC, or NULL. */
static const struct discover_vm *vm_of_mac(const struct discover *discover, const struct mac *mac)
{
	for (size_t i = 0; i < discover->nvms; i++)
		for (uint32_t m = 0; m < discover->vms[i].vif.nmacs; m++)
			if (mac_equal(&discover->vms[i].vif.macs[m], mac))
				return &discover->vms[i];
	return NULL;
}

static const struct discover_vm *vm_of_interface(const struct discover *discover, const char *name)
{
	for (size_t i = 0; i < discover->nvms; i++)
		if (discover->vms[i].interface[0] != '\0' &&
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
	struct discover_plan *plan = planning->plan;
	struct discover_nic *nic;
	void *nics;

	/* A VM with several MACs on one port is one vif; a vif is never in two places. */
	for (size_t i = 0; i < plan->nnics; i++)
		if (strcmp(plan->nics[i].vif.vm_id, vif->vm_id) == 0 &&
		    mac_equal(&plan->nics[i].vif.macs[0], &vif->macs[0]) &&
		    (vif->segment[0] != '\0' || strcmp(plan->nics[i].vif.segment, segment) == 0))
			return GRAPPE_OK;
	nics = grow(plan->nics, plan->nnics, &planning->nics_capacity, sizeof *plan->nics);
	if (nics == NULL)
		return GRAPPE_EMEMORY;
	plan->nics = nics;
	nic = &plan->nics[plan->nnics++];
	*nic = (struct discover_nic){.ifindex = link->ifindex, .vif = *vif};
	if (nic->vif.segment[0] == '\0')
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

static bool shows_too_many(const struct discover *discover, uint32_t ifindex)
{
	size_t unknown = 0;

	for (size_t i = 0; i < discover->nstations; i++)
		if (discover->stations[i].ifindex == ifindex &&
		    vm_of_mac(discover, &discover->stations[i].mac) == NULL)
			unknown++;
	return unknown > DISCOVER_MACS_MAX;
}

static int plan_bridge_port(struct planning *planning, const struct netlink_link *link,
    const struct discover_bridge *bridge)
{
	const struct discover *discover = planning->discover;
	const bool uplink = shows_too_many(discover, link->ifindex);
	struct period_vif unknown;
	int rc = add_port(planning, link, uplink);

	for (size_t i = 0; i < discover->nstations && rc == GRAPPE_OK && !uplink; i++) {
		const struct station_entry *station = &discover->stations[i];
		const struct discover_vm *vm;

		if (station->ifindex != link->ifindex)
			continue;
		vm = vm_of_mac(discover, &station->mac);
		if (vm != NULL && vm->interface[0] != '\0')
			continue; /* its section says where it is */
		describe_unknown(&station->mac, &unknown);
		rc = add_nic(planning, link, vm != NULL ? &vm->vif : &unknown, bridge->segment);
	}
	return rc;
}

static int plan_link(struct planning *planning, const struct netlink_link *link)
{
	const struct discover_vm *vm = vm_of_interface(planning->discover, link->name);
	const struct discover_bridge *bridge = bridge_of(planning->discover, link);
	int rc;

	if (vm == NULL)
		return bridge != NULL ? plan_bridge_port(planning, link, bridge) : GRAPPE_OK;
	rc = add_port(planning, link, false);
	if (rc == GRAPPE_OK)
		rc = add_nic(
		    planning, link, &vm->vif, bridge != NULL ? bridge->segment : SEGMENT_DEFAULT);
	return rc;
}

int discover_plan(const struct discover *discover, struct discover_plan *plan)
{
	struct planning planning = {.discover = discover, .plan = plan};
	int rc = GRAPPE_OK;

	*plan = (struct discover_plan){0};
	for (size_t i = 0; i < discover->nlinks && rc == GRAPPE_OK; i++)
		rc = plan_link(&planning, &discover->links[i].link);
	return rc;
}
