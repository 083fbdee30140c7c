/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/plugin.h"

#include "common/error.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define VALUE_SIZE 48
#define LINE_SIZE 8192

struct plugin_check {
	enum plugin_state state; /* its own; children may be worse */
	unsigned level;          /* 1 at the top */
	struct plugin_check *next, *children, **last_child;
	char text[PLUGIN_TEXT_SIZE];
};

struct metric_value {
	char text[VALUE_SIZE]; /* "U" until it is set */
	struct range warning, critical;
};

struct plugin {
	const char *name;
	const struct plugin_metric *metrics;
	struct metric_value *values;
	size_t nmetrics;
	struct plugin_check root;
	size_t nchecks;
	enum plugin_state worst;
	char summary[PLUGIN_TEXT_SIZE];
};

/* ---- states ---- */

static const struct {
	const char *word;
	int severity;
} states[] = {
    [PLUGIN_OK] = {"OK", 0},
    [PLUGIN_WARNING] = {"WARNING", 2},
    [PLUGIN_CRITICAL] = {"CRITICAL", 3},
    [PLUGIN_UNKNOWN] = {"UNKNOWN", 1},
};
#define NSTATES (sizeof states / sizeof *states)

enum plugin_state plugin_worst(enum plugin_state a, enum plugin_state b)
{
	return states[a].severity >= states[b].severity ? a : b;
}

const char *plugin_state_word(enum plugin_state state)
{
	return states[state].word;
}

int plugin_parse_state(const char *text, enum plugin_state *state)
{
	for (size_t i = 0; i < NSTATES; i++) {
		const char number[2] = {(char)('0' + i), '\0'};

		if (strcasecmp(text, states[i].word) == 0 || strcmp(text, number) == 0) {
			*state = (enum plugin_state)i;
			return GRAPPE_OK;
		}
	}
	return GRAPPE_EFORMAT;
}

enum plugin_state plugin_judge(
    double value, const struct range *warning, const struct range *critical)
{
	if (range_alerts(critical, value))
		return PLUGIN_CRITICAL;
	return range_alerts(warning, value) ? PLUGIN_WARNING : PLUGIN_OK;
}

/* ---- life-cycle ---- */

struct plugin *plugin_new(const char *name, const struct plugin_metric *metrics, size_t nmetrics)
{
	struct plugin *plugin = calloc(1, sizeof *plugin);

	if (plugin == NULL)
		return NULL;
	plugin->name = name;
	plugin->metrics = metrics;
	plugin->nmetrics = nmetrics;
	plugin->root.last_child = &plugin->root.children;
	plugin->values = calloc(nmetrics + 1, sizeof *plugin->values);
	if (plugin->values == NULL) {
		free(plugin);
		return NULL;
	}
	for (size_t i = 0; i < nmetrics; i++)
		snprintf(plugin->values[i].text, VALUE_SIZE, "U");
	return plugin;
}

static void free_checks(struct plugin_check *check)
{
	while (check != NULL) {
		struct plugin_check *next = check->next;

		free_checks(check->children);
		free(check);
		check = next;
	}
}

void plugin_free(struct plugin *plugin)
{
	if (plugin == NULL)
		return;
	free_checks(plugin->root.children);
	free(plugin->values);
	free(plugin);
}

/* ---- text ---- */

void plugin_clean_text(char *text, bool first_line)
{
	for (; *text != '\0'; text++)
		if (*text == '|')
			*text = '/';
		else if (*text == ';' && first_line)
			*text = ',';
		else if ((unsigned char)*text < ' ' || *text == 127)
			*text = ' ';
}

struct plugin_check *plugin_add_check(struct plugin *plugin, struct plugin_check *parent,
    enum plugin_state state, const char *format, ...)
{
	struct plugin_check *check;
	va_list arguments;

	plugin->worst = plugin->nchecks == 0 ? state : plugin_worst(plugin->worst, state);
	if (plugin->nchecks++ >= PLUGIN_CHECKS_MAX || (check = calloc(1, sizeof *check)) == NULL)
		return NULL;
	va_start(arguments, format);
	vsnprintf(check->text, sizeof check->text, format, arguments);
	va_end(arguments);
	plugin_clean_text(check->text, false);
	if (parent == NULL)
		parent = &plugin->root;
	check->state = state;
	check->level = parent->level + 1;
	check->last_child = &check->children;
	*parent->last_child = check;
	parent->last_child = &check->next;
	return check;
}

void plugin_set_summary(struct plugin *plugin, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(plugin->summary, sizeof plugin->summary, format, arguments);
	va_end(arguments);
}

enum plugin_state plugin_state(const struct plugin *plugin)
{
	return plugin->nchecks == 0 ? PLUGIN_UNKNOWN : plugin->worst;
}

/* ---- performance data ---- */

void plugin_set_value(struct plugin *plugin, size_t metric, double value)
{
	char *text = plugin->values[metric].text;
	size_t length;

	if (!isfinite(value) || fabs(value) >= 1e30)
		return;
	length = (size_t)snprintf(text, VALUE_SIZE, "%.6f", value);
	while (length > 1 && text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[length - 1] = '\0';
	if (strcmp(text, "-0") == 0)
		snprintf(text, VALUE_SIZE, "0");
}

void plugin_set_count(struct plugin *plugin, size_t metric, uint64_t value)
{
	snprintf(plugin->values[metric].text, VALUE_SIZE, "%" PRIu64, value);
}

void plugin_set_ranges(
    struct plugin *plugin, size_t metric, const struct range *warning, const struct range *critical)
{
	plugin->values[metric].warning = *warning;
	plugin->values[metric].critical = *critical;
}

static bool needs_quotes(const char *label)
{
	for (; *label != '\0'; label++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./",
			*label) == NULL)
			return true;
	return false;
}

