/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/problem.h"

#include "common/error.h"
#include "common/identity.h"
#include "manager/json_fields.h"
#include "manager/problem_rules.h"
#include "manager/recommendation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMITLESS_MBPS 1e12 /* a link whose bandwidth does not matter */

/* What is put together. */
struct building {
	struct problem *p;
	const struct observation *observation;
	const struct problem_options *options;
	char *message;
	size_t size;
	uint32_t *vm_of; /* per node of the matrix: VM, nvms + endpoint, or PROBLEM_NOWHERE */
};

#define FAIL(b, code, ...) (snprintf((b)->message, (b)->size, __VA_ARGS__), (code))

/* ---- environments and places ---- */

static int take_environment(struct building *b, const char *name)
{
	struct problem *p = b->p;
	size_t i = 0;

	while (i < p->instance.nenvs && strcmp(p->environments[i], name) != 0)
		i++;
	if (i == INSTANCE_ENVS_MAX)
		return FAIL(
		    b, GRAPPE_ELIMIT, "more than %d environments: no plan", INSTANCE_ENVS_MAX);
	if (i == p->instance.nenvs) {
		memcpy(p->environments[i], name, strlen(name) + 1);
		p->env_names[i] = p->environments[i];
		p->instance.nenvs++;
	}
	return (int)i;
}

static const struct load no_limit = {INFINITY, INFINITY, INFINITY};

/* Returns the place or an error. */
static int add_place(struct building *b, const char *environment, const char *host, bool open)
{
	struct problem *p = b->p;
	const int env = take_environment(b, environment);
	struct place *named = &p->names[p->places.count];

	if (env < 0)
		return env;
	memcpy(named->environment, environment, strlen(environment) + 1);
	memcpy(named->host, host, strlen(host) + 1);
	p->places.items[p->places.count] =
	    (struct solve_place){.env = (uint32_t)env, .limit = no_limit, .open = open};
	return (int)p->places.count++;
}

static struct load limit_of(const struct environment_capacity *told)
{
	return (struct load){.vcpu = isnan(told->vcpu) ? INFINITY : told->vcpu,
	    .mem_GiB = isnan(told->mem_GiB) ? INFINITY : told->mem_GiB,
	    .vms = isnan(told->max_vms) ? INFINITY : told->max_vms};
}

static bool is_told(const struct environment_capacity *capacity)
{
	return !isnan(capacity->vcpu) || !isnan(capacity->mem_GiB) || !isnan(capacity->max_vms);
}

static int add_listed_hosts(struct building *b, const struct environment *environment)
{
	int place = take_environment(b, environment->name);

	for (size_t h = 0; place >= 0 && h < environment->nhosts; h++) {
		const struct environment_host *host = &environment->hosts[h];

		place = add_place(b, environment->name, host->name, host->drain != TRUTH_YES);
		if (place < 0)
			break;
		b->p->places.items[place].limit = limit_of(&host->capacity);
		b->p->places.items[place].drained = host->drain == TRUTH_YES;
	}
	/* One whose capacity is told as a whole takes VMs without a host being named. */
	if (place >= 0 && environment->nhosts == 0 && is_told(&environment->capacity))
		place = add_place(b, environment->name, "", true);
	return place < 0 ? place : GRAPPE_OK;
}

/* The place of a VM. One whose environment nobody told is found by its host alone, if that is
 * unique. */
static uint32_t find_place(const struct problem *p, const struct place *wanted)
{
	uint32_t found = PROBLEM_NOWHERE;
	size_t count = 0;

	for (uint32_t i = 0; i < p->places.count; i++) {
		if (strcmp(p->names[i].host, wanted->host) != 0)
			continue;
		if (strcmp(p->names[i].environment, wanted->environment) == 0)
			return i;
		found = i;
		count++;
	}
	return wanted->environment[0] == '\0' && count == 1 ? found : PROBLEM_NOWHERE;
}

/* ---- VMs ---- */

static bool is_same_place(const struct place *a, const struct place *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->environment, b->environment) == 0;
}

static double known_or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

