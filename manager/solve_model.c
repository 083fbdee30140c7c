/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_model.h"

#include "common/error.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define ROUNDS_MAX 30       /* of pre-copy */
#define LAST_ROUND_MB 64    /* what is sent with the VM stopped */
#define NOT_CONVERGING 3    /* times the memory, when it is written faster than sent */
#define MIGRATION_SHARE 0.1 /* of a migration's time that its VM loses */

double cost_migration_MB(const struct instance_vm *vm, double bandwidth_MBps)
{
	const double memory = 1024 * vm->mem_GiB, ratio = vm->dirty_MBps / bandwidth_MBps;
	double sent = 0, round = memory;

	if (ratio >= 1)
		return NOT_CONVERGING * memory;
	for (int i = 0; i < ROUNDS_MAX && round >= LAST_ROUND_MB; i++) {
		sent += round;
		round *= ratio;
	}
	return sent + round;
}

static const struct instance_link *link_of(const struct instance *in, uint32_t from, uint32_t to)
{
	return &in->links[from * in->nenvs + to];
}

/* Hours that a flow keeps its receiver waiting. */
static double hours_per_packet(const struct instance *in, const struct instance_link *link)
{
	return in->horizon_h * in->sync_fraction * link->latency_ms / 1000;
}

static double hours_per_byte(const struct instance *in, const struct instance_link *link)
{
	return in->horizon_h / 1e6 / link->bandwidth_MBps;
}

static double money_per_byte(const struct instance *in, const struct instance_link *link)
{
	return in->horizon_h * 3600 / 1e9 * link->price_per_GB;
}

static double own_hours(const struct instance *in, uint32_t vm, uint32_t env)
{
	const struct instance_vm *it = &in->vms[vm];
	const struct instance_link *way = link_of(in, it->env, env);
	double hours = it->work_h / in->envs[env].power;

	if (env != it->env)
		hours += MIGRATION_SHARE * cost_migration_MB(it, way->bandwidth_MBps) /
			 way->bandwidth_MBps / 3600;
	return hours;
}

static double moving_money(const struct instance *in, uint32_t vm, uint32_t env)
{
	const struct instance_vm *it = &in->vms[vm];
	const struct instance_link *way = link_of(in, it->env, env);

	return env == it->env
		   ? 0
		   : cost_migration_MB(it, way->bandwidth_MBps) / 1000 * way->price_per_GB;
}

double solve_model_of_vm(
    const struct instance *in, enum cost_objective objective, uint32_t vm, uint32_t env)
{
	switch (objective) {
	case COST_TIME:
		return own_hours(in, vm, env);
	case COST_MONEY:
		return in->vms[vm].vcpu * in->envs[env].price * own_hours(in, vm, env) +
		       moving_money(in, vm, env);
	case COST_RESOURCES:
		break;
	}
	return env == in->vms[vm].env ? 0 : COST_PER_MOVE;
}

static double flow_hours(
    const struct instance *in, const struct instance_flow *flow, const struct instance_link *link)
{
	return flow->packets_s * hours_per_packet(in, link) +
	       flow->bytes_s * hours_per_byte(in, link);
}

/* The VM of a flow with an endpoint, whichever way it goes: it is the one that waits. */
static uint32_t vm_of_flow(const struct instance *in, const struct instance_flow *flow)
{
	return flow->to < in->nvms ? flow->to : flow->from;
}

static uint32_t place_of_node(const struct instance *in, const uint32_t *place, uint32_t node)
{
	return node < in->nvms ? place[node] : in->endpoints[node - in->nvms];
}

double solve_model_of_endpoint_flow(const struct instance *in, enum cost_objective objective,
    const struct instance_flow *flow, uint32_t env)
{
	const uint32_t vm = vm_of_flow(in, flow);
	const uint32_t from = flow->from == vm ? env : in->endpoints[flow->from - in->nvms];
	const uint32_t to = flow->to == vm ? env : in->endpoints[flow->to - in->nvms];
	const struct instance_link *link = link_of(in, from, to);
	const double hours = flow_hours(in, flow, link);

	if (objective == COST_TIME)
		return hours;
	if (objective == COST_RESOURCES)
		return 0;
	return in->vms[vm].vcpu * in->envs[env].price * hours +
	       flow->bytes_s * money_per_byte(in, link);
}

