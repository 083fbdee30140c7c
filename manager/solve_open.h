/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The use of resources: which environments can be left empty, so that those left open are small.
 * Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_OPEN_H
#define GRAPPE_MANAGER_SOLVE_OPEN_H

#include "manager/solve_search.h"

/*
 * solve_open_fewest - place: per node, a placement without violations; becomes one with the
 * smallest sum of capacities of environments in use that was found, and few moves. Uses the budget
 * up to `end` of its progress. Returns 0 or GRAPPE_EMEMORY.
 */
int solve_open_fewest(const struct instance *instance, const struct solve_graph *graph,
    uint32_t *place, size_t max_moved, struct lots *lots, struct budget *budget, double end);

#endif
