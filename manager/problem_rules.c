/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/problem_rules.h"

#include "common/error.h"
#include "manager/solve_sequence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ruling {
	struct problem *p;
	const struct problem_options *options;
	char *message;
	size_t size;
};

#define FAIL(b, code, ...) (snprintf((b)->message, (b)->size, __VA_ARGS__), (code))

/* An environment that opens later or closes too early takes nobody; one that closes soon is left.
 */
static int rule_availability(struct ruling *b, uint32_t env)
{
	const struct environment *told = &b->p->document->items[env];
	const int64_t now = b->options->now_s;
	const double until_h = told->available_until_s != 0
				   ? (double)(told->available_until_s - now) / 3600
				   : INFINITY;
	const struct rule drain = {.kind = RULE_DRAIN,
	    .a = env,
	    .why = told->drain == TRUTH_YES ? "the environment that is drained"
					    : "the end of the environment's availability"};
	struct rule forbid = {
	    .kind = RULE_FORBID, .b = env, .why = "the availability of an environment"};
	int rc = GRAPPE_OK;

	if (told->drain == TRUTH_YES || until_h <= b->options->leave_before_h)
		return solve_rules_add(&b->p->rules, &drain);
	for (forbid.a = 0; rc == GRAPPE_OK && forbid.a < b->p->instance.nvms; forbid.a++) {
		const struct instance_vm *vm = &b->p->instance.vms[forbid.a];
		const double needs_h =
		    vm->work_h / b->p->instance.envs[env].power * RULES_AVAILABILITY_RESERVE;

		if (vm->env != env && (told->available_from_s > now || until_h < needs_h))
			rc = solve_rules_add(&b->p->rules, &forbid);
	}
	return rc;
}

static int rule_application(struct ruling *b)
{
	struct rule scope = {.kind = RULE_SCOPE};
	bool any = false;
	int rc = GRAPPE_OK;

	for (scope.a = 0; rc == GRAPPE_OK && scope.a < b->p->instance.nvms; scope.a++) {
		if (!problem_is_application(b->options, b->p->vms[scope.a]))
			continue;
		any = true;
		rc = solve_rules_add(&b->p->rules, &scope);
	}
	if (!any)
		return FAIL(b, GRAPPE_ENOTFOUND,
		    "no VM with a known place belongs to application '%s'",
		    b->options->application);
	return rc;
}

static int find_rule_vm(const void *context, const char *name)
{
	return problem_find_vm(context, name);
}

static int find_rule_env(const void *context, const char *name)
{
	const struct problem *p = context;

	for (size_t e = 0; e < p->instance.nenvs; e++)
		if (strcmp(p->environments[e], name) == 0)
			return (int)e;
	return GRAPPE_ENOTFOUND;
}

/* VMs that must be apart are so by hosts: these rules go from the list to the places. */
static int take_apart(struct problem *p)
{
	const size_t nvms = p->instance.nvms;
	size_t *first = p->places.apart_first = calloc(nvms + 3, sizeof *first);
	size_t kept = 0, count = 0;

	for (size_t i = 0; i < p->rules.count; i++)
		count += p->rules.items[i].kind == RULE_APART;
	p->places.apart = calloc(2 * count + 1, sizeof *p->places.apart);
	if (first == NULL || p->places.apart == NULL)
		return GRAPPE_EMEMORY;
	for (int fill = 0; fill < 2; fill++) {
		for (size_t i = 0; i < p->rules.count; i++) {
			const struct rule *rule = &p->rules.items[i];
			const uint32_t ends[2] = {rule->a, (uint32_t)rule->b};

			for (int end = 0; rule->kind == RULE_APART && end < 2; end++) {
				if (fill == 0)
					first[ends[end] + 2]++;
				else
					p->places.apart[first[ends[end] + 1]++] = ends[!end];
			}
		}
		for (size_t vm = 0; fill == 0 && vm <= nvms; vm++)
			first[vm + 2] += first[vm + 1];
	}
	for (size_t i = 0; i < p->rules.count; i++)
		if (p->rules.items[i].kind != RULE_APART)
			p->rules.items[kept++] = p->rules.items[i];
	p->rules.count = kept;
	return GRAPPE_OK;
}

