/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of a request's window that is in memory, as it is answered: the joined periods, with
 * what is estimated (C-6), and the receivers that the request selects. What it was when the answer
 * began stays, whatever arrives meanwhile. Internal to the answers. One thread.
 */
#ifndef GRAPPE_COLLECTOR_ANSWER_WINDOW_H
#define GRAPPE_COLLECTOR_ANSWER_WINDOW_H

#include "collector/answer_plan.h"

struct answer_moment {
	int64_t end_s;
	const struct resolved *view;   /* held */
	const struct resolved *before; /* held; NULL unless some of it is estimated from it */
};

struct answer_window {
	struct picture *picture;  /* held */
	struct matrix *catalogue; /* of the picture */
	struct answer_moment *moments;
	size_t count;
	bool *absent; /* by agent: nothing of it in the period that is estimated */
	uint32_t agents;
	char select[VM_ID_SIZE]; /* "" = all */
	uint32_t selected;       /* its node; UINT32_MAX: all, or nobody has it */
	uint32_t *receivers;     /* nodes whose rows may be selected, in the order of their ids */
	size_t nreceivers;
};

/* answer_window_init - joins all periods of the plan that are in memory. Returns 0 or
 * GRAPPE_EMEMORY; to be deinitialised in either case. */
int answer_window_init(struct answer_window *window, const struct answer_source *source,
    const struct answer_plan *plan);
void answer_window_deinit(struct answer_window *window);

/* answer_window_select - finds the selected receivers; again after ids or pairs were added to the
 * catalogue. Returns 0 or GRAPPE_EMEMORY. */
int answer_window_select(struct answer_window *window);

/* answer_window_is_selected - whether the pair of nodes is wanted; sender UINT32_MAX: nothing came.
 */
bool answer_window_is_selected(
    const struct answer_window *window, uint32_t receiver, uint32_t sender);

/* answer_window_next - the next receiver of the moment that may be selected: *position begins with
 * 0 and is moved on. *view: where its rows are. NULL: there are no more. */
const struct resolved_receiver *answer_window_next(const struct answer_window *window,
    const struct answer_moment *moment, size_t *position, const struct resolved **view);

#endif
