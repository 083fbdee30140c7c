/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traffic between environments over time, for a report: what receivers got, row by row, spread over
 * steps of one length. What nobody watched stays unknown, never 0: each step knows how much of it
 * was watched. VMs count where the observation says they are. Pure; one thread.
 *
 * Life-cycle: report_series_init(), report_series_known() and report_series_add() for each row,
 * report_series_json(), report_series_deinit().
 */
#ifndef GRAPPE_MANAGER_REPORT_SERIES_H
#define GRAPPE_MANAGER_REPORT_SERIES_H

#include "manager/observation.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_STEPS_MAX 96        /* steps of a series */
#define REPORT_ENVIRONMENTS_MAX 32 /* in a series; VMs in others are left out, and that is said */
#define REPORT_LINES_MAX 5         /* pairs of environments on their own; the rest is summed */
#define REPORT_HALF 0.5            /* a step of which less is known has no value */

struct report_series {
	const struct observation *observation; /* borrowed */
	int64_t from_s, to_s, step_s;          /* steps begin at multiples of step_s */
	size_t count;                          /* of steps */
	char environments[REPORT_ENVIRONMENTS_MAX][PLACE_NAME_SIZE];
	size_t nenvironments;
	bool left_out;           /* there are more environments */
	double *octets;          /* [from][to][step], of what is known */
	double *known, *watched; /* [environment][step]: seconds of its receivers */
};

/* report_series_init - (from_s, to_s] with steps of whole periods of length_s. Returns 0,
 * GRAPPE_EINVALID (no such window) or GRAPPE_EMEMORY. */
int report_series_init(struct report_series *series, const struct observation *observation,
    int64_t from_s, int64_t to_s, int64_t length_s);
void report_series_deinit(struct report_series *series);

/* report_series_bounds - (from, to] of a step; the first and the last may be shorter. */
void report_series_bounds(
    const struct report_series *series, size_t step, int64_t *from_s, int64_t *to_s);

/* report_series_known - of (from_s, to_s] the share 0…1 is known for a receiver. */
void report_series_known(
    struct report_series *series, const char *receiver, int64_t from_s, int64_t to_s, double share);
/* report_series_between - whether both are VMs whose environments are known and differ. */
bool report_series_between(
    const struct report_series *series, const char *sender, const char *receiver);
/* report_series_add - octets that the receiver is known to have got in (from_s, to_s]. */
void report_series_add(struct report_series *series, const char *sender, const char *receiver,
    int64_t from_s, int64_t to_s, double octets);

/* report_series_json - {"from", "to", "step_s", "lines": [{"between", "octets_per_s", "known"}],
 * "left_out"}, both ways
 * together, the pairs with most traffic first; null for what is not known. With more than one
 * environment there is at least one line. A new reference, NULL without memory. */
json_t *report_series_json(const struct report_series *series);

#endif
