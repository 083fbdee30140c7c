/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/counts.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 256

void counts_init(struct counts *counts, size_t limit)
{
	*counts = (struct counts){.limit = limit, .key = address_hash_key()};
}

void counts_deinit(struct counts *counts)
{
	free(counts->entries);
	*counts = (struct counts){0};
}

void counts_clear(struct counts *counts)
{
	if (counts->capacity > CAPACITY_FIRST && counts->used < counts->capacity / 16) {
		free(counts->entries);
		counts->entries = NULL;
		counts->capacity = 0;
	} else if (counts->capacity > 0) {
		memset(counts->entries, 0, counts->capacity * sizeof *counts->entries);
	}
	counts->used = 0;
}

/* As words: a call of memcmp() would cost more than comparing. */
static bool same_address(const struct address *a, const struct address *b)
{
	uint64_t left[2], right[2];

	memcpy(left, a->bytes, sizeof left);
	memcpy(right, b->bytes, sizeof right);
	return a->type == b->type && left[0] == right[0] && left[1] == right[1];
}

/* The entry with this key, or the free one where it belongs. The table is never full. */
static struct counts_entry *probe(
    const struct counts *counts, uint32_t owner, uint8_t direction, const struct address *peer)
{
	const size_t mask = counts->capacity - 1;
	uint64_t hash = address_hash_keyed(peer, counts->key) +
			(uint64_t)(owner * 2u + direction) * 0x9e3779b1u;
	size_t i;

	hash *= UINT64_C(0x9e3779b97f4a7c15);
	for (i = (size_t)(hash >> 32) & mask; counts->entries[i].used; i = (i + 1) & mask) {
		const struct counts_entry *entry = &counts->entries[i];

		if (entry->owner == owner && entry->direction == direction &&
		    same_address(&entry->peer, peer))
			break;
	}
	return &counts->entries[i];
}

struct counts_entry *counts_find(
    struct counts *counts, uint32_t owner, uint8_t direction, const struct address *peer)
{
	struct counts_entry *entry;

	if (counts->capacity == 0)
		return NULL;
	entry = probe(counts, owner, direction, peer);
	return entry->used ? entry : NULL;
}

/* Returns 0, or -1 without memory (the table stays as it was). */
static int grow(struct counts *counts)
{
	struct counts bigger = *counts;
	size_t position = 0;
	const struct counts_entry *entry;

	bigger.capacity = counts->capacity > 0 ? counts->capacity * 2 : CAPACITY_FIRST;
	bigger.entries = calloc(bigger.capacity, sizeof *bigger.entries);
	if (bigger.entries == NULL)
		return -1;
	while ((entry = counts_next(counts, &position)) != NULL)
		*probe(&bigger, entry->owner, entry->direction, &entry->peer) = *entry;
	free(counts->entries);
	*counts = bigger;
	return 0;
}

struct counts_entry *counts_insert(
    struct counts *counts, uint32_t owner, uint8_t direction, const struct address *peer)
{
	struct counts_entry *entry;

	if (counts->used >= counts->limit)
		return NULL;
	if (counts->used >= counts->capacity / 4 * 3 && grow(counts) != 0)
		return NULL;
	entry = probe(counts, owner, direction, peer);
	*entry =
	    (struct counts_entry){.owner = owner, .direction = direction, .peer = *peer, .used = 1};
	counts->used++;
	return entry;
}

const struct counts_entry *counts_next(const struct counts *counts, size_t *position)
{
	while (*position < counts->capacity) {
		const struct counts_entry *entry = &counts->entries[(*position)++];

		if (entry->used)
			return entry;
	}
	return NULL;
}
