/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A made-up fleet for the soak test: hosts that reboot, agents that restart or cannot be reached,
 * VMs that migrate, vanish and appear, and what each received from whom in each period. All of it
 * follows from a seed: any question about any time has one answer, whoever asks and when.
 *
 * Times are milliseconds since the start; period number n ends at n * FLEET_LENGTH_MS. Pure; one
 * thread. Life-cycle: fleet_new(), for a scenario of one's own fleet_move() and fleet_hide(),
 * questions, fleet_free(). Failures end the program.
 */
#ifndef GRAPPE_TESTS_LAB_SOAK_FLEET_H
#define GRAPPE_TESTS_LAB_SOAK_FLEET_H

#include "common/period.h"

#define FLEET_LENGTH_MS 30000
#define FLEET_RING 20 /* newest periods that an agent keeps */
#define FLEET_MINUTE_MS INT64_C(60000)
#define FLEET_GROUP 4 /* VMs that talk with each other */

struct fleet_config {
	uint64_t seed;
	int64_t start_s; /* epoch, a multiple of the period */
	int64_t calm_ms; /* from here on nothing happens any more; 0: nothing ever happens */
	int agents;
	int vms;
	int64_t fault_gap_ms; /* mean time between two faults of one agent */
	int64_t move_gap_ms;  /* and between two moves of one VM */
	bool endpoint;        /* VMs talk with a fixed node without a sensor, too */
};

enum fleet_mood {
	FLEET_ANSWERS,
	FLEET_SILENT,   /* host down or not reachable */
	FLEET_NO_AGENT, /* snmpd answers for itself, the agent is being restarted */
};

struct fleet_span {
	int64_t from_ms, to_ms; /* without its end */
};

struct fleet; /* opaque */

struct fleet *fleet_new(const struct fleet_config *config);
/* fleet_free - NULL is allowed. */
void fleet_free(struct fleet *fleet);
/* fleet_move - from at_ms on the VM is at this agent; after all its earlier moves. */
void fleet_move(struct fleet *fleet, int vm, int agent, int64_t at_ms);
/* fleet_hide - the agent cannot be reached meanwhile; after all its earlier faults. */
void fleet_hide(struct fleet *fleet, int agent, struct fleet_span span);

const struct fleet_config *fleet_config(const struct fleet *fleet);
/* fleet_random - a number in [0, 1) that belongs to these three. */
double fleet_random(const struct fleet *fleet, uint64_t a, uint64_t b, uint64_t c);

enum fleet_mood fleet_mood(const struct fleet *fleet, int agent, int64_t at_ms);
/* fleet_next_blocked - the first stretch in which the agent does not answer that ends after
 * at_ms; false: none. */
bool fleet_next_blocked(
    const struct fleet *fleet, int agent, int64_t at_ms, struct fleet_span *out);
/* fleet_held - when the agent has the period in its ring. False: it never has. */
bool fleet_held(const struct fleet *fleet, int agent, int64_t number, struct fleet_span *out);
/* fleet_newest - number of the newest period in the agent's ring, 0 = its ring is empty. */
int64_t fleet_newest(const struct fleet *fleet, int agent, int64_t at_ms);

/* fleet_covered_ms - how long the agent watched the VM in the period, 0: not at all, or it has no
 * such period. */
int64_t fleet_covered_ms(const struct fleet *fleet, int agent, int64_t number, int vm);
/* fleet_count - what the agent counted for the VM from this sender. */
enum { FLEET_EXTERNAL = -1, FLEET_MULTICAST = -2, FLEET_ENDPOINT = -3 }; /* no VMs */
#define FLEET_ENDPOINT_NAME "nfs"
#define FLEET_ENDPOINT_ADDRESS "203.0.113.9"
struct fleet_count {
	uint64_t packets, octets;
};
struct fleet_count fleet_count(
    const struct fleet *fleet, int agent, int64_t number, int vm, int sender);
/* fleet_sent - what the agent counted that the VM sent to the endpoint. */
struct fleet_count fleet_sent(const struct fleet *fleet, int agent, int64_t number, int vm);
/* fleet_period - the period as the agent has it, for period_free(). */
struct period *fleet_period(const struct fleet *fleet, int agent, int64_t number);
/* fleet_vm_id - identity of a VM; a static text. */
const char *fleet_vm_id(int vm);

#endif
