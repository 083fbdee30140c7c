/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which VMs moved a short while ago, whoever moved them: where each VM was seen last, and when it
 * was seen to come there from somewhere else, and how often lately. Stored as JSON in the state
 * folder, read back as hostile input. Pure but for load and save; one thread at a time.
 *
 * Life-cycle: zeroed or residence_load(); residence_update() with each observation;
 * residence_save(); residence_deinit().
 */
#ifndef GRAPPE_MANAGER_RESIDENCE_H
#define GRAPPE_MANAGER_RESIDENCE_H

#include "manager/observation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESIDENCE_SAVE_S 3600           /* what was seen is written down at least so often */
#define RESIDENCE_FORGET_S 86400        /* VMs not seen for so long are forgotten */
#define RESIDENCE_FILE_MAX (256u << 20) /* bytes */
#define RESIDENCE_MOVES_MAX 16          /* of one VM that are counted */

struct resident {
	char id[OBSERVATION_ID_SIZE];
	struct place place;
	int64_t
	    moved_s; /* when it was first seen here, coming from elsewhere, or was held; 0: never */
	int64_t seen_s;
	unsigned moves; /* how often it moved lately, as of moved_s */
};

/* A VM that the last update saw at another place than before. */
struct arrival {
	char id[OBSERVATION_ID_SIZE], name[OBSERVATION_ID_SIZE];
	struct place from, to;
};

struct residence {
	struct resident *items; /* in order of ids */
	size_t count;
	struct arrival *arrivals; /* of the last residence_update() */
	size_t narrivals;
	bool changed; /* since it was loaded or saved */
	int64_t updated_s, saved_s;
};

/* residence_update - VMs without a known place stay as they are. Returns 0 or GRAPPE_EMEMORY. */
int residence_update(
    struct residence *residence, const struct observation *observation, int64_t now_s);
/* residence_moved_s - when the VM moved last, 0: it was not seen to. */
int64_t residence_moved_s(const struct residence *residence, const char *id);
/* residence_recent_moves - how often the VM moved lately: one is forgotten for each day since the
 * last; at most RESIDENCE_MOVES_MAX. */
unsigned residence_recent_moves(const struct residence *residence, const char *id, int64_t now_s);

/* residence_hold - a move of the VM failed or brought nothing: it is left alone as if it had moved
 * now. A VM that was never seen is nobody's. */
void residence_hold(struct residence *residence, const char *id, int64_t now_s);

/* residence_parse - *out needs residence_deinit() only after success. Returns 0, GRAPPE_EMEMORY,
 * GRAPPE_ELIMIT, or GRAPPE_EFORMAT with the reason in message. */
int residence_parse(
    const char *bytes, size_t length, struct residence *out, char *message, size_t size);
/* residence_load - the same of a file, as state_file_load(); empty when there is none. */
int residence_load(const char *path, struct residence *out, char *message, size_t size);
/* residence_save - does nothing when nothing changed. Returns 0, GRAPPE_EIO or GRAPPE_EMEMORY. */
int residence_save(struct residence *residence, const char *path);
void residence_deinit(struct residence *residence);

#endif
