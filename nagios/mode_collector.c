/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode collector: do all agents answer, is the newest period recent, do the archives take what
 * comes in?
 */
#include "nagios/mode.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <string.h>

/* Default thresholds, in periods: the newest one is up to a period and the polling time old. */
#define AGE_WARNING_PERIODS 4
#define AGE_CRITICAL_PERIODS 10

enum {
	AGE,
	AGENTS_UP,
	AGENTS_TOTAL,
	COMPLETE,
	VMS,
	PAIRS,
	ARCHIVE_QUEUE,
	ARCHIVE_FAILURES,
	METRICS
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

/* What matters about one agent. */
enum agent_kind { AGENT_GOOD, AGENT_FRESH, AGENT_DOWN, AGENT_SILENT, AGENT_KINDS };

/* What an agent is judged against. */
struct scene {
	int64_t now_s;
	int64_t started_s;  /* of the collector; 0 = not told */
	int64_t patience_s; /* how old the newest period of an agent may be */
};

struct tally {
	size_t counts[AGENT_KINDS], total;
	int64_t newest_s; /* newest period of any agent; -1 = no agent tells */
	char names[128];  /* of the first ones that deliver nothing */
};

/* The collector's newest period goes on by the clock; an agent whose sensor has stopped answers,
 * but delivers nothing. */
static bool is_silent(const json_t *agent, const struct scene *scene)
{
	int64_t last_end;

	if (!status_integer(agent, "last_end", &last_end))
		return false;
	if (last_end == 0)
		last_end = scene->started_s;
	return scene->now_s - last_end > scene->patience_s;
}

static enum agent_kind kind_of(const json_t *agent, const struct scene *scene)
{
	const char *state = status_text(agent, "state");

	if (strcmp(state, "up") == 0)
		return is_silent(agent, scene) ? AGENT_SILENT : AGENT_GOOD;
	return strcmp(state, "new") == 0 ? AGENT_FRESH : AGENT_DOWN;
}

static void add_name(struct tally *tally, const char *name)
{
	const size_t length = strlen(tally->names);

	if (length < 24)
		snprintf(tally->names + length, sizeof tally->names - length, "%s%.64s",
		    length > 0 ? " " : "", name);
	else if (tally->names[length - 1] != '.')
		snprintf(tally->names + length, sizeof tally->names - length, " ...");
}

static void count_agent(struct tally *tally, const json_t *agent, const struct scene *scene)
{
	const enum agent_kind kind = kind_of(agent, scene);
	int64_t last_end;

	tally->total++;
	tally->counts[kind]++;
	if (kind == AGENT_DOWN || kind == AGENT_SILENT)
		add_name(tally, status_text(agent, "name"));
	if (status_integer(agent, "last_end", &last_end) && last_end > tally->newest_s)
		tally->newest_s = last_end;
}

static struct plugin_check *add_agents_check(struct plugin *plugin, const struct tally *tally)
{
	const size_t down = tally->counts[AGENT_DOWN], silent = tally->counts[AGENT_SILENT];

	if (tally->total == 0)
		return plugin_add_check(
		    plugin, NULL, PLUGIN_WARNING, "the collector has no agents");
	if (down + silent > 0)
		return plugin_add_check(plugin, NULL,
		    down + silent == tally->total ? PLUGIN_CRITICAL : PLUGIN_WARNING,
		    "%zu of %zu agents %s: %s", down + silent, tally->total,
		    silent == 0 ? "down"
		    : down == 0 ? "silent"
				: "down or silent",
		    tally->names);
	if (tally->counts[AGENT_FRESH] > 0)
		return plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "%zu of %zu agents not asked yet", tally->counts[AGENT_FRESH], tally->total);
	return plugin_add_check(
	    plugin, NULL, PLUGIN_OK, "%zu of %zu agents up", tally->total, tally->total);
}

static void add_agent_check(struct plugin *plugin, struct plugin_check *parent, const json_t *agent,
    enum agent_kind kind, bool all_bad)
{
	static const enum plugin_state states[AGENT_KINDS] = {[AGENT_GOOD] = PLUGIN_OK,
	    [AGENT_FRESH] = PLUGIN_UNKNOWN,
	    [AGENT_DOWN] = PLUGIN_WARNING,
	    [AGENT_SILENT] = PLUGIN_WARNING};
	const char *state = status_text(agent, "state"), *error = status_text(agent, "error");

