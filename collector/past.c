/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/past.h"

#include "common/error.h"
#include "rrd/archive_read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
	const struct past_request *request;
	struct archive_reader *reader;
	struct past *past;
	size_t known_size; /* of past->known */
	size_t rows_capacity;
	double periods; /* known, summed over the watched receivers */
	size_t watched;
	char *message;
	size_t size;
};

void past_free(struct past *past)
{
	if (past == NULL)
		return;
	matrix_free(past->sums);
	free(past->known);
	free(past->weight);
	free(past->rows);
	free(past);
}

static int node_of(struct work *work, const char *id)
{
	const int node = matrix_node(work->past->sums, id);
	size_t wanted = work->known_size ? work->known_size : 64;
	double *known, *weight;

	if (node < 0 || (size_t)node < work->known_size)
		return node;
	while (wanted <= (size_t)node)
		wanted *= 2;
	known = reallocarray(work->past->known, wanted, sizeof *known);
	if (known == NULL)
		return GRAPPE_EMEMORY;
	work->past->known = known;
	weight = reallocarray(work->past->weight, wanted, sizeof *weight);
	if (weight == NULL)
		return GRAPPE_EMEMORY;
	work->past->weight = weight;
	for (size_t i = work->known_size; i < wanted; i++) {
		known[i] = -1;
		weight[i] = 0;
	}
	work->known_size = wanted;
	return node;
}

static bool is_wanted(const struct work *work, const char *receiver, const char *sender)
{
	const char *select = work->request->select;

	return select[0] == '\0' || strcmp(select, receiver) == 0 || strcmp(select, sender) == 0;
}

static void add_caveats(struct caveats *all, const struct caveats *receiver)
{
	all->periods = receiver->periods > all->periods ? receiver->periods : all->periods;
	for (unsigned i = 0; i < CAVEATS; i++)
		if (receiver->marked[i] > all->marked[i])
			all->marked[i] = receiver->marked[i];
}

/* What one receiver got, as sums. */
static int add_totals(struct work *work, const char *receiver)
{
	struct archive_totals totals = {0};
	int node, rc;

	rc = archive_read_totals(
	    work->reader, receiver, work->request->from_s, work->request->to_s, &totals);
	if (rc != GRAPPE_OK)
		return rc == GRAPPE_ENOTFOUND ? GRAPPE_OK : rc;
	node = totals.known > 0 ? node_of(work, receiver) : GRAPPE_OK;
	if (totals.known > 0 && node >= 0) {
		work->past->known[node] = work->past->weight[node] = totals.known;
		work->periods += totals.known;
		work->watched++;
		add_caveats(&work->past->caveats, &totals.caveats);
		if (totals.from_s < work->past->from_s)
			work->past->from_s = totals.from_s;
	}
	for (size_t i = 0; i < totals.nsenders && node >= 0 && totals.known > 0; i++) {
		const struct archive_sender *sender = &totals.senders[i];
		const int source =
		    is_wanted(work, receiver, sender->sender) ? node_of(work, sender->sender) : -1;

		if (source >= 0 && matrix_add(work->past->sums, (uint32_t)source, (uint32_t)node,
				       sender->packets, sender->octets) == GRAPPE_EMEMORY)
			node = GRAPPE_EMEMORY;
	}
	archive_totals_deinit(&totals);
	return node < 0 ? node : GRAPPE_OK;
}

/* Weighted sums of one sender; rows without counts are added as well as any. */
static int add_weighted_pair(struct work *work, const char *receiver, const char *sender, int node)
{
	struct archive_rows rows = {0};
	double packets = 0, octets = 0;
	int source, rc;

	rc = archive_read_pair(work->reader, receiver, sender, work->request->from_s,
	    work->request->to_s, true, &rows);
	if (rc != GRAPPE_OK)
		return rc == GRAPPE_EFORMAT || rc == GRAPPE_ENOTFOUND ? GRAPPE_OK : rc;
	for (size_t i = 0; i < rows.count; i++) {
		const struct archive_row *row = &rows.rows[i];
		const double weight = weighting_of(work->request->weighting, row->end_s);

		if (row->known > 0) {
			packets += row->packets * weight;
			octets += row->octets * weight;
		}
	}
	archive_rows_deinit(&rows);
	source = node_of(work, sender);
	return source < 0 ? source
			  : matrix_add(work->past->sums, (uint32_t)source, (uint32_t)node, packets,
				octets);
}

