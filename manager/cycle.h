/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One cycle of the manager: asks the collector, and plans with the environment document. Blocking
 * and without side effects, so that it may run in a thread; touches nothing but its own struct and
 * the strings of the settings.
 *
 * Life-cycle: cycle_run() on a zeroed struct with `settings` set, read the result, cycle_deinit().
 */
#ifndef GRAPPE_MANAGER_CYCLE_H
#define GRAPPE_MANAGER_CYCLE_H

#include "manager/effect_look.h"
#include "manager/manager_settings.h"
#include "manager/residence.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum cycle_verdict {
	CYCLE_PLANNED,  /* document is there */
	CYCLE_WAITING,  /* too little of the window is known yet */
	CYCLE_NO_INPUT, /* the collector gave nothing; message says why */
	CYCLE_FAILED,   /* another failure; message says why */
};

struct cycle {
	struct manager_settings settings; /* numbers copied, strings borrowed */
	struct residence *residence;      /* borrowed: of the cycle alone while it runs */
	json_t *standing;                 /* copy of the current document, or NULL; owned */
	char *environments; /* the environment document; owned, NULL = there is none */
	size_t environments_length;
	json_t *places;               /* of VMs, as clouds tell; owned, may be NULL */
	char environments_fault[512]; /* why there is none, "" = none is wanted */
	bool patient;                 /* WAITING instead of a plan from too few periods */
	struct effect_watch due[EFFECT_TOGETHER_MAX]; /* moves whose effect is to be measured */
	size_t ndue;
	/* result */
	enum cycle_verdict verdict;
	char message[1024]; /* "" when all is well */
	json_t *document;
	json_t *effect; /* of `due`; NULL: effect_fault says why not */
	char effect_fault[512];
	bool updated;                       /* the residence book has seen this observation */
	int64_t to_s, length_s, retry_at_s; /* 0 unknown */
	uint32_t known, wanted;
};

void cycle_run(struct cycle *cycle);
void cycle_deinit(struct cycle *cycle);

#endif
