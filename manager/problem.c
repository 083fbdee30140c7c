/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/problem.h"

#include "common/error.h"
#include "manager/recommendation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- places ---- */

static size_t find_environment(const struct problem *p, const char *name)
{
	size_t i = 0;

	while (i < p->plan.nenvironments && strcmp(p->environments[i], name) != 0)
		i++;
	return i;
}

static uint32_t take_environment(struct problem *p, const char *name)
{
	const size_t i = find_environment(p, name);

	if (i == p->plan.nenvironments) {
		memcpy(p->environments[i], name, strlen(name) + 1);
		p->plan.nenvironments++;
	}
	return (uint32_t)i;
}

static uint32_t add_place(struct problem *p, const char *environment, const char *host)
{
	const uint32_t place = (uint32_t)p->plan.nplaces++;
	struct place *named = &p->places[place];

	memcpy(named->environment, environment, strlen(environment) + 1);
	memcpy(named->host, host, strlen(host) + 1);
	p->plan.places[place] = (struct plan_place){.environment = take_environment(p, environment),
	    .vcpu = INFINITY,
	    .mem_GiB = INFINITY,
	    .max_vms = INFINITY};
	return place;
}

static double limit(double listed)
{
	return isnan(listed) ? INFINITY : listed;
}

static void add_listed_hosts(struct problem *p, const struct environments *environments)
{
	for (size_t e = 0; e < environments->count; e++) {
		const struct environment *environment = &environments->items[e];

		take_environment(p, environment->name);
		for (size_t h = 0; h < environment->nhosts; h++) {
			const struct environment_host *host = &environment->hosts[h];
			struct plan_place *place =
			    &p->plan.places[add_place(p, environment->name, host->name)];

			place->target = true;
			place->vcpu = limit(host->capacity.vcpu);
			place->mem_GiB = limit(host->capacity.mem_GiB);
			place->max_vms = limit(host->capacity.max_vms);
		}
	}
}

/* The place of a VM. One whose environment nobody told is found by its host alone, if that is
 * unique. */
static uint32_t find_place(const struct problem *p, const struct place *wanted)
{
	uint32_t found = PLAN_NOWHERE;
	size_t count = 0;

	for (uint32_t i = 0; i < p->plan.nplaces; i++) {
		if (strcmp(p->places[i].host, wanted->host) != 0)
			continue;
		if (strcmp(p->places[i].environment, wanted->environment) == 0)
			return i;
		found = i;
		count++;
	}
	return wanted->environment[0] == '\0' && count == 1 ? found : PLAN_NOWHERE;
}

/* ---- VMs ---- */

static void take_vms(struct problem *p, const struct observation *observation)
{
	uint32_t last = PLAN_NOWHERE;

	for (size_t i = 0; i < observation->nvms; i++) {
		const struct observed_vm *vm = &observation->vms[i];
		uint32_t place;

		if (vm->place.environment[0] == '\0' && vm->place.host[0] == '\0') {
			p->left_out++;
			continue;
		}
		/* Neighbours in the list often share a host. */
		place = last != PLAN_NOWHERE && strcmp(p->places[last].host, vm->place.host) == 0 &&
				strcmp(p->places[last].environment, vm->place.environment) == 0
			    ? last
			    : find_place(p, &vm->place);
		if (place == PLAN_NOWHERE && vm->place.environment[0] == '\0') {
			p->left_out++;
			continue;
		}
		if (place == PLAN_NOWHERE) {
			place = add_place(p, vm->place.environment, vm->place.host);
			p->unlisted_hosts++;
		}
		last = place;
		p->vms[p->plan.nvms] = vm;
		p->plan.vms[p->plan.nvms++] = (struct plan_vm){.place = place,
		    .group = PLAN_NO_GROUP,
		    .advised = PLAN_NOWHERE,
		    .movable = true,
		    .vcpu = vm->vcpu,
		    .mem_GiB = vm->mem_GiB};
	}
}

/* vm_of[matrix node] = VM of the plan or PLAN_NOWHERE. */
static void match_nodes(const struct problem *p, const struct matrix *matrix, uint32_t *vm_of)
{
	for (size_t i = 0; i < matrix_nodes(matrix); i++)
		vm_of[i] = PLAN_NOWHERE;
	for (uint32_t i = 0; i < p->plan.nvms; i++) {
		const int node = matrix_find(matrix, p->vms[i]->id);

		if (node >= 0)
			vm_of[node] = i;
	}
}

