/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/report_series.h"

#include "common/error.h"
#include "manager/json_fields.h"

#include <stdlib.h>
#include <string.h>

/* ---- steps ---- */

/* The shortest step that people can read of which there are not too many. */
static int64_t choose_step(int64_t window_s, int64_t length_s)
{
	static const int64_t steps[] = {30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600,
	    43200, 86400, 172800, 604800, 2592000};
	const int64_t least = window_s / (REPORT_STEPS_MAX - 1) + 1;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (steps[i] >= least && steps[i] % length_s == 0)
			return steps[i];
	return (least + length_s - 1) / length_s * length_s;
}

void report_series_bounds(
    const struct report_series *series, size_t step, int64_t *from_s, int64_t *to_s)
{
	const int64_t begin = (series->from_s / series->step_s + (int64_t)step) * series->step_s;
	const int64_t end = begin + series->step_s;

	*from_s = begin > series->from_s ? begin : series->from_s;
	*to_s = end < series->to_s ? end : series->to_s;
}

static size_t step_of(const struct report_series *series, int64_t time_s)
{
	return (size_t)(time_s / series->step_s - series->from_s / series->step_s);
}

/* ---- environments ---- */

static int find_environment(const struct report_series *series, const char *name)
{
	for (size_t i = 0; name[0] != '\0' && i < series->nenvironments; i++)
		if (strcmp(series->environments[i], name) == 0)
			return (int)i;
	return GRAPPE_ENOTFOUND;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

static void find_environments(struct report_series *series)
{
	const struct observation *observation = series->observation;

	for (size_t i = 0; i < observation->nvms; i++) {
		const char *name = observation->vms[i].place.environment;

		if (name[0] == '\0' || find_environment(series, name) >= 0)
			continue;
		if (series->nenvironments == REPORT_ENVIRONMENTS_MAX) {
			series->left_out = true;
			return;
		}
		memcpy(series->environments[series->nenvironments++], name, PLACE_NAME_SIZE);
	}
	qsort(series->environments, series->nenvironments, sizeof *series->environments,
	    compare_names);
}

static int environment_of(const struct report_series *series, const char *id)
{
	const struct observed_vm *vm = observation_find(series->observation, id);

	return vm != NULL ? find_environment(series, vm->place.environment) : GRAPPE_ENOTFOUND;
}

/* ---- life-cycle ---- */

int report_series_init(struct report_series *series, const struct observation *observation,
    int64_t from_s, int64_t to_s, int64_t length_s)
{
	size_t n;

	*series =
	    (struct report_series){.observation = observation, .from_s = from_s, .to_s = to_s};
	if (from_s < 0 || to_s <= from_s || length_s <= 0)
		return GRAPPE_EINVALID;
	series->step_s = choose_step(to_s - from_s, length_s);
	series->count = step_of(series, to_s - 1) + 1;
	find_environments(series);
	n = series->nenvironments > 0 ? series->nenvironments : 1;
	series->octets = calloc(n * n * series->count, sizeof *series->octets);
	series->known = calloc(n * series->count, sizeof *series->known);
	series->watched = calloc(n * series->count, sizeof *series->watched);
	if (series->octets != NULL && series->known != NULL && series->watched != NULL)
		return GRAPPE_OK;
	report_series_deinit(series);
	return GRAPPE_EMEMORY;
}

void report_series_deinit(struct report_series *series)
{
	free(series->octets);
	free(series->known);
	free(series->watched);
	*series = (struct report_series){0};
}

/* ---- rows ---- */

/* Adds per_s for each second of (from_s, to_s] to the steps. */
static void spread(
    const struct report_series *series, double *steps, int64_t from_s, int64_t to_s, double per_s)
{
	if (from_s < series->from_s)
		from_s = series->from_s;
	if (to_s > series->to_s)
		to_s = series->to_s;
	while (from_s < to_s) {
		const size_t step = step_of(series, from_s);
		int64_t begin, end;

		report_series_bounds(series, step, &begin, &end);
		if (end > to_s)
			end = to_s;
		steps[step] += per_s * (double)(end - from_s);
		from_s = end;
	}
}

void report_series_known(
    struct report_series *series, const char *receiver, int64_t from_s, int64_t to_s, double share)
{
	const int environment = environment_of(series, receiver);

	if (environment < 0 || to_s <= from_s)
		return;
	spread(series, series->known + (size_t)environment * series->count, from_s, to_s, share);
	spread(series, series->watched + (size_t)environment * series->count, from_s, to_s, 1);
}

bool report_series_between(
    const struct report_series *series, const char *sender, const char *receiver)
{
	const int from = environment_of(series, sender), to = environment_of(series, receiver);

	return from >= 0 && to >= 0 && from != to;
}

static double *octets_of(const struct report_series *series, size_t from, size_t to)
{
	return series->octets + (from * series->nenvironments + to) * series->count;
}

void report_series_add(struct report_series *series, const char *sender, const char *receiver,
    int64_t from_s, int64_t to_s, double octets)
{
	const int from = environment_of(series, sender), to = environment_of(series, receiver);

	if (from < 0 || to < 0 || from == to || to_s <= from_s)
		return;
	spread(series, octets_of(series, (size_t)from, (size_t)to), from_s, to_s,
	    octets / (double)(to_s - from_s));
}

/* ---- as JSON ---- */

struct line {
	size_t a, b;
	double octets;
};

static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	if (a->octets != b->octets)
		return a->octets < b->octets ? 1 : -1;
	return a->a != b->a ? (a->a < b->a ? -1 : 1) : a->b < b->b ? -1 : a->b > b->b;
}