/* What one receiver got, as weighted sums of single periods. */
static int add_weighted(struct work *work, const char *receiver)
{
	struct archive_rows coverage = {0};
	struct archive_names senders = {0};
	double known = 0, weight = 0;
	int node, rc;

	rc = archive_read_coverage(
	    work->reader, receiver, work->request->from_s, work->request->to_s, true, &coverage);
	if (rc != GRAPPE_OK)
		return rc == GRAPPE_ENOTFOUND ? GRAPPE_OK : rc;
	for (size_t i = 0; i < coverage.count; i++) {
		const struct archive_row *row = &coverage.rows[i];

		known += row->known;
		weight += row->known * weighting_of(work->request->weighting, row->end_s);
	}
	archive_rows_deinit(&coverage);
	if (known <= 0)
		return GRAPPE_OK;
	node = node_of(work, receiver);
	if (node < 0)
		return node;
	work->periods += known;
	work->watched++;
	work->past->known[node] = known;
	work->past->weight[node] = weight;
	rc = archive_read_senders(work->reader, receiver, &senders);
	for (size_t i = 0; i < senders.count && rc == GRAPPE_OK; i++)
		if (is_wanted(work, receiver, senders.ids[i]))
			rc = add_weighted_pair(work, receiver, senders.ids[i], node);
	archive_names_deinit(&senders);
	return rc;
}

static int add_row(struct work *work, const struct archive_row *row, int receiver, uint32_t sender)
{
	struct past *past = work->past;

	if (past->nrows >= PAST_ROWS_MAX)
		return GRAPPE_ELIMIT;
	if (past->nrows == work->rows_capacity) {
		const size_t wanted = work->rows_capacity ? 2 * work->rows_capacity : 1024;
		void *bigger = reallocarray(past->rows, wanted, sizeof *past->rows);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		past->rows = bigger;
		work->rows_capacity = wanted;
	}
	past->rows[past->nrows++] = (struct past_row){.end_s = row->end_s,
	    .length_s = (uint32_t)row->length_s,
	    .receiver = (uint32_t)receiver,
	    .sender = sender,
	    .packets = row->packets,
	    .octets = row->octets,
	    .known = row->covered < row->known ? row->covered : row->known};
	return GRAPPE_OK;
}

/* Single periods of one pair; busy[i]: the receiver got something in row i. */
static int add_pair_rows(
    struct work *work, const char *receiver, const char *sender, int node, bool *busy, size_t n)
{
	struct archive_rows rows = {0};
	int source, rc;

	rc = archive_read_pair(work->reader, receiver, sender, work->request->from_s,
	    work->request->to_s, true, &rows);
	if (rc != GRAPPE_OK)
		return rc == GRAPPE_EFORMAT || rc == GRAPPE_ENOTFOUND ? GRAPPE_OK : rc;
	source = node_of(work, sender);
	rc = source < 0 ? source : GRAPPE_OK;
	for (size_t i = 0; i < rows.count && i < n && rc == GRAPPE_OK; i++) {
		const struct archive_row *row = &rows.rows[i];

		if (row->known <= 0 || (row->packets == 0 && row->octets == 0))
			continue;
		busy[i] = true;
		if (is_wanted(work, receiver, sender))
			rc = add_row(work, row, node, (uint32_t)source);
	}
	archive_rows_deinit(&rows);
	return rc;
}

/* Single periods of one receiver: its pairs, and where nothing came or nothing is known a row
 * that says so. */
