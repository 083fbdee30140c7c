/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/report_archive.h"

#include "common/error.h"
#include "manager/source.h"
#include "rrd/archive_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))
#define TELL_EACH 64 /* receivers or pairs */

struct reading {
	const struct report_wish *wish;
	struct report_input *out;
	struct archive_reader *reader;
	struct archive_names receivers;
	int64_t length_s, from_s, to_s;
};

static void tell(const struct reading *reading, const char *what, size_t done, size_t all)
{
	if (reading->wish->progress != NULL && done % TELL_EACH == 0)
		reading->wish->progress(reading->wish->progress_context, what, done, all);
}

/* The window in whole periods; without an end up to the newest one. */
static int find_window(struct reading *reading)
{
	int64_t newest_s = 0;

	for (size_t i = 0; i < reading->receivers.count; i++) {
		int64_t end_s, length_s;

		if (archive_read_last(
			reading->reader, reading->receivers.ids[i], &end_s, &length_s) != GRAPPE_OK)
			continue;
		if (end_s > newest_s)
			newest_s = end_s;
		reading->length_s = length_s;
	}
	if (newest_s == 0 || reading->length_s <= 0)
		return GRAPPE_ENOTFOUND;
	reading->to_s = reading->wish->to_s > 0 ? reading->wish->to_s : newest_s;
	reading->to_s -= reading->to_s % reading->length_s;
	reading->from_s = reading->wish->from_s - reading->wish->from_s % reading->length_s;
	return reading->from_s < reading->to_s ? GRAPPE_OK : GRAPPE_ENOTFOUND;
}

/* How much is known of each receiver, and when. */
static int read_known(struct reading *reading)
{
	int rc = GRAPPE_OK;

	for (size_t i = 0; rc == GRAPPE_OK && i < reading->receivers.count; i++) {
		const char *receiver = reading->receivers.ids[i];
		struct archive_rows rows = {0};
		double known_s = 0;

		tell(reading, "receivers", i, reading->receivers.count);
		if (archive_read_coverage(reading->reader, receiver, reading->from_s, reading->to_s,
			false, &rows) == GRAPPE_OK) {
			for (size_t k = 0; k < rows.count; k++) {
				const struct archive_row *row = &rows.rows[k];

				known_s += row->known * (double)row->length_s;
				report_series_known(&reading->out->series, receiver,
				    row->end_s - row->length_s, row->end_s, row->known);
			}
			rc = report_input_note(
			    reading->out, receiver, known_s / (double)(rows.to_s - rows.from_s));
		}
		archive_rows_deinit(&rows);
	}
	return rc;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct matrix_pair *a = left, *b = right;

	if (a->octets != b->octets)
		return a->octets < b->octets ? 1 : -1;
	return a->source != b->source
		   ? (a->source < b->source ? -1 : 1)
		   : (a->receiver < b->receiver ? -1 : a->receiver > b->receiver);
}

/* The pairs between environments, the heaviest first. */
static struct matrix_pair *choose_pairs(struct reading *reading, size_t *count)
{
	const struct matrix *matrix = reading->out->observation.matrix;
	size_t npairs;
	const struct matrix_pair *pairs = matrix_pairs(matrix, &npairs);
	struct matrix_pair *chosen = calloc(npairs + 1, sizeof *chosen);

	*count = 0;
	for (size_t i = 0; chosen != NULL && i < npairs; i++)
		if (report_series_between(&reading->out->series,
			matrix_name(matrix, pairs[i].source),
			matrix_name(matrix, pairs[i].receiver)))
			chosen[(*count)++] = pairs[i];
	if (chosen == NULL)
		return NULL;
	qsort(chosen, *count, sizeof *chosen, compare_pairs);
	if (*count > REPORT_PAIRS_MAX) {
		reading->out->pairs_left_out = *count - REPORT_PAIRS_MAX;
		*count = REPORT_PAIRS_MAX;
	}
	return chosen;
}

static int follow_pairs(struct reading *reading)
{
	const struct matrix *matrix = reading->out->observation.matrix;
	size_t count;
	struct matrix_pair *pairs = choose_pairs(reading, &count);

	for (size_t i = 0; pairs != NULL && i < count; i++) {
		const char *sender = matrix_name(matrix, pairs[i].source);
		const char *receiver = matrix_name(matrix, pairs[i].receiver);
		struct archive_rows rows = {0};

		tell(reading, "pairs between environments", i, count);
		if (archive_read_pair(reading->reader, receiver, sender, reading->from_s,
			reading->to_s, false, &rows) != GRAPPE_OK)
			reading->out->pairs_left_out++;
		for (size_t k = 0; k < rows.count; k++)
			if (rows.rows[k].known > 0)
				report_series_add(&reading->out->series, sender, receiver,
				    rows.rows[k].end_s - rows.rows[k].length_s, rows.rows[k].end_s,
				    rows.rows[k].octets);
		archive_rows_deinit(&rows);
	}
	free(pairs);
	return pairs != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static int read_all(struct reading *reading, char *message, size_t size)
{
	struct observation *observation = &reading->out->observation;
	const char *last;
	int rc = find_window(reading);

	if (rc == GRAPPE_OK)
		rc = archive_read_matrix(
		    reading->reader, reading->from_s, reading->to_s, observation->matrix);
	if (rc == GRAPPE_OK && reading->wish->placement != NULL) {
		rc = source_read_placement(reading->wish->placement, observation, message, size);
		if (rc != GRAPPE_OK)
			return rc;
	}
	if (rc == GRAPPE_OK)
		rc = observation_finish(observation);
	if (rc == GRAPPE_OK) {
		observation->length_s = (uint32_t)reading->length_s;
		rc = report_series_init(&reading->out->series, observation, reading->from_s,
		    reading->to_s, reading->length_s);
	}
	if (rc == GRAPPE_OK)
		rc = read_known(reading);
	if (rc == GRAPPE_OK && reading->out->series.nenvironments > 1)
		rc = follow_pairs(reading);
	reading->out->unreadable = (size_t)archive_reader_unreadable(reading->reader, &last);
	return rc;
}

int report_archive_read(
    const struct report_wish *wish, struct report_input *out, char *message, size_t size)
{
	struct reading reading = {.wish = wish, .out = out};
	int rc = archive_reader_open(wish->archive, &reading.reader);

	out->with_gaps = true;
	message[0] = '\0';
	if (rc == GRAPPE_OK)
		rc = archive_read_receivers(reading.reader, &reading.receivers);
	if (rc == GRAPPE_OK)
		rc = read_all(&reading, message, size);
	archive_names_deinit(&reading.receivers);
	archive_reader_close(reading.reader);
	if (rc == GRAPPE_ENOTFOUND)
		return FAIL(
		    rc, "%s: no archive in it holds a known period of this window", wish->archive);
	if (rc != GRAPPE_OK && message[0] == '\0')
		snprintf(message, size, "%s: %s", wish->archive, error_text(rc));
	return rc;
}
