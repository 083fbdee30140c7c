/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all grouping methods share: how a partition of the nodes of a graph is written down.
 * Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_GROUP_H
#define GRAPPE_MANAGER_GROUP_H

#include <stddef.h>
#include <stdint.h>

#define GROUP_ALONE UINT32_MAX /* in no group of two or more */

/* group_number - renumbers group_of[nnodes], whose values are below nnodes or GROUP_ALONE, so that
 * groups of `least` or more nodes are 0, 1, … in order of their first node and all others are
 * GROUP_ALONE. Returns the number of groups or GRAPPE_EMEMORY. */
int group_number(uint32_t *group_of, size_t nnodes, uint32_t least);

#endif
