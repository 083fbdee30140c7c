/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/collector_settings.h"

#include "collector/picture.h"
#include "collector/poller.h"
#include "collector/session.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/place.h"

#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct collector_settings, member)
#define AGENT_AT(member) offsetof(struct collector_agent_section, member)
#define ENDPOINT_AT(member) offsetof(struct collector_endpoint_section, member)
#define SECOND 1000.0
#define DAY (86400 * SECOND)

static const struct setting main_settings[] = {
    {"period", SETTING_DURATION, AT(period_ms), "30s", SECOND, DAY, NULL,
	"Length of a period; that of all agents."},
    {"allow_short_periods", SETTING_BOOLEAN, AT(allow_short_periods), "no", 0, 0, NULL,
	"For tests: allow periods below 30 s."},
    {"socket", SETTING_TEXT, AT(socket), GRAPPE_RUNDIR "/collector.sock", 0, 0, NULL,
	"Socket on which the collector answers."},
    {"archive_directory", SETTING_TEXT, AT(archive_directory), GRAPPE_STATEDIR "/rrd", 0, 0, NULL,
	"Folder of the RRD archives."},
    {"state_directory", SETTING_TEXT, AT(state_directory), GRAPPE_STATEDIR "/collector", 0, 0, NULL,
	"Folder of the inventory of VMs."},
    {"deadline", SETTING_DURATION, AT(deadline_ms), "0s", 0, DAY, NULL,
	"How long after its end a period is waited for; 0s: half the period."},
    {"memory", SETTING_DURATION, AT(memory_ms), "1h", SECOND, 7 * DAY, NULL,
	"How far back periods are kept in memory; older windows come from the archives."},
    {"history", SETTING_INTEGER, AT(history), "20", 1, 10000, NULL,
	"Missed periods that are fetched later from an agent: as many as agents keep."},
    {"timeout", SETTING_DURATION, AT(timeout_ms), "1s", 50, 60 * SECOND, NULL,
	"How long one SNMP request waits for its answer; it is repeated twice."},
    {"requests", SETTING_INTEGER, AT(requests), "4", 1, POLLER_IN_FLIGHT_MAX, NULL,
	"SNMP requests to one agent at a time."},
    {"blocks", SETTING_INTEGER, AT(blocks), "1", 1, POLLER_BLOCKS_MAX, NULL,
	"Blocks of 1200 bytes in one SNMP answer; 1 fits any network without fragments."},
    {"routed_segments", SETTING_LIST, AT(routed_segments), "{}", 0, 0, NULL,
	"Segments between which a router passes traffic: an address not found in its own is "
	"looked for in these."},
    {"inventory_keep", SETTING_DURATION, AT(inventory_keep_ms), "30d", 60 * SECOND, 3650 * DAY,
	NULL, "How long a VM that no agent sees stays in the inventory."},
    {"clients", SETTING_INTEGER, AT(clients), "64", 1, 1000, NULL,
	"Connections to the socket at a time."},
    {"archive_maximum", SETTING_BOOLEAN, AT(archive_maximum), "no", 0, 0, NULL,
	"Keep the highest period of each archive row beside the mean (twice the space)."},
    {"archive_floor", SETTING_SIZE, AT(archive_floor), "64MiB", 0, 1e15, NULL,
	"No archive is created when less than this would stay free on the disk."},
};

static const struct setting agent_settings[] = {
    {"address", SETTING_TEXT, AGENT_AT(address), NULL, 0, 0, NULL,
	"Where its snmpd answers: HOST:PORT or [IPv6]:PORT."},
    {"community", SETTING_TEXT, AGENT_AT(community), "public", 0, 0, NULL, "SNMPv2c community."},
    {"community_file", SETTING_TEXT, AGENT_AT(community_file), "", 0, 0, NULL,
	"File whose first line is the community, instead of the setting above."},
    {"host", SETTING_TEXT, AGENT_AT(host), "", 0, 0, NULL,
	"Name of the host; empty: the agent's name."},
    {"environment", SETTING_TEXT, AGENT_AT(environment), "default", 0, 0, NULL,
	"Environment (site, cloud, grid) the host belongs to."},
};

static const struct setting endpoint_settings[] = {
    {"address", SETTING_TEXT, ENDPOINT_AT(address), NULL, 0, 0, NULL, "Its IP address."},
    {"segment", SETTING_TEXT, ENDPOINT_AT(segment), "", 0, 0, NULL,
	"Segment in which it has that address; empty: in all."},
};

