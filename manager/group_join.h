/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Joins parts of a graph that belong together although little flows between them, such as the
 * stretches of a long chain. Links between parts are taken for noise (a stray download, a
 * monitoring probe) until that becomes unlikely:
 *
 *   how many  noise is spread over parts as their links over the border say
 *   how heavy above its upper quartile noise thins out as from its median to there (a power law);
 *             both quartiles are those of all links between parts, of which a few others hardly
 *             matter
 *   chance    to find as many links as heavy between two parts, times the number of parts, must
 *             stay below JOIN_CHANCE
 *   cohesion  what the two exchange must reach JOIN_COHESION of what a weakly bound node of theirs
 *             exchanges inside (lower eighth of the part with less): two dense groups with one
 *             real link stay two
 *
 * Stretches of one chain need less to go by: strands (manager/group_strand.h) are also joined end
 * to end by a single link, if less than JOIN_STRAND_NOISE of the noise is so heavy.
 *
 * Links between parts that are about as heavy as those inside are no noise; then nothing can be
 * told apart, and the parts stay. Pure, deterministic; one thread.
 */
#ifndef GRAPPE_MANAGER_GROUP_JOIN_H
#define GRAPPE_MANAGER_GROUP_JOIN_H

#include "manager/graph.h"
#include "manager/group.h"

#include <stdint.h>

#define JOIN_CHANCE 0.003
#define JOIN_COHESION 0.6
#define JOIN_STRAND_NOISE 0.05
#define JOIN_CONTRAST 0.5 /* of links inside noise is at most so heavy (medians) */

/* group_join - joins parts of part_of[graph->nnodes], whose values are 0 … nparts - 1 or
 * GROUP_ALONE. Returns the number of parts left, counted in order of their first node, or
 * GRAPPE_EMEMORY. */
int group_join(const struct graph *graph, uint32_t *part_of, uint32_t nparts);

#endif
