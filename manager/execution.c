/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/execution.h"

#include "common/error.h"
#include "manager/json_fields.h"
#include "manager/state_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const move_state_names[] = {
    "waiting", "ordered", "moved", "failed", "cancelled", "lost", "advice", "dropped", NULL};
const char *const execution_state_names[] = {"running", "done", "failed", "stopped", NULL};

/* ---- what the APIs can do of a plan ---- */

static const struct environment *find_environment(
    const struct environments *environments, const char *name)
{
	const int place = environments_find(environments, name);

	return place >= 0 ? &environments->items[place] : NULL;
}

/* What the API calls a host. */
static const char *api_name(const struct environment *environment, const char *host)
{
	for (size_t i = 0; environment != NULL && i < environment->nhosts; i++)
		if (strcmp(environment->hosts[i].name, host) == 0 &&
		    environment->hosts[i].api_name[0] != '\0')
			return environment->hosts[i].api_name;
	return host;
}

static bool is_configured(const char *const *clouds, const char *name)
{
	for (; *clouds != NULL; clouds++)
		if (strcmp(*clouds, name) == 0)
			return true;
	return false;
}

__attribute__((format(printf, 2, 3))) static void make_advice(
    struct execution_move *move, const char *format, ...)
{
	va_list arguments;

	move->state = MOVE_ADVICE;
	va_start(arguments, format);
	vsnprintf(move->text, sizeof move->text, format, arguments);
	va_end(arguments);
}

/* Finds the API that makes the move, or says why none can. */
static void choose_cloud(struct execution_move *move, const struct environment *from,
    const struct environment *to, const char *const *clouds)
{
	if (from == NULL || from->api[0] == '\0')
		make_advice(move, "advice only: environment %s has no api", move->from.environment);
	else if (to == NULL || strcmp(from->api, to->api) != 0)
		make_advice(move, "advice only: %s is not moved by the api of environment %s, %s",
		    move->to.environment, move->from.environment, from->api);
	else if (!is_configured(clouds, from->api))
		make_advice(move, "advice only: cloud %s is not configured", from->api);
	else
		snprintf(move->cloud, sizeof move->cloud, "%s", from->api);
}

static void read_place(const json_t *object, struct place *out)
{
	snprintf(
	    out->environment, sizeof out->environment, "%s", json_text_of(object, "environment"));
	snprintf(out->host, sizeof out->host, "%s", json_text_of(object, "host"));
}

static void read_move(const json_t *object, const struct environments *environments,
    const char *const *clouds, struct execution_move *move)
{
	const json_t *vm = json_object_get(object, "vm"), *terms = json_object_get(object, "terms");
	const json_t *group = json_object_get(object, "group");
	const struct environment *from, *to;
	struct cloud_order *order = &move->order;

	*move = (struct execution_move){
	    .step = (unsigned)json_integer_value(json_object_get(object, "step")),
	    .group = json_is_integer(group) ? json_integer_value(group) : -1,
	    .octets_before = json_number_of(terms, "inter_environment_octets_per_s_before"),
	    .octets_after = json_number_of(terms, "inter_environment_octets_per_s_after")};
	read_place(json_object_get(object, "from"), &move->from);
	read_place(json_object_get(object, "to"), &move->to);
	from = find_environment(environments, move->from.environment);
	to = find_environment(environments, move->to.environment);
	snprintf(order->vm_id, sizeof order->vm_id, "%s", json_text_of(vm, "id"));
	snprintf(order->vm_name, sizeof order->vm_name, "%s", json_text_of(vm, "name"));
	snprintf(order->from_host, sizeof order->from_host, "%s", api_name(from, move->from.host));
	snprintf(order->to_host, sizeof order->to_host, "%s", api_name(to, move->to.host));
	snprintf(
	    order->from_environment, sizeof order->from_environment, "%s", move->from.environment);
	snprintf(order->to_environment, sizeof order->to_environment, "%s", move->to.environment);
	choose_cloud(move, from, to, clouds);
}

