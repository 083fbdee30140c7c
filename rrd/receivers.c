/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/receivers.h"

#include "common/error.h"
#include "common/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384

struct receivers {
	struct receiver *buckets[BUCKETS];
	size_t npairs, limit;
};

static size_t bucket_of(const char *id)
{
	return hash_text(0, id) % BUCKETS;
}

struct receivers *receivers_new(void)
{
	struct receivers *receivers = calloc(1, sizeof *receivers);

	if (receivers != NULL)
		receivers->limit = RECEIVERS_PAIRS_MAX;
	return receivers;
}

static void free_one(struct receivers *receivers, struct receiver *receiver)
{
	receivers->npairs -= receiver->npairs;
	free(receiver->recent);
	free(receiver->pairs);
	free(receiver);
}

void receivers_free(struct receivers *receivers)
{
	if (receivers == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (receivers->buckets[i] != NULL) {
			struct receiver *receiver = receivers->buckets[i];

			receivers->buckets[i] = receiver->next;
			free_one(receivers, receiver);
		}
	free(receivers);
}

struct receiver *receivers_find(const struct receivers *receivers, const char *id)
{
	struct receiver *receiver = receivers->buckets[bucket_of(id)];

	while (receiver != NULL && strcmp(receiver->id, id) != 0)
		receiver = receiver->next;
	return receiver;
}

struct receiver *receivers_add(struct receivers *receivers, const char *id)
{
	struct receiver *receiver = calloc(1, sizeof *receiver);
	struct receiver **bucket = &receivers->buckets[bucket_of(id)];

	if (receiver == NULL)
		return NULL;
	snprintf(receiver->id, sizeof receiver->id, "%s", id);
	receiver->next = *bucket;
	*bucket = receiver;
	return receiver;
}

struct receiver *receivers_next(const struct receivers *receivers, const struct receiver *receiver)
{
	size_t bucket = 0;

	if (receiver != NULL) {
		if (receiver->next != NULL)
			return receiver->next;
		bucket = bucket_of(receiver->id) + 1;
	}
	while (bucket < BUCKETS && receivers->buckets[bucket] == NULL)
		bucket++;
	return bucket < BUCKETS ? receivers->buckets[bucket] : NULL;
}

void receivers_remove(struct receivers *receivers, const char *id)
{
	struct receiver **at = &receivers->buckets[bucket_of(id)];

	while (*at != NULL && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	if (*at != NULL) {
		struct receiver *receiver = *at;

		*at = receiver->next;
		free_one(receivers, receiver);
	}
}

void receivers_forget_pairs(struct receivers *receivers)
{
	for (struct receiver *r = NULL; (r = receivers_next(receivers, r)) != NULL;) {
		receivers->npairs -= r->npairs;
		r->npairs = 0;
	}
}

/* ---- pairs ---- */

/* Where the sender is, or would be. */
static size_t place_of(const struct receiver *receiver, const char *sender)
{
	size_t low = 0, high = receiver->npairs;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(receiver->pairs[middle].sender, sender) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct pair *receiver_find_pair(const struct receiver *receiver, const char *sender)
{
	const size_t place = place_of(receiver, sender);

	return place < receiver->npairs && strcmp(receiver->pairs[place].sender, sender) == 0
		   ? &receiver->pairs[place]
		   : NULL;
}

/* Pairs at rest can be read from their files again. */
static void make_room(struct receivers *receivers)
{
	for (struct receiver *r = NULL; (r = receivers_next(receivers, r)) != NULL;) {
		size_t kept = 0;

		for (size_t i = 0; i < r->npairs; i++)
			if (r->pairs[i].stored_s < r->pairs[i].handed_s)
				r->pairs[kept++] = r->pairs[i];
		receivers->npairs -= r->npairs - kept;
		r->npairs = kept;
	}
	/* Should few be at rest, this is not to be tried with each new one. */
	receivers->limit = receivers->npairs + RECEIVERS_PAIRS_MAX / 2;
	if (receivers->limit < RECEIVERS_PAIRS_MAX)
		receivers->limit = RECEIVERS_PAIRS_MAX;
}

static int grow(struct receiver *receiver)
{
	const size_t capacity = receiver->pairs_capacity > 0 ? 2 * receiver->pairs_capacity : 8;
	struct pair *bigger;

	if (receiver->npairs < receiver->pairs_capacity)
		return GRAPPE_OK;
	bigger = reallocarray(receiver->pairs, capacity, sizeof *bigger);
	if (bigger == NULL)
		return GRAPPE_EMEMORY;
	receiver->pairs = bigger;
	receiver->pairs_capacity = capacity;
	return GRAPPE_OK;
}

int receiver_set_pair(struct receivers *receivers, struct receiver *receiver, const char *sender,
    int64_t handed_s, int64_t stored_s)
{
	struct pair *pair = receiver_find_pair(receiver, sender);
	size_t place;

	if (pair == NULL) {
		if (receivers->npairs >= receivers->limit)
			make_room(receivers);
		if (grow(receiver) != GRAPPE_OK)
			return GRAPPE_EMEMORY;
		place = place_of(receiver, sender);
		pair = &receiver->pairs[place];
		memmove(pair + 1, pair, (receiver->npairs - place) * sizeof *pair);
		receiver->npairs++;
		receivers->npairs++;
		*pair = (struct pair){.kept = false};
		snprintf(pair->sender, sizeof pair->sender, "%s", sender);
	}
	pair->handed_s = handed_s;
	pair->stored_s = stored_s;
	return GRAPPE_OK;
}

void receiver_drop_pair(struct receivers *receivers, struct receiver *receiver, struct pair *pair)
{
	const size_t place = (size_t)(pair - receiver->pairs);

	memmove(pair, pair + 1, (receiver->npairs - place - 1) * sizeof *pair);
	receiver->npairs--;
	receivers->npairs--;
}

/* ---- periods ---- */

int receiver_add_handed(struct receiver *receiver, const struct handed *period)
{
	const size_t capacity = receiver->recent_capacity > 0 ? 2 * receiver->recent_capacity : 16;
	struct handed *bigger;

	if (receiver->nrecent == receiver->recent_capacity) {
		bigger = reallocarray(receiver->recent, capacity, sizeof *bigger);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		receiver->recent = bigger;
		receiver->recent_capacity = capacity;
	}
	receiver->recent[receiver->nrecent++] = *period;
	receiver->handed_s = period->end_s;
	return GRAPPE_OK;
}

void receiver_commit(struct receiver *receiver, int64_t end_s)
{
	size_t committed = 0, dropped;

	receiver->committed_s = end_s;
	receiver->covered_before = true;
	while (committed < receiver->nrecent && receiver->recent[committed].end_s <= end_s)
		committed++;
	if (committed <= RECEIVERS_RECENT)
		return;
	dropped = committed - RECEIVERS_RECENT;
	receiver->recent_from_s = receiver->recent[dropped - 1].end_s;
	receiver->nrecent -= dropped;
	memmove(receiver->recent, receiver->recent + dropped,
	    receiver->nrecent * sizeof *receiver->recent);
}
