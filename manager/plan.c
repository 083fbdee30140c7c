/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/plan.h"

#include "common/error.h"
#include "manager/plan_curve.h"
#include "manager/plan_hosts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEADY_SHARE 0.001 /* of what is no traffic, that a move must save */
#define TRIES_MAX 8        /* of finding hosts in the environments that were chosen */
#define ROUNDS_MAX 4       /* of planning on from the own result */
#define LEAST_LIMIT_S 0.05 /* processor time for few VMs, and more for each */
#define LIMIT_S_PER_VM 0.002

struct planning {
	const struct problem *p;
	const struct plan_settings *settings;
	struct instance in;            /* the problem's, with VMs and environments of its own */
	struct rules rules;            /* the problem's, and what was found out about hosts */
	struct instance_flow *weighed; /* weigh_flows(); NULL: nobody moved lately */
	bool *fixed, *refused;
	uint32_t *env;   /* per VM: as chosen */
	uint32_t *place; /* per VM: where it ends, as far as is planned */
	bool lenient;
	double left_s; /* processor time that searches may still take */
	struct plan *out;
};

static uint32_t env_of(const struct problem *p, uint32_t place)
{
	return p->places.items[place].env;
}

/* ---- reluctance ---- */

/* The traffic of VMs that moved lately weighs twice as much with each time, when it comes to what
 * a move must save: neither they nor those who talk to them follow what comes and goes. */
static int weigh_flows(struct planning *x)
{
	const struct instance *in = &x->p->instance;
	bool any = false;

	for (size_t vm = 0; vm < in->nvms; vm++)
		any |= x->p->moves[vm] > 0;
	if (!any)
		return GRAPPE_OK;
	x->weighed = calloc(in->nflows + 1, sizeof *x->weighed);
	if (x->weighed == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < in->nflows; i++) {
		struct instance_flow *flow = &x->weighed[i];
		unsigned from, to;

		*flow = in->flows[i];
		from = flow->from < in->nvms ? x->p->moves[flow->from] : 0;
		to = flow->to < in->nvms ? x->p->moves[flow->to] : 0;
		flow->bytes_s = ldexp(flow->bytes_s, (int)(from > to ? from : to));
		flow->packets_s = ldexp(flow->packets_s, (int)(from > to ? from : to));
	}
	return GRAPPE_OK;
}

/* What a VM must save to be moved: a share of what its traffic costs, which is measured and
 * noisy, and very little of what is known. */
static int set_reluctance(struct planning *x)
{
	const struct plan_settings *settings = x->settings;
	struct instance in = x->in;
	struct cost_vm *now = calloc(x->in.nvms + 1, sizeof *now);

	in.flows = x->weighed != NULL ? x->weighed : in.flows;
	if (now == NULL)
		return GRAPPE_EMEMORY;
	for (size_t vm = 0; vm < x->in.nvms; vm++)
		x->env[vm] = x->in.vms[vm].env;
	solve_model_vms(&in, x->env, now);
	for (size_t vm = 0; vm < x->in.nvms; vm++) {
		const struct cost_vm *it = &now[vm];
		const double hours = it->compute_h + it->waiting_h;
		const double waiting = hours > 0 ? it->hosting * it->waiting_h / hours : 0;
		const double reluctance[] = {[COST_TIME] = settings->minimum_gain * it->waiting_h +
							   STEADY_SHARE * it->compute_h,
		    [COST_MONEY] = settings->minimum_gain * (waiting + it->transfer) +
				   STEADY_SHARE * (it->hosting - waiting),
		    [COST_RESOURCES] = 0,
		    [COST_TRAFFIC] = fmax(
			settings->minimum_gain_octets, settings->minimum_gain * it->traffic_Bps)};

		x->in.vms[vm].reluctance = reluctance[settings->objective];
	}
	free(now);
	return GRAPPE_OK;
}

/* ---- environments, then hosts ---- */

static void start_from(struct planning *x, const uint32_t *place)
{
	memcpy(x->place, place, x->in.nvms * sizeof *x->place);
	for (size_t vm = 0; vm < x->in.nvms; vm++)
		x->in.vms[vm].env = env_of(x->p, place[vm]);
}

/* No environment may become fuller than it is where its limit is broken already. */
static void relax_limits(struct planning *x)
{
	struct load used[INSTANCE_ENVS_MAX] = {0};

	for (size_t vm = 0; vm < x->in.nvms; vm++)
		load_add(&used[x->in.vms[vm].env], &x->in.vms[vm].load);
	for (size_t e = 0; e < x->in.nenvs; e++) {
		struct load *limit = &x->in.envs[e].limit;

		limit->vcpu = fmax(limit->vcpu, used[e].vcpu);
		limit->mem_GiB = fmax(limit->mem_GiB, used[e].mem_GiB);
		limit->vms = fmax(limit->vms, used[e].vms);
	}
	x->rules.count = x->p->rules.count;
	x->lenient = true;
}

