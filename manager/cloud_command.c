/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any program that moves a VM: virsh, a private cloud's own tool. With a survey_command its list is
 * looked at before and after. */
#include "manager/cloud_kind.h"

#include "common/error.h"
#include "common/log.h"
#include "manager/child.h"
#include "manager/cloud_survey.h"
#include "manager/words.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX 65536
#define HANDLE "command " /* and by what its process is known again */

/* What may be filled in. */
static const char *const names[] = {
    "vm", "name", "from_host", "to_host", "from_environment", "to_environment", NULL};

struct command_job {
	struct child *move, *abort, *look; /* programs under way */
	/* How the command ended. */
	int exit_code;
	char reason[CHILD_REASON_SIZE]; /* "" well */
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
	struct child_request request = {.limit_ms = limit_ms,
	    .output_max = is_survey ? CLOUD_ANSWER_MAX : OUTPUT_MAX,
	    .errors_apart = is_survey};
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

/* ---- what survey_command prints ---- */

static int read_survey(
    const struct child_result *result, struct cloud_survey *out, char *message, size_t size)
{
	if (result->exit_code != 0)
		snprintf(message, size, "survey_command: %s", result->reason);
	else if (result->cut)
		snprintf(message, size, "survey_command prints more than %u MiB",
		    CLOUD_ANSWER_MAX >> 20);
	else {
		char why[300];

		if (cloud_survey_parse(result->output, result->length, out, why, sizeof why) ==
		    GRAPPE_OK)
			return GRAPPE_OK;
		snprintf(message, size, "survey_command: %s", why);
	}
	return GRAPPE_EFORMAT;
}

/* What the host's running VMs leave of its memory, as far as that is told; NAN: nothing is. */
static double free_GiB(const struct cloud_survey *survey, const struct cloud_host *host)
{
	double left = host->mem_GiB;

	for (size_t i = 0; i < survey->nvms; i++) {
		const struct cloud_vm *vm = &survey->vms[i];

		if (vm->running && strcmp(vm->host, host->name) == 0 && !isnan(vm->mem_GiB))
			left -= vm->mem_GiB;
	}
	return left;
}

/* Whether the target is known, open and has room; a list without hosts tells nothing of that. */
static bool check_target(
    struct cloud_job *job, const struct cloud_survey *survey, const struct cloud_vm *vm)
{
	const char *to = job->order.to_host;
	const struct cloud_host *host = NULL;

