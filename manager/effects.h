/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The moves whose effect is to be measured, and what was measured of late: a bounded list, stored
 * in effects.json of the state folder and read back as hostile input. Moves come from the executor,
 * and from what sensors see of moves that others made. Pure but for load and save; one thread.
 *
 * Life-cycle: zeroed or effects_load(); effects_left()/effects_seen(), effects_due(),
 * effects_keep(), effects_save(); effects_deinit().
 */
#ifndef GRAPPE_MANAGER_EFFECTS_H
#define GRAPPE_MANAGER_EFFECTS_H

#include "manager/effect.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EFFECTS_WAITING_MAX                                                                        \
	1000             /* moves that are waited for; more are not measured, and counted          \
			  */
#define EFFECTS_KEPT 100 /* newest documents that are kept */
#define EFFECTS_FILE_MAX (64u << 20)
#define EFFECTS_PATIENCE_S 600 /* how long a VM may need to be seen where it went */

struct effects {
	struct effect_watch *waiting;
	size_t nwaiting;
	json_t *done; /* array of documents, oldest first */
	size_t left_out;
	bool changed; /* since it was loaded or saved */
};

/* effects_made - this manager moved the VM. Returns 0 or GRAPPE_EMEMORY, as the next. */
int effects_made(struct effects *effects, const struct effect_watch *watch);
/* effects_seen - sensors saw a VM where it was not before. One that effects_made() told of is noted
 * as seen; any other move was made by somebody else. */
int effects_seen(struct effects *effects, const struct effect_watch *watch);
/* effects_due - moves made together (of one recommendation, or one alone) whose windows have passed
 * when the newest period ends at to_s. Copies at most `limit` of them to `out`; returns how many,
 * 0: none is due. It waits for VMs to be seen, EFFECTS_PATIENCE_S at most. */
size_t effects_due(const struct effects *effects, int64_t to_s, int64_t length_s, int64_t window_s,
    struct effect_watch *out, size_t limit);
/* effects_keep - the moves were measured: takes them off the list and keeps the document (may be
 * NULL: they cannot be measured). Returns 0 or GRAPPE_EMEMORY. */
int effects_keep(
    struct effects *effects, const struct effect_watch *watches, size_t count, json_t *document);
/* effects_unseen - moves that this manager made and that nobody saw yet. */
size_t effects_unseen(const struct effects *effects);

/* effects_parse - *out needs effects_deinit() only after success. Returns 0, GRAPPE_EMEMORY,
 * GRAPPE_ELIMIT, or GRAPPE_EFORMAT with the reason. */
int effects_parse(
    const char *bytes, size_t length, struct effects *out, char *message, size_t size);
/* effects_load - the same of a file, as state_file_load(); empty when there is none. */
int effects_load(const char *path, struct effects *out, char *message, size_t size);
/* effects_save - does nothing when nothing changed. Returns 0, GRAPPE_EIO or GRAPPE_EMEMORY. */
int effects_save(struct effects *effects, const char *path);
void effects_deinit(struct effects *effects);

#endif