/* Returns 1 when environments were chosen, 0 when there is no way, or GRAPPE_EMEMORY. */
static int choose_environments(struct planning *x, size_t max_moves)
{
	/* Whatever comes, there is time left for another search. */
	const double usual = LEAST_LIMIT_S + LIMIT_S_PER_VM * (double)x->in.nvms;
	const double limit_s = fmin(x->left_s / 2, usual);
	struct solve_settings settings = {.objective = x->settings->objective,
	    .max_moves = max_moves,
	    .limit_s = limit_s,
	    .seed = 1};
	struct solve_answer answer;
	int rc;

	x->left_s -= limit_s;
	memcpy(settings.caps, x->settings->caps, sizeof settings.caps);
	rc = solve_find(&x->in, &x->rules, &settings, &answer);

	if (rc != GRAPPE_OK)
		return rc;
	if (answer.feasible)
		memcpy(x->env, answer.plan.place, x->in.nvms * sizeof *x->env);
	else
		snprintf(x->out->reason, sizeof x->out->reason, "%s", answer.reason);
	rc = answer.feasible;
	solve_deinit(&answer);
	return rc;
}

/* Who found no host in the environment chosen for it does not go there. */
static int forbid_refused(struct planning *x)
{
	for (uint32_t vm = 0; vm < x->in.nvms; vm++) {
		const struct rule forbid = {.kind = RULE_FORBID,
		    .a = vm,
		    .b = x->env[vm],
		    .why = "no host of an environment has room"};
		int rc = x->refused[vm] ? solve_rules_add(&x->rules, &forbid) : GRAPPE_OK;

		if (rc != GRAPPE_OK)
			return rc;
	}
	return GRAPPE_OK;
}

/* One round from where x->in has its VMs. target: per VM a place. Returns 1, 0 or an error as
 * choose_environments(). */
static int plan_round(struct planning *x, size_t max_moves, uint32_t *target)
{
	int rc = set_reluctance(x);

	x->rules.count = x->p->rules.count; /* what was forbidden was so from another placement */
	for (int i = 0; rc == GRAPPE_OK; i++) {
		const struct plan_hosts_task hosts = {.problem = x->p,
		    .place = x->place,
		    .env = x->env,
		    .fixed = x->fixed,
		    .lenient = x->lenient || i == TRIES_MAX};

		rc = choose_environments(x, max_moves);
		if (rc == 0 && !x->lenient) {
			relax_limits(x);
			rc = GRAPPE_OK;
			continue;
		}
		if (rc <= 0)
			return rc;
		rc = plan_hosts_find(&hosts, target, x->refused);
		if (rc == 0)
			return 1;
		rc = rc > 0 ? forbid_refused(x) : rc;
	}
	return rc;
}

static size_t count_moved(const struct planning *x, const uint32_t *target)
{
	size_t moved = 0;

	for (size_t vm = 0; vm < x->in.nvms; vm++)
		moved += target[vm] != x->p->place[vm];
	return moved;
}

/* Again from the own result, until that brings nothing more: then the next plan, made when these
 * moves are carried out, brings nothing either. */
static int plan_rounds(struct planning *x)
{
	uint32_t *target = calloc(x->in.nvms + 1, sizeof *target);
	int rc = target != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	start_from(x, x->p->place);
	for (int round = 0; rc == GRAPPE_OK && round < ROUNDS_MAX; round++) {
		const size_t moved = count_moved(x, x->place);
		const size_t left =
		    moved < x->settings->max_moves ? x->settings->max_moves - moved : 0;

		if (round > 0 && left == 0)
			break;
		rc = plan_round(x, left, target);
		if (rc <= 0) {
			x->out->feasible = round > 0;
			rc = rc < 0 ? rc : GRAPPE_OK;
			break;
		}
		rc = GRAPPE_OK;
		x->out->feasible = true;
		if (memcmp(target, x->place, x->in.nvms * sizeof *target) == 0)
			break;
		start_from(x, target);
	}
	free(target);
	return rc;
}

/* ---- the order of moves ---- */

