/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a move brought, measured from the traffic before and after it: did the VM appear at its new
 * place, how long was it silent, which pairs fell silent, does it still talk with the old site, how
 * much traffic between environments was saved against what was predicted (doc/effect.md). Pure;
 * one thread.
 */
#ifndef GRAPPE_MANAGER_EFFECT_H
#define GRAPPE_MANAGER_EFFECT_H

#include "common/protocol.h"
#include "manager/environment.h"
#include "manager/observation.h"
#include "manager/recommendation.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EFFECT_PERIODS_MAX 64 /* around a move that are looked at for silence */
#define EFFECT_PEERS_MAX 20   /* pairs of a VM that are named */

/* A move that was made, and what was said of it. */
struct effect_watch {
	char id[RECOMMENDATION_ID_SIZE]; /* of the recommendation; "": nobody recommended it */
	char vm[OBSERVATION_ID_SIZE], name[OBSERVATION_ID_SIZE];
	struct place from, to;
	int64_t left_s, arrived_s; /* it was made after the one and before the other, epoch s */
	int64_t seen_s;            /* when sensors saw it there first, 0: not yet */
	bool ours;                 /* carried out by this manager */
	double octets_before, octets_after; /* per second between environments, as predicted; NAN */
};

/* What a VM received in one period. */
struct effect_period {
	int64_t end_s;
	double packets,
	    known; /* known: share of the period that was watched, 0 nobody saw the VM */
};

/* How long nothing came in, as exactly as periods tell. */
struct effect_silence {
	bool known;
	unsigned periods; /* whole ones in a row without a packet */
	int64_t least_s, most_s;
	const char *why; /* not known: why; a constant */
};

/* effect_windows - the windows before and after a move, of whole periods: before ends with the last
 * period that ended when the VM left, after begins with the first that began when it had arrived.
 * length_s: of a period, > 0. window_s is rounded up to whole periods. */
void effect_windows(const struct effect_watch *watch, int64_t length_s, int64_t window_s,
    int64_t before[2], int64_t after[2]);

/* effect_read_periods - what `vm` received, from a `detail` answer over (from_s, to_s]. Returns how
 * many periods were written, in order of time, or GRAPPE_EFORMAT. */
int effect_read_periods(const struct protocol_reply *reply, const char *vm, int64_t from_s,
    int64_t to_s, int64_t length_s, struct effect_period periods[EFFECT_PERIODS_MAX]);
/* effect_silence - the first period is before the move, the last ones after it. */
struct effect_silence effect_silence(
    const struct effect_period *periods, size_t count, int64_t length_s);

/* effect_build - the document of moves that were made together. before, after: observations of the
 * windows; their inventories tell where other VMs are. silences: one for each watch. A new
 * reference, NULL without memory. */
json_t *effect_build(const struct effect_watch *watches, const struct effect_silence *silences,
    size_t count, const struct observation *before, const struct observation *after,
    const struct environments *environments, int64_t now_s);
/* effect_brought_nothing - it was measured, something was predicted, and less than a tenth of it
 * was seen. */
bool effect_brought_nothing(const json_t *effect);
/* effect_text - one line about the whole. Borrowed from the document. */
const char *effect_text(const json_t *effect);

#endif
