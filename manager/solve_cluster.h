/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clusters of nodes that exchange much, so that a search can move them as one. A quick grouping for
 * the search alone (label propagation under a bound on size); it says nothing to people. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_CLUSTER_H
#define GRAPPE_MANAGER_SOLVE_CLUSTER_H

#include "manager/solve_search.h"

/* solve_cluster_find - cluster[node] = 0 … count - 1, in the order of their first nodes. place:
 * nodes of different environments stay in different clusters; NULL: it does not matter. most: of a
 * cluster. Nodes that must be apart from others stay alone. Returns the count or
 * GRAPPE_EMEMORY. */
int solve_cluster_find(const struct solve_graph *graph, const uint32_t *place,
    const struct load *most, struct lots *lots, struct budget *budget, uint32_t *cluster);

#endif
