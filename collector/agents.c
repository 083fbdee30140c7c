/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/agents.h"

#include "collector/session.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two attempts to open a socket or look up a name, which may block. */
#define OPEN_PAUSE_NS (300 * CLOCK_SECOND_NS)

struct agent {
	struct agents *all;
	uint32_t number;
	char *name, *address, *community; /* owned */
	struct place place;
	struct poller *poller;
	struct session *session; /* NULL: could not be opened */
	int64_t open_at_ns;      /* monotonic: next attempt */
	char open_error[POLLER_TEXT_SIZE];
	enum poller_state said;
	uint32_t in_flight; /* requests that are out */
	uint32_t flags;     /* of the newest period */
	uint64_t drops;     /* packets its kernel lost, of all periods delivered */
	struct log_complaint clock_complaint;
	struct log_complaint complaint;
};

struct agents {
	struct event_base *base;
	struct agents_options options;
	struct agent **items; /* owned */
	size_t count, capacity;
	uint32_t in_flight;
	uint64_t drops; /* of all agents, also of those that were removed */
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
	free(agent->name);
	free(agent->address);
	free(agent->community);
	free(agent);
}

void agents_free(struct agents *agents)
{
	if (agents == NULL)
		return;
	for (size_t i = 0; i < agents->count; i++)
		free_agent(agents->items[i]);
	free(agents->items);
	free(agents);
}

/* The same at each start, so that an agent keeps its place in the spread (FNV-1a). */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

int agents_add(struct agents *agents, uint32_t number, const struct agents_config *config)
{
	struct agent *agent;

	if (agents->count == agents->capacity) {
		const size_t wanted = agents->capacity ? 2 * agents->capacity : 16;
		void *bigger = reallocarray(agents->items, wanted, sizeof *agents->items);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		agents->items = bigger;
		agents->capacity = wanted;
	}
	agent = calloc(1, sizeof *agent);
	if (agent == NULL)
		return GRAPPE_EMEMORY;
	agent->all = agents;
	agent->number = number;
	agent->place = config->place;
	agent->name = strdup(config->name);
	agent->address = strdup(config->address);
	agent->community = strdup(config->community);
	agent->poller = poller_new(&agents->options.poller, hash_name(config->name));
	if (agent->name == NULL || agent->address == NULL || agent->community == NULL ||
	    agent->poller == NULL) {
		free_agent(agent);
		return GRAPPE_EMEMORY;
	}
	poller_begin(agent->poller, config->first_end_s);
	agents->items[agents->count++] = agent;
	return GRAPPE_OK;
}

void agents_remove(struct agents *agents, uint32_t number)
{
	for (size_t i = 0; i < agents->count; i++) {
		struct agent *agent = agents->items[i];

		if (agent->number != number)
			continue;
		/* What is out is forgotten with the session. */
		agents->in_flight -= agent->in_flight;
		free_agent(agent);
		memmove(&agents->items[i], &agents->items[i + 1],
		    (--agents->count - i) * sizeof *agents->items);
		return;
	}
}

static struct poller_time present(void)
{
	return (struct poller_time){
	    .wall_ns = clock_wall_ns(), .monotonic_ns = clock_monotonic_ns()};
}

/* ---- one agent at work ---- */

static void say_state(struct agent *agent)
{
	const struct poller_status *status = poller_status(agent->poller);

	if (status->state == POLLER_UP) {
		log_recovered(
		    &agent->complaint, "agent %s (%s) answers again", agent->name, agent->address);
		if (agent->said == POLLER_NEW)
			log_info("agent %s (%s) answers", agent->name, agent->address);
	} else if (status->state == POLLER_DOWN) {
		log_complain(&agent->complaint,
		    "agent %s (%s) does not deliver: %s; is its snmpd running, its community "
		    "right, its port open?",
		    agent->name, agent->address, status->error);
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

/* Sends what the poller wants sent. */
static void pump(struct agent *agent)
{
	struct agents *agents = agent->all;
	struct poller_request request;

	while (agents->in_flight < agents->options.in_flight_max &&
	       poller_next_request(agent->poller, &request)) {
		struct poller_reply reply = {.id = request.id, .error = GRAPPE_EIO};
		const struct poller_time now = present();

		if (agent->session == NULL)
			snprintf(reply.text, sizeof reply.text, "%s", agent->open_error);
		else if (session_send(agent->session, &request) == GRAPPE_OK) {
			agents->in_flight++;
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

	agent->all->in_flight--;
	agent->in_flight--;
	poller_reply(agent->poller, &now, reply);
	pump(agent);
}

static void open_session(struct agent *agent, int64_t now_ns)
{
	const struct session_options options = {.address = agent->address,
	    .credentials = {.version = SESSION_V2C, .community = agent->community},
	    .timeout_ms = agent->all->options.timeout_ms};

	agent->open_at_ns = now_ns + OPEN_PAUSE_NS;
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
	    .community = agent->community,
	    .place = agent->place,
	    .status = *poller_status(agent->poller),
	    .flags = agent->flags,
	    .drops = agent->drops};
}

uint64_t agents_drops(const struct agents *agents)
{
	return agents->drops;
}

const struct place *agents_place(const struct agents *agents, uint32_t number)
{
	for (size_t i = 0; i < agents->count; i++)
		if (agents->items[i]->number == number)
			return &agents->items[i]->place;
	return NULL;
}
