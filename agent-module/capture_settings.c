/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/capture_settings.h"

#include "agent-module/domain.h"
#include "agent-module/libvirt_child.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/period.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * 3600 * 1000)

/* In the order of enum backend_choice. */
static const char *const captures[] = {"auto", "bpf", "pcap", NULL};

/* In the order of enum bpf_way. */
static const char *const ways[] = {"auto", "tcx", "clsact", NULL};

/* In the order of enum libvirt_choice. */
static const char *const libvirts[] = {"auto", "yes", "no", NULL};

static const struct setting general[] = {
    {"period", SETTING_DURATION, offsetof(struct capture_settings, period_ms), "30s", 1000, DAY_MS,
	NULL,
	"length of a period, the same on all hosts and in the collector; divides a day; at least "
	"30s"},
    {"allow_short_periods", SETTING_BOOLEAN, offsetof(struct capture_settings, allow_short_periods),
	"no", 0, 0, NULL,
	"for tests only: allow periods below 30s, which no decision should rest on"},
    {"capture", SETTING_CHOICE, offsetof(struct capture_settings, capture), "auto", 0, 0, captures,
	"bpf counts in the kernel, exact and nearly free; pcap reads every frame's headers; auto "
	"takes bpf where the kernel allows it"},
    {"bpf_attach", SETTING_CHOICE, offsetof(struct capture_settings, bpf_attach), "auto", 0, 0,
	ways,
	"how bpf programs are attached to interfaces: tcx (Linux 6.6 and later), clsact, or the "
	"first "
	"that works"},
    {"libvirt", SETTING_CHOICE, offsetof(struct capture_settings, libvirt), "auto", 0, 0, libvirts,
	"learn of VMs from libvirt: always, never, or (auto) when libvirtd is there"},
    {"libvirt_uri", SETTING_TEXT, offsetof(struct capture_settings, libvirt_uri),
	LIBVIRT_DEFAULT_URI, 0, 0, NULL, "the libvirt to ask; it is only read from"},
    {"libvirt_interval", SETTING_DURATION, offsetof(struct capture_settings, libvirt_interval_ms),
	"60s", 1000, 3600 * 1000, NULL,
	"how often libvirt is asked for all VMs, beside its events"},
    {"libvirt_user", SETTING_TEXT, offsetof(struct capture_settings, libvirt_user), "nobody", 0, 0,
	NULL, "whom the process that asks libvirt runs as, when started by root"},
    {"libvirt_program", SETTING_TEXT, offsetof(struct capture_settings, libvirt_program),
	LIBVIRT_DEFAULT_PROGRAM, 0, 0, NULL, "the program that asks libvirt"},
    {"user", SETTING_TEXT, offsetof(struct capture_settings, user), "", 0, 0, NULL,
	"whom to become when started by root, with the few capabilities that capturing needs; "
	"empty: "
	"stay, with as few"},
    {"confine", SETTING_BOOLEAN, offsetof(struct capture_settings, confine), "yes", 0, 0, NULL,
	"give up capabilities and system calls that are not needed; no only to find a fault"},
    {"periods_directory", SETTING_TEXT, offsetof(struct capture_settings, periods_directory),
	GRAPPE_RUNDIR "/periods", 0, 0, NULL, "where closed periods are put for grappe-agent"},
    {"periods_kept", SETTING_INTEGER, offsetof(struct capture_settings, periods_kept), "20", 2,
	2880, NULL, "so many periods stay in that directory"},
    {"buffer_total", SETTING_SIZE, offsetof(struct capture_settings, buffer_total), "64MiB",
	1 << 20, (double)(UINT64_C(1) << 34), NULL,
	"memory for the capture rings of all interfaces together; an interface gets at least "
	"512KiB"},
    {"pairs_per_vif", SETTING_INTEGER, offsetof(struct capture_settings, pairs_per_vif), "4096", 1,
	1000000, NULL,
	"peers counted singly per virtual NIC and period; what more come are counted as \"other\""},
    {"pairs_total", SETTING_INTEGER, offsetof(struct capture_settings, pairs_total), "65536", 64,
	8388608, NULL,
	"pairs of all virtual NICs together that bpf has room for: 128 bytes of memory each"},
    {"snaplen", SETTING_INTEGER, offsetof(struct capture_settings, snaplen), "144", 128, 4096, NULL,
	"bytes captured of each frame, enough for all its headers"},
};

