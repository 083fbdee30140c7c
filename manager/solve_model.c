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

const char *const cost_names[] = {[COST_TIME] = "time",
    [COST_MONEY] = "cost",
    [COST_RESOURCES] = "resources",
    [COST_TRAFFIC] = "traffic",
    NULL};

double cost_migration_MB(const struct instance_vm *vm, double bandwidth_MBps)
{
	const double memory = 1024 * vm->load.mem_GiB, ratio = vm->dirty_MBps / bandwidth_MBps;
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

static double moving_hours(const struct instance *in, uint32_t vm, uint32_t env)
{
	const struct instance_vm *it = &in->vms[vm];
	const struct instance_link *way = link_of(in, it->env, env);

	return env == it->env ? 0
			      : MIGRATION_SHARE * cost_migration_MB(it, way->bandwidth_MBps) /
				    way->bandwidth_MBps / 3600;
}

static double compute_hours(const struct instance *in, uint32_t vm, uint32_t env)
{
	return in->vms[vm].work_h / in->envs[env].power;
}

static double moving_money(const struct instance *in, uint32_t vm, uint32_t env)
{
	const struct instance_vm *it = &in->vms[vm];
	const struct instance_link *way = link_of(in, it->env, env);

	return env == it->env
		   ? 0
		   : cost_migration_MB(it, way->bandwidth_MBps) / 1000 * way->price_per_GB;
}

/* How often a VM must save what its move costs while it runs, to have saved it once in time. */
static double times_to_save(const struct instance *in, uint32_t vm)
{
	return in->payback_h > 0 ? fmax(1, in->vms[vm].work_h / in->payback_h) : 1;
}

/* What a migration sends, as a rate over the time in which that must be saved. */
static double moving_Bps(const struct instance *in, uint32_t vm, uint32_t env)
{
	const struct instance_vm *it = &in->vms[vm];
	const double within_s = 3600 * fmin(in->payback_h, it->work_h);

	return env == it->env || !(within_s > 0)
		   ? 0
		   : cost_migration_MB(it, link_of(in, it->env, env)->bandwidth_MBps) * 1e6 /
			 within_s;
}

/* Of an hour that such a load is hosted. */
static double hourly_price(const struct instance_env *env, const struct load *load)
{
	return load->vcpu * env->price + load->mem_GiB * env->price_mem_GiB +
	       load->vms * env->price_vm;
}

double solve_model_of_vm(
    const struct instance *in, enum cost_objective objective, uint32_t vm, uint32_t env)
{
	const struct instance_vm *it = &in->vms[vm];
	const double part = env == it->advised ? 0.5 : 1; /* of what a move must save */
	const double times = fmax(1, part * times_to_save(in, vm));
	const double hours = compute_hours(in, vm, env) + times * moving_hours(in, vm, env);
	const double reluctance = env == it->env ? 0 : part * it->reluctance;

	switch (objective) {
	case COST_TIME:
		return hours + reluctance;
	case COST_MONEY:
		return hourly_price(&in->envs[env], &it->load) * hours +
		       times * moving_money(in, vm, env) + reluctance;
	case COST_TRAFFIC:
		return part * moving_Bps(in, vm, env) + reluctance;
	case COST_RESOURCES:
		break;
	}
	return env == it->env ? 0 : COST_PER_MOVE;
}

double solve_model_of_open(const struct instance *in, enum cost_objective objective, uint32_t env)
{
	return objective == COST_RESOURCES ? in->envs[env].limit.vcpu : 0;
}

static double flow_hours(
    const struct instance *in, const struct instance_flow *flow, const struct instance_link *link)
{
	return flow->share * (flow->packets_s * hours_per_packet(in, link) +
				 flow->bytes_s * hours_per_byte(in, link));
}

static double flow_money(
    const struct instance *in, const struct instance_flow *flow, const struct instance_link *link)
{
	return flow->share * flow->bytes_s * money_per_byte(in, link);
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

	switch (objective) {
	case COST_TIME:
		return flow_hours(in, flow, link);
	case COST_MONEY:
		return hourly_price(&in->envs[env], &in->vms[vm].load) *
			   flow_hours(in, flow, link) +
		       flow_money(in, flow, link);
	case COST_TRAFFIC:
		return from != to ? flow->bytes_s : 0;
	case COST_RESOURCES:
		break;
	}
	return 0;
}

/* How much dearer than a typical one the VM is; the same everywhere where only vcpu have a price,
 * else the mean over environments. */
static double price_ratio(const struct instance *in, const struct load *load)
{
	double sum = 0;
	size_t count = 0;

	for (size_t e = 0; e < in->nenvs; e++) {
		const double typical = hourly_price(&in->envs[e], &in->typical);

		if (typical <= 0)
			continue;
		sum += hourly_price(&in->envs[e], load) / typical;
		count++;
	}
	return count > 0 ? sum / (double)count : 0;
}

void solve_model_of_flow(const struct instance *in, enum cost_objective objective,
    const struct instance_flow *flow, double weight[COST_TERMS])
{
	const double ratio = objective == COST_MONEY ? price_ratio(in, &in->vms[flow->to].load) : 1;

	weight[0] =
	    objective == COST_TRAFFIC ? flow->bytes_s : flow->share * flow->packets_s * ratio;
	weight[1] = flow->share * flow->bytes_s * ratio;
	weight[2] = flow->share * flow->bytes_s;
}

static void fill_tables(const struct instance *in, enum cost_objective objective, uint32_t from,
    uint32_t to, const struct cost_tables *out)
{
	const struct instance_link *link = link_of(in, from, to);
	const size_t at = from * in->nenvs + to;
	const double price =
	    objective == COST_MONEY ? hourly_price(&in->envs[to], &in->typical) : 1;

	if (objective == COST_TRAFFIC) {
		out->table[0][at] = from != to;
		return;
	}
	out->table[0][at] = price * hours_per_packet(in, link);
	out->table[1][at] = price * hours_per_byte(in, link);
	if (objective == COST_MONEY)
		out->table[2][at] = money_per_byte(in, link);
}

int solve_model_tables_init(
    const struct instance *in, enum cost_objective objective, struct cost_tables *out)
{
	static const unsigned terms[] = {
	    [COST_TIME] = 2, [COST_MONEY] = 3, [COST_RESOURCES] = 0, [COST_TRAFFIC] = 1};

	*out = (struct cost_tables){.terms = terms[objective]};
	for (unsigned t = 0; t < out->terms; t++) {
		out->table[t] = calloc(in->nenvs * in->nenvs, sizeof *out->table[t]);
		if (out->table[t] == NULL)
			return GRAPPE_EMEMORY;
	}
	for (uint32_t from = 0; out->terms > 0 && from < in->nenvs; from++)
		for (uint32_t to = 0; to < in->nenvs; to++)
			fill_tables(in, objective, from, to, out);
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
	for (uint32_t e = 0; e < in->nenvs; e++)
		sum += (open >> e & 1) != 0 ? solve_model_of_open(in, COST_RESOURCES, e) : 0;
	return sum;
}

static void add_flow(const struct instance *in, const uint32_t *place,
    const struct instance_flow *flow, struct cost_vm *out)
{
	const uint32_t from = place_of_node(in, place, flow->from);
	const uint32_t to = place_of_node(in, place, flow->to);
	const struct instance_link *link = link_of(in, from, to);
	const uint32_t waits = vm_of_flow(in, flow);
	const uint32_t pays = flow->from < in->nvms ? flow->from : flow->to;

	if (waits >= in->nvms)
		return; /* between endpoints */
	out[waits].waiting_h += flow_hours(in, flow, link);
	out[pays].transfer += flow_money(in, flow, link);
	if (from == to)
		return;
	for (int end = 0; end < 2; end++) {
		const uint32_t node = end == 0 ? flow->from : flow->to;

		if (node < in->nvms)
			out[node].traffic_Bps += flow->bytes_s;
	}
}

void solve_model_vms(const struct instance *in, const uint32_t *place, struct cost_vm *out)
{
	for (uint32_t vm = 0; vm < in->nvms; vm++)
		out[vm] = (struct cost_vm){.compute_h = compute_hours(in, vm, place[vm]),
		    .moving_h = moving_hours(in, vm, place[vm]),
		    .transfer = moving_money(in, vm, place[vm])};
	for (size_t i = 0; i < in->nflows; i++)
		add_flow(in, place, &in->flows[i], out);
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		const double price = hourly_price(&in->envs[place[vm]], &in->vms[vm].load);

		out[vm].hosting =
		    price * (out[vm].compute_h + out[vm].waiting_h + out[vm].moving_h);
		out[vm].moving_money = price * out[vm].moving_h + moving_money(in, vm, place[vm]);
	}
}

