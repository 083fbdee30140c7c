/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/collector_settings.h"

#include "collector/credentials.h"
#include "collector/picture.h"
#include "collector/poller.h"
#include "collector/session.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/place.h"
#include "rrd/archive.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct collector_settings, member)
#define AGENT_AT(member) offsetof(struct collector_agent_section, member)
#define SNMP_AT(member) offsetof(struct collector_snmp_section, member)
#define ENDPOINT_AT(member) offsetof(struct collector_endpoint_section, member)
#define SNMP_SECTIONS_MAX 100 /* keys of each take milliseconds to make */
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
	"Folder of the inventory of VMs and of SNMPv3 engine IDs."},
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
    {"archive_expire", SETTING_DURATION, AT(archive_expire_ms), "0s", 0, 36525 * DAY, NULL,
	"Remove archives of VMs that were not heard of for so long; 0s: never."},
    {"rrdcached", SETTING_TEXT, AT(rrdcached), "", 0, 0, NULL,
	"Write archives through rrdcached at unix:PATH or HOST:PORT; empty: directly."},
    {"rrdcached_commit", SETTING_DURATION, AT(rrdcached_commit_ms), "5min", SECOND, DAY, NULL,
	"With rrdcached: how often what it holds is written to the files and committed."},
};

static const struct setting snmp_settings[] = {
    {"version", SETTING_CHOICE, SNMP_AT(version), "3", 0, 0, credentials_versions,
	"Version of SNMP."},
    {"user", SETTING_TEXT, SNMP_AT(user), "", 0, 0, NULL, "Version 3: the user."},
    {"security", SETTING_CHOICE, SNMP_AT(security), "authPriv", 0, 0, keys_securities,
	"Version 3: whether messages are authenticated and encrypted."},
    {"authentication", SETTING_CHOICE, SNMP_AT(authentication), "SHA-256", 0, 0,
	keys_authentications, "Version 3: the user's authentication protocol."},
    {"privacy", SETTING_CHOICE, SNMP_AT(privacy), "AES", 0, 0, keys_privacies,
	"Version 3: the user's privacy protocol."},
    {"keys_file", SETTING_TEXT, SNMP_AT(keys_file), "", 0, 0, NULL,
	"Version 3: file with the user's pass phrases, which nobody else may read: lines "
	"authentication = ... and privacy = ...."},
    {"community", SETTING_TEXT, SNMP_AT(community), "", 0, 0, NULL, "Version 2c: the community."},
    {"community_file", SETTING_TEXT, SNMP_AT(community_file), "", 0, 0, NULL,
	"Version 2c: file whose first line is the community, which nobody else may read."},
};

static const struct setting agent_settings[] = {
    {"address", SETTING_TEXT, AGENT_AT(address), NULL, 0, 0, NULL,
	"Where its snmpd answers: HOST:PORT or [IPv6]:PORT."},
    {"snmp", SETTING_TEXT, AGENT_AT(snmp), "", 0, 0, NULL,
	"Section snmp that says how it is asked; empty: by SNMPv2c with the community below."},
    {"community", SETTING_TEXT, AGENT_AT(community), "public", 0, 0, NULL, "SNMPv2c community."},
    {"community_file", SETTING_TEXT, AGENT_AT(community_file), "", 0, 0, NULL,
	"File whose first line is the community, instead of the setting above; nobody else may "
	"read it."},
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
    {.name = "snmp",
	.text = "How agents are asked that name it: snmp \"NAME\" { ... }",
	.settings = snmp_settings,
	.nsettings = SETTINGS_COUNT(snmp_settings),
	.size = sizeof(struct collector_snmp_section),
	.offset = AT(snmp),
	.limit = SNMP_SECTIONS_MAX},
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
	const bool cached = settings->rrdcached[0] != '\0';
	const int64_t needed_ms = (settings->history + 2) * settings->period_ms +
				  (cached ? settings->rrdcached_commit_ms : 0);

	if (settings->period_ms % 1000 != 0)
		return FAIL("period must be whole seconds");
	if (settings->period_ms < 30000 && !settings->allow_short_periods)
		return FAIL("period is below 30 s: a decision must not rest on less (for tests: "
			    "allow_short_periods = yes)");
	if (settings->deadline_ms >= settings->period_ms)
		return FAIL("deadline must be shorter than the period");
	if (settings->memory_ms < needed_ms)
		return FAIL("memory must hold at least history + 2 periods%s: %lld s",
		    cached ? " and rrdcached_commit" : "", (long long)(needed_ms / 1000));
	if (settings->memory_ms / settings->period_ms > 100000)
		return FAIL("memory holds more than 100000 periods");
	return GRAPPE_OK;
}

static int check_user(const struct collector_snmp_section *section, char *message, size_t size)
{
	const char *title = section->title;

	if (section->community[0] != '\0' || section->community_file[0] != '\0')
		return FAIL("snmp \"%s\": a community is of version 2c only", title);
	if (section->user[0] == '\0' || strlen(section->user) >= KEYS_USER_SIZE)
		return FAIL("snmp \"%s\": version 3 needs a user of 1 to %d characters", title,
		    KEYS_USER_SIZE - 1);
	if (section->security != KEYS_NO_AUTHENTICATION && section->keys_file[0] == '\0')
		return FAIL("snmp \"%s\": security %s needs a keys_file", title,
		    keys_securities[section->security]);
	return GRAPPE_OK;
}

