/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a placement to the steps that lead there one after the other, so that none adds or worsens a
 * violation of an environment or a place: forced moves first, then the others; a VM waits elsewhere
 * where moves block each other. VMs that must be together and are change environments in one step.
 * Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_SEQUENCE_H
#define GRAPPE_MANAGER_SOLVE_SEQUENCE_H

#include "manager/solve_model.h"
#include "manager/solve_places.h"
#include "manager/solve_rules.h"

enum sequence_order {
	SEQUENCE_BY_GAIN, /* what saves most comes first */
	SEQUENCE_BY_VM,   /* in the order of VMs: the same moves have the same order in any noise */
};

struct sequence_task {
	const struct instance *instance;
	const struct bounds *bounds;
	const struct solve_places *places; /* NULL: every environment is one place */
	const uint32_t *from;   /* per VM: its place; NULL: the environment of the instance */
	const uint32_t *target; /* per VM: a place */
	enum cost_objective objective;
	enum sequence_order order;
	bool may_park; /* whether VMs may wait elsewhere */
};

struct sequence_move {
	uint32_t vm, from, to; /* places */
	uint32_t step;         /* from 1; VMs that move together share one */
	bool forced;           /* it may not stay, or its environment or place is over a limit */
	bool parking;          /* it moves on in a later step */
};

struct sequence {
	struct sequence_move *moves;
	size_t count, steps;
	size_t dropped;  /* moves for which there was no order: their VMs stay */
	uint32_t *place; /* per VM: where the sequence ends */
};

/* solve_sequence_forced - which VMs may not stay where they are as things are: by a rule, or
 * because their environment or place holds too much. forced[nvms]; target of the task does not
 * matter. Returns 0 or GRAPPE_EMEMORY. */
int solve_sequence_forced(const struct sequence_task *task, bool *forced);
/* solve_sequence_voluntary - how many of the moves are not forced. */
size_t solve_sequence_voluntary(const struct sequence *sequence);
/* solve_sequence_find - *out needs solve_sequence_deinit() only after success. Returns 0, or
 * GRAPPE_EMEMORY. */
int solve_sequence_find(const struct sequence_task *task, struct sequence *out);
void solve_sequence_deinit(struct sequence *sequence);

#endif
