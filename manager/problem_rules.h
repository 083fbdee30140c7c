/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the plan of a problem must keep: the operator's file of rules, the availability of
 * environments, the application that may move, VMs without a place, and those that moved a short
 * while ago. Pure but for the file. Only problem_build() calls it.
 */
#ifndef GRAPPE_MANAGER_PROBLEM_RULES_H
#define GRAPPE_MANAGER_PROBLEM_RULES_H

#include "manager/problem.h"

#include <string.h>

/* problem_take_rules - fills rules and the VMs to be kept apart of a problem that has all else.
 * Returns 0, or with words in message what problem_build() does. */
int problem_take_rules(
    struct problem *problem, const struct problem_options *options, char *message, size_t size);

static inline bool problem_is_application(
    const struct problem_options *options, const struct observed_vm *vm)
{
	return options->application != NULL && strcmp(vm->application, options->application) == 0;
}

/* problem_is_new - whether an environment is that of VMs without a place. */
static inline bool problem_is_new(const struct problem *problem, size_t env)
{
	return strcmp(problem->environments[env], PROBLEM_NEW) == 0;
}

#endif
