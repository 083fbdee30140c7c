/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/coverage.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>

static int64_t round_down(int64_t value, int64_t unit)
{
	return value - value % unit;
}

static int64_t round_up(int64_t value, int64_t unit)
{
	return round_down(value + unit - 1, unit);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t coverage_known(const struct archive_row *row, int64_t length_s)
{
	return llround(row->known * (double)(row->length_s / length_s));
}

/* Room for `more` rows; NULL without memory. */
static struct archive_row *reserve(struct archive_rows *out, int64_t more)
{
	struct archive_row *rows =
	    reallocarray(out->rows, out->count + (size_t)more, sizeof *out->rows);

	if (rows == NULL)
		return NULL;
	out->rows = rows;
	return rows + out->count;
}

/* Time about which nothing is known, in rows of length_s. */
static int add_gap(struct archive_rows *out, int64_t from_s, int64_t to_s, int64_t length_s)
{
	const int64_t count = (to_s - from_s) / length_s;
	struct archive_row *row = reserve(out, count);

	if (row == NULL)
		return GRAPPE_EMEMORY;
	for (int64_t i = 0; i < count; i++)
		row[i] = (struct archive_row){
		    .end_s = from_s + (i + 1) * length_s, .length_s = length_s};
	out->count += (size_t)count;
	return GRAPPE_OK;
}

static double share(double value)
{
	return value > 0 ? fmin(value, 1) : 0; /* NaN: before the first period */
}

static int add_level(
    struct archive_rows *out, const char *path, int64_t resolution_s, int64_t from_s, int64_t to_s)
{
	const int64_t count = (to_s - from_s) / resolution_s;
	struct archive_row *row = reserve(out, count);
	double(*values)[2] = calloc((size_t)count, sizeof *values);
	int rc = row != NULL && values != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK)
		rc = rrdfile_fetch(path, resolution_s, from_s, to_s, values);
	for (int64_t i = 0; rc == GRAPPE_OK && i < count; i++) {
		row[i] = (struct archive_row){.end_s = from_s + (i + 1) * resolution_s,
		    .length_s = resolution_s,
		    .known = share(values[i][0]),
		    .covered = share(values[i][1])};
		if (row[i].known > 0 && resolution_s > out->resolution_s)
			out->resolution_s = resolution_s;
	}
	if (rc == GRAPPE_OK)
		out->count += (size_t)count;
	free(values);
	return rc;
}

/* The time before the oldest row of a level. */
static int64_t level_start(const struct rrdfile_head *head, size_t level)
{
	const struct archive_level *l = &head->layout.levels[level];

	return round_down(head->last_s, l->resolution_s) - round_down(l->keep_s, l->resolution_s);
}

/* The finest level that reaches back to from_s, else the coarsest. */
static size_t pick_level(const struct rrdfile_head *head, int64_t from_s)
{
	size_t level = 0;

	while (level + 1 < head->layout.count && level_start(head, level) > from_s)
		level++;
	return level;
}

/* All that is stored of (from_s, to_s], to_s <= head->last_s; *at: the time reached. */
static int add_stored(struct archive_rows *out, const char *path, const struct rrdfile_head *head,
    int64_t to_s, int64_t *at)
{
	size_t level = pick_level(head, *at);
	const int64_t start = level_start(head, level);
	int rc = GRAPPE_OK;

	if (start > *at) {
		const int64_t until = smaller(start, to_s);

		rc = add_gap(out, *at, until, until - *at);
		*at = until;
	} else {
		*at = round_down(*at, head->layout.levels[level].resolution_s);
		out->from_s = *at;
	}
	for (size_t left = level + 1; rc == GRAPPE_OK && left-- > 0 && *at < to_s;) {
		const int64_t unit = head->layout.levels[left].resolution_s;
		const int64_t stored = round_down(head->last_s, unit);
		const int64_t bound =
		    left > 0 ? smaller(round_up(level_start(head, left - 1), unit), stored)
			     : stored;
		const int64_t until = smaller(bound, round_up(to_s, unit));

		if (until <= *at)
			continue;
		rc = add_level(out, path, unit, *at, until);
		*at = until;
	}
	return rc;
}

int coverage_read(const char *path, const struct rrdfile_head *head, int64_t from_s, int64_t to_s,
    bool detail, struct archive_rows *out)
{
	const int64_t length = head->layout.length_s;
	const int64_t stored = smaller(round_up(to_s, length), head->last_s);
	int64_t at = round_down(from_s, length);
	int rc = GRAPPE_OK;

	*out = (struct archive_rows){.from_s = at,
	    .to_s = round_up(to_s, length),
	    .length_s = length,
	    .resolution_s = length};
	if (from_s < 0 || to_s <= from_s || to_s > INT64_MAX / 4)
		return GRAPPE_ERANGE;
	if (detail && (out->to_s - at) / length > ARCHIVE_ROWS_MAX)
		return GRAPPE_ERANGE;
	if (detail && at < level_start(head, 0))
		return GRAPPE_EUNSUPPORTED;
	if (at < stored)
		rc = add_stored(out, path, head, stored, &at);
	if (rc == GRAPPE_OK && at < out->to_s)
		rc = add_gap(out, at, out->to_s, detail ? length : out->to_s - at);
	if (rc == GRAPPE_OK)
		out->to_s = out->rows[out->count - 1].end_s;
	else
		archive_rows_deinit(out);
	return rc;
}
