/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Caps on what is not the objective: a placement that costs too much of it is led back, by the
 * moves that lose least of the objective for what they save of it, and then improved as far as the
 * caps allow. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_CAP_H
#define GRAPPE_MANAGER_SOLVE_CAP_H

#include "manager/solve_search.h"

#define CAP_KINDS (COST_TRAFFIC + 1)

struct solve_cap_task {
	const struct instance *instance;
	const struct bounds *bounds;
	const struct solve_graph *graph; /* of the objective */
	const double *caps;              /* [CAP_KINDS], 0: none */
	size_t max_moved;                /* voluntary moves at most, or SEARCH_NO_LIMIT */
	struct budget *budget;
};

/* solve_cap_apply - place: per unit; becomes one that keeps the caps on time, money and traffic as
 * far as was found. Returns 0 or GRAPPE_EMEMORY. */
int solve_cap_apply(const struct solve_cap_task *task, uint32_t *place);

/* solve_cap_parse - reads "NAME=LIMIT,…" with names of cost_names: amounts, or with % shares of
 * what present tells. text NULL or "": none. Returns 0, or GRAPPE_EFORMAT with the reason in
 * message. */
int solve_cap_parse(const char *text, const struct cost_totals *present, double caps[CAP_KINDS],
    char *message, size_t size);

/* solve_cap_raise - a cap that the present breaks already becomes the present: it must not get
 * worse. */
void solve_cap_raise(const struct cost_totals *present, double caps[CAP_KINDS]);

/* solve_cap_broken - the first capped value that totals exceed, in *kind; returns whether there is
 * one. */
bool solve_cap_broken(
    const struct cost_totals *totals, const double caps[CAP_KINDS], enum cost_objective *kind);

#endif
