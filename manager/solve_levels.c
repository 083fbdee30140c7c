/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_levels.h"

#include "common/error.h"
#include "manager/solve_cluster.h"
#include "manager/solve_start.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Temperatures, in units of the usual change of cost by one move. */
#define COLD 0.005
#define WARM 0.1
#define HOT 2
#define HOT_SINGLES 4
/* Small graphs are searched many times over, each time from another temperature: up to so much
 * hotter. */
#define HOT_SPREAD 16
#define RUNS_MAX 100
#define RUNS_NODES 5000 /* as many runs as go into this */
#define CYCLES 3
/* Up to so many nodes an environment may be over its limits meanwhile, for so much of the usual
 * change of cost. */
#define OVERLOAD 0.3
#define OVERLOAD_NODES 1000
#define EXTEND_NODES 20000 /* nodes up to which few moves are looked for by clusters as well */
/* Clusters, as shares of a usual environment. */
#define START_SHARE 0.1
#define CLUSTER_NODES 80 /* usual nodes of the largest cluster that a search starts from */
#define CYCLE_SHARE_LEAST 0.02
#define CYCLE_SHARE_SPREAD 10

struct levels {
	const struct solve_graph *g;
	struct lots *lots;
	struct budget *budget;
	size_t max_moved;
	struct solve_state fine;
	uint32_t *best; /* per node */
	double best_value;
	uint32_t *cluster; /* per node */
	bool loose;        /* this run may be over limits meanwhile */
	double scale;      /* solve_search_scale() of the fine graph */
};

static struct solve_search fine_search(struct levels *l)
{
	return (struct solve_search){
	    .state = &l->fine, .budget = l->budget, .lots = l->lots, .max_moved = l->max_moved};
}

/* Keeps the fine placement if it is the best so far. */
static bool keep_best(struct levels *l)
{
	const double value = solve_state_total(&l->fine);

	solve_budget_spend(l->budget, l->g->nodes / 8);
	if (value >= l->best_value - 1e-9 * fabs(l->best_value))
		return false;
	l->best_value = value;
	memcpy(l->best, l->fine.place, l->g->nodes * sizeof *l->best);
	return true;
}

static void go_back(struct levels *l)
{
	solve_state_load(&l->fine, l->best);
	solve_budget_spend(l->budget, l->fine.work);
	l->fine.work = 0;
}

/* Makes a placement that may be over limits one that keeps them, or goes back to the best one. */
static int keep_limits(struct levels *l)
{
	const size_t size = l->g->nodes * sizeof *l->best;
	uint32_t *wished;
	int rc;

	if (solve_state_violation(&l->fine) <= 0)
		return GRAPPE_OK;
	wished = malloc(size + 1);
	if (wished == NULL)
		return GRAPPE_EMEMORY;
	memcpy(wished, l->fine.place, size);
	for (uint32_t i = 0; i < l->g->nodes; i++)
		solve_state_put(&l->fine, i, GRAPH_NOWHERE);
	rc = solve_start_find(&l->fine, wished, l->lots, l->budget);
	free(wished);
	if (rc != GRAPPE_ENOTFOUND)
		return rc;
	go_back(l);
	return GRAPPE_OK;
}

/* Not where environments tell a number of VMs: those are few, and cost nothing here. */
static bool may_overload(const struct levels *l)
{
	bool counted = false;

	for (uint32_t e = 0; e < l->g->envs; e++)
		counted |= isfinite(l->g->limit[e].vms);
	return l->loose && !counted && l->max_moved == SEARCH_NO_LIMIT &&
	       l->g->nodes <= OVERLOAD_NODES;
}

static int anneal_fine(struct levels *l, double end, double hot, double cold)
{
	struct solve_search search = fine_search(l);
	int rc;

	search.overload = may_overload(l) ? OVERLOAD * l->scale : 0;
	rc = solve_search_anneal(&search, end, hot, cold);
	if (rc == GRAPPE_OK && search.overload > 0)
		rc = keep_limits(l);

	if (rc == GRAPPE_OK)
		rc = solve_search_descend(&search);
	return rc;
}

/* The largest cluster: a share of a usual environment, and not more than many usual nodes. */
static struct load bound_clusters(const struct levels *l, double share)
{
	const double many = CLUSTER_NODES / START_SHARE;
	struct load env = {0}, node = {0};

	for (uint32_t e = 0; e < l->g->envs; e++) {
		load_add(&env, &l->g->limit[e]);
	}
	for (uint32_t i = 0; i < l->g->nodes; i++) {
		load_add(&node, &l->g->load[i]);
	}
	return (struct load){
	    .vcpu = share * fmin(env.vcpu / l->g->envs, many * node.vcpu / l->g->nodes),
	    .mem_GiB = share * fmin(env.mem_GiB / l->g->envs, many * node.mem_GiB / l->g->nodes),
	    .vms = share * fmin(env.vms / l->g->envs, many * node.vms / l->g->nodes)};
}

