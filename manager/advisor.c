/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/advisor.h"

#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "manager/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct advisor {
	json_t *current;
	struct history history;
	char *path; /* of the current document */
	int lock;   /* open file that holds the lock */
	struct log_complaint store_fault, history_fault;
};

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

static char *join(const char *folder, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", folder, name) >= 0 ? path : NULL;
}

static int take_hold(struct advisor *advisor, const char *folder, char *message, size_t size)
{
	char *path = join(folder, "lock");

	if (path == NULL)
		return FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	advisor->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	free(path);
	if (advisor->lock < 0)
		return FAIL(GRAPPE_EIO, "%s: %s", folder, strerror(errno));
	if (flock(advisor->lock, LOCK_EX | LOCK_NB) == 0)
		return GRAPPE_OK;
	return FAIL(errno == EWOULDBLOCK ? GRAPPE_EEXISTS : GRAPPE_EIO, "%s: %s", folder,
	    errno == EWOULDBLOCK ? "another manager works on this folder" : strerror(errno));
}

static int read_current(const json_t *document, void *out, char *message, size_t size)
{
	const int rc = recommendation_check(document, message, size);

	if (rc == GRAPPE_OK)
		*(json_t **)out = json_incref((json_t *)document);
	return rc;
}

static int load_history(struct advisor *advisor, const char *folder, char *message, size_t size)
{
	char *path = join(folder, "history.jsonl");
	int rc = path != NULL ? history_open(&advisor->history, path) : GRAPPE_EMEMORY;

	if (rc == GRAPPE_ELIMIT) {
		file_set_aside(path, error_text(rc));
		rc = history_open(&advisor->history, path);
	}
	if (rc != GRAPPE_OK)
		snprintf(message, size, "%s: %s", path != NULL ? path : folder, error_text(rc));
	else if (advisor->history.damaged > 0)
		log_warning("%s: %zu damaged lines were skipped", path, advisor->history.damaged);
	free(path);
	return rc;
}

