/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode collector: do all agents answer, is the newest period recent, do the archives take what comes in?
 */
#include "common/clock.h"
#include "nagios/mode.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <string.h>

#define LENGTH_DEFAULT_S 30
#define LENGTH_MAX_S 86400
/* Default thresholds, in periods: the newest one is up to a period and the polling time old. */
#define AGE_WARNING_PERIODS 4
#define AGE_CRITICAL_PERIODS 10

enum {
	AGE, AGENTS_UP, AGENTS_TOTAL, COMPLETE, VMS, PAIRS, ARCHIVE_QUEUE, ARCHIVE_FAILURES, METRICS
};
static const struct plugin_metric metrics[METRICS] = {
    [AGE] = {"age", "s", true},
    [AGENTS_UP] = {"agents_up", "", true},
    [AGENTS_TOTAL] = {"agents_total", "", true},
    [COMPLETE] = {"complete", "", true},
    [VMS] = {"vms", "", true},
    [PAIRS] = {"pairs", "", true},
    [ARCHIVE_QUEUE] = {"archive_queue", "", true},
    [ARCHIVE_FAILURES] = {"archive_failures", "c", true},
};

/* Members that are shown as they are. */
static void set_counts(struct plugin *plugin, const json_t *data)
{
	static const struct {
		const char *section, *key;
		size_t metric;
	} counts[] = {
	    {NULL, "agents_up", AGENTS_UP},
	    {NULL, "agents_total", AGENTS_TOTAL},
	    {NULL, "vms", VMS},
	    {NULL, "pairs", PAIRS},
	    {"archive", "queue", ARCHIVE_QUEUE},
	    {"archive", "failures", ARCHIVE_FAILURES},
	};
	int64_t value;

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		const json_t *object =
		    counts[i].section != NULL ? json_object_get(data, counts[i].section) : data;

		if (status_integer(object, counts[i].key, &value))
			plugin_set_count(plugin, counts[i].metric, (uint64_t)value);
	}
}

static int64_t length_of(const json_t *data)
{
	int64_t length;

	if (!status_integer(data, "length", &length) || length == 0 || length > LENGTH_MAX_S)
		return LENGTH_DEFAULT_S;
	return length;
}

struct tally {
	size_t up, down, fresh, total;
	char names[128]; /* of the first ones that are down */
};

static void count_agent(struct tally *tally, const json_t *agent)
{
	const char *state = status_text(agent, "state");
	const size_t length = strlen(tally->names);

	tally->total++;
	if (strcmp(state, "up") == 0) {
		tally->up++;
	} else if (strcmp(state, "new") == 0) {
		tally->fresh++;
	} else {
		tally->down++;
		if (length < 24)
			snprintf(tally->names + length, sizeof tally->names - length, "%s%.64s",
			    length > 0 ? " " : "", status_text(agent, "name"));
		else if (tally->names[length - 1] != '.')
			snprintf(tally->names + length, sizeof tally->names - length, " ...");
	}
}

static enum plugin_state agent_state(const char *state)
{
	if (strcmp(state, "up") == 0)
		return PLUGIN_OK;
	return strcmp(state, "new") == 0 ? PLUGIN_UNKNOWN : PLUGIN_WARNING;
}

static struct plugin_check *add_agents_check(struct plugin *plugin, const struct tally *tally)
{
	if (tally->total == 0)
		return plugin_add_check(plugin, NULL, PLUGIN_WARNING, "the collector has no agents");
	if (tally->down == tally->total)
		return plugin_add_check(plugin, NULL, PLUGIN_CRITICAL, "all %zu agents are down", tally->total);
	if (tally->down > 0)
		return plugin_add_check(plugin, NULL, PLUGIN_WARNING, "%zu of %zu agents down: %s",
		    tally->down, tally->total, tally->names);
	if (tally->fresh > 0)
		return plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "%zu of %zu agents not asked yet",
		    tally->fresh, tally->total);
	return plugin_add_check(plugin, NULL, PLUGIN_OK, "all %zu agents are up", tally->total);
}

