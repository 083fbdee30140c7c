/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/effect_look.h"

#include "common/error.h"
#include "manager/source.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MS 15000
#define AROUND 2 /* periods on either side of a move that are looked at for silence */

/* The windows that all of the moves share. */
static void find_windows(const struct effect_question *question, const struct effect_watch *watches,
    size_t count, int64_t before[2], int64_t after[2])
{
	effect_windows(&watches[0], question->length_s, question->window_s, before, after);
	for (size_t i = 1; i < count; i++) {
		int64_t earlier[2], later[2];

		effect_windows(&watches[i], question->length_s, question->window_s, earlier, later);
		if (earlier[1] < before[1])
			memcpy(before, earlier, sizeof earlier);
		if (later[0] > after[0])
			memcpy(after, later, sizeof later);
	}
}

static int read_window(const struct effect_question *question, const int64_t window[2],
    struct observation *out, char *message, size_t size)
{
	const struct source_wish wish = {
	    .socket = question->socket, .window_s = window[1] - window[0], .to_s = window[1]};
	int64_t retry_at_s;

	return source_read_collector(&wish, out, &retry_at_s, message, size);
}

/* A silence that cannot be read is not known; that is no fault of the whole. */
static struct effect_silence read_silence(
    const struct effect_question *question, const struct effect_watch *watch)
{
	struct effect_silence silence = {.why = "the periods around the move are not known"};
	struct effect_period periods[EFFECT_PERIODS_MAX];
	struct protocol_request request = {.op = OP_MATRIX, .kind = KIND_DETAIL};
	struct protocol_reply reply = {0};
	int64_t before[2], after[2];
	int count;

	effect_windows(watch, question->length_s, question->length_s, before, after);
	request.from_s = before[1] - question->length_s;
	request.to_s = after[0] + AROUND * question->length_s;
	snprintf(request.select, sizeof request.select, "%s", watch->vm);
	if ((request.to_s - request.from_s) / question->length_s > EFFECT_PERIODS_MAX)
		return silence;
	if (protocol_call(question->socket, &request, ANSWER_MS, &reply) == GRAPPE_OK &&
	    reply.answer.status == STATUS_OK) {
		count = effect_read_periods(
		    &reply, watch->vm, request.from_s, request.to_s, question->length_s, periods);
		if (count > 0)
			silence = effect_silence(periods, (size_t)count, question->length_s);
	}
	protocol_reply_deinit(&reply);
	return silence;
}

int effect_look(const struct effect_question *question, const struct effect_watch *watches,
    size_t count, json_t **out, char *message, size_t size)
{
	struct effect_silence silences[EFFECT_TOGETHER_MAX];
	struct observation past, now;
	int64_t before[2], after[2];
	int rc;

	*out = NULL;
	find_windows(question, watches, count, before, after);
	rc = read_window(question, before, &past, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	rc = read_window(question, after, &now, message, size);
	if (rc == GRAPPE_OK) {
		for (size_t i = 0; i < count; i++)
			silences[i] = read_silence(question, &watches[i]);
		*out = effect_build(
		    watches, silences, count, &past, &now, question->environments, question->now_s);
		rc = *out != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
		observation_deinit(&now);
	}
	observation_deinit(&past);
	return rc;
}