static int order_moves(const struct planning *x, bool may_park, struct sequence *out)
{
	struct bounds bounds;
	char reason[RULES_TEXT_SIZE];
	const struct sequence_task task = {.instance = &x->p->instance,
	    .bounds = &bounds,
	    .places = &x->p->places,
	    .from = x->p->place,
	    .target = x->place,
	    .objective = x->settings->objective,
	    .order = SEQUENCE_BY_VM,
	    .may_park = may_park};
	int rc = solve_bounds_build(&x->p->instance, &x->p->rules, &bounds, reason);

	if (rc != GRAPPE_OK)
		return rc;
	rc = solve_sequence_find(&task, out);
	solve_bounds_deinit(&bounds);
	return rc;
}

/* VMs that wait take moves: where these would be too many, what needs them is left out. */
static int order_within_limit(const struct planning *x, struct sequence *out)
{
	int rc = order_moves(x, true, out);

	if (rc != GRAPPE_OK || solve_sequence_voluntary(out) <= x->settings->max_moves)
		return rc;
	solve_sequence_deinit(out);
	return order_moves(x, false, out);
}

/* ---- what the moves change ---- */

static void shift(struct cost_totals *sum, const struct cost_totals *part, double sign)
{
	sum->time_h += sign * part->time_h;
	sum->money += sign * part->money;
	sum->moving_h += sign * part->moving_h;
	sum->moving_money += sign * part->moving_money;
	sum->traffic_Bps += sign * part->traffic_Bps;
	sum->traffic_packets_s += sign * part->traffic_packets_s;
}

/* The environments in use; resources of a whole placement. */
static double open_vcpu(const struct problem *p, const uint32_t *count)
{
	double sum = 0;

	for (size_t e = 0; e < p->instance.nenvs; e++)
		sum += count[e] > 0 ? p->instance.envs[e].limit.vcpu : 0;
	return sum;
}

static int tell_steps(struct planning *x, const struct sequence *sequence)
{
	const struct problem *p = x->p;
	uint32_t count[INSTANCE_ENVS_MAX] = {0}, *env = x->env;
	struct cost_totals now;
	int rc;

	for (size_t vm = 0; vm < p->instance.nvms; vm++)
		count[env[vm] = p->instance.vms[vm].env]++;
	rc = solve_model_totals_of(&p->instance, env, &now);
	x->out->before = now;
	for (size_t i = 0; rc == GRAPPE_OK && i < sequence->count; i++) {
		const struct sequence_move *move = &sequence->moves[i];
		const uint32_t *flows = p->flows + p->first[move->vm];
		const size_t nflows = p->first[move->vm + 1] - p->first[move->vm];
		struct plan_step *step = &x->out->steps[x->out->nsteps++];
		struct cost_totals part =
		    solve_model_around(&p->instance, env, move->vm, flows, nflows);

		*step = (struct plan_step){.vm = move->vm,
		    .from = move->from,
		    .to = move->to,
		    .step = move->step,
		    .parking = move->parking,
		    .forced = move->forced,
		    .before = now};
		shift(&now, &part, -1);
		count[env[move->vm]]--;
		env[move->vm] = env_of(p, move->to);
		count[env[move->vm]]++;
		part = solve_model_around(&p->instance, env, move->vm, flows, nflows);
		shift(&now, &part, 1);
		now.resources = open_vcpu(p, count);
		step->after = now;
	}
	if (rc == GRAPPE_OK)
		rc = solve_model_totals_of(&p->instance, env, &x->out->after);
	return rc;
}

/* Hosts and environments that hold too much in the end. */
static size_t count_overfull(const struct problem *p, const uint32_t *place)
{
	struct load *used = calloc(p->places.count + 1, sizeof *used);
	struct load in_env[INSTANCE_ENVS_MAX] = {0};
	size_t over = 0;

	for (size_t vm = 0; used != NULL && vm < p->instance.nvms; vm++) {
		load_add(&used[place[vm]], &p->instance.vms[vm].load);
		load_add(&in_env[env_of(p, place[vm])], &p->instance.vms[vm].load);
	}
	for (size_t i = 0; used != NULL && i < p->places.count; i++)
		over += load_is_over(&used[i], &p->places.items[i].limit);
	/* Its hosts tell already what a sum of hosts would. */
	for (size_t e = 0; over == 0 && e < p->instance.nenvs; e++)
		over += load_is_over(&in_env[e], &p->instance.envs[e].limit);
	free(used);
	return over;
}

/* What hosts and the order of moves made of the plan may break a cap: then nobody moves who may
 * stay. Returns whether the plan stands. */
