/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What could go wrong with a move, as far as the environment document, the inventory and the
 * traffic tell; what nobody tells is unknown, never fine. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_HAZARD_H
#define GRAPPE_MANAGER_HAZARD_H

#include "manager/observation.h"
#include "manager/plan.h"
#include "manager/problem.h"

#include <jansson.h>
#include <stddef.h>

/*
 * hazard_list - [{"kind", "state", "text"}, …] of a step.
 *   kind   address   whether the VM's addresses are free at the target
 *          network   whether its network segment reaches there
 *          path      whether its traffic with other segments still passes the old site
 *          outside   what outside users exchange with it
 *          group     whether its group is torn apart
 *          capacity  whether it fits
 *   state  clear, conflict, unknown
 * A new reference, NULL without memory.
 */
json_t *hazard_list(const struct problem *problem, const struct observation *observation,
    const struct plan *plan, size_t step);

#endif
