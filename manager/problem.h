/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an observation, the environment document and the groups to a planning problem, and back
 * from its numbers to names. Places are the hosts of the document and those on which VMs
 * were seen; only hosts of the document may receive (what is not listed is unknown, never free).
 * VMs without a known place stay out. Pure; one thread.
 *
 * Life-cycle: problem_build(), plan_find() on ->plan, use, problem_deinit(). The observation must
 * stay.
 */
#ifndef GRAPPE_MANAGER_PROBLEM_H
#define GRAPPE_MANAGER_PROBLEM_H

#include "common/place.h"
#include "manager/environment.h"
#include "manager/groups.h"
#include "manager/observation.h"
#include "manager/plan.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct problem {
	struct plan_problem plan;
	const struct observed_vm **vms; /* per VM of the plan; into the observation */
	struct place *places;           /* per place of the plan */
	char (*environments)[PLACE_NAME_SIZE];
	size_t left_out;       /* VMs without a known place */
	size_t unlisted_hosts; /* hosts with VMs that are not in the document */
};

/* problem_build - *out needs problem_deinit() only after success. environments may be empty.
 * Returns 0 or GRAPPE_EMEMORY. */
int problem_build(const struct observation *observation, const struct environments *environments,
    const struct groups *groups, struct problem *out);
/* problem_remember - marks where advice that stands sends VMs. advice: a document that passed
 * recommendation_check(), or NULL for none; only an open one counts. */
void problem_remember(struct problem *problem, const json_t *advice);
void problem_deinit(struct problem *problem);

#endif
