/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The recommendation document (doc/recommendation.md): built from a plan, followed through its
 * states. Documents are jansson objects; those read from disk are checked
 * before use. Pure, takes time as an argument; one thread.
 */
#ifndef GRAPPE_MANAGER_RECOMMENDATION_H
#define GRAPPE_MANAGER_RECOMMENDATION_H

#include "manager/groups.h"
#include "manager/manager_settings.h"
#include "manager/observation.h"
#include "manager/plan.h"
#include "manager/problem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECOMMENDATION_ID_SIZE 33      /* 32 hexadecimal digits and the final zero */
#define RECOMMENDATION_MAX (16u << 20) /* bytes of a stored document */
#define RECOMMENDATION_MOVES_MAX 100000

struct recommendation_input {
	const struct observation *observation;
	const struct groups *groups;
	const struct problem *problem;
	const struct plan *plan;
	enum cost_objective objective;           /* of the plan */
	const struct manager_settings *settings; /* who owns what; may be NULL */
	const json_t *before; /* the document before, whose groups keep their numbers; NULL: none */
	int64_t now_s, expires_s; /* epoch seconds */
};

/* recommendation_build - a new document: state "pending", or "done" without moves. A new reference,
 * or NULL without memory. */
json_t *recommendation_build(const struct recommendation_input *input);

/* recommendation_parse - a stored document. Returns 0 with a new reference, GRAPPE_EFORMAT or
 * GRAPPE_ELIMIT with the reason in message. */
int recommendation_parse(
    const char *bytes, size_t length, json_t **out, char *message, size_t size);
/* recommendation_check - whether a document has what the rest of Grappe reads from it. Returns 0 or
 * GRAPPE_EFORMAT with the reason in message. */
int recommendation_check(const json_t *document, char *message, size_t size);

const char *recommendation_id(const json_t *document);
const char *recommendation_state(const json_t *document);
size_t recommendation_moves(const json_t *document);
/* recommendation_is_open - pending or approved: advice that still stands. */
bool recommendation_is_open(const json_t *document);

/* recommendation_set_state - returns 0 or GRAPPE_EMEMORY. */
int recommendation_set_state(json_t *document, const char *state);

/*
 * recommendation_follow - what becomes of the current document (may be NULL) when a new plan comes
 * in. The same advice keeps its id, time of creation and state, with new numbers and a later
 * expiry; what is left of approved advice stays approved. *next: new reference to the document that
 * counts from now on. Returns what happened.
 */
enum recommendation_change {
	RECOMMENDATION_SAME,    /* the same advice, or still none */
	RECOMMENDATION_NEW,     /* new advice; the old one, if it was open, is superseded */
	RECOMMENDATION_REST,    /* what is left of the current one */
	RECOMMENDATION_CLEARED, /* nothing left to move */
};
enum recommendation_change recommendation_follow(json_t *current, json_t *fresh, json_t **next);

/* recommendation_expire - sets an open document whose time is over to "expired". Returns whether it
 * did. */
bool recommendation_expire(json_t *document, int64_t now_s);

#endif
