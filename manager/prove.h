/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far a plan is from the best placement that keeps the rules: a mixed-integer linear program of
 * the whole problem, solved by GLPK (GNU Linear Programming Kit, Reference Manual for version 4.64;
 * chapters 2 and 5). For small instances only. No input or output, but GLPK reads the clock; one
 * thread. In a library of its own, so that only who proves needs GLPK.
 *
 * Life-cycle: prove_find() at any time; nothing stays.
 */
#ifndef GRAPPE_MANAGER_PROVE_H
#define GRAPPE_MANAGER_PROVE_H

#include "manager/solve_model.h"
#include "manager/solve_rules.h"

#include <math.h>
#include <stdbool.h>

#define PROVE_VMS_MAX 60
#define PROVE_COLUMNS_MAX 400000 /* variables for pairs of VMs that exchange something */
#define PROVE_NO_LIMIT SIZE_MAX
#define PROVE_TOLERANCE 1e-6 /* relative: what differs by less is the same */
#define PROVE_TEXT_SIZE 512

enum prove_status {
	PROVE_OPTIMAL,    /* the plan is an optimum */
	PROVE_BOUND,      /* no placement costs less than the bound */
	PROVE_INFEASIBLE, /* no placement keeps the rules */
	PROVE_UNFINISHED, /* time ran out before there was more than a trivial bound */
};

extern const char *const prove_status_names[]; /* by enum prove_status */

struct prove_task {
	const struct instance *instance; /* without reluctance of VMs */
	const struct rules *rules;
	enum cost_objective objective;
	/* Voluntary ones, or PROVE_NO_LIMIT. A plan that takes more, as it has to mend something,
	 * is compared with what can be had by as many; without a plan there is no limit. */
	size_t max_moves;
	const uint32_t *place; /* the plan: an environment per VM; NULL: there is none */
	double limit_s;        /* by the wall clock, above 0 */
};

struct proof {
	enum prove_status status;
	double bound; /* of the objective; INFINITY when infeasible */
	double found; /* the best placement that is known, the plan or a better one; or INFINITY */
	bool reachable; /* whether an order of moves to it was found */
	double gap;     /* how far the plan may be above the optimum, as a share of the bound; NAN
			   without a plan or with a bound of 0 that the plan does not reach */
	double seconds; /* that it took */
};

/* prove_check - whether this program can prove anything about such an instance. Returns 0, or with
 * the reason in message GRAPPE_EUNSUPPORTED (built without GLPK) or GRAPPE_ELIMIT (too large). */
int prove_check(const struct instance *instance, char message[PROVE_TEXT_SIZE]);

/* prove_find - returns 0, or with the reason in message what prove_check() returns, GRAPPE_EPEER
 * (GLPK gave up) or GRAPPE_EMEMORY. */
int prove_find(const struct prove_task *task, struct proof *out, char message[PROVE_TEXT_SIZE]);

/* prove_is_solved - whether the bound is the optimum itself, and found. */
static inline bool prove_is_solved(const struct proof *proof)
{
	return isfinite(proof->found) &&
	       proof->found - proof->bound <= PROVE_TOLERANCE * fabs(proof->found);
}

#endif
