/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode drops: which share of the packets did sensors lose in their newest ten periods, as the
 * collector adds them up? Lost are those that a host's kernel dropped before they were counted and
 * those whose pair found no room (overflow). An agent that tells nothing new is unknown, never 0.
 */
#include "nagios/mode.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <string.h>

#define LOST_WARNING_PERCENT 1
#define LOST_CRITICAL_PERCENT 5
#define STALE_PERIODS 14 /* the ten that are added up, and four on their way */

enum { LOST, DROPS, DROPS_PER_S, OVERFLOW_PER_S, UNMATCHED_PER_S, AGENTS_LOSING, METRICS };
static const struct plugin_metric metrics[METRICS] = {
    [LOST] = {"lost", "%", true},
    [DROPS] = {"drops", "c", true},
    [DROPS_PER_S] = {"drops_per_s", "", true},
    [OVERFLOW_PER_S] = {"overflow_per_s", "", true},
    [UNMATCHED_PER_S] = {"unmatched_per_s", "", true},
    [AGENTS_LOSING] = {"agents_losing", "", true},
};

struct scene {
	struct plugin *plugin;
	const struct options *options;
	struct range warning, critical;
	int64_t now_s, length_s;
};

struct loss {
	double packets, drops, other, unmatched; /* per second */
	double percent;
};

struct tally {
	size_t total, unknown, losing; /* agents */
	double drops, other, unmatched;
	double worst; /* percent; -1: of no agent */
	char worst_name[MODE_NAME_SIZE];
};

static bool read_loss(const struct scene *scene, const json_t *agent, struct loss *loss)
{
	const json_t *recent = json_object_get(agent, "recent");
	int64_t periods, last_end, packets, drops, other, unmatched;
	double seconds, lost, all;

	if (!status_integer(recent, "periods", &periods) || periods == 0 ||
	    !status_integer(recent, "packets", &packets) ||
	    !status_integer(recent, "drops", &drops) || !status_integer(recent, "other", &other) ||
	    !status_integer(recent, "unmatched", &unmatched) ||
	    !status_integer(agent, "last_end", &last_end) ||
	    (double)scene->now_s - (double)last_end > (double)(STALE_PERIODS * scene->length_s))
		return false;
	seconds = (double)periods * (double)scene->length_s;
	lost = (double)drops + (double)other + (scene->options->unmatched ? (double)unmatched : 0);
	all = (double)packets + (double)drops + (scene->options->unmatched ? (double)unmatched : 0);
	*loss = (struct loss){.packets = (double)packets / seconds,
	    .drops = (double)drops / seconds,
	    .other = (double)other / seconds,
	    .unmatched = (double)unmatched / seconds,
	    .percent = lost > 0 ? 100 * lost / (all > lost ? all : lost) : 0};
	return true;
}

static void note_worst(struct tally *tally, const json_t *agent, const struct loss *loss)
{
	tally->drops += loss->drops;
	tally->other += loss->other;
	tally->unmatched += loss->unmatched;
	tally->losing += loss->percent > 0;
	if (loss->percent > tally->worst) {
		tally->worst = loss->percent;
		mode_shorten(status_text(agent, "name"), 24, tally->worst_name);
	}
}

/* Checks of single agents stand below one of all. */
static void judge_agent(const struct scene *scene, struct plugin_check *parent, const json_t *agent)
{
	const char *name = status_text(agent, "name");
	struct loss loss;

	if (read_loss(scene, agent, &loss))
		plugin_add_check(scene->plugin, parent,
		    plugin_judge(loss.percent, &scene->warning, &scene->critical),
		    "agent %.64s: %.2f %% lost: %.1f drops, %.1f overflow, %.1f unmatched, %.1f "
		    "counted packets/s",
		    name, loss.percent, loss.drops, loss.other, loss.unmatched, loss.packets);
	else
		plugin_add_check(scene->plugin, parent, PLUGIN_UNKNOWN,
		    "agent %.64s tells nothing new of its packets", name);
}

static void add_checks(struct scene *scene, const struct tally *tally, const json_t *agents)
{
	struct plugin_check *check = NULL;
	const json_t *agent;
	size_t i;

	if (tally->total == 0)
		plugin_add_check(
		    scene->plugin, NULL, PLUGIN_UNKNOWN, "the collector has no agents");
	if (tally->worst >= 0)
		check = plugin_add_check(scene->plugin, NULL,
		    plugin_judge(tally->worst, &scene->warning, &scene->critical),
		    "agent %s loses %.2f %% of its packets", tally->worst_name, tally->worst);
	if (tally->unknown > 0)
		check = plugin_add_check(scene->plugin, NULL, PLUGIN_UNKNOWN,
		    "%zu of %zu agents tell nothing new of their packets", tally->unknown,
		    tally->total);
	json_array_foreach(agents, i, agent) judge_agent(scene, check, agent);
}

static void judge(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s)
{
	struct scene scene = {
	    .plugin = plugin, .options = options, .now_s = now_s, .length_s = mode_length(data)};
	const json_t *agents = json_object_get(data, "agents"), *agent;
	struct tally tally = {.worst = -1};
	int64_t drops;
	size_t i;

	mode_set_limits(plugin, options, LOST, LOST_WARNING_PERCENT, LOST_CRITICAL_PERCENT,
	    &scene.warning, &scene.critical);
	if (status_integer(data, "drops", &drops))
		plugin_set_count(plugin, DROPS, (uint64_t)drops);
	if (!json_is_array(agents)) {
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the collector does not tell its agents");
		return;
	}
	json_array_foreach(agents, i, agent)
	{
		struct loss loss;

		tally.total++;
		if (read_loss(&scene, agent, &loss))
			note_worst(&tally, agent, &loss);
		else
			tally.unknown++;
	}
	add_checks(&scene, &tally, agents);
	if (tally.worst < 0)
		return;
	plugin_set_value(plugin, LOST, tally.worst);
	plugin_set_value(plugin, DROPS_PER_S, tally.drops);
	plugin_set_value(plugin, OVERFLOW_PER_S, tally.other);
	plugin_set_value(plugin, UNMATCHED_PER_S, tally.unmatched);
	plugin_set_count(plugin, AGENTS_LOSING, tally.losing);
	plugin_set_summary(plugin, "%zu of %zu agents lose packets, %.2f %% at worst", tally.losing,
	    tally.total, tally.worst);
}

const struct mode mode_drops = {
    .name = "drops",
    .text = "packets that sensors lost in their newest periods",
    .limits = "percent that the worst agent lost; 1 and 5",
    .metrics = metrics,
    .nmetrics = METRICS,
    .source = MODE_COLLECTOR,
    .judge = judge,
};
