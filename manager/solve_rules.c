/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_rules.h"

#include "common/error.h"
#include "common/file.h"
#include "manager/solve_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum operand { OPERAND_NONE, OPERAND_VM, OPERAND_ENV, OPERAND_VCPU };

static const struct {
	const char *name;
	enum operand a, b;
} kinds[RULE_KINDS] = {
    [RULE_PIN] = {"pin", OPERAND_VM, OPERAND_ENV},
    [RULE_APART] = {"apart", OPERAND_VM, OPERAND_VM},
    [RULE_TOGETHER] = {"together", OPERAND_VM, OPERAND_VM},
    [RULE_SAMEADDR] = {"sameaddr", OPERAND_VM, OPERAND_VM},
    [RULE_FORBID] = {"forbid", OPERAND_VM, OPERAND_ENV},
    [RULE_DRAIN] = {"drain", OPERAND_ENV, OPERAND_NONE},
    [RULE_QUOTA] = {"quota", OPERAND_ENV, OPERAND_VCPU},
    [RULE_SCOPE] = {"scope", OPERAND_VM, OPERAND_NONE},
};

/* What is read, and what about. */
struct reading {
	struct table table;
	const struct instance *instance;
	const struct rules_names *names;
	bool absent; /* the line is about a VM that is not there */
};

static double find_named(struct reading *r, enum operand kind)
{
	char word[TABLE_WORD_SIZE];
	int found;

	solve_table_word(&r->table, kind == OPERAND_VM ? "VM" : "environment", word);
	if (r->table.code != GRAPPE_OK)
		return 0;
	found = kind == OPERAND_VM ? r->names->find_vm(r->names->context, word)
				   : r->names->find_env(r->names->context, word);
	if (found < 0 && kind == OPERAND_ENV)
		solve_table_fail(
		    &r->table, GRAPPE_EFORMAT, "no environment is called '%.64s'", word);
	r->absent |= found < 0;
	return found < 0 ? 0 : found;
}

static double read_operand(struct reading *r, enum operand kind)
{
	struct table *t = &r->table;

	if (r->names != NULL && (kind == OPERAND_VM || kind == OPERAND_ENV))
		return find_named(r, kind);
	switch (kind) {
	case OPERAND_VM:
		return solve_table_index(t, "VM", r->instance->nvms);
	case OPERAND_ENV:
		return solve_table_index(t, "environment", r->instance->nenvs);
	case OPERAND_VCPU:
		return solve_table_number(t, "vcpu", 0, INSTANCE_VALUE_MAX);
	case OPERAND_NONE:
		break;
	}
	if (t->code == GRAPPE_OK && t->at < t->end && *t->at != '\n')
		solve_table_skip(t); /* the column is there for the other rules */
	return 0;
}

static void read_rule(struct reading *r, struct rule *rule)
{
	struct table *t = &r->table;
	char word[TABLE_WORD_SIZE];
	size_t kind = 0;

	solve_table_word(t, "rule", word);
	while (kind < RULE_KINDS && strcmp(kinds[kind].name, word) != 0)
		kind++;
	if (kind == RULE_KINDS) {
		solve_table_fail(t, GRAPPE_EFORMAT,
		    "no rule is called '%s'; there are pin, apart, together, sameaddr, "
		    "forbid, drain, quota, scope",
		    word);
		return;
	}
	rule->kind = (enum rule_kind)kind;
	rule->line = t->line;
	rule->a = (uint32_t)read_operand(r, kinds[kind].a);
	rule->b = read_operand(r, kinds[kind].b);
	if (!r->absent && kinds[kind].b == OPERAND_VM && rule->a == (uint32_t)rule->b)
		solve_table_fail(t, GRAPPE_EFORMAT, "%s needs two VMs", word);
}

int solve_rules_add(struct rules *rules, const struct rule *rule)
{
	if (rules->count == RULES_MAX)
		return GRAPPE_ELIMIT;
	if (rules->count == rules->room) {
		const size_t room = 2 * rules->room + 16;
		struct rule *items = realloc(rules->items, room * sizeof *items);

		if (items == NULL)
			return GRAPPE_EMEMORY;
		rules->items = items;
		rules->room = room;
	}
	rules->items[rules->count++] = *rule;
	return GRAPPE_OK;
}

