/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Communication groups of a matrix: the one place that runs a grouping method, sets hubs aside,
 * names the shapes and puts everything in a fixed order, so that the same matrix always gives the
 * same answer. Groups stand by decreasing size, then by name; names stand in natural order. Pure
 * but for the writers; one thread.
 *
 * Life-cycle: groups_find(), use, groups_deinit().
 */
#ifndef GRAPPE_MANAGER_GROUPS_H
#define GRAPPE_MANAGER_GROUPS_H

#include "common/matrix.h"
#include "manager/graph.h"
#include "manager/group_thesis.h"
#include "manager/shape.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum groups_method { GROUPS_AUTO, GROUPS_THESIS };

struct groups_rules {
	enum groups_method method;
	struct graph_rules graph;
	struct thesis_rules thesis; /* GROUPS_THESIS only */
};

extern const struct groups_rules groups_rules_default;

/* Some nodes of the matrix. */
struct groups_nodes {
	uint32_t *nodes; /* matrix indices in natural order of names */
	size_t count;
};

struct groups_item {
	struct groups_nodes members; /* two or more */
	struct shape shape;
};

struct groups {
	struct groups_item *items;
	size_t count;
	struct groups_nodes alone; /* VMs in no group */
	struct groups_nodes hubs;  /* shared services, in no group */
	struct shape shape;        /* of all that are linked, hubs left out */
};

/* groups_find - *out needs groups_deinit() only after success.
 * Returns 0, GRAPPE_EMEMORY or GRAPPE_EINVALID (rules out of range). */
int groups_find(const struct matrix *matrix, const struct groups_rules *rules, struct groups *out);
void groups_deinit(struct groups *groups);

/* What a node is called in an answer; NULL as function: its name in the matrix. */
typedef const char *groups_label(const char *node_name, void *context);

/* groups_to_json - {"groups", "alone", "hubs", "shape", "group_shapes"}. A new reference, or NULL
 * without memory. */
json_t *groups_to_json(
    const struct groups *groups, const struct matrix *matrix, groups_label *label, void *context);
/* groups_print - the same for people. */
void groups_print(const struct groups *groups, const struct matrix *matrix, groups_label *label,
    void *context, FILE *out);

#endif