static const struct setting vm[] = {
    {"mac", SETTING_LIST, offsetof(struct capture_vm_settings, mac), "{}", 0, 0, NULL,
	"MAC addresses of this virtual NIC; the first one identifies a VM without uuid; none: the "
	"section adds to what libvirt says of the VM with this uuid, or this name"},
    {"uuid", SETTING_TEXT, offsetof(struct capture_vm_settings, uuid), "", 0, 0, NULL,
	"the VM's UUID, which stays when it migrates"},
    {"interface", SETTING_TEXT, offsetof(struct capture_vm_settings, interface), "", 0, 0, NULL,
	"the host's end of the virtual NIC; empty: the port of a bridge section that shows the "
	"MAC"},
    {"segment", SETTING_TEXT, offsetof(struct capture_vm_settings, segment), "", 0, 0, NULL,
	"global name of the layer-2 segment; empty: that of the segment or bridge section of its "
	"place, else \"default\""},
    {"application", SETTING_TEXT, offsetof(struct capture_vm_settings, application), "", 0, 0, NULL,
	"application or group the VM belongs to; empty: what libvirt's metadata say"},
    {"vcpu", SETTING_INTEGER, offsetof(struct capture_vm_settings, vcpu), "0", 0, 65536, NULL,
	"virtual CPUs of the VM, 0 = unknown"},
    {"memory", SETTING_SIZE, offsetof(struct capture_vm_settings, memory), "0B", 0,
	(double)(UINT64_C(1) << 50), NULL, "memory of the VM, 0B = unknown"},
    {"addresses", SETTING_LIST, offsetof(struct capture_vm_settings, addresses), "{}", 0, 0, NULL,
	"IP addresses known to be the VM's; others are learnt from what it sends"},
};

static const struct setting bridge[] = {
    {"segment", SETTING_TEXT, offsetof(struct capture_bridge_settings, segment), SEGMENT_DEFAULT, 0,
	0, NULL, "global name of the layer-2 segment that the bridge carries"},
    {"exclude", SETTING_LIST, offsetof(struct capture_bridge_settings, exclude), "{}", 0, 0, NULL,
	"ports that are no VMs, such as uplinks: names with * and ?"},
};

static const struct setting segment[] = {
    {"bridge", SETTING_TEXT, offsetof(struct capture_segment_settings, bridge), NULL, 0, 0, NULL,
	"the bridge, or the interface below a macvtap"},
    {"vlan", SETTING_INTEGER, offsetof(struct capture_segment_settings, vlan), "0", 0,
	DOMAIN_VLAN_MAX, NULL, "the VLAN there; 0: all that no other segment section takes"},
};

static const struct setting endpoint[] = {
    {"address", SETTING_TEXT, offsetof(struct capture_endpoint_settings, address), NULL, 0, 0, NULL,
	"its IP address"},
};

static int check(const void *values, char *message, size_t size);

static const struct settings_section sections[] = {
    {.settings = general, .nsettings = SETTINGS_COUNT(general)},
    {.name = "vm",
	.text =
	    "a VM's virtual NIC, by the VM's name; two sections with one uuid are two NICs of a VM",
	.settings = vm,
	.nsettings = SETTINGS_COUNT(vm),
	.size = sizeof(struct capture_vm_settings),
	.offset = offsetof(struct capture_settings, vms),
	.limit = PERIOD_VIFS_MAX / 2},
    {.name = "bridge",
	.text = "a bridge whose ports are VMs, by its interface",
	.settings = bridge,
	.nsettings = SETTINGS_COUNT(bridge),
	.size = sizeof(struct capture_bridge_settings),
	.offset = offsetof(struct capture_settings, bridges),
	.limit = 256},
    {.name = "segment",
	.text = "a layer-2 segment with its global name: a VLAN of a bridge",
	.settings = segment,
	.nsettings = SETTINGS_COUNT(segment),
	.size = sizeof(struct capture_segment_settings),
	.offset = offsetof(struct capture_settings, segments),
	.limit = 4096},
    {.name = "endpoint",
	.text = "a named endpoint without a sensor: what VMs send to it is counted as well",
	.settings = endpoint,
	.nsettings = SETTINGS_COUNT(endpoint),
	.size = sizeof(struct capture_endpoint_settings),
	.offset = offsetof(struct capture_settings, endpoints),
	.limit = CAPTURE_ENDPOINTS_MAX},
};