int solve_rules_parse(const char *name, const char *bytes, size_t length,
    const struct instance *instance, const struct rules_names *names, struct rules *out,
    char *message, size_t size)
{
	struct rules rules = {0};
	struct reading r = {.instance = instance, .names = names};

	solve_table_open(&r.table, name, bytes, length, "rule\ta\tb", message, size);
	while (solve_table_next(&r.table)) {
		struct rule rule = {0};
		int rc = GRAPPE_OK;

		r.absent = false;
		read_rule(&r, &rule);
		if (r.absent)
			rules.skipped++;
		else if (r.table.code == GRAPPE_OK)
			rc = solve_rules_add(&rules, &rule);
		if (rc == GRAPPE_ELIMIT)
			solve_table_fail(&r.table, rc, "more than %d rules", RULES_MAX);
		else if (rc != GRAPPE_OK)
			solve_table_fail(&r.table, rc, "%s", error_text(rc));
	}
	if (r.table.code != GRAPPE_OK)
		solve_rules_deinit(&rules);
	else
		*out = rules;
	return r.table.code;
}

int solve_rules_load(const char *path, const struct instance *instance,
    const struct rules_names *names, struct rules *out, char *message, size_t size)
{
	struct buffer buffer;
	int rc = file_read(path, RULES_FILE_MAX, &buffer);

	if (rc != GRAPPE_OK)
		snprintf(message, size, "%s: %s", path, error_text(rc));
	else
		rc = solve_rules_parse(path, buffer.bytes != NULL ? (const char *)buffer.bytes : "",
		    buffer.length, instance, names, out, message, size);
	buffer_deinit(&buffer);
	return rc;
}

void solve_rules_deinit(struct rules *rules)
{
	free(rules->items);
	*rules = (struct rules){0};
}

/* ---- what they come to ---- */

static uint64_t bit(uint32_t env)
{
	return UINT64_C(1) << env;
}

static uint64_t open_long_enough(const struct instance *in, uint32_t vm)
{
	uint64_t set = 0;

	for (uint32_t e = 0; e < in->nenvs; e++)
		if (in->vms[vm].work_h / in->envs[e].power * RULES_AVAILABILITY_RESERVE <=
		    in->envs[e].avail_h)
			set |= bit(e);
	return set;
}

/* The last rule before this one that says where the VM may be, or NULL. */
static const struct rule *find_earlier(
    const struct rules *rules, const struct rule *rule, uint32_t vm)
{
	while (rule-- > rules->items)
		if (rule->kind == RULE_DRAIN ||
		    ((rule->kind == RULE_PIN || rule->kind == RULE_FORBID) && rule->a == vm))
			return rule;
	return NULL;
}

#define RULE_NAME_SIZE 100

static const char *name_rule(const struct rule *rule, char out[RULE_NAME_SIZE])
{
	if (rule->why != NULL)
		snprintf(out, RULE_NAME_SIZE, "%s", rule->why);
	else
		snprintf(
		    out, RULE_NAME_SIZE, "rule %s of line %zu", kinds[rule->kind].name, rule->line);
	return out;
}

static void blame_rule(const struct instance *in, const struct rules *rules,
    const struct rule *rule, uint32_t vm, char reason[RULES_TEXT_SIZE])
{
	const struct rule *earlier = find_earlier(rules, rule, vm);
	char name[INSTANCE_NAME_SIZE], one[RULE_NAME_SIZE], two[RULE_NAME_SIZE];

	if (earlier != NULL)
		snprintf(reason, RULES_TEXT_SIZE,
		    "VM %.80s may be nowhere: %s leaves nothing of what %s and the availability of "
		    "environments allow",
		    solve_instance_vm_name(in, vm, name), name_rule(rule, one),
		    name_rule(earlier, two));
	else
		snprintf(reason, RULES_TEXT_SIZE,
		    "VM %.80s may be nowhere: %s leaves only environments that close before its "
		    "work ends (availability)",
		    solve_instance_vm_name(in, vm, name), name_rule(rule, one));
}

