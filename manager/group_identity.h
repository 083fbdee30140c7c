/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which group is which from one plan to the next. A group keeps its number while most of it is
 * still together; of a group that split the largest part keeps it, of groups that merged the
 * largest one's stays; a number is never given twice. What was is read from the groups of the
 * document before, so that identities live as long as it does. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_GROUP_IDENTITY_H
#define GRAPPE_MANAGER_GROUP_IDENTITY_H

#include "manager/groups.h"
#include "manager/observation.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group_churn {
	bool known;             /* there was a document before */
	size_t kept, new, gone; /* groups */
	size_t joined, left;    /* VMs that came into a group kept, or are no longer in one */
	double changed; /* share of the VMs seen both times whose group is another; 0 … 1 */
};

/* group_identity_find - numbers[groups->count] of the groups. before: the document of the plan
 * before, checked as recommendation_check() does, or NULL. *next: the number after the last one
 * given. Returns 0 or GRAPPE_EMEMORY. */
int group_identity_find(const json_t *before, const struct groups *groups,
    const struct matrix *matrix, uint64_t *numbers, uint64_t *next, struct group_churn *churn);

/* group_identity_label - the application that more than half of the group's VMs belong to, or "".
 */
const char *group_identity_label(
    const struct groups_item *group, const struct observation *observation);

#endif
