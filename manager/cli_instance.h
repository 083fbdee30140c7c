/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grappe plan --instance: plans for a folder of tables instead of what a collector saw.
 */
#ifndef GRAPPE_MANAGER_CLI_INSTANCE_H
#define GRAPPE_MANAGER_CLI_INSTANCE_H

#include <stdbool.h>

/* The options as they stand on the command line; NULL: not given. */
struct cli_instance {
	const char *folder, *objective, *rules, *max_moves, *time_limit, *seed, *cap;
	bool prove;
};

/* What plans of both kinds take. */
#define CLI_PLAN_OPTIONS(options)                                                                  \
	{'o', "objective", "WHAT",                                                                 \
	    "make small: time, cost, resources or, without --instance, traffic",                   \
	    &(options).objective},                                                                 \
	    {'r', "rules", "FILE", "what must be kept, lines rule<TAB>a<TAB>b", &(options).rules}, \
	    {0, "cap", "NAME=LIMIT,…",                                                             \
		"time, cost, resources or traffic at most LIMIT, or LIMIT% of what it is now",     \
		&(options).cap},                                                                   \
	    {'k', "max-moves", "K", "voluntary moves at most", &(options).max_moves},              \
	{                                                                                          \
		't', "time-limit", "SECONDS", "processor time to use", &(options).time_limit       \
	}

#define CLI_INSTANCE_OPTIONS(options)                                                              \
	CLI_PLAN_OPTIONS(options),                                                                 \
	    {'i', "instance", "DIR", "plan for this folder of tables instead of observed traffic", \
		&(options).folder},                                                                \
	    {0, "seed", "N", "with --instance: another search of the same quality (1)",            \
		&(options).seed},                                                                  \
	{                                                                                          \
		0, "prove", NULL,                                                                  \
		    "with --instance, of up to 60 VMs: say how far the plan is from the optimum",  \
		    &(options).prove                                                               \
	}

/* cli_instance_run - reads, plans, prints. Returns the exit code: 0 a plan, 2 there is none, 1 bad
 * input, told on standard error. */
int cli_instance_run(const char *program, const struct cli_instance *options, int format);

#endif
