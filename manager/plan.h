/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where VMs should live: an ordered list of moves that lowers the objective of manager/model.h
 * under the capacity of the hosts. Pure and deterministic; one thread.
 *
 * Best-first: of all single VMs, groups, parts of groups and small clusters of VMs that talk much,
 * the move with the highest gain per VM moved is taken, until none is worth it any more; where a
 * target is full, VMs that lose least make room. Hosts over their capacity come first (forced
 * moves). The list is ordered so that no step adds or worsens a violation; cycles are broken by
 * parking a VM on a third host. Choices between about equals fall to the advice that stands, then
 * to the order of VMs, so that noise does not change them.
 *
 * Life-cycle: fill a plan_problem (manager/problem.h does), plan_find(), use, plan_deinit().
 */
#ifndef GRAPPE_MANAGER_PLAN_H
#define GRAPPE_MANAGER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_NO_GROUP UINT32_MAX
#define PLAN_NOWHERE UINT32_MAX /* a place: lifted off, for the moment */

struct plan_vm {
	uint32_t place;   /* where it is, never PLAN_NOWHERE */
	uint32_t group;   /* communication group or PLAN_NO_GROUP */
	uint32_t advised; /* where advice that stands sends it, or PLAN_NOWHERE */
	bool movable;
	double vcpu, mem_GiB; /* NAN unknown: then it counts against max_vms only */
};

/* A host. Limits that are not known are INFINITY. */
struct plan_place {
	uint32_t environment;
	bool target; /* may receive VMs */
	double vcpu, mem_GiB, max_vms;
};

struct plan_neighbour {
	uint32_t vm;
	double octets, packets; /* per second, both directions */
};

struct plan_problem {
	struct plan_vm *vms; /* in the order in which ties are broken */
	size_t nvms;
	struct plan_place *places;
	size_t nplaces;
	size_t nenvironments;
	uint32_t ngroups;
	size_t *first; /* nvms + 1 offsets into neighbours */
	struct plan_neighbour *neighbours;
};

struct plan_settings {
	double minimum_gain;        /* share of the moved VMs' cost that an action must save */
	double minimum_gain_octets; /* per second, that each of its moves must save */
	size_t max_moves;           /* voluntary ones, parking included */
};

/* Traffic between environments, per second. */
struct plan_terms {
	double octets, packets;
};

struct plan_step {
	uint32_t vm, from, to;
	bool parking;                    /* not its last place: it moves again in a later step */
	bool forced;                     /* `from` was over its capacity */
	struct plan_terms before, after; /* of the whole, around this step */
};

struct plan {
	struct plan_step *steps;
	size_t nsteps;
	struct plan_terms before, after;
	size_t overfull; /* hosts that stay over their capacity for want of room elsewhere */
};

/* plan_find - *out needs plan_deinit() only after success; no steps: nothing worth moving.
 * Returns 0 or GRAPPE_EMEMORY. */
int plan_find(
    const struct plan_problem *problem, const struct plan_settings *settings, struct plan *out);
void plan_deinit(struct plan *plan);

#endif