static void print_label(const char *label, FILE *out)
{
	const bool quotes = needs_quotes(label);

	if (quotes)
		fputc('\'', out);
	for (; *label != '\0'; label++)
		if (*label == '\'')
			fputs("''", out);
		else
			fputc(*label == '=' || *label == '|' || (unsigned char)*label < ' '
				  ? '_'
				  : *label,
			    out);
	if (quotes)
		fputc('\'', out);
}

/* "age=12s;120;300;0"; fields that are empty at the end are left out. */
static void print_metric(
    const struct plugin_metric *metric, const struct metric_value *value, FILE *out)
{
	const char *const fields[] = {
	    value->warning.text, value->critical.text, metric->has_minimum ? "0" : ""};
	size_t last = sizeof fields / sizeof *fields;
	const bool unknown = strcmp(value->text, "U") == 0;

	print_label(metric->label, out);
	fprintf(out, "=%s%s", value->text, unknown ? "" : metric->unit);
	while (last > 0 && fields[last - 1][0] == '\0')
		last--;
	for (size_t i = 0; i < last; i++)
		fprintf(out, ";%s", fields[i]);
}

static void print_metrics(const struct plugin *plugin, FILE *out)
{
	for (size_t i = 0; i < plugin->nmetrics; i++) {
		fputs(i == 0 ? " | " : " ", out);
		print_metric(&plugin->metrics[i], &plugin->values[i], out);
	}
}

/* ---- output ---- */

/* Adds the texts of all checks of one state to the line, as many as fit; counts the others. What is
 * below a check that is not OK only explains it. */
static void gather_texts(const struct plugin_check *check, enum plugin_state state, char *line,
    size_t used, size_t *left_out)
{
	for (; check != NULL; check = check->next) {
		const size_t length = strlen(line);

		if (check->state == state) {
			if (line[0] == '\0')
				snprintf(line, PLUGIN_TEXT_SIZE, "%s", check->text);
			else if (used + length + 2 + strlen(check->text) <= PLUGIN_LINE_WISHED)
				snprintf(
				    line + length, PLUGIN_TEXT_SIZE - length, ", %s", check->text);
			else
				(*left_out)++;
		}
		if (check->state == PLUGIN_OK)
			gather_texts(check->children, state, line, used, left_out);
	}
}

/* The problems, worst first, with so many characters kept free. Returns how many found no room. */
static size_t gather_problems(const struct plugin *plugin, size_t kept_free, char *line)
{
	static const enum plugin_state order[] = {PLUGIN_CRITICAL, PLUGIN_WARNING, PLUGIN_UNKNOWN};
	size_t left_out = 0;

	line[0] = '\0';
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		gather_texts(plugin->root.children, order[i], line, kept_free, &left_out);
	return left_out;
}

/* The first line tells the problems; the summary when there are none. */
static void print_first_line(const struct plugin *plugin, FILE *out)
{
	static const char more_text[] = " (+%zu more)";
	const char *state = plugin_state_word(plugin_state(plugin));
	const size_t kept_free = strlen(plugin->name) + strlen(state) + strlen("  - ");
	char line[PLUGIN_TEXT_SIZE], more[32] = "";
	size_t left_out = gather_problems(plugin, kept_free, line);

	if (left_out > 0) {
		left_out = gather_problems(plugin, kept_free + strlen(more_text), line);
		snprintf(more, sizeof more, more_text, left_out);
	}
	if (line[0] == '\0')
		snprintf(line, sizeof line, "%s",
		    plugin->nchecks ? plugin->summary : "nothing was checked");
	plugin_clean_text(line, true);
	fprintf(out, "%s %s - %s%s", plugin->name, state, line, more);
}

static void print_checks(const struct plugin_check *check, int verbosity, FILE *out)
{
	for (; check != NULL; check = check->next) {
		fprintf(out, "%*s[%s] %s\n", (int)(check->level - 1) * 2, "",
		    plugin_state_word(check->state), check->text);
		if ((int)check->level <= verbosity)
			print_checks(check->children, verbosity, out);
	}
}

enum plugin_state plugin_print(struct plugin *plugin, FILE *out, int verbosity)
{
	alarm(0);
	print_first_line(plugin, out);
	print_metrics(plugin, out);
	fputc('\n', out);
	if (verbosity > 0)
		print_checks(plugin->root.children, verbosity, out);
	return fflush(out) == 0 && !ferror(out) ? plugin_state(plugin) : PLUGIN_UNKNOWN;
}

/* ---- time ---- */

/* Made beforehand: a signal handler may only write(2) and _exit(2). */
static struct {
	char line[LINE_SIZE];
	size_t length;
	enum plugin_state state;
} last_words;

static void on_alarm(int signal_number)
{
	const ssize_t written = write(STDOUT_FILENO, last_words.line, last_words.length);

	(void)signal_number;
	_exit(written == (ssize_t)last_words.length ? (int)last_words.state : PLUGIN_UNKNOWN);
}

void plugin_arm(struct plugin *plugin, unsigned seconds, enum plugin_state state)
{
	struct sigaction action = {.sa_handler = on_alarm};
	FILE *line = fmemopen(last_words.line, sizeof last_words.line, "w");

	last_words.state = state;
	if (line != NULL) {
		for (size_t i = 0; i < plugin->nmetrics; i++)
			snprintf(plugin->values[i].text, VALUE_SIZE, "U");
		fprintf(line, "%s %s - no result within %u s", plugin->name,
		    plugin_state_word(state), seconds);
		print_metrics(plugin, line);
		fputc('\n', line);
		fflush(line);
		last_words.length = (size_t)ftell(line);
		fclose(line);
	}
	sigaction(SIGALRM, &action, NULL);
	alarm(seconds);
}
