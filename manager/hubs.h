/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shared services (a file server, DNS, monitoring) talk to everybody and would glue all groups into
 * one (M-7). A hub is a node with many more links than usual that, once such nodes are set
 * aside, touches several separate sets of VMs that talk among themselves. The master of a star of
 * workers is none: its workers do not talk to each other. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_HUBS_H
#define GRAPPE_MANAGER_HUBS_H

#include "manager/graph.h"

#include <stdbool.h>

#define HUB_DEGREE_MIN 8   /* links at least */
#define HUB_DEGREE_RATIO 3 /* times the median number of links of linked nodes */
#define HUB_SETS_MIN 3     /* separate sets of two or more VMs it touches */

/* hubs_find - sets hub[graph->nnodes]. Returns the number of hubs or GRAPPE_EMEMORY. */
int hubs_find(const struct graph *graph, bool *hub);

#endif
