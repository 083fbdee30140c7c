/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What grappe plan and grappe explain share: traffic, places and environments as they are now, or
 * as files tell them, and the options that replace settings of plans.
 */
#ifndef GRAPPE_MANAGER_CLI_LIVE_H
#define GRAPPE_MANAGER_CLI_LIVE_H

#include "manager/advise.h"
#include "manager/cli_input.h"
#include "manager/cli_instance.h"

struct cli_live {
	struct cli_input input;
	struct cli_instance plan; /* also those of an instance */
	const char *environments, *application;
};

/* The options for a subcommand's table; `live` is its struct cli_live. */
#define CLI_LIVE_OPTIONS(live)                                                                     \
	CLI_INPUT_OPTIONS((live).input),                                                           \
	    {'p', "placement", "FILE", "where VMs are, CSV vm,environment,host[,vcpu,mem_GiB]",    \
		&(live).input.placement},                                                          \
	    {'e', "environments", "FILE",                                                          \
		"the environment document instead of the configured one", &(live).environments},   \
	{                                                                                          \
		0, "app", "LABEL", "only VMs of this application may move", &(live).application    \
	}

/* cli_live_apply - lets the options replace settings. Returns 0, GRAPPE_EINVALID after saying why,
 * or GRAPPE_EMEMORY. */
int cli_live_apply(
    const char *program, const struct cli_instance *options, struct manager_settings *settings);
/* cli_live_environments - from the file, or of a URL the copy that grappe-manager keeps; path "":
 * none. *out needs environments_deinit() only after success. Errors were told. */
int cli_live_environments(const char *program, const char *path,
    const struct manager_settings *settings, struct environments *out);
/* cli_live_run - reads everything and hands it on; settings take the options in. Returns what
 * then() does, or EXIT_FAILURE after an error that was told. */
int cli_live_run(const char *program, const struct cli_live *live,
    struct manager_settings *settings, int (*then)(const struct advise_input *input, void *context),
    void *context);

#endif