void solve_model_of_flow(const struct instance *in, enum cost_objective objective,
    const struct instance_flow *flow, double weight[COST_TERMS])
{
	const double vcpu = objective == COST_MONEY ? in->vms[flow->to].vcpu : 1;

	weight[0] = flow->packets_s * vcpu;
	weight[1] = flow->bytes_s * vcpu;
	weight[2] = flow->bytes_s;
}

int solve_model_tables_init(
    const struct instance *in, enum cost_objective objective, struct cost_tables *out)
{
	static const unsigned terms[] = {[COST_TIME] = 2, [COST_MONEY] = 3, [COST_RESOURCES] = 0};

	*out = (struct cost_tables){.terms = terms[objective]};
	for (unsigned t = 0; t < out->terms; t++) {
		out->table[t] = calloc(in->nenvs * in->nenvs, sizeof *out->table[t]);
		if (out->table[t] == NULL)
			return GRAPPE_EMEMORY;
	}
	for (uint32_t from = 0; out->terms > 0 && from < in->nenvs; from++) {
		for (uint32_t to = 0; to < in->nenvs; to++) {
			const struct instance_link *link = link_of(in, from, to);
			const double price = objective == COST_MONEY ? in->envs[to].price : 1;
			const size_t at = from * in->nenvs + to;

			out->table[0][at] = price * hours_per_packet(in, link);
			out->table[1][at] = price * hours_per_byte(in, link);
			if (objective == COST_MONEY)
				out->table[2][at] = money_per_byte(in, link);
		}
	}
	return GRAPPE_OK;
}

void solve_model_tables_deinit(struct cost_tables *tables)
{
	for (unsigned t = 0; t < COST_TERMS; t++)
		free(tables->table[t]);
	*tables = (struct cost_tables){0};
}

/* ---- whole placements ---- */

static double open_vcpu(const struct instance *in, const uint32_t *place)
{
	uint64_t open = 0;
	double sum = 0;

	for (size_t vm = 0; vm < in->nvms; vm++)
		open |= UINT64_C(1) << place[vm];
	for (size_t e = 0; e < in->nenvs; e++)
		sum += (open >> e & 1) != 0 ? in->envs[e].vcpu : 0;
	return sum;
}

int solve_model_totals_of(const struct instance *in, const uint32_t *place, struct cost_totals *out)
{
	double *hours = calloc(in->nvms + 1, sizeof *hours);

	*out = (struct cost_totals){0};
	if (hours == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		hours[vm] = own_hours(in, vm, place[vm]);
		out->money += moving_money(in, vm, place[vm]);
		out->moved += place[vm] != in->vms[vm].env;
	}
	for (size_t i = 0; i < in->nflows; i++) {
		const struct instance_flow *flow = &in->flows[i];
		const struct instance_link *link = link_of(
		    in, place_of_node(in, place, flow->from), place_of_node(in, place, flow->to));

		if (vm_of_flow(in, flow) >= in->nvms)
			continue; /* between endpoints */
		hours[vm_of_flow(in, flow)] += flow_hours(in, flow, link);
		out->money += flow->bytes_s * money_per_byte(in, link);
	}
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		out->time_h += hours[vm];
		out->makespan_h = fmax(out->makespan_h, hours[vm]);
		out->money += in->vms[vm].vcpu * in->envs[place[vm]].price * hours[vm];
	}
	out->resources = open_vcpu(in, place) + COST_PER_MOVE * (double)out->moved;
	free(hours);
	return GRAPPE_OK;
}

double solve_model_value(enum cost_objective objective, const struct cost_totals *totals)
{
	return objective == COST_TIME    ? totals->time_h
	       : objective == COST_MONEY ? totals->money
					 : totals->resources;
}
