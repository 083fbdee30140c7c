/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the subcommands of grappe read: a matrix file, the archives or the collector, by the
 * same options everywhere.
 */
#ifndef GRAPPE_MANAGER_CLI_INPUT_H
#define GRAPPE_MANAGER_CLI_INPUT_H

#include "common/program.h"
#include "manager/manager_settings.h"
#include "manager/observation.h"

struct cli_input {
	const char *matrix, *archive,
	    *collector; /* one of them, or none: the configured collector */
	const char *placement, *window;
	const char *method, *by; /* replace the configured ones */
};

/* The options of the input for a subcommand's table; `input` is its struct cli_input. */
#define CLI_INPUT_OPTIONS(input)                                                                   \
	{'m', "matrix", "FILE", "read a CSV file src,dst,packets,bytes; - for standard input",     \
	    &(input).matrix},                                                                      \
	    {'a', "archive", "DIR", "read the collector's archives, without a collector",          \
		&(input).archive},                                                                 \
	    {'s', "collector", "SOCKET", "ask the collector at this socket", &(input).collector},  \
	    {'w', "window", "SECONDS",                                                             \
		"how long the matrix file was counted (30), or how far back to look",              \
		&(input).window},                                                                  \
	    {0, "method", "NAME", "how groups are found: auto or thesis", &(input).method},        \
	{                                                                                          \
		0, "by", "WHAT", "compare pairs by packets or by bytes", &(input).by               \
	}

/* cli_input_apply - lets the options replace settings. Returns 0 or GRAPPE_EINVALID after saying
 * why. */
int cli_input_apply(
    const char *program, const struct cli_input *input, struct manager_settings *settings);

/* cli_input_read - *out needs observation_deinit() only after success. Errors were told on standard
 * error. */
int cli_input_read(const char *program, const struct cli_input *input,
    const struct manager_settings *settings, struct observation *out);

#endif
