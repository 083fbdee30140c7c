/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/tally.h"

#include "common/error.h"

#include <stdlib.h>

int tally_compare(const struct tally *a, const struct tally *b)
{
	if (a->vif != b->vif)
		return a->vif < b->vif ? -1 : 1;
	return address_compare(&a->peer, &b->peer);
}

static int compare_items(const void *left, const void *right)
{
	return tally_compare(left, right);
}

static void add_counts(struct tally *to, const struct tally *from)
{
	to->packets += from->packets;
	to->octets += from->octets;
	to->sent_packets += from->sent_packets;
	to->sent_octets += from->sent_octets;
	if (from->last_end > to->last_end)
		to->last_end = from->last_end;
}

static bool is_ascending(const struct tally *items, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (tally_compare(&items[i - 1], &items[i]) > 0)
			return false;
	return true;
}

/* Adds up neighbours of the same vif and peer in a sorted array; returns how many stay. */
static size_t unite_equal(struct tally *items, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && tally_compare(&items[kept - 1], &items[i]) == 0)
			add_counts(&items[kept - 1], &items[i]);
		else
			items[kept++] = items[i];
	}
	return kept;
}

int tally_from_period(const struct period *period, const uint32_t *numbers, struct tally_set *out)
{
	*out = (struct tally_set){0};
	if (period->nrows == 0)
		return GRAPPE_OK;
	out->items = calloc(period->nrows, sizeof *out->items);
	if (out->items == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < period->nrows; i++) {
		const struct period_row *row = &period->rows[i];
		struct tally *tally = &out->items[i];

		tally->vif = numbers[row->vif];
		tally->last_end = (uint32_t)period->header.end_s;
		tally->peer = row->peer;
		if (row->direction == ROW_SENT) {
			tally->sent_packets = row->packets;
			tally->sent_octets = row->octets;
		} else {
			tally->packets = row->packets;
			tally->octets = row->octets;
		}
	}
	/* Mostly they are: numbers are given out in the period's order. Sorting takes as much
	 * memory again. */
	if (!is_ascending(out->items, period->nrows))
		qsort(out->items, period->nrows, sizeof *out->items, compare_items);
	out->count = unite_equal(out->items, period->nrows);
	return GRAPPE_OK;
}

int tally_merge(const struct tally_set *old, const struct tally_set *new, struct tally_set *out)
{
	size_t i = 0, j = 0;

	*out = (struct tally_set){0};
	if (old->count + new->count == 0)
		return GRAPPE_OK;
	out->items = calloc(old->count + new->count, sizeof *out->items);
	if (out->items == NULL)
		return GRAPPE_EMEMORY;
	while (i < old->count || j < new->count) {
		struct tally *tally = &out->items[out->count++];
		int order;

		if (i == old->count || j == new->count)
			order = i == old->count ? 1 : -1;
		else
			order = tally_compare(&old->items[i], &new->items[j]);
		*tally = order <= 0 ? old->items[i++] : new->items[j++];
		if (order == 0)
			add_counts(tally, &new->items[j++]);
	}
	return GRAPPE_OK;
}

void tally_free(struct tally_set *set)
{
	free(set->items);
	*set = (struct tally_set){0};
}
