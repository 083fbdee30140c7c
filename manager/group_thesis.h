/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Communication groups by dynamic thresholds (M-1…M-4 of doc/requirements.md, method `thesis`):
 * pairs are taken by decreasing weight; a group grows while pairs reach a share of the mean of
 * those that built it. Pure, deterministic (ties by name); one thread.
 *
 *   neither VM is in a group        they found one
 *   one of them is                  above that group's threshold the other joins; else it stands in
 *                                   a group of its own whose threshold is zero
 *   both are in the same group      nothing
 *   they are in different groups    the groups merge if the pair exceeds both thresholds and all
 *                                   traffic between them exceeds `merge_share` of the traffic
 *                                   inside the one with less; where one has a single VM the
 *                                   larger group's threshold alone decides
 */
#ifndef GRAPPE_MANAGER_GROUP_THESIS_H
#define GRAPPE_MANAGER_GROUP_THESIS_H

#include "manager/graph.h"
#include "manager/group.h"

#include <stdbool.h>
#include <stdint.h>

struct thesis_rules {
	double factor;      /* threshold = factor x mean of the pairs that built the group */
	double merge_share; /* see above */
};

/* group_thesis - writes each node's group into group_of[graph->nnodes]: 0, 1, … in order of their
 * first node, or GROUP_ALONE. leave_out: nodes that take no part (NULL: none); they are
 * GROUP_ALONE. Returns the number of groups of two or more, GRAPPE_EMEMORY or GRAPPE_EINVALID
 * (rules). */
int group_thesis(const struct graph *graph, const bool *leave_out, const struct thesis_rules *rules,
    uint32_t *group_of);

#endif
