/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shared services (a file server, DNS, monitoring) talk to everybody and would glue all groups into
 * one (M-7). A hub is a node with many more links than usual whose partners live in several parts
 * of the graph without it, none of which holds most of them: most partners exchange more with their
 * own part than with other parts, and more there than with the hub or at least much more than
 * elsewhere. The master of a star of workers is none: its workers do not talk to each other, and
 * what other traffic they have leads nowhere. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_HUBS_H
#define GRAPPE_MANAGER_HUBS_H

#include "manager/graph.h"

#include <stdbool.h>

#define HUB_DEGREE_MIN 8    /* links at least */
#define HUB_DEGREE_RATIO 3  /* times the median number of links of linked nodes */
#define HUB_PARTS_MIN 3     /* parts of two or more nodes in which it has partners */
#define HUB_PART_SHARE 0.55 /* of its partners in such parts at most in one */
#define HUB_HOME_SHARE 0.5  /* of a partner's other traffic that stays in its part (median) … */
#define HUB_HOME_CLEAR 0.7  /* … from which it does not matter how much it talks to the hub */

/* hubs_find - sets hub[graph->nnodes]. Returns the number of hubs or GRAPPE_EMEMORY. */
int hubs_find(const struct graph *graph, bool *hub);

#endif
