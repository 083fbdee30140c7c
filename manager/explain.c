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

static const char *label(
    const struct problem *problem, const struct observation *observation, uint32_t vm)
{
	return observation_label(problem->vms[vm]->id, (void *)observation);
}

/* A host if it has a name, else its environment. */
static const char *host_text(const struct problem *problem, uint32_t place)
{
	const struct place *named = &problem->places[place];

	return named->host[0] != '\0' ? named->host : named->environment;
}

/* Where the VM is when the whole plan is carried out. */
static uint32_t last_place(const struct problem *problem, const struct plan *plan, uint32_t vm)
{
	uint32_t place = problem->plan.vms[vm].place;

	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].vm == vm)
			place = plan->steps[i].to;
	return place;
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

/* Those whom the VM talks to and who are in the environment in the end. */
static struct peers find_peers(
    const struct problem *problem, const struct plan *plan, uint32_t vm, uint32_t environment)
{
	const struct plan_problem *p = &problem->plan;
	struct peers peers = {0};

	for (size_t i = p->first[vm]; i < p->first[vm + 1]; i++) {
		const struct plan_neighbour *next = &p->neighbours[i];
		const uint32_t place = last_place(problem, plan, next->vm);

		if (p->places[place].environment != environment || next->octets <= 0)
			continue;
		add_peer(&peers, next->vm, next->octets);
		peers.moving |= p->places[p->vms[next->vm].place].environment != environment;
	}
	return peers;
}

static void add_names(struct text *text, const struct problem *problem,
    const struct observation *observation, const struct peers *peers)
{
	size_t named = peers->count < NAMED ? peers->count : NAMED;
	size_t more;

	while (named > 1 && peers->named_octets[named - 1] < WORTH_NAMING * peers->octets)
		named--;
	more = named == NAMED ? peers->count - named : 0;
	for (size_t i = 0; i < named; i++) {
		const char *joint = i + 1 == named && more == 0 ? " and " : ", ";

		add(text, "%s%s", i > 0 ? joint : "", label(problem, observation, peers->named[i]));
	}
	if (more > 0)
		add(text, " and %zu more", more);
}

static void add_traffic(struct text *text, const struct problem *problem,
    const struct observation *observation, const struct plan *plan, const struct plan_step *step)
{
	const uint32_t to = problem->plan.places[step->to].environment;
	const uint32_t from = problem->plan.places[step->from].environment;
	const struct peers there = find_peers(problem, plan, step->vm, to);
	const struct peers here = find_peers(problem, plan, step->vm, from);
	const char *name = label(problem, observation, step->vm);
	char rate[32];

	if (to == from) {
		add(text, "%s stays in %s; ", name, problem->environments[to]);
	} else if (there.count > 0) {
		add(text, "%s exchanges %s with ", name,
		    explain_rate(there.octets, rate, sizeof rate));
		add_names(text, problem, observation, &there);
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
static void add_room(struct text *text, const struct problem *problem,
    const struct observation *observation, const struct plan *plan, size_t step)
{
	struct peers comers = {0};

	for (size_t i = step + 1; i < plan->nsteps; i++)
		if (plan->steps[i].to == plan->steps[step].from)
			add_peer(&comers, plan->steps[i].vm, 1);
	if (comers.count == 0)
		return;
	add(text, "it makes room on %s for ", host_text(problem, plan->steps[step].from));
	add_names(text, problem, observation, &comers);
	add(text, "; ");
}

static void add_parking(struct text *text, const struct problem *problem,
    const struct observation *observation, const struct plan *plan, size_t step)
{
	const struct plan_step *it = &plan->steps[step];
	size_t next = step + 1;

	while (next < plan->nsteps && plan->steps[next].vm != it->vm)
		next++;
	add(text, "%s waits on %s, because the hosts of this exchange are full",
	    label(problem, observation, it->vm), host_text(problem, it->to));
	if (next < plan->nsteps)
		add(text, ", and goes on to %s in step %zu",
		    host_text(problem, plan->steps[next].to), next + 1);
	add(text, "; ");
}

const char *explain_step(const struct problem *problem, const struct observation *observation,
    const struct plan *plan, size_t step, char out[EXPLAIN_SIZE])
{
	const struct plan_step *it = &plan->steps[step];
	struct text text = {out, EXPLAIN_SIZE, 0};

	out[0] = '\0';
	if (it->forced)
		add(&text, "%s holds more than its capacity; ", host_text(problem, it->from));
	if (it->parking)
		add_parking(&text, problem, observation, plan, step);
	else
		add_traffic(&text, problem, observation, plan, it);
	if (it->parking || it->after.octets >= it->before.octets)
		add_room(&text, problem, observation, plan, step);
	/* The last "; " goes. */
	if (text.length >= 2 && strcmp(out + text.length - 2, "; ") == 0)
		out[text.length - 2] = '\0';
	return out;
}

/* ---- hazards ---- */

static bool is_room_known(const struct plan_vm *vm, const struct plan_place *place)
{
	return isfinite(place->max_vms) || (isfinite(place->vcpu) && !isnan(vm->vcpu) &&
					       isfinite(place->mem_GiB) && !isnan(vm->mem_GiB));
}

static void add_hazard(json_t *hazards, const char *kind, const char *text)
{
	json_array_append_new(
	    hazards, json_pack("{s:s, s:s, s:s}", "kind", kind, "state", "unknown", "text", text));
}

json_t *explain_hazards(const struct problem *problem, const struct plan *plan, size_t step)
{
	const struct plan_step *it = &plan->steps[step];
	const struct plan_place *to = &problem->plan.places[it->to];
	json_t *hazards = json_array();
	char text[3 * PLACE_NAME_SIZE + 200];

	if (hazards == NULL)
		return NULL;
	if (to->environment != problem->plan.places[it->from].environment) {
		snprintf(text, sizeof text,
		    "nothing is known about which addresses are in use in %s: whether the VM's own "
		    "is free there",
		    problem->environments[to->environment]);
		add_hazard(hazards, "address", text);
		snprintf(text, sizeof text,
		    "nothing is known about networks between %s and %s: whether the VM's reaches "
		    "there",
		    problem->environments[problem->plan.places[it->from].environment],
		    problem->environments[to->environment]);
		add_hazard(hazards, "network", text);
	}
	if (!is_room_known(&problem->plan.vms[it->vm], to)) {
		snprintf(text, sizeof text,
		    "the VM's size or the room on %s is not known in full: whether it fits",
		    host_text(problem, it->to));
		add_hazard(hazards, "capacity", text);
	}
	return hazards;
}
