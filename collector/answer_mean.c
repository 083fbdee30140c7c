/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/answer_mean.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

struct sum {
	double packets, octets;
};

/* What is known of a receiver. */
struct watch {
	bool receiver;
	double known;  /* periods */
	double weight; /* the same, each with its weight */
};

/* A row to be: where it is sorted in, and its pair. */
struct entry {
	uint32_t receiver_rank, sender_rank; /* sender 0: nothing was received */
	uint32_t receiver;                   /* node */
	uint32_t pair;                       /* UINT32_MAX: nothing was received */
};

struct answer_mean {
	const struct matrix *catalogue;
	struct sum *sums;      /* by pair */
	struct watch *watches; /* by node */
	struct entry *entries; /* in order */
	size_t count, next;
};

void answer_mean_free(struct answer_mean *mean)
{
	if (mean == NULL)
		return;
	free(mean->sums);
	free(mean->watches);
	free(mean->entries);
	free(mean);
}

/* ---- from memory ---- */

static void add_row(
    struct answer_mean *mean, const struct resolved *view, size_t row, double weight)
{
	const struct resolved_row *narrow = &view->rows[row];
	struct sum *sum = &mean->sums[narrow->pair];

	if (narrow->packets == RESOLVED_WIDE) {
		const struct matrix_pair wide = resolve_row(view, row);

		sum->packets += wide.packets * weight;
		sum->octets += wide.octets * weight;
		return;
	}
	sum->packets += narrow->packets * weight;
	sum->octets += narrow->octets * weight;
}

static void add_moment(struct answer_mean *mean, const struct answer_window *window,
    const struct answer_moment *moment, double weight)
{
	const struct resolved_receiver *receiver;
	const struct resolved *view;
	size_t position = 0;

	while ((receiver = answer_window_next(window, moment, &position, &view)) != NULL) {
		struct watch *watch = &mean->watches[receiver->node];
		const uint32_t end = receiver->first_row + receiver->nrows;

		watch->receiver = true;
		watch->known += receiver->known;
		watch->weight += receiver->known * weight;
		for (uint32_t r = receiver->first_row; receiver->known > 0 && r < end; r++)
			add_row(mean, view, r, weight);
	}
}

/* ---- from the archives ---- */

/* Makes sure that the catalogue has the pair, or for a receiver alone its node. */
static int enroll(struct matrix *catalogue, const char *receiver, const char *sender)
{
	const int node = matrix_node(catalogue, receiver);
	const int source = sender != NULL ? matrix_node(catalogue, sender) : 0;

	if (node < 0 || source < 0)
		return GRAPPE_EMEMORY;
	return sender != NULL ? matrix_pair(catalogue, (uint32_t)source, (uint32_t)node) : node;
}

static int enroll_past(struct matrix *catalogue, const struct past *past)
{
	const struct matrix_pair *pairs;
	size_t npairs;
	int rc = GRAPPE_OK;

	for (uint32_t n = 0; n < matrix_nodes(past->sums) && rc >= 0; n++)
		if (past->known[n] >= 0)
			rc = enroll(catalogue, matrix_name(past->sums, n), NULL);
	pairs = matrix_pairs(past->sums, &npairs);
	for (size_t p = 0; p < npairs && rc >= 0; p++)
		rc = enroll(catalogue, matrix_name(past->sums, pairs[p].receiver),
		    matrix_name(past->sums, pairs[p].source));
	return rc < 0 ? rc : GRAPPE_OK;
}

/* All of it is enrolled. */
static void add_past(struct answer_mean *mean, struct matrix *catalogue, const struct past *past)
{
	const struct matrix_pair *pairs;
	size_t npairs;

	for (uint32_t n = 0; n < matrix_nodes(past->sums); n++) {
		struct watch *watch;

		if (past->known[n] < 0)
			continue;
		watch = &mean->watches[matrix_find(catalogue, matrix_name(past->sums, n))];
		watch->receiver = true;
		watch->known += past->known[n];
		watch->weight += past->weight[n];
	}
	pairs = matrix_pairs(past->sums, &npairs);
	for (size_t p = 0; p < npairs; p++) {
		struct sum *sum =
		    &mean->sums[enroll(catalogue, matrix_name(past->sums, pairs[p].receiver),
			matrix_name(past->sums, pairs[p].source))];

		sum->packets += pairs[p].packets;
		sum->octets += pairs[p].octets;
	}
}

/* ---- rows ---- */

