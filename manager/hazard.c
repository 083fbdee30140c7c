/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/hazard.h"

#include "common/error.h"
#include "common/identity.h"
#include "manager/explain.h"
#include "manager/json_fields.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SIZE 600

/* What a step is about. */
struct asking {
	const struct problem *p;
	const struct observation *observation;
	const struct plan *plan;
	const struct plan_step *step;
	const struct observed_vm *vm;
	uint32_t from, to; /* environments */
	json_t *hazards;
};

static const char *const unknown = "unknown", *const clear = "clear", *const conflict = "conflict";

static void tell(struct asking *a, const char *kind, const char *state, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(struct asking *a, const char *kind, const char *state, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	json_array_append_new(a->hazards,
	    json_pack("{s:s, s:s, s:o}", "kind", kind, "state", state, "text", json_text(text)));
}

/* ---- what the document tells of the target ---- */

static const struct environment *told_of(const struct asking *a, uint32_t env)
{
	return env < a->p->document->count ? &a->p->document->items[env] : NULL;
}

/* The VM's segment as the environment lists it, or NULL. */
static const struct environment_network *network_of(const struct asking *a, uint32_t env)
{
	const struct environment *told = told_of(a, env);

	for (size_t i = 0; told != NULL && i < told->nnetworks; i++)
		if (a->vm->segment[0] != '\0' &&
		    strcmp(told->networks[i].segment, a->vm->segment) == 0)
			return &told->networks[i];
	return NULL;
}

static enum truth is_same_segment(const struct observed_vm *a, const struct observed_vm *b)
{
	if (a->segment[0] == '\0' || b->segment[0] == '\0')
		return TRUTH_UNKNOWN;
	return strcmp(a->segment, b->segment) == 0 ? TRUTH_YES : TRUTH_NO;
}

/* ---- addresses ---- */

/* Another VM that will be there with the same address, in the same segment or in one that nobody
 * tells, or NULL. */
static const struct observed_vm *find_twin(const struct asking *a, const struct address *address)
{
	for (uint32_t vm = 0; vm < a->p->instance.nvms; vm++) {
		const struct observed_vm *other = a->p->vms[vm];

		if (other == a->vm || a->p->places.items[a->plan->place[vm]].env != a->to ||
		    (is_same_segment(other, a->vm) == TRUTH_NO))
			continue;
		for (size_t i = 0; i < other->naddresses; i++)
			if (address_compare(&other->addresses[i], address) == 0)
				return other;
	}
	return NULL;
}

static bool is_used(const struct environment_network *network, const struct address *address)
{
	for (size_t i = 0; i < network->nused; i++)
		if (address_compare(&network->used[i], address) == 0)
			return true;
	return false;
}

/* Whether one of the VM's addresses is taken; says so. */
static bool is_taken(struct asking *a, const struct environment_network *network)
{
	const char *to = a->p->environments[a->to];
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < a->vm->naddresses; i++) {
		const struct address *address = &a->vm->addresses[i];
		const struct observed_vm *twin = find_twin(a, address);

		if (twin != NULL && is_same_segment(twin, a->vm) == TRUTH_YES)
			tell(a, "address", conflict, "%s has its address %s too and is in %s",
			    twin->name, address_format(address, text), to);
		else if (twin != NULL)
			tell(a, "address", unknown,
			    "%s in %s has its address %s too; whether in the same network is not "
			    "told",
			    twin->name, to, address_format(address, text));
		else if (network != NULL && is_used(network, address))
			tell(a, "address", conflict, "its address %s is in use in %s",
			    address_format(address, text), to);
		else
			continue;
		return true;
	}
	return false;
}

static void ask_address(struct asking *a)
{
	const struct environment_network *network = network_of(a, a->to);
	const char *to = a->p->environments[a->to];

	if (is_taken(a, network))
		return;
	if (a->vm->naddresses > 0 && network != NULL && network->nused > 0)
		tell(a, "address", clear, "none of the addresses in use in %s is its own", to);
	else
		tell(a, "address", unknown,
		    "nothing is known about which addresses are in use in %s: whether the VM's own "
		    "is free there",
		    to);
}

