/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakes/cloud_run.h"

#include "common/clock.h"
#include "common/error.h"
#include "manager/cloud_survey.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS (20 * CLOCK_SECOND_NS)

static void must(bool so, const char *what)
{
	if (so)
		return;
	fprintf(stderr, "cloud_run: %s\n", what);
	abort();
}

struct cloud_order cloud_run_order(
    const char *vm_id, const char *name, const char *from_host, const char *to_host)
{
	struct cloud_order order = {.from_environment = "site-1", .to_environment = "site-2"};

	snprintf(order.vm_id, sizeof order.vm_id, "%s", vm_id);
	snprintf(order.vm_name, sizeof order.vm_name, "%s", name);
	snprintf(order.from_host, sizeof order.from_host, "%s", from_host);
	snprintf(order.to_host, sizeof order.to_host, "%s", to_host);
	return order;
}

static void on_accepted(const char *handle, void *context)
{
	struct cloud_told *told = context;

	must(told->ended == 0, "accepted after its end");
	snprintf(told->handle, sizeof told->handle, "%s", handle);
}

static void on_ended(const struct cloud_result *result, void *context)
{
	struct cloud_told *told = context;

	told->ended++;
	told->result = *result;
	must(told->ended == 1, "it ended twice");
}

struct cloud_job *cloud_run_start(struct cloud *cloud, const struct cloud_order *order,
    const char *handle, struct cloud_told *told)
{
	const struct cloud_move_events events = {on_accepted, on_ended, told};
	struct cloud_job *job;

	*told = (struct cloud_told){0};
	must((handle == NULL ? cloud_move(cloud, order, &events, &job)
			     : cloud_resume(cloud, order, handle, &events, &job)) == GRAPPE_OK,
	    "no job");
	must(told->ended == 0, "it ended from inside");
	return job;
}

static void turn(struct event_base *base)
{
	const struct timeval step = {0, 20000};

	event_base_loopexit(base, &step);
	event_base_loop(base, EVLOOP_ONCE);
}

void cloud_run_wait(struct event_base *base, struct cloud_told *told)
{
	const int64_t limit = clock_monotonic_ns() + PATIENCE_NS;

	while (told->ended == 0 && clock_monotonic_ns() < limit)
		turn(base);
	must(told->ended == 1, "it does not end");
}

void cloud_run_accepted(struct event_base *base, struct cloud_told *told)
{
	const int64_t limit = clock_monotonic_ns() + PATIENCE_NS;

	while (told->ended == 0 && told->handle[0] == '\0' && clock_monotonic_ns() < limit)
		turn(base);
	must(told->ended == 1 || told->handle[0] != '\0', "it is not accepted");
}

static char *survey_text;

static void on_surveyed(const struct cloud_survey *survey, const char *error, void *context)
{
	json_t *document = survey != NULL ? cloud_survey_json(survey) : NULL;

	*(bool *)context = true;
	if (document != NULL)
		survey_text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(6));
	else
		must(asprintf(&survey_text, "error: %s", error) >= 0, "no memory");
	json_decref(document);
}

const char *cloud_run_survey(struct event_base *base, struct cloud *cloud)
{
	const int64_t limit = clock_monotonic_ns() + PATIENCE_NS;
	bool over = false;

	free(survey_text);
	survey_text = NULL;
	if (cloud_survey(cloud, on_surveyed, &over) != GRAPPE_OK)
		return "error: it does not begin";
	while (!over && clock_monotonic_ns() < limit)
		turn(base);
	must(over, "the survey does not end");
	return survey_text;
}
