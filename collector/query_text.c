/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_text.h"

#include "common/error.h"
#include "common/escape.h"
#include "common/time_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELL_SIZE 320
#define COLUMNS_MAX 12

/* ---- rows as they came ---- */

int query_table_add(struct query_table *table, const char *const *fields)
{
	if ((table->nrows + 1) * table->ncolumns > table->capacity) {
		const size_t wanted = table->capacity ? 2 * table->capacity : 1024;
		char **bigger = reallocarray(table->fields, wanted, sizeof *bigger);

		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		table->fields = bigger;
		table->capacity = wanted;
	}
	for (size_t i = 0; i < table->ncolumns; i++) {
		char *copy = strdup(fields[i]);

		if (copy == NULL) {
			while (i > 0)
				free(table->fields[table->nrows * table->ncolumns + --i]);
			return GRAPPE_EMEMORY;
		}
		table->fields[table->nrows * table->ncolumns + i] = copy;
	}
	table->nrows++;
	return GRAPPE_OK;
}

const char *query_table_field(const struct query_table *table, size_t row, size_t column)
{
	return table->fields[row * table->ncolumns + column];
}

void query_table_deinit(struct query_table *table)
{
	for (size_t i = 0; i < table->nrows * table->ncolumns; i++)
		free(table->fields[i]);
	free(table->fields);
	*table = (struct query_table){0};
}

/* ---- columns as wide as needed ---- */

typedef char cells[COLUMNS_MAX][CELL_SIZE];

/* A table that is made twice, once to measure and once to print, so that it takes no memory. */
struct grid {
	const char *const *titles; /* NULL-terminated */
	const char *right;         /* 'r' for each column of numbers */
	void (*fill)(void *context, size_t row, cells out);
	void *context;
};

static void fill_row(const struct grid *grid, size_t row, size_t ncolumns, cells out)
{
	for (size_t c = 0; c < ncolumns; c++)
		out[c][0] = '\0';
	if (row > 0)
		grid->fill(grid->context, row - 1, out);
	for (size_t c = 0; c < ncolumns && row == 0; c++)
		snprintf(out[c], CELL_SIZE, "%s", grid->titles[c]);
}

static void print_cells(
    const struct grid *grid, size_t ncolumns, const size_t *widths, cells row, FILE *out)
{
	for (size_t c = 0; c < ncolumns; c++) {
		const int pad = (int)(widths[c] - escape_width(row[c]));
		const bool last = c + 1 == ncolumns;

		if (grid->right[c] == 'r')
			fprintf(out, "%*s%s", pad, "", row[c]);
		else
			fprintf(out, "%s%*s", row[c], last ? 0 : pad, "");
		fputs(last ? "\n" : "  ", out);
	}
}