/* VMs without a place get one, and only they. */
static int rule_new(struct ruling *b)
{
	struct problem *p = b->p;
	struct rule drain = {.kind = RULE_DRAIN, .why = "VMs need a place"};
	struct rule scope = {.kind = RULE_SCOPE};
	int rc = GRAPPE_OK;

	while (drain.a < p->instance.nenvs && !problem_is_new(p, drain.a))
		drain.a++;
	if (drain.a == p->instance.nenvs)
		return GRAPPE_OK;
	rc = solve_rules_add(&p->rules, &drain);
	for (scope.a = 0; rc == GRAPPE_OK && scope.a < p->instance.nvms; scope.a++)
		if (p->instance.vms[scope.a].env == drain.a)
			rc = solve_rules_add(&p->rules, &scope);
	return rc;
}

/* Whether it is a short while since the VM moved. A time to come is none: a clock was wrong. */
static bool is_resting(const struct ruling *b, uint32_t vm)
{
	const int64_t moved_s = residence_moved_s(b->options->residence, b->p->vms[vm]->id);

	return moved_s != 0 && moved_s <= b->options->now_s &&
	       b->options->now_s - moved_s < b->options->cool_down_s;
}

/* Who moved a short while ago stays, unless it has to go. forced: scratch, per VM. */
static int pin_resting(struct ruling *b, const struct bounds *bounds, bool *forced)
{
	struct problem *p = b->p;
	const struct sequence_task now = {
	    .instance = &p->instance, .bounds = bounds, .places = &p->places, .from = p->place};
	int rc = solve_sequence_forced(&now, forced);

	for (uint32_t vm = 0; rc == GRAPPE_OK && vm < p->instance.nvms; vm++) {
		const struct rule stay = {.kind = RULE_PIN,
		    .a = vm,
		    .b = p->instance.vms[vm].env,
		    .why = "its move a short while ago"};

		if (forced[vm] || !is_resting(b, vm))
			continue;
		rc = solve_rules_add(&p->rules, &stay);
		p->resting++;
	}
	return rc;
}

static int rule_resting(struct ruling *b)
{
	struct problem *p = b->p;
	struct bounds bounds;
	char reason[RULES_TEXT_SIZE];
	bool *forced;
	int rc;

	if (b->options->residence == NULL || b->options->cool_down_s <= 0)
		return GRAPPE_OK;
	rc = solve_bounds_build(&p->instance, &p->rules, &bounds, reason);
	if (rc == GRAPPE_ENOTFOUND)
		return GRAPPE_OK; /* rules exclude each other: there will be no plan */
	if (rc != GRAPPE_OK)
		return rc;
	forced = calloc(p->instance.nvms + 1, sizeof *forced);
	rc = forced != NULL ? pin_resting(b, &bounds, forced) : GRAPPE_EMEMORY;
	free(forced);
	solve_bounds_deinit(&bounds);
	return rc;
}

int problem_take_rules(
    struct problem *p, const struct problem_options *options, char *message, size_t size)
{
	struct ruling ruling = {p, options, message, size}, *b = &ruling;
	const struct rules_names names = {find_rule_vm, find_rule_env, p};
	int rc = GRAPPE_OK;

	if (b->options->rules != NULL && b->options->rules[0] != '\0')
		rc = solve_rules_load(
		    b->options->rules, &p->instance, &names, &p->rules, b->message, b->size);
	for (uint32_t e = 0; rc == GRAPPE_OK && e < p->document->count; e++)
		rc = rule_availability(b, e);
	if (rc == GRAPPE_OK)
		rc = rule_new(b);
	if (rc == GRAPPE_OK && b->options->application != NULL)
		rc = rule_application(b);
	if (rc == GRAPPE_OK)
		rc = take_apart(p);
	return rc == GRAPPE_OK ? rule_resting(b) : rc;
}
