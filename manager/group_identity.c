/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/group_identity.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

#define NEVER UINT32_MAX
#define LEAST_OVERLAP 0.3 /* of both groups together, to be the same one */

/* A group of before and one of now that have VMs in common. */
struct overlap {
	uint32_t old, now;
	size_t common;
	double share; /* of all VMs of the two */
};

struct matching {
	const json_t *groups; /* of before */
	size_t nold;
	const struct groups *now;
	uint32_t *old_of; /* per node: its group before, or NEVER */
	uint32_t *now_of; /* per node: its group now, or NEVER */
	uint32_t *match;  /* per group now: the group before, or NEVER */
	bool *taken;      /* per group before */
	struct overlap *overlaps;
	size_t noverlaps;
};

static const json_t *vms_of(const struct matching *m, size_t old)
{
	return json_object_get(json_array_get(m->groups, old), "vms");
}

static void find_old(struct matching *m, const struct matrix *matrix)
{
	for (uint32_t old = 0; old < m->nold; old++) {
		const json_t *vm;
		size_t i;

		json_array_foreach(vms_of(m, old), i, vm)
		{
			const char *id = json_string_value(vm);
			const int node = id != NULL ? matrix_find(matrix, id) : GRAPPE_ENOTFOUND;

			if (node >= 0)
				m->old_of[node] = old;
		}
	}
}

static int compare_overlaps(const void *a, const void *b)
{
	const struct overlap *x = a, *y = b;

	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	if (x->common != y->common)
		return x->common > y->common ? -1 : 1;
	return x->old != y->old ? (x->old > y->old) - (x->old < y->old)
				: (x->now > y->now) - (x->now < y->now);
}

/* Counts what the group has in common with each one before. count: per group before, zero. */
static void count_overlaps(struct matching *m, uint32_t now, size_t *count)
{
	const struct groups_nodes *members = &m->now->items[now].members;

	for (size_t i = 0; i < members->count; i++) {
		const uint32_t old = m->old_of[members->nodes[i]];

		if (old != NEVER)
			count[old]++;
	}
	for (size_t i = 0; i < members->count; i++) {
		const uint32_t old = m->old_of[members->nodes[i]];

		if (old == NEVER || count[old] == 0)
			continue;
		m->overlaps[m->noverlaps++] = (struct overlap){.old = old,
		    .now = now,
		    .common = count[old],
		    .share =
			(double)count[old] /
			(double)(members->count + json_array_size(vms_of(m, old)) - count[old])};
		count[old] = 0;
	}
}

/* The best overlap first; each group is matched once. */
static void match_groups(struct matching *m)
{
	if (m->noverlaps > 0)
		qsort(m->overlaps, m->noverlaps, sizeof *m->overlaps, compare_overlaps);
	for (size_t i = 0; i < m->noverlaps; i++) {
		const struct overlap *it = &m->overlaps[i];

		if (it->share < LEAST_OVERLAP || m->taken[it->old] || m->match[it->now] != NEVER)
			continue;
		m->match[it->now] = it->old;
		m->taken[it->old] = true;
	}
}

static uint64_t number_of(const struct matching *m, uint32_t old)
{
	const json_int_t number =
	    json_integer_value(json_object_get(json_array_get(m->groups, old), "number"));

	return number > 0 ? (uint64_t)number : 0;
}

static void give_numbers(const struct matching *m, uint64_t *numbers, uint64_t *next)
{
	for (uint32_t old = 0; old < m->nold; old++)
		if (number_of(m, old) >= *next)
			*next = number_of(m, old) + 1;
	for (uint32_t now = 0; now < m->now->count; now++) {
		numbers[now] = m->match[now] != NEVER ? number_of(m, m->match[now]) : 0;
		if (numbers[now] == 0)
			numbers[now] = (*next)++;
	}
}

/* ---- churn ---- */

