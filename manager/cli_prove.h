/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grappe plan --instance --prove: how far the plan is from the optimum, and how that is told.
 */
#ifndef GRAPPE_MANAGER_CLI_PROVE_H
#define GRAPPE_MANAGER_CLI_PROVE_H

#include "manager/prove.h"
#include "manager/solve.h"

#include <jansson.h>

/* cli_prove_check - whether a plan for the instance can be proven here. Returns 0, or what
 * prove_check() returns, or GRAPPE_EINVALID, after saying so on standard error. */
int cli_prove_check(
    const char *program, const struct instance *instance, const struct solve_settings *settings);

/* cli_prove_limit - how long a proof takes at most: what settings->limit_s says, or a minute. The
 * search for the plan keeps its default, or less. */
double cli_prove_limit(struct solve_settings *settings, size_t nvms);

/* cli_prove_run - judges the answer; one that is infeasible becomes certain if the proof says so.
 * Returns 0, or an error after saying so on standard error. */
int cli_prove_run(const char *program, const struct instance *instance, const struct rules *rules,
    const struct solve_settings *settings, double limit_s, struct solve_answer *answer,
    struct proof *proof);

/* cli_prove_document - the object "proof". NULL without memory. */
json_t *cli_prove_document(const struct proof *proof);
/* cli_prove_print - the same as a line of text. */
void cli_prove_print(
    const struct proof *proof, enum cost_objective objective, const struct solve_answer *answer);

#endif