static void add_traffic(const struct instance *in, const uint32_t *place, struct cost_totals *out)
{
	for (size_t i = 0; i < in->nflows; i++) {
		const struct instance_flow *flow = &in->flows[i];

		if (vm_of_flow(in, flow) >= in->nvms ||
		    place_of_node(in, place, flow->from) == place_of_node(in, place, flow->to))
			continue;
		out->traffic_Bps += flow->bytes_s;
		out->traffic_packets_s += flow->packets_s;
	}
}

int solve_model_totals_of(const struct instance *in, const uint32_t *place, struct cost_totals *out)
{
	struct cost_vm *vms = calloc(in->nvms + 1, sizeof *vms);

	*out = (struct cost_totals){0};
	if (vms == NULL)
		return GRAPPE_EMEMORY;
	solve_model_vms(in, place, vms);
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		const double hours = vms[vm].compute_h + vms[vm].waiting_h + vms[vm].moving_h;

		out->time_h += hours;
		out->makespan_h = fmax(out->makespan_h, hours);
		out->money += vms[vm].hosting + vms[vm].transfer;
		out->moving_h += vms[vm].moving_h;
		out->moving_money += vms[vm].moving_money;
		out->moved += place[vm] != in->vms[vm].env;
	}
	add_traffic(in, place, out);
	out->resources = open_vcpu(in, place) + COST_PER_MOVE * (double)out->moved;
	free(vms);
	return GRAPPE_OK;
}