static int check_snmp(const struct collector_settings *settings, char *message, size_t size)
{
	const struct collector_snmp_section *items = settings->snmp.items;
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < settings->snmp.count && rc == GRAPPE_OK; i++) {
		const struct collector_snmp_section *section = &items[i];

		if (section->version == CREDENTIALS_V3)
			rc = check_user(section, message, size);
		else if (section->user[0] != '\0' || section->keys_file[0] != '\0')
			rc = FAIL("snmp \"%s\": user and keys_file are of version 3 only",
			    section->title);
		else if (section->community[0] == '\0' && section->community_file[0] == '\0')
			rc = FAIL("snmp \"%s\": no community", section->title);
	}
	return rc;
}

static bool has_snmp(const struct collector_settings *settings, const char *title)
{
	const struct collector_snmp_section *items = settings->snmp.items;

	for (size_t i = 0; i < settings->snmp.count; i++)
		if (strcmp(items[i].title, title) == 0)
			return true;
	return false;
}

static int check_agent(const struct collector_settings *settings,
    const struct collector_agent_section *agent, char *message, size_t size)
{
	if (session_check_address(agent->address) != GRAPPE_OK)
		return FAIL(
		    "agent \"%s\": address '%s' is not HOST:PORT", agent->title, agent->address);
	if (strlen(agent->title) >= PLACE_NAME_SIZE || strlen(agent->host) >= PLACE_NAME_SIZE ||
	    strlen(agent->environment) >= PLACE_NAME_SIZE)
		return FAIL("agent \"%.40s\": a name is longer than %d bytes", agent->title,
		    PLACE_NAME_SIZE - 1);
	if (agent->snmp[0] != '\0' && !has_snmp(settings, agent->snmp))
		return FAIL(
		    "agent \"%s\": there is no section snmp \"%s\"", agent->title, agent->snmp);
	if (agent->snmp[0] != '\0' && agent->community_file[0] != '\0')
		return FAIL("agent \"%s\": either snmp or community_file", agent->title);
	if (agent->community[0] == '\0' && agent->community_file[0] == '\0' &&
	    agent->snmp[0] == '\0')
		return FAIL("agent \"%s\": no community", agent->title);
	return GRAPPE_OK;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct collector_agent_section *const *left = a, *const *right = b;

	return strcmp((*left)->address, (*right)->address);
}

/* No address twice; there may be very many. */
static int check_addresses(const struct settings_sections *list, char *message, size_t size)
{
	const struct collector_agent_section *agents = list->items;
	const struct collector_agent_section **sorted = calloc(list->count + 1, sizeof *sorted);
	int rc = GRAPPE_OK;

	if (sorted == NULL)
		return FAIL("no memory for %zu agents", list->count);
	for (size_t i = 0; i < list->count; i++)
		sorted[i] = &agents[i];
	qsort(sorted, list->count, sizeof *sorted, compare_addresses);
	for (size_t i = 1; i < list->count && rc == GRAPPE_OK; i++)
		if (compare_addresses(&sorted[i - 1], &sorted[i]) == 0)
			rc = FAIL("agents \"%s\" and \"%s\" have the same address",
			    sorted[i - 1]->title, sorted[i]->title);
	free(sorted);
	return rc;
}

static int check_agents(const struct collector_settings *settings, char *message, size_t size)
{
	const struct collector_agent_section *agents = settings->agents.items;
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < settings->agents.count && rc == GRAPPE_OK; i++)
		rc = check_agent(settings, &agents[i], message, size);
	return rc == GRAPPE_OK ? check_addresses(&settings->agents, message, size) : rc;
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

	if (settings->rrdcached[0] != '\0' &&
	    archive_check_rrdcached(settings->rrdcached, message, size) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (settings->archive_expire_ms > 0 && settings->archive_expire_ms < DAY)
		return FAIL("archive_expire must be at least a day, or 0s for never");
	return archive_layout_configure(collector_settings_length(settings),
	    settings->archive_maximum, &settings->archives, &layout, message, size);
}

static int check(const void *values, char *message, size_t size)
{
	const struct collector_settings *settings = values;
	int rc = check_times(settings, message, size);

	if (rc == GRAPPE_OK)
		rc = check_snmp(settings, message, size);
	if (rc == GRAPPE_OK)
		rc = check_agents(settings, message, size);
	if (rc == GRAPPE_OK)
		rc = check_endpoints(settings, message, size);
	return rc == GRAPPE_OK ? check_archives(settings, message, size) : rc;
}

static void comment(const void *values, FILE *out)
{
	const struct collector_settings *settings = values;
	struct archive_layout layout;
	char message[256];

	if (archive_layout_configure(collector_settings_length(settings), settings->archive_maximum,
		&settings->archives, &layout, message, sizeof message) == GRAPPE_OK)
		archive_layout_describe(&layout, out);
}

const struct settings_schema collector_settings_schema = {.sections = sections,
    .nsections = SETTINGS_COUNT(sections),
    .check = check,
    .comment = comment};

uint32_t collector_settings_length(const struct collector_settings *settings)
{
	return (uint32_t)(settings->period_ms / 1000);
}

int64_t collector_settings_deadline(const struct collector_settings *settings)
{
	return settings->deadline_ms > 0 ? settings->deadline_ms : settings->period_ms / 2;
}
