/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_sequence.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDING 1e-9
#define PARKED_MAX 3 /* times that a bundle may wait */

/* VMs that move in one step: one, or those of a unit that are in the same environment. */
struct bundle {
	uint32_t first, count; /* in members */
	uint32_t unit, from, to;
	double vcpu, mem_GiB;
	double gain; /* of the move when all others are where they go */
	bool forced;
	uint8_t parked;
};

struct ordering {
	const struct instance *in;
	const struct bounds *b;
	const uint32_t *target;
	uint32_t *place;
	double *vcpu, *mem_GiB; /* per environment: used */
	double *gain;           /* per VM */
	uint32_t *members;
	struct bundle *pending;
	size_t npending;
	uint32_t *unit_first, *unit_vms; /* VMs by unit */
	struct sequence out;
	size_t room; /* of out.moves */
};

/* ---- state ---- */

static bool within(double used, double more, double limit)
{
	return more <= 0 || used + more <= limit + ROUNDING * (1 + limit);
}

static bool has_room(const struct ordering *o, const struct bundle *it, uint32_t env)
{
	return within(o->vcpu[env], it->vcpu, o->b->vcpu[env]) &&
	       within(o->mem_GiB[env], it->mem_GiB, o->b->mem_GiB[env]);
}

/* Whether one of the unit's VMs is in env. */
static bool is_unit_in(const struct ordering *o, uint32_t unit, uint32_t env)
{
	for (uint32_t i = o->unit_first[unit]; i < o->unit_first[unit + 1]; i++)
		if (o->place[o->unit_vms[i]] == env)
			return true;
	return false;
}

static bool is_apart(const struct ordering *o, uint32_t unit, uint32_t env)
{
	for (size_t k = o->b->apart_first[unit]; k < o->b->apart_first[unit + 1]; k++)
		if (is_unit_in(o, o->b->apart[k], env))
			return false;
	return true;
}

static bool may_go(const struct ordering *o, const struct bundle *it, uint32_t env)
{
	return has_room(o, it, env) && is_apart(o, it->unit, env);
}

static bool is_over(const struct ordering *o, uint32_t env)
{
	return !within(o->vcpu[env], 1e-300, o->b->vcpu[env]) ||
	       !within(o->mem_GiB[env], 1e-300, o->b->mem_GiB[env]);
}

/* ---- bundles ---- */

/* What each VM gains when it goes to its target and all others are at theirs. */
static void find_gains(
    struct ordering *o, enum cost_objective objective, const struct cost_tables *tables)
{
	const size_t n = o->in->nenvs;

	for (uint32_t vm = 0; vm < o->in->nvms; vm++)
		o->gain[vm] = solve_model_of_vm(o->in, objective, vm, o->in->vms[vm].env) -
			      solve_model_of_vm(o->in, objective, vm, o->target[vm]);
	for (size_t i = 0; tables->terms > 0 && i < o->in->nflows; i++) {
		const struct instance_flow *flow = &o->in->flows[i];
		double weight[COST_TERMS];
		uint32_t from, to, old_from, old_to;

		if (flow->from >= o->in->nvms || flow->to >= o->in->nvms)
			continue;
		from = o->target[flow->from];
		to = o->target[flow->to];
		old_from = o->in->vms[flow->from].env;
		old_to = o->in->vms[flow->to].env;
		solve_model_of_flow(o->in, objective, flow, weight);
		for (unsigned t = 0; t < tables->terms; t++) {
			const double *table = tables->table[t];

			o->gain[flow->to] +=
			    weight[t] * (table[from * n + old_to] - table[from * n + to]);
			o->gain[flow->from] +=
			    weight[t] * (table[old_from * n + to] - table[from * n + to]);
		}
	}
}

static bool is_forced(const struct ordering *o, uint32_t vm)
{
	const uint32_t unit = o->b->unit[vm], env = o->place[vm];

	if (!solve_bounds_may_stay(o->b, o->in, vm) || is_over(o, env) || !is_apart(o, unit, env))
		return true;
	for (uint32_t i = o->unit_first[unit]; i < o->unit_first[unit + 1]; i++)
		if (o->place[o->unit_vms[i]] != env)
			return true;
	return false;
}

static void add_to_bundle(struct ordering *o, struct bundle *it, uint32_t *nmembers, uint32_t vm)
{
	o->members[(*nmembers)++] = vm;
	it->count++;
	it->vcpu += o->in->vms[vm].vcpu;
	it->mem_GiB += o->in->vms[vm].mem_GiB;
	it->gain += o->gain[vm];
	it->forced |= is_forced(o, vm);
}

