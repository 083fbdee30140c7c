/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a move: one sentence for people, from what decided it. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_EXPLAIN_H
#define GRAPPE_MANAGER_EXPLAIN_H

#include "manager/observation.h"
#include "manager/plan.h"
#include "manager/problem.h"

#include <stddef.h>

#define EXPLAIN_SIZE 1024

/* explain_rate - "5.1 MB/s" for octets per second; returns out. */
const char *explain_rate(double octets_per_s, char *out, size_t size);

/* explain_step - the sentence for plan->steps[step] into out; returns out. */
const char *explain_step(const struct problem *problem, enum cost_objective objective,
    const struct plan *plan, size_t step, char out[EXPLAIN_SIZE]);

#endif