static void add_vm(struct building *b, const struct observed_vm *seen, uint32_t place)
{
	struct problem *p = b->p;
	const size_t vm = p->instance.nvms++;

	p->vms[vm] = seen;
	p->vm_names[vm] = observation_label(seen->id, (void *)b->observation);
	p->place[vm] = place;
	p->advised[vm] = PROBLEM_NOWHERE;
	p->group[vm] = PROBLEM_NO_GROUP;
	p->unsized += isnan(seen->vcpu) || isnan(seen->mem_GiB);
	p->instance.vms[vm] = (struct instance_vm){
	    .load = {known_or_zero(seen->vcpu), known_or_zero(seen->mem_GiB), 1},
	    .dirty_MBps = b->options->dirty_MBps,
	    .env = p->places.items[place].env,
	    .advised = INSTANCE_NOWHERE};
}

static int take_vms(struct building *b)
{
	struct problem *p = b->p;
	uint32_t last = PROBLEM_NOWHERE;

	for (size_t i = 0; i < b->observation->nvms; i++) {
		const struct observed_vm *vm = &b->observation->vms[i];
		/* Neighbours in the list often share a host. */
		uint32_t place =
		    last != PROBLEM_NOWHERE && is_same_place(&p->names[last], &vm->place)
			? last
			: find_place(p, &vm->place);

		if (place == PROBLEM_NOWHERE && vm->place.environment[0] == '\0') {
			p->left_out++;
			p->unseen += problem_is_application(b->options, vm);
			continue;
		}
		if (place == PROBLEM_NOWHERE) {
			const int added =
			    add_place(b, vm->place.environment, vm->place.host, false);

			if (added < 0)
				return added;
			place = (uint32_t)added;
			p->unlisted_hosts++;
		}
		last = place;
		add_vm(b, vm, place);
	}
	return GRAPPE_OK;
}

static void take_groups(struct building *b, const struct groups *groups)
{
	for (uint32_t g = 0; g < groups->count; g++) {
		for (size_t i = 0; i < groups->items[g].members.count; i++) {
			const uint32_t vm = b->vm_of[groups->items[g].members.nodes[i]];

			if (vm < b->p->instance.nvms)
				b->p->group[vm] = g;
		}
	}
}

/* ---- traffic ---- */

/* Which node of the matrix a fixed node of the document is, or an error. */
static int find_endpoint(const struct matrix *matrix, const struct environment_endpoint *endpoint)
{
	char name[PLACE_NAME_SIZE + sizeof SENDER_ENDPOINT];

	if (strcmp(endpoint->name, SENDER_EXTERNAL) == 0)
		return matrix_find(matrix, SENDER_EXTERNAL);
	snprintf(name, sizeof name, SENDER_ENDPOINT "%s", endpoint->name);
	return matrix_find(matrix, name);
}

static void match_nodes(struct building *b, const struct environments *environments)
{
	struct instance *in = &b->p->instance;
	const struct matrix *matrix = b->observation->matrix;

	for (size_t i = 0; i < matrix_nodes(matrix); i++)
		b->vm_of[i] = PROBLEM_NOWHERE;
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		const int node = matrix_find(matrix, b->p->vms[vm]->id);

		if (node >= 0)
			b->vm_of[node] = vm;
	}
	for (size_t i = 0; i < environments->nendpoints; i++) {
		const struct environment_endpoint *endpoint = &environments->endpoints[i];
		const int node = find_endpoint(matrix, endpoint);

		if (node < 0)
			continue;
		/* Environments of the document come first, in its order. */
		in->endpoints[in->nendpoints] = (uint32_t)endpoint->environment;
		b->vm_of[node] = (uint32_t)(in->nvms + in->nendpoints++);
	}
}

static int take_traffic(struct building *b)
{
	struct instance *in = &b->p->instance;
	const double seconds = matrix_window(b->observation->matrix)->length_s;
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(b->observation->matrix, &count);

	in->flows = calloc(count + 1, sizeof *in->flows);
	if (in->flows == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count; i++) {
		const uint32_t from = b->vm_of[pairs[i].source], to = b->vm_of[pairs[i].receiver];

		if (from != PROBLEM_NOWHERE && to != PROBLEM_NOWHERE && from != to &&
		    (from < in->nvms || to < in->nvms) && seconds > 0)
			in->flows[in->nflows++] = (struct instance_flow){.from = from,
			    .to = to,
			    .packets_s = pairs[i].packets / seconds,
			    .bytes_s = pairs[i].octets / seconds};
	}
	return GRAPPE_OK;
}

