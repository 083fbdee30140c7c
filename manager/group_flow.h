/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parts of a graph between which little flows, by the two-level map equation (M. Rosvall and
 * C. T. Bergstrom, Maps of random walks on complex networks reveal community structure, PNAS 105,
 * 2008): of all partitions the one in which a random walk takes the fewest bits to tell. Searched
 * by moving nodes to the part of a neighbour while the description gets shorter, then by taking
 * parts for nodes, then by moving single nodes again.
 *
 * A link weighs the square root of its traffic: traffic of one application spreads over decades,
 * and a single heavy pair would else part what belongs together. Large sparse patterns (a long
 * chain, a wide mesh) still come out in several parts; manager/group_join.h puts them together.
 *
 * Pure and deterministic: the same graph gives the same parts. Time grows with links times passes
 * (some tens), memory with nodes and links. One thread.
 */
#ifndef GRAPPE_MANAGER_GROUP_FLOW_H
#define GRAPPE_MANAGER_GROUP_FLOW_H

#include "manager/graph.h"
#include "manager/group.h"

#include <stdbool.h>
#include <stdint.h>

/* group_flow - writes each node's part into part_of[graph->nnodes]: 0, 1, … in order of their first
 * node; a node without links is a part of its own. leave_out: nodes that take no part (NULL: none);
 * they are GROUP_ALONE. Returns the number of parts or GRAPPE_EMEMORY. */
int group_flow(const struct graph *graph, const bool *leave_out, uint32_t *part_of);

#endif
