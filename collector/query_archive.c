/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_archive.h"

#include "collector/answer.h"
#include "collector/query_source.h"
#include "common/clock.h"
#include "common/error.h"
#include "rrd/archive_read.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes what answer.h gives to a sink that may refuse it. */
struct bridge {
	const struct query_shape *shape;
	const struct protocol_sink *sink;
	int rc;
};

static void bridge_begin(void *context, const struct protocol_answer *header)
{
	struct bridge *bridge = context;

	bridge->rc = bridge->sink->begin(bridge->sink->context, header, bridge->shape->ncolumns);
}

static void bridge_row(void *context, const char *const *fields)
{
	struct bridge *bridge = context;

	if (bridge->rc == GRAPPE_OK)
		bridge->rc = query_facts_check(bridge->shape, fields);
	if (bridge->rc == GRAPPE_OK)
		bridge->rc = bridge->sink->row(bridge->sink->context, fields);
}

static void tell_progress(void *context, size_t done, size_t all)
{
	query_progress_part(context, done, all, "receivers");
}

/* ---- names ---- */

/* The collector's file of its inventory: as said, or where it lies beside the archives by default.
 */
static int load_inventory(const struct query_archive *archive, struct inventory *inventory)
{
	char beside[PATH_MAX];
	const char *path = archive->inventory;
	size_t skipped;
	int rc;

	if (path == NULL) {
		if (snprintf(beside, sizeof beside, "%s/../collector/inventory", archive->folder) >=
			(int)sizeof beside ||
		    access(beside, F_OK) != 0)
			return GRAPPE_OK;
		path = beside;
	} else if (access(path, R_OK) != 0) {
		return query_fail("--inventory %s: %s", path, strerror(errno));
	}
	rc = inventory_load(inventory, path, &skipped);
	if (rc != GRAPPE_OK)
		query_fail("the inventory %s cannot be read, so ids are shown: %s", path,
		    rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	return archive->inventory != NULL ? rc : GRAPPE_OK;
}

int query_names_archive(const struct query_archive *archive, struct query_names *names)
{
	struct inventory *inventory = inventory_new();
	int rc = inventory != NULL ? load_inventory(archive, inventory) : GRAPPE_EMEMORY;

	for (size_t i = 0; rc == GRAPPE_OK && i < inventory_count(inventory); i++) {
		const struct inventory_vm *vm = inventory_at(inventory, i);

		rc = query_names_add(names, vm->id, vm->name);
	}
	inventory_free(inventory);
	return rc;
}

/* ---- the matrix ---- */

int64_t query_archive_length(const struct query_archive *archive)
{
	struct archive_reader *reader;
	struct archive_names receivers;
	int64_t length_s = 0, end_s;

	if (archive_reader_open(archive->folder, &reader) == GRAPPE_OK) {
		if (archive_read_receivers(reader, &receivers) == GRAPPE_OK) {
			for (size_t i = 0; i < receivers.count && length_s == 0; i++)
				if (archive_read_last(
					reader, receivers.ids[i], &end_s, &length_s) != GRAPPE_OK)
					length_s = 0;
			archive_names_deinit(&receivers);
		}
		archive_reader_close(reader);
	}
	if (length_s <= 0)
		query_fail("%s holds no archives of grappe-collector", archive->folder);
	return length_s;
}

static int make_answer(const struct query_archive *archive, const struct answer_source *source,
    const struct protocol_request *request, const struct answer_plan *plan, struct bridge *bridge)
{
	const struct weighting weighting = {.ratio = request->ratio,
	    .from_s = plan->from_s,
	    .to_s = plan->to_s,
	    .length_s = picture_length(source->picture)};
	const struct past_request wish = {.folder = archive->folder,
	    .from_s = plan->from_s,
	    .to_s = plan->to_s,
	    .length_s = picture_length(source->picture),
	    .detail = request->kind == KIND_DETAIL,
	    .weighting = request->kind == KIND_WEIGHTED ? &weighting : NULL,
	    .select = plan->select,
	    .progress = tell_progress,
	    .progress_context = archive->progress};
	const struct answer_sink sink = {bridge_begin, bridge_row, bridge};
	char message[256];
	struct past *past;
	int rc = past_read(&wish, &past, message, sizeof message);

	query_progress_end(archive->progress);
	if (rc != GRAPPE_OK) {
		query_fail("%s", message[0] != '\0' ? message : error_text(rc));
		return EXIT_FAILURE;
	}
	if (past->unreadable > 0)
		query_fail("%zu damaged archives are left out", past->unreadable);
	rc = answer_make(source, request, plan, past, &sink);
	past_free(past);
	if (rc != GRAPPE_OK)
		query_fail("%s", error_text(rc));
	return rc == GRAPPE_OK && bridge->rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Plans and answers as the collector does, with nothing in memory. */
static int answer_alone(const struct query_archive *archive, const struct answer_source *source,
    const struct protocol_request *request, struct bridge *bridge)
{
	struct answer_plan plan;

	answer_plan(source, request, 0, clock_wall_ns(), &plan);
	if (plan.verdict == ANSWER_READY)
		return make_answer(archive, source, request, &plan, bridge);
	query_fail("%s", plan.text);
	return plan.verdict == ANSWER_LATER ? QUERY_EXIT_LATER : EXIT_FAILURE;
}

int query_ask_archive(const struct query_archive *archive, const struct protocol_request *request,
    const struct query_shape *shape, const struct protocol_sink *sink)
{
	const int64_t length_s = query_archive_length(archive);
	const struct picture_config config = {
	    .length_s = (uint32_t)length_s, .slots = 2, .history = 1, .deadline_ms = 0};
	struct answer_source source = {.has_archive = true, .detail_s = INT64_MAX / 4000000000};
	struct bridge bridge = {.shape = shape, .sink = sink};
	struct inventory *inventory;
	int code = EXIT_FAILURE;

	if (length_s <= 0)
		return code;
	source.picture = picture_new(&config);
	source.inventory = inventory = inventory_new();
	if (source.picture == NULL || inventory == NULL)
		query_fail("%s", error_text(GRAPPE_EMEMORY));
	else if (load_inventory(archive, inventory) == GRAPPE_OK)
		code = answer_alone(archive, &source, request, &bridge);
	inventory_free(inventory);
	picture_free(source.picture);
	return code;
}

/* ---- what there is ---- */

/* The end of the first period that is known, as fine as the archive still is; 0: none. */
static int64_t first_known(struct archive_reader *reader, const char *receiver, int64_t last_s)
{
	struct archive_rows rows = {0};
	int64_t first_s = 0;

	if (archive_read_coverage(reader, receiver, 0, last_s, false, &rows) == GRAPPE_OK)
		for (size_t i = 0; i < rows.count && first_s == 0; i++)
			if (rows.rows[i].known > 0)
				first_s = rows.rows[i].end_s - rows.rows[i].length_s;
	archive_rows_deinit(&rows);
	return first_s;
}

static int list_receiver(struct archive_reader *reader, const char *receiver,
    const struct query_names *names, const struct protocol_sink *sink)
{
	char numbers[4][24] = {"-", "-", "-", "-"};
	const char *name = query_names_find(names, receiver);
	const char *fields[] = {receiver, name != receiver ? name : "-", numbers[0], numbers[1],
	    numbers[2], numbers[3]};
	struct archive_names senders = {0};
	int64_t last_s, length_s;

	if (archive_read_senders(reader, receiver, &senders) == GRAPPE_OK)
		snprintf(numbers[0], sizeof numbers[0], "%zu", senders.count);
	archive_names_deinit(&senders);
	if (archive_read_last(reader, receiver, &last_s, &length_s) == GRAPPE_OK) {
		const int64_t first_s = first_known(reader, receiver, last_s);

		if (first_s > 0)
			snprintf(numbers[1], sizeof numbers[1], "%" PRId64, first_s);
		snprintf(numbers[2], sizeof numbers[2], "%" PRId64, last_s);
		snprintf(numbers[3], sizeof numbers[3], "%" PRId64, length_s);
	}
	return sink->row(sink->context, fields);
}

int query_list_archives(const struct query_archive *archive, const struct query_names *names,
    const struct protocol_sink *sink)
{
	const struct protocol_answer header = {.status = STATUS_OK};
	struct archive_names receivers = {0};
	struct archive_reader *reader = NULL;
	int rc = archive_reader_open(archive->folder, &reader);

	if (rc == GRAPPE_OK)
		rc = archive_read_receivers(reader, &receivers);
	if (rc != GRAPPE_OK) {
		query_fail(
		    "%s: %s", archive->folder, rc == GRAPPE_EIO ? strerror(errno) : error_text(rc));
	} else {
		rc = sink->begin(
		    sink->context, &header, query_facts_shape(QUERY_ARCHIVES)->ncolumns);
		for (size_t i = 0; i < receivers.count && rc == GRAPPE_OK; i++) {
			rc = list_receiver(reader, receivers.ids[i], names, sink);
			query_progress_part(archive->progress, i + 1, receivers.count, "receivers");
		}
	}
	query_progress_end(archive->progress);
	archive_names_deinit(&receivers);
	archive_reader_close(reader);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
