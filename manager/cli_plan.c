/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe plan: what the manager would recommend now; nothing is stored or posted. */
#include "manager/cli.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/program.h"
#include "manager/advise.h"
#include "manager/cli_input.h"
#include "manager/cli_instance.h"
#include "manager/environment_watch.h"
#include "manager/report.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "grappe plan";

struct options {
	struct cli_input input;
	struct cli_instance instance;
	const char *environments, *format;
};

static int print_plan(const struct observation *observation,
    const struct environments *environments, const struct manager_settings *settings, int format)
{
	json_t *document;
	int rc = advise(observation, environments, settings, NULL,
	    clock_wall_ns() / CLOCK_SECOND_NS, &document);

	if (rc != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", name, error_text(rc));
		return EXIT_FAILURE;
	}
	if (format == CLI_JSON) {
		json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
		putchar('\n');
	} else {
		report_print(document, stdout);
	}
	json_decref(document);
	return cli_finish(name, EXIT_SUCCESS);
}

static int plan_observation(const struct observation *observation, const char *path,
    const struct manager_settings *settings, int format)
{
	struct environments environments = {0};
	char message[1024], copy[PATH_MAX];
	int exit_code;

	/* grappe-manager keeps what it got from there. */
	if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0) {
		snprintf(
		    copy, sizeof copy, "%s/" ENVIRONMENT_WATCH_COPY, settings->state_directory);
		path = copy;
	}

	if (path[0] != '\0' &&
	    environments_load(path, &environments, message, sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", name, message);
		return EXIT_FAILURE;
	}
	exit_code = print_plan(observation, &environments, settings, format);
	environments_deinit(&environments);
	return exit_code;
}

static int run(const struct options *options, struct manager_settings *settings)
{
	const char *path =
	    options->environments != NULL ? options->environments : settings->environments;
	const struct cli_input *input = &options->input;
	struct observation observation;
	int format = CLI_TEXT, exit_code;

	if (options->format != NULL)
		format = cli_choose(name, "format", options->format, cli_formats);
	if (format >= 0 && options->instance.folder != NULL)
		return cli_instance_run(name, &options->instance, format);
	if (format >= 0 && cli_instance_is_used(&options->instance)) {
		fprintf(stderr,
		    "%s: --objective, --rules, --max-moves, --time-limit and --seed go "
		    "with --instance\n",
		    name);
		return EXIT_FAILURE;
	}
	if (format < 0 || cli_input_apply(name, input, settings) != GRAPPE_OK)
		return EXIT_FAILURE;
	if ((input->matrix != NULL || input->archive != NULL) != (input->placement != NULL)) {
		fprintf(stderr, "%s: %s\n", name,
		    input->placement != NULL
			? "--placement goes with --matrix or --archive: the collector knows where "
			  "VMs are"
			: "--matrix and --archive tell no places: name a file with --placement");
		return EXIT_FAILURE;
	}
	if (cli_input_read(name, input, settings, &observation) != GRAPPE_OK)
		return EXIT_FAILURE;
	exit_code = plan_observation(&observation, path, settings, format);
	observation_deinit(&observation);
	return exit_code;
}

int cli_plan(int argc, char **argv)
{
	struct options options = {0};
	struct manager_settings settings = {0};
	const struct program_option table[] = {
	    CLI_INPUT_OPTIONS(options.input),
	    {'p', "placement", "FILE", "where VMs are, CSV vm,environment,host[,vcpu,mem_GiB]",
		&options.input.placement},
	    {'e', "environments", "FILE", "the environment document instead of the configured one",
		&options.environments},
	    CLI_INSTANCE_OPTIONS(options.instance),
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
