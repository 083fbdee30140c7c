/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A placement and how full it makes every host. Private to the planner. Pure.
 */
#ifndef GRAPPE_MANAGER_PLAN_STATE_H
#define GRAPPE_MANAGER_PLAN_STATE_H

#include "manager/plan.h"

struct plan_usage {
	double vcpu, mem_GiB, vms;
};

struct plan_state {
	const struct plan_problem *problem;
	uint32_t *place_of;       /* per VM */
	struct plan_usage *usage; /* per place */
};

/* plan_state_init - the placement place_of, or the problem's own when NULL. Returns 0 or
 * GRAPPE_EMEMORY. */
int plan_state_init(
    struct plan_state *state, const struct plan_problem *problem, const uint32_t *place_of);
void plan_state_deinit(struct plan_state *state);

/* plan_state_put - moves the VM to a place or PLAN_NOWHERE, without any check. */
void plan_state_put(struct plan_state *state, uint32_t vm, uint32_t place);
/* plan_state_fits - whether the place may receive the VM and would stay within its limits. */
bool plan_state_fits(const struct plan_state *state, uint32_t vm, uint32_t place);
/* plan_state_over - how far the place is over its limits: the largest excess as a share of its
 * limit, 0 when within them. */
double plan_state_over(const struct plan_state *state, uint32_t place);
/* plan_state_load - how full it is, 0 … 1 and more: the largest share of a known limit, else of
 * nothing. */
double plan_state_load(const struct plan_state *state, uint32_t place);
uint32_t plan_state_environment(const struct plan_state *state, uint32_t vm);
/* plan_state_choose - the least full place of the environment that fits, or PLAN_NOWHERE. `except`:
 * a place that is not meant (PLAN_NOWHERE: none). */
uint32_t plan_state_choose(
    const struct plan_state *state, uint32_t vm, uint32_t environment, uint32_t except);

#endif