static bool same_place(const struct place *a, const struct place *b)
{
	return strcmp(a->environment, b->environment) == 0 &&
	       (a->host[0] == '\0' || b->host[0] == '\0' || strcmp(a->host, b->host) == 0);
}

/* Whether `move` needs that `other`, which comes before it, was made. */
static bool hangs_on(const struct execution_move *move, const struct execution_move *other)
{
	return same_place(&move->to, &other->from) ||
	       (move->group >= 0 && move->group == other->group) ||
	       strcmp(move->order.vm_id, other->order.vm_id) == 0;
}

/* What hangs on advice is advice, too. Moves of a group hang on one another in both directions. */
static void spread_advice(struct execution *execution)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < execution->nmoves; i++) {
			struct execution_move *move = &execution->moves[i];

			for (size_t j = 0; move->state == MOVE_WAITING && j < execution->nmoves;
			     j++) {
				const struct execution_move *other = &execution->moves[j];
				const bool after = j < i && hangs_on(move, other);
				const bool together =
				    move->group >= 0 && move->group == other->group;

				if (other->state != MOVE_ADVICE || (!after && !together))
					continue;
				make_advice(move,
				    "advice only: it hangs on the move of %s, which is for people",
				    other->order.vm_name);
				changed = true;
			}
		}
	}
}

int execution_plan(const json_t *document, const struct environments *environments,
    const char *const *clouds, int64_t now_s, struct execution *out)
{
	const json_t *moves = json_object_get(document, "moves");
	const size_t count = json_array_size(moves);

	*out = (struct execution){.started_s = now_s};
	snprintf(out->id, sizeof out->id, "%s", recommendation_id(document));
	out->moves = calloc(count + 1, sizeof *out->moves);
	if (out->moves == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count; i++)
		read_move(
		    json_array_get(moves, i), environments, clouds, &out->moves[out->nmoves++]);
	spread_advice(out);
	return GRAPPE_OK;
}

void execution_deinit(struct execution *execution)
{
	free(execution->moves);
	*execution = (struct execution){0};
}

/* ---- what may be ordered ---- */

size_t execution_count(const struct execution *execution, enum move_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < execution->nmoves; i++)
		count += execution->moves[i].state == state;
	return count;
}

size_t execution_under_way(const struct execution *execution)
{
	return execution_count(execution, MOVE_ORDERED);
}

static bool has_failed(const struct execution *execution)
{
	return execution_count(execution, MOVE_FAILED) +
		   execution_count(execution, MOVE_CANCELLED) +
		   execution_count(execution, MOVE_LOST) >
	       0;
}

static bool takes_part(const struct execution_move *move, const struct place *place)
{
	return same_place(&move->from, place) || same_place(&move->to, place);
}

/* Whether a move may start beside those that are under way. */
static bool has_room(
    const struct execution *execution, const struct execution_move *move, size_t per_host)
{
	size_t at_source = 0, at_target = 0;

	for (size_t i = 0; i < execution->nmoves; i++) {
		const struct execution_move *other = &execution->moves[i];

		if (other->state != MOVE_ORDERED)
			continue;
		if (strcmp(other->order.vm_id, move->order.vm_id) == 0)
			return false;
		at_source += takes_part(other, &move->from);
		at_target += takes_part(other, &move->to);
	}
	return at_source < per_host && at_target < per_host;
}

size_t execution_next(const struct execution *execution, size_t per_host)
{
	unsigned step = 0;

	if (execution_is_over(execution) || execution->state != EXECUTION_RUNNING ||
	    has_failed(execution))
		return EXECUTION_NONE;
	for (size_t i = 0; i < execution->nmoves; i++) {
		const struct execution_move *move = &execution->moves[i];

		if (move->state != MOVE_WAITING && move->state != MOVE_ORDERED)
			continue;
		/* The first step with something to do is the one that is being made. */
		if (step == 0)
			step = move->step;
		if (move->step != step)
			break;
		if (move->state == MOVE_WAITING && has_room(execution, move, per_host))
			return i;
	}
	return EXECUTION_NONE;
}

