/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All agents of the collector: for each the poller (what to ask), the session (how) and what its
 * faults sound like. In the loop's thread.
 *
 * Life-cycle: agents_new(), agents_add() …, agents_tick() several times a second; agents_change()
 * and agents_retain() when the configuration changed; agents_free().
 */
#ifndef GRAPPE_COLLECTOR_AGENTS_H
#define GRAPPE_COLLECTOR_AGENTS_H

#include "collector/credentials.h"
#include "collector/engines.h"
#include "collector/poller.h"
#include "collector/recent.h"
#include "common/place.h"

struct event_base;
struct agents; /* opaque */

struct agents_options {
	struct poller_config poller;
	int64_t timeout_ms;     /* of an SNMP request */
	uint32_t in_flight_max; /* requests to all agents that answer, at a time */
	uint32_t silent_max; /* the same to those that do not, so that they cost others nothing */
	struct engines *engines; /* borrowed; where engine IDs are looked up and kept */
	/* What came. delivered takes the period. */
	void (*delivered)(void *context, uint32_t agent, struct period *period);
	void (*lost)(void *context, uint32_t agent, int64_t end_s);
	void *context;
};

struct agents_config {
	const char *name; /* all texts are copied */
	const char *address;
	const struct credentials *credentials; /* copied */
	struct place place;
	int64_t first_end_s; /* periods that end earlier are not asked for */
};

struct agents_view {
	uint32_t number;
	const char *name, *address;
	struct place place;
	struct poller_status status;
	uint32_t flags; /* enum period_flag of its newest period */
	uint64_t drops; /* packets its kernel lost, in the periods it delivered */
	struct recent_sums recent;
};

/* agents_new - none yet; NULL without memory. */
struct agents *agents_new(struct event_base *base, const struct agents_options *options);
/* agents_free - NULL is allowed. */
void agents_free(struct agents *agents);
/* agents_add - number: what delivered() and lost() call it. Returns 0 or GRAPPE_EMEMORY; an
 * address that cannot be reached for now is tried again later. */
int agents_add(struct agents *agents, uint32_t number, const struct agents_config *config);
/* agents_change - what is said of the agent with that number (its name and first_end_s aside) is
 * this from now on. The periods that it still owes stay wanted. Returns 1 when something changed, 0
 * when nothing did, or GRAPPE_EMEMORY. Not inside delivered() or lost(). */
int agents_change(struct agents *agents, uint32_t number, const struct agents_config *config);
/* agents_retain - the agents at those places (as agents_at() has them) whose entry is false are
 * asked no more. Not inside delivered() or lost(). */
void agents_retain(struct agents *agents, const bool *keep);
/* agents_tick - time has passed. */
void agents_tick(struct agents *agents);

size_t agents_count(const struct agents *agents);
/* agents_at - i < agents_count(); texts stay valid until the agent is changed or taken away. */
struct agents_view agents_at(const struct agents *agents, size_t i);
/* agents_drops - packets that the kernels of all agents' hosts lost; never falls. */
uint64_t agents_drops(const struct agents *agents);
/* agents_place - of the agent with that number, or NULL. */
const struct place *agents_place(const struct agents *agents, uint32_t number);

#endif
