/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan for an instance: which VMs move where, in which order, so that the objective is as small
 * as can be found and every rule is kept. Deterministic for a seed where the time limit is not
 * reached. Pure; one thread.
 *
 * Life-cycle: solve_find(), use, solve_deinit().
 */
#ifndef GRAPPE_MANAGER_SOLVE_H
#define GRAPPE_MANAGER_SOLVE_H

#include "manager/solve_cap.h"
#include "manager/solve_sequence.h"

#include <stdbool.h>

#define SOLVE_NO_LIMIT SIZE_MAX
#define SOLVE_TEXT_SIZE 512
#define SOLVE_CURVE_MAX 64

struct solve_settings {
	enum cost_objective objective;
	size_t max_moves;       /* voluntary ones, or SOLVE_NO_LIMIT */
	double limit_s;         /* processor time, 0: solve_default_limit_s() */
	double caps[CAP_KINDS]; /* by enum cost_objective: what must not be exceeded, 0: no cap */
	uint64_t seed;
	double (*cpu_s)(void); /* processor time used so far; NULL: count work only */
};

/* What so many voluntary moves can bring, by best-first: an upper bound of the objective. */
struct solve_point {
	size_t moves;
	double value;
};

struct solve_answer {
	bool feasible;
	bool proven;                  /* when not feasible: whether that is certain */
	char reason[SOLVE_TEXT_SIZE]; /* why not feasible, or what there is to say; may be "" */
	struct cost_totals before, after;
	struct sequence plan; /* when feasible */
	struct solve_point curve[SOLVE_CURVE_MAX];
	size_t ncurve;
	bool late; /* the time limit cut the search: another run may differ */
};

/* solve_default_limit_s - for so many VMs. */
double solve_default_limit_s(size_t nvms);

/* solve_find - returns 0 (feasible or not), or GRAPPE_EMEMORY. *out needs solve_deinit() only after
 * success. */
int solve_find(const struct instance *instance, const struct rules *rules,
    const struct solve_settings *settings, struct solve_answer *out);
void solve_deinit(struct solve_answer *answer);

#endif