	plugin_add_check(plugin, parent, all_bad ? PLUGIN_CRITICAL : states[kind],
	    "agent %.64s (%.64s) is %.16s%s%s%.250s", status_text(agent, "name"),
	    status_text(agent, "address"), state[0] != '\0' ? state : "in no state",
	    kind == AGENT_SILENT ? ", but delivers no new periods" : "",
	    error[0] != '\0' ? ": " : "", error);
}

/* Returns the newest period that any agent delivered; -1 when no agent tells. */
static int64_t judge_agents(struct plugin *plugin, const json_t *agents, const struct scene *scene)
{
	struct tally tally = {.newest_s = -1};
	struct plugin_check *check;
	const json_t *agent;
	bool all_bad;
	size_t i;

	if (!json_is_array(agents)) {
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the collector does not tell its agents");
		return -1;
	}
	json_array_foreach(agents, i, agent) count_agent(&tally, agent, scene);
	check = add_agents_check(plugin, &tally);
	all_bad = tally.counts[AGENT_DOWN] + tally.counts[AGENT_SILENT] == tally.total;
	json_array_foreach(agents, i, agent)
	    add_agent_check(plugin, check, agent, kind_of(agent, scene), all_bad);
	return tally.newest_s;
}

static void judge_complete(struct plugin *plugin, const json_t *complete)
{
	if (!json_is_boolean(complete))
		return;
	plugin_set_count(plugin, COMPLETE, json_is_true(complete));
	plugin_add_check(plugin, NULL, PLUGIN_OK, "the newest period is %s",
	    json_is_true(complete) ? "complete" : "not complete: not every agent delivered it");
}

/* newest_s: what agents delivered, -1 when they do not tell. Returns the period that was judged, 0
 * for none. */
static int64_t judge_periods(struct plugin *plugin, const struct options *options,
    const json_t *data, const struct scene *scene, int64_t newest_s)
{
	const int64_t length = mode_length(data);
	int64_t end;

	if (!status_integer(data, "newest_end", &end)) {
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the collector does not tell its newest period");
		return 0;
	}
	if (newest_s >= 0 && newest_s < end)
		end = newest_s;
	if (end > 0)
		mode_judge_age(plugin, options, AGE, "the newest period", scene->now_s - end,
		    AGE_WARNING_PERIODS * length, AGE_CRITICAL_PERIODS * length);
	else if (scene->now_s - scene->started_s < AGE_CRITICAL_PERIODS * length)
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "the collector has no period yet, it just started");
	else
		plugin_add_check(
		    plugin, NULL, PLUGIN_CRITICAL, "the collector has no period at all");
	return end;
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
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "the collector does not tell how its archives are");
}

/* The inventory and the marks of what is stored; without them a restart forgets. */
static void judge_state(struct plugin *plugin, const json_t *state)
{
	if (strcmp(status_text(state, "state"), "failing") == 0)
		plugin_add_check(plugin, NULL, PLUGIN_WARNING,
		    "the collector cannot save its state: %.300s", status_text(state, "error"));
}

static void judge(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s)
{
	struct scene scene = {
	    .now_s = now_s, .patience_s = AGE_WARNING_PERIODS * mode_length(data)};
	int64_t end, up = 0, total = 0;

	status_integer(data, "started", &scene.started_s);
	set_counts(plugin, data);
	end = judge_agents(plugin, json_object_get(data, "agents"), &scene);
	judge_complete(plugin, json_object_get(data, "newest_complete"));
	end = judge_periods(plugin, options, data, &scene, end);
	judge_archive(plugin, json_object_get(data, "archive"));
	judge_state(plugin, json_object_get(data, "state"));
	status_integer(data, "agents_up", &up);
	status_integer(data, "agents_total", &total);
	plugin_set_summary(plugin,
	    "%" PRId64 " of %" PRId64 " agents up, newest period %" PRId64 " s old", up, total,
	    now_s > end ? now_s - end : 0);
}

const struct mode mode_collector = {
    .name = "collector",
    .text = "agents, archives and the newest period",
    .limits = "age of the newest period in seconds; 4 and 10 periods",
    .source = MODE_COLLECTOR,
    .metrics = metrics,
    .nmetrics = METRICS,
    .judge = judge,
};
