/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a move: one sentence for people, from the traffic that decided it (M-14), and what
 * could go wrong that nobody told us about (M-15). Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_EXPLAIN_H
#define GRAPPE_MANAGER_EXPLAIN_H

#include "manager/observation.h"
#include "manager/plan.h"
#include "manager/problem.h"

#include <jansson.h>
#include <stddef.h>

#define EXPLAIN_SIZE 1024

/* explain_rate - "5.1 MB/s" for octets per second; returns out. */
const char *explain_rate(double octets_per_s, char *out, size_t size);

/* explain_step - the sentence for plan->steps[step] into out; returns out. */
const char *explain_step(const struct problem *problem, const struct observation *observation,
    const struct plan *plan, size_t step, char out[EXPLAIN_SIZE]);

/* explain_hazards - [{"kind", "state", "text"}, …] of the step. A new reference, NULL without
 * memory. */
json_t *explain_hazards(const struct problem *problem, const struct plan *plan, size_t step);

#endif
