/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "manager/report_data.h"

#include "manager/json_fields.h"
#include "manager/report_groups.h"
#include "manager/report_heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *label_of(const struct report_input *input, uint32_t node)
{
	return observation_label(
	    matrix_name(input->observation.matrix, node), (void *)&input->observation);
}

static const char *environment_of(const struct report_input *input, uint32_t node)
{
	const struct observed_vm *vm =
	    observation_find(&input->observation, matrix_name(input->observation.matrix, node));

	return vm != NULL ? vm->place.environment : "";
}

/* ---- the window ---- */

static json_t *window_json(const struct report_sources *sources)
{
	const struct matrix_window *window = matrix_window(sources->input->observation.matrix);
	char caveats[CAVEATS_TEXT_SIZE];

	return json_pack("{s:I, s:I, s:f, s:I, s:I, s:I, s:b, s:s}", "from",
	    (json_int_t)window->from_s, "to", (json_int_t)window->to_s, "length_s",
	    window->length_s, "period_s", (json_int_t)sources->input->observation.length_s,
	    "periods_known", (json_int_t)window->known, "periods_wanted",
	    (json_int_t)window->wanted, "approximate", window->approximate, "caveats",
	    caveats_describe(&window->caveats, caveats, sizeof caveats));
}

/* ---- pairs ---- */

struct ranked {
	const struct matrix_pair *pair;
	double octets_per_s;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->octets_per_s != b->octets_per_s)
		return a->octets_per_s < b->octets_per_s ? 1 : -1;
	return a->pair < b->pair ? -1 : a->pair > b->pair;
}

static json_t *pair_json(const struct report_input *input, const struct ranked *ranked)
{
	const struct matrix_pair *pair = ranked->pair;

	return json_pack("{s:o, s:o, s:o, s:o, s:f, s:f, s:f}", "sender",
	    json_plain(label_of(input, pair->source)), "receiver",
	    json_plain(label_of(input, pair->receiver)), "sender_environment",
	    json_plain(environment_of(input, pair->source)), "receiver_environment",
	    json_plain(environment_of(input, pair->receiver)), "octets_per_s", ranked->octets_per_s,
	    "packets_per_s", report_input_rate(input, pair, pair->packets), "known",
	    fmax(0, report_input_known(input, pair->receiver)));
}

/* Sums over all pairs. */
struct sums {
	double inside, between, unplaced, outside; /* octets per second */
	size_t pairs;
};

static void sum_pair(
    const struct report_input *input, const struct ranked *ranked, bool vms, struct sums *sums)
{
	const char *from = environment_of(input, ranked->pair->source);
	const char *to = environment_of(input, ranked->pair->receiver);

	if (!vms)
		sums->outside += ranked->octets_per_s;
	else if (from[0] == '\0' || to[0] == '\0')
		sums->unplaced += ranked->octets_per_s;
	else if (strcmp(from, to) != 0)
		sums->between += ranked->octets_per_s;
	else
		sums->inside += ranked->octets_per_s;
	sums->pairs += vms;
}

static json_t *traffic_json(const struct report_sources *sources)
{
	const struct report_input *input = sources->input;
	size_t npairs, nvms = 0;
	const struct matrix_pair *pairs = matrix_pairs(input->observation.matrix, &npairs);
	struct ranked *ranked = calloc(npairs + 1, sizeof *ranked);
	json_t *top = json_array();
	struct sums sums = {0};

	for (size_t i = 0; ranked != NULL && i < npairs; i++) {
		const bool vms = report_heat_is_vm(input, pairs[i].source) &&
				 report_heat_is_vm(input, pairs[i].receiver);
		const struct ranked one = {
		    &pairs[i], report_input_rate(input, &pairs[i], pairs[i].octets)};

		if (pairs[i].octets <= 0 && pairs[i].packets <= 0)
			continue;
		sum_pair(input, &one, vms, &sums);
		if (vms)
			ranked[nvms++] = one;
	}
	if (ranked != NULL)
		qsort(ranked, nvms, sizeof *ranked, compare_ranked);
	for (size_t i = 0; ranked != NULL && i < nvms && i < sources->top; i++)
		json_array_append_new(top, pair_json(input, &ranked[i]));
	free(ranked);
	return json_pack("{s:I, s:o, s:f, s:f, s:f, s:f}", "pairs", (json_int_t)sums.pairs, "top",
	    top, "octets_per_s_inside", sums.inside, "octets_per_s_between", sums.between,
	    "octets_per_s_unplaced", sums.unplaced, "octets_per_s_outside", sums.outside);
}

