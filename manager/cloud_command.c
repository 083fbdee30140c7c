/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any program that moves a VM: virsh, a private cloud's own tool. */
#include "manager/cloud_kind.h"

#include "common/error.h"
#include "manager/child.h"
#include "manager/cloud_survey.h"
#include "manager/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX 65536

/* What may be filled in. */
static const char *const names[] = {
    "vm", "name", "from_host", "to_host", "from_environment", "to_environment", NULL};

/* Programs of one job. */
struct command_job {
	struct child *move, *abort, *look;
};

/* ---- settings ---- */

#define FAIL(...) (snprintf(message, size, __VA_ARGS__), GRAPPE_EINVALID)

static int check_list(const struct cloud_settings *settings, const char *key,
    const struct settings_list *list, char *message, size_t size)
{
	char why[300];

	if (words_check(list, names, why, sizeof why) == GRAPPE_OK)
		return GRAPPE_OK;
	return FAIL("cloud \"%s\": %s: %s", settings->title, key, why);
}

static int check(const struct cloud_settings *settings, char *message, size_t size)
{
	int rc;

	if (settings->command.count == 0)
		return FAIL("cloud \"%s\": command must be given", settings->title);
	if (settings->url[0] != '\0' || settings->login_file[0] != '\0' ||
	    settings->ca_file[0] != '\0' || settings->address[0] != '\0')
		return FAIL("cloud \"%s\": url, address, ca_file and login_file are not for kind "
			    "command",
		    settings->title);
	rc = check_list(settings, "command", &settings->command, message, size);
	if (rc == GRAPPE_OK)
		rc = check_list(settings, "abort_command", &settings->abort_command, message, size);
	return rc;
}

/* ---- running ---- */

