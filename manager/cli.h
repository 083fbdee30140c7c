/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subcommands of grappe. Each reads its own options (and the manager's configuration), does
 * one thing and returns the exit code; results go to standard output, errors to standard error.
 */
#ifndef GRAPPE_MANAGER_CLI_H
#define GRAPPE_MANAGER_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* argv[0] is "grappe NAME"; the rest are the subcommand's own arguments. */
typedef int cli_command(int argc, char **argv);

cli_command cli_groups, cli_plan, cli_explain, cli_place, cli_report, cli_status, cli_history,
    cli_approve, cli_cloud;

/* cli_run - finds the subcommand argv[1] names and runs it; handles --help and --version. */
int cli_run(int argc, char **argv);

/* ---- helpers of the subcommands ---- */

/* cli_choose - index of text among choices (NULL-terminated), or GRAPPE_EINVALID after saying so:
 * "PROGRAM: --OPTION must be one of …". */
int cli_choose(
    const char *program, const char *option, const char *text, const char *const *choices);
/* cli_number - a positive decimal number. Returns 0 or GRAPPE_EINVALID after saying so. */
int cli_number(const char *program, const char *option, const char *text, double *value);
/* cli_count - a whole number from 0 to most. Returns 0 or GRAPPE_EINVALID after saying so. */
int cli_count(
    const char *program, const char *option, const char *text, uint64_t most, uint64_t *value);
/* cli_finish - flushes standard output; returns exit_code, or 1 with a message when the output
 * could not be written. */
int cli_finish(const char *program, int exit_code);

#define CLI_INFEASIBLE 2 /* exit code: no plan keeps the rules */

extern const char *const cli_formats[]; /* "text", "json" */
enum cli_format { CLI_TEXT, CLI_JSON };

#endif
