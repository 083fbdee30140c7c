/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_cap.h"

#include "common/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-9
#define RESERVE 1e-6 /* edges are less exact than totals */
#define PASSES 4     /* of improving under the caps */

/* A capped cost beside the objective. */
struct capped {
	struct solve_graph graph;
	struct solve_state state;
	double value, limit;
};

struct capping {
	const struct solve_cap_task *task;
	struct instance in;       /* nobody is reluctant: caps are on true costs */
	struct solve_state state; /* of the objective */
	struct capped items[CAP_KINDS];
	size_t count;
};

/* Which cost begins the text as "NAME=", CAP_KINDS: none. */
static int find_kind(const char *text)
{
	int kind = 0;

	while (
	    kind < CAP_KINDS && (strncmp(text, cost_names[kind], strlen(cost_names[kind])) != 0 ||
				    text[strlen(cost_names[kind])] != '='))
		kind++;
	return kind;
}

int solve_cap_parse(const char *text, const struct cost_totals *present, double caps[CAP_KINDS],
    char *message, size_t size)
{
	while (text != NULL && *text != '\0') {
		const int kind = find_kind(text);
		char *end = NULL;
		const double limit =
		    kind < CAP_KINDS ? strtod(text + strlen(cost_names[kind]) + 1, &end) : 0;
		const bool is_share = limit > 0 && *end == '%';

		if (!(limit > 0) || !isfinite(limit) ||
		    (end[is_share] != '\0' && end[is_share] != ',')) {
			snprintf(message, size,
			    "a cap must be such as cost=120 or time=105%%,cost=120, not '%.60s'",
			    text);
			return GRAPPE_EFORMAT;
		}
		caps[kind] =
		    is_share ? limit / 100 * solve_model_value((enum cost_objective)kind, present)
			     : limit;
		text = end + is_share;
		text += *text == ',';
	}
	return GRAPPE_OK;
}

void solve_cap_raise(const struct cost_totals *present, double caps[CAP_KINDS])
{
	for (int kind = 0; kind < CAP_KINDS; kind++)
		if (caps[kind] > 0)
			caps[kind] =
			    fmax(caps[kind], solve_model_value((enum cost_objective)kind, present));
}

bool solve_cap_broken(
    const struct cost_totals *totals, const double caps[CAP_KINDS], enum cost_objective *kind)
{
	for (int i = 0; i < CAP_KINDS; i++) {
		*kind = (enum cost_objective)i;
		if (caps[i] > 0 && solve_model_value(*kind, totals) > caps[i] * (1 + EPSILON))
			return true;
	}
	return false;
}

static void put(struct capping *c, uint32_t node, uint32_t env)
{
	solve_state_put(&c->state, node, env);
	for (size_t i = 0; i < c->count; i++) {
		c->items[i].value += solve_state_delta(&c->items[i].state, node, env);
		solve_state_put(&c->items[i].state, node, env);
	}
	solve_budget_spend(c->task->budget, c->state.work);
	c->state.work = 0;
}

static bool may(const struct capping *c, uint32_t node, uint32_t env)
{
	return env != c->state.place[node] && solve_state_may(&c->state, node, env) &&
	       (c->task->max_moved == SEARCH_NO_LIMIT ||
		   (int64_t)c->state.moved + solve_state_moved_by(&c->state, node, env) <=
		       (int64_t)c->task->max_moved);
}

/* How far above its cap a cost is, as a share of it. */
static double excess(const struct capped *item, double change)
{
	return fmax(0, item->value + change - item->limit) / item->limit;
}

static double excess_all(const struct capping *c)
{
	double sum = 0;

	for (size_t i = 0; i < c->count; i++)
		sum += excess(&c->items[i], 0);
	return sum;
}

static double excess_after(const struct capping *c, uint32_t node, uint32_t env)
{
	double sum = 0;

	for (size_t i = 0; i < c->count; i++)
		sum += excess(&c->items[i], solve_state_delta(&c->items[i].state, node, env));
	return sum;
}

