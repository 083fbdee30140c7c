/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/effect.h"

#include "common/error.h"
#include "common/identity.h"
#include "manager/explain.h"
#include "manager/json_fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORTH 0.1 /* share of what was predicted below which a move brought nothing */

/* ---- windows ---- */

static int64_t floor_to(int64_t time_s, int64_t length_s)
{
	return time_s - time_s % length_s;
}

void effect_windows(const struct effect_watch *watch, int64_t length_s, int64_t window_s,
    int64_t before[2], int64_t after[2])
{
	const int64_t periods = window_s > length_s ? (window_s + length_s - 1) / length_s : 1;

	before[1] = floor_to(watch->left_s, length_s);
	before[0] = before[1] - periods * length_s;
	after[0] = floor_to(watch->arrived_s + length_s - 1, length_s);
	after[1] = after[0] + periods * length_s;
}

/* ---- silence ---- */

static bool read_number(const char *text, double *out)
{
	char *end;

	if ((text[0] < '0' || text[0] > '9') && text[0] != '.')
		return false;
	errno = 0;
	*out = strtod(text, &end);
	return *end == '\0' && errno == 0 && isfinite(*out);
}

int effect_read_periods(const struct protocol_reply *reply, const char *vm, int64_t from_s,
    int64_t to_s, int64_t length_s, struct effect_period periods[EFFECT_PERIODS_MAX])
{
	const int64_t count = (to_s - from_s) / length_s;

	if (reply->ncolumns != 7 || count < 1 || count > EFFECT_PERIODS_MAX)
		return GRAPPE_EFORMAT;
	for (int64_t i = 0; i < count; i++)
		periods[i] = (struct effect_period){.end_s = from_s + (i + 1) * length_s};
	for (size_t row = 0; row < reply->nrows; row++) {
		double end, packets = 0, known = 0;
		int64_t place;

		if (strcmp(protocol_reply_field(reply, row, 2), vm) != 0)
			continue;
		if (!read_number(protocol_reply_field(reply, row, 0), &end))
			return GRAPPE_EFORMAT;
		place = ((int64_t)end - from_s) / length_s - 1;
		if (place < 0 || place >= count)
			continue;
		if (read_number(protocol_reply_field(reply, row, 4), &packets))
			periods[place].packets += packets;
		if (read_number(protocol_reply_field(reply, row, 6), &known))
			periods[place].known = fmax(periods[place].known, known);
	}
	return (int)count;
}

