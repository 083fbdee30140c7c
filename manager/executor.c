/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/executor.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_S 1 /* between two looks for the stop file, while something is under way */

/* A move under way. */
struct flight {
	struct executor *executor;
	size_t move;
	struct cloud_job *job; /* NULL: none */
};

struct executor {
	struct event_base *base; /* not owned */
	struct executor_options options;
	struct cloud **clouds;
	const char **names; /* of the clouds, NULL-terminated */
	size_t nclouds;
	struct execution execution;
	struct flight *flights; /* one for each move */
	struct event *look, *advance;
	char *path;
	struct log_complaint store_fault;
};

static int64_t now_s(void)
{
	return clock_wall_ns() / CLOCK_SECOND_NS;
}

/* ---- what is remembered ---- */

static void store(struct executor *executor)
{
	json_t *document = execution_json(&executor->execution);
	char *text = document != NULL ? json_dumps(document, JSON_INDENT(1)) : NULL;
	const int rc =
	    text != NULL ? file_replace(executor->path, text, strlen(text), 0640) : GRAPPE_EMEMORY;

	if (rc != GRAPPE_OK)
		log_complain(&executor->store_fault,
		    "%s: what is carried out cannot be stored: %s; a restart would lose sight of "
		    "it",
		    executor->path, error_text(rc));
	else
		log_recovered(&executor->store_fault, "%s: stored again", executor->path);
	free(text);
	json_decref(document);
}

static void tell(struct executor *executor, size_t move)
{
	store(executor);
	executor->options.changed(&executor->execution, move, executor->options.context);
}

/* ---- moves under way ---- */

static void advance_soon(struct executor *executor)
{
	const struct timeval now = {0, 0};

	event_add(executor->advance, &now);
}

static void on_accepted(const char *handle, void *context)
{
	struct flight *flight = context;

	execution_accept(&flight->executor->execution, flight->move, handle);
	tell(flight->executor, flight->move);
}

static void on_ended(const struct cloud_result *result, void *context)
{
	struct flight *flight = context;
	struct executor *executor = flight->executor;

	flight->job = NULL;
	execution_end(&executor->execution, flight->move, result, now_s());
	tell(executor, flight->move);
	advance_soon(executor);
}

static struct cloud *find_cloud(const struct executor *executor, const char *name)
{
	for (size_t i = 0; i < executor->nclouds; i++)
		if (strcmp(executor->names[i], name) == 0)
			return executor->clouds[i];
	return NULL;
}

static void end_at_once(
    struct executor *executor, size_t move, enum cloud_outcome outcome, const char *text)
{
	struct cloud_result result = {.outcome = outcome};

	snprintf(result.text, sizeof result.text, "%s", text);
	execution_end(&executor->execution, move, &result, now_s());
	tell(executor, move);
}

/* Stored first: what was ordered must not be forgotten, and nothing may be ordered twice. */
static void order(struct executor *executor, size_t move)
{
	struct flight *flight = &executor->flights[move];
	const struct execution_move *it = &executor->execution.moves[move];
	const struct cloud_move_events events = {on_accepted, on_ended, flight};
	struct cloud *cloud = find_cloud(executor, it->cloud);

	execution_order(&executor->execution, move, now_s());
	tell(executor, move);
	if (cloud == NULL)
		end_at_once(executor, move, CLOUD_FAILED, "its cloud is not configured");
	else if (cloud_move(cloud, &it->order, &events, &flight->job) != GRAPPE_OK)
		end_at_once(executor, move, CLOUD_FAILED, error_text(GRAPPE_EMEMORY));
}

bool executor_is_stopped(const struct executor *executor)
{
	return executor->options.stop_file[0] != '\0' &&
	       access(executor->options.stop_file, F_OK) == 0;
}

static void call_off(struct executor *executor)
{
	log_warning("%s exists: nothing more is moved", executor->options.stop_file);
	execution_stop(&executor->execution, now_s());
	for (size_t i = 0; i < executor->execution.nmoves; i++)
		if (executor->flights[i].job != NULL)
			cloud_abort(executor->flights[i].job);
}

static void look_again(struct executor *executor)
{
	const struct timeval delay = {LOOK_S, 0};

	if (executor_busy(executor))
		event_add(executor->look, &delay);
}

static void advance(struct executor *executor)
{
	struct execution *execution = &executor->execution;
	const bool was_over = execution_is_over(execution);
	size_t move;

	if (!was_over && execution->state == EXECUTION_RUNNING && executor_is_stopped(executor))
		call_off(executor);
	while (
	    (move = execution_next(execution, executor->options.moves_per_host)) != EXECUTION_NONE)
		order(executor, move);
	execution_settle(execution, now_s());
	if (!was_over && execution_is_over(execution))
		tell(executor, EXECUTION_NONE);
	look_again(executor);
}

static void on_advance(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	advance(context);
}

/* ---- beginning ---- */

static int take_flights(struct executor *executor)
{
	free(executor->flights);
	executor->flights = calloc(executor->execution.nmoves + 1, sizeof *executor->flights);
	if (executor->flights == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < executor->execution.nmoves; i++)
		executor->flights[i] = (struct flight){.executor = executor, .move = i};
	return GRAPPE_OK;
}

