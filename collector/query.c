/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "collector/query.h"

#include "collector/answer.h"
#include "collector/query_print.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/program.h"
#include "common/protocol.h"
#include "rrd/archive_read.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 60000 /* what the collector may need beside the wait */
#define EXIT_LATER 2
#define LAST_DEFAULT_MS (5 * 60 * 1000)

/* What the command line said. */
struct arguments {
	const char *socket, *archive;
	const char *last, *from, *to, *wait, *kind, *ratio, *vm, *format;
	bool approximate, ids;
	enum query_format output;
	struct protocol_request request;
};

static const char *const kinds[] = {"detail", "mean", "weighted", NULL};
static const char *const formats[] = {"text", "csv", "json", NULL};
static const struct {
	const char *name;
	enum protocol_op op;
} operands[] = {{"matrix", OP_MATRIX}, {"inventory", OP_INVENTORY}, {"status", OP_STATUS}};

static const char epilogue[] =
    "What to ask for: matrix (who received how much from whom; the default), inventory (which VMs\n"
    "there are and where), status (how the collector and its agents are).\n\n"
    "Times are epoch seconds or \"YYYY-MM-DD HH:MM:SS\" in UTC; durations such as 90s, 5min,\n"
    "2h, 1d.\n\n"
    "Exit code 2: the data is not there yet; the message says when it will be.\n\n"
    "Examples:\n"
    "  grappe-query                                  the last five minutes\n"
    "  grappe-query --last 1h --vm web1 matrix       one VM's last hour\n"
    "  grappe-query --last 30s --wait 45s matrix     the newest period, waited for\n"
    "  grappe-query --kind detail --format csv       each period, for other programs\n"
    "  grappe-query status\n";

static int __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list arguments;

	fputs("grappe-query: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return GRAPPE_EINVALID;
}

/* ---- arguments ---- */

int query_parse_time(const char *text, int64_t *epoch_s)
{
	static const char *const patterns[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
	    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
	char *end;

	if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 16) {
		*epoch_s = strtoll(text, NULL, 10);
		return GRAPPE_OK;
	}
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		struct tm parts = {0};

		end = strptime(text, patterns[i], &parts);
		if (end != NULL && (*end == '\0' || strcmp(end, "Z") == 0)) {
			*epoch_s = timegm(&parts);
			return *epoch_s >= 0 ? GRAPPE_OK : GRAPPE_EFORMAT;
		}
	}
	return GRAPPE_EFORMAT;
}

static int choose(const char *option, const char *text, const char *const *choices, int *index)
{
	for (*index = 0; choices[*index] != NULL; ++*index)
		if (strcmp(choices[*index], text) == 0)
			return GRAPPE_OK;
	fprintf(stderr, "grappe-query: --%s must be one of:", option);
	for (size_t i = 0; choices[i] != NULL; i++)
		fprintf(stderr, " %s", choices[i]);
	fprintf(stderr, "; not '%.40s'\n", text);
	return GRAPPE_EINVALID;
}

static int read_window(struct arguments *arguments)
{
	struct protocol_request *request = &arguments->request;
	int64_t last_ms = LAST_DEFAULT_MS;

	if (arguments->last != NULL && arguments->from != NULL)
		return fail("--last and --from exclude one another");
	if (arguments->to != NULL && query_parse_time(arguments->to, &request->to_s) != GRAPPE_OK)
		return fail("--to '%.40s' is no time: epoch seconds or \"YYYY-MM-DD HH:MM:SS\"",
		    arguments->to);
	if (arguments->from != NULL) {
		if (query_parse_time(arguments->from, &request->from_s) != GRAPPE_OK ||
		    request->from_s == 0)
			return fail("--from '%.40s' is no time: epoch seconds or \"YYYY-MM-DD "
				    "HH:MM:SS\"",
			    arguments->from);
		return GRAPPE_OK;
	}
	if (arguments->last != NULL &&
	    (settings_parse_duration(arguments->last, &last_ms) != GRAPPE_OK || last_ms < 1000))
		return fail("--last '%.40s' is no duration such as 30s, 5min, 2h", arguments->last);
	request->from_s = -(last_ms / 1000);
	return GRAPPE_OK;
}

