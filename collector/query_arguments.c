/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/query_arguments.h"

#include "collector/query_source.h"
#include "common/error.h"
#include "common/program.h"
#include "common/time_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_DEFAULT_MS (5 * 60 * 1000)
#define TOP_MAX 1000000000

/* The command line as texts. */
struct words {
	const char *last, *from, *to, *wait, *kind, *ratio, *coefficients, *vm, *format, *by, *top;
	bool approximate;
};

static const char *const kinds[] = {"detail", "mean", "weighted", NULL};
static const char *const formats[] = {"text", "csv", "json", "xml", NULL};
static const char *const measures[] = {"bytes", "packets", NULL};
static const struct {
	const char *name;
	enum protocol_op op;
} operands[] = {{"matrix", OP_MATRIX}, {"inventory", OP_INVENTORY}, {"status", OP_STATUS}};

static const char epilogue[] =
    "What to ask for: matrix (who received how much from whom; the default), inventory (which VMs\n"
    "there are and where; with --archive: which receivers have archives), status (how the "
    "collector\n"
    "and its agents are).\n\n"
    "Times are epoch seconds, \"YYYY-MM-DD HH:MM:SS\", now, today, yesterday, or so long ago: -2h. "
    "They\n"
    "are in UTC; with --local in the local time zone. Durations: 90s, 5min, 2h, 1d.\n\n"
    "Exit code 2: the data is not there yet; the message says when it will be.\n\n"
    "Examples:\n"
    "  grappe-query                                  the last five minutes\n"
    "  grappe-query --last 1h --vm web1 matrix       one VM's last hour\n"
    "  grappe-query --last 30s --wait 45s matrix     the newest period, waited for\n"
    "  grappe-query --since yesterday --until today --top 10\n"
    "  grappe-query --kind detail --format csv       each period, for other programs\n"
    "  grappe-query --coefficients 0.1,0.2,0.7       a mean of the last three periods\n"
    "  grappe-query --last 1h --gnuplot pic && cd pic && gnuplot matrix.gp\n"
    "  grappe-query status\n";

/* ---- single values ---- */

static int choose(const char *option, const char *text, const char *const *choices, int *index)
{
	char all[80] = "";

	for (*index = 0; choices[*index] != NULL; ++*index)
		if (strcmp(choices[*index], text) == 0)
			return GRAPPE_OK;
	for (size_t i = 0; choices[i] != NULL; i++)
		snprintf(all + strlen(all), sizeof all - strlen(all), " %s", choices[i]);
	return query_fail("--%s must be one of:%s; not '%.40s'", option, all, text);
}

/* A decimal number >= 0 at *text, which moves behind it. */
static bool take_number(const char **text, double *value)
{
	char *end;

	if (strspn(*text, "0123456789.") == 0)
		return false;
	*value = strtod(*text, &end);
	/* 0x1 is a number for strtod(3) */
	if (end == *text || strspn(*text, "0123456789.eE+-") < (size_t)(end - *text) ||
	    !isfinite(*value))
		return false;
	*text = end;
	return true;
}

static int read_ratio(const char *text, double *ratio)
{
	const char *at = text;

	if (!take_number(&at, ratio) || *at != '\0' || *ratio <= 0)
		return query_fail("--ratio '%.40s' is no number above 0", text);
	return GRAPPE_OK;
}

static int read_coefficients(const char *text, struct query_arguments *arguments)
{
	size_t count = 1;
	double sum = 0;
	const char *at = text;

	for (const char *c = text; *c != '\0'; c++)
		count += *c == ',';
	if (count > QUERY_COEFFICIENTS_MAX)
		return query_fail("--coefficients: more than %d of them", QUERY_COEFFICIENTS_MAX);
	arguments->coefficients = calloc(count, sizeof *arguments->coefficients);
	if (arguments->coefficients == NULL)
		return query_fail("%s", error_text(GRAPPE_EMEMORY));
	for (size_t i = 0; i < count; i++) {
		if (!take_number(&at, &arguments->coefficients[i]) ||
		    *at != (i + 1 < count ? ',' : '\0'))
			return query_fail("--coefficients '%.60s': numbers of at least 0 with "
					  "commas between, such as 0.1,0.2,0.7",
			    text);
		sum += arguments->coefficients[i];
		at++;
	}
	if (sum <= 0 || !isfinite(sum))
		return query_fail("--coefficients: at least one must be above 0");
	arguments->ncoefficients = count;
	return GRAPPE_OK;
}

static int read_top(const char *text, size_t *top)
{
	if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10 ||
	    strtoll(text, NULL, 10) < 1 || strtoll(text, NULL, 10) > TOP_MAX)
		return query_fail("--top '%.40s' is no number from 1 to %d", text, TOP_MAX);
	*top = (size_t)strtoll(text, NULL, 10);
	return GRAPPE_OK;
}

