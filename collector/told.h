/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the collector told about itself: the `data` of its status answer (doc/protocol.md) as plain
 * values, for those who show it elsewhere. What is there is checked, what is not is zero or
 * unknown. Pure; any thread.
 */
#ifndef GRAPPE_COLLECTOR_TOLD_H
#define GRAPPE_COLLECTOR_TOLD_H

#include "common/place.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLD_TEXT_SIZE 256
#define TOLD_AGENTS_MAX 20000

enum told_health { TOLD_UNKNOWN, TOLD_OK, TOLD_FAILING };
enum told_state { TOLD_NEW, TOLD_UP, TOLD_DOWN, TOLD_REFUSED };
enum told_clock { TOLD_CLOCK_UNKNOWN, TOLD_CLOCK_OK, TOLD_CLOCK_UNSYNCED, TOLD_CLOCK_STEPPED };

struct told_agent {
	char name[PLACE_NAME_SIZE]; /* never "", no two alike */
	char address[TOLD_TEXT_SIZE];
	struct place place;
	enum told_state state;
	enum told_clock clock;
	char error[TOLD_TEXT_SIZE]; /* "": none */
	int64_t last_end_s;         /* newest period it delivered, 0 = none */
	uint64_t missed, lost, timeouts, drops;
};

struct told {
	char version[64];
	int64_t started_s;
	int64_t length_s; /* of a period */
	int64_t newest_end_s;
	bool newest_complete;
	int64_t complete_end_s; /* newest complete period, 0 = none */
	uint64_t hour_periods, hour_complete;
	uint64_t pairs, receivers, drops;
	enum told_health archive, folder;
	char archive_error[TOLD_TEXT_SIZE];
	int64_t archive_end_s; /* 0 = none */
	uint64_t archive_queue, archive_failures, archive_lost;
	uint64_t delivered, lost, address_conflicts, vm_conflicts;
	uint64_t memory_bytes;     /* 0 = not known */
	struct told_agent *agents; /* owned; by name, in the order of octets */
	size_t nagents;
};

/* told_parse - data: JSON from the socket, may be anything, also NULL. Texts are cut to their size
 * at the border of a character, controls in them replaced. Agents without a name, or with one that
 * was there before, are left out. Returns 0, GRAPPE_EFORMAT (no status of a collector) or
 * GRAPPE_EMEMORY, *out being NULL then. */
int told_parse(const json_t *data, struct told **out);
/* told_free - NULL is allowed. */
void told_free(struct told *told);

#endif