static int read_operand(struct arguments *arguments, int argc, char **argv, int operand)
{
	arguments->request.op = OP_MATRIX;
	if (operand >= argc)
		return GRAPPE_OK;
	if (operand + 1 < argc)
		return fail("one thing at a time: '%.40s' is too much", argv[operand + 1]);
	for (size_t i = 0; i < sizeof operands / sizeof *operands; i++)
		if (strcmp(operands[i].name, argv[operand]) == 0) {
			arguments->request.op = operands[i].op;
			return GRAPPE_OK;
		}
	return fail("'%.40s' is none of matrix, inventory, status", argv[operand]);
}

static int read_arguments(struct arguments *arguments, int argc, char **argv, int operand)
{
	struct protocol_request *request = &arguments->request;
	int index;
	char *end;

	if (read_operand(arguments, argc, argv, operand) != GRAPPE_OK ||
	    read_window(arguments) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	if (choose("kind", arguments->kind, kinds, &index) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	request->kind = (enum protocol_kind)index;
	if (choose("format", arguments->format, formats, &index) != GRAPPE_OK)
		return GRAPPE_EINVALID;
	arguments->output = (enum query_format)index;
	request->approximate = arguments->approximate;
	if (arguments->wait != NULL &&
	    (settings_parse_duration(arguments->wait, &request->wait_ms) != GRAPPE_OK ||
		request->wait_ms > PROTOCOL_WAIT_MAX_MS))
		return fail("--wait '%.40s' is no duration up to 1h", arguments->wait);
	if (arguments->ratio != NULL) {
		request->ratio = strtod(arguments->ratio, &end);
		if (end == arguments->ratio || *end != '\0' || !isfinite(request->ratio) ||
		    request->ratio <= 0)
			return fail("--ratio '%.40s' is no number above 0", arguments->ratio);
	}
	if (request->kind == KIND_WEIGHTED && arguments->ratio == NULL)
		return fail("--kind weighted needs --ratio");
	if (arguments->vm != NULL && strlen(arguments->vm) >= sizeof request->select)
		return fail("--vm is too long");
	if (arguments->vm != NULL)
		snprintf(request->select, sizeof request->select, "%s", arguments->vm);
	if (arguments->archive != NULL && request->op != OP_MATRIX)
		return fail("--archive holds the matrix only");
	return GRAPPE_OK;
}

/* ---- from the collector ---- */

static int fill_table(struct query_table *table, struct protocol_reply *reply)
{
	int rc = GRAPPE_OK;

	table->header = reply->answer;
	table->header.columns = NULL;
	if (reply->answer.data != NULL)
		table->header.data = json_incref(reply->answer.data);
	table->ncolumns = reply->ncolumns;
	for (size_t r = 0; r < reply->nrows && rc == GRAPPE_OK; r++) {
		const char *fields[PROTOCOL_COLUMNS_MAX];

		for (size_t c = 0; c < reply->ncolumns; c++)
			fields[c] = protocol_reply_field(reply, r, c);
		rc = query_table_add(table, fields);
	}
	return rc;
}

static size_t columns_wanted(const struct protocol_request *request)
{
	const char *const *columns = request->op == OP_INVENTORY    ? protocol_columns_inventory
				     : request->kind == KIND_DETAIL ? protocol_columns_detail
								    : protocol_columns_mean;
	size_t count = 0;

	while (columns[count] != NULL)
		count++;
	return request->op == OP_STATUS ? 0 : count;
}

/* Returns an exit code; EXIT_SUCCESS: the table is filled. */
static int ask_collector(
    const char *path, const struct protocol_request *request, struct query_table *table)
{
	struct protocol_reply reply;
	const int timeout_ms = TIMEOUT_MS + (int)request->wait_ms;
	int rc = protocol_call(path, request, timeout_ms, &reply), code = EXIT_FAILURE;

	*table = (struct query_table){.op = request->op, .kind = request->kind};
	if (rc == GRAPPE_EIO)
		fail("nobody answers on %s: %s (is grappe-collector running?)", path,
		    strerror(errno));
	else if (rc != GRAPPE_OK)
		fail("the collector's answer on %s is no good: %s", path, error_text(rc));
	else if (reply.answer.status == STATUS_ERROR)
		fail("%s", reply.answer.error);
	else if (reply.answer.status == STATUS_LATER) {
		char stamp[32];

		fail("%s; ask again at %s UTC (%" PRId64 "), or allow --wait or --approximate",
		    reply.answer.error,
		    query_format_stamp(reply.answer.retry_at_s, stamp, sizeof stamp),
		    reply.answer.retry_at_s);
		code = EXIT_LATER;
	} else if (reply.ncolumns != columns_wanted(request) ||
		   (request->op == OP_STATUS && !json_is_object(reply.answer.data)))
		fail("the collector's answer has a form that is not known here");
	else if (fill_table(table, &reply) != GRAPPE_OK)
		fail("no memory for the answer");
	else
		code = EXIT_SUCCESS;
	protocol_reply_deinit(&reply);
	return code;
}

/* ---- from the archives ---- */

static void sink_begin(void *context, const struct protocol_answer *header)
{
	struct query_table *table = context;

	table->header = *header;
	table->header.columns = NULL;
}

static void sink_row(void *context, const char *const *fields)
{
	query_table_add(context, fields);
}

/* Length of the periods that the archives hold; 0: they hold none. */
static int64_t archive_length(const char *folder)
{
	struct archive_reader *reader;
	struct archive_names receivers;
	int64_t length_s = 0, end_s;

	if (archive_reader_open(folder, &reader) != GRAPPE_OK)
		return 0;
	if (archive_read_receivers(reader, &receivers) == GRAPPE_OK) {
		for (size_t i = 0; i < receivers.count && length_s == 0; i++)
			if (archive_read_last(reader, receivers.ids[i], &end_s, &length_s) !=
			    GRAPPE_OK)
				length_s = 0;
		archive_names_deinit(&receivers);
	}
	archive_reader_close(reader);
	return length_s;
}

static int make_answer(const struct arguments *arguments, const struct answer_source *source,
    const struct answer_plan *plan, struct query_table *table)
{
	const struct weighting weighting = {.ratio = arguments->request.ratio,
	    .from_s = plan->from_s,
	    .to_s = plan->to_s,
	    .length_s = picture_length(source->picture)};
	const struct past_request request = {.folder = arguments->archive,
	    .from_s = plan->from_s,
	    .to_s = plan->to_s,
	    .length_s = picture_length(source->picture),
	    .detail = arguments->request.kind == KIND_DETAIL,
	    .weighting = arguments->request.kind == KIND_WEIGHTED ? &weighting : NULL,
	    .select = plan->select};
	const struct answer_sink sink = {sink_begin, sink_row, table};
	char message[256];
	struct past *past;
	int rc = past_read(&request, &past, message, sizeof message);

	if (rc != GRAPPE_OK)
		return fail("%s", message);
	if (past->unreadable > 0)
		fail("%zu damaged archives are left out", past->unreadable);
	rc = answer_make(source, &arguments->request, plan, past, &sink);
	past_free(past);
	return rc;
}

static int ask_archive(const struct arguments *arguments, struct query_table *table)
{
	const int64_t length_s = archive_length(arguments->archive);
	const struct picture_config config = {
	    .length_s = (uint32_t)length_s, .slots = 2, .history = 1, .deadline_ms = 0};
	struct answer_source source = {.has_archive = true, .detail_s = INT64_MAX / 4000000000};
	struct answer_plan plan;
	int code = EXIT_FAILURE;

	*table = (struct query_table){.op = OP_MATRIX,
	    .kind = arguments->request.kind,
	    .ncolumns = columns_wanted(&arguments->request)};
	if (length_s <= 0) {
		fail("%s holds no archives of grappe-collector", arguments->archive);
		return EXIT_FAILURE;
	}
	/* Nothing is in memory here: all of the window comes from the archives. */
	source.picture = picture_new(&config);
	source.inventory = inventory_new();
	if (source.picture != NULL && source.inventory != NULL) {
		answer_plan(&source, &arguments->request, 0, clock_wall_ns(), &plan);
		if (plan.verdict != ANSWER_READY)
			fail("%s", plan.text);
		else if (make_answer(arguments, &source, &plan, table) == GRAPPE_OK)
			code = EXIT_SUCCESS;
	}
	inventory_free((struct inventory *)(uintptr_t)source.inventory);
	picture_free(source.picture);
	return code;
}

/* ---- the program ---- */

static int print_answer(const struct arguments *arguments, const struct query_table *table)
{
	const struct protocol_request request = {.op = OP_INVENTORY};
	struct query_table names = {0};
	int rc;

	if (table->op == OP_MATRIX && arguments->archive == NULL &&
	    ask_collector(arguments->socket, &request, &names) != EXIT_SUCCESS)
		fail("names are not known, so ids are shown");
	rc = query_print(
	    table, names.nrows > 0 ? &names : NULL, arguments->output, arguments->ids, stdout);
	query_table_deinit(&names);
	if (rc == GRAPPE_OK && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fail("the answer cannot be written: %s",
	    rc == GRAPPE_EMEMORY ? error_text(rc) : strerror(errno));
	return EXIT_FAILURE;
}

int query_run(int argc, char **argv)
{
	struct arguments arguments = {
	    .socket = GRAPPE_RUNDIR "/collector.sock", .kind = "mean", .format = "text"};
	const struct program_option options[] = {
	    {0, "socket", "PATH", "the collector's socket (" GRAPPE_RUNDIR "/collector.sock)",
		&arguments.socket},
	    {0, "archive", "DIR", "read the archives in DIR, without a collector",
		&arguments.archive},
	    {0, "last", "DURATION", "the window's length (5min)", &arguments.last},
	    {0, "from", "TIME", "beginning of the window", &arguments.from},
	    {0, "since", "TIME", "the same as --from", &arguments.from},
	    {0, "to", "TIME", "end of the window (now)", &arguments.to},
	    {0, "until", "TIME", "the same as --to", &arguments.to},
	    {0, "wait", "DURATION", "wait so long for the newest period (0s)", &arguments.wait},
	    {0, "approximate", NULL, "the newest period may be estimated from the one before",
		&arguments.approximate},
	    {0, "kind", "KIND", "detail, mean or weighted (mean)", &arguments.kind},
	    {0, "ratio", "NUMBER", "weighted: a period counts so many times the one before",
		&arguments.ratio},
	    {0, "vm", "ID|NAME", "only pairs of this VM", &arguments.vm},
	    {0, "format", "FORMAT", "text, csv or json (text)", &arguments.format},
	    {0, "ids", NULL, "ids in place of names in text", &arguments.ids},
	};
	const struct program program = {.name = "grappe-query",
	    .summary = "asks grappe-collector who talks to whom",
	    .operands = "[matrix|inventory|status]",
	    .options = options,
	    .noptions = SETTINGS_COUNT(options),
	    .epilogue = epilogue};
	struct query_table table;
	int operand, code;

	if (!program_start(&program, argc, argv, NULL, &operand, &code))
		return code;
	if (read_arguments(&arguments, argc, argv, operand) != GRAPPE_OK)
		return EXIT_FAILURE;
	code = arguments.archive != NULL
		   ? ask_archive(&arguments, &table)
		   : ask_collector(arguments.socket, &arguments.request, &table);
	if (code == EXIT_SUCCESS)
		code = print_answer(&arguments, &table);
	json_decref(table.header.data);
	query_table_deinit(&table);
	return code;
}
