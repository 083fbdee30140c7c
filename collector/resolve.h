/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From what single agents saw in one period to who talked to whom (C-2): each peer address is
 * turned into the VM that owns it, whichever agent sees that VM, else into a named endpoint, else
 * "external"; what several agents counted for one receiver is summed.
 *
 * An address belongs to a segment (S-10): it is looked up in the segment of the NIC that counted
 * it. Only where the operator says that a router joins segments are these tried as well. Among
 * claims to one address the better evidence wins. Only inventories of that period are used, or
 * for an agent that is missing the last one before it, never a later one.
 *
 * Pure; one thread at a time. Life-cycle: resolve_periods(), read, resolve_free().
 */
#ifndef GRAPPE_COLLECTOR_RESOLVE_H
#define GRAPPE_COLLECTOR_RESOLVE_H

#include "common/matrix.h"
#include "common/period.h"

/* A fixed node without a sensor (S-5). */
struct resolve_endpoint {
	char id[VM_ID_SIZE];        /* "endpoint:NAME" */
	char segment[SEGMENT_SIZE]; /* "" = in every segment */
	struct address address;
};

struct resolve_config {
	const struct resolve_endpoint *endpoints; /* borrowed */
	size_t nendpoints;
	const char *const *routed; /* segments between which traffic is routed, borrowed */
	size_t nrouted;
};

/* What one agent contributes. */
struct resolve_input {
	uint32_t agent;              /* number of the agent */
	const struct period *period; /* borrowed */
	bool remembered; /* of an earlier period: tells addresses only, counts nothing */
};

struct resolved_receiver {
	uint32_t node;      /* of the catalogue */
	uint32_t agent;     /* the agent that watched most of it */
	uint32_t first_row; /* its rows: first_row … first_row + nrows − 1 */
	uint32_t nrows;
	double known;   /* share 0…1 of the period that was watched */
	bool uncertain; /* a missing agent might still turn one of its senders into a VM, or have
			   watched what is left of the period */
	bool ghost;     /* not seen: the agent that watched it before is missing */
	uint32_t flags; /* enum period_flag of all agents that watched it */
};

/* What one pair counted. Kept small, since an hour of 100,000 pairs is twelve million of them. */
struct resolved_row {
	uint32_t pair;            /* of the catalogue */
	uint32_t packets, octets; /* RESOLVED_WIDE: in `wide` */
};

#define RESOLVED_WIDE UINT32_MAX

struct resolved_wide {
	uint32_t row;
	double packets, octets;
};

struct resolved {
	const struct matrix *catalogue;      /* of the request */
	struct resolved_receiver *receivers; /* in the order of their ids */
	size_t nreceivers;
	struct resolved_row *rows; /* grouped by receiver, in their order */
	size_t nrows;
	struct resolved_wide *wide; /* rows with counts beyond 32 bits, ascending */
	size_t nwide;
	uint32_t address_conflicts; /* addresses that two VMs own with equal evidence */
	uint32_t vm_conflicts;      /* VMs that two agents claim for the whole period */
	uint64_t foreign_sent;      /* packets sent to what is no endpoint here; not counted */
	char conflict[160];         /* one of the conflicts in words, or "" */
	unsigned holders;           /* resolve_hold(), and whoever made it */
};

/* A receiver that is expected although no agent of the period tells of it. */
struct resolve_ghost {
	const char *id; /* borrowed */
	uint32_t agent;
};

/* All that is known of one period. */
struct resolve_request {
	const struct resolve_config *config;
	/* Numbers of ids and pairs, the same in all periods; new ones are added. Borrowed, and by
	 * the result too. Its counts mean nothing. */
	struct matrix *catalogue;
	uint32_t length_s;                  /* of the period */
	const struct resolve_input *inputs; /* in any order: the sums are the same */
	size_t ninputs;
	const struct resolve_ghost *ghosts; /* one whose id is among the receivers is dropped */
	size_t nghosts;
	size_t expected; /* agents that should tell */
};

/* resolve_periods - joins the inputs of one period into *out, which the caller frees.
 * Returns 0 or GRAPPE_EMEMORY, GRAPPE_ELIMIT (more nodes than a matrix takes). */
int resolve_periods(const struct resolve_request *request, struct resolved **out);
/* resolve_free - gives up one hold; the last one frees. NULL is allowed. */
void resolve_free(const struct resolved *resolved);
/* resolve_hold - keeps the result until one resolve_free() more. */
const struct resolved *resolve_hold(const struct resolved *resolved);

/* resolve_id - id of a receiver. */
const char *resolve_id(const struct resolved *resolved, const struct resolved_receiver *receiver);
/* resolve_find - the receiver with this id, or NULL. */
const struct resolved_receiver *resolve_find(const struct resolved *resolved, const char *id);
/* resolve_row - the row with that index: its pair and what it counted. row < nrows. */
struct matrix_pair resolve_row(const struct resolved *resolved, size_t row);

#endif