/* Ranks of all nodes by name, from 1, in a heap array; NULL without memory. */
static uint32_t *rank_nodes(const struct matrix *catalogue)
{
	const size_t count = matrix_nodes(catalogue);
	uint32_t *ranks = malloc((count + 1) * sizeof *ranks);
	uint32_t *order = malloc((count + 1) * sizeof *order);

	if (ranks == NULL || order == NULL) {
		free(ranks);
		free(order);
		return NULL;
	}
	for (uint32_t n = 0; n < count; n++)
		order[n] = n;
	matrix_sort_nodes(catalogue, order, count);
	for (uint32_t i = 0; i < count; i++)
		ranks[order[i]] = i + 1;
	free(order);
	return ranks;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->receiver_rank != b->receiver_rank)
		return a->receiver_rank < b->receiver_rank ? -1 : 1;
	return a->sender_rank < b->sender_rank ? -1 : a->sender_rank > b->sender_rank;
}

/* The pairs that counted something; busy: by node, whether it received. */
static void enter_pairs(
    struct answer_mean *mean, const struct answer_window *window, const uint32_t *ranks, bool *busy)
{
	size_t npairs;
	const struct matrix_pair *pairs = matrix_pairs(mean->catalogue, &npairs);

	for (uint32_t p = 0; p < npairs; p++) {
		if ((mean->sums[p].packets == 0 && mean->sums[p].octets == 0) ||
		    !answer_window_is_selected(window, pairs[p].receiver, pairs[p].source))
			continue;
		busy[pairs[p].receiver] = true;
		mean->entries[mean->count++] =
		    (struct entry){.receiver_rank = ranks[pairs[p].receiver],
			.sender_rank = ranks[pairs[p].source],
			.receiver = pairs[p].receiver,
			.pair = p};
	}
}

/* All pairs, and for receivers that got nothing one row each. */
static int enter_rows(struct answer_mean *mean, const struct answer_window *window)
{
	const size_t nodes = matrix_nodes(mean->catalogue);
	uint32_t *ranks = rank_nodes(mean->catalogue);
	bool *busy = calloc(nodes + 1, sizeof *busy);
	size_t npairs;
	int rc = GRAPPE_EMEMORY;

	matrix_pairs(mean->catalogue, &npairs);
	mean->entries = malloc((npairs + nodes + 1) * sizeof *mean->entries);
	if (ranks == NULL || busy == NULL || mean->entries == NULL)
		goto out;
	enter_pairs(mean, window, ranks, busy);
	for (uint32_t n = 0; n < nodes; n++)
		if (mean->watches[n].receiver && !busy[n] &&
		    answer_window_is_selected(window, n, UINT32_MAX))
			mean->entries[mean->count++] = (struct entry){
			    .receiver_rank = ranks[n], .receiver = n, .pair = UINT32_MAX};
	qsort(mean->entries, mean->count, sizeof *mean->entries, compare_entries);
	rc = GRAPPE_OK;
out:
	free(ranks);
	free(busy);
	return rc;
}

bool answer_mean_next(struct answer_mean *mean, struct answer_mean_row *row)
{
	const struct entry *entry = &mean->entries[mean->next];
	const struct matrix_pair *pairs;
	size_t npairs;

	if (mean->next == mean->count)
		return false;
	mean->next++;
	*row = (struct answer_mean_row){.receiver = matrix_name(mean->catalogue, entry->receiver),
	    .weight = mean->watches[entry->receiver].weight,
	    .known = mean->watches[entry->receiver].known};
	if (entry->pair == UINT32_MAX)
		return true;
	pairs = matrix_pairs(mean->catalogue, &npairs);
	row->sender = matrix_name(mean->catalogue, pairs[entry->pair].source);
	row->packets = mean->sums[entry->pair].packets / row->weight;
	row->octets = mean->sums[entry->pair].octets / row->weight;
	return true;
}

int answer_mean_new(struct answer_window *window, const struct past *past,
    const struct weighting *weighting, struct answer_mean **out)
{
	struct answer_mean *mean = calloc(1, sizeof *mean);
	size_t npairs;
	int rc = GRAPPE_EMEMORY;

	*out = NULL;
	if (mean == NULL)
		return GRAPPE_EMEMORY;
	mean->catalogue = window->catalogue;
	if (past != NULL && enroll_past(window->catalogue, past) != GRAPPE_OK)
		goto fail;
	matrix_pairs(window->catalogue, &npairs);
	mean->sums = calloc(npairs + 1, sizeof *mean->sums);
	mean->watches = calloc(matrix_nodes(window->catalogue) + 1, sizeof *mean->watches);
	if (mean->sums == NULL || mean->watches == NULL ||
	    answer_window_select(window) != GRAPPE_OK)
		goto fail;
	if (past != NULL)
		add_past(mean, window->catalogue, past);
	for (size_t i = 0; i < window->count; i++)
		add_moment(mean, window, &window->moments[i],
		    weighting_of(weighting, window->moments[i].end_s));
	rc = enter_rows(mean, window);
	if (rc == GRAPPE_OK) {
		*out = mean;
		return rc;
	}
fail:
	answer_mean_free(mean);
	return rc;
}
