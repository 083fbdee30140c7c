/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The name of a communication pattern (M-6): which regular graph the links of some VMs form.
 * Where graphs coincide the first name counts: two VMs are a chain, three in a triangle all-to-all,
 * four in a square a ring. Links below a twentieth of the heaviest are ignored
 * where what is left has a name. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_SHAPE_H
#define GRAPPE_MANAGER_SHAPE_H

#include "manager/graph.h"

#include <stddef.h>
#include <stdint.h>

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
