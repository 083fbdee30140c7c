/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cloud_watch.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "manager/cloud_kind.h"
#include "manager/cloud_survey.h"
#include "manager/environment_feed.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of one cloud. */
struct sight {
	struct cloud *cloud; /* not owned */
	struct cloud_survey survey;
	int64_t surveyed_s; /* 0: never */
	char error[CLOUD_TEXT_SIZE];
	bool silent; /* as configured it has nothing to tell */
	struct log_complaint complaint;
};

struct cloud_watch {
	struct sight *sights;
	size_t count;
	int64_t refresh_ms;
	struct event *timer;
};

/* ---- surveys ---- */

/* A copy by way of its document, so that its limits hold once more. */
static int copy(const struct cloud_survey *survey, struct cloud_survey *out, char *why, size_t size)
{
	json_t *document = cloud_survey_json(survey);
	char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
	int rc = GRAPPE_EMEMORY;

	snprintf(why, size, "%s", error_text(rc));
	if (text != NULL)
		rc = cloud_survey_parse(text, strlen(text), out, why, size);
	free(text);
	json_decref(document);
	return rc;
}

static void on_surveyed(const struct cloud_survey *survey, const char *error, void *context)
{
	struct sight *sight = context;
	struct cloud_survey fresh;
	char why[300];

	if (survey == NULL)
		snprintf(why, sizeof why, "%.290s", error);
	else if (copy(survey, &fresh, why, sizeof why) == GRAPPE_OK) {
		cloud_survey_deinit(&sight->survey);
		sight->survey = fresh;
		sight->surveyed_s = clock_wall_ns() / CLOCK_SECOND_NS;
		sight->error[0] = '\0';
		log_recovered(&sight->complaint, "cloud %s: it tells its hosts and VMs again",
		    cloud_title(sight->cloud));
		return;
	}
	snprintf(sight->error, sizeof sight->error, "%s", why);
	log_complain(&sight->complaint, "cloud %s: its hosts and VMs are not told: %s%s",
	    cloud_title(sight->cloud), why, sight->surveyed_s != 0 ? "; what was known stays" : "");
}

static void look(struct cloud_watch *watch)
{
	const struct timeval delay = {watch->refresh_ms / 1000, watch->refresh_ms % 1000 * 1000};

	for (size_t i = 0; i < watch->count; i++) {
		struct sight *sight = &watch->sights[i];
		const int rc = cloud_survey(sight->cloud, on_surveyed, sight);

		sight->silent = rc == GRAPPE_ENOTFOUND;
		if (rc != GRAPPE_OK && rc != GRAPPE_EEXISTS && rc != GRAPPE_ENOTFOUND)
			snprintf(sight->error, sizeof sight->error, "no survey begins: %s",
			    error_text(rc));
	}
	event_add(watch->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	look(context);
}

/* ---- life-cycle ---- */

int cloud_watch_new(struct event_base *base, struct cloud *const *clouds, size_t count,
    int64_t refresh_ms, struct cloud_watch **out)
{
	struct cloud_watch *watch = calloc(1, sizeof *watch);

	*out = NULL;
	if (watch == NULL)
		return GRAPPE_EMEMORY;
	watch->refresh_ms = refresh_ms;
	watch->sights = calloc(count + 1, sizeof *watch->sights);
	watch->timer = evtimer_new(base, on_timer, watch);
	if (watch->sights == NULL || watch->timer == NULL) {
		cloud_watch_free(watch);
		return GRAPPE_EMEMORY;
	}
	watch->count = count;
	for (size_t i = 0; i < count; i++)
		watch->sights[i] = (struct sight){.cloud = clouds[i]};
	*out = watch;
	return GRAPPE_OK;
}

void cloud_watch_start(struct cloud_watch *watch)
{
	if (watch->count > 0)
		look(watch);
}

void cloud_watch_free(struct cloud_watch *watch)
{
	if (watch == NULL)
		return;
	for (size_t i = 0; i < watch->count; i++)
		cloud_survey_deinit(&watch->sights[i].survey);
	if (watch->timer != NULL)
		event_free(watch->timer);
	free(watch->sights);
	free(watch);
}

/* ---- for plans ---- */

static int feed(const struct sight *sight, json_t *document, json_t *places)
{
	const char *cloud = cloud_title(sight->cloud);
	int rc = environment_feed(document, cloud, &sight->survey);

	return rc == GRAPPE_OK ? environment_feed_places(document, cloud, &sight->survey, places)
			       : rc;
}

char *cloud_watch_feed(
    const struct cloud_watch *watch, const char *text, size_t length, json_t **places)
{
	json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	char *fed = NULL;
	int rc = GRAPPE_OK;

	*places = json_array();
	for (size_t i = 0; document != NULL && rc == GRAPPE_OK && i < watch->count; i++)
		if (watch->sights[i].surveyed_s != 0)
			rc = feed(&watch->sights[i], document, *places);
	if (rc == GRAPPE_OK)
		fed = document != NULL ? json_dumps(document, JSON_COMPACT) : strndup(text, length);
	json_decref(document);
	return fed;
}

json_t *cloud_watch_json(const struct cloud_watch *watch)
{
	json_t *list = json_array();

	for (size_t i = 0; i < watch->count; i++) {
		const struct sight *sight = &watch->sights[i];

		json_array_append_new(
		    list, json_pack("{s:s, s:I, s:b, s:I, s:I, s:s}", "name",
			      cloud_title(sight->cloud), "surveyed", (json_int_t)sight->surveyed_s,
			      "silent", sight->silent, "hosts", (json_int_t)sight->survey.nhosts,
			      "vms", (json_int_t)sight->survey.nvms, "error", sight->error));
	}
	return list;
}
