/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a set of new places to steps that can be carried out one after the other. Private to the
 * planner. Pure.
 */
#ifndef GRAPPE_MANAGER_PLAN_ORDER_H
#define GRAPPE_MANAGER_PLAN_ORDER_H

#include "manager/plan.h"

/* plan_order - steps that lead from placement `from` to `to` (per VM), hosts over capacity first,
 * then in the order of VMs, which noise does not change; at no step does a host go over its limits
 * or farther over them. *steps is a heap array that the caller frees. Returns the number of steps,
 * GRAPPE_ENOTFOUND when there is no such order, or GRAPPE_EMEMORY. */
int plan_order(const struct plan_problem *problem, const uint32_t *from, const uint32_t *to,
    struct plan_step **steps);

#endif
