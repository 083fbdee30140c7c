/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_sequence.h"

#include "common/error.h"
#include "manager/solve_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PARKED_MAX 3 /* times that a bundle may wait */
/* Where moves block each other in one order, others are tried, at random but always the same. */
#define SHUFFLES 200
#define SHUFFLES_VMS 10000 /* VMs times shuffles at most */

/* VMs that move in one step: one, or those of a unit that go from one environment to another. */
struct bundle {
	uint32_t first, count;   /* in members */
	uint32_t unit, from, to; /* environments */
	struct load load;
	double gain; /* of the move when all others are where they go */
	bool forced;
	uint8_t parked;
};

struct ordering {
	const struct sequence_task *task;
	const struct instance *in;
	const struct bounds *b;
	struct solve_places places; /* the task's, or one for each environment */
	uint32_t *place;
	struct load *used_env, *used; /* per environment, per place */
	double *gain;                 /* per VM */
	uint32_t *members;
	struct bundle *pending;
	size_t npending;
	uint32_t *unit_first, *unit_vms; /* VMs by unit */
	struct sequence out;
	size_t room;       /* of out.moves */
	struct lots *lots; /* NULL: no shuffling */
};

static uint32_t env_of(const struct ordering *o, uint32_t place)
{
	return o->places.items[place].env;
}

/* ---- what may be ---- */

/* Whether one of the unit's VMs is in env. */
static bool is_unit_in(const struct ordering *o, uint32_t unit, uint32_t env)
{
	for (uint32_t i = o->unit_first[unit]; i < o->unit_first[unit + 1]; i++)
		if (env_of(o, o->place[o->unit_vms[i]]) == env)
			return true;
	return false;
}

static bool is_unit_apart(const struct ordering *o, uint32_t unit, uint32_t env)
{
	for (size_t k = o->b->apart_first[unit]; k < o->b->apart_first[unit + 1]; k++)
		if (is_unit_in(o, o->b->apart[k], env))
			return false;
	return true;
}

static bool is_vm_apart(const struct ordering *o, uint32_t vm, uint32_t place)
{
	const size_t *first = o->places.apart_first;

	for (size_t k = first != NULL ? first[vm] : 0; first != NULL && k < first[vm + 1]; k++)
		if (o->place[o->places.apart[k]] == place)
			return false;
	return true;
}

static const struct load *load_of(const struct ordering *o, uint32_t vm)
{
	return &o->in->vms[vm].load;
}

static bool fits_place(const struct ordering *o, uint32_t vm, uint32_t place)
{
	const struct solve_place *it = &o->places.items[place];

	return it->open && load_fits(&o->used[place], load_of(o, vm), &it->limit);
}

/* Where a member of a bundle goes: to the place, or UINT32_MAX: to its target. */
static uint32_t way_of(const struct ordering *o, uint32_t vm, uint32_t place)
{
	return place != UINT32_MAX ? place : o->task->target[vm];
}

/* Whether there is room for all of a bundle, one after the other. */
static bool has_room(struct ordering *o, const struct bundle *it, uint32_t place)
{
	const uint32_t env = env_of(o, way_of(o, o->members[it->first], place));
	uint32_t done = 0;

	if (env != it->from && !load_fits(&o->used_env[env], &it->load, &o->b->limit[env]))
		return false;
	for (; done < it->count; done++) {
		const uint32_t vm = o->members[it->first + done], to = way_of(o, vm, place);

		if (!fits_place(o, vm, to))
			break;
		load_add(&o->used[to], load_of(o, vm));
	}
	for (uint32_t i = 0; i < done; i++) {
		const uint32_t vm = o->members[it->first + i];

		load_take(&o->used[way_of(o, vm, place)], load_of(o, vm));
	}
	return done == it->count;
}

/* Whether all of a bundle may go. */
static bool may_go(struct ordering *o, const struct bundle *it, uint32_t place)
{
	const uint32_t env = env_of(o, way_of(o, o->members[it->first], place));

	for (uint32_t i = it->first; i < it->first + it->count; i++)
		if (!is_vm_apart(o, o->members[i], way_of(o, o->members[i], place)))
			return false;
	return (env == it->from || is_unit_apart(o, it->unit, env)) && has_room(o, it, place);
}

