/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bench only: packets and octets of grappePairTable of many agents, by GETBULK of both columns over
 * net-snmp's single-session calls, as a poller without blocks would read them.
 */
#ifndef GRAPPE_TESTS_BENCH_POLL_COLUMNS_H
#define GRAPPE_TESTS_BENCH_POLL_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;

struct poll_columns_result {
	unsigned agents;   /* that answered to the end */
	uint64_t counters; /* read and added up */
	uint64_t sum;
};

/* poll_columns - asks all once and waits until all answered or 5 s passed. Sessions stay open for
 * the next call. False after an error. */
bool poll_columns(struct event_base *base, char *const *addresses, unsigned count,
    struct poll_columns_result *result);

#endif
