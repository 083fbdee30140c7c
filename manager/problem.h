/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an observation, the environment document and the groups to a planning problem in numbers,
 * and back from numbers to names. Places are the hosts of the document and those on which VMs were
 * seen; only those of the document may receive (what is not listed is unknown, never free). VMs
 * without a known place stay out. Facts that the document does not tell are told missing; the
 * objectives that need them are not to be had. Pure; one thread.
 *
 * Life-cycle: problem_build(), plan_find(), use, problem_deinit(). The observation must stay.
 */
#ifndef GRAPPE_MANAGER_PROBLEM_H
#define GRAPPE_MANAGER_PROBLEM_H

#include "common/place.h"
#include "manager/environment.h"
#include "manager/groups.h"
#include "manager/observation.h"
#include "manager/residence.h"
#include "manager/solve_instance.h"
#include "manager/solve_model.h"
#include "manager/solve_places.h"
#include "manager/solve_rules.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define PROBLEM_NO_GROUP UINT32_MAX
#define PROBLEM_NOWHERE UINT32_MAX
#define PROBLEM_TEXT_SIZE 400
/* The environment of VMs that have no place yet: all of them must leave it, which costs nothing,
 * and then nobody else may move. */
#define PROBLEM_NEW "(no place yet)"

struct problem_options {
	int64_t now_s;           /* epoch seconds */
	double horizon_h;        /* how long work and traffic are taken to go on */
	double sync_fraction;    /* share of the packets that somebody waits for, 0 … 1 */
	double dirty_MBps;       /* how fast a VM writes to its memory */
	double leave_before_h;   /* VMs leave an environment that closes within so long */
	const char *rules;       /* file of rules, or NULL */
	const char *application; /* only its VMs may move; NULL: all */
	/* How long an application still runs, 0: not known. context: passed on. */
	double (*remaining_h)(const char *application, const void *context);
	const void *context;
	const struct residence *residence; /* who moved a short while ago; NULL: not known */
	int64_t cool_down_s;               /* how long they are left alone then */
};

/* What a VM waits where it is, over the horizon. The work of a VM is not known, so plans take all
 * of an hour for work and the waiting on top of it; but an hour of now holds both, and answers
 * leave so much out. */
struct waiting {
	double hours, money;
};

struct problem {
	struct instance instance;
	struct rules rules;
	struct solve_places places;
	struct place *names;                     /* per place */
	char (*environments)[PLACE_NAME_SIZE];   /* per environment of the instance */
	const struct observed_vm **vms;          /* per VM; into the observation */
	uint32_t *place, *advised, *group;       /* per VM: where it is; where advice that stands
						    sends it, or PROBLEM_NOWHERE; its group */
	struct waiting *waiting, waiting_of_all; /* per VM; their sum */
	unsigned *moves;                         /* per VM: how often it moved lately */
	size_t *first;                           /* nvms + 1 offsets into flows */
	uint32_t *flows;                         /* of the instance, by VM */
	/* Why an objective is not to be had, by enum cost_objective; "": it is. */
	char missing[4][PROBLEM_TEXT_SIZE];
	size_t left_out;       /* VMs without a known place */
	size_t unlisted_hosts; /* hosts with VMs that are not in the document */
	size_t resting;        /* VMs that moved a short while ago and are left alone */
	size_t unsized;        /* VMs whose vcpu or memory is not known */
	size_t overwaited;     /* VMs that, by the model, wait for all of the time and more */
	size_t unseen;         /* VMs of the application that have no known place */
	const struct environments *document; /* borrowed */
	double horizon_h;
	const char **vm_names, **env_names; /* of the instance */
};

/* problem_build - *out needs problem_deinit() only after success. environments may be empty.
 * Returns 0, GRAPPE_EMEMORY, or with words in message GRAPPE_ELIMIT (too many environments), or
 * what solve_rules_load() returns. */
int problem_build(const struct observation *observation, const struct environments *environments,
    const struct groups *groups, const struct problem_options *options, struct problem *out,
    char *message, size_t size);
/* problem_remember - marks where advice that stands sends VMs. advice: a document that passed
 * recommendation_check(), or NULL for none; only an open one counts. */
void problem_remember(struct problem *problem, const json_t *advice);
void problem_deinit(struct problem *problem);

/* problem_find_vm - by id or by a name that only one has; returns its number, GRAPPE_ENOTFOUND, or
 * GRAPPE_EEXISTS when several are called so. */
int problem_find_vm(const struct problem *problem, const char *name);

#endif
