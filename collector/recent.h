/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one agent counted and lost in its newest periods, as far as they were delivered, in whatever
 * order: those that end within RECENT_PERIODS periods of the newest one. Pure; one thread. Zeroed:
 * none.
 */
#ifndef GRAPPE_COLLECTOR_RECENT_H
#define GRAPPE_COLLECTOR_RECENT_H

#include "common/period.h"

#include <stdint.h>

#define RECENT_PERIODS 10

struct recent_sums {
	uint32_t periods;
	uint64_t packets; /* received by VMs, multicast and `other` included */
	uint64_t other;   /* of packets, those whose pair found no room in the sensor's table */
	uint64_t drops;   /* lost by the host's kernel before they were counted */
	uint64_t unmatched;
};

struct recent {
	struct {
		int64_t end_s;
		uint32_t length_s;
		struct recent_sums sums;
	} places[RECENT_PERIODS]; /* by end / length */
};

/* recent_add - a period that came; one that came already counts once. */
void recent_add(struct recent *recent, const struct period *period);
struct recent_sums recent_sum(const struct recent *recent);

#endif
