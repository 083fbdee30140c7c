/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From environments to hosts: who goes where inside the environment that was chosen for it. Who can
 * stay on its host stays. Pure.
 */
#ifndef GRAPPE_MANAGER_PLAN_HOSTS_H
#define GRAPPE_MANAGER_PLAN_HOSTS_H

#include "manager/problem.h"

#include <stdbool.h>

struct plan_hosts_task {
	const struct problem *problem;
	const uint32_t *place; /* per VM: where it is */
	const uint32_t *env;   /* per VM: where it should be */
	const bool *fixed;     /* per VM: it stays on its host, whatever that means */
	bool lenient;          /* who finds no host stays where it is */
};

/* plan_hosts_find - out: per VM a place; refused: per VM, whether its environment has no host for
 * it (never when lenient). Returns how many were refused, or GRAPPE_EMEMORY. */
int plan_hosts_find(const struct plan_hosts_task *task, uint32_t *out, bool *refused);

#endif
