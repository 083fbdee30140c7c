/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "manager/cli.h"

#include "common/error.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const cli_formats[] = {"text", "json", NULL};

static const struct {
	const char *name, *summary;
	cli_command *run;
} commands[] = {
    {"groups", "find the communication groups of a window", cli_groups},
    {"plan", "say which VMs should move where, and why", cli_plan},
    {"explain", "say why a VM should move, or stay", cli_explain},
    {"place", "say where the VMs of a new application should start", cli_place},
    {"report", "report on a window, as text, a page or JSON; by mail, too", cli_report},
    {"status", "print how the manager is doing and its current recommendation", cli_status},
    {"history", "print what happened to recommendations", cli_history},
    {"approve", "approve the pending recommendation", cli_approve},
    {"cloud", "ask an API for its hosts and VMs, or move a VM by it", cli_cloud},
};

#define NCOMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *out)
{
	fputs("grappe - groups of VMs that talk to each other, and where they should live\n\n"
	      "Usage: grappe COMMAND [OPTION]...\n\nCommands:\n",
	    out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-16s  %s\n", commands[i].name, commands[i].summary);
	fputs(
	    "\n\"grappe COMMAND --help\" tells the options of a command; \"grappe --version\" the "
	    "version.\n",
	    out);
}

static int run_command(size_t index, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof name, "grappe %s", commands[index].name);
	argv[1] = name;
	return commands[index].run(argc - 1, argv + 1);
}

int cli_run(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return run_command(i, argc, argv);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_help(stdout);
		return cli_finish("grappe", EXIT_SUCCESS);
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		puts("grappe " PACKAGE_VERSION);
		return cli_finish("grappe", EXIT_SUCCESS);
	}
	if (name[0] != '\0')
		fprintf(stderr, "grappe: no command is called '%.40s'\n", name);
	print_help(stderr);
	return EXIT_FAILURE;
}

int cli_choose(
    const char *program, const char *option, const char *text, const char *const *choices)
{
	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], text) == 0)
			return i;
	fprintf(stderr, "%s: --%s must be one of:", program, option);
	for (int i = 0; choices[i] != NULL; i++)
		fprintf(stderr, " %s", choices[i]);
	fprintf(stderr, "; not '%.40s'\n", text);
	return GRAPPE_EINVALID;
}

int cli_number(const char *program, const char *option, const char *text, double *value)
{
	char *end;

	errno = 0;
	*value = strtod(text, &end);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || !isfinite(*value) ||
	    *value <= 0) {
		fprintf(stderr, "%s: --%s must be a number above 0, not '%.40s'\n", program, option,
		    text);
		return GRAPPE_EINVALID;
	}
	return GRAPPE_OK;
}

int cli_count(
    const char *program, const char *option, const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *value <= most)
		return GRAPPE_OK;
	fprintf(stderr, "%s: --%s must be a whole number from 0 to %" PRIu64 ", not '%.40s'\n",
	    program, option, most, text);
	return GRAPPE_EINVALID;
}

int cli_finish(const char *program, int exit_code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	fprintf(stderr, "%s: the answer cannot be written: %s\n", program, strerror(errno));
	return EXIT_FAILURE;
}