/* Narrows where the VM may be; says when nothing is left. */
static int narrow(const struct instance *in, struct bounds *b, uint32_t vm, uint64_t set,
    const struct rules *rules, const struct rule *rule, char reason[RULES_TEXT_SIZE])
{
	if ((b->allowed[vm] & set) == 0) {
		blame_rule(in, rules, rule, vm, reason);
		return GRAPPE_ENOTFOUND;
	}
	b->allowed[vm] &= set;
	return GRAPPE_OK;
}

static int apply_rule(const struct instance *in, const struct rules *rules, const struct rule *rule,
    struct bounds *b, char reason[RULES_TEXT_SIZE])
{
	int rc = GRAPPE_OK;

	if (rule->kind == RULE_PIN && !b->outside[rule->a])
		rc = narrow(in, b, rule->a, bit((uint32_t)rule->b), rules, rule, reason);
	if (rule->kind == RULE_FORBID && !b->outside[rule->a])
		rc = narrow(in, b, rule->a, ~bit((uint32_t)rule->b), rules, rule, reason);
	for (uint32_t vm = 0; rule->kind == RULE_DRAIN && rc == GRAPPE_OK && vm < in->nvms; vm++)
		if (!b->outside[vm])
			rc = narrow(in, b, vm, ~bit(rule->a), rules, rule, reason);
	if (rule->kind == RULE_QUOTA)
		b->limit[rule->a].vcpu = fmin(b->limit[rule->a].vcpu, rule->b);
	return rc;
}

static void take_scope(const struct instance *in, const struct rules *rules, struct bounds *b)
{
	bool any = false;

	for (size_t i = 0; i < rules->count; i++)
		any |= rules->items[i].kind == RULE_SCOPE;
	if (!any)
		return;
	for (size_t vm = 0; vm < in->nvms; vm++)
		b->outside[vm] = true;
	for (size_t i = 0; i < rules->count; i++)
		if (rules->items[i].kind == RULE_SCOPE)
			b->outside[rules->items[i].a] = false;
}

static int bound_vms(const struct instance *in, const struct rules *rules, struct bounds *b,
    char reason[RULES_TEXT_SIZE])
{
	char name[INSTANCE_NAME_SIZE];
	int rc = GRAPPE_OK;

	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		b->allowed[vm] = b->outside[vm] ? bit(in->vms[vm].env) : open_long_enough(in, vm);
		if (b->allowed[vm] == 0) {
			snprintf(reason, RULES_TEXT_SIZE,
			    "VM %.80s may be nowhere: its %g h of work end after every environment "
			    "closes (availability)",
			    solve_instance_vm_name(in, vm, name), in->vms[vm].work_h);
			return GRAPPE_ENOTFOUND;
		}
	}
	for (size_t i = 0; i < rules->count && rc == GRAPPE_OK; i++)
		rc = apply_rule(in, rules, &rules->items[i], b, reason);
	return rc;
}

/* ---- units ---- */

static uint32_t find_root(uint32_t *parent, uint32_t vm)
{
	while (parent[vm] != vm)
		vm = parent[vm] = parent[parent[vm]];
	return vm;
}

