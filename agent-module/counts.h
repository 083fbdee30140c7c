/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash table from (owner, direction, peer address) to packets and octets: where the
 * pairs of one period, or of one savefile, add up. Open addressing; grows by doubling up to a fixed
 * maximum, so no allocation happens per packet. Entries are never removed singly.
 *
 * Life-cycle: counts_init(), counts_add()…, counts_next() to read, counts_clear() to start over,
 * counts_deinit(). One thread at a time.
 */
#ifndef GRAPPE_AGENT_MODULE_COUNTS_H
#define GRAPPE_AGENT_MODULE_COUNTS_H

#include "common/address.h"

#include <stddef.h>
#include <stdint.h>

struct counts_entry {
	uint64_t packets, octets;
	uint32_t owner;    /* a vif, or whatever the caller numbers */
	uint8_t direction; /* enum period_direction */
	uint8_t used;
	struct address peer;
};

struct counts {
	struct counts_entry *entries; /* owned; capacity is a power of two or 0 */
	size_t capacity, used, limit;
	uint64_t key; /* of the hash: guests choose the addresses */
};

/* counts_init - an empty table for at most `limit` entries; nothing is allocated yet. */
void counts_init(struct counts *counts, size_t limit);
void counts_deinit(struct counts *counts);
/* counts_clear - forgets all entries; keeps the memory unless most of it was not needed. */
void counts_clear(struct counts *counts);

/* counts_find - the entry, or NULL. Valid until the next counts_insert(). */
struct counts_entry *counts_find(
    struct counts *counts, uint32_t owner, uint8_t direction, const struct address *peer);
/* counts_insert - adds an entry with zero counts that is not there yet. Returns it, or NULL when
 * the limit is reached or memory is short: the caller then counts elsewhere. */
struct counts_entry *counts_insert(
    struct counts *counts, uint32_t owner, uint8_t direction, const struct address *peer);

/* counts_next - walks over all entries in no order: *position starts at 0; NULL at the end. */
const struct counts_entry *counts_next(const struct counts *counts, size_t *position);

#endif
