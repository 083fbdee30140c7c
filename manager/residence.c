/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/residence.h"

#include "common/error.h"
#include "common/file.h"
#include "manager/json_fields.h"
#include "manager/state_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

/* ---- what is seen ---- */

static bool is_known(const struct place *place)
{
	return place->environment[0] != '\0' || place->host[0] != '\0';
}

static bool is_same(const struct place *a, const struct place *b)
{
	return strcmp(a->environment, b->environment) == 0 && strcmp(a->host, b->host) == 0;
}

static struct resident arrive(const struct observed_vm *vm, int64_t now_s)
{
	struct resident fresh = {.place = vm->place, .seen_s = now_s};

	memcpy(fresh.id, vm->id, strlen(vm->id) + 1);
	return fresh;
}

/* Its moves, one less for each day since the last. */
static unsigned not_forgotten(const struct resident *it, int64_t now_s)
{
	const int64_t days = now_s > it->moved_s ? (now_s - it->moved_s) / DAY_S : 0;

	return it->moves > days ? it->moves - (unsigned)days : 0;
}

static void move(struct resident *it, const struct place *place, int64_t now_s)
{
	const unsigned before = not_forgotten(it, now_s);

	it->moves = before < RESIDENCE_MOVES_MAX ? before + 1 : before;
	it->place = *place;
	it->moved_s = now_s;
}

static void note_arrival(
    struct residence *residence, const struct resident *before, const struct observed_vm *vm)
{
	struct arrival *arrival = &residence->arrivals[residence->narrivals++];

	memcpy(arrival->id, before->id, sizeof arrival->id);
	memcpy(arrival->name, vm->name, sizeof arrival->name);
	arrival->from = before->place;
	arrival->to = vm->place;
}

/* Both lists are in order of ids. */
int residence_update(
    struct residence *residence, const struct observation *observation, int64_t now_s)
{
	struct resident *items = calloc(residence->count + observation->nvms + 1, sizeof *items);
	struct arrival *arrivals = calloc(residence->count + 1, sizeof *arrivals);
	size_t count = 0, old = 0, seen = 0;

	if (items == NULL || arrivals == NULL) {
		free(items);
		free(arrivals);
		return GRAPPE_EMEMORY;
	}
	free(residence->arrivals);
	residence->arrivals = arrivals;
	residence->narrivals = 0;
	while (old < residence->count || seen < observation->nvms) {
		const struct observed_vm *vm =
		    seen < observation->nvms ? &observation->vms[observation->by_id[seen]] : NULL;
		const struct resident *before =
		    old < residence->count ? &residence->items[old] : NULL;
		const int order = vm == NULL ? 1 : before == NULL ? -1 : strcmp(vm->id, before->id);

		old += order >= 0;
		seen += order <= 0;
		if (order < 0) {
			if (!is_known(&vm->place))
				continue;
			items[count++] = arrive(vm, now_s);
			residence->changed = true;
			continue;
		}
		items[count] = *before;
		if (order == 0 && is_known(&vm->place)) {
			items[count].seen_s = now_s;
			if (!is_same(&vm->place, &before->place)) {
				note_arrival(residence, before, vm);
				move(&items[count], &vm->place, now_s);
				residence->changed = true;
			}
		}
		if (now_s - items[count].seen_s < RESIDENCE_FORGET_S)
			count++;
		else
			residence->changed = true;
	}
	free(residence->items);
	residence->items = items;
	residence->count = count;
	residence->updated_s = now_s;
	residence->changed |= now_s - residence->saved_s >= RESIDENCE_SAVE_S;
	return GRAPPE_OK;
}

static int compare_ids(const void *key, const void *item)
{
	return strcmp(key, ((const struct resident *)item)->id);
}

static const struct resident *find(const struct residence *residence, const char *id)
{
	return residence->count > 0 ? bsearch(id, residence->items, residence->count,
					  sizeof *residence->items, compare_ids)
				    : NULL;
}

void residence_hold(struct residence *residence, const char *id, int64_t now_s)
{
	const struct resident *found = find(residence, id);

	if (found == NULL)
		return;
	move(&residence->items[found - residence->items], &found->place, now_s);
	residence->changed = true;
}

