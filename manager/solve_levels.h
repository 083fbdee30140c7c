/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The search as a whole: annealing of clusters first and of single nodes after them, then, as long
 * as the budget lasts, again from the best placement with other clusters. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_LEVELS_H
#define GRAPPE_MANAGER_SOLVE_LEVELS_H

#include "manager/solve_search.h"

/*
 * solve_levels_improve - place: per node, a placement without violations; becomes the best one
 * found. max_moved: voluntary moves at most (the placement given has no more), or SEARCH_NO_LIMIT.
 * Uses the budget up to `end` of its progress. Returns 0 or GRAPPE_EMEMORY.
 */
int solve_levels_improve(const struct solve_graph *graph, uint32_t *place, size_t max_moved,
    struct lots *lots, struct budget *budget, double end);

/*
 * solve_levels_extend - best-first from a placement with at most max_moved moves to one that is no
 * worse and still has no more; for curves and as a start.
 */
int solve_levels_extend(const struct solve_graph *graph, uint32_t *place, size_t max_moved,
    struct lots *lots, struct budget *budget, double end, double *value);

#endif
