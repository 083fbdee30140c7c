/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query.h"

#include "collector/query_archive.h"
#include "collector/query_arguments.h"
#include "collector/query_fold.h"
#include "collector/query_gnuplot.h"
#include "collector/query_source.h"
#include "collector/query_text.h"
#include "common/clock.h"
#include "common/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_BYTES ((size_t)256 << 10)

/* One run of the program. */
struct run {
	struct query_arguments arguments;
	struct query_facts facts;
	struct query_names *names;
	struct query_progress progress;
	struct query_archive archive;
	struct query_writer writer;
	struct query_rows rows;   /* what needs all pairs at once */
	struct query_fold *fold;  /* coefficients */
	struct query_table table; /* text that is no matrix */
	bool silent;              /* rows go to the terminal: no progress there */
	int rc;                   /* of what was done with the rows */
};

static int out_of_memory(void)
{
	return query_fail("%s", error_text(GRAPPE_EMEMORY));
}

static int cannot_write(void)
{
	query_fail("the answer cannot be written: %s", strerror(errno));
	return EXIT_FAILURE;
}

/* ---- what happens to an answer's rows ---- */

/* Names are asked for once it is sure that there is something to name. */
static int load_names(struct run *run)
{
	const struct query_arguments *arguments = &run->arguments;

	if (arguments->archive != NULL)
		return query_names_archive(&run->archive, run->names);
	query_names_collector(arguments->socket, run->names);
	return GRAPPE_OK;
}

static void take_header(struct run *run, const struct protocol_answer *answer)
{
	run->facts.header = *answer;
	run->facts.header.columns = NULL;
	run->facts.header.data = NULL;
}

static int print_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct run *run = context;
	int rc = GRAPPE_OK;

	(void)ncolumns;
	take_header(run, answer);
	if (query_facts_shape(run->facts.what)->matrix)
		rc = load_names(run);
	query_writer_init(&run->writer, run->arguments.format, &run->facts, run->names, stdout);
	if (rc == GRAPPE_OK)
		query_writer_begin(&run->writer);
	return rc;
}

static int print_row(void *context, const char *const *fields)
{
	struct run *run = context;

	if (!run->silent)
		query_progress_row(&run->progress);
	if (query_writer_row(&run->writer, fields) == GRAPPE_OK)
		return GRAPPE_OK;
	query_progress_end(&run->progress);
	cannot_write();
	return GRAPPE_EIO;
}

static int collect_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct run *run = context;

	run->table.ncolumns = ncolumns;
	take_header(run, answer);
	if (run->fold != NULL)
		query_fold_window(run->fold, answer->to_s, answer->length_s);
	return GRAPPE_OK;
}

static int collect_row(void *context, const char *const *fields)
{
	struct run *run = context;
	int rc;

	query_progress_row(&run->progress);
	if (run->fold != NULL)
		rc = query_fold_add(run->fold, fields);
	else if (query_facts_shape(run->facts.what)->matrix)
		rc = query_rows_add(&run->rows, fields);
	else
		rc = query_table_add(&run->table, fields);
	if (rc == GRAPPE_OK)
		return rc;
	query_progress_end(&run->progress);
	if (rc == GRAPPE_EFORMAT || rc == GRAPPE_EINVALID)
		query_fail("the answer's rows make no sense");
	else
		query_fail("%s", error_text(rc));
	return rc;
}

/* ---- asking ---- */

static int ask(struct run *run, const struct protocol_sink *sink)
{
	const struct query_arguments *arguments = &run->arguments;
	const enum query_what form =
	    run->facts.what == QUERY_COEFFICIENTS ? QUERY_DETAIL : run->facts.what;
	int code;

	query_progress_start(&run->progress, arguments->quiet);
	if (form == QUERY_ARCHIVES)
		code = query_list_archives(&run->archive, run->names, sink);
	else if (arguments->archive != NULL)
		code = query_ask_archive(
		    &run->archive, &arguments->request, query_facts_shape(form), sink);
	else
		code = query_ask_collector(
		    arguments->socket, &arguments->request, query_facts_shape(form), sink);
	query_progress_end(&run->progress);
	return code;
}

/* The length of a period, in seconds; 0: it has been said why not. */
static int64_t period_length(struct run *run)
{
	int64_t length_s = 0;
	json_t *data;

	if (run->arguments.archive != NULL)
		return query_archive_length(&run->archive);
	if (query_ask_status(run->arguments.socket, &data) != EXIT_SUCCESS)
		return 0;
	length_s = json_integer_value(json_object_get(data, "length"));
	json_decref(data);
	if (length_s > 0 && length_s <= INT32_MAX)
		return length_s;
	query_fail("the collector does not say how long its periods are");
	return 0;
}