/* ---- what happens ---- */

void execution_order(struct execution *execution, size_t move, int64_t now_s)
{
	execution->moves[move].state = MOVE_ORDERED;
	execution->moves[move].started_s = now_s;
}

void execution_accept(struct execution *execution, size_t move, const char *handle)
{
	snprintf(execution->moves[move].handle, sizeof execution->moves[move].handle, "%s", handle);
}

void execution_end(
    struct execution *execution, size_t move, const struct cloud_result *result, int64_t now_s)
{
	static const enum move_state states[] = {[CLOUD_MOVED] = MOVE_MOVED,
	    [CLOUD_FAILED] = MOVE_FAILED,
	    [CLOUD_CANCELLED] = MOVE_CANCELLED,
	    [CLOUD_LOST] = MOVE_LOST};
	struct execution_move *it = &execution->moves[move];

	it->state = states[result->outcome];
	it->ended_s = now_s;
	snprintf(it->text, sizeof it->text, "%s", result->text);
}

static void end(struct execution *execution, enum execution_state state, int64_t now_s)
{
	for (size_t i = 0; i < execution->nmoves; i++)
		if (execution->moves[i].state == MOVE_WAITING)
			execution->moves[i].state = MOVE_DROPPED;
	execution->state = state;
	execution->ended_s = now_s;
}

void execution_stop(struct execution *execution, int64_t now_s)
{
	if (execution_is_over(execution) || execution->state == EXECUTION_STOPPED)
		return;
	execution->state = EXECUTION_STOPPED;
	execution_settle(execution, now_s);
}

bool execution_settle(struct execution *execution, int64_t now_s)
{
	const bool failed = has_failed(execution);

	if (execution_is_over(execution) || execution_under_way(execution) > 0)
		return false;
	if (execution->state == EXECUTION_STOPPED)
		end(execution, EXECUTION_STOPPED, now_s);
	else if (failed)
		end(execution, EXECUTION_FAILED, now_s);
	else if (execution_count(execution, MOVE_WAITING) == 0)
		end(execution, EXECUTION_DONE, now_s);
	else
		return false;
	return true;
}

bool execution_is_over(const struct execution *execution)
{
	return execution->id[0] == '\0' || execution->ended_s != 0;
}

/* ---- as a file ---- */

static json_t *place_json(const struct place *place)
{
	return json_pack("{s:o, s:o}", "environment", json_text(place->environment), "host",
	    json_text_or_null(place->host));
}

static json_t *move_json(const struct execution_move *move)
{
	return json_pack(
	    "{s:I, s:I, s:{s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:I, s:I, s:o, s:o, s:o}",
	    "step", (json_int_t)move->step, "group", (json_int_t)move->group, "vm", "id",
	    json_text(move->order.vm_id), "name", json_text(move->order.vm_name), "from",
	    place_json(&move->from), "to", place_json(&move->to), "api_from",
	    json_text(move->order.from_host), "api_to", json_text(move->order.to_host), "cloud",
	    json_text(move->cloud), "state", move_state_names[move->state], "handle",
	    json_text(move->handle), "started", (json_int_t)move->started_s, "ended",
	    (json_int_t)move->ended_s, "text", json_text(move->text), "octets_per_s_before",
	    json_real_or_null(move->octets_before), "octets_per_s_after",
	    json_real_or_null(move->octets_after));
}

json_t *execution_json(const struct execution *execution)
{
	json_t *moves = json_array();

	for (size_t i = 0; i < execution->nmoves; i++)
		if (json_array_append_new(moves, move_json(&execution->moves[i])) != 0) {
			json_decref(moves);
			return NULL;
		}
	return json_pack("{s:i, s:s, s:s, s:I, s:I, s:o}", "version", 1, "recommendation",
	    execution->id, "state", execution_state_names[execution->state], "started",
	    (json_int_t)execution->started_s, "ended", (json_int_t)execution->ended_s, "moves",
	    moves);
}

