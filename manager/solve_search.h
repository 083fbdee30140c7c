/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Improving a placement that keeps all limits into a cheaper one that keeps them too: descent,
 * annealing, and best-first moves when they must be few. Pure; the processor time comes from a
 * function that the caller gives.
 */
#ifndef GRAPPE_MANAGER_SOLVE_SEARCH_H
#define GRAPPE_MANAGER_SOLVE_SEARCH_H

#include "manager/solve_state.h"

#define SEARCH_NO_LIMIT SIZE_MAX

/* ---- random numbers: the same for a seed on every machine ---- */

struct lots {
	uint64_t state;
};

void solve_lots_init(struct lots *lots, uint64_t seed);
uint32_t solve_lots_draw(struct lots *lots, uint32_t count); /* 0 … count - 1; count > 0 */
double solve_lots_share(struct lots *lots);                  /* 0 … 1, below 1 */

/* ---- budget ---- */

/*
 * What a search may use. Progress is counted in work done, so that the result does not depend on
 * the machine; only where the time runs ahead of the work does the clock decide.
 */
struct budget {
	uint64_t total, done;  /* work, in units of about 10 ns */
	double limit_s;        /* of cpu_s() */
	double (*cpu_s)(void); /* processor time used so far; NULL: no clock */
	double clock;          /* share of limit_s used, as of the last look */
	uint64_t look_at;      /* work at which to look again */
	bool late;             /* the clock ran ahead: the result depends on the machine */
};

/* solve_budget_init - for limit_s seconds. */
void solve_budget_init(struct budget *budget, double limit_s, double (*cpu_s)(void));
/* solve_budget_spend - adds work and looks at the clock now and then. */
void solve_budget_spend(struct budget *budget, uint64_t work);
/* solve_budget_progress - 0 … 1 and more: how much is used. */
double solve_budget_progress(const struct budget *budget);

/* ---- searches; each needs a placement without violations and leaves one, but for overload ---- */

struct solve_search {
	struct solve_state *state;
	struct budget *budget;
	struct lots *lots;
	size_t max_moved; /* voluntary moves at most, or SEARCH_NO_LIMIT */
	/* Annealing only: cost of a usual node's load over a limit, ten times as much at the end;
	 * 0: limits are kept. Without a limit of moves. */
	double overload;
};

/* solve_search_scale - the usual size of a change of cost by one node's move. */
double solve_search_scale(struct solve_search *search);
/* solve_search_anneal - until the budget's progress is `end`, while the temperature falls from hot
 * to cold (units of the cost). */
int solve_search_anneal(struct solve_search *search, double end, double hot, double cold);
/* solve_search_descend - moves and swaps that save, until there are none. Returns 0 or
 * GRAPPE_EMEMORY. */
int solve_search_descend(struct solve_search *search);
/* solve_search_reap - best-first: the move that saves most for each voluntary move it takes, again
 * and again. Returns 0 or GRAPPE_EMEMORY. */
int solve_search_reap(struct solve_search *search);

#endif
