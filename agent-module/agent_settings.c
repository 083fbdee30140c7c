/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent-module/agent_settings.h"

#include "agent-module/ledger.h"
#include "agent-module/ring.h"
#include "common/error.h"

#include <stddef.h>

static const struct setting settings[] = {
    {.key = "agentx_socket",
	.type = SETTING_TEXT,
	.offset = offsetof(struct agent_settings, agentx_socket),
	.fallback = "/var/agentx/master",
	.text = "where snmpd listens for subagents: a path, or tcp:HOST:PORT"},
    {.key = "periods_directory",
	.type = SETTING_TEXT,
	.offset = offsetof(struct agent_settings, periods_directory),
	.fallback = GRAPPE_RUNDIR "/periods",
	.text = "where grappe-capture leaves its period files"},
    {.key = "state_directory",
	.type = SETTING_TEXT,
	.offset = offsetof(struct agent_settings, state_directory),
	.fallback = GRAPPE_STATEDIR "/agent",
	.text = "where numbers of VMs and cumulative counters are kept over restarts"},
    {.key = "linger",
	.type = SETTING_DURATION,
	.offset = offsetof(struct agent_settings, linger_ms),
	.fallback = "1h",
	.min = 0,
	.max = LEDGER_ROW_IDLE_S * 1000.0,
	.text = "how long rows of pairs, vifs and VMs stay in the tables after their last period"},
    {.key = "history",
	.type = SETTING_INTEGER,
	.offset = offsetof(struct agent_settings, history),
	.fallback = "20",
	.min = 2,
	.max = RING_PERIODS_MAX,
	.text = "how many periods are served at most"},
    {.key = "vm_mib",
	.type = SETTING_BOOLEAN,
	.offset = offsetof(struct agent_settings, vm_mib),
	.fallback = "yes",
	.text = "also serve VM-MIB (RFC 7666); no where another agent of the host does"},
    {.key = "user",
	.type = SETTING_TEXT,
	.offset = offsetof(struct agent_settings, user),
	.fallback = "",
	.text = "whom to become when started by root; empty: stay, with no capability"},
    {.key = "confine",
	.type = SETTING_BOOLEAN,
	.offset = offsetof(struct agent_settings, confine),
	.fallback = "yes",
	.text = "give up capabilities and system calls that are not needed; no only to find a fault"},
};

static const struct settings_section sections[] = {
    {.text = "grappe-agent", .settings = settings, .nsettings = SETTINGS_COUNT(settings)},
};

static int check_settings(const void *values, char *message, size_t size)
{
	const struct agent_settings *chosen = values;
	const struct {
		const char *key, *text;
	} texts[] = {{"agentx_socket", chosen->agentx_socket},
	    {"periods_directory", chosen->periods_directory},
	    {"state_directory", chosen->state_directory}};

	for (size_t i = 0; i < SETTINGS_COUNT(texts); i++) {
		if (texts[i].text[0] == '\0') {
			snprintf(message, size, "%s must not be empty", texts[i].key);
			return GRAPPE_EINVALID;
		}
	}
	return GRAPPE_OK;
}

const struct settings_schema agent_settings_schema = {
    .sections = sections, .nsections = SETTINGS_COUNT(sections), .check = check_settings};
