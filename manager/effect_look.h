/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Measures the effect of moves: asks the collector for the windows before and after them, and for
 * the periods around. Blocking; for the thread that plans.
 */
#ifndef GRAPPE_MANAGER_EFFECT_LOOK_H
#define GRAPPE_MANAGER_EFFECT_LOOK_H

#include "manager/effect.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define EFFECT_TOGETHER_MAX 64 /* moves that are measured together */

struct effect_question {
	const char *socket; /* of the collector */
	int64_t length_s, window_s;
	const struct environments *environments;
	int64_t now_s;
};

/* effect_look - watches: moves that were made together, at most EFFECT_TOGETHER_MAX; the window
 * before ends before the first of them, the one after begins after the last. *out: a new
 * reference. Returns 0, or what source_read_collector() returns, with words. */
int effect_look(const struct effect_question *question, const struct effect_watch *watches,
    size_t count, json_t **out, char *message, size_t size);

#endif
