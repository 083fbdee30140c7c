/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of an instance and rules, one after the other with a form feed between them: what is
 * refused says where and why; for what is accepted and small a plan keeps all limits. */
#include "common/error.h"
#include "manager/solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VMS_MAX 12
#define LIMIT_S 0.002 /* of work; there is no clock */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* The next part, up to a form feed. */
static struct instance_text cut(const char **at, const char *end)
{
	const char *begin = *at;
	const char *stop = begin < end ? memchr(begin, '\f', (size_t)(end - begin)) : NULL;
	struct instance_text text = {begin, (size_t)((stop != NULL ? stop : end) - begin)};

	*at = stop != NULL ? stop + 1 : end;
	return text;
}

static void must(bool good)
{
	if (!good)
		abort();
}

/* A fault is told as FILE:LINE: what. */
static void check_message(const char *message)
{
	const char *colon = strchr(message, ':');

	must(colon != NULL && colon[1] >= '0' && colon[1] <= '9');
	must(strstr(colon, ": ") != NULL);
}

static void check_plan(
    const struct instance *in, const struct rules *rules, const struct solve_answer *answer)
{
	struct bounds bounds;
	char reason[RULES_TEXT_SIZE];
	uint32_t *place = calloc(in->nvms, sizeof *place);

	must(place != NULL && solve_bounds_build(in, rules, &bounds, reason) == GRAPPE_OK);
	for (size_t vm = 0; vm < in->nvms; vm++)
		place[vm] = in->vms[vm].env;
	for (size_t i = 0; i < answer->plan.count; i++) {
		const struct sequence_move *it = &answer->plan.moves[i];

		must(it->vm < in->nvms && it->to < in->nenvs && place[it->vm] == it->from);
		place[it->vm] = it->to;
	}
	must(memcmp(place, answer->plan.place, in->nvms * sizeof *place) == 0);
	must(solve_bounds_check(&bounds, in, place, NULL) == 0);
	solve_bounds_deinit(&bounds);
	free(place);
}

static void plan(const struct instance *in, const struct rules *rules)
{
	for (int objective = COST_TIME; objective <= COST_TRAFFIC; objective++) {
		const struct solve_settings settings = {.objective = (enum cost_objective)objective,
		    .max_moves = objective == COST_MONEY ? 2 : SOLVE_NO_LIMIT,
		    .limit_s = LIMIT_S,
		    .seed = 1};
		struct solve_answer answer;

		must(solve_find(in, rules, &settings, &answer) == GRAPPE_OK);
		if (answer.feasible)
			check_plan(in, rules, &answer);
		else
			must(answer.reason[0] != '\0');
		solve_deinit(&answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *at = (const char *)bytes, *end = at + length;
	struct instance_text texts[INSTANCE_FILES], text;
	struct instance instance;
	struct rules rules;
	char message[1024] = "";

	for (int file = 0; file < INSTANCE_FILES; file++)
		texts[file] = cut(&at, end);
	if (texts[INSTANCE_ENDPOINTS].length == 0)
		texts[INSTANCE_ENDPOINTS].bytes = NULL;
	if (solve_instance_parse(texts, &instance, message, sizeof message) != GRAPPE_OK) {
		check_message(message);
		return 0;
	}
	text = cut(&at, end);
	if (solve_rules_parse("rules", text.bytes, text.length, &instance, NULL, &rules, message,
		sizeof message) == GRAPPE_OK) {
		if (instance.nvms <= VMS_MAX)
			plan(&instance, &rules);
		solve_rules_deinit(&rules);
	} else {
		check_message(message);
	}
	solve_instance_deinit(&instance);
	return 0;
}
