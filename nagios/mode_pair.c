/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode pair: how much goes between two VMs, applications or sites? Asks the collector which period
 * is in, who belongs to which side, and for the mean over the window that ends there. What is not
 * known never counts as nothing: without any known period the state is UNKNOWN, with some the rates
 * are those of the known ones.
 */
#include "common/clock.h"
#include "common/error.h"
#include "nagios/mode.h"
#include "nagios/pair.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define WINDOW_DEFAULT_S 300
#define STALE_PERIODS 10 /* the newest period that is in is at most so many periods old */
#define NAME_SHOWN 24    /* in the first line */

enum { TRAFFIC, FORWARD, BACKWARD, PACKETS, KNOWN, METRICS };
static const struct plugin_metric metrics[METRICS] = {
    [TRAFFIC] = {"traffic", "B", true},
    [FORWARD] = {"forward", "B", true},
    [BACKWARD] = {"backward", "B", true},
    [PACKETS] = {"packets", "", true},
    [KNOWN] = {"known", "%", true},
};

/* ---- judging ---- */

/* Whether a lower bound is enough for this alert: more traffic would alert as well. */
static bool is_certain(const struct range *range, double value)
{
	return range_alerts(range, value) && !range->inside && value > range->end;
}

static void add_direction(struct plugin *plugin, struct plugin_check *parent,
    const struct pair_answer *answer, enum pair_direction direction)
{
	const struct pair_sums *sums = &answer->directions[direction];
	const char *from = direction == PAIR_FORWARD ? answer->from : answer->to,
		   *to = direction == PAIR_FORWARD ? answer->to : answer->from;
	char rate[MODE_TEXT_SIZE];

	if (sums->known <= 0)
		plugin_add_check(
		    plugin, parent, PLUGIN_UNKNOWN, "%.90s -> %.90s: nothing is known", from, to);
	else
		plugin_add_check(plugin, parent, PLUGIN_OK,
		    "%.90s -> %.90s: %s, %.1f packets/s, %.0f %% known", from, to,
		    mode_format_rate(sums->octets / answer->length_s, rate),
		    sums->packets / answer->length_s, 100 * sums->known);
}

static const char *format_time(int64_t epoch_s, char out[MODE_TEXT_SIZE])
{
	const time_t when = (time_t)epoch_s;
	struct tm parts;

	if (gmtime_r(&when, &parts) == NULL ||
	    strftime(out, MODE_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		snprintf(out, MODE_TEXT_SIZE, "%" PRId64, epoch_s);
	return out;
}

static void set_values(struct plugin *plugin, const struct pair_answer *answer)
{
	static const size_t labels[PAIR_DIRECTIONS] = {
	    [PAIR_FORWARD] = FORWARD, [PAIR_BACKWARD] = BACKWARD};
	bool whole = true;

	for (size_t i = 0; i < PAIR_DIRECTIONS; i++) {
		const struct pair_sums *sums = &answer->directions[i];

		if (sums->known > 0)
			plugin_set_value(plugin, labels[i], sums->octets / answer->length_s);
		whole = whole && sums->known > 0;
	}
	if (whole) {
		plugin_set_value(plugin, TRAFFIC, answer->both.octets / answer->length_s);
		plugin_set_value(plugin, PACKETS, answer->both.packets / answer->length_s);
	}
	plugin_set_value(plugin, KNOWN, 100 * answer->both.known);
}

void mode_judge_pair(
    struct plugin *plugin, const struct options *options, const struct pair_answer *answer)
{
	const double rate = answer->both.octets / answer->length_s;
	const bool forward = answer->directions[PAIR_FORWARD].known > 0,
		   backward = answer->directions[PAIR_BACKWARD].known > 0;
	char from[MODE_NAME_SIZE], to[MODE_NAME_SIZE], text[MODE_TEXT_SIZE], age[MODE_TEXT_SIZE],
	    stamp[MODE_TEXT_SIZE], known[48] = "";
	struct range warning, critical;
	enum plugin_state state;
	struct plugin_check *check;

	mode_set_limits(plugin, options, TRAFFIC, -1, -1, &warning, &critical);
	set_values(plugin, answer);
	mode_shorten(answer->from, NAME_SHOWN, from);
	mode_shorten(answer->to, NAME_SHOWN, to);
	mode_format_age(answer->to_s - answer->from_s, age);
	if (!forward && !backward) {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "nothing is known of %s - %s in %s",
		    from, to, age);
		return;
	}
	if (!forward || !backward)
		snprintf(known, sizeof known, ", one direction is not known");
	else if (answer->both.known < 0.9995)
		snprintf(known, sizeof known, ", %.1f %% known", 100 * answer->both.known);
	state = plugin_judge(rate, &warning, &critical);
	if ((!forward || !backward) && !is_certain(&critical, rate))
		state = is_certain(&warning, rate) ? PLUGIN_WARNING : PLUGIN_UNKNOWN;
	check = plugin_add_check(plugin, NULL, state, "%s - %s: %s%s in %s%s", from, to,
	    forward && backward ? "" : "at least ", mode_format_rate(rate, text), age, known);
	plugin_set_summary(plugin, "%s - %s: %s in %s%s", from, to, text, age, known);
	add_direction(plugin, check, answer, PAIR_FORWARD);
	add_direction(plugin, check, answer, PAIR_BACKWARD);
	plugin_add_check(plugin, check, PLUGIN_OK,
	    "%zu and %zu VMs, periods of %" PRIu32 " s up to %s", answer->members[0],
	    answer->members[1], answer->length_s, format_time(answer->to_s, stamp));
}

/* ---- asking ---- */

/* Whether all agents of a site delivered periods after since_s, so that who is not there is nowhere
 * there. */
static bool is_watched(const json_t *data, const char *site, int64_t since_s)
{
	const json_t *agents = json_object_get(data, "agents"), *agent;
	bool there = false;
	int64_t last_end;
	size_t i;

	json_array_foreach(agents, i, agent)
	{
		if (strcmp(status_text(agent, "environment"), site) != 0)
			continue;
		if (!status_integer(agent, "last_end", &last_end) || last_end <= since_s)
			return false;
		there = true;
	}
	return there;
}

/* The newest period that is in; 0 when there is none, then a check says why. */
static int64_t find_newest(struct plugin *plugin, const json_t *data, uint32_t length_s)
{
	const int64_t now_s = clock_wall_ns() / CLOCK_SECOND_NS;
	char age[MODE_TEXT_SIZE];
	int64_t newest;

	if (!status_integer(data, "newest_end", &newest) || newest == 0) {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "the collector has no period yet");
		return 0;
	}
	if (newest >= now_s - (int64_t)STALE_PERIODS * length_s)
		return newest;
	plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "the collector's newest period is %s old",
	    mode_format_age(now_s - newest, age));
	return 0;
}