static void grid_print(const struct grid *grid, size_t nrows, FILE *out)
{
	size_t widths[COLUMNS_MAX] = {0}, ncolumns = 0;
	cells row;

	while (grid->titles[ncolumns] != NULL)
		ncolumns++;
	for (size_t r = 0; r <= nrows; r++) {
		fill_row(grid, r, ncolumns, row);
		for (size_t c = 0; c < ncolumns; c++) {
			const size_t width = escape_width(row[c]);

			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
	for (size_t r = 0; r <= nrows; r++) {
		fill_row(grid, r, ncolumns, row);
		print_cells(grid, ncolumns, widths, row, out);
	}
}

/* ---- values ---- */

const char *query_text_bytes(double bytes, char *text, size_t size)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	size_t unit = 0;

	while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
		bytes /= 1000;
		unit++;
	}
	snprintf(
	    text, size, unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
	return text;
}

static const char *format_packets(double packets, char *text, size_t size)
{
	if (packets < 10 && packets != floor(packets))
		snprintf(text, size, "%.1f", packets);
	else
		snprintf(text, size, "%.0f", packets);
	return text;
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void clean(const char *text, char cell[CELL_SIZE])
{
	escape_text(text, ESCAPE_PLAIN, cell, CELL_SIZE);
}

/* ---- what a matrix is about ---- */

static void print_weights(const struct query_facts *facts, FILE *out)
{
	if (facts->what == QUERY_WEIGHTED)
		fprintf(
		    out, "Weighted: a period counts %g times the one before it\n", facts->ratio);
	if (facts->what != QUERY_COEFFICIENTS)
		return;
	fprintf(out, "Weights of the %zu periods, the newest last:", facts->ncoefficients);
	for (size_t i = 0; i < facts->ncoefficients; i++)
		fprintf(out, " %g", facts->coefficients[i]);
	fputc('\n', out);
}

void query_text_window(const struct query_facts *facts, FILE *out)
{
	const struct protocol_answer *header = &facts->header;
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE], zone[TIME_TEXT_SIZE];
	char caveats[CAVEATS_TEXT_SIZE];

	fprintf(out,
	    "%s to %s %s: %" PRIu32 " of %" PRIu32 " periods of %" PRIu32 " s complete, %s\n",
	    time_text_format(header->from_s, facts->local, from, sizeof from),
	    time_text_format(header->to_s, facts->local, to, sizeof to),
	    time_text_zone(header->to_s, facts->local, zone, sizeof zone), header->known,
	    header->wanted, header->length_s,
	    header->approximate ? "APPROXIMATE (the newest period is partly an estimate)"
				: "exact");
	print_weights(facts, out);
	if (caveats_describe(&header->caveats, caveats, sizeof caveats)[0] != '\0')
		fprintf(out, "Note: %s\n", caveats);
	if (header->caveats.periods < header->known)
		fprintf(out,
		    "Note: the archives do not keep what was marked in %" PRIu32 " periods\n",
		    header->known - header->caveats.periods);
	fputc('\n', out);
}

/* ---- matrix ---- */

struct matrix_context {
	const struct query_facts *facts;
	const struct query_rows *rows;
	const struct query_names *names;
	size_t shown;
	struct query_sums total, rest;
	size_t known; /* column of KNOWN */
	bool shares;
};

static void fill_share(
    const struct matrix_context *context, double packets, double octets, char cell[CELL_SIZE])
{
	const bool by_packets = context->facts->by == QUERY_PACKETS;
	const double all = by_packets ? context->total.packets : context->total.octets;

	if (context->shares && all > 0)
		snprintf(cell, CELL_SIZE, "%.1f %%", 100 * (by_packets ? packets : octets) / all);
}

static void fill_rest(const struct matrix_context *context, cells out)
{
	const struct query_sums *rest = &context->rest;

	snprintf(out[0], CELL_SIZE, "(rest)");
	snprintf(out[1], CELL_SIZE, "%zu pair%s", rest->pairs, plural(rest->pairs));
	format_packets(rest->packets, out[2], CELL_SIZE);
	query_text_bytes(rest->octets, out[3], CELL_SIZE);
	fill_share(context, rest->packets, rest->octets, out[5]);
}

static void fill_matrix(void *opaque, size_t row, cells out)
{
	const struct matrix_context *context = opaque;
	const struct query_facts *facts = context->facts;
	const struct query_pair *pair = &context->rows->pairs[row];
	double packets, octets, length_s;

	if (row == context->shown) {
		fill_rest(context, out);
		return;
	}
	packets = query_rows_value(facts, pair, QUERY_PACKETS);
	octets = query_rows_value(facts, pair, QUERY_BYTES);
	length_s = facts->header.length_s * (query_facts_is_weighted(facts) ? 1 : pair->known);
	clean(
	    query_names_find(context->names, query_rows_id(context->rows, pair->receiver)), out[0]);
	clean(query_names_find(context->names, query_rows_id(context->rows, pair->sender)), out[1]);
	snprintf(
	    out[context->known], CELL_SIZE, "%.4g of %" PRIu32, pair->known, facts->header.wanted);
	if (isnan(packets) || isnan(octets)) {
		for (int i = 2; i < 5; i++)
			snprintf(out[i], CELL_SIZE, "unknown");
		return;
	}
	format_packets(packets, out[2], CELL_SIZE);
	query_text_bytes(octets, out[3], CELL_SIZE);
	query_text_bytes(length_s > 0 ? octets / length_s : 0, out[4], CELL_SIZE - 2);
	strncat(out[4], "/s", CELL_SIZE - strlen(out[4]) - 1);
	if (pair->sender != QUERY_NOBODY)
		fill_share(context, packets, octets, out[5]);
}

void query_text_matrix(const struct query_facts *facts, const struct query_rows *rows, size_t shown,
    const struct query_names *names, FILE *out)
{
	const bool top = shown < rows->count, weighted = query_facts_is_weighted(facts);
	const char *const titles[] = {"RECEIVER", "SENDER", weighted ? "PACKETS/PERIOD" : "PACKETS",
	    weighted ? "BYTES/PERIOD" : "BYTES", "RATE", top ? "SHARE" : "KNOWN",
	    top ? "KNOWN" : NULL, NULL};
	struct matrix_context context = {.facts = facts,
	    .rows = rows,
	    .names = facts->ids ? NULL : names,
	    .shown = shown,
	    .total = query_rows_sum(rows, facts, 0),
	    .rest = query_rows_sum(rows, facts, shown),
	    .known = top ? 6 : 5,
	    .shares = top};
	const struct grid grid = {titles, "llrrrrr", fill_matrix, &context};
	const size_t unknown = query_rows_unknown(rows);
	char packets[32], bytes[32];

	query_text_window(facts, out);
	grid_print(&grid, top ? shown + 1 : rows->count, out);
	fprintf(out, "\nTotal: %s packets, %s%s in %zu pair%s\n",
	    format_packets(context.total.packets, packets, sizeof packets),
	    query_text_bytes(context.total.octets, bytes, sizeof bytes),
	    weighted ? " per period" : "", context.total.pairs, plural(context.total.pairs));
	if (unknown > 0)
		fprintf(out, "Unknown: what %zu receiver%s got\n", unknown, plural(unknown));
}

/* ---- inventory, archives ---- */

struct table_context {
	const struct query_facts *facts;
	const struct query_table *table;
};

static void fill_stamp(
    const struct table_context *context, size_t row, size_t column, char cell[CELL_SIZE])
{
	const char *text = query_table_field(context->table, row, column);

	if (strcmp(text, "-") == 0)
		snprintf(cell, CELL_SIZE, "-");
	else
		time_text_format(
		    (int64_t)strtod(text, NULL), context->facts->local, cell, CELL_SIZE);
}

static void fill_vm(void *opaque, size_t row, cells out)
{
	enum {
		ID,
		NAME,
		HOST,
		ENVIRONMENT,
		SEGMENT,
		VCPU,
		MEMORY,
		ADDRESSES,
		SINCE,
		SEEN,
		APPLICATION
	};
	const struct table_context *context = opaque;
	const struct query_table *table = context->table;
	const char *name = query_table_field(table, row, NAME);
	const char *memory = query_table_field(table, row, MEMORY);
	const bool nameless = name[0] == '\0' || strcmp(name, "-") == 0;

	clean(context->facts->ids || nameless ? query_table_field(table, row, ID) : name, out[0]);
	clean(query_table_field(table, row, HOST), out[1]);
	clean(query_table_field(table, row, ENVIRONMENT), out[2]);
	clean(query_table_field(table, row, SEGMENT), out[3]);
	clean(query_table_field(table, row, VCPU), out[4]);
	if (strcmp(memory, "-") == 0)
		snprintf(out[5], CELL_SIZE, "-");
	else
		snprintf(out[5], CELL_SIZE, "%.0f MiB", strtod(memory, NULL) / (1 << 20));
	fill_stamp(context, row, SINCE, out[6]);
	fill_stamp(context, row, SEEN, out[7]);
	clean(query_table_field(table, row, APPLICATION), out[8]);
	clean(query_table_field(table, row, ADDRESSES), out[9]);
}

void query_text_inventory(
    const struct query_facts *facts, const struct query_table *table, FILE *out)
{
	static const char *const titles[2][11] = {
	    {"VM", "HOST", "ENVIRONMENT", "SEGMENT", "VCPU", "MEMORY", "SINCE (UTC)", "SEEN (UTC)",
		"APPLICATION", "ADDRESSES"},
	    {"VM", "HOST", "ENVIRONMENT", "SEGMENT", "VCPU", "MEMORY", "SINCE (local)",
		"SEEN (local)", "APPLICATION", "ADDRESSES"}};
	struct table_context context = {facts, table};
	const struct grid grid = {titles[facts->local], "llllrrllll", fill_vm, &context};

	grid_print(&grid, table->nrows, out);
	fprintf(out, "\n%zu VM%s\n", table->nrows, plural(table->nrows));
}

static void fill_archive(void *opaque, size_t row, cells out)
{
	enum { RECEIVER, NAME, SENDERS, FIRST, LAST, LENGTH };
	const struct table_context *context = opaque;
	const struct query_table *table = context->table;

	clean(query_table_field(table, row, RECEIVER), out[0]);
	clean(query_table_field(table, row, NAME), out[1]);
	clean(query_table_field(table, row, SENDERS), out[2]);
	fill_stamp(context, row, FIRST, out[3]);
	fill_stamp(context, row, LAST, out[4]);
}

void query_text_archives(
    const struct query_facts *facts, const struct query_table *table, FILE *out)
{
	static const char *const titles[2][6] = {
	    {"RECEIVER", "NAME", "SENDERS", "FROM (UTC)", "TO (UTC)"},
	    {"RECEIVER", "NAME", "SENDERS", "FROM (local)", "TO (local)"}};
	struct table_context context = {facts, table};
	const struct grid grid = {titles[facts->local], "llrll", fill_archive, &context};

	grid_print(&grid, table->nrows, out);
	fprintf(out, "\n%zu receiver%s\n", table->nrows, plural(table->nrows));
}

/* ---- status ---- */

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static json_int_t number_at(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

struct agents_context {
	const struct query_facts *facts;
	const json_t *agents;
};

static void fill_agent(void *opaque, size_t row, cells out)
{
	const struct agents_context *context = opaque;
	const json_t *agent = json_array_get(context->agents, row);
	static const struct {
		int column;
		const char *key;
	} texts[] = {{0, "name"}, {1, "state"}, {7, "clock"}, {8, "address"}, {9, "environment"},
	    {10, "error"}};
	static const char *const counts[] = {"missed", "lost", "timeouts", "drops"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		clean(text_at(agent, texts[i].key), out[texts[i].column]);
	if (number_at(agent, "last_end") > 0)
		time_text_format(
		    number_at(agent, "last_end"), context->facts->local, out[2], CELL_SIZE);
	else
		snprintf(out[2], CELL_SIZE, "-");
	for (int i = 0; i < 4; i++)
		snprintf(out[3 + i], CELL_SIZE, "%lld", (long long)number_at(agent, counts[i]));
}

static void print_agents(const struct query_facts *facts, const json_t *agents, FILE *out)
{
	const char *const titles[] = {"AGENT", "STATE",
	    facts->local ? "LAST PERIOD (local)" : "LAST PERIOD (UTC)", "MISSED", "LOST",
	    "TIMEOUTS", "DROPS", "CLOCK", "ADDRESS", "ENVIRONMENT", "ERROR", NULL};
	struct agents_context context = {facts, agents};
	const struct grid grid = {titles, "lllrrrrllll", fill_agent, &context};

	grid_print(&grid, json_array_size(agents), out);
}

/* "KEY  FOLDER: STATE", and what more there is to say. */
static void print_folder(const char *title, const json_t *folder, const char *more, FILE *out)
{
	char path[CELL_SIZE], state[CELL_SIZE], error[CELL_SIZE];

	clean(text_at(folder, "folder"), path);
	clean(text_at(folder, "state"), state);
	clean(text_at(folder, "error"), error);
	fprintf(out, "%-16s %s: %s%s%s%s\n", title, path, state, more, error[0] != '\0' ? ": " : "",
	    error);
}

void query_text_status(const struct query_facts *facts, const json_t *data, FILE *out)
{
	const json_t *archive = json_object_get(data, "archive");
	char stamp[TIME_TEXT_SIZE] = "none yet", written[TIME_TEXT_SIZE] = "nothing yet";
	char program[CELL_SIZE], version[CELL_SIZE], more[CELL_SIZE];

	if (number_at(data, "newest_end") > 0)
		time_text_format(number_at(data, "newest_end"), facts->local, stamp, sizeof stamp);
	if (number_at(archive, "written_end") > 0)
		time_text_format(
		    number_at(archive, "written_end"), facts->local, written, sizeof written);
	clean(text_at(data, "program"), program);
	clean(text_at(data, "version"), version);
	fprintf(out, "%s %s, periods of %lld s\n", program, version,
	    (long long)number_at(data, "length"));
	fprintf(out, "%-16s %s%s, %lld VMs, %lld pairs\n", "Newest period", stamp,
	    json_is_true(json_object_get(data, "newest_complete")) ? " (complete)"
								   : " (incomplete)",
	    (long long)number_at(data, "vms"), (long long)number_at(data, "pairs"));
	fprintf(out, "%-16s %lld of %lld periods complete\n", "Last hour",
	    (long long)number_at(json_object_get(data, "hour"), "complete"),
	    (long long)number_at(json_object_get(data, "hour"), "periods"));
	snprintf(more, sizeof more, ", written up to %s, %lld waiting, %lld failures", written,
	    (long long)number_at(archive, "queue"), (long long)number_at(archive, "failures"));
	print_folder("Archives", archive, more, out);
	print_folder("State directory", json_object_get(data, "state"), "", out);
	fprintf(out, "%-16s %lld of %lld up\n\n", "Agents", (long long)number_at(data, "agents_up"),
	    (long long)number_at(data, "agents_total"));
	print_agents(facts, json_object_get(data, "agents"), out);
}
