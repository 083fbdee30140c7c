/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/follow.h"

#include "common/error.h"
#include "common/log.h"
#include "common/protocol.h"
#include "manager/json_fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct follow {
	struct effects effects;
	struct advisor *advisor;     /* not owned */
	struct publisher *publisher; /* not owned */
	char *path;
	struct log_complaint store_fault;
};

static void store(struct follow *follow)
{
	const int rc = effects_save(&follow->effects, follow->path);

	if (rc != GRAPPE_OK)
		log_complain(&follow->store_fault,
		    "%s: cannot be written: %s; after a restart moves are not followed further",
		    follow->path, error_text(rc));
	else
		log_recovered(&follow->store_fault, "%s: written again", follow->path);
}

int follow_open(const char *folder, struct advisor *advisor, struct publisher *publisher,
    struct follow **out, char *message, size_t size)
{
	struct follow *follow = calloc(1, sizeof *follow);
	int rc;

	*out = NULL;
	snprintf(message, size, "%s", error_text(GRAPPE_EMEMORY));
	if (follow == NULL)
		return GRAPPE_EMEMORY;
	follow->advisor = advisor;
	follow->publisher = publisher;
	if (asprintf(&follow->path, "%s/effects.json", folder) < 0)
		follow->path = NULL;
	rc = follow->path != NULL ? effects_load(follow->path, &follow->effects, message, size)
				  : GRAPPE_EMEMORY;
	if (rc == GRAPPE_OK)
		*out = follow;
	else
		follow_close(follow);
	return rc;
}

void follow_close(struct follow *follow)
{
	if (follow == NULL)
		return;
	effects_deinit(&follow->effects);
	free(follow->path);
	free(follow);
}

/* ---- moves ---- */

void follow_made(
    struct follow *follow, const struct execution *execution, const struct execution_move *move)
{
	struct effect_watch watch = {.from = move->from,
	    .to = move->to,
	    .left_s = move->started_s,
	    .arrived_s = move->ended_s > move->started_s ? move->ended_s : move->started_s,
	    .ours = true,
	    .octets_before = move->octets_before,
	    .octets_after = move->octets_after};

	snprintf(watch.id, sizeof watch.id, "%s", execution->id);
	snprintf(watch.vm, sizeof watch.vm, "%s", move->order.vm_id);
	snprintf(watch.name, sizeof watch.name, "%s", move->order.vm_name);
	if (effects_made(&follow->effects, &watch) != GRAPPE_OK)
		log_error(
		    "the move of %s is not followed: %s", watch.name, error_text(GRAPPE_EMEMORY));
	store(follow);
}

static bool leads_there(const json_t *move, const char *vm, const struct place *to)
{
	const json_t *place = json_object_get(move, "to");
	const char *host = json_string_value(json_object_get(place, "host"));

	return strcmp(json_string_value(json_object_get(json_object_get(move, "vm"), "id")), vm) ==
		   0 &&
	       strcmp(json_string_value(json_object_get(place, "environment")), to->environment) ==
		   0 &&
	       (host == NULL || strcmp(host, to->host) == 0);
}

/* People may have followed the advice: then it is known what was predicted. */
static void find_advice(const struct advisor *advisor, struct effect_watch *watch)
{
	const json_t *document = advisor_current(advisor);
	const json_t *moves = json_object_get(document, "moves");

	watch->octets_before = watch->octets_after = NAN;
	for (size_t i = 0; i < json_array_size(moves); i++) {
		const json_t *move = json_array_get(moves, i);
		const json_t *terms = json_object_get(move, "terms");

		if (!leads_there(move, watch->vm, &watch->to))
			continue;
		snprintf(watch->id, sizeof watch->id, "%s", recommendation_id(document));
		watch->octets_before =
		    json_number_of(terms, "inter_environment_octets_per_s_before");
		watch->octets_after = json_number_of(terms, "inter_environment_octets_per_s_after");
		return;
	}
}

void follow_seen(
    struct follow *follow, const struct residence *residence, int64_t length_s, int64_t now_s)
{
	for (size_t i = 0; i < residence->narrivals; i++) {
		const struct arrival *arrival = &residence->arrivals[i];
		struct effect_watch watch = {.from = arrival->from,
		    .to = arrival->to,
		    .left_s = now_s - 3 * length_s,
		    .arrived_s = now_s,
		    .seen_s = now_s};
		char text[600];

		memcpy(watch.vm, arrival->id, sizeof watch.vm);
		memcpy(watch.name, arrival->name, sizeof watch.name);
		find_advice(follow->advisor, &watch);
		snprintf(text, sizeof text, "%s from %s %s to %s %s", watch.name,
		    watch.from.environment, watch.from.host, watch.to.environment, watch.to.host);
		advisor_note(follow->advisor, watch.id, "seen", text, now_s);
		if (effects_seen(&follow->effects, &watch) != GRAPPE_OK)
			log_error("the move of %s is not followed: %s", watch.name,
			    error_text(GRAPPE_EMEMORY));
	}
	store(follow);
}

/* ---- effects ---- */

size_t follow_due(const struct follow *follow, int64_t to_s, int64_t length_s, int64_t window_s,
    struct effect_watch *out, size_t limit)
{
	return effects_due(&follow->effects, to_s, length_s, window_s, out, limit);
}

/* To the webhooks; its id must differ from that of the recommendation. */
static void post(struct follow *follow, const struct effect_watch *first, const json_t *effect)
{
	char id[PROTOCOL_ID_SIZE];
	char *text = json_dumps(effect, JSON_COMPACT | JSON_REAL_PRECISION(12));
	int rc;

	snprintf(id, sizeof id, "effect-%lld-%.32s", (long long)first->arrived_s,
	    first->id[0] != '\0' ? first->id : "others");
	rc = text != NULL ? publish_recommendation(follow->publisher, id, text) : GRAPPE_EMEMORY;
	if (rc != GRAPPE_OK)
		log_error("the effect of a move cannot be posted: %s", error_text(rc));
	free(text);
}

void follow_take(struct follow *follow, const struct effect_watch *watches, size_t count,
    json_t *effect, const char *why, struct residence *residence, int64_t now_s)
{
	if (effect != NULL) {
		log_info("effect: %s", effect_text(effect));
		advisor_note(follow->advisor, watches[0].id, "effect", effect_text(effect), now_s);
		post(follow, &watches[0], effect);
	} else {
		advisor_note(follow->advisor, watches[0].id, "effect", why, now_s);
	}
	if (effect != NULL && effect_brought_nothing(effect))
		for (size_t i = 0; i < count; i++)
			residence_hold(residence, watches[i].vm, now_s);
	if (effects_keep(&follow->effects, watches, count, effect) != GRAPPE_OK)
		log_error("the effect of a move is not kept: %s", error_text(GRAPPE_EMEMORY));
	store(follow);
}

bool follow_is_waiting(const struct follow *follow)
{
	return effects_unseen(&follow->effects) > 0;
}

json_t *follow_json(const struct follow *follow, size_t limit)
{
	json_t *list = json_array();
	const size_t count = json_array_size(follow->effects.done);

	for (size_t i = count > limit ? count - limit : 0; i < count; i++)
		json_array_append(list, json_array_get(follow->effects.done, i));
	return list;
}