/* ---- environments ---- */

static size_t count_vms(const struct report_input *input, const char *environment)
{
	size_t count = 0;

	for (size_t i = 0; i < input->observation.nvms; i++)
		count += strcmp(input->observation.vms[i].place.environment, environment) == 0;
	return count;
}

static double vcpu_of(const struct environment *environment)
{
	double sum = 0;

	if (isfinite(environment->capacity.vcpu))
		return environment->capacity.vcpu;
	for (size_t i = 0; i < environment->nhosts; i++)
		sum += environment->hosts[i].capacity.vcpu;
	return environment->nhosts > 0 ? sum : NAN;
}

static json_t *environment_json(
    const struct report_input *input, const struct environment *environment)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:b}", "name",
	    json_plain(environment->name), "kind", json_plain(environment->kind), "vms",
	    (json_int_t)count_vms(input, environment->name), "hosts",
	    (json_int_t)environment->nhosts, "vcpu", json_real_or_null(vcpu_of(environment)),
	    "price_vcpu_hour", json_real_or_null(environment->price_vcpu_hour),
	    "price_mem_GiB_hour", json_real_or_null(environment->price_mem_GiB_hour),
	    "price_vm_hour", json_real_or_null(environment->price_vm_hour), "drain",
	    environment->drain == TRUTH_YES);
}

static void add_links(const struct environments *environments, json_t *links)
{
	for (size_t i = 0; i < environments->nlinks; i++) {
		const struct environment_link *link = &environments->links[i];

		json_array_append_new(
		    links, json_pack("{s:o, s:o, s:o, s:o, s:o}", "from",
			       json_plain(environments->items[link->from].name), "to",
			       json_plain(environments->items[link->to].name), "latency_ms",
			       json_real_or_null(link->latency_ms), "bandwidth_MBps",
			       json_real_or_null(link->bandwidth_MBps), "price_per_GB",
			       json_real_or_null(link->price_per_GB)));
	}
}

/* Those that only the traffic knows have no prices. */
static void add_unlisted(const struct report_sources *sources, json_t *items)
{
	const struct report_series *series = &sources->input->series;

	for (size_t i = 0; i < series->nenvironments; i++)
		if (environments_find(sources->environments, series->environments[i]) < 0)
			json_array_append_new(items,
			    json_pack("{s:o, s:I, s:b}", "name",
				json_plain(series->environments[i]), "vms",
				(json_int_t)count_vms(sources->input, series->environments[i]),
				"unlisted", true));
}

static json_t *environments_json(const struct report_sources *sources)
{
	const struct environments *environments = sources->environments;
	json_t *items = json_array(), *links = json_array();

	for (size_t i = 0; i < environments->count; i++)
		json_array_append_new(
		    items, environment_json(sources->input, &environments->items[i]));
	add_unlisted(sources, items);
	add_links(environments, links);
	return json_pack("{s:o, s:o, s:o, s:o}", "items", items, "links", links, "currency",
	    json_plain(environments->currency), "as_of",
	    environments->as_of_s > 0 ? json_integer(environments->as_of_s) : json_null());
}

/* ---- recommendations ---- */

/* A copy whose texts are harmless to people who read them. */
static json_t *plain_copy(const json_t *value)
{
	const char *key;
	json_t *copy, *item;
	size_t i;

	if (json_is_string(value))
		return json_plain(json_string_value(value));
	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach(value, i, item) json_array_append_new(copy, plain_copy(item));
		return copy;
	}
	if (!json_is_object(value))
		return json_deep_copy(value);
	copy = json_object();
	json_object_foreach((json_t *)value, key, item)
	{
		json_object_set_new(copy, key, plain_copy(item));
	}
	return copy;
}

/* What happened since the window began, the newest recommendation first. */
static json_t *outcomes_json(const struct report_sources *sources)
{
	const struct history *history = sources->history;
	const int64_t from_s = matrix_window(sources->input->observation.matrix)->from_s;
	json_t *list = json_array();
	size_t events = 0;

	for (size_t i = history->count; i > 0 && events < REPORT_EVENTS_MAX; i--) {
		const struct history_event *event = &history->events[i - 1];
		json_t *found = NULL, *item;
		size_t k;

		if (event->time_s < from_s)
			continue;
		json_array_foreach(list, k,
		    item) if (strcmp(event->id, json_string_value(json_object_get(item, "id"))) ==
			      0) found = item;
		if (found == NULL) {
			found = json_pack("{s:o, s:[]}", "id", json_plain(event->id), "events");
			json_array_append_new(list, found);
		}
		json_array_insert_new(json_object_get(found, "events"), 0,
		    json_pack("{s:I, s:o, s:o}", "time", (json_int_t)event->time_s, "event",
			json_plain(event->event), "text", json_plain(event->text)));
		events++;
	}
	return list;
}

