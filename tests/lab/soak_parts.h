/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What soak_truth.c (what must be in the archives) and soak_check.c (what is) share.
 */
#ifndef GRAPPE_TESTS_LAB_SOAK_PARTS_H
#define GRAPPE_TESTS_LAB_SOAK_PARTS_H

#include "tests/lab/soak_truth.h"

/* A part: what one agent has of one period. */
struct part {
	bool must, may;
	int32_t settled_run; /* the run in which nothing more was to come, and when */
	int64_t settled_ms;
};

/* An agent in the present run. */
struct member {
	bool configured;
	struct fleet_span span; /* polled */
	int64_t first;          /* number of the first period it is asked for */
};

struct deaf {
	struct fleet_span *items; /* in order */
	size_t count, capacity;
};

struct truth {
	const struct fleet *fleet;
	int64_t periods;        /* room */
	int64_t first, last;    /* numbers of those that could be asked for */
	struct member *members; /* by agent */
	struct deaf *deaf;      /* by agent: times in which too many answers were lost */
	struct part *parts;     /* by agent, then period */
	int32_t run;            /* number of the present run, from 1 */
	int64_t begin_ms, deadline_ms;
};

struct part *truth_part(const struct truth *truth, int agent, int64_t number);

#endif
