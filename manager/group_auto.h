/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The default grouping, method `auto`: parts between which little flows (manager/group_flow.h),
 * joined where no noise explains the links between them (manager/group_join.h). What is linked to
 * nothing else and has a shape (manager/shape.h) is one group, however far apart its ends are: a
 * ring of 64 is one application. It needs no setting. Pure, deterministic; one thread.
 */
#ifndef GRAPPE_MANAGER_GROUP_AUTO_H
#define GRAPPE_MANAGER_GROUP_AUTO_H

#include "manager/graph.h"
#include "manager/group.h"

#include <stdbool.h>
#include <stdint.h>

/* group_auto - writes each node's group into group_of[graph->nnodes]: 0, 1, … in order of their
 * first node, or GROUP_ALONE. leave_out: nodes that take no part (NULL: none); they are
 * GROUP_ALONE. Returns the number of groups of two or more, or GRAPPE_EMEMORY. */
int group_auto(const struct graph *graph, const bool *leave_out, uint32_t *group_of);

#endif