static void take_groups(struct problem *p, const struct groups *groups, const uint32_t *vm_of)
{
	p->plan.ngroups = (uint32_t)groups->count;
	for (uint32_t g = 0; g < groups->count; g++) {
		for (size_t i = 0; i < groups->items[g].members.count; i++) {
			const uint32_t vm = vm_of[groups->items[g].members.nodes[i]];

			if (vm != PLAN_NOWHERE)
				p->plan.vms[vm].group = g;
		}
	}
}

static void put_neighbour(
    struct problem *p, size_t *fill, uint32_t vm, uint32_t other, double octets, double packets)
{
	p->plan.neighbours[p->plan.first[vm] + fill[vm]++] =
	    (struct plan_neighbour){other, octets, packets};
}

static int take_traffic(struct problem *p, struct matrix *matrix, const uint32_t *vm_of)
{
	const double seconds = matrix_window(matrix)->length_s;
	size_t nlinks, *fill = calloc(p->plan.nvms + 1, sizeof *fill);
	struct matrix_link *links = matrix_links(matrix, &nlinks);

	p->plan.neighbours = calloc(2 * nlinks + 1, sizeof *p->plan.neighbours);
	if (fill == NULL || links == NULL || p->plan.neighbours == NULL) {
		free(fill);
		free(links);
		return GRAPPE_EMEMORY;
	}
	for (size_t i = 0; i < nlinks; i++) {
		const uint32_t a = vm_of[links[i].a], b = vm_of[links[i].b];

		if (a == PLAN_NOWHERE || b == PLAN_NOWHERE)
			continue;
		p->plan.first[a + 1]++;
		p->plan.first[b + 1]++;
	}
	for (size_t i = 0; i < p->plan.nvms; i++)
		p->plan.first[i + 1] += p->plan.first[i];
	for (size_t i = 0; i < nlinks; i++) {
		const uint32_t a = vm_of[links[i].a], b = vm_of[links[i].b];

		if (a == PLAN_NOWHERE || b == PLAN_NOWHERE)
			continue;
		put_neighbour(p, fill, a, b, links[i].octets / seconds, links[i].packets / seconds);
		put_neighbour(p, fill, b, a, links[i].octets / seconds, links[i].packets / seconds);
	}
	free(fill);
	free(links);
	return GRAPPE_OK;
}

int problem_build(const struct observation *observation, const struct environments *environments,
    const struct groups *groups, struct problem *out)
{
	struct problem p = {0};
	size_t places = observation->nvms + 1;
	uint32_t *vm_of = calloc(matrix_nodes(observation->matrix) + 1, sizeof *vm_of);
	int rc = GRAPPE_EMEMORY;

	for (size_t e = 0; e < environments->count; e++)
		places += environments->items[e].nhosts;
	p.places = calloc(places, sizeof *p.places);
	p.environments = calloc(places + environments->count, sizeof *p.environments);
	p.vms = calloc(observation->nvms + 1, sizeof *p.vms);
	p.plan.places = calloc(places, sizeof *p.plan.places);
	p.plan.vms = calloc(observation->nvms + 1, sizeof *p.plan.vms);
	p.plan.first = calloc(observation->nvms + 2, sizeof *p.plan.first);
	if (vm_of != NULL && p.places != NULL && p.environments != NULL && p.vms != NULL &&
	    p.plan.places != NULL && p.plan.vms != NULL && p.plan.first != NULL) {
		add_listed_hosts(&p, environments);
		take_vms(&p, observation);
		match_nodes(&p, observation->matrix, vm_of);
		take_groups(&p, groups, vm_of);
		rc = take_traffic(&p, observation->matrix, vm_of);
	}
	free(vm_of);
	if (rc == GRAPPE_OK)
		*out = p;
	else
		problem_deinit(&p);
	return rc;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void remember_move(struct problem *problem, const json_t *move)
{
	const char *id = text_of(json_object_get(move, "vm"), "id");
	const json_t *to = json_object_get(move, "to");
	struct place place;

	snprintf(place.environment, sizeof place.environment, "%s", text_of(to, "environment"));
	snprintf(place.host, sizeof place.host, "%s", text_of(to, "host"));
	for (uint32_t i = 0; i < problem->plan.nvms; i++)
		if (strcmp(problem->vms[i]->id, id) == 0)
			problem->plan.vms[i].advised = find_place(problem, &place);
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
	free(problem->plan.places);
	free(problem->plan.vms);
	free(problem->plan.first);
	free(problem->plan.neighbours);
	free(problem->vms);
	free(problem->places);
	free(problem->environments);
	*problem = (struct problem){0};
}