/* Two of the same MAC in one segment take each other's frames. */
static void ask_mac(struct asking *a)
{
	const struct environment_network *network = network_of(a, a->to);
	const char *to = a->p->environments[a->to];
	char text[MAC_TEXT_SIZE];
	struct mac mac;

	if (identity_mac(a->vm->id, &mac) != GRAPPE_OK || network == NULL ||
	    network->nused_macs == 0) {
		tell(a, "mac", unknown,
		    "nothing is known about which MACs are in use in %s: whether the VM's own is "
		    "free there",
		    to);
		return;
	}
	for (size_t i = 0; i < network->nused_macs; i++)
		if (mac_equal(&network->used_macs[i], &mac)) {
			tell(a, "mac", conflict, "its MAC %s is in use in %s",
			    mac_format(&mac, text), to);
			return;
		}
	tell(a, "mac", clear, "none of the MACs in use in %s is its own", to);
}

/* ---- networks ---- */

static void ask_network(struct asking *a)
{
	const struct environment *target = told_of(a, a->to);
	const struct environment_network *network = network_of(a, a->to);
	const char *from = a->p->environments[a->from], *to = a->p->environments[a->to];

	if (a->vm->segment[0] == '\0' || target == NULL || target->nnetworks == 0)
		tell(a, "network", unknown,
		    "nothing is known about networks between %s and %s: whether the VM's reaches "
		    "there",
		    from, to);
	else if (network == NULL)
		tell(a, "network", conflict, "its segment %s is not among the networks of %s",
		    a->vm->segment, to);
	else if (network->overlay == TRUTH_YES)
		tell(a, "network", clear, "its segment %s spans both sites", a->vm->segment);
	else if (network->overlay == TRUTH_NO)
		tell(a, "network", conflict, "segment %s of %s does not span sites", a->vm->segment,
		    to);
	else
		tell(a, "network", unknown,
		    "%s has a segment %s; whether it is the same network is not told", to,
		    a->vm->segment);
}

/* What the VM exchanges in its new environment with VMs of other segments, or (TRUTH_UNKNOWN) of
 * segments that nobody tells: octets per second. */
static double octets_with(const struct asking *a, enum truth same)
{
	const struct problem *p = a->p;
	double octets = 0;

	for (size_t i = p->first[a->step->vm]; i < p->first[a->step->vm + 1]; i++) {
		const struct instance_flow *flow = &p->instance.flows[p->flows[i]];
		const uint32_t other = flow->from == a->step->vm ? flow->to : flow->from;

		if (other < p->instance.nvms &&
		    p->places.items[a->plan->place[other]].env == a->to &&
		    is_same_segment(p->vms[other], a->vm) == same)
			octets += flow->bytes_s;
	}
	return octets;
}

static void ask_path(struct asking *a)
{
	const double octets = octets_with(a, TRUTH_NO), untold = octets_with(a, TRUTH_UNKNOWN);
	const struct environment_network *network = network_of(a, a->to);
	const enum truth router = network != NULL ? network->router : TRUTH_UNKNOWN;
	const char *from = a->p->environments[a->from], *to = a->p->environments[a->to];
	char rate[32];

	explain_rate(octets > 0 ? octets : untold, rate, sizeof rate);
	if (octets <= 0 && untold > 0)
		tell(a, "path", unknown,
		    "whether %s that it exchanges there stay in one segment is not told, nor "
		    "whether "
		    "they would still pass through %s",
		    rate, from);
	else if (octets > 0 && router == TRUTH_YES)
		tell(a, "path", clear, "%s of it go to other segments; a router of %s passes them",
		    rate, to);
	else if (octets > 0 && router == TRUTH_NO)
		tell(a, "path", conflict,
		    "%s of it go to other segments, and %s has no router: they would still pass "
		    "through %s",
		    rate, to, from);
	else if (octets > 0)
		tell(a, "path", unknown,
		    "%s of it go to other segments; whether they would still pass through %s is "
		    "not told",
		    rate, from);
}

