/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is stored of executions and effects: what is accepted can be asked, carried on, and written
 * again as it was; what is refused says why. */
#include "common/error.h"
#include "manager/effects.h"
#include "manager/execution.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void carry_on(struct execution *execution)
{
	const struct cloud_result moved = {.outcome = CLOUD_MOVED};

	for (;;) {
		const size_t move = execution_next(execution, 2);

		if (move == EXECUTION_NONE)
			break;
		if (move >= execution->nmoves || execution->moves[move].state != MOVE_WAITING)
			abort();
		execution_order(execution, move, 1);
		execution_end(execution, move, &moved, 2);
	}
	execution_stop(execution, 3);
	execution_settle(execution, 4);
}

static void use_execution(const char *bytes, size_t length)
{
	struct execution execution, again;
	char message[256] = "", *text;
	json_t *document;

	if (execution_parse(bytes, length, &execution, message, sizeof message) != GRAPPE_OK) {
		if (message[0] == '\0')
			abort();
		return;
	}
	document = execution_json(&execution);
	text = json_dumps(document, 0);
	if (text == NULL ||
	    execution_parse(text, strlen(text), &again, message, sizeof message) != GRAPPE_OK)
		abort();
	carry_on(&again);
	execution_deinit(&again);
	execution_deinit(&execution);
	json_decref(document);
	free(text);
}

static void use_effects(const char *bytes, size_t length)
{
	struct effects effects;
	struct effect_watch due[8];
	char message[256] = "";
	size_t count;

	if (effects_parse(bytes, length, &effects, message, sizeof message) != GRAPPE_OK) {
		if (message[0] == '\0')
			abort();
		return;
	}
	while ((count = effects_due(&effects, INT64_C(1) << 41, 30, 300, due, 8)) > 0) {
		const size_t before = effects.nwaiting;

		effects_keep(&effects, due, count, NULL);
		if (effects.nwaiting >= before)
			abort();
	}
	effects_deinit(&effects);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	use_execution((const char *)bytes, length);
	use_effects((const char *)bytes, length);
	return 0;
}