static int read_time(
    const char *option, const char *text, int64_t now_s, bool local, int64_t *epoch_s)
{
	if (time_text_parse(text, now_s, local, epoch_s) == GRAPPE_OK && *epoch_s > 0)
		return GRAPPE_OK;
	return query_fail("--%s '%.40s' is no time: epoch seconds, \"YYYY-MM-DD HH:MM:SS\", now, "
			  "today, yesterday, or so long ago, such as -2h",
	    option, text);
}

/* ---- what belongs together ---- */

static int read_window(const struct words *words, int64_t now_s, struct query_arguments *arguments)
{
	struct protocol_request *request = &arguments->request;
	int64_t last_ms = LAST_DEFAULT_MS;

	if (words->last != NULL && words->from != NULL)
		return query_fail("--last and --from exclude one another");
	if (words->to != NULL &&
	    read_time("to", words->to, now_s, arguments->local, &request->to_s) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (words->from != NULL) {
		if (read_time("from", words->from, now_s, arguments->local, &request->from_s) !=
		    GRAPPE_OK)
			return GRAPPE_EINVALID;
		if (request->from_s >= (request->to_s > 0 ? request->to_s : now_s))
			return query_fail("the window ends before it begins: --from '%.40s' is not "
					  "before %s%.40s%s",
			    words->from, words->to != NULL ? "--to '" : "now",
			    words->to != NULL ? words->to : "", words->to != NULL ? "'" : "");
		return GRAPPE_OK;
	}
	if (words->last != NULL &&
	    (settings_parse_duration(words->last, &last_ms) != GRAPPE_OK || last_ms < 1000))
		return query_fail(
		    "--last '%.40s' is no duration such as 30s, 5min, 2h", words->last);
	request->from_s = -(last_ms / 1000);
	return GRAPPE_OK;
}

static int read_operand(struct query_arguments *arguments, int argc, char **argv, int operand)
{
	arguments->request.op = OP_MATRIX;
	if (operand >= argc)
		return GRAPPE_OK;
	if (operand + 1 < argc)
		return query_fail("one thing at a time: '%.40s' is too much", argv[operand + 1]);
	for (size_t i = 0; i < sizeof operands / sizeof *operands; i++)
		if (strcmp(operands[i].name, argv[operand]) == 0) {
			arguments->request.op = operands[i].op;
			return GRAPPE_OK;
		}
	return query_fail("'%.40s' is none of matrix, inventory, status", argv[operand]);
}

static int read_kind(const struct words *words, struct query_arguments *arguments)
{
	static const enum query_what whats[] = {[KIND_DETAIL] = QUERY_DETAIL,
	    [KIND_MEAN] = QUERY_MEAN,
	    [KIND_WEIGHTED] = QUERY_WEIGHTED};
	struct protocol_request *request = &arguments->request;
	int index;

	if (choose("kind", words->kind != NULL ? words->kind : "mean", kinds, &index) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	request->kind = (enum protocol_kind)index;
	arguments->what = whats[request->kind];
	if (words->ratio != NULL && read_ratio(words->ratio, &request->ratio) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if ((request->kind == KIND_WEIGHTED) != (words->ratio != NULL))
		return query_fail(words->ratio == NULL ? "--kind weighted needs --ratio"
						       : "--ratio needs --kind weighted");
	if (words->coefficients == NULL)
		return GRAPPE_OK;
	if (words->kind != NULL || words->last != NULL || words->from != NULL)
		return query_fail(
		    "--coefficients says the kind of mean and the window, as many "
		    "periods as there are numbers: leave --kind, --last and --from out");
	arguments->what = QUERY_COEFFICIENTS;
	request->kind = KIND_DETAIL;
	return read_coefficients(words->coefficients, arguments);
}

static int read_choices(const struct words *words, struct query_arguments *arguments)
{
	int index;

	if (choose("format", words->format, formats, &index) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	arguments->format = (enum query_format)index;
	if (choose("by", words->by, measures, &index) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	arguments->by = (enum query_by)index;
	if (words->top != NULL && read_top(words->top, &arguments->top) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (words->wait != NULL &&
	    (settings_parse_duration(words->wait, &arguments->request.wait_ms) != GRAPPE_OK ||
		arguments->request.wait_ms > PROTOCOL_WAIT_MAX_MS))
		return query_fail("--wait '%.40s' is no duration up to 1h", words->wait);
	if (words->vm != NULL && strlen(words->vm) >= sizeof arguments->request.select)
		return query_fail("--vm is too long");
	if (words->vm != NULL && arguments->what == QUERY_COEFFICIENTS)
		arguments->vm = words->vm;
	else if (words->vm != NULL)
		snprintf(
		    arguments->request.select, sizeof arguments->request.select, "%s", words->vm);
	return GRAPPE_OK;
}

static int check_together(const struct words *words, const struct query_arguments *arguments)
{
	const enum protocol_op op = arguments->request.op;
	const bool detail = arguments->what == QUERY_DETAIL;

	if (arguments->archive != NULL && op == OP_STATUS)
		return query_fail("--archive has no status: ask the collector");
	if (arguments->inventory != NULL && arguments->archive == NULL)
		return query_fail("--inventory goes with --archive");
	if (op != OP_MATRIX && (arguments->gnuplot != NULL || arguments->top > 0))
		return query_fail("--gnuplot and --top are for the matrix");
	if (op == OP_STATUS && arguments->format != QUERY_TEXT && arguments->format != QUERY_JSON)
		return query_fail("a status is told as text or json");
	if (detail && (arguments->gnuplot != NULL || arguments->top > 0))
		return query_fail(
		    "--gnuplot and --top are not for single periods: leave --kind out");
	if (arguments->gnuplot != NULL && (arguments->top > 0 || words->vm != NULL))
		return query_fail("--gnuplot draws the whole matrix: leave --top and --vm out");
	return GRAPPE_OK;
}

static int read_words(const struct words *words, int argc, char **argv, int operand, int64_t now_s,
    struct query_arguments *arguments)
{
	arguments->request.approximate = words->approximate;
	if (read_operand(arguments, argc, argv, operand) != GRAPPE_OK ||
	    read_kind(words, arguments) != GRAPPE_OK ||
	    read_window(words, now_s, arguments) != GRAPPE_OK ||
	    read_choices(words, arguments) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (arguments->request.op == OP_INVENTORY)
		arguments->what = arguments->archive != NULL ? QUERY_ARCHIVES : QUERY_INVENTORY;
	return check_together(words, arguments);
}

bool query_arguments_read(
    struct query_arguments *arguments, int argc, char **argv, int64_t now_s, int *exit_code)
{
	struct words words = {.format = "text", .by = "bytes"};
	const struct program_option options[] = {
	    {0, "socket", "PATH", "the collector's socket (" GRAPPE_RUNDIR "/collector.sock)",
		&arguments->socket},
	    {0, "archive", "DIR", "read the archives in DIR, without a collector",
		&arguments->archive},
	    {0, "inventory", "FILE", "with --archive: names from this file of the collector",
		&arguments->inventory},
	    {0, "last", "DURATION", "the window's length (5min)", &words.last},
	    {0, "from", "TIME", "beginning of the window", &words.from},
	    {0, "since", "TIME", "the same as --from", &words.from},
	    {0, "to", "TIME", "end of the window (now)", &words.to},
	    {0, "until", "TIME", "the same as --to", &words.to},
	    {0, "local", NULL, "times are in the local time zone, not in UTC", &arguments->local},
	    {0, "wait", "DURATION", "wait so long for the newest period (0s)", &words.wait},
	    {0, "approximate", NULL, "the newest period may be estimated from the one before",
		&words.approximate},
	    {0, "kind", "KIND", "detail, mean or weighted (mean)", &words.kind},
	    {0, "ratio", "NUMBER", "weighted: a period counts so many times the one before",
		&words.ratio},
	    {0, "coefficients", "N,N,...", "a mean with these weights, the newest period's last",
		&words.coefficients},
	    {0, "vm", "ID|NAME", "only pairs of this VM", &words.vm},
	    {0, "top", "N", "only the N largest pairs, and what the rest amounts to", &words.top},
	    {0, "by", "MEASURE", "what is large: bytes or packets (bytes)", &words.by},
	    {0, "format", "FORMAT", "text, csv, json or xml (text)", &words.format},
	    {0, "gnuplot", "DIR", "write a picture of the matrix for gnuplot into DIR",
		&arguments->gnuplot},
	    {0, "ids", NULL, "ids in place of names in text and pictures", &arguments->ids},
	    {0, "quiet", NULL, "show no progress on the terminal", &arguments->quiet},
	};
	const struct program program = {.name = "grappe-query",
	    .summary = "asks grappe-collector who talks to whom",
	    .operands = "[matrix|inventory|status]",
	    .options = options,
	    .noptions = SETTINGS_COUNT(options),
	    .epilogue = epilogue};
	int operand;

	*arguments = (struct query_arguments){.socket = GRAPPE_RUNDIR "/collector.sock"};
	if (!program_start(&program, argc, argv, NULL, &operand, exit_code))
		return false;
	*exit_code = EXIT_FAILURE;
	return read_words(&words, argc, argv, operand, now_s, arguments) == GRAPPE_OK;
}

void query_arguments_deinit(struct query_arguments *arguments)
{
	free(arguments->coefficients);
	arguments->coefficients = NULL;
}