static int list_flows(struct problem *p)
{
	const struct instance *in = &p->instance;

	p->first = calloc(in->nvms + 3, sizeof *p->first);
	p->flows = calloc(2 * in->nflows + 1, sizeof *p->flows);
	if (p->first == NULL || p->flows == NULL)
		return GRAPPE_EMEMORY;
	for (int fill = 0; fill < 2; fill++) {
		for (uint32_t i = 0; i < in->nflows; i++) {
			const uint32_t ends[2] = {in->flows[i].from, in->flows[i].to};

			for (int end = 0; end < 2; end++) {
				if (ends[end] >= in->nvms)
					continue;
				if (fill == 0)
					p->first[ends[end] + 2]++;
				else
					p->flows[p->first[ends[end] + 1]++] = i;
			}
		}
		for (size_t vm = 0; fill == 0 && vm <= in->nvms; vm++)
			p->first[vm + 2] += p->first[vm + 1];
	}
	return GRAPPE_OK;
}

/* ---- facts ---- */

static void miss(struct problem *p, enum cost_objective objective, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void miss(struct problem *p, enum cost_objective objective, const char *format, ...)
{
	va_list arguments;

	if (p->missing[objective][0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(p->missing[objective], PROBLEM_TEXT_SIZE, format, arguments);
	va_end(arguments);
}

/* Of the environment, or of its hosts where all tell the same for it. */
static double power_of(const struct environment *environment)
{
	double sum = 0;

	if (!isnan(environment->power) || environment->nhosts == 0)
		return environment->power;
	for (size_t h = 0; h < environment->nhosts; h++)
		sum += environment->hosts[h].power; /* NAN stays NAN */
	return sum / (double)environment->nhosts;
}

/* Speeds are relative: where nobody tells any, all are alike. */
static void take_powers(struct problem *p)
{
	const struct environments *document = p->document;
	const char *untold = NULL;
	size_t told = 0;

	for (size_t e = 0; e < p->instance.nenvs; e++) {
		const double power = e < document->count ? power_of(&document->items[e]) : NAN;

		p->instance.envs[e].power = power > 0 ? power : 1;
		told += power > 0;
		if (!(power > 0) && !problem_is_new(p, e))
			untold = p->environments[e];
	}
	if (told > 0 && untold != NULL)
		miss(p, COST_TIME, "power of environment %s", untold);
}

static void take_prices(struct problem *p)
{
	for (size_t e = 0; e < p->instance.nenvs; e++) {
		static const struct environment nothing = {
		    .price_vcpu_hour = NAN, .price_mem_GiB_hour = NAN, .price_vm_hour = NAN};
		const struct environment *told =
		    e < p->document->count ? &p->document->items[e] : &nothing;
		struct instance_env *env = &p->instance.envs[e];

		if (isnan(told->price_vcpu_hour) && isnan(told->price_mem_GiB_hour) &&
		    isnan(told->price_vm_hour) && !problem_is_new(p, e))
			miss(p, COST_MONEY, "hosting price of environment %s", p->environments[e]);
		env->price = known_or_zero(told->price_vcpu_hour);
		env->price_mem_GiB = known_or_zero(told->price_mem_GiB_hour);
		env->price_vm = known_or_zero(told->price_vm_hour);
		if (p->unsized > 0 && (env->price > 0 || env->price_mem_GiB > 0))
			miss(p, COST_MONEY, "vcpu and memory of %zu VMs", p->unsized);
	}
}

static void take_links(struct problem *p)
{
	struct instance *in = &p->instance;

	for (size_t i = 0; i < in->nenvs * in->nenvs; i++)
		in->links[i] = i / in->nenvs == i % in->nenvs || problem_is_new(p, i / in->nenvs) ||
				       problem_is_new(p, i % in->nenvs)
				   ? (struct instance_link){0, LIMITLESS_MBPS, 0}
				   : (struct instance_link){NAN, NAN, NAN};
	for (size_t i = 0; i < p->document->nlinks; i++) {
		const struct environment_link *told = &p->document->links[i];
		struct instance_link *link = &in->links[told->from * in->nenvs + told->to];
		const bool inner = told->from == told->to;

		link->latency_ms = inner ? known_or_zero(told->latency_ms) : told->latency_ms;
		if (!inner || told->bandwidth_MBps > 0)
			link->bandwidth_MBps = told->bandwidth_MBps;
		link->price_per_GB = inner ? known_or_zero(told->price_per_GB) : told->price_per_GB;
	}
	for (size_t i = 0; i < in->nenvs * in->nenvs; i++) {
		struct instance_link *link = &in->links[i];
		const char *from = p->environments[i / in->nenvs];
		const char *to = p->environments[i % in->nenvs];

		if (isnan(link->latency_ms) || !(link->bandwidth_MBps > 0))
			miss(p, COST_TIME, "latency_ms and bandwidth_MBps of the link %s to %s",
			    from, to);
		if (isnan(link->price_per_GB))
			miss(p, COST_MONEY, "price_per_GB of the link %s to %s", from, to);
		link->latency_ms = known_or_zero(link->latency_ms);
		link->price_per_GB = known_or_zero(link->price_per_GB);
		if (!(link->bandwidth_MBps > 0))
			link->bandwidth_MBps = LIMITLESS_MBPS;
	}
}

static struct load least(const struct load *a, const struct load *b)
{
	return (struct load){.vcpu = fmin(a->vcpu, b->vcpu),
	    .mem_GiB = fmin(a->mem_GiB, b->mem_GiB),
	    .vms = fmin(a->vms, b->vms)};
}

/* What its hosts hold together, and no more than the environment and the quota give. VMs on
 * hosts that may not receive keep what they have. */
static void take_limits(struct problem *p)
{
	for (size_t e = 0; e < p->instance.nenvs; e++)
		p->instance.envs[e].limit = (struct load){0};
	for (size_t i = 0; i < p->places.count; i++)
		if (p->places.items[i].open)
			load_add(&p->instance.envs[p->places.items[i].env].limit,
			    &p->places.items[i].limit);
	for (size_t vm = 0; vm < p->instance.nvms; vm++) {
		const struct solve_place *place = &p->places.items[p->place[vm]];

		if (!place->open && !place->drained)
			load_add(&p->instance.envs[place->env].limit, &p->instance.vms[vm].load);
	}
	for (size_t e = 0; e < p->instance.nenvs && e < p->document->count; e++) {
		const struct load whole = limit_of(&p->document->items[e].capacity);
		const struct load quota = limit_of(&p->document->items[e].quota);
		struct load *limit = &p->instance.envs[e].limit;

		*limit = least(limit, &whole);
		*limit = least(limit, &quota);
	}
	for (size_t e = 0; e < p->instance.nenvs; e++)
		if (!isfinite(p->instance.envs[e].limit.vcpu))
			miss(p, COST_RESOURCES, "vcpu capacity of environment %s",
			    p->environments[e]);
	if (p->unsized > 0)
		miss(p, COST_RESOURCES, "vcpu and memory of %zu VMs", p->unsized);
}

/* How long a VM still runs, as far as plans look. */
static double runs_h(const struct building *b, uint32_t vm)
{
	const double told =
	    b->options->remaining_h != NULL
		? b->options->remaining_h(b->p->vms[vm]->application, b->options->context)
		: 0;

	return told > 0 ? fmin(told, b->options->horizon_h) : b->options->horizon_h;
}

/* Traffic ends with the first of the two. */
static double flow_share(const struct building *b, const struct instance_flow *flow)
{
	double runs = b->options->horizon_h;

	if (flow->from < b->p->instance.nvms)
		runs = fmin(runs, runs_h(b, flow->from));
	if (flow->to < b->p->instance.nvms)
		runs = fmin(runs, runs_h(b, flow->to));
	return b->options->horizon_h > 0 ? runs / b->options->horizon_h : 1;
}

/* The part of what a VM costs now that it waits; no more than it runs. */
static struct waiting waiting_of(const struct cost_vm *costs)
{
	const double all = costs->compute_h + costs->waiting_h;
	const double waits = fmin(costs->waiting_h, costs->compute_h);

	return (struct waiting){
	    .hours = waits, .money = all > 0 ? costs->hosting * waits / all : 0};
}

static int take_waiting(struct problem *p)
{
	const struct instance *in = &p->instance;
	uint32_t *env = calloc(in->nvms + 1, sizeof *env);
	struct cost_vm *costs = calloc(in->nvms + 1, sizeof *costs);
	size_t count = in->nvms;

	p->waiting = calloc(in->nvms + 1, sizeof *p->waiting);
	if (env == NULL || costs == NULL || p->waiting == NULL)
		count = 0;
	for (size_t vm = 0; vm < count; vm++)
		env[vm] = in->vms[vm].env;
	if (count > 0)
		solve_model_vms(in, env, costs);
	for (size_t vm = 0; vm < count; vm++) {
		p->waiting[vm] = waiting_of(&costs[vm]);
		p->waiting_of_all.hours += p->waiting[vm].hours;
		p->waiting_of_all.money += p->waiting[vm].money;
		p->overwaited += costs[vm].waiting_h > costs[vm].compute_h;
	}
	free(env);
	free(costs);
	return count == in->nvms ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static void take_facts(struct building *b)
{
	struct problem *p = b->p;
	struct instance *in = &p->instance;

	in->horizon_h = p->horizon_h = b->options->horizon_h;
	in->sync_fraction = b->options->sync_fraction;
	for (size_t e = 0; e < in->nenvs; e++)
		in->envs[e].avail_h = INFINITY;
	take_powers(p);
	take_links(p);
	take_prices(p);
	take_limits(p);
	if (p->missing[COST_TIME][0] != '\0')
		miss(p, COST_MONEY, "%s", p->missing[COST_TIME]);
	/* The same work wherever it is now: else carried out moves would change the problem. */
	for (size_t vm = 0; vm < in->nvms; vm++)
		in->vms[vm].work_h = runs_h(b, (uint32_t)vm);
	for (size_t vm = 0; b->options->residence != NULL && vm < in->nvms; vm++)
		p->moves[vm] = residence_recent_moves(
		    b->options->residence, p->vms[vm]->id, b->options->now_s);
	for (size_t i = 0; i < in->nflows; i++)
		in->flows[i].share = flow_share(b, &in->flows[i]);
	solve_instance_measure(in);
}

/* ---- the whole ---- */

static int make_room(struct building *b, const struct environments *environments)
{
	struct problem *p = b->p;
	const size_t nvms = b->observation->nvms + 1;
	size_t places = nvms + environments->count;

	for (size_t e = 0; e < environments->count; e++)
		places += environments->items[e].nhosts;
	b->vm_of = calloc(matrix_nodes(b->observation->matrix) + 1, sizeof *b->vm_of);
	p->names = calloc(places, sizeof *p->names);
	p->places.items = calloc(places, sizeof *p->places.items);
	p->environments = calloc(INSTANCE_ENVS_MAX, sizeof *p->environments);
	p->env_names = calloc(INSTANCE_ENVS_MAX, sizeof *p->env_names);
	p->vm_names = calloc(nvms, sizeof *p->vm_names);
	p->vms = calloc(nvms, sizeof *p->vms);
	p->place = calloc(nvms, sizeof *p->place);
	p->advised = calloc(nvms, sizeof *p->advised);
	p->group = calloc(nvms, sizeof *p->group);
	p->moves = calloc(nvms, sizeof *p->moves);
	p->instance.vms = calloc(nvms, sizeof *p->instance.vms);
	p->instance.envs = calloc(INSTANCE_ENVS_MAX, sizeof *p->instance.envs);
	p->instance.links =
	    calloc(INSTANCE_ENVS_MAX * INSTANCE_ENVS_MAX, sizeof *p->instance.links);
	p->instance.endpoints = calloc(environments->nendpoints + 1, sizeof *p->instance.endpoints);
	return b->vm_of != NULL && p->names != NULL && p->places.items != NULL &&
		       p->environments != NULL && p->env_names != NULL && p->vm_names != NULL &&
		       p->vms != NULL && p->place != NULL && p->advised != NULL &&
		       p->group != NULL && p->moves != NULL && p->instance.vms != NULL &&
		       p->instance.envs != NULL && p->instance.links != NULL &&
		       p->instance.endpoints != NULL
		   ? GRAPPE_OK
		   : GRAPPE_EMEMORY;
}

int problem_build(const struct observation *observation, const struct environments *environments,
    const struct groups *groups, const struct problem_options *options, struct problem *out,
    char *message, size_t size)
{
	struct problem p = {.document = environments};
	struct building b = {.p = &p,
	    .observation = observation,
	    .options = options,
	    .message = message,
	    .size = size};
	int rc = make_room(&b, environments);

	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	for (size_t e = 0; rc == GRAPPE_OK && e < environments->count; e++)
		rc = add_listed_hosts(&b, &environments->items[e]);
	if (rc == GRAPPE_OK)
		rc = take_vms(&b);
	if (rc == GRAPPE_OK) {
		p.instance.vm_names = p.vm_names;
		p.instance.env_names = p.env_names;
		match_nodes(&b, environments);
		take_groups(&b, groups);
		rc = take_traffic(&b);
	}
	if (rc == GRAPPE_OK)
		rc = list_flows(&p);
	if (rc == GRAPPE_OK) {
		take_facts(&b);
		rc = take_waiting(&p);
	}
	if (rc == GRAPPE_OK)
		rc = problem_take_rules(&p, options, message, size);
	free(b.vm_of);
	if (rc == GRAPPE_OK)
		*out = p;
	else
		problem_deinit(&p);
	return rc;
}

int problem_find_vm(const struct problem *problem, const char *name)
{
	int found = GRAPPE_ENOTFOUND;

	for (size_t vm = 0; vm < problem->instance.nvms; vm++) {
		if (strcmp(problem->vms[vm]->id, name) == 0)
			return (int)vm;
		if (strcmp(problem->vms[vm]->name, name) == 0)
			found = found == GRAPPE_ENOTFOUND ? (int)vm : GRAPPE_EEXISTS;
	}
	return found;
}

static void remember_move(struct problem *problem, const json_t *move)
{
	const char *id = json_text_of(json_object_get(move, "vm"), "id");
	const json_t *to = json_object_get(move, "to");
	struct place place;

	snprintf(
	    place.environment, sizeof place.environment, "%s", json_text_of(to, "environment"));
	snprintf(place.host, sizeof place.host, "%s", json_text_of(to, "host"));
	for (uint32_t vm = 0; vm < problem->instance.nvms; vm++) {
		if (strcmp(problem->vms[vm]->id, id) != 0)
			continue;
		problem->advised[vm] = find_place(problem, &place);
		problem->instance.vms[vm].advised =
		    problem->advised[vm] != PROBLEM_NOWHERE
			? problem->places.items[problem->advised[vm]].env
			: INSTANCE_NOWHERE;
	}
}

void problem_remember(struct problem *problem, const json_t *advice)
{
	const json_t *moves = json_object_get(advice, "moves");

	if (!recommendation_is_open(advice))
		return;
	/* Of a parked VM the later move counts. */
	for (size_t i = 0; i < json_array_size(moves); i++)
		remember_move(problem, json_array_get(moves, i));
}

void problem_deinit(struct problem *problem)
{
	solve_instance_deinit(&problem->instance);
	solve_rules_deinit(&problem->rules);
	free(problem->places.items);
	free(problem->places.apart_first);
	free(problem->places.apart);
	free(problem->names);
	free(problem->environments);
	free(problem->env_names);
	free(problem->vm_names);
	free(problem->vms);
	free(problem->place);
	free(problem->advised);
	free(problem->group);
	free(problem->waiting);
	free(problem->moves);
	free(problem->first);
	free(problem->flows);
	*problem = (struct problem){0};
}