struct effect_silence effect_silence(
    const struct effect_period *periods, size_t count, int64_t length_s)
{
	unsigned run = 0, longest = 0;

	if (count == 0 || periods[0].packets <= 0)
		return (struct effect_silence){.why = "it received nothing before the move"};
	for (size_t i = 0; i < count; i++) {
		run = periods[i].packets > 0 ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	if (run > 0)
		return (struct effect_silence){.why = "it has received nothing since the move"};
	return (struct effect_silence){.known = true,
	    .periods = longest,
	    .least_s = longest * length_s,
	    .most_s = (longest + 2) * length_s};
}

/* ---- traffic between environments ---- */

/* Everything about one window. */
struct side {
	const struct observation *observation;
	const struct effect_watch *watches;
	size_t count;
	const struct environments *environments;
	bool after;
};

/* Where a node of the matrix is, "" not known. */
static const char *environment_of(const struct side *side, const char *node)
{
	const struct observed_vm *vm;
	const char *endpoint = strcmp(node, SENDER_EXTERNAL) == 0 ? node : NULL;

	for (size_t i = 0; i < side->count; i++)
		if (strcmp(side->watches[i].vm, node) == 0)
			return side->after ? side->watches[i].to.environment
					   : side->watches[i].from.environment;
	if (strncmp(node, SENDER_ENDPOINT, strlen(SENDER_ENDPOINT)) == 0)
		endpoint = node + strlen(SENDER_ENDPOINT);
	for (size_t i = 0; endpoint != NULL && i < side->environments->nendpoints; i++) {
		const struct environment_endpoint *known = &side->environments->endpoints[i];

		if (strcmp(known->name, endpoint) == 0)
			return side->environments->items[known->environment].name;
	}
	vm = observation_find(side->observation, node);
	return vm != NULL ? vm->place.environment : "";
}

static const struct effect_watch *find_watch(const struct side *side, const char *node)
{
	for (size_t i = 0; i < side->count; i++)
		if (strcmp(side->watches[i].vm, node) == 0)
			return &side->watches[i];
	return NULL;
}

static double seconds(const struct side *side)
{
	return matrix_window(side->observation->matrix)->length_s;
}

/* Octets per second that the moved VMs exchange across environments. */
static double across(const struct side *side)
{
	const struct matrix *matrix = side->observation->matrix;
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(matrix, &count);
	double octets = 0;

	for (size_t i = 0; i < count; i++) {
		const char *a = matrix_name(matrix, pairs[i].source);
		const char *b = matrix_name(matrix, pairs[i].receiver);
		const char *here, *there;

		if (find_watch(side, a) == NULL && find_watch(side, b) == NULL)
			continue;
		here = environment_of(side, a);
		there = environment_of(side, b);
		if (here[0] != '\0' && there[0] != '\0' && strcmp(here, there) != 0)
			octets += pairs[i].octets;
	}
	return octets / seconds(side);
}

/* Octets per second that a VM exchanges with one environment, itself apart. */
static double with_environment(const struct side *side, const char *vm, const char *environment)
{
	const struct matrix *matrix = side->observation->matrix;
	size_t count;
	const struct matrix_pair *pairs = matrix_pairs(matrix, &count);
	double octets = 0;

	for (size_t i = 0; i < count; i++) {
		const char *a = matrix_name(matrix, pairs[i].source);
		const char *b = matrix_name(matrix, pairs[i].receiver);
		const char *peer = strcmp(a, vm) == 0 ? b : strcmp(b, vm) == 0 ? a : NULL;

		if (peer != NULL && strcmp(environment_of(side, peer), environment) == 0)
			octets += pairs[i].octets;
	}
	return octets / seconds(side);
}

/* ---- pairs that fell silent ---- */

/* Both directions. */
static double pair_packets(
    const struct observation *observation, const char *a, const char *b, double *octets)
{
	const struct matrix *matrix = observation->matrix;
	const int x = matrix_find(matrix, a), y = matrix_find(matrix, b);
	const struct matrix_pair *to, *from;
	double packets = 0;

	*octets = 0;
	if (x < 0 || y < 0)
		return 0;
	to = matrix_get(matrix, (uint32_t)x, (uint32_t)y);
	from = matrix_get(matrix, (uint32_t)y, (uint32_t)x);
	packets += to != NULL ? to->packets : 0;
	packets += from != NULL ? from->packets : 0;
	*octets += to != NULL ? to->octets : 0;
	*octets += from != NULL ? from->octets : 0;
	return packets;
}

static const char *name_of(const struct side *side, const char *node)
{
	return observation_find(side->observation, node) != NULL
		   ? observation_label(node, (void *)side->observation)
		   : node;
}

/* [{"peer", "octets_per_s_before"}]: those that exchanged something in each period on average, and
 * nothing at all since. */
static json_t *fell_silent(const struct side *before, const struct side *after, const char *vm)
{
	const struct matrix *matrix = before->observation->matrix;
	const uint32_t periods = matrix_window(before->observation->matrix)->wanted;
	json_t *list = json_array();

	for (uint32_t node = 0; node < matrix_nodes(matrix); node++) {
		const char *peer = matrix_name(matrix, node);
		double octets, none;

		if (strcmp(peer, vm) == 0 || strcmp(peer, SENDER_MULTICAST) == 0 ||
		    strcmp(peer, SENDER_OTHER) == 0 || json_array_size(list) == EFFECT_PEERS_MAX)
			continue;
		if (pair_packets(before->observation, vm, peer, &octets) < fmax(1, periods) ||
		    pair_packets(after->observation, vm, peer, &none) > 0)
			continue;
		json_array_append_new(
		    list, json_pack("{s:o, s:f}", "peer", json_text(name_of(before, peer)),
			      "octets_per_s_before", octets / seconds(before)));
	}
	return list;
}

static bool is_whole(const struct observation *observation)
{
	const struct matrix_window *window = matrix_window(observation->matrix);

	return window->wanted > 0 && window->known == window->wanted;
}

/* ---- the document ---- */

static json_t *place_json(const struct place *place)
{
	return json_pack("{s:o, s:o}", "environment", json_text(place->environment), "host",
	    json_text_or_null(place->host));
}

static json_t *silence_json(const struct effect_silence *silence)
{
	if (!silence->known)
		return json_pack("{s:n, s:n, s:n, s:s}", "periods", "least_s", "most_s", "why",
		    silence->why != NULL ? silence->why : "the periods are not known");
	return json_pack("{s:i, s:I, s:I, s:s}", "periods", (int)silence->periods, "least_s",
	    (json_int_t)silence->least_s, "most_s", (json_int_t)silence->most_s, "why", "");
}

static json_t *time_or_null(int64_t time_s)
{
	return time_s != 0 ? json_integer(time_s) : json_null();
}

static json_t *move_json(const struct side *before, const struct side *after,
    const struct effect_watch *watch, const struct effect_silence *silence)
{
	const bool whole = is_whole(after->observation);

	return json_pack("{s:{s:o, s:o}, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:{s:f, s:f}}", "vm",
	    "id", json_text(watch->vm), "name", json_text(watch->name), "from",
	    place_json(&watch->from), "to", place_json(&watch->to), "left",
	    (json_int_t)watch->left_s, "arrived", (json_int_t)watch->arrived_s, "seen",
	    time_or_null(watch->seen_s), "silence", silence_json(silence), "fell_silent",
	    whole ? fell_silent(before, after, watch->vm) : json_null(), "old_environment",
	    "octets_per_s_before", with_environment(before, watch->vm, watch->from.environment),
	    "octets_per_s_after", with_environment(after, watch->vm, watch->from.environment));
}

static json_t *window_json(const struct observation *observation)
{
	const struct matrix_window *window = matrix_window(observation->matrix);

	return json_pack("{s:I, s:I, s:[I, I]}", "from", (json_int_t)window->from_s, "to",
	    (json_int_t)window->to_s, "periods", (json_int_t)window->known,
	    (json_int_t)window->wanted);
}

static double predicted(const struct effect_watch *watches, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += watches[i].octets_before - watches[i].octets_after;
	return sum;
}

static size_t count_seen(const struct effect_watch *watches, size_t count)
{
	size_t seen = 0;

	for (size_t i = 0; i < count; i++)
		seen += watches[i].seen_s != 0;
	return seen;
}

static size_t count_fallen(const json_t *moves)
{
	size_t sum = 0;

	for (size_t i = 0; i < json_array_size(moves); i++)
		sum += json_array_size(json_object_get(json_array_get(moves, i), "fell_silent"));
	return sum;
}

struct sums {
	double before, after, predicted;
	bool known;
};

static json_t *text_json(
    const struct effect_watch *watches, size_t count, const json_t *moves, const struct sums *sums)
{
	char text[800], before[32], after[32], saved[32] = "", who[300];
	const size_t seen = count_seen(watches, count), fallen = count_fallen(moves);

	snprintf(who, sizeof who, "%s%s", watches[0].name, count > 1 ? " and others" : "");
	if (!sums->known) {
		snprintf(text, sizeof text,
		    "%s: moved, what it brought is not known: too few periods before or after",
		    who);
		return json_text(text);
	}
	explain_rate(sums->before, before, sizeof before);
	explain_rate(sums->after, after, sizeof after);
	if (isfinite(sums->predicted))
		explain_rate(sums->before - sums->predicted, saved, sizeof saved);
	snprintf(text, sizeof text,
	    "%s: between environments %s -> %s%s%s; %zu of %zu seen there%s", who, before, after,
	    saved[0] != '\0' ? ", predicted " : "", saved, seen, count,
	    fallen > 0 ? "; pairs fell silent" : "");
	return json_text(text);
}

json_t *effect_build(const struct effect_watch *watches, const struct effect_silence *silences,
    size_t count, const struct observation *before, const struct observation *after,
    const struct environments *environments, int64_t now_s)
{
	const struct side past = {before, watches, count, environments, false};
	const struct side now = {after, watches, count, environments, true};
	json_t *moves = json_array();
	struct sums sums = {.predicted = predicted(watches, count)};

	sums.known =
	    matrix_window(before->matrix)->known > 0 && matrix_window(after->matrix)->known > 0;
	sums.before = sums.known ? across(&past) : NAN;
	sums.after = sums.known ? across(&now) : NAN;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(moves, move_json(&past, &now, &watches[i], &silences[i]));
	return json_pack("{s:i, s:s, s:o, s:b, s:I, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:o}",
	    "version", 1, "kind", "effect", "recommendation", json_text_or_null(watches[0].id),
	    "ours", watches[0].ours, "measured", (json_int_t)now_s, "before", window_json(before),
	    "after", window_json(after), "inter_environment_octets_per_s", "before",
	    json_real_or_null(sums.before), "after", json_real_or_null(sums.after),
	    "predicted_saving", json_real_or_null(sums.predicted), "text",
	    text_json(watches, count, moves, &sums), "moves", moves);
}

bool effect_brought_nothing(const json_t *effect)
{
	const json_t *rates = json_object_get(effect, "inter_environment_octets_per_s");
	const json_t *before = json_object_get(rates, "before");
	const json_t *after = json_object_get(rates, "after");
	const json_t *wanted = json_object_get(rates, "predicted_saving");

	return json_is_number(before) && json_is_number(after) && json_is_number(wanted) &&
	       json_number_value(wanted) > 0 &&
	       json_number_value(before) - json_number_value(after) <
		   WORTH * json_number_value(wanted);
}

const char *effect_text(const json_t *effect)
{
	return json_string_value(json_object_get(effect, "text"));
}
