/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings of grappe-capture: the table, the structs it fills, and their translation
 * into what discovery wants. Read once at start; one thread.
 */
#ifndef GRAPPE_AGENT_MODULE_CAPTURE_SETTINGS_H
#define GRAPPE_AGENT_MODULE_CAPTURE_SETTINGS_H

#include "agent-module/discover.h"
#include "common/address.h"
#include "common/settings.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_PERIOD_LEAST_MS 30000 /* S-6; less only with allow_short_periods */
#define CAPTURE_ENDPOINTS_MAX 64

struct capture_vm_settings {
	char *title; /* the VM's name */
	struct settings_list mac, addresses;
	char *uuid, *interface, *segment, *application;
	int64_t vcpu;
	uint64_t memory;
};

struct capture_bridge_settings {
	char *title; /* the bridge's interface */
	char *segment;
	struct settings_list exclude;
};

struct capture_segment_settings {
	char *title; /* its global name */
	char *bridge;
	int64_t vlan;
};

struct capture_endpoint_settings {
	char *title;
	char *address;
};

enum libvirt_choice { LIBVIRT_AUTO, LIBVIRT_YES, LIBVIRT_NO };

struct capture_settings {
	bool confine;
	char *user;
	int64_t period_ms;
	bool allow_short_periods;
	int capture;    /* enum backend_choice */
	int bpf_attach; /* enum bpf_way */
	int libvirt;    /* enum libvirt_choice */
	int64_t libvirt_interval_ms;
	char *libvirt_uri, *libvirt_user, *libvirt_program;
	char *periods_directory;
	int64_t periods_kept;
	uint64_t buffer_total;
	int64_t pairs_per_vif;
	int64_t pairs_total;
	int64_t snaplen;
	struct settings_sections vms;       /* struct capture_vm_settings */
	struct settings_sections bridges;   /* struct capture_bridge_settings */
	struct settings_sections segments;  /* struct capture_segment_settings */
	struct settings_sections endpoints; /* struct capture_endpoint_settings */
};

extern const struct settings_schema capture_settings_schema;

/* capture_settings_sources - the VMs, bridges and segments as discovery wants them, from checked
 * settings. *sources is owned by the caller (discover_sources_deinit()). Returns 0 or
 * GRAPPE_EMEMORY. */
int capture_settings_sources(
    const struct capture_settings *settings, struct discover_sources *sources);
/* capture_settings_endpoints - addresses of the named endpoints. Returns their number. */
size_t capture_settings_endpoints(
    const struct capture_settings *settings, struct address endpoints[CAPTURE_ENDPOINTS_MAX]);
/* capture_settings_macs - all MACs of all vm sections into a heap array of the caller; NULL and
 * *count 0 without any (or without memory: *count is -1). */
struct mac *capture_settings_macs(const struct capture_settings *settings, long *count);

#endif
