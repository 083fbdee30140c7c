/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts of one (vif, peer) in the agent: both directions of a pair in one row, the
 * vif by the number it has in the MIB. Sets of tallies are arrays in the order of the
 * SNMP index {vif number, InetAddressType, InetAddress}. Pure; any thread.
 */
#ifndef GRAPPE_AGENT_TALLY_H
#define GRAPPE_AGENT_TALLY_H

#include "common/address.h"
#include "common/period.h"

#include <stddef.h>
#include <stdint.h>

struct tally {
	uint32_t vif;      /* number in grappeVifTable */
	uint32_t last_end; /* newest period with traffic, epoch s */
	struct address peer;
	uint64_t packets, octets;           /* received */
	uint64_t sent_packets, sent_octets; /* to a named endpoint */
};

struct tally_set {
	struct tally *items; /* owned; ascending, no two of the same vif and peer */
	size_t count;
};

/* tally_compare - order of the SNMP index; <0, 0, >0. */
int tally_compare(const struct tally *a, const struct tally *b);

/* tally_from_period - the rows of a sorted period as a set; numbers[i] is the number of the
 * period's i-th vif, several of them may be equal. out is overwritten. Returns 0 or GRAPPE_EMEMORY.
 */
int tally_from_period(const struct period *period, const uint32_t *numbers, struct tally_set *out);

/* tally_merge - out = old + new: counts of the same vif and peer are added, the later last_end
 * stays. Takes neither; out is overwritten. Returns 0 or GRAPPE_EMEMORY. */
int tally_merge(const struct tally_set *old, const struct tally_set *new, struct tally_set *out);

/* tally_free - releases what a set owns and empties it. */
void tally_free(struct tally_set *set);

#endif
