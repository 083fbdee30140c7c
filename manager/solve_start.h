/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A first placement that keeps all limits, near to a given one, or why there is none. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_START_H
#define GRAPPE_MANAGER_SOLVE_START_H

#include "manager/solve_search.h"

#define START_TEXT_SIZE 400

/* solve_start_now - place, per unit: where the most of its VMs are now. */
void solve_start_now(const struct instance *instance, const struct bounds *bounds,
    const struct solve_graph *graph, uint32_t *place);

/*
 * solve_start_find - places all nodes. place: where each should be if that is possible,
 * GRAPH_NOWHERE: wherever it costs least; NULL: nobody should be anywhere. State: as after
 * solve_state_init(). Returns 0; GRAPPE_ENOTFOUND when nothing was found; GRAPPE_EMEMORY.
 */
int solve_start_find(
    struct solve_state *state, const uint32_t *place, struct lots *lots, struct budget *budget);

/*
 * solve_start_explain - why there is no placement of the graph built from instance and bounds, in
 * words for people. Returns true when that is proven, false when none was found but there may be
 * one.
 */
bool solve_start_explain(const struct solve_graph *graph, const struct bounds *bounds,
    const struct instance *instance, char reason[START_TEXT_SIZE]);

#endif