/* From the placement of clusters to that of their members. */
static void project(struct levels *l, const struct solve_state *coarse)
{
	for (uint32_t i = 0; i < l->g->nodes; i++)
		solve_state_put(&l->fine, i, coarse->place[l->cluster[i]]);
	solve_budget_spend(l->budget, l->fine.work + l->g->nodes / 4);
	l->fine.work = 0;
}

/* ---- one cycle ---- */

struct cycle {
	double share;                /* clusters at most so large, of an environment */
	double coarse_end, fine_end; /* of the budget */
	double hot, warm, cold;      /* temperatures: begin, change to single nodes, end */
};

/* Anneals clusters of nodes that are in the same environment now, then the nodes. */
static int run_cycle(struct levels *l, const struct cycle *cycle)
{
	struct solve_graph coarse = {0};
	struct solve_state state = {0};
	struct solve_search search = fine_search(l);
	const struct load most = bound_clusters(l, cycle->share);
	int count, rc;

	count = solve_cluster_find(l->g, l->fine.place, &most, l->lots, l->budget, l->cluster);
	if (count < 0)
		return count;
	solve_budget_spend(l->budget, solve_graph_bytes(l->g) / 4);
	rc = solve_graph_cluster(l->g, l->cluster, (uint32_t)count, &coarse);
	if (rc == GRAPPE_OK)
		rc = solve_state_init(&state, &coarse);
	if (rc == GRAPPE_OK) {
		for (uint32_t i = 0; i < l->g->nodes; i++)
			solve_state_put(&state, l->cluster[i], l->fine.place[i]);
		search.state = &state;
		if (l->max_moved != SEARCH_NO_LIMIT)
			rc = solve_search_reap(&search);
	}
	if (rc == GRAPPE_OK)
		rc = solve_search_anneal(&search, cycle->coarse_end, cycle->hot, cycle->warm);
	if (rc == GRAPPE_OK)
		project(l, &state);
	solve_state_deinit(&state);
	solve_graph_deinit(&coarse);
	return rc == GRAPPE_OK ? anneal_fine(l, cycle->fine_end, cycle->warm, cycle->cold) : rc;
}

/* ---- the first placement of many nodes: clusters, wherever their members are ---- */

static int start_coarse(struct levels *l, double end, double hot, double warm)
{
	struct solve_graph coarse = {0};
	struct solve_state state = {0};
	struct solve_search search = fine_search(l);
	const struct load most =
	    bound_clusters(l, START_SHARE * pow(4, solve_lots_share(l->lots) - 0.5));
	int count, rc;

	count = solve_cluster_find(l->g, NULL, &most, l->lots, l->budget, l->cluster);
	if (count < 0)
		return count;
	solve_budget_spend(l->budget, solve_graph_bytes(l->g) / 4);
	rc = solve_graph_cluster(l->g, l->cluster, (uint32_t)count, &coarse);
	if (rc == GRAPPE_OK)
		rc = solve_state_init(&state, &coarse);
	if (rc == GRAPPE_OK)
		rc = solve_start_find(&state, NULL, l->lots, l->budget);
	if (rc == GRAPPE_OK) {
		search.state = &state;
		rc = solve_search_anneal(&search, end, hot, warm);
		if (rc == GRAPPE_OK)
			project(l, &state);
	} else if (rc == GRAPPE_ENOTFOUND) {
		rc = GRAPPE_OK; /* clusters too large to be packed: single nodes then */
	}
	solve_state_deinit(&state);
	solve_graph_deinit(&coarse);
	return rc;
}

/* ---- strategies ---- */

static int run_cycles(
    struct levels *l, double end, unsigned count, double hot, double warm, double cold)
{
	const double begin = solve_budget_progress(l->budget);
	int rc = GRAPPE_OK;

	for (unsigned i = 0; rc == GRAPPE_OK && i < count; i++) {
		const double fine_end = begin + (end - begin) * (i + 1) / count;
		const double now = solve_budget_progress(l->budget);
		const struct cycle cycle = {
		    .share = CYCLE_SHARE_LEAST * pow(CYCLE_SHARE_SPREAD, solve_lots_share(l->lots)),
		    .coarse_end = now + (fine_end - now) * 0.4,
		    .fine_end = fine_end,
		    .hot = hot,
		    .warm = warm,
		    .cold = cold};

		if (now >= end)
			break;
		rc = run_cycle(l, &cycle);
		if (rc == GRAPPE_OK && !keep_best(l))
			go_back(l);
	}
	return rc;
}

static unsigned count_runs(const struct levels *l)
{
	return (unsigned)fmax(1, fmin(RUNS_MAX, RUNS_NODES / (1.0 + l->g->nodes)));
}

/* One run from clusters to single nodes, and cycles after it. */
static int run_from_clusters(struct levels *l, double end)
{
	const double begin = solve_budget_progress(l->budget), length = end - begin;
	const double spread = count_runs(l) > 1 ? HOT_SPREAD / 2 : 1;
	const double hot = l->scale * HOT * pow(spread, solve_lots_share(l->lots));
	const double warm = l->scale * WARM, cold = l->scale * COLD;
	int rc = start_coarse(l, begin + 0.3 * length, hot, warm);

	if (rc == GRAPPE_OK)
		rc = anneal_fine(l, begin + 0.6 * length, warm, cold);
	keep_best(l);
	return rc == GRAPPE_OK ? run_cycles(l, end, CYCLES, 0.2 * hot, warm, cold) : rc;
}

