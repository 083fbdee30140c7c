/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agents of a fleet on the network: one UDP socket answers for all of them, each at a loopback
 * address of its own. A request is answered some simulated milliseconds later, late, or never, as
 * the fleet's mood and the seed want it; the truth is told what came through.
 *
 * Life-cycle: agents_open(); agents_receive() when the collector waits, agents_send() when the
 * clock has moved; agents_forget() when the collector has died; agents_close().
 */
#ifndef GRAPPE_TESTS_LAB_SOAK_AGENTS_H
#define GRAPPE_TESTS_LAB_SOAK_AGENTS_H

#include "tests/lab/soak_truth.h"

struct agents; /* opaque */

struct agents_config {
	const struct fleet *fleet;
	struct truth *truth;
	double lost;        /* share of answers that never come */
	double late;        /* share of answers that take up to some seconds */
	int64_t timeout_ms; /* of the collector's requests: what takes longer is as good as lost */
	int tries;          /* after so many lost in a row an agent counts as dead */
};

struct agents_counts {
	uint64_t requests, answered, lost, late;
};

/* agents_open - failures end the program. */
struct agents *agents_open(const struct agents_config *config);
/* agents_close - NULL is allowed. */
void agents_close(struct agents *agents);
/* agents_address - "HOST:PORT" of an agent; a static text. */
const char *agents_address(const struct agents *agents, int agent);

/* agents_receive - takes all requests that have arrived. */
void agents_receive(struct agents *agents, int64_t now_ns);
/* agents_next_ns - when the next answer is due, INT64_MAX: none is out. */
int64_t agents_next_ns(const struct agents *agents);
/* agents_send - sends all answers that are due. */
void agents_send(struct agents *agents, int64_t now_ns);
/* agents_forget - requests and answers that nobody waits for any more. */
void agents_forget(struct agents *agents);

struct agents_counts agents_get_counts(const struct agents *agents);

#endif