static const struct settings_section sections[] = {
    {.name = NULL,
	.text = "The collector",
	.settings = main_settings,
	.nsettings = SETTINGS_COUNT(main_settings)},
    {.name = "agent",
	.text = "An agent to poll: agent \"NAME\" { ... }",
	.settings = agent_settings,
	.nsettings = SETTINGS_COUNT(agent_settings),
	.size = sizeof(struct collector_agent_section),
	.offset = AT(agents),
	.limit = PICTURE_AGENTS_MAX},
    {.name = "endpoint",
	.text = "A fixed node without a sensor, such as a file server: endpoint \"NAME\" { ... }",
	.settings = endpoint_settings,
	.nsettings = SETTINGS_COUNT(endpoint_settings),
	.size = sizeof(struct collector_endpoint_section),
	.offset = AT(endpoints),
	.limit = 1000},
    {.name = "archive",
	.text = ARCHIVE_SECTION_TEXT,
	.settings = archive_section_settings,
	.nsettings = ARCHIVE_SECTION_SETTINGS,
	.size = sizeof(struct archive_section),
	.offset = AT(archives),
	.limit = ARCHIVE_LEVELS_MAX},
};

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EINVALID)

static int check_times(const struct collector_settings *settings, char *message, size_t size)
{
	const int64_t needed_ms = (settings->history + 2) * settings->period_ms;

	if (settings->period_ms % 1000 != 0)
		return FAIL("period must be whole seconds");
	if (settings->period_ms < 30000 && !settings->allow_short_periods)
		return FAIL("period is below 30 s: a decision must not rest on less (for tests: "
			    "allow_short_periods = yes)");
	if (settings->deadline_ms >= settings->period_ms)
		return FAIL("deadline must be shorter than the period");
	if (settings->memory_ms < needed_ms)
		return FAIL("memory must hold at least history + 2 periods: %lld s",
		    (long long)(needed_ms / 1000));
	if (settings->memory_ms / settings->period_ms > 100000)
		return FAIL("memory holds more than 100000 periods");
	return GRAPPE_OK;
}

static int check_agents(const struct collector_settings *settings, char *message, size_t size)
{
	const struct collector_agent_section *agents = settings->agents.items;

	for (size_t i = 0; i < settings->agents.count; i++) {
		const struct collector_agent_section *agent = &agents[i];

		if (session_check_address(agent->address) != GRAPPE_OK)
			return FAIL("agent \"%s\": address '%s' is not HOST:PORT", agent->title,
			    agent->address);
		if (strlen(agent->title) >= PLACE_NAME_SIZE ||
		    strlen(agent->host) >= PLACE_NAME_SIZE ||
		    strlen(agent->environment) >= PLACE_NAME_SIZE)
			return FAIL("agent \"%.40s\": a name is longer than %d bytes", agent->title,
			    PLACE_NAME_SIZE - 1);
		if (agent->community[0] == '\0' && agent->community_file[0] == '\0')
			return FAIL("agent \"%s\": no community", agent->title);
		for (size_t j = 0; j < i; j++)
			if (strcmp(agents[j].address, agent->address) == 0)
				return FAIL("agents \"%s\" and \"%s\" have the same address",
				    agents[j].title, agent->title);
	}
	return GRAPPE_OK;
}

static int check_endpoints(const struct collector_settings *settings, char *message, size_t size)
{
	const struct collector_endpoint_section *endpoints = settings->endpoints.items;

	for (size_t i = 0; i < settings->endpoints.count; i++) {
		char id[VM_ID_SIZE];
		struct address address;

		if (snprintf(id, sizeof id, SENDER_ENDPOINT "%s", endpoints[i].title) >=
			(int)sizeof id ||
		    !identity_is_valid(id))
			return FAIL(
			    "endpoint \"%.40s\": a name has up to %d letters, digits, dots, "
			    "hyphens, underscores",
			    endpoints[i].title, (int)(sizeof id - sizeof SENDER_ENDPOINT));
		if (address_parse(endpoints[i].address, &address) != GRAPPE_OK)
			return FAIL("endpoint \"%s\": '%s' is not an IP address",
			    endpoints[i].title, endpoints[i].address);
		if (strlen(endpoints[i].segment) >= SEGMENT_SIZE)
			return FAIL("endpoint \"%s\": segment is longer than %d bytes",
			    endpoints[i].title, SEGMENT_SIZE - 1);
	}
	return GRAPPE_OK;
}

static int check_archives(const struct collector_settings *settings, char *message, size_t size)
{
	struct archive_layout layout;

	return archive_layout_configure(collector_settings_length(settings),
	    settings->archive_maximum, &settings->archives, &layout, message, size);
}

static int check(const void *values, char *message, size_t size)
{
	const struct collector_settings *settings = values;
	int rc = check_times(settings, message, size);

	if (rc == GRAPPE_OK)
		rc = check_agents(settings, message, size);
	if (rc == GRAPPE_OK)
		rc = check_endpoints(settings, message, size);
	return rc == GRAPPE_OK ? check_archives(settings, message, size) : rc;
}

const struct settings_schema collector_settings_schema = {
    .sections = sections, .nsections = SETTINGS_COUNT(sections), .check = check};

uint32_t collector_settings_length(const struct collector_settings *settings)
{
	return (uint32_t)(settings->period_ms / 1000);
}

int64_t collector_settings_deadline(const struct collector_settings *settings)
{
	return settings->deadline_ms > 0 ? settings->deadline_ms : settings->period_ms / 2;
}
