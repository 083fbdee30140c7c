/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a placement to the steps that lead there one after the other, so that none adds or worsens a
 * violation: forced moves first, then those that save most; a VM waits elsewhere where moves block
 * each other. VMs that must be together and are move in one step. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_SEQUENCE_H
#define GRAPPE_MANAGER_SOLVE_SEQUENCE_H

#include "manager/solve_model.h"
#include "manager/solve_rules.h"

struct sequence_move {
	uint32_t vm, from, to;
	uint32_t step; /* from 1; VMs that move together share one */
	bool forced;   /* it may not stay, or its environment is over a limit */
	bool parking;  /* it moves on in a later step */
};

struct sequence {
	struct sequence_move *moves;
	size_t count, steps;
	size_t dropped;  /* moves for which there was no order: their VMs stay */
	uint32_t *place; /* per VM: where the sequence ends */
};

/* solve_sequence_find - from where VMs are to target (an environment per VM). may_park: whether VMs
 * may wait elsewhere. *out needs solve_sequence_deinit() only after success. Returns 0, or
 * GRAPPE_EMEMORY. */
int solve_sequence_find(const struct instance *instance, const struct bounds *bounds,
    enum cost_objective objective, const uint32_t *target, bool may_park, struct sequence *out);
void solve_sequence_deinit(struct sequence *sequence);

#endif