/* Joins VMs that stay together; parent: nvms, scratch. */
static int join_units(const struct instance *in, const struct rules *rules, struct bounds *b,
    uint32_t *parent, char reason[RULES_TEXT_SIZE])
{
	for (uint32_t vm = 0; vm < in->nvms; vm++)
		parent[vm] = vm;
	char one[INSTANCE_NAME_SIZE], two[INSTANCE_NAME_SIZE];

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->items[i];
		uint32_t v, w;

		if (rule->kind != RULE_TOGETHER)
			continue;
		v = find_root(parent, rule->a);
		w = find_root(parent, (uint32_t)rule->b);
		if ((b->allowed[v] & b->allowed[w]) == 0) {
			snprintf(reason, RULES_TEXT_SIZE,
			    "VMs %.80s and %.80s cannot be together (line %zu): no environment "
			    "is left that both may be in",
			    solve_instance_vm_name(in, rule->a, one),
			    solve_instance_vm_name(in, (uint32_t)rule->b, two), rule->line);
			return GRAPPE_ENOTFOUND;
		}
		/* The lower number is the root, so that units keep the order of VMs. */
		b->allowed[v < w ? v : w] &= b->allowed[v < w ? w : v];
		parent[v < w ? w : v] = v < w ? v : w;
	}
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		const uint32_t root = find_root(parent, vm);

		b->unit[vm] = root == vm ? (uint32_t)b->nunits++ : b->unit[root];
		b->allowed[vm] = b->allowed[root];
	}
	return GRAPPE_OK;
}

static bool keeps_apart(const struct rule *rule)
{
	return rule->kind == RULE_APART || rule->kind == RULE_SAMEADDR;
}

/* A pair of units that must be apart, in both lists. */
static void put_apart(struct bounds *b, size_t *fill, uint32_t u, uint32_t w)
{
	b->apart[b->apart_first[u] + fill[u]++] = w;
	b->apart[b->apart_first[w] + fill[w]++] = u;
}

static int count_apart(const struct instance *in, const struct rules *rules, struct bounds *b,
    char reason[RULES_TEXT_SIZE])
{
	char one[INSTANCE_NAME_SIZE], two[INSTANCE_NAME_SIZE];

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->items[i];

		if (!keeps_apart(rule))
			continue;
		if (b->unit[rule->a] == b->unit[(uint32_t)rule->b]) {
			snprintf(reason, RULES_TEXT_SIZE,
			    "VMs %.80s and %.80s must be together and yet not in one environment "
			    "(rule %s of line %zu)",
			    solve_instance_vm_name(in, rule->a, one),
			    solve_instance_vm_name(in, (uint32_t)rule->b, two),
			    kinds[rule->kind].name, rule->line);
			return GRAPPE_ENOTFOUND;
		}
		b->apart_first[b->unit[rule->a] + 1]++;
		b->apart_first[b->unit[(uint32_t)rule->b] + 1]++;
	}
	for (size_t u = 0; u < b->nunits; u++)
		b->apart_first[u + 1] += b->apart_first[u];
	return GRAPPE_OK;
}

static int list_apart(const struct instance *in, const struct rules *rules, struct bounds *b,
    char reason[RULES_TEXT_SIZE])
{
	size_t *fill = calloc(b->nunits + 1, sizeof *fill);
	int rc = GRAPPE_EMEMORY;

	b->apart_first = calloc(b->nunits + 2, sizeof *b->apart_first);
	if (fill != NULL && b->apart_first != NULL)
		rc = count_apart(in, rules, b, reason);
	if (rc == GRAPPE_OK) {
		b->apart = calloc(b->apart_first[b->nunits] + 1, sizeof *b->apart);
		rc = b->apart != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
	}
	for (size_t i = 0; rc == GRAPPE_OK && i < rules->count; i++)
		if (keeps_apart(&rules->items[i]))
			put_apart(b, fill, b->unit[rules->items[i].a],
			    b->unit[(uint32_t)rules->items[i].b]);
	free(fill);
	return rc;
}

static int bounds_init(const struct instance *in, struct bounds *b)
{
	*b = (struct bounds){.nvms = in->nvms, .nenvs = in->nenvs};
	b->allowed = calloc(in->nvms + 1, sizeof *b->allowed);
	b->unit = calloc(in->nvms + 1, sizeof *b->unit);
	b->outside = calloc(in->nvms + 1, sizeof *b->outside);
	b->limit = calloc(in->nenvs + 1, sizeof *b->limit);
	if (b->allowed == NULL || b->unit == NULL || b->outside == NULL || b->limit == NULL)
		return GRAPPE_EMEMORY;
	for (size_t e = 0; e < in->nenvs; e++)
		b->limit[e] = in->envs[e].limit;
	return GRAPPE_OK;
}