/* ---- completeness ---- */

struct gap {
	uint32_t node;
	double known;
};

static int compare_gaps(const void *left, const void *right)
{
	const struct gap *a = left, *b = right;

	if (a->known != b->known)
		return a->known < b->known ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static json_t *completeness_json(const struct report_sources *sources)
{
	const struct report_input *input = sources->input;
	const size_t nodes = matrix_nodes(input->observation.matrix);
	struct gap *gaps = calloc(nodes + 1, sizeof *gaps);
	json_t *incomplete = json_array();
	size_t receivers = 0, ngaps = 0;

	for (uint32_t node = 0; gaps != NULL && node < nodes; node++) {
		const double known = report_input_known(input, node);

		receivers += known >= 0;
		if (known >= 0 && known < 1 - 1e-9)
			gaps[ngaps++] = (struct gap){node, known};
	}
	if (gaps != NULL)
		qsort(gaps, ngaps, sizeof *gaps, compare_gaps);
	for (size_t i = 0; gaps != NULL && i < ngaps && i < REPORT_GAPS_MAX; i++)
		json_array_append_new(incomplete,
		    json_pack("{s:o, s:f}", "name", json_plain(label_of(input, gaps[i].node)),
			"known", gaps[i].known));
	free(gaps);
	return json_pack("{s:I, s:I, s:o, s:I, s:I}", "receivers", (json_int_t)receivers,
	    "incomplete_receivers", (json_int_t)ngaps, "incomplete", incomplete, "damaged_archives",
	    (json_int_t)input->unreadable, "pairs_left_out", (json_int_t)input->pairs_left_out);
}

/* ---- notes ---- */

static json_t *notes_json(const struct report_sources *sources)
{
	const struct report_input *input = sources->input;
	const struct matrix_window *window = matrix_window(input->observation.matrix);
	json_t *notes = json_array();

	if (input->observation.nvms == 0)
		json_array_append_new(notes,
		    json_string("nobody said where VMs are: traffic between environments, and "
				"names of VMs, are not known (--placement)"));
	else
		json_array_append_new(
		    notes, json_string("each VM counts where it was last seen, also for the time "
				       "before it moved there"));
	if (window->known < window->wanted)
		json_array_append_new(
		    notes, json_string("rates are means over what is known of each receiver"));
	if (input->series.left_out)
		json_array_append_new(
		    notes, json_sprintf("traffic over time is of the first %d environments only",
			       REPORT_ENVIRONMENTS_MAX));
	if (input->pairs_left_out > 0)
		json_array_append_new(
		    notes, json_sprintf("traffic over time lacks %zu pairs of VMs, the lightest or "
					"damaged ones",
			       input->pairs_left_out));
	if (sources->state[0] != '\0')
		json_array_append_new(notes, json_plain(sources->state));
	return notes;
}

/* ---- all of it ---- */

json_t *report_data(const struct report_sources *sources)
{
	const struct report_input *input = sources->input;
	json_t *document = json_pack("{s:i, s:s, s:I, s:o, s:o}", "version", REPORT_VERSION,
	    "program", "grappe " PACKAGE_VERSION, "created", (json_int_t)sources->now_s, "source",
	    json_plain(sources->source), "window", window_json(sources));
	const struct {
		const char *key;
		json_t *value;
	} parts[] = {
	    {"vms", json_integer((json_int_t)input->observation.nvms)},
	    {"traffic", traffic_json(sources)},
	    {"matrix", report_heat_json(input, sources->groups)},
	    {"groups", report_groups_json(input, sources->groups)},
	    {"between_environments",
		input->series.nenvironments > 1 ? report_series_json(&input->series) : json_null()},
	    {"environments", environments_json(sources)},
	    {"recommendation", sources->recommendation != NULL ? plain_copy(sources->recommendation)
							       : json_null()},
	    {"outcomes", sources->history != NULL ? outcomes_json(sources) : json_null()},
	    {"completeness", completeness_json(sources)},
	    {"notes", notes_json(sources)},
	};
	int rc = document != NULL ? 0 : -1;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (json_object_set_new(document, parts[i].key, parts[i].value) != 0)
			rc = -1;
	if (rc == 0)
		return document;
	json_decref(document);
	return NULL;
}