int64_t residence_moved_s(const struct residence *residence, const char *id)
{
	const struct resident *found = find(residence, id);

	return found != NULL ? found->moved_s : 0;
}

unsigned residence_recent_moves(const struct residence *residence, const char *id, int64_t now_s)
{
	const struct resident *found = find(residence, id);

	return found != NULL ? not_forgotten(found, now_s) : 0;
}

/* ---- as a file ---- */

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EFORMAT)

/* Not there, as in files of an earlier version: once, if at all. */
static bool get_moves(const json_t *object, int64_t moved_s, unsigned *out)
{
	const json_t *value = json_object_get(object, "moves");
	const json_int_t count = value != NULL ? json_integer_value(value) : moved_s != 0;

	*out = count > 0 && count <= RESIDENCE_MOVES_MAX ? (unsigned)count : 0;
	return (value == NULL || json_is_integer(value)) && count >= 0 &&
	       count <= RESIDENCE_MOVES_MAX;
}

static bool read_resident(const json_t *object, struct resident *out)
{
	return json_take_text(object, "id", out->id, sizeof out->id) && out->id[0] != '\0' &&
	       json_take_text(
		   object, "environment", out->place.environment, sizeof out->place.environment) &&
	       json_take_text(object, "host", out->place.host, sizeof out->place.host) &&
	       json_take_time(object, "moved", &out->moved_s) &&
	       json_take_time(object, "seen", &out->seen_s) &&
	       get_moves(object, out->moved_s, &out->moves);
}

static int read_residents(const json_t *list, struct residence *out, char *message, size_t size)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > OBSERVATION_VMS_MAX)
		return FAIL("vms: must be a list of at most %d", OBSERVATION_VMS_MAX);
	out->items = calloc(json_array_size(list) + 1, sizeof *out->items);
	if (out->items == NULL)
		return GRAPPE_EMEMORY;
	json_array_foreach(list, i, item)
	{
		if (!read_resident(item, &out->items[i]))
			return FAIL("vms[%zu]: not a VM and its place", i);
		if (i > 0 && strcmp(out->items[i - 1].id, out->items[i].id) >= 0)
			return FAIL("vms[%zu]: out of order", i);
		out->count++;
	}
	return GRAPPE_OK;
}

static int read_document(const json_t *document, void *out, char *message, size_t size)
{
	struct residence found = {0};
	const int rc = read_residents(json_object_get(document, "vms"), &found, message, size);

	if (rc == GRAPPE_OK)
		*(struct residence *)out = found;
	else
		residence_deinit(&found);
	return rc;
}

int residence_parse(
    const char *bytes, size_t length, struct residence *out, char *message, size_t size)
{
	*out = (struct residence){0};
	return state_file_parse(
	    bytes, length, RESIDENCE_FILE_MAX, read_document, out, message, size);
}

int residence_load(const char *path, struct residence *out, char *message, size_t size)
{
	*out = (struct residence){0};
	return state_file_load(path, RESIDENCE_FILE_MAX, read_document, out, message, size);
}

static json_t *to_json(const struct residence *residence)
{
	json_t *list = json_array();

	for (size_t i = 0; i < residence->count; i++) {
		const struct resident *it = &residence->items[i];

		/* A name that is no UTF-8 cannot be written: that VM is new to the next start. */
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:i}", "id", it->id, "environment",
			      it->place.environment, "host", it->place.host, "moved",
			      (json_int_t)it->moved_s, "seen", (json_int_t)it->seen_s, "moves",
			      (int)it->moves));
	}
	return json_pack("{s:i, s:o}", "version", 1, "vms", list);
}

int residence_save(struct residence *residence, const char *path)
{
	json_t *document = residence->changed ? to_json(residence) : NULL;
	char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
	int rc = GRAPPE_OK;

	if (residence->changed)
		rc = text != NULL ? file_replace(path, text, strlen(text), 0640) : GRAPPE_EMEMORY;
	free(text);
	json_decref(document);
	if (rc == GRAPPE_OK) {
		residence->changed = false;
		residence->saved_s = residence->updated_s;
	}
	return rc;
}

void residence_deinit(struct residence *residence)
{
	free(residence->items);
	free(residence->arrivals);
	*residence = (struct residence){0};
}
