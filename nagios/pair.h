/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traffic between two sides, each a VM, an application or a site: which VMs they are, by the
 * rows of an inventory, and what these received from each other, by the rows of a mean matrix
 * (doc/protocol.md). Unknown is never zero: what was not watched is missing in `known`. Pure; one
 * thread.
 *
 * Life-cycle: pair_new(), pair_add_vm() for each row of the inventory, pair_settle(),
 * pair_add_row() for each row of the matrix, pair_finish(), pair_free().
 */
#ifndef GRAPPE_NAGIOS_PAIR_H
#define GRAPPE_NAGIOS_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAIR_MEMBERS_MAX 1000000 /* VMs of both sides */

enum pair_kind { PAIR_VM, PAIR_APPLICATION, PAIR_SITE };

struct pair_side {
	enum pair_kind kind;
	const char *name; /* borrowed; without its prefix */
	bool
	    watched; /* PAIR_SITE, set by the caller: its agents deliver, so that it may be empty */
};

/* pair_parse_side - "NAME" or "vm:NAME" (a VM's name or id), "app:LABEL", "site:NAME". Returns 0,
 * or GRAPPE_EFORMAT when no name is there. */
int pair_parse_side(const char *text, struct pair_side *side);

enum pair_direction { PAIR_FORWARD, PAIR_BACKWARD, PAIR_DIRECTIONS };

struct pair_sums {
	double packets, octets; /* per atomic period */
	double known;           /* 0 … 1: share of the receivers' periods that is known */
};

/* What there is between both sides in a window. */
struct pair_answer {
	const char *from, *to; /* as they were given; borrowed */
	int64_t from_s, to_s;  /* the window */
	uint32_t length_s;     /* of an atomic period, > 0 */
	size_t members[2];     /* VMs of either side */
	struct pair_sums directions[PAIR_DIRECTIONS];
	struct pair_sums both; /* each pair once, also where the sides overlap */
};

struct pair; /* opaque */

/* pair_new - since_s: VMs of an application or a site that were not seen after it do not count.
 * What the sides point to is borrowed. Returns 0 or GRAPPE_EMEMORY. */
int pair_new(const struct pair_side sides[2], int64_t since_s, struct pair **out);
/* pair_free - NULL is allowed. */
void pair_free(struct pair *pair);

/* pair_add_vm - fields: a row of protocol_columns_inventory. Returns 0, GRAPPE_EMEMORY or
 * GRAPPE_ELIMIT. */
int pair_add_vm(struct pair *pair, const char *const *fields);
/* pair_settle - that were all VMs. Returns 0, GRAPPE_EMEMORY, or GRAPPE_ENOTFOUND with the reason
 * in message: no such VM, several of that name, nobody in an application or a site, one VM on both
 * sides. */
int pair_settle(struct pair *pair, char *message, size_t size);
/* pair_vm - id of the VM that is this side (0, 1); NULL when it is no single VM. Settled. */
const char *pair_vm(const struct pair *pair, size_t side);

/* pair_add_row - fields: a row of protocol_columns_mean of a window of `wanted` periods. only:
 * NULL, or the id of the receiver whose rows count. Returns 0, or GRAPPE_EFORMAT (a number that is
 * none, more known than there are). */
int pair_add_row(struct pair *pair, const char *const *fields, uint32_t wanted, const char *only);
/* pair_finish - fills members, directions and both of *answer. With a side that is empty it is
 * known that there is nothing. */
void pair_finish(struct pair *pair, uint32_t wanted, struct pair_answer *answer);

#endif
