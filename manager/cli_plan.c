/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe plan: what the manager would recommend now; nothing is stored or posted. */
#include "manager/cli.h"

#include "common/error.h"
#include "common/program.h"
#include "manager/advise.h"
#include "manager/cli_live.h"
#include "manager/report.h"

#include <stdlib.h>
#include <string.h>

static const char name[] = "grappe plan";

struct options {
	struct cli_live live;
	const char *format;
};

static int print_plan(const struct advise_input *input, void *context)
{
	const int format = *(int *)context;
	char message[1024];
	json_t *document;
	int exit_code = EXIT_SUCCESS;

	if (advise(input, &document, message, sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", name, message);
		return EXIT_FAILURE;
	}
	if (strcmp(json_string_value(json_object_get(document, "status")), "ok") != 0)
		exit_code = CLI_INFEASIBLE;
	if (format == CLI_JSON) {
		json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
		putchar('\n');
	} else {
		report_print(document, stdout);
	}
	json_decref(document);
	return cli_finish(name, exit_code);
}

static int run(const struct options *options, struct manager_settings *settings)
{
	int format = CLI_TEXT;

	if (options->format != NULL)
		format = cli_choose(name, "format", options->format, cli_formats);
	if (format < 0)
		return EXIT_FAILURE;
	if (options->live.plan.folder != NULL)
		return cli_instance_run(name, &options->live.plan, format);
	if (options->live.plan.prove) {
		fprintf(stderr, "%s: --prove goes with --instance\n", name);
		return EXIT_FAILURE;
	}
	return cli_live_run(name, &options->live, settings, print_plan, &format);
}

int cli_plan(int argc, char **argv)
{
	struct options options = {0};
	struct manager_settings settings = {0};
	const struct program_option table[] = {
	    CLI_LIVE_OPTIONS(options.live),
	    CLI_INSTANCE_OPTIONS(options.live.plan),
	    {'f', "format", "FORMAT", "text or json", &options.format},
	};
	const struct program program = {
	    .name = name,
	    .summary = "say which VMs should move where, and why; nothing is stored or posted",
	    .operands = "",
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	    .options = table,
	    .noptions = SETTINGS_COUNT(table),
	};
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	exit_code = run(&options, &settings);
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}
