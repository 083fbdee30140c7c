/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One agent's polling as a state machine (C-1): which period to ask for, what to ask next, when
 * to repeat, when to give up. A period is fetched in two steps: one request tells the agent's
 * period length, its newest period and the size of the wanted one; then its blocks, a few
 * requests at a time, which joined, checked and decoded are the period.
 *
 * The newest period comes first: it is asked for from its end on, a small constant delay per
 * agent later, until its deadline. Missed ones are fetched from the agent's ring afterwards,
 * oldest first, and give way when the next newest is due. An agent that does not answer is tried
 * again every one or two seconds: with the newest period until its deadline, then with the oldest.
 *
 * Pure: no network, no clock; a replay drives it as the daemon does. One thread. Life-cycle:
 * poller_new(); then whenever time has passed: poller_tick(), and after it and after each
 * poller_reply(): poller_next_request() and poller_next_event() until both say no; poller_free().
 */
#ifndef GRAPPE_COLLECTOR_POLLER_H
#define GRAPPE_COLLECTOR_POLLER_H

#include "common/mib.h"
#include "common/period.h"

#define POLLER_IN_FLIGHT_MAX 8 /* requests of one agent at a time */
#define POLLER_BLOCKS_MAX 16   /* blocks of one request */
#define POLLER_TEXT_SIZE 160
#define POLLER_BYTES_MAX (16u << 20) /* longest period that is fetched */

struct poller_config {
	uint32_t length_s;   /* of a period, > 0 */
	uint32_t history;    /* missed periods that are fetched later, > 0 */
	int64_t deadline_ms; /* after a period's end: then it is missed */
	int64_t delay_ms;    /* after a period's end: before it nobody is asked */
	int64_t spread_ms;   /* agents are asked so far apart at most */
	uint32_t in_flight;  /* requests at a time, 1 … POLLER_IN_FLIGHT_MAX */
	uint32_t blocks;     /* of a request, 1 … POLLER_BLOCKS_MAX */
};

/* Both clocks at one instant: periods follow the wall clock, pauses the one that never steps. */
struct poller_time {
	int64_t wall_ns, monotonic_ns;
};

enum poller_kind {
	POLLER_INFO, /* the agent's scalars, and grappePeriodInfoTable of end_s; with count = 1 its
		      * first block too */
	POLLER_BLOCKS, /* blocks first … first + count − 1 (from 1) of end_s */
};

struct poller_request {
	uint32_t id; /* to come back in the reply */
	enum poller_kind kind;
	int64_t end_s;
	uint32_t first, count;
};

/* What an agent answered, or that it did not. Numbers may be anything. */
struct poller_reply {
	uint32_t id;
	int error; /* GRAPPE_OK; GRAPPE_ETIMEOUT: no answer; GRAPPE_EPEER: an SNMP error;
		      GRAPPE_EFORMAT: nonsense; GRAPPE_EIO: not sent */
	char text[POLLER_TEXT_SIZE]; /* of an error: more words, or "" */
	/* POLLER_INFO */
	bool has_agent; /* the scalars are there */
	uint32_t period_length_s, last_end_s;
	bool has_info; /* the period is there */
	uint32_t info_length_s, info_chunks, info_bytes, info_crc;
	/* Blocks that were asked for: borrowed; NULL where the agent has no such block */
	const uint8_t *blocks[POLLER_BLOCKS_MAX];
	size_t lengths[POLLER_BLOCKS_MAX];
};

enum poller_event_kind {
	POLLER_DELIVERED, /* `period` of end_s, the receiver's from now on */
	POLLER_LOST,      /* end_s will never come from this agent */
	POLLER_MISSED,    /* end_s was not there by its deadline; it may still come */
};

struct poller_event {
	enum poller_event_kind kind;
	int64_t end_s;
	struct period *period;
};

enum poller_state {
	POLLER_NEW,     /* not asked yet */
	POLLER_UP,      /* answers */
	POLLER_DOWN,    /* does not answer */
	POLLER_REFUSED, /* answers, but what it says cannot be used */
};

struct poller_status {
	enum poller_state state;
	char error[POLLER_TEXT_SIZE]; /* why it is down or refused */
	int64_t last_end_s;           /* newest period delivered, 0 = none */
	uint64_t missed;              /* periods not there by their deadline */
	uint64_t delivered, lost;
	uint64_t requests, timeouts, nonsense;
};

struct poller; /* opaque */

/* poller_new - seed: the same for an agent at each start (a hash of its name); it gives the agent's
 * place in the spread. NULL without memory. */
struct poller *poller_new(const struct poller_config *config, uint64_t seed);
/* poller_free - NULL is allowed. */
void poller_free(struct poller *poller);

/* poller_join_first - whether the first block of a period is asked for together with its
 * description: a small period then takes one round trip. Only where an answer of some 1450 bytes
 * fits a packet. */
void poller_join_first(struct poller *poller, bool join);

/* poller_begin - periods that end earlier are not wanted. To be called before the first tick. */
void poller_begin(struct poller *poller, int64_t first_end_s);

void poller_tick(struct poller *poller, const struct poller_time *now);
/* poller_next_request - true: *request is to be sent now, and its reply to come back by
 * poller_reply(). */
bool poller_next_request(struct poller *poller, struct poller_request *request);
/* poller_reply - replies to requests that are given up meanwhile are ignored. */
void poller_reply(
    struct poller *poller, const struct poller_time *now, const struct poller_reply *reply);
/* poller_restart - what is out will not be answered (the way to the agent is another one now): the
 * fetch in hand begins anew, and a fault is forgotten. Periods that are still to come stay wanted.
 */
void poller_restart(struct poller *poller);
/* poller_next_event - true: something happened, in *event. */
bool poller_next_event(struct poller *poller, struct poller_event *event);

const struct poller_status *poller_status(const struct poller *poller);

#endif