static bool is_env_over(const struct ordering *o, uint32_t env)
{
	return load_is_over(&o->used_env[env], &o->b->limit[env]);
}

static bool is_place_over(const struct ordering *o, uint32_t place)
{
	return load_is_over(&o->used[place], &o->places.items[place].limit);
}

/* ---- bundles ---- */

/* What each VM gains when it goes to its target and all others are at theirs. */
static void find_gains(struct ordering *o, const struct cost_tables *tables)
{
	const enum cost_objective objective = o->task->objective;
	const size_t n = o->in->nenvs;

	for (uint32_t vm = 0; vm < o->in->nvms; vm++)
		o->gain[vm] =
		    solve_model_of_vm(o->in, objective, vm, o->in->vms[vm].env) -
		    solve_model_of_vm(o->in, objective, vm, env_of(o, o->task->target[vm]));
	for (size_t i = 0; tables->terms > 0 && i < o->in->nflows; i++) {
		const struct instance_flow *flow = &o->in->flows[i];
		double weight[COST_TERMS];
		uint32_t from, to, old_from, old_to;

		if (flow->from >= o->in->nvms || flow->to >= o->in->nvms)
			continue;
		from = env_of(o, o->task->target[flow->from]);
		to = env_of(o, o->task->target[flow->to]);
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
	const uint32_t unit = o->b->unit[vm], place = o->place[vm], env = env_of(o, place);

	if (!solve_bounds_may_stay(o->b, o->in, vm) || is_env_over(o, env) ||
	    !is_unit_apart(o, unit, env) || o->places.items[place].drained ||
	    is_place_over(o, place) || !is_vm_apart(o, vm, place))
		return true;
	for (uint32_t i = o->unit_first[unit]; i < o->unit_first[unit + 1]; i++)
		if (env_of(o, o->place[o->unit_vms[i]]) != env)
			return true;
	return false;
}

static void add_to_bundle(struct ordering *o, struct bundle *it, uint32_t *nmembers, uint32_t vm)
{
	o->members[(*nmembers)++] = vm;
	it->count++;
	load_add(&it->load, load_of(o, vm));
	it->gain += o->gain[vm];
	it->forced |= is_forced(o, vm);
}

/* Whether the unit's VMs before this one leave nobody in its environment: it begins a bundle. */
static bool is_first_of(const struct ordering *o, uint32_t unit, uint32_t at)
{
	const uint32_t env = env_of(o, o->place[o->unit_vms[at]]);

	for (uint32_t j = o->unit_first[unit]; j < at; j++)
		if (env_of(o, o->place[o->unit_vms[j]]) == env)
			return false;
	return true;
}

/* VMs of a unit that change environments the same way form a bundle; who only changes places is
 * one alone. */
static void make_bundles(struct ordering *o)
{
	uint32_t nmembers = 0;

	for (uint32_t unit = 0; unit < o->b->nunits; unit++) {
		for (uint32_t i = o->unit_first[unit]; i < o->unit_first[unit + 1]; i++) {
			const uint32_t vm = o->unit_vms[i], place = o->place[vm];
			const uint32_t from = env_of(o, place);
			const uint32_t to = env_of(o, o->task->target[vm]);
			struct bundle *it = &o->pending[o->npending];

			if (place == o->task->target[vm] ||
			    (from != to && !is_first_of(o, unit, i)))
				continue;
			*it = (struct bundle){
			    .first = nmembers, .unit = unit, .from = from, .to = to};
			if (from == to)
				add_to_bundle(o, it, &nmembers, vm);
			for (uint32_t j = i; from != to && j < o->unit_first[unit + 1]; j++)
				if (env_of(o, o->place[o->unit_vms[j]]) == from)
					add_to_bundle(o, it, &nmembers, o->unit_vms[j]);
			o->npending++;
		}
	}
}

static int compare_units(const void *a, const void *b)
{
	const struct bundle *x = a, *y = b;

	if (x->forced != y->forced)
		return x->forced ? -1 : 1;
	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static int compare_gains(const void *a, const void *b)
{
	const struct bundle *x = a, *y = b;

	if (x->forced == y->forced && x->gain != y->gain)
		return x->gain < y->gain ? 1 : -1;
	return compare_units(a, b);
}

/* ---- steps ---- */

static int take_step(struct ordering *o, struct bundle *it, uint32_t place, bool parking)
{
	const uint32_t env = env_of(o, way_of(o, o->members[it->first], place));

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
		const uint32_t vm = o->members[i], from = o->place[vm], to = way_of(o, vm, place);

		o->out.moves[o->out.count++] = (struct sequence_move){.vm = vm,
		    .from = from,
		    .to = to,
		    .step = (uint32_t)o->out.steps,
		    .forced = it->forced,
		    .parking = parking};
		o->place[vm] = to;
		load_take(&o->used[from], load_of(o, vm));
		load_add(&o->used[to], load_of(o, vm));
	}
	load_take(&o->used_env[it->from], &it->load);
	load_add(&o->used_env[env], &it->load);
	it->from = env;
	return GRAPPE_OK;
}

/* Takes the pending steps from `from` to `to` - 1 that are possible now; the others follow those
 * already kept. Returns how many were taken, or an error. */
static int take_range(struct ordering *o, size_t from, size_t to, size_t *kept)
{
	int taken = 0, rc = GRAPPE_OK;

	for (size_t i = from; i < to; i++) {
		struct bundle it = o->pending[i];

		if (rc == GRAPPE_OK && may_go(o, &it, UINT32_MAX)) {
			rc = take_step(o, &it, UINT32_MAX, false);
			taken++;
		} else {
			o->pending[(*kept)++] = it;
		}
	}
	return rc == GRAPPE_OK ? taken : rc;
}

/* Forced steps that waited, the first ones of those kept, and became possible. */
static int take_forced(struct ordering *o, size_t *forced, size_t *kept)
{
	size_t left = 0;
	int taken = take_range(o, 0, *forced, &left);

	memmove(o->pending + left, o->pending + *forced, (*kept - *forced) * sizeof *o->pending);
	*kept -= *forced - left;
	*forced = left;
	return taken;
}

/* Takes every pending step that is possible now, in their order: voluntary ones only while no
 * forced one is possible. Returns how many, or an error. */
static int take_possible(struct ordering *o)
{
	size_t kept = 0, forced = 0;
	int taken = 0;

	for (size_t i = 0; i < o->npending; i++) {
		const bool waits = o->pending[i].forced;
		int now = take_range(o, i, i + 1, &kept);

		if (waits)
			forced = kept;
		while (now > 0) {
			taken += now;
			now = forced > 0 ? take_forced(o, &forced, &kept) : 0;
		}
		if (now < 0)
			return now;
	}
	o->npending = kept;
	return taken;
}

/* Takes a bundle off its places, or puts it back. */
static void lift(struct ordering *o, const struct bundle *it, bool off)
{
	void (*change)(struct load *, const struct load *) = off ? load_take : load_add;

	change(&o->used_env[it->from], &it->load);
	for (uint32_t i = it->first; i < it->first + it->count; i++)
		change(&o->used[o->place[o->members[i]]], load_of(o, o->members[i]));
}

/* Whether somebody pending had room once the bundle has left. */
static bool unblocks(struct ordering *o, const struct bundle *it)
{
	bool found = false;

	lift(o, it, true);
	for (size_t i = 0; i < o->npending && !found; i++) {
		const struct bundle *other = &o->pending[i];

		found = other != it && other->to == it->from && has_room(o, other, UINT32_MAX);
	}
	lift(o, it, false);
	return found;
}

/* Whether all of a bundle may be in an environment. */
static bool is_allowed(const struct ordering *o, const struct bundle *it, uint32_t env)
{
	for (uint32_t i = it->first; i < it->first + it->count; i++)
		if ((o->b->allowed[o->members[i]] >> env & 1) == 0)
			return false;
	return true;
}

/* Whether a place is none that one of a bundle is in or goes to. */
static bool is_elsewhere(const struct ordering *o, const struct bundle *it, uint32_t place)
{
	for (uint32_t i = it->first; i < it->first + it->count; i++)
		if (place == o->place[o->members[i]] || place == o->task->target[o->members[i]])
			return false;
	return true;
}

/* Where the bundle may wait: the place with most room that it may be in; when it may not be where
 * it is either, any other will do. */
static uint32_t find_parking(struct ordering *o, const struct bundle *it)
{
	uint32_t best = UINT32_MAX;
	double most = -1;
	const bool any = !is_allowed(o, it, it->from);
	bool best_allowed = false;

	for (uint32_t p = 0; p < o->places.count; p++) {
		const struct solve_place *place = &o->places.items[p];
		const double left = fmin(
		    fmin(place->limit.vcpu - o->used[p].vcpu, place->limit.vms - o->used[p].vms),
		    1e300);
		const bool allowed = is_allowed(o, it, place->env);

		if (allowed < best_allowed || (allowed == best_allowed && left <= most) ||
		    (!allowed && !any) || !is_elsewhere(o, it, p) || !may_go(o, it, p))
			continue;
		best_allowed = allowed;
		most = left;
		best = p;
	}
	return best;
}

static bool is_smaller(const struct bundle *a, const struct bundle *b)
{
	return a->load.vcpu != b->load.vcpu ? a->load.vcpu < b->load.vcpu : a->count < b->count;
}

/* Of two bundles that may wait, whether the first one should: the smaller one, or by lot the one or
 * the other. */
static bool is_better_parked(struct ordering *o, const struct bundle *a, const struct bundle *b)
{
	return b == NULL || (o->lots != NULL ? solve_lots_draw(o->lots, 2) == 0 : is_smaller(a, b));
}

/* All are blocked: the smallest bundle whose leaving helps waits elsewhere. Returns 1, 0 when there
 * is none, or an error. */
static int park_one(struct ordering *o)
{
	struct bundle *best = NULL;
	uint32_t best_place = UINT32_MAX;
	int rc;

	for (size_t i = 0; i < o->npending; i++) {
		struct bundle *it = &o->pending[i];
		uint32_t place;

		if (it->parked >= PARKED_MAX || !is_better_parked(o, it, best))
			continue;
		place = find_parking(o, it);
		if (place == UINT32_MAX || !unblocks(o, it))
			continue;
		best = it;
		best_place = place;
	}
	if (best == NULL)
		return 0;
	best->parked++;
	rc = take_step(o, best, best_place, true);
	return rc == GRAPPE_OK ? 1 : rc;
}

static int take_all(struct ordering *o)
{
	int rc = 1;

	while (rc > 0 && o->npending > 0) {
		rc = take_possible(o);
		if (rc == 0 && o->task->may_park)
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

/* Every environment is a place. */
static int make_places(struct ordering *o)
{
	if (o->task->places != NULL) {
		o->places = *o->task->places;
		return GRAPPE_OK;
	}
	o->places.count = o->in->nenvs;
	o->places.items = calloc(o->in->nenvs + 1, sizeof *o->places.items);
	for (uint32_t e = 0; o->places.items != NULL && e < o->in->nenvs; e++)
		o->places.items[e] =
		    (struct solve_place){.env = e, .limit = o->b->limit[e], .open = true};
	return o->places.items != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static int ordering_init(struct ordering *o)
{
	const size_t n = o->in->nvms;
	int rc = make_places(o);

	o->place = calloc(n + 1, sizeof *o->place);
	o->gain = calloc(n + 1, sizeof *o->gain);
	o->members = calloc(n + 1, sizeof *o->members);
	o->pending = calloc(n + 1, sizeof *o->pending);
	o->used_env = calloc(o->in->nenvs + 1, sizeof *o->used_env);
	o->used = calloc(o->places.count + 1, sizeof *o->used);
	o->out.moves = calloc(n + 1, sizeof *o->out.moves);
	o->room = n + 1;
	if (rc != GRAPPE_OK || o->place == NULL || o->gain == NULL || o->members == NULL ||
	    o->pending == NULL || o->used_env == NULL || o->used == NULL || o->out.moves == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t vm = 0; vm < n; vm++) {
		o->place[vm] = o->task->from != NULL ? o->task->from[vm] : o->in->vms[vm].env;
		load_add(&o->used[o->place[vm]], load_of(o, vm));
		load_add(&o->used_env[env_of(o, o->place[vm])], load_of(o, vm));
	}
	return list_units(o);
}

/* Within the forced ones, and within the others. */
static void shuffle(struct ordering *o)
{
	size_t begin = 0;

	for (size_t i = 0; i < o->npending; i++) {
		const struct bundle kept = o->pending[i];
		size_t other;

		if (i > 0 && kept.forced != o->pending[i - 1].forced)
			begin = i;
		other = begin + solve_lots_draw(o->lots, (uint32_t)(i - begin + 1));
		o->pending[i] = o->pending[other];
		o->pending[other] = kept;
	}
}

static int order_steps(struct ordering *o)
{
	struct cost_tables tables;
	int rc = solve_model_tables_init(o->in, o->task->objective, &tables);

	if (rc == GRAPPE_OK) {
		find_gains(o, &tables);
		make_bundles(o);
		qsort(o->pending, o->npending, sizeof *o->pending,
		    o->task->order == SEQUENCE_BY_GAIN ? compare_gains : compare_units);
		if (o->lots != NULL)
			shuffle(o);
		rc = take_all(o);
		settle_parked(o);
	}
	solve_model_tables_deinit(&tables);
	return rc;
}

/* All but what it found out. */
static void ordering_deinit(struct ordering *o)
{
	if (o->task->places == NULL)
		free(o->places.items);
	free(o->used_env);
	free(o->used);
	free(o->gain);
	free(o->members);
	free(o->pending);
	free(o->unit_first);
	free(o->unit_vms);
	o->out.place = o->place;
}

/* Parked VMs that could not go on, and back again, stay where they are: what they did stands. */
static int find_once(const struct sequence_task *task, struct lots *lots, struct sequence *out)
{
	struct ordering o = {.task = task, .in = task->instance, .b = task->bounds, .lots = lots};
	int rc = ordering_init(&o);

	if (rc == GRAPPE_OK)
		rc = order_steps(&o);
	ordering_deinit(&o);
	if (rc == GRAPPE_OK)
		*out = o.out;
	else
		solve_sequence_deinit(&o.out);
	return rc;
}

int solve_sequence_find(const struct sequence_task *task, struct sequence *out)
{
	const size_t most = SHUFFLES_VMS / (task->instance->nvms + 1);
	struct lots lots;
	int rc;

	*out = (struct sequence){0};
	rc = find_once(task, NULL, out);
	solve_lots_init(&lots, 1);
	for (size_t i = 0;
	     rc == GRAPPE_OK && task->may_park && out->dropped > 0 && i < SHUFFLES && i < most;
	     i++) {
		struct sequence other;

		rc = find_once(task, &lots, &other);
		if (rc == GRAPPE_OK && other.dropped < out->dropped) {
			const struct sequence worse = *out;

			*out = other;
			other = worse;
		}
		solve_sequence_deinit(&other);
	}
	if (rc != GRAPPE_OK)
		solve_sequence_deinit(out);
	return rc;
}

int solve_sequence_forced(const struct sequence_task *task, bool *forced)
{
	struct ordering o = {.task = task, .in = task->instance, .b = task->bounds};
	int rc = ordering_init(&o);

	for (uint32_t vm = 0; rc == GRAPPE_OK && vm < o.in->nvms; vm++)
		forced[vm] = is_forced(&o, vm);
	ordering_deinit(&o);
	solve_sequence_deinit(&o.out);
	return rc;
}

size_t solve_sequence_voluntary(const struct sequence *sequence)
{
	size_t count = 0;

	for (size_t i = 0; i < sequence->count; i++)
		count += !sequence->moves[i].forced;
	return count;
}

void solve_sequence_deinit(struct sequence *sequence)
{
	free(sequence->moves);
	free(sequence->place);
	*sequence = (struct sequence){0};
}
