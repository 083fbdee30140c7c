/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kind command: a program for each result, an argument vector without a shell; NSCA's line on its
 * standard input. */
#include "common/error.h"
#include "manager/child.h"
#include "manager/dashboard_kind.h"
#include "manager/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX 4096 /* bytes of what a program prints that are kept */

static const char *const value_names[] = {
    "host", "service", "state", "state_number", "text", "perfdata", "time", NULL};

static const char *check(const struct dashboard_settings *settings)
{
	char message[256];

	if (settings->command.count == 0 || settings->command.items[0][0] == '\0')
		return "command needs command, the program and its arguments";
	if (strchr(settings->command.items[0], '{') != NULL)
		return "the program of command may have no {…}";
	if (settings->url[0] != '\0' || settings->path[0] != '\0')
		return "command has no url and no path";
	if (words_check(&settings->command, value_names, message, sizeof message) != GRAPPE_OK)
		return "command may hold {host} {service} {state} {state_number} {text} {perfdata} "
		       "{time} and no other {…}";
	return NULL;
}

static void on_ended(const struct child_result *result, void *context)
{
	struct dashboard_job *job = context;

	job->child = NULL;
	dashboard_job_done(
	    job, result->exit_code == 0 ? DASHBOARD_DELIVERED : DASHBOARD_AGAIN, result->reason);
}

static int fill_words(const struct dashboard_settings *settings,
    const struct dashboard_result *result, char ***words, char *reason, size_t size)
{
	char number[16], time[24];
	const struct words_value values[] = {{"host", result->host}, {"service", result->service},
	    {"state", service_level_names[result->level]}, {"state_number", number},
	    {"text", result->text}, {"perfdata", result->perfdata}, {"time", time}};

	snprintf(number, sizeof number, "%d", (int)result->level);
	snprintf(time, sizeof time, "%" PRId64, result->time_ms / 1000);
	return words_fill(
	    &settings->command, values, sizeof values / sizeof *values, words, reason, size);
}

static void start(struct dashboard_job *job)
{
	const struct dashboard_settings *settings = job->lane->settings;
	const struct dashboard_result *result = dashboard_job_result(job, 0);
	char **words = NULL, *line = dashboard_format_nsca(result), reason[DASHBOARD_REASON_SIZE];
	int rc = fill_words(settings, result, &words, reason, sizeof reason);

	if (rc == GRAPPE_OK) {
		const struct child_request request = {.words = words,
		    .input = line,
		    .limit_ms = settings->timeout_ms,
		    .output_max = OUTPUT_MAX};

		rc = line != NULL
			 ? child_start(job->lane->base, &request, on_ended, job, &job->child)
			 : GRAPPE_EMEMORY;
		snprintf(reason, sizeof reason, "%.200s: %s", settings->command.items[0],
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	}
	words_free(words);
	free(line);
	/* A value that may not stand there will not get better. */
	if (rc != GRAPPE_OK)
		dashboard_job_done(
		    job, rc == GRAPPE_EINVALID ? DASHBOARD_REFUSED : DASHBOARD_AGAIN, reason);
}

const struct dashboard_kind dashboard_kind_command = {
    .parallel = DASHBOARD_JOBS_MAX, .batch = 1, .check = check, .start = start};