static int take_vm(void *context, const char *const *fields)
{
	return pair_add_vm(context, fields);
}

static bool ask_members(struct plugin *plugin, const struct options *options, struct pair *pair)
{
	const struct protocol_request request = {.op = OP_INVENTORY};
	struct protocol_answer answer;
	char message[256];

	if (!status_stream(
		plugin, options, &request, protocol_columns_inventory, take_vm, pair, &answer))
		return false;
	if (pair_settle(pair, message, sizeof message) == GRAPPE_OK)
		return true;
	plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "%s", message);
	return false;
}

struct rows {
	struct pair *pair;
	const char *only;
	uint32_t wanted;
};

static int take_row(void *context, const char *const *fields)
{
	const struct rows *rows = context;

	return pair_add_row(rows->pair, fields, rows->wanted, rows->only);
}

/* Between two VMs two short answers, each with what one of them received, are asked for; else the
 * whole matrix. */
static bool ask_traffic(struct plugin *plugin, const struct options *options, struct pair *pair,
    const struct pair_answer *window)
{
	const bool select = pair_vm(pair, 0) != NULL && pair_vm(pair, 1) != NULL;
	struct protocol_request request = {
	    .op = OP_MATRIX, .from_s = window->from_s, .to_s = window->to_s, .kind = KIND_MEAN};
	struct rows rows = {
	    .pair = pair, .wanted = (uint32_t)((window->to_s - window->from_s) / window->length_s)};
	struct protocol_answer answer;

	for (size_t side = 0; side < (select ? 2 : 1); side++) {
		if (select) {
			rows.only = pair_vm(pair, side);
			snprintf(request.select, sizeof request.select, "%s", rows.only);
		}
		if (!status_stream(
			plugin, options, &request, protocol_columns_mean, take_row, &rows, &answer))
			return false;
		if (answer.from_s != window->from_s || answer.to_s != window->to_s ||
		    answer.length_s != window->length_s) {
			plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
			    "the collector answered another window than it was asked for");
			return false;
		}
	}
	return true;
}

/* Asks for the collector's status: which window, and which sites are watched. */
static bool set_window(struct plugin *plugin, const struct options *options,
    struct pair_side sides[2], struct pair_answer *answer)
{
	const int64_t wanted_s = options->window_s > 0 ? options->window_s : WINDOW_DEFAULT_S;
	struct protocol_reply reply;
	const json_t *data = status_ask(plugin, options, &reply);

	answer->from = options->from;
	answer->to = options->to;
	if (data != NULL) {
		const int64_t length_s = mode_length(data);

		answer->length_s = (uint32_t)length_s;
		answer->to_s = find_newest(plugin, data, answer->length_s);
		answer->from_s = answer->to_s - (wanted_s + length_s - 1) / length_s * length_s;
		for (size_t i = 0; i < 2; i++)
			sides[i].watched = sides[i].kind == PAIR_SITE &&
					   is_watched(data, sides[i].name, answer->from_s);
	}
	protocol_reply_deinit(&reply);
	return answer->to_s > 0;
}

static void run(struct plugin *plugin, const struct options *options)
{
	struct pair_side sides[2];
	struct pair_answer answer = {0};
	struct pair *pair = NULL;
	struct range warning, critical;

	/* Shown whatever becomes of it. */
	mode_set_limits(plugin, options, TRAFFIC, -1, -1, &warning, &critical);
	if (pair_parse_side(options->from, &sides[0]) != GRAPPE_OK ||
	    pair_parse_side(options->to, &sides[1]) != GRAPPE_OK)
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "--from or --to has no name");
	else if (!set_window(plugin, options, sides, &answer))
		return;
	else if (pair_new(sides, answer.from_s, &pair) != GRAPPE_OK)
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "%s", error_text(GRAPPE_EMEMORY));
	else if (ask_members(plugin, options, pair) &&
		 ask_traffic(plugin, options, pair, &answer)) {
		pair_finish(
		    pair, (uint32_t)((answer.to_s - answer.from_s) / answer.length_s), &answer);
		mode_judge_pair(plugin, options, &answer);
	}
	pair_free(pair);
}

const struct mode mode_pair = {
    .name = "pair",
    .text = "traffic between two VMs, applications or sites",
    .limits = "B/s of both directions together; no defaults",
    .metrics = metrics,
    .nmetrics = METRICS,
    .source = MODE_COLLECTOR,
    .run = run,
};
