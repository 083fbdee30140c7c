/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode archive: do the archives take what comes in, and how far do they follow? The age is that of
 * the newest period that any archive has, since the collector's start.
 */
#include "nagios/mode.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <string.h>

/* A period is written up to ten minutes after its end while an agent is missing. */
#define AGE_WARNING_S 900
#define AGE_CRITICAL_S 3600

enum { AGE, QUEUE, FAILURES, LOST, METRICS };
static const struct plugin_metric metrics[METRICS] = {
    [AGE] = {"age", "s", true},
    [QUEUE] = {"queue", "", true},
    [FAILURES] = {"failures", "c", true},
    [LOST] = {"lost", "c", true},
};

/* Returns whether the archives tell their state. */
static bool judge_state(struct plugin *plugin, const json_t *archive)
{
	const char *state = status_text(archive, "state"), *error = status_text(archive, "error");

	if (strcmp(state, "ok") == 0) {
		plugin_add_check(plugin, NULL, PLUGIN_OK, "the archives in %.200s are written",
		    status_text(archive, "folder"));
		return true;
	}
	if (strcmp(state, "failing") == 0) {
		plugin_add_check(plugin, NULL, PLUGIN_CRITICAL, "archives fail: %.300s",
		    error[0] != '\0' ? error : "no reason given");
		return true;
	}
	plugin_add_check(
	    plugin, NULL, PLUGIN_UNKNOWN, "the collector does not tell how its archives are");
	return false;
}

/* Nothing was written since the start: too early, or without anything to write, that is no fault.
 */
static void judge_nothing(struct plugin *plugin, const struct options *options, const json_t *data,
    int64_t now_s, int64_t queue)
{
	int64_t started = 0, vms = 0;

	if (!status_integer(data, "started", &started) || started == 0)
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "nothing was archived, and the collector does not tell since when");
	else if (status_integer(data, "vms", &vms) && vms == 0 && queue == 0)
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "nothing was archived: the collector sees no VMs");
	else if (mode_judge_age(plugin, options, AGE, "nothing was archived, and the collector",
		     now_s - started, AGE_WARNING_S, AGE_CRITICAL_S) == PLUGIN_OK)
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "nothing was archived yet since the start");
}

static void judge(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s)
{
	const json_t *archive = json_object_get(data, "archive");
	int64_t queue = 0, failures, lost, written = 0;

	if (status_integer(archive, "queue", &queue))
		plugin_set_count(plugin, QUEUE, (uint64_t)queue);
	if (status_integer(archive, "failures", &failures))
		plugin_set_count(plugin, FAILURES, (uint64_t)failures);
	if (status_integer(archive, "lost", &lost))
		plugin_set_count(plugin, LOST, (uint64_t)lost);
	if (!judge_state(plugin, archive))
		return;
	if (!status_integer(archive, "written_end", &written))
		plugin_add_check(plugin, NULL, PLUGIN_UNKNOWN,
		    "the collector does not tell its newest archived period");
	else if (written > 0)
		mode_judge_age(plugin, options, AGE, "the newest archived period", now_s - written,
		    AGE_WARNING_S, AGE_CRITICAL_S);
	else
		judge_nothing(plugin, options, data, now_s, queue);
	plugin_set_summary(plugin, "newest archived period %" PRId64 " s old, %" PRId64 " waiting",
	    now_s > written ? now_s - written : 0, queue);
}

const struct mode mode_archive = {
    .name = "archive",
    .text = "whether the archives are written and follow",
    .limits = "age of the newest archived period in seconds; 900 and 3600",
    .metrics = metrics,
    .nmetrics = METRICS,
    .source = MODE_COLLECTOR,
    .judge = judge,
};
