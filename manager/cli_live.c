/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cli_live.h"

#include "common/clock.h"
#include "common/error.h"
#include "manager/cli.h"
#include "manager/environment_watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int replace_text(char **setting, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return GRAPPE_EMEMORY;
	free(*setting);
	*setting = copy;
	return GRAPPE_OK;
}

int cli_live_apply(
    const char *program, const struct cli_instance *options, struct manager_settings *settings)
{
	double number;
	int rc = GRAPPE_OK;

	if (options->objective != NULL)
		settings->objective =
		    cli_choose(program, "objective", options->objective, manager_objectives);
	if (settings->objective < 0)
		return GRAPPE_EINVALID;
	if (options->rules != NULL)
		rc = replace_text(&settings->rules, options->rules);
	if (rc == GRAPPE_OK && options->cap != NULL)
		rc = replace_text(&settings->cap, options->cap);
	if (rc == GRAPPE_OK && options->max_moves != NULL) {
		uint64_t moves;

		rc = cli_count(program, "max-moves", options->max_moves, INSTANCE_VMS_MAX, &moves);
		settings->max_moves = (int64_t)moves;
	}
	if (rc == GRAPPE_OK && options->time_limit != NULL) {
		rc = cli_number(program, "time-limit", options->time_limit, &number);
		if (rc == GRAPPE_OK)
			settings->plan_time_ms =
			    (int64_t)(1000 * (number < 86400 ? number : 86400));
	}
	return rc;
}

static int check_places(const char *program, const struct cli_input *input)
{
	if ((input->matrix != NULL || input->archive != NULL) == (input->placement != NULL))
		return GRAPPE_OK;
	fprintf(stderr, "%s: %s\n", program,
	    input->placement != NULL
		? "--placement goes with --matrix or --archive: the collector knows where VMs are"
		: "--matrix and --archive tell no places: name a file with --placement");
	return GRAPPE_EINVALID;
}

int cli_live_environments(const char *program, const char *path,
    const struct manager_settings *settings, struct environments *out)
{
	char message[1024], copy[PATH_MAX];
	int rc = GRAPPE_OK;

	*out = (struct environments){0};
	if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0) {
		snprintf(
		    copy, sizeof copy, "%s/" ENVIRONMENT_WATCH_COPY, settings->state_directory);
		path = copy;
	}
	if (path[0] != '\0')
		rc = environments_load(path, out, message, sizeof message);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s\n", program, message);
	return rc;
}

int cli_live_run(const char *program, const struct cli_live *live,
    struct manager_settings *settings, int (*then)(const struct advise_input *input, void *context),
    void *context)
{
	const char *path = live->environments != NULL ? live->environments : settings->environments;
	struct environments environments;
	struct observation observation;
	struct advise_input input = {.observation = &observation,
	    .environments = &environments,
	    .settings = settings,
	    .application = live->application,
	    .now_s = clock_wall_ns() / CLOCK_SECOND_NS};
	int exit_code = EXIT_FAILURE;

	if (cli_input_apply(program, &live->input, settings) != GRAPPE_OK ||
	    cli_live_apply(program, &live->plan, settings) != GRAPPE_OK ||
	    check_places(program, &live->input) != GRAPPE_OK)
		return EXIT_FAILURE;
	if (cli_input_read(program, &live->input, settings, &observation) != GRAPPE_OK)
		return EXIT_FAILURE;
	if (cli_live_environments(program, path, settings, &environments) == GRAPPE_OK) {
		exit_code = then(&input, context);
		environments_deinit(&environments);
	}
	observation_deinit(&observation);
	return exit_code;
}
