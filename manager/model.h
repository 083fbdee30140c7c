/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objective that plans minimise; the only place that knows it. Here: the traffic between
 * environments, in IP octets per second; packets are reported beside it. Another model replaces
 * the functions of this header. Pure.
 */
#ifndef GRAPPE_MANAGER_MODEL_H
#define GRAPPE_MANAGER_MODEL_H

#include "manager/plan.h"

/* model_total - of a whole placement. place_of: per VM; who is PLAN_NOWHERE counts nothing. */
struct plan_terms model_total(const struct plan_problem *problem, const uint32_t *place_of);

/* model_costs - the part of the objective that VM `vm` takes part in, if it were in each
 * environment; costs[problem->nenvironments]. Its own place does not matter. */
void model_costs(const struct plan_problem *problem, const uint32_t *place_of, uint32_t vm,
    struct plan_terms *costs);

/* model_value - the number to minimise. */
double model_value(struct plan_terms terms);

#endif
