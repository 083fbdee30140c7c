/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/program.h"

#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the command line said, the program's own options aside. */
struct choices {
	const char *config;
	bool check_config, print_config, help, version, verbose;
};

struct table {
	struct program_option *options; /* the shared ones, then the program's */
	size_t count;
};

/* ---- options ---- */

/* target: filled in by make_table(), in this order. */
static const struct program_option config_options[] = {
    {'c', "config", "FILE", "read this configuration file", NULL},
    {0, "check-config", NULL, "say whether the configuration is valid, and end", NULL},
    {0, "print-config", NULL, "print the configuration in force, and end", NULL},
};
static const struct program_option general_options[] = {
    {'v', "verbose", NULL, "log what is done in detail", NULL},
    {'h', "help", NULL, "print this text, and end", NULL},
    {'V', "version", NULL, "print the version, and end", NULL},
};

static void add_options(
    struct table *table, const struct program_option *options, size_t count, void *const *targets)
{
	for (size_t i = 0; i < count; i++) {
		table->options[table->count] = options[i];
		if (targets != NULL)
			table->options[table->count].target = targets[i];
		table->count++;
	}
}

static int make_table(const struct program *program, struct choices *choices, struct table *table)
{
	void *const config_targets[] = {
	    &choices->config, &choices->check_config, &choices->print_config};
	void *const general_targets[] = {&choices->verbose, &choices->help, &choices->version};

	*table = (struct table){0};
	table->options = calloc(
	    program->noptions + SETTINGS_COUNT(config_options) + SETTINGS_COUNT(general_options),
	    sizeof *table->options);
	if (table->options == NULL)
		return GRAPPE_EMEMORY;
	add_options(table, program->options, program->noptions, NULL);
	if (program->schema != NULL)
		add_options(table, config_options, SETTINGS_COUNT(config_options), config_targets);
	add_options(table, general_options, SETTINGS_COUNT(general_options), general_targets);
	return GRAPPE_OK;
}

/* Long options get the values FIRST_LONG, FIRST_LONG + 1 …, which no letter has. */
#define FIRST_LONG 0x1000

static int find_option(const struct table *table, int code)
{
	for (size_t i = 0; i < table->count; i++)
		if (code == FIRST_LONG + (int)i || (code != 0 && code == table->options[i].letter))
			return (int)i;
	return GRAPPE_ENOTFOUND;
}

static void take_option(const struct program_option *option, const char *argument)
{
	if (option->argument != NULL)
		*(const char **)option->target = argument;
	else
		*(bool *)option->target = true;
}

/* The table in the two forms getopt_long(3) wants. letters: room for 2 bytes an option and one
 * more. */
static void describe_to_getopt(const struct table *table, char *letters, struct option *longs)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct program_option *option = &table->options[i];

		longs[i] = (struct option){.name = option->name,
		    .has_arg = option->argument != NULL ? required_argument : no_argument,
		    .val = FIRST_LONG + (int)i};
		if (option->letter != 0)
			*letters++ = option->letter;
		if (option->letter != 0 && option->argument != NULL)
			*letters++ = ':';
	}
	*letters = '\0';
}