int executor_begin(
    struct executor *executor, const json_t *document, const struct environments *environments)
{
	struct execution fresh;
	size_t possible;
	int rc;

	if (executor_busy(executor))
		return GRAPPE_EEXISTS;
	if (executor_is_stopped(executor))
		return GRAPPE_EINVALID;
	rc = execution_plan(document, environments, executor->names, now_s(), &fresh);
	if (rc != GRAPPE_OK)
		return rc;
	execution_deinit(&executor->execution);
	executor->execution = fresh;
	rc = take_flights(executor);
	if (rc != GRAPPE_OK) {
		execution_deinit(&executor->execution);
		return rc;
	}
	possible = execution_count(&fresh, MOVE_WAITING);
	if (possible == 0)
		execution_settle(&executor->execution, now_s());
	tell(executor, EXECUTION_NONE);
	if (possible == 0)
		return GRAPPE_ENOTFOUND;
	advance_soon(executor);
	return GRAPPE_OK;
}

struct cloud *const *executor_clouds(const struct executor *executor, size_t *count)
{
	*count = executor->nclouds;
	return executor->clouds;
}

bool executor_busy(const struct executor *executor)
{
	return !execution_is_over(&executor->execution);
}

const struct execution *executor_execution(const struct executor *executor)
{
	return &executor->execution;
}

/* ---- after a restart ---- */

static void resume(struct executor *executor, size_t move)
{
	struct flight *flight = &executor->flights[move];
	const struct execution_move *it = &executor->execution.moves[move];
	const struct cloud_move_events events = {on_accepted, on_ended, flight};
	struct cloud *cloud = find_cloud(executor, it->cloud);

	if (it->handle[0] == '\0')
		end_at_once(executor, move, CLOUD_LOST,
		    "the manager ended before the API had said that it took the order");
	else if (cloud == NULL)
		end_at_once(executor, move, CLOUD_LOST, "its cloud is not configured any more");
	else if (cloud_resume(cloud, &it->order, it->handle, &events, &flight->job) != GRAPPE_OK)
		end_at_once(executor, move, CLOUD_LOST, error_text(GRAPPE_EMEMORY));
}

static void go_on(struct executor *executor)
{
	if (!executor_busy(executor))
		return;
	log_info("recommendation %s is still being carried out", executor->execution.id);
	for (size_t i = 0; i < executor->execution.nmoves; i++)
		if (executor->execution.moves[i].state == MOVE_ORDERED)
			resume(executor, i);
	advance_soon(executor);
}

/* ---- life-cycle ---- */

static int open_clouds(struct executor *executor)
{
	const struct cloud_settings *all = executor->options.clouds->items;
	const size_t count = executor->options.clouds->count;

	executor->clouds = calloc(count + 1, sizeof *executor->clouds);
	executor->names = calloc(count + 1, sizeof *executor->names);
	if (executor->clouds == NULL || executor->names == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count; i++) {
		if (cloud_new(executor->base, &all[i], &executor->clouds[i]) != GRAPPE_OK)
			return GRAPPE_EMEMORY;
		executor->names[i] = all[i].title;
		executor->nclouds++;
	}
	return GRAPPE_OK;
}

static int open_parts(struct executor *executor, char *message, size_t size)
{
	int rc;

	executor->look = evtimer_new(executor->base, on_advance, executor);
	executor->advance = evtimer_new(executor->base, on_advance, executor);
	if (executor->look == NULL || executor->advance == NULL ||
	    asprintf(&executor->path, "%s/execution.json", executor->options.folder) < 0) {
		executor->path = NULL;
		rc = GRAPPE_EMEMORY;
	} else {
		rc = open_clouds(executor);
	}
	snprintf(message, size, "%s", error_text(rc));
	if (rc == GRAPPE_OK)
		rc = execution_load(executor->path, &executor->execution, message, size);
	return rc == GRAPPE_OK ? take_flights(executor) : rc;
}

int executor_new(struct event_base *base, const struct executor_options *options,
    struct executor **out, char *message, size_t size)
{
	struct executor *executor = calloc(1, sizeof *executor);
	int rc;

	*out = NULL;
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	if (executor == NULL)
		return GRAPPE_EMEMORY;
	executor->base = base;
	executor->options = *options;
	rc = open_parts(executor, message, size);
	if (rc != GRAPPE_OK) {
		executor_free(executor);
		return rc;
	}
	go_on(executor);
	*out = executor;
	return GRAPPE_OK;
}

void executor_free(struct executor *executor)
{
	if (executor == NULL)
		return;
	for (size_t i = 0; i < executor->nclouds; i++)
		cloud_free(executor->clouds[i]);
	if (executor->look != NULL)
		event_free(executor->look);
	if (executor->advance != NULL)
		event_free(executor->advance);
	execution_deinit(&executor->execution);
	free(executor->clouds);
	free(executor->names);
	free(executor->flights);
	free(executor->path);
	free(executor);
}