struct cost_totals solve_model_around(const struct instance *in, const uint32_t *place, uint32_t vm,
    const uint32_t *flows, size_t count)
{
	const double price = hourly_price(&in->envs[place[vm]], &in->vms[vm].load);
	struct cost_totals sum = {.moving_h = moving_hours(in, vm, place[vm])};

	sum.time_h = compute_hours(in, vm, place[vm]) + sum.moving_h;
	sum.moving_money = price * sum.moving_h + moving_money(in, vm, place[vm]);
	sum.money = price * compute_hours(in, vm, place[vm]) + sum.moving_money;
	for (size_t i = 0; i < count; i++) {
		const struct instance_flow *flow = &in->flows[flows[i]];
		const uint32_t from = place_of_node(in, place, flow->from);
		const uint32_t to = place_of_node(in, place, flow->to);
		const struct instance_link *link = link_of(in, from, to);
		const double hours = flow_hours(in, flow, link);
		const uint32_t waits = vm_of_flow(in, flow);

		sum.time_h += hours;
		sum.money += hours * hourly_price(&in->envs[place[waits]], &in->vms[waits].load) +
			     flow_money(in, flow, link);
		sum.traffic_Bps += from != to ? flow->bytes_s : 0;
		sum.traffic_packets_s += from != to ? flow->packets_s : 0;
	}
	return sum;
}

double solve_model_value(enum cost_objective objective, const struct cost_totals *totals)
{
	switch (objective) {
	case COST_TIME:
		return totals->time_h;
	case COST_MONEY:
		return totals->money;
	case COST_TRAFFIC:
		return totals->traffic_Bps;
	case COST_RESOURCES:
		break;
	}
	return totals->resources;
}
