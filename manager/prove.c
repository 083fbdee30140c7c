/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program: x[u,e] is 1 where unit u is in environment e. A pair of units costs what each pays
 * alone less what it saves by its places (prove_pairs.h), and a variable y >= 0 for each saving:
 * over all places of one, the y of a place of the other are at most its x. That is as tight as the
 * usual sums of y over all places that equal x, with half of the variables or less. For the
 * objective of resources o[e] is 1 where there is anybody.
 */
#include "manager/prove.h"

#include "common/error.h"
#include "manager/prove_pairs.h"
#include "manager/solve_sequence.h"

#include <glpk.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELAXATION_SHARE 0.1 /* of the time, when there is enough for pseudo-costs */
#define SCALED 1e4 /* what a plan costs inside GLPK, whose tolerances are partly absolute */

const char *const prove_status_names[] = {[PROVE_OPTIMAL] = "optimal",
    [PROVE_BOUND] = "bound",
    [PROVE_INFEASIBLE] = "infeasible",
    [PROVE_UNFINISHED] = "unfinished"};

/* Both ends of a saving. */
struct saving {
	uint32_t u, e, w, f;
};

struct proving {
	const struct prove_task *task;
	struct bounds bounds;
	struct solve_graph graph;
	struct prove_pairs pairs;
	uint32_t *place; /* per unit: the plan, when there is one that keeps everything */
	bool has_plan;
	size_t max_moves;
	double plan_value, trivial, scale;

	glp_prob *lp;
	int *x;      /* [unit * envs + env]: its column, 0: it may not be there */
	int *open;   /* [env]: its column, or 0 */
	int *index;  /* of a row under construction, from 1 */
	double *row; /* its coefficients */
	int length;
	double *pays; /* [unit * envs + env]: alone */
	struct saving *savings;
	size_t nsavings;
	int first_saving; /* column of savings[0] */

	double *start; /* per column: the plan */
	bool started;
	double bound; /* the highest so far, in the units of the objective */
	bool infeasible, solved;
	double begin;
	struct proof *out;

	jmp_buf fault;              /* where GLPK's errors go */
	char said[PROVE_TEXT_SIZE]; /* by GLPK */
};

int prove_check(const struct instance *instance, char message[PROVE_TEXT_SIZE])
{
	if (instance->nvms <= PROVE_VMS_MAX)
		return GRAPPE_OK;
	snprintf(message, PROVE_TEXT_SIZE, "--prove is for up to %d VMs, this instance has %zu",
	    PROVE_VMS_MAX, instance->nvms);
	return GRAPPE_ELIMIT;
}

static bool may(const struct proving *p, uint32_t unit, uint32_t env)
{
	return (p->graph.allowed[unit] >> env & 1) != 0;
}

/* ---- rows ---- */

static void row_add(struct proving *p, int column, double value)
{
	if (column == 0 || value == 0)
		return;
	p->index[++p->length] = column;
	p->row[p->length] = value;
}

/* Ends the row: its sum is at most, or exactly, so much. */
static void row_end(struct proving *p, int type, double value)
{
	const int row = glp_add_rows(p->lp, 1);

	glp_set_row_bnds(p->lp, row, type, value, value);
	glp_set_mat_row(p->lp, row, p->length, p->index, p->row);
	p->length = 0;
}

/* ---- columns and rows of units ---- */

static void add_units(struct proving *p)
{
	const struct solve_graph *g = &p->graph;

	for (uint32_t u = 0; u < g->nodes; u++) {
		for (uint32_t e = 0; e < g->envs; e++) {
			int column;

			if (!may(p, u, e))
				continue;
			column = p->x[u * g->envs + e] = glp_add_cols(p->lp, 1);
			glp_set_col_kind(p->lp, column, GLP_BV);
			row_add(p, column, 1);
		}
		row_end(p, GLP_FX, 1);
	}
}

