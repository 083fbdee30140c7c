/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a plan must keep beside the facts of the instance: rules of the operator, read from a tab
 * separated file (doc/instances.md, "Rules"), and what they and the availability of environments
 * come to for each VM. Pure, but for solve_rules_load().
 *
 * Life-cycle: solve_rules_load(), solve_rules_parse() or {0}; solve_bounds_build(); use;
 * solve_bounds_deinit(), solve_rules_deinit().
 */
#ifndef GRAPPE_MANAGER_SOLVE_RULES_H
#define GRAPPE_MANAGER_SOLVE_RULES_H

#include "manager/solve_instance.h"

#include <stdbool.h>

#define RULES_MAX 1000000
#define RULES_FILE_MAX ((size_t)64 << 20) /* bytes */
#define RULES_TEXT_SIZE 400
#define RULES_AVAILABILITY_RESERVE 1.1 /* work may take so much longer than it should */

enum rule_kind {
	RULE_PIN,      /* a: VM, b: environment: it is there */
	RULE_APART,    /* a, b: VMs: never in one environment */
	RULE_TOGETHER, /* a, b: VMs: always in one environment */
	RULE_SAMEADDR, /* a, b: VMs with one address: never in one environment */
	RULE_FORBID,   /* a: VM, b: environment: it is never there */
	RULE_DRAIN,    /* a: environment: nothing may stay there */
	RULE_QUOTA,    /* a: environment, b: vcpu that may be used there */
	RULE_SCOPE,    /* a: VM: only VMs in such lines may move */
	RULE_KINDS
};

struct rule {
	enum rule_kind kind;
	uint32_t a;
	double b;
	size_t line;     /* of the file */
	const char *why; /* told instead of kind and line, or NULL; borrowed */
};

struct rules {
	struct rule *items;
	size_t count, room;
	size_t skipped; /* lines about VMs that are not there */
};

/* How the names in a file of rules are understood. */
struct rules_names {
	/* Each returns a number, or GRAPPE_ENOTFOUND. */
	int (*find_vm)(const void *context, const char *name);
	int (*find_env)(const void *context, const char *name);
	const void *context;
};

/* solve_rules_parse - names: NULL: VMs and environments go by their numbers; else a line about a
 * VM that is not there is skipped. *out needs solve_rules_deinit() only after success. name: for
 * messages. Returns 0, GRAPPE_EMEMORY, GRAPPE_ELIMIT or GRAPPE_EFORMAT with "NAME:LINE: what" in
 * message. */
int solve_rules_parse(const char *name, const char *bytes, size_t length,
    const struct instance *instance, const struct rules_names *names, struct rules *out,
    char *message, size_t size);
/* solve_rules_load - the same from a file; also GRAPPE_EIO. */
int solve_rules_load(const char *path, const struct instance *instance,
    const struct rules_names *names, struct rules *out, char *message, size_t size);
/* solve_rules_add - returns 0, GRAPPE_EMEMORY or GRAPPE_ELIMIT. */
int solve_rules_add(struct rules *rules, const struct rule *rule);
void solve_rules_deinit(struct rules *rules);

/*
 * What a placement must keep. VMs that stay together are one unit, numbered by their first VM's
 * order. Apart-rules between units are symmetric lists.
 */
struct bounds {
	size_t nvms, nenvs, nunits;
	uint64_t *allowed;   /* per VM: environments where it may be, as bits */
	uint32_t *unit;      /* per VM */
	size_t *apart_first; /* nunits + 1 offsets into apart */
	uint32_t *apart;     /* units */
	struct load *limit;  /* per environment: what may be used there */
	bool *outside;       /* per VM: out of scope, stays as it is */
};

/* solve_bounds_build - *out needs solve_bounds_deinit() only after success. Returns 0,
 * GRAPPE_EMEMORY, or GRAPPE_ENOTFOUND when rules exclude each other, with which ones in reason. */
int solve_bounds_build(const struct instance *instance, const struct rules *rules,
    struct bounds *out, char reason[RULES_TEXT_SIZE]);
void solve_bounds_deinit(struct bounds *bounds);

/* solve_bounds_may_stay - whether a VM may stay where it is as far as it alone is concerned; when
 * not, its move is forced. */
bool solve_bounds_may_stay(
    const struct bounds *bounds, const struct instance *instance, uint32_t vm);

/* solve_bounds_check - how many violations a placement has: environments over a limit, VMs where
 * they may not be, pairs that must be apart and are not, VMs that are not with their unit. what:
 * the first one in words; may be NULL. */
size_t solve_bounds_check(const struct bounds *bounds, const struct instance *instance,
    const uint32_t *place, char what[RULES_TEXT_SIZE]);

#endif
