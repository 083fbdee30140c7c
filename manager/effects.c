/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/effects.h"

#include "common/error.h"
#include "common/file.h"
#include "manager/json_fields.h"
#include "manager/state_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

static int add(struct effects *effects, const struct effect_watch *watch)
{
	struct effect_watch *grown;

	if (effects->nwaiting == EFFECTS_WAITING_MAX) {
		effects->left_out++;
		return GRAPPE_OK;
	}
	grown = realloc(effects->waiting, (effects->nwaiting + 1) * sizeof *grown);
	if (grown == NULL)
		return GRAPPE_EMEMORY;
	effects->waiting = grown;
	effects->waiting[effects->nwaiting++] = *watch;
	effects->changed = true;
	return GRAPPE_OK;
}

static bool is_there(const struct place *wanted, const struct place *seen)
{
	return strcmp(wanted->environment, seen->environment) == 0 &&
	       (wanted->host[0] == '\0' || strcmp(wanted->host, seen->host) == 0);
}

static struct effect_watch *find_move(struct effects *effects, const struct effect_watch *like)
{
	for (size_t i = 0; i < effects->nwaiting; i++)
		if (strcmp(effects->waiting[i].vm, like->vm) == 0 &&
		    (is_there(&effects->waiting[i].to, &like->to) ||
			is_there(&like->to, &effects->waiting[i].to)))
			return &effects->waiting[i];
	return NULL;
}

int effects_made(struct effects *effects, const struct effect_watch *watch)
{
	struct effect_watch *known = find_move(effects, watch);
	const int64_t seen_s = known != NULL ? known->seen_s : 0;

	if (known == NULL)
		return add(effects, watch);
	/* Sensors were faster than the API. */
	*known = *watch;
	known->seen_s = seen_s;
	effects->changed = true;
	return GRAPPE_OK;
}

int effects_seen(struct effects *effects, const struct effect_watch *watch)
{
	struct effect_watch *known = find_move(effects, watch);

	if (known == NULL || known->seen_s != 0)
		return add(effects, watch);
	known->seen_s = watch->seen_s;
	if (known->to.host[0] == '\0')
		known->to = watch->to;
	effects->changed = true;
	return GRAPPE_OK;
}

static bool together(const struct effect_watch *a, const struct effect_watch *b)
{
	return a == b || (a->id[0] != '\0' && strcmp(a->id, b->id) == 0);
}

static bool is_ready(
    const struct effect_watch *watch, int64_t to_s, int64_t length_s, int64_t window_s)
{
	int64_t before[2], after[2];

	effect_windows(watch, length_s, window_s, before, after);
	return after[1] <= to_s &&
	       (watch->seen_s != 0 || watch->arrived_s + EFFECTS_PATIENCE_S <= to_s);
}

size_t effects_due(const struct effects *effects, int64_t to_s, int64_t length_s, int64_t window_s,
    struct effect_watch *out, size_t limit)
{
	for (size_t i = 0; i < effects->nwaiting; i++) {
		const struct effect_watch *first = &effects->waiting[i];
		size_t count = 0;
		bool ready = true;

		for (size_t j = 0; j < effects->nwaiting; j++) {
			const struct effect_watch *other = &effects->waiting[j];

			if (!together(first, other))
				continue;
			ready &= is_ready(other, to_s, length_s, window_s);
			if (count < limit)
				out[count++] = *other;
		}
		if (ready)
			return count;
	}
	return 0;
}

static bool is_same(const struct effect_watch *a, const struct effect_watch *b)
{
	return strcmp(a->vm, b->vm) == 0 && a->left_s == b->left_s;
}

static void take_off(struct effects *effects, const struct effect_watch *watch)
{
	for (size_t i = 0; i < effects->nwaiting; i++) {
		if (!is_same(&effects->waiting[i], watch))
			continue;
		memmove(&effects->waiting[i], &effects->waiting[i + 1],
		    (effects->nwaiting - i - 1) * sizeof *effects->waiting);
		effects->nwaiting--;
		return;
	}
}

int effects_keep(
    struct effects *effects, const struct effect_watch *watches, size_t count, json_t *document)
{
	for (size_t i = 0; i < count; i++)
		take_off(effects, &watches[i]);
	effects->changed = true;
	if (document == NULL)
		return GRAPPE_OK;
	if (effects->done == NULL)
		effects->done = json_array();
	while (json_array_size(effects->done) >= EFFECTS_KEPT)
		json_array_remove(effects->done, 0);
	return json_array_append(effects->done, document) == 0 ? GRAPPE_OK : GRAPPE_EMEMORY;
}

size_t effects_unseen(const struct effects *effects)
{
	size_t count = 0;

	for (size_t i = 0; i < effects->nwaiting; i++)
		count += effects->waiting[i].ours && effects->waiting[i].seen_s == 0;
	return count;
}

