/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The links of a communication matrix as a graph: who exchanges enough with whom to be called
 * linked. Groups, shapes and hubs are all found on it. Nodes stand in natural order of their names
 * ("vm2" before "vm10"), so that every tie broken by index is broken by name. Pure; one thread.
 *
 * Life-cycle: graph_build(), use, graph_deinit().
 */
#ifndef GRAPPE_MANAGER_GRAPH_H
#define GRAPPE_MANAGER_GRAPH_H

#include "common/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_FLOOR_SECONDS 30.0 /* what the floor refers to */

struct graph_rules {
	bool by_octets;       /* weigh links by octets instead of packets */
	double floor_packets; /* a link exchanges more than this … */
	double floor_octets;  /* … and more than this in 30 s, both directions summed */
	double window_s;      /* length of the matrix's window, > 0 */
};

struct graph_link {
	uint32_t a, b; /* nodes of the graph, a < b */
	double weight; /* packets or octets, both directions */
};

struct graph_neighbour {
	uint32_t node;
	double weight;
};

struct graph {
	size_t nnodes;
	uint32_t *matrix_node; /* index of each node in the matrix, in natural order of names */
	struct graph_link *links;
	size_t nlinks;
	size_t *first; /* nnodes + 1 offsets into neighbours */
	struct graph_neighbour *neighbours;
};

/* graph_build - nodes: all of the matrix except reserved senders (external, other, multicast, named
 * endpoints); links: pairs above the floor. *out needs graph_deinit() only after success.
 * Returns 0, GRAPPE_EMEMORY, or GRAPPE_EINVALID for rules out of range. */
int graph_build(const struct matrix *matrix, const struct graph_rules *rules, struct graph *out);
void graph_deinit(struct graph *graph);

/* graph_degree - number of links of the node. */
size_t graph_degree(const struct graph *graph, uint32_t node);

#endif
