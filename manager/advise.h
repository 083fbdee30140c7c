/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole way from an observation to a recommendation: groups, problem, plan, document. Pure but
 * for the file of rules; takes time as an argument. */
#ifndef GRAPPE_MANAGER_ADVISE_H
#define GRAPPE_MANAGER_ADVISE_H

#include "manager/environment.h"
#include "manager/groups.h"
#include "manager/manager_settings.h"
#include "manager/observation.h"
#include "manager/plan.h"
#include "manager/problem.h"
#include "manager/residence.h"

#include <jansson.h>
#include <stdint.h>

struct advise_input {
	const struct observation *observation;
	const struct environments *environments; /* may be empty */
	const struct manager_settings *settings;
	const char *application;           /* only its VMs may move; NULL: all */
	const json_t *standing;            /* the current document, or NULL */
	const struct residence *residence; /* who moved a short while ago; NULL: not known */
	int64_t now_s;
};

/* What was found on the way. */
struct advice {
	struct groups groups;
	struct problem problem;
	struct plan plan;
	enum cost_objective objective;
};

/* advise_plan - *out needs advice_deinit() only after success. Returns 0, GRAPPE_EMEMORY, or with
 * words in message GRAPPE_ENOTFOUND (facts that the objective needs are not known, or nobody
 * belongs to the application) and what problem_build() returns. */
int advise_plan(const struct advise_input *input, struct advice *out, char *message, size_t size);
void advice_deinit(struct advice *advice);

/* advise - the same as a document of recommendation_build(): *document gets a new reference. */
int advise(const struct advise_input *input, json_t **document, char *message, size_t size);

#endif
