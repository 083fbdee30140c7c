/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/recommendation.h"

#include "common/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What is not there, as in documents of an earlier version, is not known either. */
static bool is_number_or_null(const json_t *value)
{
	return value == NULL || json_is_null(value) || json_is_number(value);
}

static bool is_terms(const json_t *terms)
{
	return json_is_number(json_object_get(terms, "inter_environment_octets_per_s")) &&
	       json_is_number(json_object_get(terms, "inter_environment_packets_per_s")) &&
	       is_number_or_null(json_object_get(terms, "vm_hours_per_h")) &&
	       is_number_or_null(json_object_get(terms, "cost_per_h")) &&
	       is_number_or_null(json_object_get(terms, "open_vcpu"));
}

static bool is_id(const char *id)
{
	return id != NULL && id[0] != '\0' && strlen(id) < RECOMMENDATION_ID_SIZE &&
	       id[strspn(id, "0123456789abcdef")] == '\0';
}

static bool is_known_state(const char *state)
{
	static const char *const states[] = {
	    "pending", "approved", "superseded", "expired", "done", "failed"};

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
