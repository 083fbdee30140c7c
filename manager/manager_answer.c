/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "manager/manager_answer.h"

#include "common/clock.h"
#include "common/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX                                                                               \
	(PROTOCOL_HEADER_MAX - 8192) /* bytes left for it in the answer's first line               \
				      */

/* The document as it fits in an answer: a very large one without its groups. A new reference. */
static json_t *document_json(const json_t *document)
{
	json_t *copy;

	if (document == NULL)
		return json_null();
	copy = json_copy((json_t *)document);
	if (json_dumpb(document, NULL, 0, JSON_COMPACT) > DOCUMENT_MAX)
		json_object_del(copy, "groups");
	if (json_dumpb(copy, NULL, 0, JSON_COMPACT) <= DOCUMENT_MAX)
		return copy;
	json_decref(copy);
	return NULL;
}

json_t *manager_status_json(const struct advisor *advisor, const struct publisher *publisher,
    const struct manager_state *state)
{
	json_t *data = json_pack("{s:s, s:s, s:I, s:I, s:I, s:{s:s, s:s, s:I, s:[I, I]}, s:o}",
	    "program", "grappe-manager", "version", PACKAGE_VERSION, "started",
	    (json_int_t)state->started_s, "last_run", (json_int_t)state->last_run_s, "next_run",
	    (json_int_t)state->next_run_s, "input", "state", state->input_state, "error",
	    state->input_error, "to", (json_int_t)state->input_to_s, "periods",
	    (json_int_t)state->known, (json_int_t)state->wanted, "recommendation",
	    document_json(advisor_current(advisor)));

	if (data != NULL && publisher != NULL)
		json_object_set_new(data, "publish", publish_status_json(publisher));
	if (data != NULL && publisher != NULL && state->dashboards != NULL)
		json_object_set_new(json_object_get(data, "publish"), "dashboards",
		    dashboard_status_json(state->dashboards));
	if (data != NULL && state->carry != NULL)
		json_object_set_new(data, "execution", carry_json(state->carry));
	if (data != NULL && state->environments != NULL)
		json_object_set_new(data, "environments",
		    environment_watch_status(
			state->environments, clock_wall_ns() / CLOCK_SECOND_NS));
	return data;
}

static void answer_data(struct protocol_exchange *exchange, json_t *data)
{
	struct protocol_answer answer = {.status = STATUS_OK, .exact = true, .data = data};

	if (data == NULL) {
		protocol_answer_error(exchange, "the answer is too large, or memory is short");
		return;
	}
	protocol_answer_begin(exchange, &answer);
	protocol_answer_end(exchange);
	json_decref(data);
}

static void answer_history(struct protocol_exchange *exchange, const struct history *history)
{
	struct protocol_answer answer = {
	    .status = STATUS_OK, .exact = true, .columns = protocol_columns_history};
	char time[24];

	protocol_answer_begin(exchange, &answer);
	for (size_t i = 0; i < history->count; i++) {
		const struct history_event *event = &history->events[i];

		snprintf(time, sizeof time, "%" PRId64, event->time_s);
		protocol_answer_row(
		    exchange, (const char *[]){time, event->id, event->event, event->text});
	}
	protocol_answer_end(exchange);
}

static void answer_approve(
    struct protocol_exchange *exchange, struct advisor *advisor, const char *id, int64_t now_s)
{
	const int rc = advisor_approve(advisor, id, now_s);
	const json_t *current = advisor_current(advisor);

	if (rc == GRAPPE_OK)
		answer_data(exchange, document_json(current));
	else if (current == NULL)
		protocol_answer_error(exchange, "there is no recommendation yet");
	else if (rc == GRAPPE_ENOTFOUND)
		protocol_answer_error(exchange, "the current recommendation is %s (%s), not %.40s",
		    recommendation_id(current), recommendation_state(current),
		    id[0] != '\0' ? id : "without an id");
	else if (rc == GRAPPE_EINVALID)
		protocol_answer_error(exchange,
		    "recommendation %s is %s: only a pending one can be approved", id,
		    recommendation_state(current));
	else
		protocol_answer_error(exchange, "%s", error_text(rc));
}

void manager_answer(struct protocol_exchange *exchange, const struct protocol_request *request,
    struct advisor *advisor, const struct publisher *publisher, const struct manager_state *state,
    int64_t now_s)
{
	advisor_expire(advisor, now_s);
	switch (request->op) {
	case OP_STATUS:
		answer_data(exchange, manager_status_json(advisor, publisher, state));
		break;
	case OP_RECOMMENDATION:
		answer_data(exchange, document_json(advisor_current(advisor)));
		break;
	case OP_APPROVE:
		answer_approve(exchange, advisor, request->id, now_s);
		break;
	case OP_HISTORY:
		answer_history(exchange, advisor_history(advisor));
		break;
	case OP_MATRIX:
	case OP_INVENTORY:
		protocol_answer_error(exchange, "the collector answers this, not the manager");
		break;
	}
}
