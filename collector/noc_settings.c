/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/noc_settings.h"

#include "common/error.h"

#include <stddef.h>
#include <stdio.h>

#define AT(member) offsetof(struct noc_settings, member)
#define SECOND 1000.0

static const struct setting settings[] = {
    {.key = "agentx_socket",
	.type = SETTING_TEXT,
	.offset = AT(agentx_socket),
	.fallback = "/var/agentx/master",
	.text = "where snmpd listens for subagents: a path, or tcp:HOST:PORT"},
    {.key = "collector_socket",
	.type = SETTING_TEXT,
	.offset = AT(collector_socket),
	.fallback = GRAPPE_RUNDIR "/collector.sock",
	.text = "where grappe-collector answers (its setting socket)"},
    {.key = "interval",
	.type = SETTING_DURATION,
	.offset = AT(interval_ms),
	.fallback = "5s",
	.min = SECOND,
	.max = 300 * SECOND,
	.text = "how often the collector is asked"},
    {.key = "timeout",
	.type = SETTING_DURATION,
	.offset = AT(timeout_ms),
	.fallback = "3s",
	.min = 100,
	.max = 60 * SECOND,
	.text = "how long its answer is waited for before it counts as down"},
    {.key = "user",
	.type = SETTING_TEXT,
	.offset = AT(user),
	.fallback = "",
	.text = "whom to become when started by root; empty: stay, with no capability"},
    {.key = "confine",
	.type = SETTING_BOOLEAN,
	.offset = AT(confine),
	.fallback = "yes",
	.text =
	    "give up capabilities and system calls that are not needed; no only to find a fault"},
};

static const struct settings_section sections[] = {
    {.text = "grappe-collector-agent", .settings = settings, .nsettings = SETTINGS_COUNT(settings)},
};

static int check_settings(const void *values, char *message, size_t size)
{
	const struct noc_settings *chosen = values;

	if (chosen->agentx_socket[0] == '\0' || chosen->collector_socket[0] == '\0') {
		snprintf(message, size, "%s must not be empty",
		    chosen->agentx_socket[0] == '\0' ? "agentx_socket" : "collector_socket");
		return GRAPPE_EINVALID;
	}
	if (chosen->timeout_ms >= chosen->interval_ms) {
		snprintf(message, size, "timeout must be shorter than interval");
		return GRAPPE_EINVALID;
	}
	return GRAPPE_OK;
}

const struct settings_schema noc_settings_schema = {
    .sections = sections, .nsections = SETTINGS_COUNT(sections), .check = check_settings};