/* A survey's words stand as they are. */
static int run(struct cloud_job *job, const struct settings_list *list, int64_t limit_ms,
    child_done *done, struct child **out, char *message, size_t size)
{
	const bool is_survey = list == &job->cloud->settings->survey_command;
	const struct cloud_order *order = &job->order;
	const struct words_value values[] = {{"vm", order->vm_id}, {"name", order->vm_name},
	    {"from_host", order->from_host}, {"to_host", order->to_host},
	    {"from_environment", order->from_environment},
	    {"to_environment", order->to_environment}};
	struct child_request request = {.limit_ms = limit_ms, .output_max = OUTPUT_MAX};
	char **words;
	int rc = words_fill(
	    list, is_survey ? NULL : values, sizeof values / sizeof *values, &words, message, size);

	if (rc != GRAPPE_OK)
		return rc;
	request.words = words;
	rc = child_start(job->cloud->base, &request, done, job, out);
	if (rc != GRAPPE_OK)
		snprintf(message, size, "%s: %s", words[0],
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	words_free(words);
	return rc;
}

/* ---- where the VM is ---- */

static void on_looked(const struct child_result *result, void *context)
{
	struct cloud_job *job = context;
	struct command_job *state = job->state;
	struct cloud_survey survey = {0};
	const struct cloud_vm *vm = NULL;
	char message[300];

	state->look = NULL;
	if (result->exit_code != 0)
		snprintf(message, sizeof message, "survey_command: %s", result->reason);
	else if (cloud_survey_parse(
		     result->output, result->length, &survey, message, sizeof message) == GRAPPE_OK)
		vm = cloud_survey_find(&survey, job->order.vm_id, job->order.vm_name);
	if (vm == NULL)
		cloud_job_end(job, CLOUD_LOST, NULL, "where the VM is cannot be told: %s",
		    survey.nvms > 0 ? "survey_command does not list it" : message);
	else if (strcmp(vm->host, job->order.to_host) == 0)
		cloud_job_end(job, CLOUD_MOVED, vm->host, "%s", "");
	else
		cloud_job_end(job, CLOUD_FAILED, vm->host, "the command ended, but the VM is on %s",
		    vm->host);
	cloud_survey_deinit(&survey);
}

/* Without a survey the command's word counts. */
static void look(struct cloud_job *job, enum cloud_outcome otherwise, const char *text)
{
	struct command_job *state = job->state;
	const struct settings_list *list = &job->cloud->settings->survey_command;
	char message[300];

	if (list->count == 0)
		cloud_job_end(job, otherwise, NULL, "%s", text);
	else if (run(job, list, job->cloud->settings->timeout_ms, on_looked, &state->look, message,
		     sizeof message) != GRAPPE_OK)
		cloud_job_end(job, CLOUD_LOST, NULL, "survey_command: %s", message);
}

/* ---- jobs ---- */

static void on_moved(const struct child_result *result, void *context)
{
	struct cloud_job *job = context;
	struct command_job *state = job->state;

	state->move = NULL;
	if (job->over)
		return;
	if (result->exit_code == 0)
		look(job, CLOUD_MOVED, "");
	else
		cloud_job_end(job, job->aborting ? CLOUD_CANCELLED : CLOUD_FAILED, NULL,
		    "the command: %s", result->reason);
}

static struct command_job *make_state(struct cloud_job *job)
{
	job->state = calloc(1, sizeof(struct command_job));
	if (job->state == NULL)
		cloud_job_end(job, CLOUD_FAILED, NULL, "%s", error_text(GRAPPE_EMEMORY));
	return job->state;
}

static void start(struct cloud_job *job)
{
	struct command_job *state = make_state(job);
	char message[300];

	if (state == NULL)
		return;
	if (strcmp(job->order.from_host, job->order.to_host) == 0)
		cloud_job_end(job, CLOUD_FAILED, job->order.to_host, "it is on %s already",
		    job->order.to_host);
	else if (run(job, &job->cloud->settings->command, job->cloud->settings->move_timeout_ms,
		     on_moved, &state->move, message, sizeof message) == GRAPPE_OK)
		cloud_job_accept(job, "command");
	else
		cloud_job_end(job, CLOUD_FAILED, NULL, "the command: %s", message);
}

/* It ended with the manager, or nobody knows how. */
static void resume(struct cloud_job *job)
{
	if (make_state(job) != NULL)
		look(job, CLOUD_LOST, "the manager ended while the command ran");
}

static void poll(struct cloud_job *job)
{
	(void)job;
}

static void on_aborted(const struct child_result *result, void *context)
{
	struct cloud_job *job = context;
	struct command_job *state = job->state;

	(void)result;
	/* How it came out is told by the command itself. */
	state->abort = NULL;
}

static void abort_job(struct cloud_job *job)
{
	struct command_job *state = job->state;
	const struct settings_list *list = &job->cloud->settings->abort_command;
	char message[300];

	if (state->move == NULL)
		return;
	if (list->count == 0 || run(job, list, job->cloud->settings->timeout_ms, on_aborted,
				    &state->abort, message, sizeof message) != GRAPPE_OK)
		child_stop(state->move);
}

static void drop(struct cloud_job *job)
{
	struct command_job *state = job->state;

	if (state == NULL)
		return;
	child_free(state->move);
	child_free(state->abort);
	child_free(state->look);
	free(state);
}

/* ---- surveys ---- */

static void on_surveyed(const struct child_result *result, void *context)
{
	struct cloud *cloud = context;
	struct cloud_survey survey = {0};
	char message[300];

	cloud->state = NULL;
	if (result->exit_code != 0)
		cloud_survey_end(cloud, NULL, "survey_command: %s", result->reason);
	else if (cloud_survey_parse(
		     result->output, result->length, &survey, message, sizeof message) != GRAPPE_OK)
		cloud_survey_end(cloud, NULL, "survey_command: %s", message);
	else
		cloud_survey_end(cloud, &survey, "%s", "");
	cloud_survey_deinit(&survey);
}

static int survey(struct cloud *cloud)
{
	const struct settings_list *list = &cloud->settings->survey_command;
	struct child_request request = {
	    .limit_ms = cloud->settings->timeout_ms, .output_max = CLOUD_ANSWER_MAX};
	struct child *child;
	char **words, message[300];
	int rc;

	if (list->count == 0)
		return GRAPPE_ENOTFOUND;
	rc = words_fill(list, NULL, 0, &words, message, sizeof message);
	if (rc != GRAPPE_OK)
		return rc;
	request.words = words;
	rc = child_start(cloud->base, &request, on_surveyed, cloud, &child);
	words_free(words);
	cloud->state = child;
	return rc;
}

static void drop_survey(struct cloud *cloud)
{
	child_free(cloud->state);
}

const struct cloud_kind cloud_command = {.name = "command",
    .check = check,
    .start = start,
    .resume = resume,
    .poll = poll,
    .abort = abort_job,
    .drop = drop,
    .survey = survey,
    .drop_survey = drop_survey};