void effects_deinit(struct effects *effects)
{
	free(effects->waiting);
	json_decref(effects->done);
	*effects = (struct effects){0};
}

/* ---- as a file ---- */

static json_t *watch_json(const struct effect_watch *watch)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:o, s:o}",
	    "recommendation", watch->id, "vm", json_text(watch->vm), "name", json_text(watch->name),
	    "from_environment", json_text(watch->from.environment), "from_host",
	    json_text(watch->from.host), "to_environment", json_text(watch->to.environment),
	    "to_host", json_text(watch->to.host), "left", (json_int_t)watch->left_s, "arrived",
	    (json_int_t)watch->arrived_s, "seen", (json_int_t)watch->seen_s, "ours", watch->ours,
	    "octets_per_s_before", json_real_or_null(watch->octets_before), "octets_per_s_after",
	    json_real_or_null(watch->octets_after));
}

static bool parse_watch(const json_t *object, struct effect_watch *watch)
{
	watch->ours = json_is_true(json_object_get(object, "ours"));
	return json_take_text(object, "recommendation", watch->id, sizeof watch->id) &&
	       json_take_text(object, "vm", watch->vm, sizeof watch->vm) &&
	       json_take_text(object, "name", watch->name, sizeof watch->name) &&
	       json_take_text(object, "from_environment", watch->from.environment,
		   sizeof watch->from.environment) &&
	       json_take_text(object, "from_host", watch->from.host, sizeof watch->from.host) &&
	       json_take_text(
		   object, "to_environment", watch->to.environment, sizeof watch->to.environment) &&
	       json_take_text(object, "to_host", watch->to.host, sizeof watch->to.host) &&
	       json_take_time(object, "left", &watch->left_s) &&
	       json_take_time(object, "arrived", &watch->arrived_s) &&
	       watch->left_s <= watch->arrived_s &&
	       json_take_time(object, "seen", &watch->seen_s) &&
	       json_take_number(object, "octets_per_s_before", &watch->octets_before) &&
	       json_take_number(object, "octets_per_s_after", &watch->octets_after);
}

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EFORMAT)

static int read_lists(const json_t *document, struct effects *out, char *message, size_t size)
{
	const json_t *waiting = json_object_get(document, "waiting");
	json_t *done = json_object_get(document, "done");

	if (!json_is_array(waiting) || json_array_size(waiting) > EFFECTS_WAITING_MAX)
		return FAIL("waiting: must be a list of at most %d", EFFECTS_WAITING_MAX);
	if (!json_is_array(done) || json_array_size(done) > EFFECTS_KEPT)
		return FAIL("done: must be a list of at most %d", EFFECTS_KEPT);
	out->waiting = calloc(json_array_size(waiting) + 1, sizeof *out->waiting);
	if (out->waiting == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < json_array_size(waiting); i++)
		if (!parse_watch(json_array_get(waiting, i), &out->waiting[out->nwaiting++]))
			return FAIL("waiting[%zu]: not a move", i);
	for (size_t i = 0; i < json_array_size(done); i++)
		if (effect_text(json_array_get(done, i)) == NULL)
			return FAIL("done[%zu]: not an effect", i);
	out->done = json_incref(done);
	return GRAPPE_OK;
}

static int read_document(const json_t *document, void *out, char *message, size_t size)
{
	struct effects found = {0};
	const int rc = read_lists(document, &found, message, size);

	if (rc == GRAPPE_OK)
		*(struct effects *)out = found;
	else
		effects_deinit(&found);
	return rc;
}

int effects_parse(const char *bytes, size_t length, struct effects *out, char *message, size_t size)
{
	*out = (struct effects){0};
	return state_file_parse(bytes, length, EFFECTS_FILE_MAX, read_document, out, message, size);
}

int effects_load(const char *path, struct effects *out, char *message, size_t size)
{
	*out = (struct effects){0};
	return state_file_load(path, EFFECTS_FILE_MAX, read_document, out, message, size);
}

static json_t *to_json(const struct effects *effects)
{
	json_t *waiting = json_array();

	for (size_t i = 0; i < effects->nwaiting; i++)
		json_array_append_new(waiting, watch_json(&effects->waiting[i]));
	return json_pack("{s:i, s:o, s:o}", "version", 1, "waiting", waiting, "done",
	    effects->done != NULL ? json_incref(effects->done) : json_array());
}

int effects_save(struct effects *effects, const char *path)
{
	json_t *document = effects->changed ? to_json(effects) : NULL;
	char *text =
	    document != NULL ? json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
	int rc = GRAPPE_OK;

	if (effects->changed)
		rc = text != NULL ? file_replace(path, text, strlen(text), 0640) : GRAPPE_EMEMORY;
	free(text);
	json_decref(document);
	if (rc == GRAPPE_OK)
		effects->changed = false;
	return rc;
}
