/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What grappe-query makes of a hostile daemon's answer: the first byte says of which kind it takes
 * the answer to be, the rest is the answer. Rows that pass the check go through all formats, a
 * vector of coefficients, the largest pairs and their table. JSON of a whole answer must be JSON,
 * XML must not hold what XML forbids, and text nothing that steers a terminal.
 */
#include "collector/query_fold.h"
#include "collector/query_text.h"
#include "collector/query_write.h"
#include "common/error.h"

#include <stdlib.h>
#include <string.h>

#define FORMATS 4

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const double vector[] = {0.5, 0, 2};

/* All that is done with one answer. */
struct work {
	struct query_facts facts;
	const struct query_shape *shape;
	struct query_names *names;
	struct query_writer writers[FORMATS];
	bool written[FORMATS]; /* text is made of single periods only */
	FILE *out[FORMATS];
	char *text[FORMATS];
	size_t length[FORMATS];
	struct query_rows rows;
	struct query_fold *fold;
	bool begun;
};

static int on_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct work *work = context;

	if (answer->status != STATUS_OK || ncolumns != work->shape->ncolumns)
		return GRAPPE_EFORMAT;
	work->facts.header = *answer;
	work->facts.header.columns = NULL;
	work->facts.header.data = NULL;
	query_fold_window(work->fold, answer->to_s, answer->length_s);
	for (int f = 0; f < FORMATS; f++) {
		work->written[f] = f != QUERY_TEXT || work->facts.what == QUERY_DETAIL;
		if (!work->written[f])
			continue;
		query_writer_init(&work->writers[f], (enum query_format)f, &work->facts,
		    work->names, work->out[f]);
		query_writer_begin(&work->writers[f]);
	}
	work->begun = true;
	return GRAPPE_OK;
}

static int on_row(void *context, const char *const *fields)
{
	struct work *work = context;

	if (query_facts_check(work->shape, fields) != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	if (work->facts.what == QUERY_INVENTORY)
		query_names_add(work->names, fields[0], fields[1]);
	for (int f = 0; f < FORMATS; f++)
		if (work->written[f])
			query_writer_row(&work->writers[f], fields);
	if (work->facts.what == QUERY_DETAIL)
		query_fold_add(work->fold, fields);
	else if (work->shape->matrix)
		query_rows_add(&work->rows, fields);
	return GRAPPE_OK;
}

static void make_table(struct work *work)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (work->facts.what == QUERY_DETAIL)
		query_fold_finish(work->fold, &work->rows);
	if (query_rows_order(&work->rows, &work->facts) == GRAPPE_OK)
		query_text_matrix(
		    &work->facts, &work->rows, query_rows_top(&work->rows, 2), work->names, out);
	fclose(out);
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7f)
			abort();
	free(text);
}

static void check_formats(const struct work *work, bool whole)
{
	const char *xml = work->text[QUERY_XML];

	for (size_t i = 0; i < work->length[QUERY_XML]; i++)
		if ((unsigned char)xml[i] < 0x20 && xml[i] != '\n')
			abort();
	if (whole) {
		json_error_t error;
		json_t *root = json_loads(work->text[QUERY_JSON], 0, &error);

		/* A hostile number may be beyond what jansson reads, but nothing else. */
		if (root == NULL && json_error_code(&error) != json_error_numeric_overflow)
			abort();
		json_decref(root);
	}
	for (size_t i = 0; i < work->length[QUERY_TEXT]; i++)
		if ((unsigned char)work->text[QUERY_TEXT][i] < 0x20 &&
		    work->text[QUERY_TEXT][i] != '\n')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const enum query_what whats[] = {
	    QUERY_MEAN, QUERY_WEIGHTED, QUERY_DETAIL, QUERY_INVENTORY};
	struct work work = {.names = query_names_new()};
	const struct protocol_sink sink = {on_begin, on_row, &work};
	int rc;

	if (length > 0) {
		work.facts.what = whats[bytes[0] % 4];
		bytes++;
		length--;
	}
	work.shape = query_facts_shape(work.facts.what);
	for (int f = 0; f < FORMATS; f++)
		work.out[f] = open_memstream(&work.text[f], &work.length[f]);
	if (query_rows_init(&work.rows) != GRAPPE_OK ||
	    query_fold_new(vector, sizeof vector / sizeof *vector, &work.fold) != GRAPPE_OK)
		abort();
	rc = protocol_stream_parse((const char *)bytes, length, &sink);
	for (int f = 0; f < FORMATS; f++) {
		if (work.begun && work.written[f] && rc == GRAPPE_OK)
			query_writer_end(&work.writers[f], NULL);
		fclose(work.out[f]);
	}
	check_formats(&work, work.begun && rc == GRAPPE_OK);
	make_table(&work);
	for (int f = 0; f < FORMATS; f++)
		free(work.text[f]);
	query_fold_free(work.fold);
	query_rows_deinit(&work.rows);
	query_names_free(work.names);
	return 0;
}