const struct settings_schema capture_settings_schema = {
    .sections = sections, .nsections = SETTINGS_COUNT(sections), .check = check};

/* ---- checks ---- */

static int check_period(const struct capture_settings *settings, char *message, size_t size)
{
	const int64_t ms = settings->period_ms;

	if (ms % 1000 != 0 || DAY_MS % ms != 0) {
		snprintf(message, size,
		    "period must be whole seconds and divide a day, as 30s, 1min, 5min");
		return GRAPPE_EINVALID;
	}
	if (ms < CAPTURE_PERIOD_LEAST_MS && !settings->allow_short_periods) {
		snprintf(message, size,
		    "period must be at least 30s (tests may set allow_short_periods = yes)");
		return GRAPPE_EINVALID;
	}
	return GRAPPE_OK;
}

static bool fits(const char *text, size_t size)
{
	return strlen(text) < size;
}

/* True when the MAC is in a section before this one, or earlier in its own list. */
static bool seen_before(
    const struct capture_vm_settings *vms, size_t vm_index, size_t mac_index, const struct mac *mac)
{
	struct mac other;

	for (size_t v = 0; v <= vm_index; v++)
		for (size_t m = 0; m < (v == vm_index ? mac_index : vms[v].mac.count); m++)
			if (mac_parse(vms[v].mac.items[m], &other) == 0 && mac_equal(&other, mac) &&
			    (v == vm_index || strcmp(vms[v].segment, vms[vm_index].segment) == 0))
				return true;
	return false;
}

static int check_macs(const struct capture_vm_settings *vms, size_t i, char *message, size_t size)
{
	const struct settings_list *list = &vms[i].mac;
	struct mac mac;

	if (list->count > PERIOD_MACS_MAX) {
		snprintf(message, size, "vm \"%s\": mac wants at most %d addresses", vms[i].title,
		    PERIOD_MACS_MAX);
		return GRAPPE_EINVALID;
	}
	for (size_t m = 0; m < list->count; m++) {
		const char *why = NULL;

		if (mac_parse(list->items[m], &mac) != GRAPPE_OK)
			why = "is not a MAC address";
		else if (mac_is_group(&mac))
			why = "is a group address, no NIC has it";
		else if (seen_before(vms, i, m, &mac))
			why = "is listed twice";
		if (why != NULL) {
			snprintf(message, size, "vm \"%s\": mac \"%s\" %s", vms[i].title,
			    list->items[m], why);
			return GRAPPE_EINVALID;
		}
	}
	return GRAPPE_OK;
}