int advisor_open(const char *folder, struct advisor **out, char *message, size_t size)
{
	struct advisor *advisor = calloc(1, sizeof *advisor);
	int rc;

	*out = NULL;
	if (advisor == NULL)
		return FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	advisor->lock = -1;
	advisor->path = join(folder, "recommendation.json");
	if (advisor->path == NULL)
		rc = FAIL(GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	else if (file_make_folder(folder, 0750) != GRAPPE_OK)
		rc = FAIL(GRAPPE_EIO, "%s: %s", folder, strerror(errno));
	else
		rc = take_hold(advisor, folder, message, size);
	if (rc == GRAPPE_OK)
		rc = state_file_load(advisor->path, RECOMMENDATION_MAX, read_current,
		    &advisor->current, message, size);
	if (rc == GRAPPE_OK)
		rc = load_history(advisor, folder, message, size);
	if (rc == GRAPPE_OK)
		*out = advisor;
	else
		advisor_close(advisor);
	return rc;
}

void advisor_close(struct advisor *advisor)
{
	if (advisor == NULL)
		return;
	json_decref(advisor->current);
	history_close(&advisor->history);
	free(advisor->path);
	if (advisor->lock >= 0)
		close(advisor->lock);
	free(advisor);
}

const json_t *advisor_current(const struct advisor *advisor)
{
	return advisor->current;
}

const struct history *advisor_history(const struct advisor *advisor)
{
	return &advisor->history;
}

static void store(struct advisor *advisor)
{
	char *text = json_dumps(advisor->current, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
	int rc =
	    text != NULL ? file_replace(advisor->path, text, strlen(text), 0640) : GRAPPE_EMEMORY;

	if (rc != GRAPPE_OK)
		log_complain(&advisor->store_fault,
		    "%s: the recommendation cannot be stored: %s; a restart would lose it",
		    advisor->path, error_text(rc));
	else
		log_recovered(&advisor->store_fault, "%s: stored again", advisor->path);
	free(text);
}

static void keep_event(
    struct advisor *advisor, int64_t now_s, const char *id, const char *event, const char *text)
{
	int rc = history_add(&advisor->history, now_s, id, event, text);

	if (rc != GRAPPE_OK)
		log_complain(&advisor->history_fault, "%s: an event cannot be written: %s",
		    advisor->history.path, error_text(rc));
	else
		log_recovered(&advisor->history_fault, "%s: written again", advisor->history.path);
}

static void remember(
    struct advisor *advisor, int64_t now_s, const char *id, const char *event, const char *text)
{
	log_info("recommendation %s %s%s%s", id, event, text[0] != '\0' ? ": " : "", text);
	keep_event(advisor, now_s, id, event, text);
}

static void describe(const json_t *document, char *out, size_t size)
{
	const size_t moves = recommendation_moves(document);
	const json_t *before = json_object_get(document, "before");
	const json_t *after = json_object_get(document, "after");

	snprintf(out, size, "%zu move%s, traffic between environments %.0f -> %.0f octets/s", moves,
	    moves == 1 ? "" : "s",
	    json_number_value(json_object_get(before, "inter_environment_octets_per_s")),
	    json_number_value(json_object_get(after, "inter_environment_octets_per_s")));
}

bool advisor_take(struct advisor *advisor, json_t *fresh, int64_t now_s)
{
	const bool was_open = recommendation_is_open(advisor->current);
	json_t *next, *old = advisor->current;
	char text[HISTORY_TEXT_SIZE];
	const enum recommendation_change change = recommendation_follow(old, fresh, &next);

	advisor->current = next;
	store(advisor);
	describe(next, text, sizeof text);
	if (change == RECOMMENDATION_NEW && was_open)
		remember(
		    advisor, now_s, recommendation_id(old), "superseded", recommendation_id(next));
	if (change == RECOMMENDATION_NEW)
		remember(advisor, now_s, recommendation_id(next), "created", text);
	else if (change == RECOMMENDATION_REST)
		remember(advisor, now_s, recommendation_id(next), "rest", text);
	else if (change == RECOMMENDATION_CLEARED)
		remember(
		    advisor, now_s, recommendation_id(old), "done", "nothing left worth moving");
	json_decref(old);
	return change == RECOMMENDATION_NEW;
}

int advisor_approve(struct advisor *advisor, const char *id, int64_t now_s)
{
	advisor_expire(advisor, now_s);
	if (advisor->current == NULL || strcmp(recommendation_id(advisor->current), id) != 0)
		return GRAPPE_ENOTFOUND;
	if (strcmp(recommendation_state(advisor->current), "approved") == 0)
		return GRAPPE_OK;
	if (strcmp(recommendation_state(advisor->current), "pending") != 0)
		return GRAPPE_EINVALID;
	if (recommendation_set_state(advisor->current, "approved") != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	store(advisor);
	remember(advisor, now_s, id, "approved", "");
	return GRAPPE_OK;
}

void advisor_settle(struct advisor *advisor, const char *id, bool delivered, int64_t now_s)
{
	remember(advisor, now_s, id, delivered ? "posted" : "unposted",
	    delivered ? "" : "a webhook refused it, or dropped it from a full queue");
	if (!delivered || advisor->current == NULL ||
	    strcmp(recommendation_id(advisor->current), id) != 0)
		return;
	json_object_set_new(advisor->current, "posted", json_true());
	store(advisor);
}

void advisor_expire(struct advisor *advisor, int64_t now_s)
{
	if (advisor->current == NULL || !recommendation_expire(advisor->current, now_s))
		return;
	store(advisor);
	remember(advisor, now_s, recommendation_id(advisor->current), "expired",
	    "no newer plan confirmed it in time");
}

void advisor_note(
    struct advisor *advisor, const char *id, const char *event, const char *text, int64_t now_s)
{
	keep_event(advisor, now_s, id, event, text);
}

void advisor_end(
    struct advisor *advisor, const char *id, const char *state, const char *text, int64_t now_s)
{
	if (advisor->current != NULL && strcmp(recommendation_id(advisor->current), id) == 0) {
		if (recommendation_set_state(advisor->current, state) != GRAPPE_OK)
			log_error("%s", error_text(GRAPPE_EMEMORY));
		store(advisor);
	}
	remember(advisor, now_s, id, state, text);
}
