/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/roster.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who asks, by section "snmp": read once, for all agents that refer to it. */
struct asker {
	struct credentials credentials;
	bool read;
	int rc;
};

struct roster {
	const struct collector_settings *settings;
	struct asker *askers; /* owned, as many as there are sections "snmp" */
	struct agents *agents;
	struct picture *picture;
};

/* ---- what a section says ---- */

static int read_section(const struct collector_snmp_section *section,
    struct credentials *credentials, char *message, size_t size)
{
	const struct credentials_user user = {.name = section->user,
	    .security = section->security,
	    .authentication = section->authentication,
	    .privacy = section->privacy,
	    .keys_file = section->keys_file};

	if (section->version == CREDENTIALS_V2C)
		return credentials_set_community(
		    credentials, section->community, section->community_file, message, size);
	return credentials_set_user(credentials, &user, message, size);
}

/* The section's credentials, or NULL; an error is said once. */
static const struct credentials *ask_section(struct roster *roster, size_t i)
{
	const struct collector_snmp_section *sections = roster->settings->snmp.items;
	struct asker *asker = &roster->askers[i];
	char message[512];

	if (!asker->read) {
		asker->read = true;
		asker->rc =
		    read_section(&sections[i], &asker->credentials, message, sizeof message);
		if (asker->rc != GRAPPE_OK)
			log_error("snmp \"%s\": %s", sections[i].title, message);
	}
	return asker->rc == GRAPPE_OK ? &asker->credentials : NULL;
}

/* credentials: room for those of an agent without a section; to be wiped. NULL: not readable. */
static const struct credentials *find_credentials(struct roster *roster,
    const struct collector_agent_section *section, struct credentials *credentials)
{
	const struct collector_snmp_section *sections = roster->settings->snmp.items;
	char message[512];

	for (size_t i = 0; i < roster->settings->snmp.count; i++)
		if (strcmp(sections[i].title, section->snmp) == 0)
			return ask_section(roster, i);
	if (credentials_set_community(credentials, section->community, section->community_file,
		message, sizeof message) == GRAPPE_OK)
		return credentials;
	log_error("agent %s: %s", section->title, message);
	return NULL;
}

static void describe(const struct collector_agent_section *section,
    const struct credentials *credentials, struct agents_config *config)
{
	*config = (struct agents_config){
	    .name = section->title, .address = section->address, .credentials = credentials};
	snprintf(config->place.host, sizeof config->place.host, "%s",
	    section->host[0] != '\0' ? section->host : section->title);
	snprintf(config->place.environment, sizeof config->place.environment, "%s",
	    section->environment);
}

static int add(struct roster *roster, const struct agents_config *config)
{
	const int number = picture_add_agent(roster->picture, config->first_end_s);

	if (number < 0)
		return number;
	return agents_add(roster->agents, (uint32_t)number, config);
}

static int roster_init(struct roster *roster, const struct collector_settings *settings,
    struct agents *agents, struct picture *picture)
{
	*roster = (struct roster){.settings = settings,
	    .askers = calloc(settings->snmp.count + 1, sizeof *roster->askers),
	    .agents = agents,
	    .picture = picture};
	return roster->askers != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static void roster_deinit(struct roster *roster)
{
	for (size_t i = 0; i < roster->settings->snmp.count; i++)
		credentials_wipe(&roster->askers[i].credentials);
	free(roster->askers);
}

/* ---- at the start ---- */

int roster_fill(
    const struct collector_settings *settings, struct agents *agents, struct picture *picture)
{
	const struct collector_agent_section *sections = settings->agents.items;
	struct roster roster;
	int rc = roster_init(&roster, settings, agents, picture);

	if (rc != GRAPPE_OK)
		return rc;
	for (size_t i = 0; i < settings->agents.count && rc == GRAPPE_OK; i++) {
		struct credentials own = {0};
		const struct credentials *credentials =
		    find_credentials(&roster, &sections[i], &own);
		struct agents_config config;

		describe(&sections[i], credentials, &config);
		rc = credentials != NULL ? add(&roster, &config) : GRAPPE_EINVALID;
		credentials_wipe(&own);
	}
	if (settings->agents.count == 0)
		log_warning("no agent is configured: nothing will be polled");
	roster_deinit(&roster);
	return rc;
}

/* ---- again ---- */

/* An agent that is there, for tsearch(3) by name. */
struct known {
	const char *name;
	size_t place; /* in agents_at() */
	uint32_t number;
};

static int compare_names(const void *a, const void *b)
{
	const struct known *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void leave_known(void *known)
{
	(void)known; /* of an array */
}

static void renew_one(struct roster *roster, const struct collector_agent_section *section,
    const struct known *known, int64_t first_end_s)
{
	struct credentials own = {0};
	const struct credentials *credentials = find_credentials(roster, section, &own);
	struct agents_config config;
	int rc;

	describe(section, credentials, &config);
	config.first_end_s = first_end_s;
	if (credentials == NULL) {
		log_error("agent %s %s", section->title,
		    known != NULL ? "stays as it was" : "is not polled");
	} else if (known != NULL) {
		rc = agents_change(roster->agents, known->number, &config);
		if (rc > 0)
			log_info("agent %s (%s) is another one now; what it owes stays wanted",
			    config.name, config.address);
		else if (rc < 0)
			log_error("agent %s cannot be changed: %s", config.name, error_text(rc));
	} else if ((rc = add(roster, &config)) == GRAPPE_OK) {
		log_info("agent %s (%s) is new", config.name, config.address);
	} else {
		log_error("agent %s (%s) cannot be added: %s", config.name, config.address,
		    error_text(rc));
	}
	credentials_wipe(&own);
}

/* keep: of the agents that were there before. */
static void retain(struct roster *roster, bool *keep, size_t before)
{
	for (size_t i = 0; i < agents_count(roster->agents); i++) {
		const struct agents_view view = agents_at(roster->agents, i);

		keep[i] = keep[i] || i >= before;
		if (keep[i])
			continue;
		log_info("agent %s (%s) is not polled any more", view.name, view.address);
		picture_remove_agent(roster->picture, view.number);
	}
	agents_retain(roster->agents, keep);
}

void roster_renew(const struct collector_settings *fresh, uint32_t length_s, struct agents *agents,
    struct picture *picture)
{
	const struct collector_agent_section *sections = fresh->agents.items;
	const int64_t first_end_s = clock_period_end(clock_wall_ns(), length_s);
	const size_t before = agents_count(agents);
	struct known *known = calloc(before + 1, sizeof *known);
	bool *keep = calloc(before + fresh->agents.count + 1, sizeof *keep);
	struct roster roster;
	void *names = NULL;

	if (roster_init(&roster, fresh, agents, picture) != GRAPPE_OK || known == NULL ||
	    keep == NULL) {
		log_error("no memory to read the agents again; they stay as they were");
		goto out;
	}
	for (size_t i = 0; i < before; i++) {
		const struct agents_view view = agents_at(agents, i);

		known[i] = (struct known){.name = view.name, .place = i, .number = view.number};
		tsearch(&known[i], &names, compare_names);
	}
	for (size_t i = 0; i < fresh->agents.count; i++) {
		const struct known key = {.name = sections[i].title};
		struct known *const *found = tfind(&key, &names, compare_names);

		if (found != NULL)
			keep[(*found)->place] = true;
		renew_one(&roster, &sections[i], found != NULL ? *found : NULL, first_end_s);
	}
	tdestroy(names, leave_known);
	retain(&roster, keep, before);
out:
	if (roster.askers != NULL)
		roster_deinit(&roster);
	free(known);
	free(keep);
}
