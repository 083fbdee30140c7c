/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/carry.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "manager/cloud_watch.h"
#include "manager/environment.h"
#include "manager/executor.h"
#include "manager/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS_MAX 256   /* VMs that wait for the residence book to be free */
#define EFFECTS_TOLD 10 /* newest effects in the status */

struct carry {
	const struct manager_settings *settings; /* not owned, as the next two */
	struct advisor *advisor;
	struct executor *executor;
	struct follow *follow;
	struct cloud_watch *clouds;
	carry_ended *ended;
	void *context;
	char holds[HOLDS_MAX][OBSERVATION_ID_SIZE]; /* VMs whose move failed */
	size_t nholds;
};

static int64_t now_s(void)
{
	return clock_wall_ns() / CLOCK_SECOND_NS;
}

/* ---- what the executor tells ---- */

static void note_move(
    const struct carry *carry, const struct execution *execution, const struct execution_move *move)
{
	char text[1200];

	snprintf(text, sizeof text, "%.60s from %.40s to %.40s by %.40s%s%s", move->order.vm_name,
	    move->from.host[0] != '\0' ? move->from.host : move->from.environment,
	    move->to.host[0] != '\0' ? move->to.host : move->to.environment, move->cloud,
	    move->text[0] != '\0' ? ": " : "", move->text);
	log_info("recommendation %s: %s %s", execution->id, move_state_names[move->state], text);
	advisor_note(carry->advisor, execution->id, move_state_names[move->state], text, now_s());
}

static void hold(struct carry *carry, const char *vm)
{
	if (carry->nholds < HOLDS_MAX)
		snprintf(carry->holds[carry->nholds++], OBSERVATION_ID_SIZE, "%s", vm);
}

static void on_move(
    struct carry *carry, const struct execution *execution, const struct execution_move *move)
{
	/* That the API took the order is no news for people. */
	if (move->state == MOVE_ORDERED && move->handle[0] != '\0')
		return;
	note_move(carry, execution, move);
	if (move->state == MOVE_MOVED)
		follow_made(carry->follow, execution, move);
	else if (move->state != MOVE_ORDERED)
		hold(carry, move->order.vm_id);
}

static void on_end(struct carry *carry, const struct execution *execution)
{
	const size_t moved = execution_count(execution, MOVE_MOVED);
	const size_t advice = execution_count(execution, MOVE_ADVICE);
	const bool done = execution->state == EXECUTION_DONE;
	char text[HISTORY_TEXT_SIZE];

	snprintf(text, sizeof text, "%s: %zu of %zu moves made%s",
	    execution_state_names[execution->state], moved, execution->nmoves,
	    advice > 0 ? ", the rest is for people" : "");
	/* What is left for people stays as it was: approved or pending. */
	if (done && advice > 0)
		advisor_note(carry->advisor, execution->id, "carried", text, now_s());
	else
		advisor_end(carry->advisor, execution->id, done ? "done" : "failed", text, now_s());
	carry->ended(carry->context);
}

static void on_changed(const struct execution *execution, size_t move, void *context)
{
	struct carry *carry = context;

	if (move != EXECUTION_NONE)
		on_move(carry, execution, &execution->moves[move]);
	else if (execution_is_over(execution))
		on_end(carry, execution);
	else
		advisor_note(
		    carry->advisor, execution->id, "started", "it is carried out", now_s());
}

/* ---- life-cycle ---- */

static int open_watch(struct event_base *base, struct carry *carry)
{
	size_t count;
	struct cloud *const *clouds = executor_clouds(carry->executor, &count);

	return cloud_watch_new(
	    base, clouds, count, carry->settings->environments_refresh_ms, &carry->clouds);
}

int carry_open(struct event_base *base, const struct manager_settings *settings,
    struct advisor *advisor, struct publisher *publisher, carry_ended *ended, void *context,
    struct carry **out, char *message, size_t size)
{
	struct carry *carry = calloc(1, sizeof *carry);
	const struct executor_options options = {.clouds = &settings->clouds,
	    .folder = settings->state_directory,
	    .stop_file = settings->stop_file,
	    .moves_per_host = (size_t)settings->moves_per_host,
	    .changed = on_changed,
	    .context = carry};
	int rc;