static int add_detail(struct work *work, const char *receiver)
{
	struct archive_rows coverage = {0};
	struct archive_names senders = {0};
	bool *busy = NULL;
	double known = 0;
	int node, rc;

	rc = archive_read_coverage(
	    work->reader, receiver, work->request->from_s, work->request->to_s, true, &coverage);
	if (rc != GRAPPE_OK)
		return rc == GRAPPE_ENOTFOUND ? GRAPPE_OK : rc;
	for (size_t i = 0; i < coverage.count; i++)
		known += coverage.rows[i].known;
	if (known <= 0)
		goto out;
	work->periods += known;
	work->watched++;
	rc = GRAPPE_EMEMORY;
	busy = calloc(coverage.count, sizeof *busy);
	node = node_of(work, receiver);
	if (busy == NULL || node < 0)
		goto out;
	work->past->known[node] = known;
	rc = archive_read_senders(work->reader, receiver, &senders);
	for (size_t i = 0; i < senders.count && rc == GRAPPE_OK; i++)
		rc = add_pair_rows(work, receiver, senders.ids[i], node, busy, coverage.count);
	for (size_t i = 0; i < coverage.count && rc == GRAPPE_OK; i++)
		if (!busy[i] && is_wanted(work, receiver, ""))
			rc = add_row(work, &coverage.rows[i], node, UINT32_MAX);
out:
	free(busy);
	archive_names_deinit(&senders);
	archive_rows_deinit(&coverage);
	return rc;
}

/* By time, as memory's periods come. Receivers were read in the order of their ids. */
static int compare_rows(const void *left, const void *right)
{
	const struct past_row *a = left, *b = right;

	if (a->end_s != b->end_s)
		return a->end_s < b->end_s ? -1 : 1;
	if (a->receiver != b->receiver)
		return a->receiver < b->receiver ? -1 : 1;
	return a->sender < b->sender ? -1 : a->sender > b->sender;
}

static int explain(struct work *work, int rc, const char *receiver)
{
	if (rc == GRAPPE_EUNSUPPORTED)
		snprintf(work->message, work->size,
		    "single periods of so old a window are no longer kept: ask for the mean");
	else
		snprintf(work->message, work->size, "archives of %s in %s: %s", receiver,
		    work->request->folder, error_text(rc));
	return rc;
}

static int read_all(struct work *work)
{
	struct archive_names receivers = {0};
	const char *damaged;
	int rc = archive_read_receivers(work->reader, &receivers);

	if (rc != GRAPPE_OK)
		explain(work, rc, "all receivers");
	for (size_t i = 0; i < receivers.count && rc == GRAPPE_OK; i++) {
		rc = work->request->detail              ? add_detail(work, receivers.ids[i])
		     : work->request->weighting != NULL ? add_weighted(work, receivers.ids[i])
							: add_totals(work, receivers.ids[i]);
		if (rc == GRAPPE_EFORMAT) {
			/* One damaged receiver must not hide the others. */
			work->past->unreadable++;
			rc = GRAPPE_OK;
		}
		if (rc != GRAPPE_OK)
			explain(work, rc, receivers.ids[i]);
		if (work->request->progress != NULL)
			work->request->progress(
			    work->request->progress_context, i + 1, receivers.count);
	}
	archive_names_deinit(&receivers);
	if (work->past->nrows > 0)
		qsort(work->past->rows, work->past->nrows, sizeof *work->past->rows, compare_rows);
	if (work->watched > 0)
		work->past->periods = (uint32_t)floor(work->periods / (double)work->watched + 1e-9);
	work->past->unreadable += archive_reader_unreadable(work->reader, &damaged);
	return rc;
}

int past_read(const struct past_request *request, struct past **out, char *message, size_t size)
{
	struct work work = {.request = request, .message = message, .size = size};
	int rc = GRAPPE_EMEMORY;

	*out = NULL;
	message[0] = '\0';
	work.past = calloc(1, sizeof *work.past);
	if (work.past == NULL)
		return GRAPPE_EMEMORY;
	work.past->from_s = request->from_s;
	work.past->to_s = request->to_s;
	work.past->sums = matrix_new();
	if (work.past->sums != NULL)
		rc = archive_reader_open(request->folder, &work.reader);
	if (rc == GRAPPE_OK)
		rc = read_all(&work);
	else if (rc == GRAPPE_EIO && errno == ENOENT)
		rc = GRAPPE_OK; /* nothing was ever written */
	else
		explain(&work, rc, "all receivers");
	archive_reader_close(work.reader);
	if (rc == GRAPPE_OK)
		*out = work.past;
	else
		past_free(work.past);
	return rc;
}
