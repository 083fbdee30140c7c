/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cycle.h"

#include "common/clock.h"
#include "common/error.h"
#include "manager/advise.h"
#include "manager/environment.h"
#include "manager/environment_feed.h"
#include "manager/source.h"

#include <stdio.h>
#include <stdlib.h>

/* Returns whether they are there, or none are wanted. */
static bool read_environments(struct cycle *cycle, struct environments *environments)
{
	*environments = (struct environments){0};
	if (cycle->environments == NULL) {
		snprintf(cycle->message, sizeof cycle->message, "%s", cycle->environments_fault);
		return cycle->environments_fault[0] == '\0';
	}
	return environments_parse(cycle->environments, cycle->environments_length, environments,
		   cycle->message, sizeof cycle->message) == GRAPPE_OK;
}

/* Moves that were made a while ago; what is planned does not depend on it. */
static void look_back(struct cycle *cycle, const struct environments *environments)
{
	const struct effect_question question = {.socket = cycle->settings.collector_socket,
	    .length_s = cycle->length_s,
	    .window_s = cycle->settings.effect_window_ms / 1000,
	    .environments = environments,
	    .now_s = clock_wall_ns() / CLOCK_SECOND_NS};

	if (cycle->ndue == 0)
		return;
	if (effect_look(&question, cycle->due, cycle->ndue, &cycle->effect, cycle->effect_fault,
		sizeof cycle->effect_fault) == GRAPPE_OK)
		cycle->effect_fault[0] = '\0';
}

static void plan(struct cycle *cycle, const struct observation *observation)
{
	struct environments environments;
	int rc;

	cycle->verdict = CYCLE_FAILED;
	if (!read_environments(cycle, &environments))
		return;
	look_back(cycle, &environments);
	rc = advise(&(struct advise_input){.observation = observation,
			.environments = &environments,
			.settings = &cycle->settings,
			.standing = cycle->standing,
			.residence = cycle->residence,
			.now_s = clock_wall_ns() / CLOCK_SECOND_NS},
	    &cycle->document, cycle->message, sizeof cycle->message);
	if (rc == GRAPPE_OK) {
		cycle->verdict = CYCLE_PLANNED;
		cycle->message[0] = '\0';
	}
	environments_deinit(&environments);
}

void cycle_run(struct cycle *cycle)
{
	const struct source_wish wish = {
	    .socket = cycle->settings.collector_socket,
	    .window_s = cycle->settings.window_ms / 1000,
	    .wait_ms = cycle->settings.wait_ms,
	    .approximate = cycle->settings.approximate,
	};
	struct observation observation;
	const struct matrix_window *window;

	cycle->verdict = CYCLE_NO_INPUT;
	if (source_read_collector(&wish, &observation, &cycle->retry_at_s, cycle->message,
		sizeof cycle->message) != GRAPPE_OK)
		return;
	environment_place_vms(&observation, cycle->places);
	window = matrix_window(observation.matrix);
	cycle->to_s = window->to_s;
	cycle->length_s = observation.length_s;
	cycle->known = window->known;
	cycle->wanted = window->wanted;
	if (window->known == 0 ||
	    (cycle->patient && window->known < cycle->settings.minimum_known * window->wanted)) {
		cycle->verdict = window->known == 0 ? CYCLE_NO_INPUT : CYCLE_WAITING;
		snprintf(cycle->message, sizeof cycle->message,
		    "only %u of %u periods of the window are known", window->known, window->wanted);
	} else if (residence_update(cycle->residence, &observation,
		       clock_wall_ns() / CLOCK_SECOND_NS) != GRAPPE_OK) {
		cycle->verdict = CYCLE_FAILED;
		snprintf(cycle->message, sizeof cycle->message, "%s", error_text(GRAPPE_EMEMORY));
	} else {
		cycle->updated = true;
		plan(cycle, &observation);
	}
	observation_deinit(&observation);
}

void cycle_deinit(struct cycle *cycle)
{
	json_decref(cycle->document);
	json_decref(cycle->standing);
	json_decref(cycle->effect);
	json_decref(cycle->places);
	free(cycle->environments);
	cycle->document = cycle->standing = cycle->effect = cycle->places = NULL;
	cycle->environments = NULL;
}
