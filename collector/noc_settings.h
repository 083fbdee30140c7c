/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings of grappe-collector-agent. Loaded by common/settings.h, read only afterwards.
 */
#ifndef GRAPPE_COLLECTOR_NOC_SETTINGS_H
#define GRAPPE_COLLECTOR_NOC_SETTINGS_H

#include "common/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct noc_settings {
	char *agentx_socket;    /* where snmpd listens for subagents */
	char *collector_socket; /* where grappe-collector answers */
	int64_t interval_ms;    /* between two questions */
	int64_t timeout_ms;     /* for an answer, below the interval */
	char *user;
	bool confine;
};

extern const struct settings_schema noc_settings_schema;

#endif