static void add_open(struct proving *p)
{
	const struct instance *in = p->task->instance;
	const struct solve_graph *g = &p->graph;

	for (uint32_t e = 0; e < g->envs; e++) {
		const double cost = solve_model_of_open(in, p->task->objective, e);

		if (cost <= 0)
			continue;
		p->open[e] = glp_add_cols(p->lp, 1);
		glp_set_col_kind(p->lp, p->open[e], GLP_BV);
		glp_set_obj_coef(p->lp, p->open[e], cost * p->scale);
		for (uint32_t u = 0; u < g->nodes; u++) {
			if (!may(p, u, e))
				continue;
			row_add(p, p->x[u * g->envs + e], 1);
			row_add(p, p->open[e], -1);
			row_end(p, GLP_UP, 0);
		}
	}
}

static double amount(const struct load *load, int which)
{
	return which == 0 ? load->vcpu : which == 1 ? load->mem_GiB : load->vms;
}

static void add_capacity(struct proving *p, uint32_t env)
{
	const struct solve_graph *g = &p->graph;

	for (int which = 0; which < 3; which++) {
		const double limit = amount(&g->limit[env], which);
		const double most = limit + LOAD_ROUNDING * (1 + limit);

		if (!isfinite(limit))
			continue;
		for (uint32_t u = 0; u < g->nodes; u++)
			row_add(p, p->x[u * g->envs + env], amount(&g->load[u], which));
		row_add(p, p->open[env], -most);
		row_end(p, GLP_UP, p->open[env] != 0 ? 0 : most);
	}
}

static void add_apart(struct proving *p)
{
	const struct solve_graph *g = &p->graph;

	for (uint32_t u = 0; u < g->nodes; u++)
		for (size_t i = g->apart_first[u]; i < g->apart_first[u + 1]; i++)
			for (uint32_t e = 0; g->apart[i] > u && e < g->envs; e++) {
				if (!may(p, u, e) || !may(p, g->apart[i], e))
					continue;
				row_add(p, p->x[u * g->envs + e], 1);
				row_add(p, p->x[g->apart[i] * g->envs + e], 1);
				row_end(p, GLP_UP, 1);
			}
}

static void add_move_limit(struct proving *p)
{
	const struct solve_graph *g = &p->graph;

	if (p->max_moves == PROVE_NO_LIMIT)
		return;
	for (uint32_t u = 0; u < g->nodes; u++)
		for (uint32_t e = 0; e < g->envs; e++)
			row_add(p, p->x[u * g->envs + e], g->moved[u * g->stride + e]);
	row_end(p, GLP_UP, (double)p->max_moves);
}

/* ---- pairs ---- */

/* A column for what the pair saves in these places. */
static void add_saving(struct proving *p, const struct saving *saving, double cost)
{
	const int column = glp_add_cols(p->lp, 1);

	if (p->nsavings == 0)
		p->first_saving = column;
	/* At most 1 by its rows; said here so that every basis has a bound to offer. */
	glp_set_col_bnds(p->lp, column, GLP_DB, 0, 1);
	glp_set_obj_coef(p->lp, column, cost * p->scale);
	p->savings[p->nsavings++] = *saving;
}

/* What the pair saves with one unit in an environment is at most that unit's x there. */
static void end_savings(struct proving *p, int x)
{
	if (p->length == 0)
		return;
	row_add(p, x, -1);
	row_end(p, GLP_UP, 0);
}

static void add_pair(struct proving *p, const struct prove_pair *pair)
{
	const uint32_t envs = p->graph.envs;
	int column[INSTANCE_ENVS_MAX * INSTANCE_ENVS_MAX] = {0};

	for (uint32_t e = 0; e < envs; e++) {
		for (uint32_t f = 0; f < envs; f++) {
			const double cost = pair->cost[e * envs + f];

			if (cost == 0)
				continue;
			add_saving(p, &(struct saving){pair->u, e, pair->w, f}, cost);
			column[e * envs + f] = p->first_saving + (int)p->nsavings - 1;
		}
	}
	for (uint32_t e = 0; e < envs; e++) {
		for (uint32_t f = 0; f < envs; f++)
			row_add(p, column[e * envs + f], 1);
		end_savings(p, p->x[pair->u * envs + e]);
		for (uint32_t f = 0; f < envs; f++)
			row_add(p, column[f * envs + e], 1);
		end_savings(p, p->x[pair->w * envs + e]);
	}
}