/* The move that lessens what is too much for the least of the objective; false when none does. */
static bool lead_back(struct capping *c)
{
	const double now = excess_all(c);
	double best = 0;
	uint32_t best_node = GRAPH_NOWHERE, best_env = 0;

	for (uint32_t node = 0; node < c->state.g->nodes; node++) {
		for (uint32_t env = 0; env < c->state.g->envs; env++) {
			double saved, rate;

			if (!may(c, node, env))
				continue;
			saved = now - excess_after(c, node, env);
			rate = saved / fmax(solve_state_delta(&c->state, node, env), EPSILON);
			if (saved <= EPSILON * now || rate <= best)
				continue;
			best = rate;
			best_node = node;
			best_env = env;
		}
	}
	solve_budget_spend(c->task->budget, c->state.g->nodes * c->state.g->envs);
	if (best_node == GRAPH_NOWHERE)
		return false;
	put(c, best_node, best_env);
	return true;
}

/* Moves that save of the objective and keep the caps. */
static bool improve(struct capping *c)
{
	bool any = false;

	for (uint32_t node = 0; node < c->state.g->nodes; node++) {
		for (uint32_t env = 0; env < c->state.g->envs; env++) {
			if (solve_state_delta(&c->state, node, env) >= -EPSILON ||
			    !may(c, node, env) || excess_after(c, node, env) > 0)
				continue;
			put(c, node, env);
			any = true;
		}
	}
	return any;
}

static int add_capped(struct capping *c, enum cost_objective kind, const uint32_t *place)
{
	struct capped *item = &c->items[c->count];
	int rc = solve_graph_build(&c->in, c->task->bounds, kind, &item->graph);

	c->count++;
	if (rc == GRAPPE_OK)
		rc = solve_state_init(&item->state, &item->graph);
	if (rc != GRAPPE_OK)
		return rc;
	solve_state_load(&item->state, place);
	item->value = solve_state_total(&item->state);
	item->limit = c->task->caps[kind] * (1 - RESERVE);
	return GRAPPE_OK;
}

static int capping_init(struct capping *c, const uint32_t *place)
{
	static const enum cost_objective kinds[] = {COST_TIME, COST_MONEY, COST_TRAFFIC};
	const size_t nvms = c->task->instance->nvms;
	int rc = solve_state_init(&c->state, c->task->graph);

	c->in = *c->task->instance;
	c->in.payback_h = 0;
	c->in.vms = calloc(nvms + 1, sizeof *c->in.vms);
	if (rc != GRAPPE_OK || c->in.vms == NULL)
		return GRAPPE_EMEMORY;
	memcpy(c->in.vms, c->task->instance->vms, nvms * sizeof *c->in.vms);
	for (size_t vm = 0; vm < nvms; vm++)
		c->in.vms[vm].reluctance = 0;
	solve_state_load(&c->state, place);
	for (size_t i = 0; rc == GRAPPE_OK && i < sizeof kinds / sizeof *kinds; i++)
		if (c->task->caps[kinds[i]] > 0)
			rc = add_capped(c, kinds[i], place);
	return rc;
}

static void capping_deinit(struct capping *c)
{
	for (size_t i = 0; i < c->count; i++) {
		solve_state_deinit(&c->items[i].state);
		solve_graph_deinit(&c->items[i].graph);
	}
	solve_state_deinit(&c->state);
	free(c->in.vms);
}

int solve_cap_apply(const struct solve_cap_task *task, uint32_t *place)
{
	struct capping *c = calloc(1, sizeof *c);
	int rc = GRAPPE_EMEMORY;

	if (c == NULL)
		return rc;
	c->task = task;
	rc = capping_init(c, place);
	if (rc == GRAPPE_OK && c->count > 0) {
		bool going = true;

		/* Each step lessens the excess: this ends. */
		while (going && excess_all(c) > 0)
			going = lead_back(c);
		for (int pass = 0; pass < PASSES && excess_all(c) <= 0; pass++)
			if (!improve(c))
				break;
		memcpy(place, c->state.place, c->state.g->nodes * sizeof *place);
	}
	capping_deinit(c);
	free(c);
	return rc;
}
