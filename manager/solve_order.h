/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan that can be carried out: a placement is good only if there is an order of moves that leads
 * to it. Where there is none, other placements are looked for in which those that block each other
 * stay. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_ORDER_H
#define GRAPPE_MANAGER_SOLVE_ORDER_H

#include "manager/solve_search.h"
#include "manager/solve_sequence.h"

struct solve_order {
	const struct instance *in;
	const struct bounds *bounds;
	struct solve_graph *graph; /* its `allowed` is narrowed meanwhile, and put back */
	enum cost_objective objective;
	size_t max_moved; /* voluntary moves at most, or SEARCH_NO_LIMIT */
	struct lots *lots;
	struct budget *budget;
};

/*
 * solve_order_find - place: per unit, the placement wished for. *plan needs solve_sequence_deinit()
 * only after success; *after: its totals. Returns 0; GRAPPE_ENOTFOUND with what would be left
 * violated in what; GRAPPE_EMEMORY.
 */
int solve_order_find(const struct solve_order *order, const uint32_t *place, struct sequence *plan,
    struct cost_totals *after, char what[RULES_TEXT_SIZE]);
/* solve_order_exists - whether an order of all moves to a placement of units is found at once.
 * Returns 1, 0 or GRAPPE_EMEMORY. */
int solve_order_exists(const struct solve_order *order, const uint32_t *place);

#endif