/* ---- the program and the plan in it ---- */

static void build(struct proving *p)
{
	p->lp = glp_create_prob();
	glp_set_obj_dir(p->lp, GLP_MIN);
	add_units(p);
	add_open(p);
	for (uint32_t e = 0; e < p->graph.envs; e++)
		add_capacity(p, e);
	add_apart(p);
	add_move_limit(p);
	for (size_t i = 0; i < p->pairs.count; i++)
		add_pair(p, &p->pairs.items[i]);
	for (uint32_t i = 0; i < p->graph.nodes * p->graph.envs; i++)
		if (p->x[i] != 0)
			glp_set_obj_coef(p->lp, p->x[i], p->pays[i] * p->scale);
}

/* The plan as values of columns. Returns 0, GRAPPE_EMEMORY, or GRAPPE_EPEER when it does not cost
 * the same inside the program. */
static int build_start(struct proving *p)
{
	const int columns = glp_get_num_cols(p->lp);
	double value = 0;

	p->start = calloc((size_t)columns + 1, sizeof *p->start);
	if (p->start == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t u = 0; u < p->graph.nodes; u++) {
		p->start[p->x[u * p->graph.envs + p->place[u]]] = 1;
		if (p->open[p->place[u]] != 0)
			p->start[p->open[p->place[u]]] = 1;
	}
	for (size_t i = 0; i < p->nsavings; i++) {
		const struct saving *it = &p->savings[i];

		p->start[p->first_saving + (int)i] =
		    p->place[it->u] == it->e && p->place[it->w] == it->f;
	}
	for (int c = 1; c <= columns; c++)
		value += p->start[c] * glp_get_obj_coef(p->lp, c) / p->scale;
	if (fabs(value - p->plan_value) <= PROVE_TOLERANCE / 10 * (1e-9 + fabs(p->plan_value)))
		return GRAPPE_OK;
	snprintf(p->said, sizeof p->said, "the plan costs %.12g in the program and not %.12g",
	    value, p->plan_value);
	return GRAPPE_EPEER;
}

/* ---- solving ---- */

static double passed_s(const struct proving *p)
{
	return glp_difftime(glp_time(), p->begin);
}

static int left_ms(const struct proving *p)
{
	return (int)fmax(1, 1000 * (p->task->limit_s - passed_s(p)));
}

static void raise_bound(struct proving *p, double scaled)
{
	p->bound = fmax(p->bound, scaled / p->scale);
}

/* The relaxation. Returns whether it was solved. */
static bool solve_relaxation(struct proving *p)
{
	glp_smcp parameters;

	glp_init_smcp(&parameters);
	parameters.meth = GLP_DUALP;
	parameters.tm_lim = left_ms(p);
	glp_scale_prob(p->lp, GLP_SF_AUTO);
	glp_adv_basis(p->lp, 0);
	glp_simplex(p->lp, &parameters);
	p->infeasible = glp_get_status(p->lp) == GLP_NOFEAS;
	/* Any solution of the dual is a bound. */
	if (!p->infeasible && glp_get_dual_stat(p->lp) == GLP_FEAS)
		raise_bound(p, glp_get_obj_val(p->lp));
	return glp_get_status(p->lp) == GLP_OPT;
}

static void on_event(glp_tree *tree, void *context)
{
	struct proving *p = context;
	int node;

	if (glp_ios_reason(tree) == GLP_IHEUR && p->start != NULL && !p->started) {
		glp_ios_heur_sol(tree, p->start);
		p->started = true;
	}
	node = glp_ios_best_node(tree);
	if (node != 0)
		raise_bound(p, glp_ios_node_bound(tree, node));
}

