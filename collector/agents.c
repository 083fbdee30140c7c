/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/agents.h"

#include "collector/session.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two attempts to open a socket or look up a name, which may block. */
#define OPEN_PAUSE_NS (300 * CLOCK_SECOND_NS)

/* With a longer one, a period's description and first block would not fit one packet. Nor do they
 * with the headers of SNMPv3. */
#define JOIN_COMMUNITY_MAX 40

#define NEWS_PAUSE_NS (60 * CLOCK_SECOND_NS)

struct agent {
	struct agents *all;
	uint32_t number;
	char *name, *address; /* owned */
	struct credentials credentials;
	struct place place;
	struct poller *poller;
	struct session *session; /* NULL: could not be opened */
	int64_t open_at_ns;      /* monotonic: next attempt */
	char open_error[POLLER_TEXT_SIZE];
	enum poller_state said;
	uint64_t said_words; /* hash of its fault */
	int64_t said_ns;     /* monotonic: when its fault last became another one; 0: never */
	uint32_t in_flight;  /* requests that are out */
	bool silent;         /* those count among the silent agents' */
	uint32_t flags;      /* of the newest period */
	uint64_t drops;      /* packets its kernel lost, of all periods delivered */
	struct recent recent;
	struct log_complaint clock_complaint, twin_complaint;
	struct log_complaint complaint;
};

struct agents {
	struct event_base *base;
	struct agents_options options;
	struct agent **items; /* owned */
	size_t count, capacity;
	struct agent **numbered; /* by number; NULL: none */
	size_t numbers;
	uint32_t in_flight[2]; /* to agents that answer, and to silent ones */
	uint64_t drops;        /* of all agents, also of those that were removed */
};

struct agents *agents_new(struct event_base *base, const struct agents_options *options)
{
	struct agents *agents = calloc(1, sizeof *agents);

	if (agents == NULL)
		return NULL;
	agents->base = base;
	agents->options = *options;
	return agents;
}

static void free_agent(struct agent *agent)
{
	if (agent == NULL)
		return;
	session_close(agent->session);
	poller_free(agent->poller);
	credentials_wipe(&agent->credentials);
	free(agent->name);
	free(agent->address);
	free(agent);
}

void agents_free(struct agents *agents)
{
	if (agents == NULL)
		return;
	for (size_t i = 0; i < agents->count; i++)
		free_agent(agents->items[i]);
	free(agents->items);
	free(agents->numbered);
	free(agents);
}

static void choose_joining(struct agent *agent)
{
	poller_join_first(
	    agent->poller, agent->credentials.version == CREDENTIALS_V2C &&
			       strlen(agent->credentials.community) <= JOIN_COMMUNITY_MAX);
}

/* Room for one agent more, and for its number. */
static int grow(struct agents *agents, uint32_t number)
{
	if (agents->count == agents->capacity) {
		const size_t wanted = agents->capacity ? 2 * agents->capacity : 16;
		void *bigger = reallocarray(agents->items, wanted, sizeof *agents->items);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		agents->items = bigger;
		agents->capacity = wanted;
	}
	if (number >= agents->numbers) {
		const size_t wanted = 2 * (size_t)number + 16;
		struct agent **bigger =
		    reallocarray(agents->numbered, wanted, sizeof *agents->numbered);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		memset(&bigger[agents->numbers], 0,
		    (wanted - agents->numbers) * sizeof *agents->numbered);
		agents->numbered = bigger;
		agents->numbers = wanted;
	}
	return GRAPPE_OK;
}

