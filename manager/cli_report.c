/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grappe report: what happened in a window, as text, a page or JSON; to a file or by mail. */
#include "manager/cli.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/program.h"
#include "common/time_text.h"
#include "manager/cli_input.h"
#include "manager/cli_live.h"
#include "manager/mail.h"
#include "manager/report_data.h"
#include "manager/report_read.h"
#include "manager/report_write.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SINCE_DEFAULT "-1d"
#define TOP_MAX 1000
#define PROGRESS_AFTER_NS (2 * CLOCK_SECOND_NS)

static const char name[] = "grappe report";

enum report_format { REPORT_TEXT, REPORT_HTML, REPORT_JSON };
static const char *const formats[] = {"text", "html", "json", NULL};

struct options {
	struct cli_input input; /* no matrix file: it has no time */
	const char *since, *until, *environments, *format, *output, *top;
	bool local, quiet, mail;
	/* as read */
	struct report_wish wish;
	int64_t now_s;
	uint64_t ntop;
	int chosen;
};

/* ---- options ---- */

static int read_time(
    const struct options *options, const char *option, const char *text, int64_t *epoch_s)
{
	if (time_text_parse(text, options->now_s, options->local, epoch_s) == GRAPPE_OK &&
	    *epoch_s > 0)
		return GRAPPE_OK;
	fprintf(stderr,
	    "%s: --%s '%.40s' is no time: epoch seconds, \"YYYY-MM-DD HH:MM:SS\", now, today, "
	    "yesterday, or so long ago, such as -7d\n",
	    name, option, text);
	return GRAPPE_EINVALID;
}

