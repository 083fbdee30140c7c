/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings of grappe-agent. Loaded by common/settings.h, read only afterwards.
 */
#ifndef GRAPPE_AGENT_SETTINGS_H
#define GRAPPE_AGENT_SETTINGS_H

#include "common/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_settings {
	bool confine;
	char *user;
	char *agentx_socket;     /* where snmpd listens for subagents */
	char *periods_directory; /* where grappe-capture leaves period files */
	char *state_directory;   /* of the agent's state file */
	int64_t linger_ms;       /* how long idle rows stay in the tables */
	int64_t history;         /* periods served */
	bool vm_mib;             /* VM-MIB is served as well */
};

extern const struct settings_schema agent_settings_schema;

#endif