static int check_vm(const struct capture_vm_settings *vms, size_t i, char *message, size_t size)
{
	const struct capture_vm_settings *one = &vms[i];
	const char *why = NULL, *what = "";
	char id[VM_ID_SIZE];
	struct address address;

	if (!fits(one->title, VM_NAME_SIZE))
		why = "the name is too long";
	else if (one->uuid[0] != '\0' && identity_from_uuid(one->uuid, id) != GRAPPE_OK)
		why = "uuid is no UUID: ", what = one->uuid;
	else if (!fits(one->interface, NETLINK_NAME_SIZE))
		why = "no interface has such a long name: ", what = one->interface;
	else if (!fits(one->segment, SEGMENT_SIZE))
		why = "the segment's name is too long: ", what = one->segment;
	else if (!fits(one->application, PERIOD_LABEL_SIZE))
		why = "the application's name is too long: ", what = one->application;
	else if (one->addresses.count > PERIOD_ADDRESSES_MAX)
		why = "too many addresses";
	else if (one->mac.count == 0 && (one->interface[0] != '\0' || one->addresses.count > 0 ||
					    one->vcpu != 0 || one->memory != 0))
		why = "without mac it can only give application and segment";
	else if (one->mac.count == 0 && one->application[0] == '\0' && one->segment[0] == '\0')
		why = "it says nothing: mac, application or segment is missing";
	for (size_t a = 0; a < one->addresses.count && why == NULL; a++)
		if (address_parse(one->addresses.items[a], &address) != GRAPPE_OK)
			why = "not an IP address: ", what = one->addresses.items[a];
	for (size_t v = 0; v < i && why == NULL; v++)
		if (one->interface[0] != '\0' && strcmp(one->interface, vms[v].interface) == 0)
			why = "the interface belongs to another vm already: ",
			what = one->interface;
	if (why != NULL) {
		snprintf(message, size, "vm \"%s\": %s%s", one->title, why, what);
		return GRAPPE_EINVALID;
	}
	return check_macs(vms, i, message, size);
}

static int check_segment(
    const struct capture_segment_settings *segments, size_t i, char *message, size_t size)
{
	const struct capture_segment_settings *one = &segments[i];
	const char *why = NULL;

	if (!fits(one->title, SEGMENT_SIZE) || one->title[0] == '\0')
		why = "the name is too long or empty";
	else if (!fits(one->bridge, NETLINK_NAME_SIZE) || one->bridge[0] == '\0')
		why = "no interface has such a name as its bridge";
	for (size_t s = 0; s < i && why == NULL; s++)
		if (strcmp(one->bridge, segments[s].bridge) == 0 && one->vlan == segments[s].vlan)
			why = "another segment has this place already";
	if (why == NULL)
		return GRAPPE_OK;
	snprintf(message, size, "segment \"%s\": %s", one->title, why);
	return GRAPPE_EINVALID;
}

static int check(const void *values, char *message, size_t size)
{
	const struct capture_settings *settings = values;
	const struct capture_bridge_settings *bridges = settings->bridges.items;
	const struct capture_endpoint_settings *endpoints = settings->endpoints.items;
	struct address address;
	int rc = check_period(settings, message, size);

	for (size_t i = 0; i < settings->vms.count && rc == GRAPPE_OK; i++)
		rc = check_vm(settings->vms.items, i, message, size);
	for (size_t i = 0; i < settings->bridges.count && rc == GRAPPE_OK; i++)
		if (!fits(bridges[i].title, NETLINK_NAME_SIZE) ||
		    !fits(bridges[i].segment, SEGMENT_SIZE) || bridges[i].segment[0] == '\0') {
			snprintf(message, size,
			    "bridge \"%s\": its name or segment is too long or empty",
			    bridges[i].title);
			rc = GRAPPE_EINVALID;
		}
	for (size_t i = 0; i < settings->segments.count && rc == GRAPPE_OK; i++)
		rc = check_segment(settings->segments.items, i, message, size);
	for (size_t i = 0; i < settings->endpoints.count && rc == GRAPPE_OK; i++)
		if (address_parse(endpoints[i].address, &address) != GRAPPE_OK) {
			snprintf(message, size, "endpoint \"%s\": \"%s\" is no IP address",
			    endpoints[i].title, endpoints[i].address);
			rc = GRAPPE_EINVALID;
		}
	return rc;
}

/* ---- translation ---- */

static void translate_vm(const struct capture_vm_settings *from, struct discover_vm *to)
{
	struct period_vif *vif = &to->vif;

	*to = (struct discover_vm){0};
	for (size_t i = 0; i < from->mac.count; i++)
		(void)mac_parse(from->mac.items[i], &vif->macs[vif->nmacs++]);
	for (size_t i = 0; i < from->addresses.count; i++) {
		struct period_address *address = &vif->addresses[vif->naddresses++];

		(void)address_parse(from->addresses.items[i], &address->address);
		address->evidence = EVIDENCE_CONFIGURED;
	}
	if ((from->uuid[0] == '\0' || identity_from_uuid(from->uuid, vif->vm_id) != GRAPPE_OK) &&
	    vif->nmacs > 0)
		identity_from_mac(&vif->macs[0], vif->vm_id);
	snprintf(vif->vm_name, sizeof vif->vm_name, "%s", from->title);
	snprintf(vif->segment, sizeof vif->segment, "%s", from->segment);
	snprintf(vif->application, sizeof vif->application, "%s", from->application);
	snprintf(to->interface, sizeof to->interface, "%s", from->interface);
	vif->vcpu = (uint32_t)from->vcpu;
	vif->memory_bytes = from->memory;
}

