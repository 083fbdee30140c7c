/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line every program of Grappe shares: --config, --check-config,
 * --print-config, --help, --version, -v, plus the program's own options from a table
 * that also feeds --help. Exit codes: 0 done, 1 error (bad configuration, bad
 * arguments, failure); plugins have their own.
 */
#ifndef GRAPPE_COMMON_PROGRAM_H
#define GRAPPE_COMMON_PROGRAM_H

#include "common/settings.h"

#include <stdbool.h>

struct program_option {
	char letter;          /* 0: long form only */
	const char *name;     /* long form without "--" */
	const char *argument; /* what --help calls the argument; NULL: a flag */
	const char *text;
	void *target; /* flag: bool *; with argument: const char ** (points into argv) */
};

struct program {
	const char *name;
	const char *summary;        /* one sentence */
	const char *operands;       /* usage of what follows the options, "" when nothing may */
	const char *default_config; /* read when --config is not given and it exists */
	bool config_required;       /* without any configuration file: an error that says so */
	const struct settings_schema *schema; /* NULL: the program has no configuration */
	const struct program_option *options;
	size_t noptions;
	const char *epilogue; /* examples and files for the end of --help, or NULL */
	const char **config_used; /* receives the file that was read (points into argv or is
				     default_config; NULL: none), for a later reload; may be NULL */
};

/*
 * program_start - parses argv, opens the log, loads the configuration into values.
 * Returns true when the program should run: then *operand is the index in argv of the first
 * operand. Otherwise *exit_code says with what to end (everything needed was printed: help and
 * version to stdout, errors to stderr).
 */
bool program_start(const struct program *program, int argc, char **argv, void *values, int *operand,
    int *exit_code);

#endif
