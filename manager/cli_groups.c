/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe groups: the communication groups of a matrix file. */
#include "manager/cli.h"

#include "common/error.h"
#include "common/program.h"
#include "manager/groups.h"
#include "manager/manager_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "grappe groups";

struct options {
	const char *matrix, *method, *by, *window, *format;
};

struct task {
	struct manager_settings settings;
	const char *matrix; /* path, "-" = standard input */
	double window_s;
	int format;
};

/* What the command line says replaces what the configuration says. */
static int apply_options(const struct options *options, struct task *task)
{
	int choice = 0;

	task->window_s = GRAPH_FLOOR_SECONDS;
	task->matrix = options->matrix;
	task->format = CLI_TEXT;
	if (options->method != NULL)
		choice = task->settings.method =
		    cli_choose(name, "method", options->method, manager_methods);
	if (choice >= 0 && options->by != NULL)
		choice = task->settings.by = cli_choose(name, "by", options->by, manager_by_choices);
	if (choice >= 0 && options->format != NULL)
		choice = task->format = cli_choose(name, "format", options->format, cli_formats);
	if (choice >= 0 && options->window != NULL)
		choice = cli_number(name, "window", options->window, &task->window_s);
	if (choice >= 0 && options->matrix == NULL) {
		fprintf(stderr, "%s: name a matrix file with --matrix\n", name);
		return GRAPPE_EINVALID;
	}
	return choice >= 0 ? GRAPPE_OK : GRAPPE_EINVALID;
}

static int read_matrix(const char *path, struct matrix *matrix)
{
	const bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	char message[256];
	int rc;

	if (file == NULL) {
		fprintf(stderr, "%s: %s: %s\n", name, path, strerror(errno));
		return GRAPPE_EIO;
	}
	rc = matrix_read_csv(matrix, file, message, sizeof message);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s: %s\n", name, standard ? "standard input" : path, message);
	if (!standard)
		fclose(file);
	return rc;
}

static int print_json(const struct groups *groups, const struct matrix *matrix)
{
	json_t *answer = groups_to_json(groups, matrix, NULL, NULL);

	if (answer == NULL)
		return GRAPPE_EMEMORY;
	json_dumpf(answer, stdout, 0);
	putchar('\n');
	json_decref(answer);
	return GRAPPE_OK;
}

static int answer(const struct task *task, struct matrix *matrix)
{
	const struct groups_rules rules = manager_settings_rules(&task->settings, task->window_s);
	struct groups groups;
	int rc = groups_find(matrix, &rules, &groups);

	if (rc == GRAPPE_OK && task->format == CLI_JSON)
		rc = print_json(&groups, matrix);
	else if (rc == GRAPPE_OK)
		groups_print(&groups, matrix, NULL, NULL, stdout);
	if (rc != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", name, error_text(rc));
		return EXIT_FAILURE;
	}
	groups_deinit(&groups);
	return cli_finish(name, EXIT_SUCCESS);
}

static int run(const struct task *task)
{
	struct matrix *matrix = matrix_new();
	int exit_code = EXIT_FAILURE;

	if (matrix == NULL)
		fprintf(stderr, "%s: %s\n", name, error_text(GRAPPE_EMEMORY));
	else if (read_matrix(task->matrix, matrix) == GRAPPE_OK)
		exit_code = answer(task, matrix);
	matrix_free(matrix);
	return exit_code;
}

int cli_groups(int argc, char **argv)
{
	struct options options = {0};
	struct task task = {0};
	const struct program_option table[] = {
		{'m', "matrix", "FILE", "CSV file src,dst,packets,bytes; - for standard input",
		    &options.matrix},
		{0, "method", "NAME", "how groups are found: thesis", &options.method},
		{0, "by", "WHAT", "compare pairs by packets or by bytes", &options.by},
		{'w', "window", "SECONDS", "how long the matrix was counted (30)", &options.window},
		{'f', "format", "FORMAT", "text or json", &options.format},
	};
	const struct program program = {
		.name = name,
		.summary = "find the communication groups of a matrix",
		.operands = "",
		.default_config = MANAGER_CONFIG,
		.schema = &manager_settings_schema,
		.options = table,
		.noptions = SETTINGS_COUNT(table),
	};
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &task.settings, &operand, &exit_code))
		return exit_code;
	exit_code = apply_options(&options, &task) == GRAPPE_OK ? run(&task) : EXIT_FAILURE;
	settings_free(&manager_settings_schema, &task.settings);
	return exit_code;
}