static struct line *make_lines(const struct report_series *series, size_t *count)
{
	const size_t n = series->nenvironments;
	struct line *lines = calloc(n * n + 1, sizeof *lines);

	*count = 0;
	for (size_t a = 0; lines != NULL && a < n; a++)
		for (size_t b = a + 1; b < n; b++) {
			struct line *line = &lines[(*count)++];

			*line = (struct line){a, b, 0};
			for (size_t i = 0; i < series->count; i++)
				line->octets +=
				    octets_of(series, a, b)[i] + octets_of(series, b, a)[i];
		}
	if (lines != NULL)
		qsort(lines, *count, sizeof *lines, compare_lines);
	return lines;
}

/* How much of a step is known for the receivers of an environment. */
static double known_share(const struct report_series *series, size_t environment, size_t step)
{
	const size_t at = environment * series->count + step;

	return series->watched[at] > 0 ? series->known[at] / series->watched[at] : 0;
}

/* Octets of both directions, what is not known filled with the mean of what is. Returns the share
 * that is known of the direction of which less is. */
static double both_ways(
    const struct report_series *series, const struct line *line, size_t step, double *octets)
{
	const double at_a = known_share(series, line->a, step);
	const double at_b = known_share(series, line->b, step);

	if (at_a > 0)
		*octets += octets_of(series, line->b, line->a)[step] / at_a;
	if (at_b > 0)
		*octets += octets_of(series, line->a, line->b)[step] / at_b;
	return at_a < at_b ? at_a : at_b;
}

static void append_number(json_t *array, double value)
{
	json_array_append_new(array, value >= 0 ? json_real(value) : json_null());
}

/* One line, or the sum of several; of a sum the least known one decides. */
static json_t *line_json(
    const struct report_series *series, const struct line *lines, size_t count, json_t *between)
{
	json_t *rates = json_array(), *known = json_array();

	for (size_t step = 0; step < series->count; step++) {
		double octets = 0, least = 1;
		int64_t from_s, to_s;

		report_series_bounds(series, step, &from_s, &to_s);
		for (size_t i = 0; i < count; i++) {
			const double share = both_ways(series, &lines[i], step, &octets);

			least = share < least ? share : least;
		}
		append_number(rates, least >= REPORT_HALF ? octets / (double)(to_s - from_s) : -1);
		append_number(known, least);
	}
	return json_pack(
	    "{s:o, s:o, s:o}", "between", between, "octets_per_s", rates, "known", known);
}

json_t *report_series_json(const struct report_series *series)
{
	size_t count, shown;
	struct line *lines = make_lines(series, &count);
	json_t *array = json_array();

	shown = count > REPORT_LINES_MAX + 1 ? REPORT_LINES_MAX : count;
	for (size_t i = 0; lines != NULL && i < shown; i++)
		json_array_append_new(
		    array, line_json(series, &lines[i], 1,
			       json_pack("[o, o]", json_plain(series->environments[lines[i].a]),
				   json_plain(series->environments[lines[i].b]))));
	if (lines != NULL && shown < count)
		json_array_append_new(
		    array, line_json(series, lines + shown, count - shown, json_null()));
	free(lines);
	return json_pack("{s:I, s:I, s:I, s:o, s:b}", "from", (json_int_t)series->from_s, "to",
	    (json_int_t)series->to_s, "step_s", (json_int_t)series->step_s, "lines", array,
	    "left_out", series->left_out);
}