/* The window of as many periods as there are coefficients. */
static int prepare_fold(struct run *run)
{
	const struct query_arguments *arguments = &run->arguments;
	const int64_t length_s = period_length(run);

	if (length_s == 0)
		return GRAPPE_ENOTFOUND;
	run->arguments.request.from_s = -(length_s * (int64_t)arguments->ncoefficients);
	if (arguments->request.to_s > 0) {
		const int64_t end_s = arguments->request.to_s / length_s * length_s;

		run->arguments.request.from_s += end_s;
		if (run->arguments.request.from_s <= 0)
			return query_fail("the window begins before all time");
	}
	if (query_fold_new(arguments->coefficients, arguments->ncoefficients, &run->fold) !=
	    GRAPPE_OK)
		return out_of_memory();
	return GRAPPE_OK;
}

/* ---- all pairs at once ---- */

/* Leaves only pairs of the VM that --vm names. */
static int select_vm(struct run *run)
{
	const char *vm = run->arguments.vm;
	size_t kept = 0;
	bool several;
	const char *id = query_names_resolve(run->names, vm, &several);

	if (several)
		return query_fail("several VMs are called '%.60s': select one by its id", vm);
	for (size_t i = 0; i < run->rows.count; i++) {
		const struct query_pair *pair = &run->rows.pairs[i];

		if (strcmp(query_rows_id(&run->rows, pair->receiver), id) == 0 ||
		    strcmp(query_rows_id(&run->rows, pair->sender), id) == 0)
			run->rows.pairs[kept++] = *pair;
	}
	if (kept == 0)
		return query_fail("no VM in this window has the id or name '%.60s'", vm);
	run->rows.count = kept;
	return GRAPPE_OK;
}

static int write_rows(struct run *run, size_t shown, const struct query_rest *rest)
{
	query_writer_init(&run->writer, run->arguments.format, &run->facts, run->names, stdout);
	query_writer_begin(&run->writer);
	for (size_t i = 0; i < shown; i++) {
		char numbers[3][QUERY_NUMBER_SIZE];
		const char *fields[5];

		query_rows_fields(&run->rows, i, numbers, fields);
		if (query_writer_row(&run->writer, fields) != GRAPPE_OK)
			return cannot_write();
	}
	return query_writer_end(&run->writer, rest) == GRAPPE_OK ? EXIT_SUCCESS : cannot_write();
}

