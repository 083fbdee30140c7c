/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/explain.h"

#include "common/error.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED 3 /* peers told by name */
#define WORTH_NAMING                                                                               \
	0.02 /* share of the traffic with all peers there, below which a peer is not named */

struct text {
	char *out;
	size_t size, length;
};

/* Appends; what does not fit is cut at the end, never in the middle of a later part. */
static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = vsnprintf(text->out + text->length, text->size - text->length, format, arguments);
	va_end(arguments);
	if (count > 0)
		text->length += (size_t)count;
	if (text->length >= text->size)
		text->length = text->size - 1;
}

const char *explain_rate(double octets_per_s, char *out, size_t size)
{
	static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
	size_t unit = 0;

	while (octets_per_s >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
		octets_per_s /= 1000;
		unit++;
	}
	snprintf(out, size, octets_per_s < 9.95 && unit > 0 ? "%.1f %s" : "%.0f %s", octets_per_s,
	    units[unit]);
	return out;
}

static const char *label(const struct problem *problem, uint32_t vm)
{
	return problem->vm_names[vm];
}

/* A host if it has a name, else its environment. */
static const char *host_text(const struct problem *problem, uint32_t place)
{
	const struct place *named = &problem->names[place];

	return named->host[0] != '\0' ? named->host : named->environment;
}

static uint32_t env_of(const struct problem *problem, uint32_t place)
{
	return problem->places.items[place].env;
}

/* ---- peers in an environment ---- */

struct peers {
	double octets; /* with all of them */
	size_t count;
	uint32_t named[NAMED]; /* those with most traffic, in that order */
	double named_octets[NAMED];
	bool moving; /* some of them move there by this plan */
};

static void add_peer(struct peers *peers, uint32_t vm, double octets)
{
	size_t at = peers->count < NAMED ? peers->count : NAMED;

	peers->octets += octets;
	peers->count++;
	while (at > 0 && peers->named_octets[at - 1] < octets) {
		if (at < NAMED) {
			peers->named[at] = peers->named[at - 1];
			peers->named_octets[at] = peers->named_octets[at - 1];
		}
		at--;
	}
	if (at < NAMED) {
		peers->named[at] = vm;
		peers->named_octets[at] = octets;
	}
}

static int compare_flows(const void *a, const void *b)
{
	const struct instance_flow *x = a, *y = b;

	return (x->to > y->to) - (x->to < y->to);
}

/* With whom the VM exchanges how much, both ways: a flow for each, `to` the other one. Returns the
 * count; *out to be freed, NULL without memory. */
static size_t list_exchanges(const struct problem *problem, uint32_t vm, struct instance_flow **out)
{
	const size_t begin = problem->first[vm], end = problem->first[vm + 1];
	size_t count = 0, kept = 0;
	struct instance_flow *list = *out = calloc(end - begin + 1, sizeof *list);

	for (size_t i = begin; list != NULL && i < end; i++) {
		const struct instance_flow *flow = &problem->instance.flows[problem->flows[i]];
		const uint32_t other = flow->from == vm ? flow->to : flow->from;

		if (other < problem->instance.nvms)
			list[count++] = (struct instance_flow){
			    .from = vm, .to = other, .bytes_s = flow->bytes_s};
	}
	if (count > 0)
		qsort(list, count, sizeof *list, compare_flows);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && list[kept - 1].to == list[i].to)
			list[kept - 1].bytes_s += list[i].bytes_s;
		else
			list[kept++] = list[i];
	}
	return kept;
}

/* Those whom the VM talks to and who are in the environment in the end. */
static struct peers find_peers(
    const struct problem *problem, const struct plan *plan, uint32_t vm, uint32_t environment)
{
	struct instance_flow *list;
	const size_t count = list_exchanges(problem, vm, &list);
	struct peers peers = {0};

	for (size_t i = 0; i < count; i++) {
		const uint32_t other = list[i].to;

		if (env_of(problem, plan->place[other]) != environment || list[i].bytes_s <= 0)
			continue;
		add_peer(&peers, other, list[i].bytes_s);
		peers.moving |= env_of(problem, problem->place[other]) != environment;
	}
	free(list);
	return peers;
}

static void add_names(struct text *text, const struct problem *problem, const struct peers *peers)
{
	size_t named = peers->count < NAMED ? peers->count : NAMED;
	size_t more;

	while (named > 1 && peers->named_octets[named - 1] < WORTH_NAMING * peers->octets)
		named--;
	more = named == NAMED ? peers->count - named : 0;
	for (size_t i = 0; i < named; i++) {
		const char *joint = i + 1 == named && more == 0 ? " and " : ", ";

		add(text, "%s%s", i > 0 ? joint : "", label(problem, peers->named[i]));
	}
	if (more > 0)
		add(text, " and %zu more", more);
}