static bool keeps_caps(const struct planning *x)
{
	double caps[CAP_KINDS];
	enum cost_objective kind;

	memcpy(caps, x->settings->caps, sizeof caps);
	solve_cap_raise(&x->out->before, caps);
	return !solve_cap_broken(&x->out->after, caps, &kind);
}

static void drop_plan(struct planning *x)
{
	for (size_t i = 0; i < x->out->nsteps; i++)
		x->out->feasible &= !x->out->steps[i].forced;
	x->out->nsteps = x->out->ncurve = 0;
	x->out->after = x->out->before;
	memcpy(x->out->place, x->p->place, x->in.nvms * sizeof *x->out->place);
	snprintf(x->out->reason, sizeof x->out->reason,
	    "cap: no plan was found that keeps the rules and the caps");
}

static int finish(struct planning *x)
{
	struct sequence sequence = {0};
	int rc = GRAPPE_OK;

	if (x->out->feasible)
		rc = order_within_limit(x, &sequence);
	if (rc == GRAPPE_ENOTFOUND) {
		x->out->feasible = false;
		rc = GRAPPE_OK;
	}
	if (rc != GRAPPE_OK)
		return rc;
	x->out->steps = calloc(sequence.count + 1, sizeof *x->out->steps);
	x->out->place = calloc(x->in.nvms + 1, sizeof *x->out->place);
	if (x->out->steps == NULL || x->out->place == NULL) {
		rc = GRAPPE_EMEMORY;
	} else {
		memcpy(x->out->place, sequence.place != NULL ? sequence.place : x->p->place,
		    x->in.nvms * sizeof *x->out->place);
		rc = tell_steps(x, &sequence);
		if (rc == GRAPPE_OK)
			rc = plan_curve_find(x->p, x->settings->objective, x->out);
		if (rc == GRAPPE_OK && !keeps_caps(x))
			drop_plan(x);
		x->out->overfull = count_overfull(x->p, x->out->place);
	}
	solve_sequence_deinit(&sequence);
	return rc;
}

/* ---- the whole ---- */

static int planning_init(struct planning *x)
{
	const struct problem *p = x->p;
	const size_t nvms = p->instance.nvms;
	bool any = false;
	int rc = GRAPPE_OK;

	x->in = p->instance;
	x->in.payback_h = x->settings->payback_h;
	x->in.vms = calloc(nvms + 1, sizeof *x->in.vms);
	x->in.envs = calloc(p->instance.nenvs + 1, sizeof *x->in.envs);
	x->fixed = calloc(nvms + 1, sizeof *x->fixed);
	x->refused = calloc(nvms + 1, sizeof *x->refused);
	x->env = calloc(nvms + 1, sizeof *x->env);
	x->place = calloc(nvms + 1, sizeof *x->place);
	if (x->in.vms == NULL || x->in.envs == NULL || x->fixed == NULL || x->refused == NULL ||
	    x->env == NULL || x->place == NULL)
		return GRAPPE_EMEMORY;
	memcpy(x->in.vms, p->instance.vms, nvms * sizeof *x->in.vms);
	memcpy(x->in.envs, p->instance.envs, p->instance.nenvs * sizeof *x->in.envs);
	for (size_t i = 0; rc == GRAPPE_OK && i < p->rules.count; i++) {
		rc = solve_rules_add(&x->rules, &p->rules.items[i]);
		any |= p->rules.items[i].kind == RULE_SCOPE;
	}
	for (size_t vm = 0; vm < nvms; vm++)
		x->fixed[vm] = any;
	for (size_t i = 0; i < p->rules.count; i++)
		if (p->rules.items[i].kind == RULE_SCOPE)
			x->fixed[p->rules.items[i].a] = false;
	return rc == GRAPPE_OK ? weigh_flows(x) : rc;
}

int plan_find(const struct problem *problem, const struct plan_settings *settings, struct plan *out)
{
	struct planning x = {
	    .p = problem, .settings = settings, .left_s = settings->limit_s, .out = out};
	int rc;

	*out = (struct plan){.feasible = true};
	rc = planning_init(&x);
	if (rc == GRAPPE_OK && problem->instance.nvms > 0)
		rc = plan_rounds(&x);
	if (rc == GRAPPE_OK)
		rc = finish(&x);
	free(x.in.vms);
	free(x.in.envs);
	solve_rules_deinit(&x.rules);
	free(x.weighed);
	free(x.fixed);
	free(x.refused);
	free(x.env);
	free(x.place);
	if (rc != GRAPPE_OK)
		plan_deinit(out);
	return rc;
}

void plan_deinit(struct plan *plan)
{
	free(plan->steps);
	free(plan->place);
	*plan = (struct plan){0};
}