static int parse_options(const struct table *table, int argc, char **argv)
{
	char *letters = calloc(table->count + 1, 2);
	struct option *longs = calloc(table->count + 1, sizeof *longs);
	int code, rc = letters != NULL && longs != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	if (rc == GRAPPE_OK)
		describe_to_getopt(table, letters, longs);
	optind = 0; /* glibc: start afresh, also in a test that parses twice */
	while (rc == GRAPPE_OK && (code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const int index = find_option(table, code);

		if (index < 0)
			rc = GRAPPE_EINVALID; /* getopt_long has said why */
		else
			take_option(&table->options[index], optarg);
	}
	free(letters);
	free(longs);
	return rc;
}

/* ---- --help ---- */

static void print_option(const struct program_option *option)
{
	char left[80];
	const char *argument = option->argument != NULL ? option->argument : "";
	const char *equals = option->argument != NULL ? "=" : "";

	if (option->letter != 0)
		snprintf(left, sizeof left, "-%c, --%s%s%s", option->letter, option->name, equals,
		    argument);
	else
		snprintf(left, sizeof left, "    --%s%s%s", option->name, equals, argument);
	if (strlen(left) > 24)
		printf("  %s\n%28s%s\n", left, "", option->text);
	else
		printf("  %-24s  %s\n", left, option->text);
}

static void print_help(const struct program *program, const struct table *table)
{
	const char *operands = program->operands != NULL ? program->operands : "";

	printf("%s - %s\n\nUsage: %s [OPTION]...%s%s\n\nOptions:\n", program->name,
	    program->summary, program->name, operands[0] != '\0' ? " " : "", operands);
	for (size_t i = 0; i < table->count; i++)
		print_option(&table->options[i]);
	if (program->schema != NULL) {
		printf("\nSettings of the configuration file");
		if (program->default_config != NULL)
			printf(" (%s unless --config names another)", program->default_config);
		printf(":\n");
		settings_describe(program->schema, stdout);
	}
	printf(
	    "\nExit codes: 0 done; 1 error (arguments, configuration or failure), told on standard "
	    "error.\n");
	if (program->epilogue != NULL)
		printf("\n%s\n", program->epilogue);
}

/* ---- configuration ---- */

/* Which file to read, NULL for none. Returns GRAPPE_OK or an error that was printed. To print the
 * defaults, as a beginning of one's own file, none is needed. */
static int choose_file(
    const struct program *program, const struct choices *choices, const char **path)
{
	*path = choices->config;
	if (choices->config != NULL)
		return GRAPPE_OK;
	if (program->default_config != NULL) {
		*path = program->default_config;
		/* Anything but its absence is settings_load()'s to tell. */
		if (access(program->default_config, F_OK) == 0 ||
		    (errno != ENOENT && errno != ENOTDIR))
			return GRAPPE_OK;
	}
	*path = NULL;
	if (!program->config_required || choices->print_config)
		return GRAPPE_OK;
	if (program->default_config != NULL)
		fprintf(stderr,
		    "%s: no configuration: %s does not exist; name a file with --config\n",
		    program->name, program->default_config);
	else
		fprintf(stderr, "%s: no configuration: name a file with --config\n", program->name);
	return GRAPPE_EINVALID;
}

/* Loads the configuration; true when the program should run. */
static bool configure(
    const struct program *program, const struct choices *choices, void *values, int *exit_code)
{
	char message[1024];
	const char *path;

	*exit_code = EXIT_FAILURE;
	if (choose_file(program, choices, &path) != GRAPPE_OK)
		return false;
	if (settings_load(program->schema, path, values, message, sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "%s: %s\n", program->name, message);
		return false;
	}
	*exit_code = EXIT_SUCCESS;
	if (program->config_used != NULL)
		*program->config_used = path;
	if (!choices->check_config && !choices->print_config)
		return true;
	if (choices->print_config)
		settings_print(program->schema, values, stdout);
	else
		printf("%s: configuration is valid\n", path != NULL ? path : "built-in defaults");
	settings_free(program->schema, values);
	return false;
}

/* Text that did not reach its reader is a failure. */
static int exit_code_of_output(int exit_code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	fprintf(stderr, "standard output: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

static bool run_choices(const struct program *program, const struct table *table,
    const struct choices *choices, void *values, int *exit_code)
{
	bool run = true;

	*exit_code = EXIT_SUCCESS;
	if (choices->help || choices->version) {
		run = false;
		if (choices->help)
			print_help(program, table);
		else
			printf("%s %s\n", program->name, PACKAGE_VERSION);
	} else if (program->schema != NULL) {
		run = configure(program, choices, values, exit_code);
	}
	if (!run)
		*exit_code = exit_code_of_output(*exit_code);
	return run;
}

bool program_start(const struct program *program, int argc, char **argv, void *values, int *operand,
    int *exit_code)
{
	struct choices choices = {0};
	struct table table;
	bool run = false;
	int rc = make_table(program, &choices, &table);

	*exit_code = EXIT_FAILURE;
	if (rc == GRAPPE_OK)
		rc = parse_options(&table, argc, argv);
	if (rc == GRAPPE_EMEMORY) {
		fprintf(stderr, "%s: out of memory\n", program->name);
	} else if (rc != GRAPPE_OK) {
		fprintf(stderr, "Try '%s --help'.\n", program->name);
	} else if (!choices.help && !choices.version && optind < argc &&
		   (program->operands == NULL || program->operands[0] == '\0')) {
		fprintf(stderr, "%s: '%s' is not expected; try '%s --help'\n", program->name,
		    argv[optind], program->name);
	} else {
		log_open(program->name, choices.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
		*operand = optind;
		run = run_choices(program, &table, &choices, values, exit_code);
	}
	free(table.options);
	return run;
}
