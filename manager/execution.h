/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carrying out the moves of one recommendation, as a state that can be stored: which moves the APIs
 * can make, which may be ordered now, how each came out. Moves keep the order of the plan: those of
 * a step are made at once, the next step begins when all of it have ended well. After the first
 * that did not, nothing more is ordered. Pure; one thread.
 *
 * Life-cycle: execution_plan() or execution_parse(), the execution_… events, execution_deinit().
 */
#ifndef GRAPPE_MANAGER_EXECUTION_H
#define GRAPPE_MANAGER_EXECUTION_H

#include "common/place.h"
#include "manager/cloud.h"
#include "manager/environment.h"
#include "manager/recommendation.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXECUTION_MAX (64u << 20) /* bytes of a stored execution */
#define EXECUTION_NONE SIZE_MAX

enum move_state {
	MOVE_WAITING,
	MOVE_ORDERED, /* its API is at it */
	MOVE_MOVED,
	MOVE_FAILED,
	MOVE_CANCELLED,
	MOVE_LOST,
	MOVE_ADVICE, /* no API can make it, or it hangs on one that none can make: for people */
	MOVE_DROPPED /* never ordered, because the execution ended before */
};

extern const char *const move_state_names[]; /* NULL-terminated: "waiting", … */

struct execution_move {
	unsigned step;
	int64_t group; /* of the recommendation, -1 none */
	struct cloud_order order;
	struct place from, to; /* as Grappe calls them */
	char cloud[PLACE_NAME_SIZE];
	enum move_state state;
	char handle[CLOUD_HANDLE_SIZE];
	int64_t started_s, ended_s;         /* epoch seconds, 0 not yet */
	char text[CLOUD_TEXT_SIZE];         /* why it is as it is, "" */
	double octets_before, octets_after; /* per second between environments, as predicted */
};

enum execution_state {
	EXECUTION_RUNNING,
	EXECUTION_DONE,    /* every move that an API can make was made */
	EXECUTION_FAILED,  /* a move failed, was cancelled or lost */
	EXECUTION_STOPPED, /* by the stop file */
};

extern const char *const execution_state_names[];

struct execution {
	char id[RECOMMENDATION_ID_SIZE]; /* of the recommendation; "" there is none */
	enum execution_state state;
	int64_t started_s, ended_s;
	struct execution_move *moves; /* in the order of the plan */
	size_t nmoves;
};

/* execution_plan - of a document that passed recommendation_check(). clouds: the configured names,
 * NULL-terminated. A move is advice when its environment has no `api`, one that is not configured,
 * or another one than the target's; and when it needs one that is advice: it goes where that VM
 * leaves, is of its group, or is of the same VM. Returns 0 or GRAPPE_EMEMORY; *out needs
 * execution_deinit() only after success. */
int execution_plan(const json_t *document, const struct environments *environments,
    const char *const *clouds, int64_t now_s, struct execution *out);

/* execution_next - a move that may be ordered now, or EXECUTION_NONE. per_host: moves under way
 * that a host may take part in, as source or target. */
size_t execution_next(const struct execution *execution, size_t per_host);
size_t execution_under_way(const struct execution *execution);
/* execution_order / execution_accept / execution_end - what happened to a move. */
void execution_order(struct execution *execution, size_t move, int64_t now_s);
void execution_accept(struct execution *execution, size_t move, const char *handle);
void execution_end(
    struct execution *execution, size_t move, const struct cloud_result *result, int64_t now_s);
/* execution_stop - no more orders; what is under way ends by itself. */
void execution_stop(struct execution *execution, int64_t now_s);
/* execution_settle - ends the whole when nothing is under way and nothing more may be ordered.
 * Returns whether it ended now. */
bool execution_settle(struct execution *execution, int64_t now_s);
/* execution_is_over - it ended, or there is none. */
bool execution_is_over(const struct execution *execution);
size_t execution_count(const struct execution *execution, enum move_state state);

/* execution_json - as stored and as told by the status. A new reference, NULL without memory. */
json_t *execution_json(const struct execution *execution);
/* execution_parse - returns 0, GRAPPE_EMEMORY, GRAPPE_ELIMIT or GRAPPE_EFORMAT with the reason. */
int execution_parse(
    const char *bytes, size_t length, struct execution *out, char *message, size_t size);
/* execution_load - the same of a file, as state_file_load(); empty when there is none. */
int execution_load(const char *path, struct execution *out, char *message, size_t size);
void execution_deinit(struct execution *execution);

#endif