static void search(struct proving *p)
{
	glp_iocp parameters;
	int status;

	glp_init_iocp(&parameters);
	parameters.tm_lim = left_ms(p);
	/* By pseudo-costs: of the ways tried on 50 VMs by far the fastest; cuts bring nothing. But
	 * finding the first ones takes several relaxations' time, and looks at no limit. */
	if (passed_s(p) < RELAXATION_SHARE * p->task->limit_s)
		parameters.br_tech = GLP_BR_PCH;
	parameters.cb_func = on_event;
	parameters.cb_info = p;
	glp_intopt(p->lp, &parameters);
	status = glp_mip_status(p->lp);
	p->infeasible = status == GLP_NOFEAS;
	p->solved = status == GLP_OPT;
	if (p->solved)
		raise_bound(p, glp_mip_obj_val(p->lp));
}

/* Whether there is an order of moves to the placement. */
static int see_order(struct proving *p, const uint32_t *place)
{
	const struct sequence_task task = {.instance = p->task->instance,
	    .bounds = &p->bounds,
	    .target = place,
	    .objective = p->task->objective,
	    .may_park = p->max_moves == PROVE_NO_LIMIT};
	struct sequence sequence;
	int rc = solve_sequence_find(&task, &sequence);

	if (rc == GRAPPE_OK) {
		p->out->reachable =
		    memcmp(sequence.place, place, task.instance->nvms * sizeof *place) == 0;
		solve_sequence_deinit(&sequence);
	}
	return rc;
}

/* A placement that keeps everything becomes what was found, if it is better than the plan. */
static int compare_found(struct proving *p, const uint32_t *place)
{
	const struct instance *in = p->task->instance;
	struct cost_totals totals;
	double value;
	int rc;

	if (solve_bounds_check(&p->bounds, in, place, NULL) > 0)
		return GRAPPE_OK;
	rc = solve_model_totals_of(in, place, &totals);
	value = solve_model_value(p->task->objective, &totals);
	if (rc != GRAPPE_OK || value >= p->out->found)
		return rc;
	p->out->found = value;
	return see_order(p, place);
}

/* Reads the best placement that GLPK found. */
static int take_found(struct proving *p)
{
	const struct instance *in = p->task->instance;
	const int status = glp_mip_status(p->lp);
	uint32_t *place;
	int rc;

	if (status != GLP_OPT && status != GLP_FEAS)
		return GRAPPE_OK;
	place = calloc(in->nvms + 1, sizeof *place);
	if (place == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t vm = 0; vm < in->nvms; vm++)
		for (uint32_t e = 0; e < in->nenvs; e++) {
			const int column = p->x[p->bounds.unit[vm] * in->nenvs + e];

			if (column != 0 && glp_mip_col_val(p->lp, column) > 0.5)
				place[vm] = e;
		}
	rc = compare_found(p, place);
	free(place);
	return rc;
}

static int solve(struct proving *p)
{
	int rc = GRAPPE_OK;

	build(p);
	if (p->has_plan)
		rc = build_start(p);
	if (rc == GRAPPE_OK && solve_relaxation(p))
		search(p);
	return rc == GRAPPE_OK ? take_found(p) : rc;
}

/* ---- GLPK's errors (reference manual, section 6.2) ---- */

static int keep_words(void *context, const char *text)
{
	struct proving *p = context;
	const size_t length = strlen(p->said);

	snprintf(p->said + length, sizeof p->said - length, "%.*s", (int)strcspn(text, "\n"), text);
	return 1; /* nothing is printed */
}

static void leave(void *context)
{
	struct proving *p = context;

	longjmp(p->fault, 1);
}

/* GLPK would abort the program. What it had allocated goes with its environment. */
static int solve_guarded(struct proving *p)
{
	int rc;

	glp_term_out(GLP_OFF);
	glp_term_hook(keep_words, p);
	glp_error_hook(leave, p);
	if (setjmp(p->fault) == 0)
		rc = solve(p);
	else
		rc = GRAPPE_EPEER;
	glp_free_env();
	p->lp = NULL;
	return rc;
}

/* ---- before and after ---- */

