/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much of a plan's gain its best moves bring: for readers who want to make only some. Pure. */
#ifndef GRAPPE_MANAGER_PLAN_CURVE_H
#define GRAPPE_MANAGER_PLAN_CURVE_H

#include "manager/plan.h"

/* plan_curve_find - fills plan->curve: after so many of the VMs that move, the best next one each
 * time, what the objective comes to. Room is not looked at. Returns 0 or GRAPPE_EMEMORY. */
int plan_curve_find(
    const struct problem *problem, enum cost_objective objective, struct plan *plan);

#endif