static bool take_word(const json_t *object, const char *key, const char *const *words, int *out)
{
	const char *text = json_text_of(object, key);

	for (*out = 0; words[*out] != NULL; (*out)++)
		if (strcmp(words[*out], text) == 0)
			return true;
	return false;
}

static bool take_place(const json_t *object, const char *key, struct place *out)
{
	const json_t *place = json_object_get(object, key);

	return json_take_text(place, "environment", out->environment, sizeof out->environment) &&
	       json_take_text_or_null(place, "host", out->host, sizeof out->host);
}

static bool parse_move(const json_t *object, struct execution_move *move)
{
	const json_t *vm = json_object_get(object, "vm");
	struct cloud_order *order = &move->order;
	int64_t step;
	int state;

	if (!json_take_time(object, "step", &step) || step > RECOMMENDATION_MOVES_MAX ||
	    !take_word(object, "state", move_state_names, &state) ||
	    !json_is_integer(json_object_get(object, "group")))
		return false;
	move->step = (unsigned)step;
	move->state = (enum move_state)state;
	move->group = json_integer_value(json_object_get(object, "group"));
	if (!take_place(object, "from", &move->from) || !take_place(object, "to", &move->to))
		return false;
	memcpy(order->from_environment, move->from.environment, sizeof move->from.environment);
	memcpy(order->to_environment, move->to.environment, sizeof move->to.environment);
	return json_take_text(vm, "id", order->vm_id, sizeof order->vm_id) &&
	       json_take_text(vm, "name", order->vm_name, sizeof order->vm_name) &&
	       json_take_text(object, "api_from", order->from_host, sizeof order->from_host) &&
	       json_take_text(object, "api_to", order->to_host, sizeof order->to_host) &&
	       json_take_text(object, "cloud", move->cloud, sizeof move->cloud) &&
	       json_take_text(object, "handle", move->handle, sizeof move->handle) &&
	       json_take_text(object, "text", move->text, sizeof move->text) &&
	       json_take_time(object, "started", &move->started_s) &&
	       json_take_time(object, "ended", &move->ended_s) &&
	       json_take_number(object, "octets_per_s_before", &move->octets_before) &&
	       json_take_number(object, "octets_per_s_after", &move->octets_after);
}

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EFORMAT)

static int read_execution(const json_t *document, struct execution *out, char *message, size_t size)
{
	const json_t *moves = json_object_get(document, "moves");
	int state;

	if (!json_take_text(document, "recommendation", out->id, sizeof out->id) ||
	    !take_word(document, "state", execution_state_names, &state) ||
	    !json_take_time(document, "started", &out->started_s) ||
	    !json_take_time(document, "ended", &out->ended_s))
		return FAIL("not an execution");
	out->state = (enum execution_state)state;
	if (!json_is_array(moves) || json_array_size(moves) > RECOMMENDATION_MOVES_MAX)
		return FAIL("moves: must be a list of at most %d", RECOMMENDATION_MOVES_MAX);
	out->moves = calloc(json_array_size(moves) + 1, sizeof *out->moves);
	if (out->moves == NULL)
		return GRAPPE_EMEMORY;
	for (; out->nmoves < json_array_size(moves); out->nmoves++)
		if (!parse_move(json_array_get(moves, out->nmoves), &out->moves[out->nmoves]))
			return FAIL("moves[%zu]: not a move", out->nmoves);
	return GRAPPE_OK;
}

static int read_document(const json_t *document, void *out, char *message, size_t size)
{
	struct execution found = {0};
	const int rc = read_execution(document, &found, message, size);

	if (rc == GRAPPE_OK)
		*(struct execution *)out = found;
	else
		execution_deinit(&found);
	return rc;
}

int execution_parse(
    const char *bytes, size_t length, struct execution *out, char *message, size_t size)
{
	*out = (struct execution){0};
	return state_file_parse(bytes, length, EXECUTION_MAX, read_document, out, message, size);
}

int execution_load(const char *path, struct execution *out, char *message, size_t size)
{
	*out = (struct execution){0};
	return state_file_load(path, EXECUTION_MAX, read_document, out, message, size);
}
