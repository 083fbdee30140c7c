/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode recommendation: does the manager want VMs moved, on what it has seen how lately,
 * and does what it says get out?
 */
#include "nagios/mode.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define MOVES_SHOWN 100
#define ID_SHOWN 8
#define AGE_WARNING_S 900
#define AGE_CRITICAL_S 3600

enum { INPUT_AGE, MOVES, INTER_BEFORE, INTER_AFTER, POSTS_WAITING, METRICS };
static const struct plugin_metric metrics[METRICS] = {
    [INPUT_AGE] = {"input_age", "s", true},
    [MOVES] = {"moves", "", true},
    [INTER_BEFORE] = {"inter_before", "B", true},
    [INTER_AFTER] = {"inter_after", "B", true},
    [POSTS_WAITING] = {"posts_waiting", "", true},
};

static double rate_of(const json_t *document, const char *when)
{
	double rate;

	return status_number(
		   json_object_get(document, when), "inter_environment_octets_per_s", &rate)
		   ? rate
		   : NAN;
}

/* "site-1/hostA", "site-1" */
static const char *format_place(const json_t *place, char *out, size_t size)
{
	const char *environment = status_text(place, "environment"),
		   *host = status_text(place, "host");

	snprintf(
	    out, size, "%.64s%s%.64s", environment, environment[0] && host[0] ? "/" : "", host);
	return out[0] != '\0' ? out : "?";
}

static void add_hazards(struct plugin *plugin, struct plugin_check *check, const json_t *move)
{
	const json_t *hazards = json_object_get(move, "hazards"), *hazard;
	size_t i;

	json_array_foreach(hazards, i, hazard)
	{
		if (i == MOVES_SHOWN)
			break;
		plugin_add_check(plugin, check, PLUGIN_OK, "hazard %.32s (%.32s): %.300s",
		    status_text(hazard, "kind"), status_text(hazard, "state"),
		    status_text(hazard, "text"));
	}
}

static void add_moves(struct plugin *plugin, struct plugin_check *check, const json_t *moves)
{
	const json_t *move;
	size_t i;

	json_array_foreach(moves, i, move)
	{
		const json_t *vm = json_object_get(move, "vm");
		const char *name = status_text(vm, "name"), *why = status_text(move, "why");
		char from[160], to[160];

		if (i == MOVES_SHOWN) {
			plugin_add_check(plugin, check, PLUGIN_WARNING, "and %zu more moves",
			    json_array_size(moves) - i);
			return;
		}
		add_hazards(plugin,
		    plugin_add_check(plugin, check, PLUGIN_WARNING, "%zu. %.64s: %s -> %s%s%.250s",
			i + 1, name[0] != '\0' ? name : status_text(vm, "id"),
			format_place(json_object_get(move, "from"), from, sizeof from),
			format_place(json_object_get(move, "to"), to, sizeof to),
			why[0] != '\0' ? ": " : "", why),
		    move);
	}
}

static void judge_document(struct plugin *plugin, const json_t *document, int64_t now_s)
{
	const json_t *moves = json_object_get(document, "moves");
	const char *id = status_text(document, "id"), *state = status_text(document, "state");
	const double before = rate_of(document, "before"), after = rate_of(document, "after");
	const size_t nmoves = json_array_size(moves);
	char text_before[MODE_TEXT_SIZE], text_after[MODE_TEXT_SIZE];
	int64_t expires;

	if (!json_is_array(moves) || state[0] == '\0') {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "the manager's recommendation has no list of moves or no state");
		return;
	}
	if (nmoves == 0 || strcmp(state, "pending") != 0) {
		plugin_set_count(plugin, MOVES, 0);
		plugin_add_check(plugin, NULL, PLUGIN_OK,
		    "no recommendation is pending (%.*s is %.32s)", ID_SHOWN, id,
		    nmoves == 0 ? "without moves" : state);
		return;
	}
	if (status_integer(document, "expires", &expires) && expires > 0 && expires < now_s) {
		plugin_set_count(plugin, MOVES, 0);
		plugin_add_check(plugin, NULL, PLUGIN_OK,
		    "no recommendation is pending (%.*s has expired)", ID_SHOWN, id);
		return;
	}
	plugin_set_count(plugin, MOVES, nmoves);
	plugin_set_value(plugin, INTER_BEFORE, before);
	plugin_set_value(plugin, INTER_AFTER, after);
	add_moves(plugin,
	    plugin_add_check(plugin, NULL, PLUGIN_WARNING,
		"%zu move%s pending, inter-site %s -> %s, id %.*s", nmoves, nmoves == 1 ? "" : "s",
		mode_format_rate(before, text_before), mode_format_rate(after, text_after),
		ID_SHOWN, id),
	    moves);
}

static void judge_input(
    struct plugin *plugin, const struct options *options, const json_t *input, int64_t now_s)
{
	const char *state = status_text(input, "state"), *error = status_text(input, "error");
	int64_t to = 0;

	if (strcmp(state, "ok") != 0) {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "the manager's input is %.32s%s%.300s", state[0] != '\0' ? state : "not told",
		    error[0] != '\0' ? ": " : "", error);
		if (!status_integer(input, "to", &to) || to == 0)
			return;
	} else if (!status_integer(input, "to", &to) || to == 0) {
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the manager has seen no period yet");
		return;
	}
	mode_judge_age(plugin, options, INPUT_AGE, "the manager's input", now_s - to, AGE_WARNING_S,
	    AGE_CRITICAL_S);
}

/* Receivers that fail: who waits for the advice does not get it. */
static void judge_posting(struct plugin *plugin, const json_t *publish)
{
	const struct mode_receivers sums = mode_judge_receivers(plugin, publish);

	if (sums.told)
		plugin_set_count(plugin, POSTS_WAITING, sums.waiting);
}

static void judge(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s)
{
	const json_t *document = json_object_get(data, "recommendation");

	if (json_is_object(document)) {
		judge_document(plugin, document, now_s);
	} else if (json_is_null(document)) {
		plugin_set_count(plugin, MOVES, 0);
		plugin_add_check(plugin, NULL, PLUGIN_OK, "no recommendation is pending");
	} else {
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the manager does not tell its recommendation");
	}
	judge_input(plugin, options, json_object_get(data, "input"), now_s);
	judge_posting(plugin, json_object_get(data, "publish"));
	plugin_set_summary(plugin, "no recommendation is pending");
}

const struct mode mode_recommendation = {
    .name = "recommendation",
    .text = "WARNING while moves are pending",
    .limits = "age of the manager's input in seconds; 900 and 3600",
    .source = MODE_MANAGER,
    .metrics = metrics,
    .nmetrics = METRICS,
    .judge = judge,
};