static int allocate(struct proving *p)
{
	const size_t places = (size_t)p->graph.nodes * p->graph.envs + 1;
	/* A row is about all units in one environment, of a limit of moves about all in all, or of
	 * a pair about all environments. */
	const size_t longest = places + 2;

	p->x = calloc(places, sizeof *p->x);
	p->open = calloc(p->graph.envs + 1, sizeof *p->open);
	p->index = calloc(longest, sizeof *p->index);
	p->row = calloc(longest, sizeof *p->row);
	p->pays = calloc(places, sizeof *p->pays);
	return p->x != NULL && p->open != NULL && p->index != NULL && p->row != NULL &&
		       p->pays != NULL
		   ? GRAPPE_OK
		   : GRAPPE_EMEMORY;
}

/* Every unit and pair where it costs least, whatever the others do; and as much as that could
 * cost at most, to scale by. */
static double bound_trivially(const struct proving *p, double *most)
{
	const struct solve_graph *g = &p->graph;
	double sum = 0;

	*most = 0;
	for (uint32_t u = 0; u < g->nodes; u++) {
		double least = INFINITY;

		for (uint32_t e = 0; e < g->envs; e++) {
			if (!may(p, u, e))
				continue;
			least = fmin(least, g->fixed[(size_t)u * g->stride + e]);
			*most = fmax(*most, g->fixed[(size_t)u * g->stride + e]);
		}
		sum += least;
	}
	for (size_t i = 0; i < p->pairs.count; i++) {
		const double *cost = p->pairs.items[i].cost;
		double least = INFINITY;

		for (uint32_t at = 0; at < g->envs * g->envs; at++)
			least = fmin(least, cost[at]);
		sum += least;
	}
	return sum;
}

/* What units pay alone, and how many savings of pairs are left. Returns 0, GRAPPE_EMEMORY or
 * GRAPPE_ELIMIT. */