int agents_add(struct agents *agents, uint32_t number, const struct agents_config *config)
{
	struct agent *agent;

	if (grow(agents, number) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	agent = calloc(1, sizeof *agent);
	if (agent == NULL)
		return GRAPPE_EMEMORY;
	agent->all = agents;
	agent->number = number;
	agent->place = config->place;
	agent->credentials = *config->credentials;
	agent->name = strdup(config->name);
	agent->address = strdup(config->address);
	agent->poller = poller_new(&agents->options.poller, hash_text(0, config->name));
	if (agent->name == NULL || agent->address == NULL || agent->poller == NULL) {
		free_agent(agent);
		return GRAPPE_EMEMORY;
	}
	choose_joining(agent);
	poller_begin(agent->poller, config->first_end_s);
	agents->items[agents->count++] = agent;
	agents->numbered[number] = agent;
	return GRAPPE_OK;
}

static void forget_engine(struct agent *agent)
{
	if (agent->credentials.version == CREDENTIALS_V3)
		engines_drop(agent->all->options.engines, agent->address);
}

/* What is out is forgotten with the session. */
static void drop_session(struct agent *agent)
{
	session_close(agent->session);
	agent->session = NULL;
	agent->open_at_ns = 0;
	agent->all->in_flight[agent->silent] -= agent->in_flight;
	agent->in_flight = 0;
}

void agents_retain(struct agents *agents, const bool *keep)
{
	size_t kept = 0;

	for (size_t i = 0; i < agents->count; i++) {
		struct agent *agent = agents->items[i];

		if (keep[i]) {
			agents->items[kept++] = agent;
			continue;
		}
		drop_session(agent);
		forget_engine(agent);
		agents->numbered[agent->number] = NULL;
		free_agent(agent);
	}
	agents->count = kept;
}

int agents_change(struct agents *agents, uint32_t number, const struct agents_config *config)
{
	struct agent *agent = agents->numbered[number];
	const bool moved = strcmp(agent->address, config->address) != 0;
	const bool placed = strcmp(agent->place.host, config->place.host) != 0 ||
			    strcmp(agent->place.environment, config->place.environment) != 0;
	char *address = NULL;

	agent->place = config->place;
	if (!moved && credentials_equal(&agent->credentials, config->credentials))
		return placed;
	if (moved && (address = strdup(config->address)) == NULL)
		return GRAPPE_EMEMORY;
	drop_session(agent);
	if (moved) {
		forget_engine(agent);
		free(agent->address);
		agent->address = address;
	}
	agent->credentials = *config->credentials;
	/* Whoever changes it wants to know what comes of it. */
	agent->complaint = (struct log_complaint){0};
	agent->said = POLLER_NEW;
	agent->said_ns = 0;
	choose_joining(agent);
	poller_restart(agent->poller);
	return 1;
}

static struct poller_time present(void)
{
	return (struct poller_time){
	    .wall_ns = clock_wall_ns(), .monotonic_ns = clock_monotonic_ns()};
}

/* ---- one agent at work ---- */

/* A fault that became another one is news: another state at any time, other words once. */
static void note_fault(struct agent *agent, const struct poller_status *status)
{
	const bool fault = status->state == POLLER_DOWN || status->state == POLLER_REFUSED;
	const uint64_t words = fault ? hash_text(0, status->error) : 0;
	const int64_t now_ns = clock_monotonic_ns();

	if (!fault || agent->complaint.next_ns == 0)
		agent->said_ns = 0;
	else if ((agent->said_ns == 0 && words != agent->said_words) ||
		 (status->state != agent->said && now_ns >= agent->said_ns + NEWS_PAUSE_NS)) {
		agent->complaint.next_ns = 1;
		agent->said_ns = now_ns;
	}
	agent->said_words = words;
}

static void say_state(struct agent *agent)
{
	const struct poller_status *status = poller_status(agent->poller);

	note_fault(agent, status);

	if (status->state == POLLER_UP) {
		log_recovered(
		    &agent->complaint, "agent %s (%s) answers again", agent->name, agent->address);
		if (agent->said == POLLER_NEW)
			log_info("agent %s (%s) answers", agent->name, agent->address);
	} else if (status->state == POLLER_DOWN) {
		log_complain(&agent->complaint,
		    "agent %s (%s) does not deliver: %s; is its snmpd running, its port open%s?",
		    agent->name, agent->address, status->error,
		    agent->credentials.version == CREDENTIALS_V2C ? ", its community right" : "");
	} else if (status->state == POLLER_REFUSED) {
		log_complain(&agent->complaint, "agent %s (%s) is refused: %s", agent->name,
		    agent->address, status->error);
	}
	agent->said = status->state;
}

/* S-7: a clock that nobody sets blurs the borders of periods. */
static void say_clock(struct agent *agent, const struct period_header *header)
{
	if (header->end_s < poller_status(agent->poller)->last_end_s)
		return;
	agent->flags = header->flags;
	if (header->flags & (PERIOD_CLOCK_UNSYNCED | PERIOD_CLOCK_STEPPED))
		log_complain(&agent->clock_complaint, "agent %s: the clock of its host %s",
		    agent->name,
		    header->flags & PERIOD_CLOCK_STEPPED ? "jumped" : "is not synchronised");
	else
		log_recovered(&agent->clock_complaint,
		    "agent %s: the clock of its host is synchronised", agent->name);
}

static void take_events(struct agent *agent)
{
	const struct agents_options *options = &agent->all->options;
	struct poller_event event;

	while (poller_next_event(agent->poller, &event)) {
		switch (event.kind) {
		case POLLER_DELIVERED:
			say_clock(agent, &event.period->header);
			agent->drops += event.period->header.dropped_packets;
			agent->all->drops += event.period->header.dropped_packets;
			recent_add(&agent->recent, event.period);
			options->delivered(options->context, agent->number, event.period);
			say_state(agent);
			break;
		case POLLER_LOST:
			log_debug("agent %s: the period that ends at %" PRId64 " will not come",
			    agent->name, event.end_s);
			options->lost(options->context, agent->number, event.end_s);
			say_state(agent);
			break;
		case POLLER_MISSED:
			log_debug("agent %s: the period that ends at %" PRId64
				  " was not there in time",
			    agent->name, event.end_s);
			say_state(agent);
			break;
		}
	}
}

/* Whether one request more may be out. An agent that does not answer keeps its requests out until
 * they time out: many of them must not hold up the others. */
static bool has_room(struct agent *agent)
{
	const struct agents *agents = agent->all;

	if (agent->in_flight == 0)
		agent->silent = poller_status(agent->poller)->state == POLLER_DOWN;
	return agents->in_flight[agent->silent] <
	       (agent->silent ? agents->options.silent_max : agents->options.in_flight_max);
}

/* Sends what the poller wants sent. */
static void pump(struct agent *agent)
{
	struct agents *agents = agent->all;
	struct poller_request request;

	while (has_room(agent) && poller_next_request(agent->poller, &request)) {
		struct poller_reply reply = {.id = request.id, .error = GRAPPE_EIO};
		const struct poller_time now = present();

		if (agent->session == NULL)
			snprintf(reply.text, sizeof reply.text, "%s", agent->open_error);
		else if (session_send(agent->session, &request) == GRAPPE_OK) {
			agents->in_flight[agent->silent]++;
			agent->in_flight++;
			continue;
		}
		poller_reply(agent->poller, &now, &reply);
	}
	take_events(agent);
}

static void on_reply(void *context, const struct poller_reply *reply)
{
	struct agent *agent = context;
	const struct poller_time now = present();

	agent->all->in_flight[agent->silent]--;
	agent->in_flight--;
	poller_reply(agent->poller, &now, reply);
	pump(agent);
}

/* ---- engine IDs ---- */

/* RFC 3411: no two engines have the same ID. Where they have, net-snmp mixes up their clocks. */
static void say_twin(struct agent *agent)
{
	const char *twin = engines_twin(agent->all->options.engines, agent->address);

	if (twin != NULL)
		log_complain(&agent->twin_complaint,
		    "agent %s (%s) has the same SNMP engine ID as %s: one snmpd at two addresses, "
		    "or a cloned host (stop its snmpd, remove its persistent snmpd.conf, create "
		    "its users again)",
		    agent->name, agent->address, twin);
	else
		log_recovered(&agent->twin_complaint,
		    "agent %s (%s) has an engine ID of its own now", agent->name, agent->address);
}

static void on_engine(void *context, const struct engine_id *engine)
{
	struct agent *agent = context;
	struct engines *engines = agent->all->options.engines;
	struct engine_id before;

	if (engines_get(engines, agent->address, &before) && !engine_id_equal(&before, engine))
		log_warning("agent %s (%s) has another SNMP engine ID than before: was its host "
			    "set up anew?",
		    agent->name, agent->address);
	if (engines_put(engines, agent->address, engine) != GRAPPE_OK)
		log_warning(
		    "agent %s (%s): its engine ID is not remembered", agent->name, agent->address);
	say_twin(agent);
}

static void open_session(struct agent *agent, int64_t now_ns)
{
	struct session_options options = {.address = agent->address,
	    .credentials = &agent->credentials,
	    .timeout_ms = agent->all->options.timeout_ms,
	    .learned = on_engine};

	agent->open_at_ns = now_ns + OPEN_PAUSE_NS;
	if (agent->credentials.version == CREDENTIALS_V3 &&
	    engines_get(agent->all->options.engines, agent->address, &options.engine))
		say_twin(agent);
	session_open(agent->all->base, &options, on_reply, agent, &agent->session,
	    agent->open_error, sizeof agent->open_error);
}

void agents_tick(struct agents *agents)
{
	const struct poller_time now = present();

	for (size_t i = 0; i < agents->count; i++) {
		struct agent *agent = agents->items[i];

		if (agent->session == NULL && now.monotonic_ns >= agent->open_at_ns)
			open_session(agent, now.monotonic_ns);
		poller_tick(agent->poller, &now);
		pump(agent);
	}
}

/* ---- looking ---- */

size_t agents_count(const struct agents *agents)
{
	return agents->count;
}

struct agents_view agents_at(const struct agents *agents, size_t i)
{
	const struct agent *agent = agents->items[i];

	return (struct agents_view){.number = agent->number,
	    .name = agent->name,
	    .address = agent->address,
	    .place = agent->place,
	    .status = *poller_status(agent->poller),
	    .flags = agent->flags,
	    .drops = agent->drops,
	    .recent = recent_sum(&agent->recent)};
}

uint64_t agents_drops(const struct agents *agents)
{
	return agents->drops;
}

const struct place *agents_place(const struct agents *agents, uint32_t number)
{
	if (number >= agents->numbers || agents->numbered[number] == NULL)
		return NULL;
	return &agents->numbered[number]->place;
}
