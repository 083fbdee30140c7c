/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/plan_hosts.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>

struct settling {
	const struct plan_hosts_task *task;
	const struct problem *p;
	uint32_t *out; /* PROBLEM_NOWHERE: not yet */
	struct load *used;
	uint32_t *order; /* VMs by size, the smallest first */
};

static const struct load *load_of(const struct settling *s, uint32_t vm)
{
	return &s->p->instance.vms[vm].load;
}

static int compare_sizes(const void *a, const void *b, void *context)
{
	const struct problem *p = context;
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct load *one = &p->instance.vms[x].load, *two = &p->instance.vms[y].load;

	if (one->vcpu != two->vcpu)
		return one->vcpu < two->vcpu ? -1 : 1;
	if (one->mem_GiB != two->mem_GiB)
		return one->mem_GiB < two->mem_GiB ? -1 : 1;
	return (x > y) - (x < y);
}

static bool is_apart(const struct settling *s, uint32_t vm, uint32_t place)
{
	const struct solve_places *places = &s->p->places;

	for (size_t k = places->apart_first[vm]; k < places->apart_first[vm + 1]; k++)
		if (s->out[places->apart[k]] == place)
			return false;
	return true;
}

static bool fits(const struct settling *s, uint32_t vm, uint32_t place)
{
	return load_fits(&s->used[place], load_of(s, vm), &s->p->places.items[place].limit) &&
	       is_apart(s, vm, place);
}

static void put(struct settling *s, uint32_t vm, uint32_t place)
{
	s->out[vm] = place;
	load_add(&s->used[place], load_of(s, vm));
}

static bool should_stay(const struct settling *s, uint32_t vm)
{
	const struct solve_place *place = &s->p->places.items[s->task->place[vm]];

	return place->env == s->task->env[vm] && !place->drained;
}

/* Many small ones stay rather than few large ones. */
static void keep_stayers(struct settling *s)
{
	const size_t nvms = s->p->instance.nvms;

	for (uint32_t vm = 0; vm < nvms; vm++)
		if (s->task->fixed[vm])
			put(s, vm, s->task->place[vm]);
	for (size_t i = 0; i < nvms; i++) {
		const uint32_t vm = s->order[i], place = s->task->place[vm];

		if (s->out[vm] == PROBLEM_NOWHERE && should_stay(s, vm) && fits(s, vm, place))
			put(s, vm, place);
	}
}

static double share(double used, double limit)
{
	return isfinite(limit) && limit > 0 ? used / limit : 0;
}

/* How well the VM fills a place: the fuller the better, so that large rooms stay; without known
 * limits the emptier the better. */
static double fullness(const struct settling *s, uint32_t place)
{
	const struct load *used = &s->used[place], *limit = &s->p->places.items[place].limit;
	const double full = fmax(share(used->vcpu, limit->vcpu),
	    fmax(share(used->mem_GiB, limit->mem_GiB), share(used->vms, limit->vms)));

	return isfinite(limit->vcpu) || isfinite(limit->mem_GiB) || isfinite(limit->vms)
		   ? full
		   : -used->vms;
}

static uint32_t find_host(const struct settling *s, uint32_t vm)
{
	const uint32_t advised = s->p->advised[vm];
	uint32_t best = PROBLEM_NOWHERE;

	if (advised != PROBLEM_NOWHERE && s->p->places.items[advised].env == s->task->env[vm] &&
	    s->p->places.items[advised].open && fits(s, vm, advised))
		return advised;
	for (uint32_t place = 0; place < s->p->places.count; place++) {
		const struct solve_place *it = &s->p->places.items[place];

		if (it->env != s->task->env[vm] || !it->open || !fits(s, vm, place))
			continue;
		if (best == PROBLEM_NOWHERE || fullness(s, place) > fullness(s, best))
			best = place;
	}
	return best;
}

/* The largest first. */
static int place_movers(struct settling *s, bool *refused)
{
	int count = 0;

	for (size_t i = s->p->instance.nvms; i-- > 0;) {
		const uint32_t vm = s->order[i];
		uint32_t place;

		refused[vm] = false;
		if (s->out[vm] != PROBLEM_NOWHERE)
			continue;
		place = find_host(s, vm);
		if (place == PROBLEM_NOWHERE) {
			refused[vm] = !s->task->lenient;
			count += refused[vm];
			place = s->task->place[vm];
		}
		put(s, vm, place);
	}
	return count;
}

int plan_hosts_find(const struct plan_hosts_task *task, uint32_t *out, bool *refused)
{
	const struct problem *p = task->problem;
	struct settling s = {.task = task,
	    .p = p,
	    .out = out,
	    .used = calloc(p->places.count + 1, sizeof *s.used),
	    .order = calloc(p->instance.nvms + 1, sizeof *s.order)};
	int rc = s.used != NULL && s.order != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK) {
		for (uint32_t vm = 0; vm < p->instance.nvms; vm++) {
			out[vm] = PROBLEM_NOWHERE;
			s.order[vm] = vm;
		}
		qsort_r(s.order, p->instance.nvms, sizeof *s.order, compare_sizes, (void *)p);
		keep_stayers(&s);
		rc = place_movers(&s, refused);
	}
	free(s.used);
	free(s.order);
	return rc;
}
