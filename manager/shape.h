/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The name of a communication pattern (M-6): which regular graph the links of some VMs form.
 * Where graphs coincide the first name counts: two VMs are a chain, three in a triangle all-to-all,
 * four in a square a ring.
 *
 * Measured links differ in weight and there is other traffic beside them. Each number of heaviest
 * links that a shape can have is tried; of those that are exactly a shape the one counts after
 * which the weight falls deepest, unless all links together are one and none falls by
 * SHAPE_CLEAR_FALL. Where none is, a few heavy links may be foreign in large ones.
 * What is left aside carries at most SHAPE_ASIDE of the traffic. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_SHAPE_H
#define GRAPPE_MANAGER_SHAPE_H

#include "manager/graph.h"

#include <stddef.h>
#include <stdint.h>

#define SHAPE_FALL 1.25 /* from the lightest link of a shape to the next at least so many times */
#define SHAPE_CLEAR_FALL 2.5   /* so that fewer links than all are the shape */
#define SHAPE_FOREIGN 8        /* links of a shape for each foreign one that is as heavy … */
#define SHAPE_FOREIGN_NODES 16 /* … if it has so many nodes */
#define SHAPE_ASIDE 0.35       /* of the traffic, left aside at most */

enum shape_kind {
	SHAPE_NONE, /* no links, not all connected, or no name for it */
	SHAPE_CHAIN,
	SHAPE_RING,
	SHAPE_STAR,
	SHAPE_MESH,
	SHAPE_HYPERCUBE,
	SHAPE_ALL_TO_ALL,
};

struct shape {
	enum shape_kind kind;
	uint32_t width, height; /* SHAPE_MESH, width <= height; else 0 */
};

#define SHAPE_TEXT_SIZE 40

/* shape_find - the shape that the links among nodes[count] (distinct nodes of the graph) form.
 * Returns 0 or GRAPPE_EMEMORY. */
int shape_find(const struct graph *graph, const uint32_t *nodes, size_t count, struct shape *shape);

/* shape_format - "chain", "mesh 2x4", …; returns out. */
const char *shape_format(const struct shape *shape, char out[SHAPE_TEXT_SIZE]);

#endif