/* One run that begins with single nodes. */
static int run_from_singles(struct levels *l, double end)
{
	const double begin = solve_budget_progress(l->budget);
	const double hot = l->scale * HOT_SINGLES * pow(HOT_SPREAD, solve_lots_share(l->lots));
	const double cold = l->scale * COLD / 2;
	int rc = anneal_fine(l, begin + 0.5 * (end - begin), hot, cold);

	keep_best(l);
	return rc == GRAPPE_OK ? run_cycles(l, end, CYCLES, 0.05 * hot, 0.05 * hot, cold) : rc;
}

static int improve_freely(struct levels *l, double end)
{
	const double begin = solve_budget_progress(l->budget);
	const unsigned runs = count_runs(l);
	int rc = GRAPPE_OK;

	for (unsigned i = 0; rc == GRAPPE_OK && i < runs; i++) {
		const double until = begin + (end - begin) * (i + 1) / runs;

		l->loose = i % 4 >= 2;
		rc = i % 2 == 0 && runs > 1 ? run_from_singles(l, until)
					    : run_from_clusters(l, until);
	}
	return rc;
}

/* Few moves: best-first by single nodes and clusters, then exchanges in the space of so many. */
static int extend(struct levels *l, double end)
{
	struct solve_search search = fine_search(l);
	const double now = solve_budget_progress(l->budget);
	int rc = solve_search_reap(&search);
	const int rounds = l->g->nodes <= EXTEND_NODES ? 3 : 0;

	for (int round = 0;
	     rc == GRAPPE_OK && round < rounds && solve_budget_progress(l->budget) < end; round++) {
		const struct cycle none = {
		    .share = CYCLE_SHARE_LEAST * pow(CYCLE_SHARE_SPREAD, solve_lots_share(l->lots)),
		    .coarse_end = now,
		    .fine_end = now,
		    .hot = 1,
		    .warm = 1,
		    .cold = 1};

		rc = run_cycle(l, &none);
		if (rc == GRAPPE_OK)
			rc = solve_search_reap(&search);
		if (rc == GRAPPE_OK && !keep_best(l))
			go_back(l);
	}
	keep_best(l);
	return rc;
}

static int improve_few(struct levels *l, double end)
{
	const double begin = solve_budget_progress(l->budget);
	const double cold = l->scale * COLD;
	const unsigned runs = count_runs(l);
	int rc = extend(l, end);

	for (unsigned i = 0; rc == GRAPPE_OK && runs > 1 && i < runs; i++) {
		const double hot = l->scale * 0.5 * pow(128, solve_lots_share(l->lots));

		rc = anneal_fine(l, begin + (end - begin) * (i + 1) / runs, hot, cold);
		keep_best(l);
	}
	if (rc == GRAPPE_OK && runs == 1)
		rc = run_cycles(l, end, CYCLES, l->scale * 0.1, l->scale * 0.05, cold);
	return rc;
}

/* ---- the whole ---- */

static int levels_init(struct levels *l, const struct solve_graph *g, uint32_t *place)
{
	struct solve_search search = fine_search(l);
	int rc;

	l->cluster = calloc(g->nodes + 1, sizeof *l->cluster);
	rc = l->cluster != NULL ? solve_state_init(&l->fine, g) : GRAPPE_EMEMORY;
	if (rc != GRAPPE_OK)
		return rc;
	solve_state_load(&l->fine, place);
	l->fine.work = 0;
	l->best = place;
	solve_budget_spend(l->budget, solve_graph_bytes(g) / 4);
	l->best_value = solve_state_total(&l->fine);
	l->scale = solve_search_scale(&search);
	return GRAPPE_OK;
}

static void levels_deinit(struct levels *l)
{
	solve_state_deinit(&l->fine);
	free(l->cluster);
}

int solve_levels_improve(const struct solve_graph *graph, uint32_t *place, size_t max_moved,
    struct lots *lots, struct budget *budget, double end)
{
	struct levels l = {.g = graph, .lots = lots, .budget = budget, .max_moved = max_moved};
	int rc = levels_init(&l, graph, place);

	if (rc == GRAPPE_OK)
		rc = max_moved != SEARCH_NO_LIMIT ? improve_few(&l, end) : improve_freely(&l, end);
	levels_deinit(&l);
	return rc;
}

int solve_levels_extend(const struct solve_graph *graph, uint32_t *place, size_t max_moved,
    struct lots *lots, struct budget *budget, double end, double *value)
{
	struct levels l = {.g = graph, .lots = lots, .budget = budget, .max_moved = max_moved};
	int rc = levels_init(&l, graph, place);

	if (rc == GRAPPE_OK)
		rc = extend(&l, end);
	*value = l.best_value;
	levels_deinit(&l);
	return rc;
}
