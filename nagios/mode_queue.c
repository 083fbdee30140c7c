/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mode queue: does what the manager publishes get out? How much waits, which receivers fail.
 */
#include "nagios/mode.h"
#include "nagios/status.h"

#include <inttypes.h>
#include <string.h>

/* Of at most 64 documents that wait for one webhook. */
#define WAITING_WARNING 10
#define WAITING_CRITICAL 50

enum { WAITING, DELIVERED, REFUSED, DROPPED, DELIVERED_AGE, RECEIVERS, FAILING, METRICS };
static const struct plugin_metric metrics[METRICS] = {
    [WAITING] = {"waiting", "", true},
    [DELIVERED] = {"delivered", "c", true},
    [REFUSED] = {"refused", "c", true},
    [DROPPED] = {"dropped", "c", true},
    [DELIVERED_AGE] = {"delivered_age", "s", true},
    [RECEIVERS] = {"receivers", "", true},
    [FAILING] = {"failing", "", true},
};

/* The lists of receivers in "publish". */
static const struct {
	const char *key, *kind;
} lists[] = {{"webhooks", "webhook"}, {"dashboards", "dashboard"}};

static void judge_receiver(
    struct plugin *plugin, const char *kind, const json_t *receiver, struct mode_receivers *sums)
{
	const char *name = status_text(receiver, "name"), *error = status_text(receiver, "error");
	int64_t waiting = 0;

	sums->count++;
	if (status_integer(receiver, "waiting", &waiting))
		sums->waiting += (uint64_t)waiting;
	if (error[0] == '\0') {
		plugin_add_check(plugin, NULL, PLUGIN_OK, "%s %.64s takes posts", kind, name);
		return;
	}
	sums->failing++;
	plugin_add_check(plugin,
	    plugin_add_check(
		plugin, NULL, PLUGIN_WARNING, "%s %.64s fails: %.300s", kind, name, error),
	    PLUGIN_WARNING, "%" PRId64 " wait for it", waiting);
}

struct mode_receivers mode_judge_receivers(struct plugin *plugin, const json_t *publish)
{
	struct mode_receivers sums = {0};
	const json_t *receiver;
	int64_t waiting = 0;
	size_t i;

	for (size_t list = 0; list < sizeof lists / sizeof *lists; list++)
		json_array_foreach(json_object_get(publish, lists[list].key), i, receiver)
		    judge_receiver(plugin, lists[list].kind, receiver, &sums);
	sums.told = status_integer(publish, "waiting", &waiting);
	if (sums.waiting < (uint64_t)waiting)
		sums.waiting = (uint64_t)waiting;
	return sums;
}

static void set_counts(struct plugin *plugin, const json_t *publish, int64_t now_s)
{
	static const struct {
		const char *key;
		size_t metric;
	} counts[] = {{"delivered", DELIVERED}, {"refused", REFUSED}, {"dropped", DROPPED}};
	int64_t value;

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (status_integer(publish, counts[i].key, &value))
			plugin_set_count(plugin, counts[i].metric, (uint64_t)value);
	if (status_integer(publish, "delivered_time", &value) && value > 0)
		plugin_set_count(
		    plugin, DELIVERED_AGE, now_s > value ? (uint64_t)(now_s - value) : 0);
}

static void judge(
    struct plugin *plugin, const struct options *options, const json_t *data, int64_t now_s)
{
	const json_t *publish = json_object_get(data, "publish");
	struct range warning, critical;
	struct mode_receivers sums;

	mode_set_limits(
	    plugin, options, WAITING, WAITING_WARNING, WAITING_CRITICAL, &warning, &critical);
	sums = mode_judge_receivers(plugin, publish);
	if (!sums.told) {
		plugin_add_check(
		    plugin, NULL, PLUGIN_UNKNOWN, "the manager does not tell what waits");
		return;
	}
	set_counts(plugin, publish, now_s);
	plugin_set_count(plugin, WAITING, sums.waiting);
	plugin_set_count(plugin, RECEIVERS, sums.count);
	plugin_set_count(plugin, FAILING, sums.failing);
	plugin_add_check(plugin, NULL, plugin_judge((double)sums.waiting, &warning, &critical),
	    "%" PRIu64 " post%s waiting", sums.waiting, sums.waiting == 1 ? "" : "s");
	if (sums.count == 0)
		plugin_set_summary(plugin, "nothing is posted: the manager has no receivers");
	else
		plugin_set_summary(plugin, "%" PRIu64 " post%s waiting for %zu receiver%s",
		    sums.waiting, sums.waiting == 1 ? "" : "s", sums.count,
		    sums.count == 1 ? "" : "s");
}

const struct mode mode_queue = {
    .name = "queue",
    .text = "what the manager publishes: waiting posts, receivers that fail",
    .limits = "posts that wait; 10 and 50",
    .metrics = metrics,
    .nmetrics = METRICS,
    .source = MODE_MANAGER,
    .judge = judge,
};
