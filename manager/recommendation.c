/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/recommendation.h"

#include "common/error.h"
#include "manager/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- id ---- */

struct digest {
	uint64_t words[2];
};

/* FNV-1a with two offsets; it tells advice apart, it protects nothing. */
static void digest_text(struct digest *digest, const char *text)
{
	for (size_t i = 0; i <= strlen(text); i++) /* the zero separates */
		for (int k = 0; k < 2; k++)
			digest->words[k] =
			    (digest->words[k] ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
}

static void make_id(const struct recommendation_input *input, char id[RECOMMENDATION_ID_SIZE])
{
	const struct problem *problem = input->problem;
	struct digest digest = {{UINT64_C(0xcbf29ce484222325), UINT64_C(0x9ae16a3b2f90404f)}};

	for (size_t i = 0; i < input->plan->nsteps; i++) {
		const struct plan_step *step = &input->plan->steps[i];

		digest_text(&digest, problem->vms[step->vm]->id);
		digest_text(&digest, problem->places[step->from].environment);
		digest_text(&digest, problem->places[step->from].host);
		digest_text(&digest, problem->places[step->to].environment);
		digest_text(&digest, problem->places[step->to].host);
		digest_text(&digest, step->parking ? "parking" : "");
	}
	snprintf(id, RECOMMENDATION_ID_SIZE, "%016llx%016llx", (unsigned long long)digest.words[0],
	    (unsigned long long)digest.words[1]);
}

/* ---- building ---- */

static json_t *text_json(const char *text)
{
	json_t *value = json_string(text);

	return value != NULL ? value : json_string("?"); /* no UTF-8 */
}

static json_t *place_json(const struct place *place)
{
	return json_pack("{s:o, s:o}", "environment", text_json(place->environment), "host",
	    place->host[0] != '\0' ? text_json(place->host) : json_null());
}

static json_t *terms_json(struct plan_terms terms)
{
	return json_pack("{s:f, s:f}", "inter_environment_octets_per_s", terms.octets,
	    "inter_environment_packets_per_s", terms.packets);
}

static json_t *move_json(const struct recommendation_input *input, size_t index)
{
	const struct problem *problem = input->problem;
	const struct plan_step *step = &input->plan->steps[index];
	const uint32_t group = problem->plan.vms[step->vm].group;
	const struct observed_vm *vm = problem->vms[step->vm];
	char why[EXPLAIN_SIZE];

	explain_step(problem, input->observation, input->plan, index, why);
	return json_pack(
	    "{s:i, s:{s:o, s:o}, s:o, s:o, s:b, s:b, s:o, s:{s:f, s:f, s:f, s:f}, s:o, s:o}",
	    "step", (int)index + 1, "vm", "id", text_json(vm->id), "name", text_json(vm->name),
	    "from", place_json(&problem->places[step->from]), "to",
	    place_json(&problem->places[step->to]), "parking", step->parking, "forced",
	    step->forced, "group", group != PLAN_NO_GROUP ? json_integer(group) : json_null(),
	    "terms", "inter_environment_octets_per_s_before", step->before.octets,
	    "inter_environment_octets_per_s_after", step->after.octets,
	    "inter_environment_packets_per_s_before", step->before.packets,
	    "inter_environment_packets_per_s_after", step->after.packets, "why", text_json(why),
	    "hazards", explain_hazards(problem, input->plan, index));
}

static json_t *moves_json(const struct recommendation_input *input)
{
	json_t *moves = json_array();

	for (size_t i = 0; moves != NULL && i < input->plan->nsteps; i++) {
		if (json_array_append_new(moves, move_json(input, i)) == 0)
			continue;
		json_decref(moves);
		return NULL;
	}
	return moves;
}

static json_t *group_json(const struct recommendation_input *input, size_t index)
{
	const struct groups_item *group = &input->groups->items[index];
	json_t *ids = json_array(), *names = json_array();
	char shape[SHAPE_TEXT_SIZE];

	for (size_t i = 0; i < group->members.count; i++) {
		const char *id = matrix_name(input->observation->matrix, group->members.nodes[i]);
		const struct observed_vm *vm = observation_find(input->observation, id);

		json_array_append_new(ids, text_json(id));
		json_array_append_new(names, text_json(vm != NULL ? vm->name : id));
	}
	return json_pack("{s:o, s:o, s:s}", "vms", ids, "names", names, "shape",
	    shape_format(&group->shape, shape));
}

static json_t *groups_json(const struct recommendation_input *input)
{
	json_t *groups = json_array();

	for (size_t i = 0; groups != NULL && i < input->groups->count; i++) {
		if (json_array_append_new(groups, group_json(input, i)) == 0)
			continue;
		json_decref(groups);
		return NULL;
	}
	return groups;
}

/* What the reader should know about the input. */
static json_t *notes_json(const struct recommendation_input *input)
{
	const struct problem *problem = input->problem;
	const struct caveats *caveats = &matrix_window(input->observation->matrix)->caveats;
	char text[CAVEATS_TEXT_SIZE];
	json_t *notes = json_array();
	bool target = false;

	for (size_t i = 0; i < problem->plan.nplaces; i++)
		target |= problem->plan.places[i].target;
	if (!target)
		json_array_append_new(notes,
		    json_string("no environment document lists any host: none may receive a VM"));
	if (problem->left_out > 0)
		json_array_append_new(
		    notes, json_sprintf("%zu VMs were left out: nobody says where they are",
			       problem->left_out));
	if (target && problem->unlisted_hosts > 0)
		json_array_append_new(
		    notes, json_sprintf("%zu hosts with VMs are not in the environment document: "
					"they may not receive any",
			       problem->unlisted_hosts));
	if (input->plan->overfull > 0)
		json_array_append_new(notes,
		    json_sprintf("%zu hosts stay over their capacity: there is no room elsewhere",
			input->plan->overfull));
	if (caveats_describe(caveats, text, sizeof text)[0] != '\0')
		json_array_append_new(notes, json_sprintf("the sensors marked %s", text));
	if (caveats->marked[CAVEAT_UNSYNCHRONISED] > 0 || caveats->marked[CAVEAT_STEPPED] > 0)
		json_array_append_new(
		    notes, json_string("with clocks that differ, traffic may be counted in "
				       "the period before or after: short windows are less sure"));
	return notes;
}

/* Of a period; without periods of the whole window. */
static json_t *length_json(const struct recommendation_input *input)
{
	const uint32_t length_s = input->observation->length_s;

	return length_s > 0 ? json_integer(length_s)
			    : json_real(matrix_window(input->observation->matrix)->length_s);
}

json_t *recommendation_build(const struct recommendation_input *input)
{
	const struct matrix_window *window = matrix_window(input->observation->matrix);
	char id[RECOMMENDATION_ID_SIZE];

	make_id(input, id);
	return json_pack(
	    "{s:i, s:s, s:I, s:I, s:b, s:s, s:s, s:{s:I, s:I, s:o}, s:[I, I], s:b, s:o, "
	    "s:o, s:o, s:o, s:o}",
	    "version", 1, "id", id, "created", (json_int_t)input->now_s, "expires",
	    (json_int_t)input->expires_s, "posted", 0, "state",
	    input->plan->nsteps > 0 ? "pending" : "done", "objective", "traffic", "window", "from",
	    (json_int_t)window->from_s, "to", (json_int_t)window->to_s, "length",
	    length_json(input), "periods", (json_int_t)window->known, (json_int_t)window->wanted,
	    "approximate", window->approximate, "before", terms_json(input->plan->before), "after",
	    terms_json(input->plan->after), "groups", groups_json(input), "moves",
	    moves_json(input), "notes", notes_json(input));
}

/* ---- reading ---- */

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EFORMAT)

