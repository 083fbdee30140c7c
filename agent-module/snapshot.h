/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the MIB shows between two periods: all tables of GRAPPE-MIB as sorted arrays,
 * made from the ledger and the ring when a period arrives and thrown away at the
 * next. Nothing in it changes but a small cache of decoded periods.
 *
 * Life-cycle: snapshot_new(), read, snapshot_free(). Pure; one thread.
 */
#ifndef GRAPPE_AGENT_SNAPSHOT_H
#define GRAPPE_AGENT_SNAPSHOT_H

#include "agent-module/ledger.h"
#include "agent-module/ring.h"
#include "common/mib.h"

#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_CACHE 2 /* decoded periods kept */
#define SNAPSHOT_KEY_SIZE (VM_ID_SIZE + SEGMENT_SIZE + MAC_TEXT_SIZE + ADDRESS_TEXT_SIZE + 4)

struct snapshot_vm {
	uint32_t number;
	const struct period_vif *facts; /* its vif seen last: name, processors, memory */
	uint32_t last_end;              /* of that vif */
	uint32_t nvifs;
};

/* A NIC of a VM that is here now. */
struct snapshot_nic {
	uint32_t vm_number;
	uint32_t place;   /* in vifs */
	uint32_t ifindex; /* of its interface on the host; 0 = not known */
};

struct snapshot {
	uint32_t start_s, last_end, length_s; /* as in the ledger */
	uint32_t flags;                       /* of the newest period */
	int64_t clock_offset_ns;
	enum mib_backend backend; /* of the newest period, as the reason */
	char backend_reason[PERIOD_REASON_SIZE];
	uint64_t drops, overflow, unmatched, unmatched_octets, estimated, malformed;
	size_t history;          /* periods kept at most */
	struct sealed **periods; /* ascending by end */
	size_t nperiods;
	struct snapshot_vm *vms; /* ascending by number */
	size_t nvms;
	struct ledger_vif *vifs; /* ascending by number */
	size_t nvifs;
	uint32_t *present; /* places in vms of those that the newest period has, ascending */
	size_t npresent;
	struct snapshot_nic *nics; /* theirs; ascending by VM, then vif */
	size_t nnics;
	uint64_t
	    vms_changed_cs; /* when `present` became as it is, 1/100 s since the host started */
	struct tally_set pairs;
	struct snapshot_cached {
		const struct sealed *period; /* NULL: unused */
		struct tally_set rows;
		unsigned used; /* by age */
	} cache[SNAPSHOT_CACHE];
	unsigned uses;
};

/* snapshot_new - of everything with traffic or presence in the last linger_s seconds before the
 * newest period. Copies what it needs of the ledger, holds the periods of the ring. NULL without
 * memory. */
struct snapshot *snapshot_new(
    const struct ledger *ledger, const struct ring *ring, uint32_t linger_s);
/* snapshot_follow - completes it as the one that is shown after `before` (NULL: the first) from
 * uptime_cs on; ifindex_of: if_nametoindex(3) or NULL. */
void snapshot_follow(struct snapshot *snapshot, const struct snapshot *before, uint64_t uptime_cs,
    unsigned (*ifindex_of)(const char *interface));
/* snapshot_free - NULL is allowed. */
void snapshot_free(struct snapshot *snapshot);

/* snapshot_find_period - position of the first period with this end or a later one. */
size_t snapshot_find_period(const struct snapshot *snapshot, uint32_t end);
/* snapshot_period_rows - the counts of one period, decoded when needed; valid until the next call
 * but one. Empty when memory lacks. */
const struct tally_set *snapshot_period_rows(struct snapshot *snapshot, size_t period);

/* snapshot_vif - the vif with this number, or NULL. */
const struct ledger_vif *snapshot_vif(const struct snapshot *snapshot, uint32_t number);
/* snapshot_format_key - grappePairKey of a row into out; returns out. */
const char *snapshot_format_key(
    const struct snapshot *snapshot, const struct tally *row, char out[SNAPSHOT_KEY_SIZE]);

/* snapshot_capture_state - whether periods come as they should at wall clock second now. */
enum mib_capture_state snapshot_capture_state(const struct snapshot *snapshot, int64_t now_s);
/* snapshot_clock_state - of the newest period. */
enum mib_clock_state snapshot_clock_state(const struct snapshot *snapshot);
/* snapshot_backend - what counted a period. */
enum mib_backend snapshot_backend(const struct period_header *header);
/* snapshot_block_count - blocks of MIB_BLOCK_BYTES an encoding of this length has. */
size_t snapshot_block_count(const struct sealed *period);

#endif