static void ask_outside(struct asking *a)
{
	const struct matrix *matrix = a->observation->matrix;
	const int external = matrix_find(matrix, SENDER_EXTERNAL);
	const int node = matrix_find(matrix, a->vm->id);
	const struct matrix_pair *pair =
	    external >= 0 && node >= 0 ? matrix_get(matrix, (uint32_t)external, (uint32_t)node)
				       : NULL;
	const char *home = NULL;
	char rate[32];

	if (pair == NULL || pair->octets <= 0)
		return;
	for (size_t i = 0; i < a->p->document->nendpoints; i++)
		if (strcmp(a->p->document->endpoints[i].name, SENDER_EXTERNAL) == 0)
			home = a->p->environments[a->p->document->endpoints[i].environment];
	explain_rate(pair->octets / fmax(matrix_window(a->observation->matrix)->length_s, 1), rate,
	    sizeof rate);
	if (home == NULL)
		tell(a, "outside", unknown,
		    "outside users send it %s; whether they reach it in %s is not told", rate,
		    a->p->environments[a->to]);
	else if (strcmp(home, a->p->environments[a->to]) == 0)
		tell(a, "outside", clear, "outside users, who send it %s, come in there", rate);
	else
		tell(a, "outside", conflict,
		    "outside users, who come in at %s, send it %s: all of it would go on to %s",
		    home, rate, a->p->environments[a->to]);
}

/* ---- its group, and room ---- */

static void ask_group(struct asking *a)
{
	const uint32_t group = a->p->group[a->step->vm];
	size_t with = 0, without = 0;

	if (group == PROBLEM_NO_GROUP)
		return;
	for (uint32_t vm = 0; vm < a->p->instance.nvms; vm++) {
		if (a->p->group[vm] != group || vm == a->step->vm)
			continue;
		if (a->p->places.items[a->plan->place[vm]].env == a->to)
			with++;
		else
			without++;
	}
	if (without > 0)
		tell(a, "group", conflict,
		    "its group is in more than one environment then: %zu of its VMs with it, %zu "
		    "elsewhere",
		    with, without);
}

/* Every limit of the host that is told can be held against what is known of the VM; and one is. */
static bool is_room_known(const struct observed_vm *vm, const struct load *limit)
{
	return (isfinite(limit->vcpu) || isfinite(limit->mem_GiB) || isfinite(limit->vms)) &&
	       !(isfinite(limit->vcpu) && isnan(vm->vcpu)) &&
	       !(isfinite(limit->mem_GiB) && isnan(vm->mem_GiB));
}

static void ask_capacity(struct asking *a)
{
	const struct place *place = &a->p->names[a->step->to];

	if (!is_room_known(a->vm, &a->p->places.items[a->step->to].limit))
		tell(a, "capacity", unknown,
		    "the VM's size or the room on %s is not known in full: whether it fits",
		    place->host[0] != '\0' ? place->host : place->environment);
}

json_t *hazard_list(const struct problem *problem, const struct observation *observation,
    const struct plan *plan, size_t step)
{
	const struct plan_step *it = &plan->steps[step];
	struct asking a = {.p = problem,
	    .observation = observation,
	    .plan = plan,
	    .step = it,
	    .vm = problem->vms[it->vm],
	    .from = problem->places.items[it->from].env,
	    .to = problem->places.items[it->to].env,
	    .hazards = json_array()};

	if (a.hazards == NULL)
		return NULL;
	if (a.from != a.to) {
		ask_address(&a);
		ask_mac(&a);
		ask_network(&a);
		ask_path(&a);
		ask_outside(&a);
		ask_group(&a);
	}
	ask_capacity(&a);
	return a.hazards;
}