int solve_bounds_build(const struct instance *instance, const struct rules *rules,
    struct bounds *out, char reason[RULES_TEXT_SIZE])
{
	uint32_t *parent = calloc(instance->nvms + 1, sizeof *parent);
	struct bounds b;
	int rc = bounds_init(instance, &b);

	if (parent == NULL)
		rc = GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK) {
		take_scope(instance, rules, &b);
		rc = bound_vms(instance, rules, &b, reason);
	}
	if (rc == GRAPPE_OK)
		rc = join_units(instance, rules, &b, parent, reason);
	if (rc == GRAPPE_OK)
		rc = list_apart(instance, rules, &b, reason);
	free(parent);
	if (rc == GRAPPE_OK)
		*out = b;
	else
		solve_bounds_deinit(&b);
	return rc;
}

void solve_bounds_deinit(struct bounds *bounds)
{
	free(bounds->allowed);
	free(bounds->unit);
	free(bounds->apart_first);
	free(bounds->apart);
	free(bounds->limit);
	free(bounds->outside);
	*bounds = (struct bounds){0};
}

bool solve_bounds_may_stay(
    const struct bounds *bounds, const struct instance *instance, uint32_t vm)
{
	return (bounds->allowed[vm] & bit(instance->vms[vm].env)) != 0;
}

/* ---- checking ---- */

struct audit {
	size_t count;
	char *what; /* may be NULL */
};

#define BLAME(audit, ...)                                                                          \
	do {                                                                                       \
		if ((audit)->count++ == 0 && (audit)->what != NULL)                                \
			snprintf((audit)->what, RULES_TEXT_SIZE, __VA_ARGS__);                     \
	} while (0)

static void audit_capacity(
    const struct bounds *b, const struct instance *in, const uint32_t *place, struct audit *audit)
{
	for (uint32_t e = 0; e < b->nenvs; e++) {
		const struct load *limit = &b->limit[e];
		struct load used = {0};
		char name[INSTANCE_NAME_SIZE];

		for (size_t vm = 0; vm < in->nvms; vm++)
			if (place[vm] == e)
				load_add(&used, &in->vms[vm].load);
		if (load_is_over(&used, limit))
			BLAME(audit,
			    "environment %.80s holds %g vcpu of %g, %g GiB of %g, %g VMs of %g",
			    solve_instance_env_name(in, e, name), used.vcpu, limit->vcpu,
			    used.mem_GiB, limit->mem_GiB, used.vms, limit->vms);
	}
}

size_t solve_bounds_check(const struct bounds *b, const struct instance *in, const uint32_t *place,
    char what[RULES_TEXT_SIZE])
{
	struct audit audit = {0, what};
	uint32_t *at = calloc(b->nunits + 1, sizeof *at); /* place of each unit's first VM, + 1 */

	if (at == NULL) {
		BLAME(&audit, "%s", error_text(GRAPPE_EMEMORY));
		return audit.count;
	}
	audit_capacity(b, in, place, &audit);
	for (uint32_t vm = 0; vm < in->nvms; vm++) {
		const uint32_t unit = b->unit[vm];
		char one[INSTANCE_NAME_SIZE], two[INSTANCE_NAME_SIZE];

		if ((b->allowed[vm] & bit(place[vm])) == 0)
			BLAME(&audit, "VM %.80s may not be in environment %.80s",
			    solve_instance_vm_name(in, vm, one),
			    solve_instance_env_name(in, place[vm], two));
		if (at[unit] == 0)
			at[unit] = place[vm] + 1;
		else if (at[unit] != place[vm] + 1)
			BLAME(&audit, "VM %.80s is not with those it must be together with",
			    solve_instance_vm_name(in, vm, one));
	}
	for (uint32_t u = 0; u < b->nunits; u++)
		for (size_t i = b->apart_first[u]; i < b->apart_first[u + 1]; i++)
			if (u < b->apart[i] && at[u] == at[b->apart[i]])
				BLAME(&audit, "units %u and %u must be apart", u, b->apart[i]);
	free(at);
	return audit.count;
}