static void add_traffic(struct text *text, const struct problem *problem, const struct plan *plan,
    const struct plan_step *step)
{
	const uint32_t to = env_of(problem, step->to), from = env_of(problem, step->from);
	const struct peers there = find_peers(problem, plan, step->vm, to);
	const struct peers here = find_peers(problem, plan, step->vm, from);
	const char *name = label(problem, step->vm);
	char rate[32];

	if (to == from) {
		add(text, "%s stays in %s; ", name, problem->environments[to]);
	} else if (there.count > 0) {
		add(text, "%s exchanges %s with ", name,
		    explain_rate(there.octets, rate, sizeof rate));
		add_names(text, problem, &there);
		add(text, there.moving ? ", in %s after this plan, and " : " in %s and ",
		    problem->environments[to]);
		add(text, "%s with %s; ",
		    here.octets > 0 ? explain_rate(here.octets, rate, sizeof rate) : "nothing",
		    problem->environments[from]);
	} else {
		add(text, "%s exchanges nothing with %s and %s with %s; ", name,
		    problem->environments[to],
		    here.octets > 0 ? explain_rate(here.octets, rate, sizeof rate) : "nothing",
		    problem->environments[from]);
	}
}

/* Later steps that take the room this one frees. */
static void add_room(
    struct text *text, const struct problem *problem, const struct plan *plan, size_t step)
{
	struct peers comers = {0};

	for (size_t i = step + 1; i < plan->nsteps; i++)
		if (plan->steps[i].to == plan->steps[step].from)
			add_peer(&comers, plan->steps[i].vm, 1);
	if (comers.count == 0)
		return;
	add(text, "it makes room on %s for ", host_text(problem, plan->steps[step].from));
	add_names(text, problem, &comers);
	add(text, "; ");
}

static void add_parking(
    struct text *text, const struct problem *problem, const struct plan *plan, size_t step)
{
	const struct plan_step *it = &plan->steps[step];
	size_t next = step + 1;

	while (next < plan->nsteps && plan->steps[next].vm != it->vm)
		next++;
	add(text, "%s waits on %s, because the hosts of this exchange are full",
	    label(problem, it->vm), host_text(problem, it->to));
	if (next < plan->nsteps)
		add(text, ", and goes on to %s in step %zu",
		    host_text(problem, plan->steps[next].to), next + 1);
	add(text, "; ");
}

/* Why the VM may not stay where it is. */
static void add_force(struct text *text, const struct problem *problem, const struct plan_step *it)
{
	const struct solve_place *place = &problem->places.items[it->from];

	for (size_t i = 0; i < problem->rules.count; i++) {
		const struct rule *rule = &problem->rules.items[i];

		if (rule->kind == RULE_DRAIN && rule->a == place->env && rule->why != NULL) {
			add(text, "%s is left: %s; ", problem->environments[place->env], rule->why);
			return;
		}
	}
	if (place->drained)
		add(text, "%s is drained; ", host_text(problem, it->from));
	else if (env_of(problem, it->from) != env_of(problem, it->to))
		add(text, "it may not stay on %s, by a rule or for want of room; ",
		    host_text(problem, it->from));
	else
		add(text, "%s holds more than its capacity; ", host_text(problem, it->from));
}

/* What the step saves of the objective, where that is not traffic. */
static void add_saving(struct text *text, const struct problem *problem,
    enum cost_objective objective, const struct plan_step *it)
{
	const double hours = it->before.time_h - it->after.time_h;
	const double money = it->before.money - it->after.money;
	const double vcpu = it->before.resources - it->after.resources;
	const char *currency = problem->document->currency;

	if (objective == COST_TIME)
		add(text, "%s %.3g VM hours in %g h; ", hours >= 0 ? "saves" : "costs", fabs(hours),
		    problem->horizon_h);
	else if (objective == COST_MONEY)
		add(text, "%s %.3g%s%s in %g h; ", money >= 0 ? "saves" : "costs", fabs(money),
		    currency[0] != '\0' ? " " : "", currency, problem->horizon_h);
	else if (objective == COST_RESOURCES && vcpu >= 1)
		add(text, "empties an environment of %g vcpu; ", vcpu);
}

const char *explain_step(const struct problem *problem, enum cost_objective objective,
    const struct plan *plan, size_t step, char out[EXPLAIN_SIZE])
{
	const struct plan_step *it = &plan->steps[step];
	struct text text = {out, EXPLAIN_SIZE, 0};

	out[0] = '\0';
	if (it->forced)
		add_force(&text, problem, it);
	if (it->parking)
		add_parking(&text, problem, plan, step);
	else
		add_traffic(&text, problem, plan, it);
	if (it->parking || it->after.traffic_Bps >= it->before.traffic_Bps)
		add_room(&text, problem, plan, step);
	if (!it->parking)
		add_saving(&text, problem, objective, it);
	/* The last "; " goes. */
	if (text.length >= 2 && strcmp(out + text.length - 2, "; ") == 0)
		out[text.length - 2] = '\0';
	return out;
}
