/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a part of a graph goes on in another one: a random walk takes so long from one end of a
 * chain to the other that the map equation (manager/group_flow.h) cuts it into stretches, at its
 * lightest links. A strand is a part of STRAND_NODES or more nodes that is nearly a tree and in
 * which no node has more than STRAND_DEGREE links: such are stretches of chains and of narrow
 * meshes; dense groups and stars are none, and nothing cuts them either. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_GROUP_STRAND_H
#define GRAPPE_MANAGER_GROUP_STRAND_H

#include "manager/graph.h"
#include "manager/group.h"

#include <stdbool.h>
#include <stdint.h>

#define STRAND_NODES 3
#define STRAND_DEGREE 3 /* links of a node inside at most: two of a chain, one of noise */
#define STRAND_CHORD 6  /* nodes for each link inside beyond those of a tree */
#define STRAND_END 1    /* links inside of a node at which a strand may go on, at most */
#define STRAND_ALIKE 0.25

/* group_strand_mark - sets goes_on[graph->nlinks]: links between two strands that are the heaviest
 * to another part at both their nodes, nodes with STRAND_END links inside at most, and that weigh
 * at least STRAND_ALIKE of the lower quartile of the links inside one of the two. Links that weigh
 * `floor` or less are taken for noise, those inside that are lighter than this share for chords;
 * neither counts. part_of[graph->nnodes]: below nparts, or GROUP_ALONE. Returns 0 or
 * GRAPPE_EMEMORY. */
int group_strand_mark(const struct graph *graph, const uint32_t *part_of, uint32_t nparts,
    double floor, bool *goes_on);

#endif