static bool is_place(const json_t *place)
{
	const json_t *host = json_object_get(place, "host");

	return json_is_string(json_object_get(place, "environment")) &&
	       (json_is_string(host) || json_is_null(host));
}

static bool is_move(const json_t *move)
{
	const json_t *vm = json_object_get(move, "vm"), *terms = json_object_get(move, "terms");

	return json_is_string(json_object_get(vm, "id")) &&
	       json_is_string(json_object_get(vm, "name")) &&
	       is_place(json_object_get(move, "from")) && is_place(json_object_get(move, "to")) &&
	       json_is_string(json_object_get(move, "why")) &&
	       json_is_boolean(json_object_get(move, "parking")) &&
	       json_is_boolean(json_object_get(move, "forced")) &&
	       json_is_number(json_object_get(terms, "inter_environment_octets_per_s_before")) &&
	       json_is_number(json_object_get(terms, "inter_environment_octets_per_s_after"));
}

static bool is_terms(const json_t *terms)
{
	return json_is_number(json_object_get(terms, "inter_environment_octets_per_s")) &&
	       json_is_number(json_object_get(terms, "inter_environment_packets_per_s"));
}

static bool is_id(const char *id)
{
	return id != NULL && id[0] != '\0' && strlen(id) < RECOMMENDATION_ID_SIZE &&
	       id[strspn(id, "0123456789abcdef")] == '\0';
}