static int split_pairs(struct proving *p)
{
	const struct solve_graph *g = &p->graph;
	size_t count = 0;

	for (uint32_t u = 0; u < g->nodes; u++)
		memcpy(p->pays + u * g->envs, g->fixed + (size_t)u * g->stride,
		    g->envs * sizeof *p->pays);
	for (size_t i = 0; i < p->pairs.count && count <= PROVE_COLUMNS_MAX; i++) {
		struct prove_pair *pair = &p->pairs.items[i];
		double alone_u[INSTANCE_ENVS_MAX], alone_w[INSTANCE_ENVS_MAX];

		count += prove_pairs_split(
		    &p->pairs, pair, g->allowed[pair->u], g->allowed[pair->w], alone_u, alone_w);
		for (uint32_t e = 0; e < g->envs; e++) {
			p->pays[pair->u * g->envs + e] += alone_u[e];
			p->pays[pair->w * g->envs + e] += alone_w[e];
		}
	}
	if (count > PROVE_COLUMNS_MAX) {
		snprintf(p->said, sizeof p->said,
		    "--prove is for up to %d variables of pairs of VMs in environments, this "
		    "instance has more",
		    PROVE_COLUMNS_MAX);
		return GRAPPE_ELIMIT;
	}
	p->savings = calloc(count + 1, sizeof *p->savings);
	return p->savings != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

/* Takes over the plan if it keeps everything. */
static int take_plan(struct proving *p)
{
	const struct prove_task *task = p->task;
	struct cost_totals totals;
	size_t moved = 0;
	int rc;

	p->max_moves = PROVE_NO_LIMIT;
	if (task->place == NULL ||
	    solve_bounds_check(&p->bounds, task->instance, task->place, NULL) > 0)
		return GRAPPE_OK;
	p->place = calloc(p->graph.nodes + 1, sizeof *p->place);
	if (p->place == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t vm = 0; vm < task->instance->nvms; vm++)
		p->place[p->bounds.unit[vm]] = task->place[vm];
	for (uint32_t u = 0; u < p->graph.nodes; u++)
		moved += p->graph.moved[(size_t)u * p->graph.stride + p->place[u]];
	if (task->max_moves != PROVE_NO_LIMIT)
		p->max_moves = task->max_moves > moved ? task->max_moves : moved;
	rc = solve_model_totals_of(task->instance, task->place, &totals);
	p->has_plan = p->out->reachable = true;
	p->plan_value = p->out->found = solve_model_value(task->objective, &totals);
	return rc;
}

static int prepare(struct proving *p)
{
	const struct prove_task *task = p->task;
	double most = 0;
	int rc = solve_graph_build(task->instance, &p->bounds, task->objective, &p->graph);

	if (rc == GRAPPE_OK)
		rc = prove_pairs_build(task->instance, &p->bounds, task->objective, &p->pairs);
	if (rc == GRAPPE_OK)
		rc = allocate(p);
	if (rc == GRAPPE_OK)
		rc = take_plan(p);
	if (rc != GRAPPE_OK)
		return rc;
	p->trivial = p->bound = bound_trivially(p, &most);
	p->scale = SCALED / fmax(p->has_plan ? p->plan_value : most * p->graph.nodes, 1e-9);
	return split_pairs(p);
}

/* Puts into words of the proof what is known by now. */
static int conclude(struct proving *p)
{
	struct proof *out = p->out;

	if (p->infeasible && p->has_plan) {
		snprintf(p->said, sizeof p->said, "GLPK finds no placement, where there is a plan");
		return GRAPPE_EPEER;
	}
	out->bound = p->infeasible ? INFINITY : fmin(p->bound, out->found);
	if (p->infeasible)
		out->status = PROVE_INFEASIBLE;
	else if (p->solved || (p->bound > p->trivial && (p->has_plan || isfinite(out->found))))
		out->status = PROVE_BOUND;
	if (!p->has_plan)
		return GRAPPE_OK;
	if (p->plan_value - out->bound <= PROVE_TOLERANCE * fabs(p->plan_value)) {
		out->status = PROVE_OPTIMAL;
		out->gap = 0;
		out->bound = p->plan_value;
	} else if (out->bound > 0) {
		out->gap = p->plan_value / out->bound - 1;
	}
	return GRAPPE_OK;
}

static void proving_deinit(struct proving *p)
{
	prove_pairs_deinit(&p->pairs);
	solve_graph_deinit(&p->graph);
	solve_bounds_deinit(&p->bounds);
	free(p->place);
	free(p->x);
	free(p->open);
	free(p->index);
	free(p->row);
	free(p->pays);
	free(p->savings);
	free(p->start);
}

/* Returns 0, GRAPPE_ENOTFOUND when rules exclude each other, or what prove_find() returns. */
static int prove(struct proving *p, char message[PROVE_TEXT_SIZE])
{
	char reason[RULES_TEXT_SIZE];
	int rc = solve_bounds_build(p->task->instance, p->task->rules, &p->bounds, reason);

	if (rc == GRAPPE_OK)
		rc = prepare(p);
	if (rc == GRAPPE_OK)
		rc = solve_guarded(p);
	if (rc == GRAPPE_OK)
		rc = conclude(p);
	snprintf(message, PROVE_TEXT_SIZE, "%s",
	    rc == GRAPPE_EPEER || rc == GRAPPE_ELIMIT ? p->said : error_text(rc));
	return rc;
}

int prove_find(const struct prove_task *task, struct proof *out, char message[PROVE_TEXT_SIZE])
{
	struct proving *p;
	int rc = prove_check(task->instance, message);

	*out = (struct proof){.status = PROVE_UNFINISHED, .found = INFINITY, .gap = NAN};
	if (rc != GRAPPE_OK)
		return rc;
	p = calloc(1, sizeof *p);
	if (p == NULL) {
		snprintf(message, PROVE_TEXT_SIZE, "%s", error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	p->task = task;
	p->out = out;
	p->begin = glp_time();
	rc = prove(p, message);
	out->seconds = passed_s(p);
	proving_deinit(p);
	free(p);
	if (rc != GRAPPE_ENOTFOUND)
		return rc;
	*out = (struct proof){
	    .status = PROVE_INFEASIBLE, .bound = INFINITY, .found = INFINITY, .gap = NAN};
	return GRAPPE_OK;
}