	*out = NULL;
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	if (carry == NULL)
		return GRAPPE_EMEMORY;
	carry->settings = settings;
	carry->advisor = advisor;
	carry->ended = ended;
	carry->context = context;
	rc = follow_open(
	    settings->state_directory, advisor, publisher, &carry->follow, message, size);
	if (rc == GRAPPE_OK)
		rc = executor_new(base, &options, &carry->executor, message, size);
	if (rc == GRAPPE_OK)
		rc = open_watch(base, carry);
	if (rc == GRAPPE_OK)
		*out = carry;
	else
		carry_close(carry);
	return rc;
}

void carry_close(struct carry *carry)
{
	if (carry == NULL)
		return;
	cloud_watch_free(carry->clouds);
	executor_free(carry->executor);
	follow_close(carry->follow);
	free(carry);
}

/* ---- around a cycle ---- */

void carry_prepare(
    struct carry *carry, struct cycle *cycle, int64_t to_s, int64_t length_s, int64_t now)
{
	for (size_t i = 0; i < carry->nholds; i++)
		residence_hold(cycle->residence, carry->holds[i], now);
	carry->nholds = 0;
	if (to_s > 0 && length_s > 0)
		cycle->ndue = follow_due(carry->follow, to_s, length_s,
		    carry->settings->effect_window_ms / 1000, cycle->due, EFFECT_TOGETHER_MAX);
}

void carry_take(
    struct carry *carry, const struct cycle *cycle, struct residence *residence, int64_t now)
{
	if (cycle->updated)
		follow_seen(carry->follow, residence, cycle->length_s, now);
	/* What was due stays due when the collector could not be asked at all. */
	if (cycle->ndue > 0 && (cycle->effect != NULL || cycle->effect_fault[0] != '\0'))
		follow_take(carry->follow, cycle->due, cycle->ndue, cycle->effect,
		    cycle->effect_fault, residence, now);
}

bool carry_blocks(const struct carry *carry)
{
	return executor_busy(carry->executor) || follow_is_waiting(carry->follow);
}

/* ---- carrying out ---- */

static bool is_wanted(struct carry *carry, const json_t *document, int64_t now)
{
	const char *state = document != NULL ? recommendation_state(document) : "";

	if (carry->settings->mode == MANAGER_ADVISE || carry_blocks(carry) ||
	    !recommendation_is_open(document) || recommendation_moves(document) == 0 ||
	    executor_is_stopped(carry->executor))
		return false;
	/* What was carried out before, and what was left of it for people, is not tried again. */
	if (strcmp(executor_execution(carry->executor)->id, recommendation_id(document)) == 0)
		return false;
	if (strcmp(state, "approved") == 0)
		return true;
	return carry->settings->mode == MANAGER_EXECUTE &&
	       advisor_approve(carry->advisor, recommendation_id(document), now) == GRAPPE_OK;
}

void carry_out(struct carry *carry, const char *text, size_t length, int64_t now)
{
	struct environments environments = {0};
	char message[512];
	int rc;

	if (!is_wanted(carry, advisor_current(carry->advisor), now) || text == NULL)
		return;
	if (environments_parse(text, length, &environments, message, sizeof message) != GRAPPE_OK) {
		log_error("nothing is carried out: environment document: %s", message);
		return;
	}
	rc = executor_begin(carry->executor, advisor_current(carry->advisor), &environments);
	if (rc != GRAPPE_OK && rc != GRAPPE_ENOTFOUND)
		log_error("nothing is carried out: %s", error_text(rc));
	environments_deinit(&environments);
}

void carry_start(struct carry *carry)
{
	cloud_watch_start(carry->clouds);
}

char *carry_feed(const struct carry *carry, const char *text, size_t length, json_t **places)
{
	return cloud_watch_feed(carry->clouds, text, length, places);
}

json_t *carry_json(const struct carry *carry)
{
	const struct execution *execution = executor_execution(carry->executor);

	return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o}", "mode",
	    manager_modes[carry->settings->mode], "stopped", executor_is_stopped(carry->executor),
	    "busy", carry_blocks(carry), "last",
	    execution->id[0] != '\0' ? execution_json(execution) : json_null(), "effects",
	    follow_json(carry->follow, EFFECTS_TOLD), "clouds", cloud_watch_json(carry->clouds));
}