static int draw(struct run *run)
{
	const char *folder = run->arguments.gnuplot;
	const int rc = query_gnuplot_write(folder, &run->facts, &run->rows, run->names);

	if (rc == GRAPPE_ELIMIT)
		query_fail(
		    "a picture has room for %d VMs; ask for csv, json or xml", QUERY_PICTURE_MAX);
	else if (rc == GRAPPE_ENOTFOUND)
		query_fail("no VM was seen in this window: there is nothing to draw");
	else if (rc != GRAPPE_OK)
		query_fail("--gnuplot %s: %s", folder,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	else
		printf("cd '%s' && gnuplot matrix.gp    draws matrix.svg\n", folder);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int show_rows(struct run *run)
{
	const struct query_arguments *arguments = &run->arguments;
	const bool ordered = arguments->format == QUERY_TEXT || arguments->top > 0;
	size_t shown = run->rows.count;
	struct query_rest rest;

	if (arguments->gnuplot != NULL)
		return draw(run);
	if (ordered && query_rows_order(&run->rows, &run->facts) != GRAPPE_OK) {
		out_of_memory();
		return EXIT_FAILURE;
	}
	if (arguments->top > 0)
		shown = query_rows_top(&run->rows, arguments->top);
	if (arguments->format == QUERY_TEXT) {
		query_text_matrix(&run->facts, &run->rows, shown, run->names, stdout);
		return EXIT_SUCCESS;
	}
	rest = (struct query_rest){.total = query_rows_sum(&run->rows, &run->facts, 0),
	    .rest = query_rows_sum(&run->rows, &run->facts, shown),
	    .unknown = query_rows_unknown(&run->rows)};
	return write_rows(run, shown, arguments->top > 0 ? &rest : NULL);
}

static int run_collected(struct run *run)
{
	const struct protocol_sink sink = {collect_begin, collect_row, run};
	int code;

	if (query_rows_init(&run->rows) != GRAPPE_OK) {
		out_of_memory();
		return EXIT_FAILURE;
	}
	if (run->facts.what == QUERY_COEFFICIENTS && prepare_fold(run) != GRAPPE_OK)
		return EXIT_FAILURE;
	code = ask(run, &sink);
	if (code != EXIT_SUCCESS)
		return code;
	if (run->fold != NULL && query_fold_finish(run->fold, &run->rows) != GRAPPE_OK) {
		out_of_memory();
		return EXIT_FAILURE;
	}
	if (load_names(run) != GRAPPE_OK ||
	    (run->arguments.vm != NULL && select_vm(run) != GRAPPE_OK))
		return EXIT_FAILURE;
	return show_rows(run);
}

/* ---- row by row ---- */

static int run_printed(struct run *run)
{
	const struct protocol_sink sink = {print_begin, print_row, run};
	int code;

	run->silent = isatty(STDOUT_FILENO);
	if (run->facts.what == QUERY_ARCHIVES && load_names(run) != GRAPPE_OK)
		return EXIT_FAILURE;
	code = ask(run, &sink);
	if (code != EXIT_SUCCESS)
		return code;
	return query_writer_end(&run->writer, NULL) == GRAPPE_OK ? EXIT_SUCCESS : cannot_write();
}

/* ---- no matrix ---- */

static int run_table(struct run *run)
{
	const struct protocol_sink sink = {collect_begin, collect_row, run};
	int code;

	if (run->facts.what == QUERY_ARCHIVES && load_names(run) != GRAPPE_OK)
		return EXIT_FAILURE;
	code = ask(run, &sink);
	if (code == EXIT_SUCCESS && run->facts.what == QUERY_ARCHIVES)
		query_text_archives(&run->facts, &run->table, stdout);
	else if (code == EXIT_SUCCESS)
		query_text_inventory(&run->facts, &run->table, stdout);
	return code;
}

static int run_status(struct run *run)
{
	json_t *data;
	int code = query_ask_status(run->arguments.socket, &data);

	if (code != EXIT_SUCCESS)
		return code;
	if (run->arguments.format == QUERY_TEXT)
		query_text_status(&run->facts, data, stdout);
	else if (json_dumpf(data, stdout, JSON_INDENT(1)) != 0 || putchar('\n') == EOF)
		code = cannot_write();
	json_decref(data);
	return code;
}

/* ---- the program ---- */

static int answer(struct run *run)
{
	const struct query_arguments *arguments = &run->arguments;
	const bool text = arguments->format == QUERY_TEXT;

	if (arguments->request.op == OP_STATUS)
		return run_status(run);
	if (!query_facts_shape(run->facts.what)->matrix)
		return text ? run_table(run) : run_printed(run);
	if (run->facts.what == QUERY_COEFFICIENTS || arguments->top > 0 ||
	    arguments->gnuplot != NULL || (text && run->facts.what != QUERY_DETAIL))
		return run_collected(run);
	return run_printed(run);
}

static int run_answer(struct run *run)
{
	const struct query_arguments *arguments = &run->arguments;
	int code = EXIT_FAILURE;

	run->facts = (struct query_facts){.what = arguments->what,
	    .ratio = arguments->request.ratio,
	    .coefficients = arguments->coefficients,
	    .ncoefficients = arguments->ncoefficients,
	    .by = arguments->by,
	    .local = arguments->local,
	    .ids = arguments->ids};
	run->archive = (struct query_archive){.folder = arguments->archive,
	    .inventory = arguments->inventory,
	    .progress = &run->progress};
	run->names = query_names_new();
	if (run->names == NULL)
		out_of_memory();
	else
		code = answer(run);
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_SUCCESS)
		code = cannot_write();
	query_names_free(run->names);
	query_rows_deinit(&run->rows);
	query_fold_free(run->fold);
	query_table_deinit(&run->table);
	return code;
}

int query_run(int argc, char **argv)
{
	static char output[OUTPUT_BYTES];
	struct run run = {0};
	int code;

	if (!isatty(STDOUT_FILENO)) /* people see lines as they come */
		setvbuf(stdout, output, _IOFBF, sizeof output);
	if (query_arguments_read(
		&run.arguments, argc, argv, clock_wall_ns() / CLOCK_SECOND_NS, &code))
		code = run_answer(&run);
	query_arguments_deinit(&run.arguments);
	return code;
}