static int read_window(struct options *options)
{
	struct report_wish *wish = &options->wish;

	if (options->since == NULL)
		options->since = SINCE_DEFAULT;
	if (read_time(options, "since", options->since, &wish->from_s) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (options->until != NULL && strcmp(options->until, "now") != 0 &&
	    read_time(options, "until", options->until, &wish->to_s) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (wish->from_s < (wish->to_s > 0 ? wish->to_s : options->now_s))
		return GRAPPE_OK;
	fprintf(stderr, "%s: the window ends before it begins\n", name);
	return GRAPPE_EINVALID;
}

static int read_options(struct options *options, struct manager_settings *settings)
{
	options->now_s = clock_wall_ns() / CLOCK_SECOND_NS;
	options->ntop = REPORT_TOP;
	if (cli_input_apply(name, &options->input, settings) != GRAPPE_OK ||
	    read_window(options) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (options->format != NULL)
		options->chosen = cli_choose(name, "format", options->format, formats);
	if (options->chosen < 0 ||
	    (options->top != NULL &&
		cli_count(name, "top", options->top, TOP_MAX, &options->ntop) != GRAPPE_OK))
		return GRAPPE_EINVALID;
	if (options->mail && (settings->mail_to.count == 0 || settings->mail_from[0] == '\0')) {
		fprintf(
		    stderr, "%s: --mail needs mail_to and mail_from in the configuration\n", name);
		return GRAPPE_EINVALID;
	}
	if (options->input.placement != NULL && options->input.archive == NULL) {
		fprintf(stderr,
		    "%s: --placement goes with --archive: the collector knows where VMs are\n",
		    name);
		return GRAPPE_EINVALID;
	}
	return GRAPPE_OK;
}

/* ---- progress ---- */

struct progress {
	int64_t began_ns, shown_ns;
	bool quiet, shown;
};

static void show_progress(void *context, const char *what, size_t done, size_t all)
{
	struct progress *progress = context;
	const int64_t now_ns = clock_monotonic_ns();

	if (progress->quiet || now_ns - progress->began_ns < PROGRESS_AFTER_NS ||
	    now_ns - progress->shown_ns < CLOCK_SECOND_NS / 5)
		return;
	fprintf(stderr, "\r%s: %zu of %zu %s\033[K", name, done, all, what);
	progress->shown = true;
	progress->shown_ns = now_ns;
}

static void end_progress(const struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
}

/* ---- what the manager keeps ---- */

struct state {
	json_t *recommendation;
	struct history history;
	bool has_history;
	char problem[512]; /* "" */
};

static void read_recommendation(const char *folder, struct state *state)
{
	char path[PATH_MAX], why[256] = "";
	struct buffer bytes;
	int rc;

	snprintf(path, sizeof path, "%s/recommendation.json", folder);
	rc = file_read(path, RECOMMENDATION_MAX, &bytes);
	if (rc == GRAPPE_OK)
		rc = recommendation_parse((const char *)bytes.bytes, bytes.length,
		    &state->recommendation, why, sizeof why);
	else if (rc == GRAPPE_EIO && errno == ENOENT)
		rc = GRAPPE_OK;
	if (rc != GRAPPE_OK)
		snprintf(state->problem, sizeof state->problem,
		    "the manager's recommendation cannot be read: %.200s: %.200s", path,
		    why[0] != '\0' ? why : error_text(rc));
	buffer_deinit(&bytes);
}

static void read_state(const char *folder, struct state *state)
{
	char path[PATH_MAX];

	*state = (struct state){0};
	if (access(folder, R_OK | X_OK) != 0) {
		snprintf(state->problem, sizeof state->problem,
		    "recommendations are not known: %.300s: %s", folder, strerror(errno));
		return;
	}
	read_recommendation(folder, state);
	snprintf(path, sizeof path, "%s/history.jsonl", folder);
	state->has_history = history_open(&state->history, path) == GRAPPE_OK;
	if (!state->has_history)
		snprintf(state->problem, sizeof state->problem,
		    "the history of recommendations cannot be read: %.300s: %s", path,
		    strerror(errno));
}

static void free_state(struct state *state)
{
	json_decref(state->recommendation);
	if (state->has_history)
		history_close(&state->history);
}

/* ---- the document ---- */

static json_t *make_document(const struct options *options, const struct manager_settings *settings,
    const struct report_input *input, const struct environments *environments)
{
	const double window_s = matrix_window(input->observation.matrix)->length_s;
	const struct groups_rules rules = manager_settings_rules(settings, window_s);
	struct groups groups;
	struct state state;
	char source[512];
	json_t *document = NULL;
	const int rc = groups_find(input->observation.matrix, &rules, &groups);

	if (rc != GRAPPE_OK) {
		fprintf(stderr, "%s: groups: %s\n", name, error_text(rc));
		return NULL;
	}
	snprintf(source, sizeof source, "%s %.400s",
	    options->wish.archive != NULL ? "archives in" : "the collector at",
	    options->wish.archive != NULL ? options->wish.archive : options->wish.socket);
	read_state(settings->state_directory, &state);
	document = report_data(&(struct report_sources){.input = input,
	    .groups = &groups,
	    .environments = environments,
	    .recommendation = state.recommendation,
	    .history = state.has_history ? &state.history : NULL,
	    .source = source,
	    .state = state.problem,
	    .top = (size_t)options->ntop,
	    .now_s = options->now_s});
	if (document == NULL)
		fprintf(stderr, "%s: %s\n", name, error_text(GRAPPE_EMEMORY));
	free_state(&state);
	groups_deinit(&groups);
	return document;
}

static json_t *read_document(struct options *options, const struct manager_settings *settings)
{
	const char *path =
	    options->environments != NULL ? options->environments : settings->environments;
	struct progress progress = {
	    .began_ns = clock_monotonic_ns(), .quiet = options->quiet || !isatty(STDERR_FILENO)};
	struct environments environments;
	struct report_input input;
	char message[1024];
	json_t *document = NULL;
	int rc;

	options->wish.archive = options->input.archive;
	options->wish.socket = options->input.collector != NULL ? options->input.collector
								: settings->collector_socket;
	options->wish.placement = options->input.placement;
	options->wish.wait_ms = settings->wait_ms;
	options->wish.approximate = settings->approximate;
	options->wish.progress = show_progress;
	options->wish.progress_context = &progress;
	if (cli_live_environments(name, path, settings, &environments) != GRAPPE_OK)
		return NULL;
	rc = report_read(&options->wish, &input, message, sizeof message);
	end_progress(&progress);
	if (rc == GRAPPE_OK) {
		document = make_document(options, settings, &input, &environments);
		report_input_deinit(&input);
	} else {
		fprintf(stderr, "%s: %s\n", name, message);
	}
	environments_deinit(&environments);
	return document;
}

/* ---- where it goes ---- */

static void write_report(const json_t *document, int format, FILE *out)
{
	switch (format) {
	case REPORT_HTML:
		report_write_html(document, out);
		break;
	case REPORT_JSON:
		json_dumpf(document, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
		fputc('\n', out);
		break;
	default:
		report_write_text(document, out);
	}
}

/* The report as bytes to be freed, NULL without memory. */
static char *make_bytes(const json_t *document, int format, size_t *length)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, length);
	bool failed;

	if (out == NULL)
		return NULL;
	write_report(document, format, out);
	failed = ferror(out) != 0;
	if (fclose(out) == 0 && !failed)
		return bytes;
	free(bytes);
	return NULL;
}

static int write_file(const char *path, const json_t *document, int format)
{
	const mode_t mask = umask(0);
	size_t length;
	char *bytes = make_bytes(document, format, &length);
	int rc = GRAPPE_EMEMORY;

	umask(mask);
	if (bytes != NULL)
		rc = file_replace(path, bytes, length, 0666 & ~mask);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s: %s\n", name, path, error_text(rc));
	free(bytes);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int send_mail(
    const struct options *options, const struct manager_settings *settings, const json_t *document)
{
	char subject[3 * REPORT_WORDS_SIZE], message[512];
	size_t length;
	struct mail mail = {.from = settings->mail_from,
	    .to = &settings->mail_to,
	    .subject = report_title(document, subject),
	    .text = make_bytes(document, REPORT_TEXT, &length),
	    .page = make_bytes(document, REPORT_HTML, &length),
	    .now_s = options->now_s};
	int rc = GRAPPE_EMEMORY;

	snprintf(message, sizeof message, "%s", error_text(rc));
	if (mail.text != NULL && mail.page != NULL)
		rc = mail_send(settings->sendmail, &mail, message, sizeof message);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "%s: %s: %s\n", name, settings->sendmail, message);
	free((char *)mail.text);
	free((char *)mail.page);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int deliver(
    const struct options *options, const struct manager_settings *settings, const json_t *document)
{
	if (options->mail)
		return send_mail(options, settings, document);
	if (options->output != NULL)
		return write_file(options->output, document, options->chosen);
	write_report(document, options->chosen, stdout);
	return cli_finish(name, EXIT_SUCCESS);
}

static int run(struct options *options, struct manager_settings *settings)
{
	json_t *document;
	int exit_code;

	if (read_options(options, settings) != GRAPPE_OK)
		return EXIT_FAILURE;
	document = read_document(options, settings);
	if (document == NULL)
		return EXIT_FAILURE;
	exit_code = deliver(options, settings, document);
	json_decref(document);
	return exit_code;
}

int cli_report(int argc, char **argv)
{
	struct options options = {0};
	struct manager_settings settings = {0};
	const struct program_option table[] = {
	    {0, "since", "TIME", "beginning of the window (-1d)", &options.since},
	    {0, "until", "TIME", "end of the window (the newest period)", &options.until},
	    {0, "local", NULL, "times are in the local time zone, not in UTC", &options.local},
	    {'f', "format", "FORMAT", "text, html or json (text)", &options.format},
	    {0, "output", "FILE", "replace this file instead of printing", &options.output},
	    {'a', "archive", "DIR", "read the collector's archives, without a collector",
		&options.input.archive},
	    {'s', "collector", "SOCKET", "ask the collector at this socket",
		&options.input.collector},
	    {'p', "placement", "FILE",
		"with --archive: where VMs are, CSV vm,environment,host[,vcpu,mem_GiB]",
		&options.input.placement},
	    {'e', "environments", "FILE", "the environment document instead of the configured one",
		&options.environments},
	    {0, "method", "NAME", "how groups are found: auto or thesis", &options.input.method},
	    {0, "by", "WHAT", "compare pairs by packets or by bytes", &options.input.by},
	    {0, "top", "N", "so many pairs are listed (20)", &options.top},
	    {0, "mail", NULL, "send text and page to mail_to instead of printing", &options.mail},
	    {0, "quiet", NULL, "show no progress on the terminal", &options.quiet},
	};
	const struct program program = {
	    .name = name,
	    .summary = "report on a window: traffic, groups, recommendations and their outcome",
	    .operands = "",
	    .default_config = MANAGER_CONFIG,
	    .schema = &manager_settings_schema,
	    .options = table,
	    .noptions = SETTINGS_COUNT(table),
	};
	int operand, exit_code;

	if (!program_start(&program, argc, argv, &settings, &operand, &exit_code))
		return exit_code;
	exit_code = run(&options, &settings);
	settings_free(&manager_settings_schema, &settings);
	return exit_code;
}