static void count_vms(const struct matching *m, size_t nodes, struct group_churn *churn)
{
	size_t both = 0, changed = 0;

	for (size_t node = 0; node < nodes; node++) {
		const uint32_t old = m->old_of[node], now = m->now_of[node];
		const bool same = now != NEVER && old != NEVER && m->match[now] == old;

		churn->joined += now != NEVER && m->match[now] != NEVER && !same;
		churn->left += old != NEVER && !same;
		both += old != NEVER;
		changed += old != NEVER && !same;
	}
	churn->changed = both > 0 ? (double)changed / (double)both : 0;
}

static void tell_churn(struct matching *m, size_t nodes, struct group_churn *churn)
{
	*churn = (struct group_churn){.known = m->groups != NULL};
	if (!churn->known)
		return;
	for (uint32_t now = 0; now < m->now->count; now++) {
		if (m->match[now] != NEVER)
			churn->kept++;
		else
			churn->new ++;
	}
	for (uint32_t old = 0; old < m->nold; old++)
		churn->gone += !m->taken[old];
	count_vms(m, nodes, churn);
}

/* ---- the whole ---- */

static int matching_init(struct matching *m, size_t nodes)
{
	m->old_of = malloc((nodes + 1) * sizeof *m->old_of);
	m->now_of = malloc((nodes + 1) * sizeof *m->now_of);
	m->match = malloc((m->now->count + 1) * sizeof *m->match);
	m->taken = calloc(m->nold + 1, sizeof *m->taken);
	m->overlaps = calloc(nodes + 1, sizeof *m->overlaps);
	if (m->old_of == NULL || m->now_of == NULL || m->match == NULL || m->taken == NULL ||
	    m->overlaps == NULL)
		return GRAPPE_EMEMORY;
	for (size_t node = 0; node < nodes; node++)
		m->old_of[node] = m->now_of[node] = NEVER;
	for (uint32_t now = 0; now < m->now->count; now++) {
		m->match[now] = NEVER;
		for (size_t i = 0; i < m->now->items[now].members.count; i++)
			m->now_of[m->now->items[now].members.nodes[i]] = now;
	}
	return GRAPPE_OK;
}

int group_identity_find(const json_t *before, const struct groups *groups,
    const struct matrix *matrix, uint64_t *numbers, uint64_t *next, struct group_churn *churn)
{
	const json_int_t given = json_integer_value(json_object_get(before, "next_group"));
	struct matching m = {.groups = json_object_get(before, "groups"), .now = groups};
	size_t *count;
	int rc;

	m.nold = json_array_size(m.groups);
	count = calloc(m.nold + 1, sizeof *count);
	rc = count != NULL ? matching_init(&m, matrix_nodes(matrix)) : GRAPPE_EMEMORY;
	*next = given > 0 ? (uint64_t)given : 1;
	if (rc == GRAPPE_OK) {
		find_old(&m, matrix);
		for (uint32_t now = 0; now < groups->count; now++)
			count_overlaps(&m, now, count);
		match_groups(&m);
		give_numbers(&m, numbers, next);
		tell_churn(&m, matrix_nodes(matrix), churn);
	}
	free(count);
	free(m.old_of);
	free(m.now_of);
	free(m.match);
	free(m.taken);
	free(m.overlaps);
	return rc;
}

const char *group_identity_label(
    const struct groups_item *group, const struct observation *observation)
{
	const char *majority = "";
	long votes = 0;
	size_t count = 0;

	/* Who wins the vote of pairs is the only one who can have more than half. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < group->members.count; i++) {
			const struct observed_vm *vm = observation_find(
			    observation, matrix_name(observation->matrix, group->members.nodes[i]));
			const char *label = vm != NULL ? vm->application : "";

			if (round == 1) {
				count += strcmp(label, majority) == 0;
			} else if (votes == 0) {
				majority = label;
				votes = 1;
			} else {
				votes += strcmp(label, majority) == 0 ? 1 : -1;
			}
		}
	}
	return 2 * count > group->members.count ? majority : "";
}
