/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grappe plan --instance: plans for a folder of tables instead of what a collector saw.
 */
#ifndef GRAPPE_MANAGER_CLI_INSTANCE_H
#define GRAPPE_MANAGER_CLI_INSTANCE_H

/* The options as they stand on the command line; NULL: not given. */
struct cli_instance {
	const char *folder, *objective, *rules, *max_moves, *time_limit, *seed;
};

#define CLI_INSTANCE_OPTIONS(instance)                                                             \
	{'i', "instance", "DIR", "plan for this folder of tables instead of observed traffic",     \
	    &(instance).folder},                                                                   \
	    {'o', "objective", "WHAT", "with --instance: least time, cost or resources (time)",    \
		&(instance).objective},                                                            \
	    {'r', "rules", "FILE", "with --instance: what must be kept, rule<TAB>a<TAB>b",         \
		&(instance).rules},                                                                \
	    {'k', "max-moves", "K", "with --instance: voluntary moves at most (no limit)",         \
		&(instance).max_moves},                                                            \
	    {'t', "time-limit", "SECONDS",                                                         \
		"with --instance: processor time to use (1; 2 for each 10,000 VMs)",               \
		&(instance).time_limit},                                                           \
	{                                                                                          \
		0, "seed", "N", "with --instance: another search of the same quality (1)",         \
		    &(instance).seed                                                               \
	}

/* cli_instance_run - reads, plans, prints. Returns the exit code: 0 a plan, 2 there is none, 1 bad
 * input, told on standard error. */
int cli_instance_run(const char *program, const struct cli_instance *options, int format);
/* cli_instance_is_used - whether an option that goes with --instance was given. */
int cli_instance_is_used(const struct cli_instance *options);

#endif
