/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Some nodes, numbered from 0, and the links among them: the exact tests behind manager/shape.h.
 * Pure; one thread.
 *
 * Life-cycle: pattern_init(), then pattern_fill() and the questions, any number of times,
 * pattern_deinit().
 */
#ifndef GRAPPE_MANAGER_PATTERN_H
#define GRAPPE_MANAGER_PATTERN_H

#include "manager/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern_link {
	uint32_t a, b;
	double weight;
};

struct pattern {
	size_t n, m;   /* nodes, links */
	size_t *first; /* offsets of each node's neighbours in to[] */
	uint32_t *to;
	uint32_t *distance[2], *queue, *label; /* scratch, n each */
};

/* pattern_init - room for so many nodes and links. Returns 0 or GRAPPE_EMEMORY; only after success
 * is pattern_deinit() needed. */
int pattern_init(struct pattern *pattern, size_t nodes, size_t links);
void pattern_deinit(struct pattern *pattern);

/* pattern_fill - takes those of links[count] that are not dropped[]. */
void pattern_fill(
    struct pattern *pattern, const struct pattern_link *links, size_t count, const bool *dropped);

/* pattern_name - whether the links are exactly one of the shapes, which then is set. */
bool pattern_name(struct pattern *pattern, struct shape *shape);

size_t pattern_degree(const struct pattern *pattern, uint32_t node);
/* pattern_has - whether there is a link between the two. */
bool pattern_has(const struct pattern *pattern, uint32_t a, uint32_t b);

#endif