static bool is_known_state(const char *state)
{
	static const char *const states[] = {
	    "pending", "approved", "superseded", "expired", "done"};

	for (size_t i = 0; state != NULL && i < sizeof states / sizeof *states; i++)
		if (strcmp(states[i], state) == 0)
			return true;
	return false;
}

static bool is_group(const json_t *group)
{
	const json_t *names = json_object_get(group, "names");

	if (!json_is_array(names) || !json_is_string(json_object_get(group, "shape")))
		return false;
	for (size_t i = 0; i < json_array_size(names); i++)
		if (!json_is_string(json_array_get(names, i)))
			return false;
	return true;
}

static bool all_are(const json_t *array, bool (*fits)(const json_t *), size_t limit)
{
	if (!json_is_array(array) || json_array_size(array) > limit)
		return false;
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!fits(json_array_get(array, i)))
			return false;
	return true;
}

static bool is_text(const json_t *value)
{
	return json_is_string(value);
}

static bool is_count(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

int recommendation_check(const json_t *document, char *message, size_t size)
{
	const json_t *window = json_object_get(document, "window");
	const json_t *notes = json_object_get(document, "notes");
	const json_t *periods = json_object_get(document, "periods");

	if (!json_is_object(document))
		return FAIL("not an object");
	if (json_integer_value(json_object_get(document, "version")) != 1)
		return FAIL("version: only 1 is known here");
	if (!is_id(recommendation_id(document)))
		return FAIL("id: not an id");
	if (!is_known_state(recommendation_state(document)))
		return FAIL("state: not a known state");
	if (!is_count(json_object_get(document, "created")) ||
	    !is_count(json_object_get(document, "expires")))
		return FAIL("created, expires: not a time");
	if (!is_count(json_object_get(window, "from")) ||
	    !is_count(json_object_get(window, "to")) ||
	    !json_is_number(json_object_get(window, "length")) || !all_are(periods, is_count, 2) ||
	    json_array_size(periods) != 2)
		return FAIL("window, periods: not a window");
	if (!is_terms(json_object_get(document, "before")) ||
	    !is_terms(json_object_get(document, "after")))
		return FAIL("before, after: not the terms of the objective");
	if (!all_are(json_object_get(document, "groups"), is_group, RECOMMENDATION_MOVES_MAX))
		return FAIL("groups: not groups");
	if (!all_are(json_object_get(document, "moves"), is_move, RECOMMENDATION_MOVES_MAX))
		return FAIL("moves: not moves");
	if (notes != NULL && !all_are(notes, is_text, RECOMMENDATION_MOVES_MAX))
		return FAIL("notes: not texts");
	return GRAPPE_OK;
}

int recommendation_parse(const char *bytes, size_t length, json_t **out, char *message, size_t size)
{
	json_error_t error;
	json_t *document;
	int rc;

	*out = NULL;
	if (length > RECOMMENDATION_MAX) {
		snprintf(message, size, "longer than %u bytes", RECOMMENDATION_MAX);
		return GRAPPE_ELIMIT;
	}
	document = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL)
		return FAIL("line %d: %s", error.line, error.text);
	rc = recommendation_check(document, message, size);
	if (rc == GRAPPE_OK)
		*out = document;
	else
		json_decref(document);
	return rc;
}

