/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe groups: the communication groups of a window. */
#include "manager/cli.h"

#include "common/error.h"
#include "common/program.h"
#include "manager/cli_input.h"
#include "manager/group_identity.h"
#include "manager/groups.h"
#include "manager/manager_settings.h"

#include <stdlib.h>

static const char name[] = "grappe groups";

/* The application of each group, null where none is known; NULL without memory. */
static json_t *applications_to_json(
    const struct groups *groups, const struct observation *observation)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < groups->count; i++) {
		const char *label = group_identity_label(&groups->items[i], observation);

		if (json_array_append_new(
			array, label[0] != '\0' ? json_string(label) : json_null()) == 0)
			continue;
		json_decref(array);
		return NULL;
	}
	return array;
}

static int print_json(const struct groups *groups, struct observation *observation)
{
	json_t *answer =
	    groups_to_json(groups, observation->matrix, observation_label, observation);

	if (answer == NULL)
		return GRAPPE_EMEMORY;
	if (json_object_set_new(
		answer, "group_applications", applications_to_json(groups, observation)) != 0) {
		json_decref(answer);
		return GRAPPE_EMEMORY;
	}
	json_dumpf(answer, stdout, 0);
	putchar('\n');
	json_decref(answer);
	return GRAPPE_OK;
}

static int answer(
    const struct manager_settings *settings, int format, struct observation *observation)
{
	const struct groups_rules rules =
	    manager_settings_rules(settings, matrix_window(observation->matrix)->length_s);
	struct groups groups;
	int rc = groups_find(observation->matrix, &rules, &groups);

	if (rc == GRAPPE_OK) {
		if (format == CLI_JSON)
			rc = print_json(&groups, observation);
		else
			groups_print(
			    &groups, observation->matrix, observation_label, observation, stdout);
		groups_deinit(&groups);
	}
	if (rc == GRAPPE_OK)
		return cli_finish(name, EXIT_SUCCESS);
	fprintf(stderr, "%s: %s\n", name, error_text(rc));
	return EXIT_FAILURE;
}

static int run(
    const struct cli_input *input, const char *format_text, struct manager_settings *settings)
{
	struct observation observation;
	int format = CLI_TEXT, exit_code;

	if (format_text != NULL)
		format = cli_choose(name, "format", format_text, cli_formats);
	if (format < 0 || cli_input_apply(name, input, settings) != GRAPPE_OK ||
	    cli_input_read(name, input, settings, &observation) != GRAPPE_OK)
		return EXIT_FAILURE;
	exit_code = answer(settings, format, &observation);
	observation_deinit(&observation);
	return exit_code;
}

int cli_groups(int argc, char **argv)
{
	struct cli_input input = {0};
	struct manager_settings settings = {0};
	const char *format = NULL;
	const struct program_option table[] = {
	    CLI_INPUT_OPTIONS(input),
	    {'f', "format", "FORMAT", "text or json", &format},
	};
	const struct program program = {
	    .name = name,
	    .summary = "find the communication groups of a window",
	    .operands = "",
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	    .options = table,
	    .noptions = SETTINGS_COUNT(table),
	};
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	exit_code = run(&input, format, &settings);
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}
