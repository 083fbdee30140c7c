/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe cloud: tries what the configuration says of an API, by hand. */
#include "manager/cli.h"

#include "common/error.h"
#include "common/program.h"
#include "manager/cloud_survey.h"
#include "manager/manager_settings.h"

#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "grappe cloud"

/* One question to an API, and what came of it. */
struct trial {
	struct event_base *base;
	struct cloud *cloud;
	struct cloud_job *job; /* NULL: no move under way */
	bool stopped;          /* once by a signal */
	int exit_code;
};

/* ---- survey ---- */

static void on_surveyed(const struct cloud_survey *survey, const char *error, void *context)
{
	struct trial *trial = context;
	json_t *document = survey != NULL ? cloud_survey_json(survey) : NULL;

	if (survey == NULL)
		fprintf(stderr, NAME ": %s: %s\n", cloud_title(trial->cloud), error);
	else if (document != NULL && json_dumpf(document, stdout, JSON_INDENT(1)) == 0 &&
		 putchar('\n') != EOF)
		trial->exit_code = EXIT_SUCCESS;
	json_decref(document);
	event_base_loopbreak(trial->base);
}

static int begin_survey(struct trial *trial, int count, char **operands)
{
	int rc;

	(void)operands;
	if (count != 0)
		return GRAPPE_ERANGE;
	rc = cloud_survey(trial->cloud, on_surveyed, trial);
	if (rc != GRAPPE_OK)
		fprintf(stderr, NAME ": %s: %s\n", cloud_title(trial->cloud),
		    rc == GRAPPE_ENOTFOUND ? "it has no survey_command" : error_text(rc));
	return rc;
}

/* ---- move ---- */

static void on_accepted(const char *handle, void *context)
{
	const struct trial *trial = context;

	fprintf(stderr, NAME ": %s took the order: %s\n", cloud_title(trial->cloud), handle);
}

static void on_ended(const struct cloud_result *result, void *context)
{
	static const char *const words[] = {[CLOUD_MOVED] = "moved",
	    [CLOUD_FAILED] = "failed",
	    [CLOUD_CANCELLED] = "cancelled",
	    [CLOUD_LOST] = "lost"};
	struct trial *trial = context;

	printf("%s%s%s%s%s\n", words[result->outcome], result->host[0] != '\0' ? ", it is on " : "",
	    result->host, result->text[0] != '\0' ? ": " : "", result->text);
	trial->job = NULL;
	if (result->outcome == CLOUD_MOVED)
		trial->exit_code = EXIT_SUCCESS;
	event_base_loopbreak(trial->base);
}

/* The first calls a move off and waits how it ends; the second ends this program alone. */
static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct trial *trial = context;

	(void)number;
	(void)what;
	if (trial->job == NULL || trial->stopped) {
		event_base_loopbreak(trial->base);
		return;
	}
	trial->stopped = true;
	fprintf(stderr, NAME ": %s: calling the move off\n", cloud_title(trial->cloud));
	cloud_abort(trial->job);
}

/* VM HOST, or VM HOST FROM-HOST */
static int begin_move(struct trial *trial, int count, char **operands)
{
	const struct cloud_move_events events = {on_accepted, on_ended, trial};
	struct cloud_order order = {.vm_id = ""};

	if (count != 2 && count != 3)
		return GRAPPE_ERANGE;
	/* A name that is cut could be that of another VM. */
	for (int i = 0; i < count; i++)
		if (strlen(operands[i]) >= CLOUD_NAME_SIZE) {
			fprintf(stderr, NAME ": a name of more than %d bytes: %.40s...\n",
			    CLOUD_NAME_SIZE - 1, operands[i]);
			return GRAPPE_ELIMIT;
		}
	snprintf(order.vm_name, sizeof order.vm_name, "%s", operands[0]);
	snprintf(order.vm_id, sizeof order.vm_id, "%s", operands[0]);
	snprintf(order.to_host, sizeof order.to_host, "%s", operands[1]);
	snprintf(order.from_host, sizeof order.from_host, "%s", count == 3 ? operands[2] : "");
	return cloud_move(trial->cloud, &order, &events, &trial->job);
}

static const struct {
	const char *name;
	int (*begin)(struct trial *trial, int count, char **operands);
} actions[] = {{"survey", begin_survey}, {"move", begin_move}};

/* ---- */

/* The signals that call a move off. They are watched before anything is ordered, so that one that
 * comes early does not leave a move to itself. */
static const int stop_signals[] = {SIGINT, SIGTERM};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

static bool watch_signals(struct trial *trial, struct event *events[STOP_SIGNALS])
{
	bool all = true;

	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		events[i] = evsignal_new(trial->base, stop_signals[i], on_signal, trial);
		all &= events[i] != NULL && event_add(events[i], NULL) == 0;
	}
	return all;
}

static void forget_signals(struct event *events[STOP_SIGNALS])
{
	for (size_t i = 0; i < STOP_SIGNALS; i++)
		if (events[i] != NULL)
			event_free(events[i]);
}

static int try_it(
    const struct cloud_settings *settings, const char *action, int count, char **operands)
{
	struct trial trial = {.base = event_base_new(), .exit_code = EXIT_FAILURE};
	struct event *signals[STOP_SIGNALS] = {NULL};
	int rc = GRAPPE_EINVALID;

	if (trial.base == NULL || !watch_signals(&trial, signals) ||
	    cloud_new(trial.base, settings, &trial.cloud) != GRAPPE_OK) {
		fprintf(stderr, NAME ": %s\n", error_text(GRAPPE_EMEMORY));
	} else {
		for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
			if (strcmp(actions[i].name, action) == 0)
				rc = actions[i].begin(&trial, count, operands);
		if (rc == GRAPPE_OK)
			event_base_loop(trial.base, EVLOOP_NO_EXIT_ON_EMPTY);
		else if (rc == GRAPPE_EINVALID)
			fprintf(stderr, NAME ": '%.40s' is neither survey nor move\n", action);
		else if (rc == GRAPPE_ERANGE)
			fprintf(stderr, NAME ": usage: " NAME " CLOUD survey, or CLOUD move VM "
					     "TO-HOST [FROM-HOST]\n");
	}
	cloud_free(trial.cloud);
	forget_signals(signals);
	if (trial.base != NULL)
		event_base_free(trial.base);
	return cli_finish(NAME, trial.exit_code);
}

static const struct cloud_settings *find_cloud(
    const struct manager_settings *settings, const char *name)
{
	const struct cloud_settings *all = settings->clouds.items;

	for (size_t i = 0; i < settings->clouds.count; i++)
		if (strcmp(all[i].title, name) == 0)
			return &all[i];
	return NULL;
}

int cli_cloud(int argc, char **argv)
{
	struct manager_settings settings = {0};
	const struct program program = {
	    .name = NAME,
	    .summary = "ask an API for its hosts and VMs, or move a VM by it",
	    .operands = "CLOUD survey|move [VM TO-HOST [FROM-HOST]]",
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	};
	const struct cloud_settings *cloud;
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	exit_code = EXIT_FAILURE;
	if (argc - operand < 2) {
		fprintf(stderr, NAME ": usage: " NAME " [OPTION]... %s\n", program.operands);
	} else if ((cloud = find_cloud(&settings, argv[operand])) == NULL) {
		fprintf(stderr, NAME ": the configuration has no cloud \"%.60s\"\n", argv[operand]);
	} else {
		exit_code =
		    try_it(cloud, argv[operand + 1], argc - operand - 2, argv + operand + 2);
	}
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}