static int translate_bridge(const struct capture_bridge_settings *from, struct discover_bridge *to)
{
	snprintf(to->name, sizeof to->name, "%s", from->title);
	snprintf(to->segment, sizeof to->segment, "%s", from->segment);
	to->exclude = calloc(from->exclude.count + 1, sizeof *to->exclude);
	if (to->exclude == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < from->exclude.count; i++) {
		to->exclude[i] = strdup(from->exclude.items[i]);
		if (to->exclude[i] == NULL)
			return GRAPPE_EMEMORY;
		to->nexclude++;
	}
	return GRAPPE_OK;
}

static void translate_segment(
    const struct capture_segment_settings *from, struct discover_segment *to)
{
	snprintf(to->name, sizeof to->name, "%s", from->title);
	snprintf(to->place.bridge, sizeof to->place.bridge, "%s", from->bridge);
	to->place.vlan = (uint16_t)from->vlan;
}

int capture_settings_sources(
    const struct capture_settings *settings, struct discover_sources *sources)
{
	const struct capture_vm_settings *vms = settings->vms.items;
	const struct capture_bridge_settings *bridges = settings->bridges.items;
	const struct capture_segment_settings *segments = settings->segments.items;
	int rc = GRAPPE_OK;

	*sources = (struct discover_sources){0};
	sources->vms = calloc(settings->vms.count + 1, sizeof *sources->vms);
	sources->bridges = calloc(settings->bridges.count + 1, sizeof *sources->bridges);
	sources->segments = calloc(settings->segments.count + 1, sizeof *sources->segments);
	if (sources->vms == NULL || sources->bridges == NULL || sources->segments == NULL)
		rc = GRAPPE_EMEMORY;
	for (size_t i = 0; i < settings->vms.count && rc == GRAPPE_OK; i++)
		translate_vm(&vms[i], &sources->vms[sources->nvms++]);
	for (size_t i = 0; i < settings->bridges.count && rc == GRAPPE_OK; i++)
		rc = translate_bridge(&bridges[i], &sources->bridges[sources->nbridges++]);
	for (size_t i = 0; i < settings->segments.count && rc == GRAPPE_OK; i++)
		translate_segment(&segments[i], &sources->segments[sources->nsegments++]);
	if (rc != GRAPPE_OK)
		discover_sources_deinit(sources);
	return rc;
}

size_t capture_settings_endpoints(
    const struct capture_settings *settings, struct address endpoints[CAPTURE_ENDPOINTS_MAX])
{
	const struct capture_endpoint_settings *items = settings->endpoints.items;
	size_t count = 0;

	for (size_t i = 0; i < settings->endpoints.count && count < CAPTURE_ENDPOINTS_MAX; i++)
		if (address_parse(items[i].address, &endpoints[count]) == GRAPPE_OK)
			count++;
	return count;
}

struct mac *capture_settings_macs(const struct capture_settings *settings, long *count)
{
	const struct capture_vm_settings *vms = settings->vms.items;
	struct mac *macs;
	size_t total = 0;

	*count = 0;
	for (size_t i = 0; i < settings->vms.count; i++)
		total += vms[i].mac.count;
	if (total == 0)
		return NULL;
	macs = calloc(total, sizeof *macs);
	if (macs == NULL) {
		*count = -1;
		return NULL;
	}
	for (size_t i = 0; i < settings->vms.count; i++)
		for (size_t m = 0; m < vms[i].mac.count; m++)
			if (mac_parse(vms[i].mac.items[m], &macs[*count]) == GRAPPE_OK)
				(*count)++;
	return macs;
}