static void judge_agents(struct plugin *plugin, const json_t *agents)
{
	struct tally tally = {0};
	struct plugin_check *check;
	const json_t *agent;
	size_t i;

	if (!json_is_array(agents)) {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "the collector does not tell its agents");
		return;
	}
	json_array_foreach(agents, i, agent) count_agent(&tally, agent);
	check = add_agents_check(plugin, &tally);
	json_array_foreach(agents, i, agent)
	{
		const char *state = status_text(agent, "state"), *error = status_text(agent, "error");

		plugin_add_check(plugin, check,
		    tally.down == tally.total ? PLUGIN_CRITICAL : agent_state(state),
		    "agent %.64s (%.64s) is %.16s%s%.250s", status_text(agent, "name"),
		    status_text(agent, "address"), state[0] != '\0' ? state : "in no state",
		    error[0] != '\0' ? ": " : "", error);
	}
}

static void judge_periods(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s)
{
	const int64_t length = length_of(data);
	const json_t *complete = json_object_get(data, "newest_complete");
	int64_t end, started;

	if (json_is_boolean(complete)) {
		plugin_set_count(plugin, COMPLETE, json_is_true(complete));
		plugin_add_check(plugin, NULL, PLUGIN_OK, "the newest period is %s",
		    json_is_true(complete) ? "complete" : "not complete: not every agent delivered it");
	}
	if (!status_integer(data, "newest_end", &end)) {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "the collector does not tell its newest period");
	} else if (end > 0) {
		mode_judge_age(plugin, options, AGE, "the newest period", now_s - end,
		    AGE_WARNING_PERIODS * length, AGE_CRITICAL_PERIODS * length);
	} else if (status_integer(data, "started", &started) &&
	    now_s - started < AGE_CRITICAL_PERIODS * length) {
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "the collector has no period yet, it just started");
	} else {
		plugin_add_check(plugin, NULL, PLUGIN_CRITICAL, "the collector has no period at all");
	}
}

static void judge_archive(struct plugin *plugin, const json_t *archive)
{
	const char *state = status_text(archive, "state"), *error = status_text(archive, "error");

	if (strcmp(state, "ok") == 0)
		plugin_add_check(plugin, NULL, PLUGIN_OK, "the archives in %.200s are written",
		    status_text(archive, "folder"));
	else if (strcmp(state, "failing") == 0)
		plugin_add_check(plugin, NULL, PLUGIN_CRITICAL, "archives fail: %.300s",
		    error[0] != '\0' ? error : "no reason given");
	else
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN, "the collector does not tell how its archives are");
}

void mode_judge_collector(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s)
{
	int64_t end = 0, up = 0;

	set_counts(plugin, data);
	judge_agents(plugin, json_object_get(data, "agents"));
	judge_periods(plugin, options, data, now_s);
	judge_archive(plugin, json_object_get(data, "archive"));
	status_integer(data, "agents_up", &up);
	status_integer(data, "newest_end", &end);
	plugin_set_summary(plugin, "%" PRId64 " agents up, newest period %" PRId64 " s old", up,
	    now_s > end ? now_s - end : 0);
}

static void run(struct plugin *plugin, const struct options *options)
{
	struct protocol_reply reply;
	const char *path = options->socket != NULL ? options->socket : GRAPPE_RUNDIR "/collector.sock";
	const json_t *data = status_ask(plugin, options, "the collector", path, &reply);

	if (data != NULL)
		mode_judge_collector(plugin, options, data, clock_wall_ns() / CLOCK_SECOND_NS);
	protocol_reply_deinit(&reply);
}

const struct mode mode_collector = {
    .name = "collector",
    .text = "agents, archives and the newest period; thresholds: its age",
    .metrics = metrics,
    .nmetrics = METRICS,
    .run = run,
};
