/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/answer_window.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

static int hold_moment(struct answer_window *window, int64_t end_s, bool estimated)
{
	struct answer_moment *moment = &window->moments[window->count];
	const int64_t before_s = end_s - picture_length(window->picture);
	const struct resolved *before = estimated ? picture_view(window->picture, before_s) : NULL;
	const struct resolved *view = picture_view(window->picture, end_s);

	if (view == NULL)
		return GRAPPE_EMEMORY;
	*moment = (struct answer_moment){.end_s = end_s, .view = resolve_hold(view)};
	if (before != NULL)
		moment->before = resolve_hold(before);
	window->count++;
	return GRAPPE_OK;
}

/* Which agents tell nothing of the period. */
static int note_absent(struct answer_window *window, int64_t end_s)
{
	window->agents = picture_missing(window->picture, end_s).agents;
	window->absent = calloc(window->agents + 1, sizeof *window->absent);
	if (window->absent == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t a = 0; a < window->agents; a++)
		window->absent[a] =
		    picture_state_of(window->picture, a, end_s) != PICTURE_DELIVERED;
	return GRAPPE_OK;
}

int answer_window_init(struct answer_window *window, const struct answer_source *source,
    const struct answer_plan *plan)
{
	const int64_t length_s = picture_length(source->picture);
	int rc = GRAPPE_OK;

	*window = (struct answer_window){
	    .picture = source->picture, .catalogue = picture_catalogue(source->picture)};
	picture_hold(source->picture);
	memcpy(window->select, plan->select, sizeof window->select);
	window->moments = calloc(
	    (size_t)((plan->to_s - plan->memory_from_s) / length_s) + 1, sizeof *window->moments);
	if (window->moments == NULL)
		return GRAPPE_EMEMORY;
	if (plan->approximate)
		rc = note_absent(window, plan->to_s);
	for (int64_t end_s = plan->memory_from_s + length_s; end_s <= plan->to_s && rc == GRAPPE_OK;
	     end_s += length_s)
		if (picture_has(window->picture, end_s))
			rc = hold_moment(window, end_s, plan->approximate && end_s == plan->to_s);
	return rc == GRAPPE_OK ? answer_window_select(window) : rc;
}

void answer_window_deinit(struct answer_window *window)
{
	for (size_t i = 0; i < window->count; i++) {
		resolve_free(window->moments[i].view);
		resolve_free(window->moments[i].before);
	}
	free(window->moments);
	free(window->absent);
	free(window->receivers);
	picture_release(window->picture);
}

/* ---- selection ---- */

int answer_window_select(struct answer_window *window)
{
	const int node =
	    window->select[0] != '\0' ? matrix_find(window->catalogue, window->select) : -1;
	const struct matrix_pair *pairs;
	size_t npairs, count = 0;

	free(window->receivers);
	window->receivers = NULL;
	window->nreceivers = 0;
	window->selected = node < 0 ? UINT32_MAX : (uint32_t)node;
	if (node < 0)
		return GRAPPE_OK;
	pairs = matrix_pairs(window->catalogue, &npairs);
	for (size_t p = 0; p < npairs; p++)
		count += pairs[p].source == window->selected;
	window->receivers = malloc((count + 1) * sizeof *window->receivers);
	if (window->receivers == NULL)
		return GRAPPE_EMEMORY;
	window->receivers[window->nreceivers++] = window->selected;
	for (size_t p = 0; p < npairs; p++)
		if (pairs[p].source == window->selected && pairs[p].receiver != window->selected)
			window->receivers[window->nreceivers++] = pairs[p].receiver;
	matrix_sort_nodes(window->catalogue, window->receivers, window->nreceivers);
	return GRAPPE_OK;
}

bool answer_window_is_selected(
    const struct answer_window *window, uint32_t receiver, uint32_t sender)
{
	return window->select[0] == '\0' ||
	       (window->selected != UINT32_MAX &&
		   (receiver == window->selected || sender == window->selected));
}

/* What was counted before stands for what the missing agent would tell. */
static const struct resolved_receiver *estimate(const struct answer_window *window,
    const struct answer_moment *moment, const struct resolved_receiver *receiver,
    const struct resolved **view)
{
	const struct resolved_receiver *before = NULL;

	*view = moment->view;
	if (moment->before != NULL && receiver->known < 1)
		before = resolve_find(moment->before, resolve_id(moment->view, receiver));
	if (before == NULL || (before->agent != UINT32_MAX && (before->agent >= window->agents ||
								  !window->absent[before->agent])))
		return receiver;
	*view = moment->before;
	return before;
}

const struct resolved_receiver *answer_window_next(const struct answer_window *window,
    const struct answer_moment *moment, size_t *position, const struct resolved **view)
{
	const struct resolved_receiver *receiver = NULL;

	if (window->select[0] == '\0' && *position < moment->view->nreceivers)
		receiver = &moment->view->receivers[(*position)++];
	while (window->select[0] != '\0' && receiver == NULL && *position < window->nreceivers)
		receiver = resolve_find(
		    moment->view, matrix_name(window->catalogue, window->receivers[(*position)++]));
	return receiver != NULL ? estimate(window, moment, receiver, view) : NULL;
}
