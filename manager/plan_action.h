/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One tentative action of the planner: some VMs are lifted off and set down in another
 * environment, others make room. Applied to a state, measured, and undone. Private to the
 * planner. Pure.
 */
#ifndef GRAPPE_MANAGER_PLAN_ACTION_H
#define GRAPPE_MANAGER_PLAN_ACTION_H

#include "manager/plan.h"
#include "manager/plan_state.h"

enum plan_action_kind {
	ACTION_VM,      /* one VM */
	ACTION_CLUSTER, /* a VM and those beside it with which it talks most, `size` in all */
	ACTION_PART,    /* the members of a group that are in `from` */
	ACTION_GROUP,   /* all members of a group that are not there yet */
};

enum plan_action_room {
	ROOM_NONE,   /* only where there is room */
	ROOM_EVICT,  /* VMs that lose least leave full hosts for any other */
	ROOM_SWAP,   /* the members of group `swapped` that are in `to` go to `from` */
	ROOM_IGNORE, /* as if there were room, to see what it would be worth; never kept */
};

struct plan_action {
	enum plan_action_kind kind;
	uint32_t id;       /* VM, or group */
	uint32_t size;     /* ACTION_CLUSTER */
	uint32_t from, to; /* environments; from is of the VM for ACTION_VM and ACTION_CLUSTER,
			      PLAN_NOWHERE for ACTION_GROUP */
	enum plan_action_room room;
	uint32_t swapped; /* ROOM_SWAP: group */
	/* measured by plan_workshop_apply() */
	double gain;    /* of the objective */
	double exposed; /* the objective's part that the touched VMs took part in before */
	size_t moves;   /* VMs that change their place */
	bool advised;   /* all of them go where advice that stands sends them */
};

struct plan_touched {
	uint32_t vm, from;
};

/* Scratch memory for actions on one state. */
struct plan_workshop {
	struct plan_state *state;     /* not owned */
	double tolerance;             /* losses that differ by less are about equal */
	struct plan_touched *touched; /* what the applied action changed, in order */
	size_t ntouched;
	bool *is_touched;         /* per VM */
	uint32_t *chosen;         /* VMs to be set down */
	struct plan_terms *costs; /* per environment */
	size_t *member_first;     /* members of groups: offsets and VMs */
	uint32_t *members;
};

/* plan_workshop_init - returns 0 or GRAPPE_EMEMORY. */
int plan_workshop_init(struct plan_workshop *shop, struct plan_state *state, double tolerance);
void plan_workshop_deinit(struct plan_workshop *shop);

/* plan_workshop_apply - carries the action out on the state and measures it. Returns false when it
 * cannot be done or moves nothing; the state is unchanged then. */
bool plan_workshop_apply(struct plan_workshop *shop, struct plan_action *action);
/* plan_workshop_undo - takes the applied action back. */
void plan_workshop_undo(struct plan_workshop *shop);
/* plan_workshop_keep - makes the applied action part of the state. */
void plan_workshop_keep(struct plan_workshop *shop);

#endif