/* VMs of a unit that have the same way to go form a bundle. */
static void make_bundles(struct ordering *o)
{
	uint32_t nmembers = 0;

	for (uint32_t unit = 0; unit < o->b->nunits; unit++) {
		for (uint32_t i = o->unit_first[unit]; i < o->unit_first[unit + 1]; i++) {
			const uint32_t vm = o->unit_vms[i];
			const uint32_t from = o->place[vm], to = o->target[vm];
			struct bundle *it = &o->pending[o->npending];
			bool first = from != to;

			for (uint32_t j = o->unit_first[unit]; j < i; j++)
				first &= o->place[o->unit_vms[j]] != from;
			if (!first)
				continue;
			*it = (struct bundle){
			    .first = nmembers, .unit = unit, .from = from, .to = to};
			for (uint32_t j = i; j < o->unit_first[unit + 1]; j++)
				if (o->place[o->unit_vms[j]] == from)
					add_to_bundle(o, it, &nmembers, o->unit_vms[j]);
			o->npending++;
		}
	}
}

static int compare_bundles(const void *a, const void *b)
{
	const struct bundle *x = a, *y = b;

	if (x->forced != y->forced)
		return x->forced ? -1 : 1;
	if (x->gain != y->gain)
		return x->gain < y->gain ? 1 : -1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

/* ---- steps ---- */

static int take_step(struct ordering *o, struct bundle *it, uint32_t to, bool parking)
{
	if (o->out.count + it->count > o->room) {
		const size_t room = 2 * o->room + it->count;
		void *moves = realloc(o->out.moves, room * sizeof *o->out.moves);

		if (moves == NULL)
			return GRAPPE_EMEMORY;
		o->out.moves = moves;
		o->room = room;
	}
	o->out.steps++;
	for (uint32_t i = it->first; i < it->first + it->count; i++) {
		const uint32_t vm = o->members[i];

		o->out.moves[o->out.count++] = (struct sequence_move){.vm = vm,
		    .from = it->from,
		    .to = to,
		    .step = (uint32_t)o->out.steps,
		    .forced = it->forced,
		    .parking = parking};
		o->place[vm] = to;
	}
	o->vcpu[it->from] -= it->vcpu;
	o->mem_GiB[it->from] -= it->mem_GiB;
	o->vcpu[to] += it->vcpu;
	o->mem_GiB[to] += it->mem_GiB;
	it->from = to;
	return GRAPPE_OK;
}

/* Takes every pending step that is possible now, in their order; returns how many, or an error. */
static int take_possible(struct ordering *o)
{
	size_t kept = 0;
	int taken = 0, rc = GRAPPE_OK;

	for (size_t i = 0; i < o->npending; i++) {
		struct bundle it = o->pending[i];

		if (rc == GRAPPE_OK && may_go(o, &it, it.to)) {
			rc = take_step(o, &it, it.to, false);
			taken++;
		} else {
			o->pending[kept++] = it;
		}
	}
	o->npending = kept;
	return rc == GRAPPE_OK ? taken : rc;
}

/* Whether somebody pending could go where the bundle is, once it has left. */
static bool unblocks(const struct ordering *o, const struct bundle *it)
{
	for (size_t i = 0; i < o->npending; i++) {
		const struct bundle *other = &o->pending[i];

		if (other != it && other->to == it->from &&
		    within(o->vcpu[it->from] - it->vcpu, other->vcpu, o->b->vcpu[it->from]) &&
		    within(o->mem_GiB[it->from] - it->mem_GiB, other->mem_GiB,
			o->b->mem_GiB[it->from]))
			return true;
	}
	return false;
}

/* Where the bundle may wait: the emptiest environment that it may be in. */
static uint32_t find_parking(const struct ordering *o, const struct bundle *it)
{
	uint32_t best = UINT32_MAX;
	double most = -1;

	for (uint32_t e = 0; e < o->in->nenvs; e++) {
		bool allowed = true;

		for (uint32_t i = it->first; i < it->first + it->count; i++)
			allowed &= (o->b->allowed[o->members[i]] >> e & 1) != 0;
		if (!allowed || e == it->from || e == it->to || !may_go(o, it, e) ||
		    o->b->vcpu[e] - o->vcpu[e] <= most)
			continue;
		most = o->b->vcpu[e] - o->vcpu[e];
		best = e;
	}
	return best;
}

/* All are blocked: the smallest bundle whose leaving helps waits elsewhere. Returns 1, 0 when there
 * is none, or an error. */
static int park_one(struct ordering *o)
{
	struct bundle *best = NULL;
	uint32_t best_env = UINT32_MAX;
	int rc;

	for (size_t i = 0; i < o->npending; i++) {
		struct bundle *it = &o->pending[i];
		uint32_t env;

		if (it->parked >= PARKED_MAX || (best != NULL && it->vcpu >= best->vcpu))
			continue;
		env = find_parking(o, it);
		if (env == UINT32_MAX || !unblocks(o, it))
			continue;
		best = it;
		best_env = env;
	}
	if (best == NULL)
		return 0;
	best->parked++;
	rc = take_step(o, best, best_env, true);
	return rc == GRAPPE_OK ? 1 : rc;
}

static int take_all(struct ordering *o, bool may_park)
{
	int rc = 1;

	while (rc > 0 && o->npending > 0) {
		rc = take_possible(o);
		if (rc == 0 && may_park)
			rc = park_one(o);
	}
	for (size_t i = 0; i < o->npending; i++)
		o->out.dropped += o->pending[i].count;
	return rc < 0 ? rc : GRAPPE_OK;
}

/* Who waits somewhere and never goes on is not parked: it stays there. */
static void settle_parked(struct ordering *o)
{
	/* gain is not needed any more: it marks VMs that move in a later step. */
	for (size_t vm = 0; vm < o->in->nvms; vm++)
		o->gain[vm] = 0;
	for (size_t i = o->out.count; i-- > 0;) {
		struct sequence_move *it = &o->out.moves[i];

		it->parking &= o->gain[it->vm] > 0;
		o->gain[it->vm] = 1;
	}
}

/* ---- the whole ---- */

static int list_units(struct ordering *o)
{
	uint32_t *first = o->unit_first = calloc(o->b->nunits + 3, sizeof *first);

	o->unit_vms = calloc(o->in->nvms + 1, sizeof *o->unit_vms);
	if (first == NULL || o->unit_vms == NULL)
		return GRAPPE_EMEMORY;
	for (size_t vm = 0; vm < o->in->nvms; vm++)
		first[o->b->unit[vm] + 2]++;
	for (size_t u = 0; u <= o->b->nunits; u++)
		first[u + 2] += first[u + 1];
	for (uint32_t vm = 0; vm < o->in->nvms; vm++)
		o->unit_vms[first[o->b->unit[vm] + 1]++] = vm;
	return GRAPPE_OK;
}

static int ordering_init(struct ordering *o)
{
	const size_t n = o->in->nvms;

	o->place = calloc(n + 1, sizeof *o->place);
	o->gain = calloc(n + 1, sizeof *o->gain);
	o->members = calloc(n + 1, sizeof *o->members);
	o->pending = calloc(n + 1, sizeof *o->pending);
	o->vcpu = calloc(o->in->nenvs + 1, sizeof *o->vcpu);
	o->mem_GiB = calloc(o->in->nenvs + 1, sizeof *o->mem_GiB);
	o->out.moves = calloc(n + 1, sizeof *o->out.moves);
	o->room = n + 1;
	if (o->place == NULL || o->gain == NULL || o->members == NULL || o->pending == NULL ||
	    o->vcpu == NULL || o->mem_GiB == NULL || o->out.moves == NULL)
		return GRAPPE_EMEMORY;
	for (size_t vm = 0; vm < n; vm++) {
		o->place[vm] = o->in->vms[vm].env;
		o->vcpu[o->place[vm]] += o->in->vms[vm].vcpu;
		o->mem_GiB[o->place[vm]] += o->in->vms[vm].mem_GiB;
	}
	return list_units(o);
}

/* Parked VMs that could not go on, and back again, stay where they are: what they did stands. */
int solve_sequence_find(const struct instance *instance, const struct bounds *bounds,
    enum cost_objective objective, const uint32_t *target, bool may_park, struct sequence *out)
{
	struct ordering o = {.in = instance, .b = bounds, .target = target};
	struct cost_tables tables;
	int rc = solve_model_tables_init(instance, objective, &tables);

	if (rc == GRAPPE_OK)
		rc = ordering_init(&o);
	if (rc == GRAPPE_OK) {
		find_gains(&o, objective, &tables);
		make_bundles(&o);
		qsort(o.pending, o.npending, sizeof *o.pending, compare_bundles);
		rc = take_all(&o, may_park);
		settle_parked(&o);
	}
	solve_model_tables_deinit(&tables);
	free(o.vcpu);
	free(o.mem_GiB);
	free(o.gain);
	free(o.members);
	free(o.pending);
	free(o.unit_first);
	free(o.unit_vms);
	o.out.place = o.place;
	if (rc == GRAPPE_OK)
		*out = o.out;
	else
		solve_sequence_deinit(&o.out);
	return rc;
}

void solve_sequence_deinit(struct sequence *sequence)
{
	free(sequence->moves);
	free(sequence->place);
	*sequence = (struct sequence){0};
}
