/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings of grappe-collector: one table that feeds the parser, --help, --print-config
 * and is what its man page describes.
 */
#ifndef GRAPPE_COLLECTOR_COLLECTOR_SETTINGS_H
#define GRAPPE_COLLECTOR_COLLECTOR_SETTINGS_H

#include "common/settings.h"
#include "rrd/archive_layout.h"

/* How agents are asked. */
struct collector_snmp_section {
	char *title;
	int version; /* enum credentials_version */
	char *community, *community_file;
	char *user;
	int security; /* enum credentials_security */
	int authentication, privacy;
	char *keys_file;
};

struct collector_agent_section {
	char *title; /* the agent's name */
	char *address;
	char *snmp; /* title of the section that says how; "": by the community */
	char *community, *community_file;
	char *host, *environment;
};

struct collector_endpoint_section {
	char *title;
	char *address, *segment;
};

struct collector_settings {
	int64_t period_ms;
	bool allow_short_periods;
	char *socket, *archive_directory, *state_directory;
	int64_t deadline_ms; /* 0: half the period */
	int64_t memory_ms;
	int64_t history; /* periods */
	int64_t timeout_ms;
	int64_t requests, blocks; /* in flight per agent; blocks per request */
	int64_t inventory_keep_ms;
	int64_t clients;
	bool archive_maximum;
	uint64_t archive_floor;
	int64_t archive_expire_ms; /* 0: never */
	char *rrdcached;           /* "": archives are written directly */
	int64_t rrdcached_commit_ms;
	struct settings_list routed_segments;
	struct settings_sections snmp;      /* struct collector_snmp_section */
	struct settings_sections agents;    /* struct collector_agent_section */
	struct settings_sections endpoints; /* struct collector_endpoint_section */
	struct settings_sections archives;  /* struct archive_section */
};

extern const struct settings_schema collector_settings_schema;

/* collector_settings_length - of a period, in seconds. */
uint32_t collector_settings_length(const struct collector_settings *settings);
/* collector_settings_deadline - the deadline in force, in milliseconds. */
int64_t collector_settings_deadline(const struct collector_settings *settings);

#endif
