/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the archives must hold after a soak test, in the end and to the packet.
 *
 * A *part* is what one agent has of one period. For each part three things are decided:
 *
 * - It *must* be in the archives when in some run of the collector two things hold. First, the
 *   agent had it in its ring and answered, without a break, for TRUTH_FETCH_MS in that run; after
 *   a time without answers (or three lost ones in a row, which the collector cannot tell from
 *   that) for TRUTH_RETURN_MS. Second, the run lasted until the period had to be on disk: for
 *   TRUTH_WRITE_MS after all parts of it and of the periods before, back to the oldest ring at the
 *   start of the run, had been fetched in full, refused by an agent whose ring had gone on, or had
 *   grown so old that no ring holds them. A run that ends earlier owes nothing for that part: the
 *   next one finds it in the ring, or nobody holds it any more.
 * - It *may* be there when all of it was answered to some run.
 * - Otherwise it cannot be there.
 *
 * A receiver's period is right when the archives hold the sum of a set of its parts that contains
 * all that must and none that cannot be there: packets and octets of each sender to the unit, and
 * the share of the period that was watched. When nothing must be there, "unknown" is right as
 * well; 0 or anything else never is. A period stored twice would be too large, one written out of
 * order would be unknown.
 *
 * An address is known by the inventory of the host where the sender was in that period. When that
 * part is not one that must be there, the sender's packets may be under its name or `external`.
 */
#ifndef GRAPPE_TESTS_LAB_SOAK_TRUTH_H
#define GRAPPE_TESTS_LAB_SOAK_TRUTH_H

#include "tests/lab/soak_fleet.h"

#define TRUTH_FETCH_MS 15000
#define TRUTH_RETURN_MS 20000
#define TRUTH_WRITE_MS 2500

struct truth; /* opaque */

/* truth_new - with room for periods 0 … periods − 1 of the fleet, which must stay. More end the
 * program. */
struct truth *truth_new(const struct fleet *fleet, int64_t periods);
/* truth_free - NULL is allowed. */
void truth_free(struct truth *truth);

/* truth_begin_run / truth_end_run - the collector lives from … to. Agents are members of the run
 * from its begin; deadline_ms: its setting. */
void truth_begin_run(struct truth *truth, int64_t at_ms, int64_t deadline_ms);
void truth_end_run(struct truth *truth, int64_t at_ms);
/* truth_join / truth_leave - the agent is added to, taken out of the configuration (before the
 * first run, or in a run; once each in a run). */
void truth_join(struct truth *truth, int agent, int64_t at_ms);
void truth_leave(struct truth *truth, int agent, int64_t at_ms);

/* truth_fetched - all of a part was answered. */
void truth_fetched(struct truth *truth, int agent, int64_t number, int64_t at_ms);
/* truth_refused - the agent answered that it has newer periods, but not this one. */
void truth_refused(struct truth *truth, int agent, int64_t number, int64_t at_ms);
/* truth_unanswered - so many answers were lost in a row that the collector takes the agent for
 * dead. */
void truth_unanswered(struct truth *truth, int agent, int64_t at_ms);
/* truth_excuse - nobody can be expected to fetch anything meanwhile; after all earlier times. */
void truth_excuse(struct truth *truth, struct fleet_span span);

struct truth_sums {
	uint64_t right;   /* periods of receivers that had to be there, and are */
	uint64_t lucky;   /* that could be there, and are */
	uint64_t unknown; /* that could be there, and are unknown */
	uint64_t lost;    /* that could not be there any more, and are unknown */
	uint64_t wrong;
	uint64_t shared; /* of the right ones: sums of several agents */
	double packets;  /* in all that is there */
	uint64_t rows;   /* consolidated rows compared, of all levels above the finest */
};

/* truth_check - compares with the archives in folder; says the first faults on standard output. */
void truth_check(struct truth *truth, const char *folder, struct truth_sums *sums);

#endif