	for (size_t i = 0; host == NULL && i < survey->nhosts; i++)
		if (strcmp(survey->hosts[i].name, to) == 0)
			host = &survey->hosts[i];
	if (to[0] == '\0' || survey->nhosts == 0)
		return true;
	if (host == NULL)
		cloud_job_end(job, CLOUD_FAILED, vm->host, "there is no host %s", to);
	else if (host->closed)
		cloud_job_end(job, CLOUD_FAILED, vm->host, "host %s is closed to VMs", to);
	else if (free_GiB(survey, host) < vm->mem_GiB)
		cloud_job_end(job, CLOUD_FAILED, vm->host,
		    "host %s has %.1f GiB free, the VM needs %.1f", to, free_GiB(survey, host),
		    vm->mem_GiB);
	else
		return true;
	return false;
}

/* ---- before ---- */

static void on_moved(const struct child_result *result, void *context);

static void order(struct cloud_job *job)
{
	struct command_job *state = job->state;
	char message[300], identity[CHILD_IDENTITY_SIZE], handle[CHILD_IDENTITY_SIZE + 16];

	if (run(job, &job->cloud->settings->command, job->cloud->settings->move_timeout_ms,
		on_moved, &state->move, message, sizeof message) == GRAPPE_OK) {
		job->looking = false;
		child_identify(state->move, identity);
		snprintf(handle, sizeof handle, HANDLE "%s", identity);
		cloud_job_accept(job, handle);
	} else
		cloud_job_end(job, CLOUD_FAILED, NULL, "the command: %s", message);
}

static void judge_before(struct cloud_job *job, const struct cloud_survey *survey)
{
	const struct cloud_order *wish = &job->order;
	const struct cloud_vm *vm = cloud_survey_find(survey, wish->vm_id, wish->vm_name);

	if (vm == NULL)
		cloud_job_end(job, CLOUD_FAILED, NULL,
		    "survey_command lists no VM %s, or several of that name", wish->vm_name);
	else if (vm->host[0] != '\0' && strcmp(vm->host, wish->to_host) == 0)
		cloud_job_end(job, CLOUD_MOVED, vm->host, "%s", "");
	else if (vm->host[0] != '\0' && wish->from_host[0] != '\0' &&
		 strcmp(vm->host, wish->from_host) != 0)
		cloud_job_end(job, CLOUD_FAILED, vm->host, "it is on %s, not on %s", vm->host,
		    wish->from_host);
	else if (!vm->running)
		cloud_job_end(
		    job, CLOUD_FAILED, vm->host, "it does not run: only a running VM is moved");
	else if (check_target(job, survey, vm))
		order(job);
}

/* ---- after ---- */

/* Without a survey the command's word counts, and if it had none, nobody knows. */
static void judge_by_command(struct cloud_job *job)
{
	const struct command_job *state = job->state;

	if (state->exit_code == 0)
		cloud_job_end(job, CLOUD_MOVED, NULL, "%s", "");
	else if (job->aborting)
		cloud_job_end(job, CLOUD_CANCELLED, NULL, "the command: %s", state->reason);
	else
		cloud_job_end(job, state->exit_code > 0 ? CLOUD_FAILED : CLOUD_LOST, NULL,
		    "the command: %s", state->reason);
}

static void judge_after(struct cloud_job *job, const struct cloud_survey *survey)
{
	const struct command_job *state = job->state;
	const struct cloud_order *wish = &job->order;
	const struct cloud_vm *vm = cloud_survey_find(survey, wish->vm_id, wish->vm_name);
	const bool failed = state->reason[0] != '\0';
	bool there;

	if (vm == NULL || vm->host[0] == '\0') {
		cloud_job_end(job, CLOUD_LOST, NULL,
		    "where the VM is cannot be told: survey_command does not list it%s%s",
		    failed ? "; the command: " : "", state->reason);
		return;
	}
	there = wish->to_host[0] != '\0' ? strcmp(vm->host, wish->to_host) == 0
					 : strcmp(vm->host, wish->from_host) != 0;
	if (there && !vm->running)
		cloud_job_end(job, CLOUD_FAILED, vm->host, "it is on %s and does not run%s%s",
		    vm->host, failed ? "; the command: " : "", state->reason);
	else if (there) {
		if (failed)
			log_warning("cloud %s: %s is on %s, but the command: %s",
			    cloud_title(job->cloud), wish->vm_name, vm->host, state->reason);
		cloud_job_end(job, CLOUD_MOVED, vm->host, "%s", "");
	} else if (failed)
		cloud_job_end(job, job->aborting ? CLOUD_CANCELLED : CLOUD_FAILED, vm->host,
		    "the command: %s", state->reason);
	else
		cloud_job_end(job, CLOUD_FAILED, vm->host, "the command ended, but the VM is on %s",
		    vm->host);
}

static void on_looked(const struct child_result *result, void *context)
{
	struct cloud_job *job = context;
	struct command_job *state = job->state;
	struct cloud_survey survey = {0};
	char message[CHILD_REASON_SIZE + 32];

	state->look = NULL;
	if (job->over)
		return;
	if (read_survey(result, &survey, message, sizeof message) != GRAPPE_OK)
		cloud_job_end(job, job->looking ? CLOUD_FAILED : CLOUD_LOST, NULL,
		    "where the VM is cannot be told: %s", message);
	else if (job->looking)
		judge_before(job, &survey);
	else
		judge_after(job, &survey);
	cloud_survey_deinit(&survey);
}

static void look(struct cloud_job *job)
{
	struct command_job *state = job->state;
	char message[300];

	if (run(job, &job->cloud->settings->survey_command, job->cloud->settings->timeout_ms,
		on_looked, &state->look, message, sizeof message) != GRAPPE_OK)
		cloud_job_end(job, job->looking ? CLOUD_FAILED : CLOUD_LOST, NULL,
		    "survey_command: %s", message);
}

/* ---- jobs ---- */

static void judge(struct cloud_job *job)
{
	if (job->cloud->settings->survey_command.count > 0)
		look(job);
	else
		judge_by_command(job);
}

static void on_moved(const struct child_result *result, void *context)
{
	struct cloud_job *job = context;
	struct command_job *state = job->state;

	state->move = NULL;
	state->exit_code = result->exit_code;
	snprintf(state->reason, sizeof state->reason, "%s", result->reason);
	if (job->over)
		return;
	judge(job);
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
	job->looking = true;
	if (make_state(job) == NULL)
		return;
	if (job->order.to_host[0] != '\0' && strcmp(job->order.from_host, job->order.to_host) == 0)
		cloud_job_end(job, CLOUD_FAILED, job->order.to_host, "it is on %s already",
		    job->order.to_host);
	else if (job->cloud->settings->survey_command.count > 0)
		look(job);
	else
		order(job);
}

/* Of an earlier run of the manager, until that command has ended. */
static void poll(struct cloud_job *job)
{
	if (strncmp(job->handle, HANDLE, strlen(HANDLE)) == 0 &&
	    child_runs(job->handle + strlen(HANDLE)))
		cloud_job_poll(job);
	else
		judge(job);
}

/* The command ended with the manager, or unseen, or runs yet. */
static void resume(struct cloud_job *job)
{
	struct command_job *state = make_state(job);

	if (state == NULL)
		return;
	state->exit_code = -1;
	snprintf(state->reason, sizeof state->reason, "the manager ended while it ran");
	poll(job);
}

static void on_aborted(const struct child_result *result, void *context)
{
	struct cloud_job *job = context;
	struct command_job *state = job->state;

	/* How the move came out is told by the command itself. */
	state->abort = NULL;
	if (result->exit_code != 0)
		log_warning("cloud %s: abort_command: %s", cloud_title(job->cloud), result->reason);
}

/* A command of an earlier run is not ours to end; abort_command may be able to. */
static void abort_job(struct cloud_job *job)
{
	struct command_job *state = job->state;
	const struct settings_list *list = &job->cloud->settings->abort_command;
	char message[300] = "its command is not this manager's";

	if (state->look != NULL)
		return;
	if (list->count > 0 && run(job, list, job->cloud->settings->timeout_ms, on_aborted,
				   &state->abort, message, sizeof message) == GRAPPE_OK)
		return;
	if (state->move != NULL)
		child_stop(state->move);
	else
		log_warning("cloud %s: the move of %s is not called off: %s",
		    cloud_title(job->cloud), job->order.vm_name, message);
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
	char message[CHILD_REASON_SIZE + 32];

	cloud->state = NULL;
	if (read_survey(result, &survey, message, sizeof message) == GRAPPE_OK)
		cloud_survey_end(cloud, &survey, "%s", "");
	else
		cloud_survey_end(cloud, NULL, "%s", message);
	cloud_survey_deinit(&survey);
}

static int survey(struct cloud *cloud)
{
	const struct settings_list *list = &cloud->settings->survey_command;
	struct child_request request = {.limit_ms = cloud->settings->timeout_ms,
	    .output_max = CLOUD_ANSWER_MAX,
	    .errors_apart = true};
	struct child *child;
	char **words, message[300];
	int rc;

	if (list->count == 0)
		return GRAPPE_ENOTFOUND;
	if (words_fill(list, NULL, 0, &words, message, sizeof message) != GRAPPE_OK)
		return cloud_survey_refuse(cloud, message);
	request.words = words;
	rc = child_start(cloud->base, &request, on_surveyed, cloud, &child);
	if (rc != GRAPPE_OK)
		snprintf(message, sizeof message, "survey_command: %s: %s", words[0],
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	words_free(words);
	cloud->state = child;
	return rc == GRAPPE_OK ? GRAPPE_OK : cloud_survey_refuse(cloud, message);
}

static void drop_survey(struct cloud *cloud)
{
	child_free(cloud->state);
}

/* Looking before and after, and the end of a command that took too long. */
static int64_t grace_ms(const struct cloud_settings *settings)
{
	return 2 * (settings->timeout_ms + CHILD_GRACE_MS) + CHILD_GRACE_MS + 1000;
}

const struct cloud_kind cloud_command = {.name = "command",
    .check = check,
    .start = start,
    .resume = resume,
    .poll = poll,
    .abort = abort_job,
    .drop = drop,
    .survey = survey,
    .drop_survey = drop_survey,
    .grace_ms = grace_ms};