const char *recommendation_id(const json_t *document)
{
	return json_string_value(json_object_get(document, "id"));
}

const char *recommendation_state(const json_t *document)
{
	return json_string_value(json_object_get(document, "state"));
}

size_t recommendation_moves(const json_t *document)
{
	return json_array_size(json_object_get(document, "moves"));
}

bool recommendation_is_open(const json_t *document)
{
	const char *state = document != NULL ? recommendation_state(document) : "";

	return strcmp(state, "pending") == 0 || strcmp(state, "approved") == 0;
}

int recommendation_set_state(json_t *document, const char *state)
{
	return json_object_set_new(document, "state", json_string(state)) == 0 ? GRAPPE_OK
									       : GRAPPE_EMEMORY;
}

/* ---- life ---- */

static const char *move_vm(const json_t *move)
{
	return json_string_value(json_object_get(json_object_get(move, "vm"), "id"));
}

/* Whether the old advice has a move of the same VM to the same place. */
static bool has_move(const json_t *document, const json_t *move)
{
	const json_t *moves = json_object_get(document, "moves");

	for (size_t i = 0; i < json_array_size(moves); i++) {
		const json_t *other = json_array_get(moves, i);

		if (strcmp(move_vm(other), move_vm(move)) == 0 &&
		    json_equal(json_object_get(other, "to"), json_object_get(move, "to")))
			return true;
	}
	return false;
}

static bool is_rest(const json_t *current, const json_t *fresh)
{
	const json_t *moves = json_object_get(fresh, "moves");

	if (json_array_size(moves) >= recommendation_moves(current))
		return false;
	for (size_t i = 0; i < json_array_size(moves); i++)
		if (!has_move(current, json_array_get(moves, i)))
			return false;
	return true;
}

static void inherit(const json_t *current, json_t *fresh, const char *key)
{
	json_t *value = json_object_get(current, key);

	if (value != NULL)
		json_object_set(fresh, key, value);
}

enum recommendation_change recommendation_follow(json_t *current, json_t *fresh, json_t **next)
{
	const bool open = recommendation_is_open(current);

	*next = json_incref(fresh);
	if (recommendation_moves(fresh) == 0)
		return open ? RECOMMENDATION_CLEARED : RECOMMENDATION_SAME;
	if (!open)
		return RECOMMENDATION_NEW;
	if (strcmp(recommendation_id(current), recommendation_id(fresh)) == 0) {
		inherit(current, fresh, "created");
		inherit(current, fresh, "posted");
		inherit(current, fresh, "state");
		return RECOMMENDATION_SAME;
	}
	if (strcmp(recommendation_state(current), "approved") == 0 && is_rest(current, fresh)) {
		inherit(current, fresh, "state");
		return RECOMMENDATION_REST;
	}
	return RECOMMENDATION_NEW;
}

bool recommendation_expire(json_t *document, int64_t now_s)
{
	if (!recommendation_is_open(document) ||
	    json_integer_value(json_object_get(document, "expires")) > now_s)
		return false;
	return recommendation_set_state(document, "expired") == GRAPPE_OK;
}
