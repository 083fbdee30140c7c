/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where VMs should live: an ordered list of moves for a live problem. What it costs is decided
 * between environments (manager/solve.h); then VMs get hosts, and moves an order in which no step
 * adds or worsens a violation. A move must save more than a reluctance, so that noise moves nobody,
 * and on its own result the planner recommends nothing. Pure but for the processor time; one
 * thread.
 *
 * Life-cycle: problem_build(), plan_find(), use, plan_deinit().
 */
#ifndef GRAPPE_MANAGER_PLAN_H
#define GRAPPE_MANAGER_PLAN_H

#include "manager/problem.h"
#include "manager/solve.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_settings {
	enum cost_objective objective;
	double minimum_gain;        /* share of its traffic's cost that a moved VM must save */
	double minimum_gain_octets; /* per second, that each move must save (COST_TRAFFIC) */
	double payback_h;           /* by when a move must save what it costs */
	size_t max_moves;           /* voluntary ones, parking included */
	double limit_s;             /* processor time at most */
	double caps[CAP_KINDS];     /* as in struct solve_settings */
};

struct plan_step {
	uint32_t vm, from, to;            /* VM and places of the problem */
	uint32_t step;                    /* from 1; VMs that move together share one */
	bool parking;                     /* not its last place: it moves again in a later step */
	bool forced;                      /* it may not stay where it is */
	struct cost_totals before, after; /* of the whole, around this move */
};

struct plan {
	struct plan_step *steps;
	size_t nsteps;
	struct cost_totals before, after;
	uint32_t *place; /* per VM: where the plan ends */
	bool feasible;   /* false: no placement keeps the rules; there are no steps then */
	char reason[SOLVE_TEXT_SIZE]; /* why not feasible, or "" */
	size_t overfull; /* hosts and environments that stay over their capacity for want of room */
	struct solve_point curve[SOLVE_CURVE_MAX]; /* how much so many moves bring */
	size_t ncurve;
};

/* plan_find - *out needs plan_deinit() only after success; no steps: nothing worth moving.
 * Returns 0 or GRAPPE_EMEMORY. */
int plan_find(
    const struct problem *problem, const struct plan_settings *settings, struct plan *out);
void plan_deinit(struct plan *plan);

#endif
