/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_print.h"

#include "common/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CELL_SIZE 320
#define COLUMNS_MAX 12

/* Columns of the collector's answers. */
enum { MEAN_RECEIVER, MEAN_SENDER, MEAN_PACKETS, MEAN_OCTETS, MEAN_KNOWN };
enum { DETAIL_END, DETAIL_LENGTH, DETAIL_RECEIVER, DETAIL_SENDER };
enum {
	VM_ID,
	VM_NAME,
	VM_HOST,
	VM_ENVIRONMENT,
	VM_SEGMENT,
	VM_VCPU,
	VM_MEMORY,
	VM_ADDRESSES,
	VM_SINCE,
	VM_SEEN
};

/* Names with units for CSV and JSON, in the order of the answer's columns. */
static const char *const detail_keys[] = {
    "end_s", "length_s", "receiver", "sender", "packets", "octets", "known_share"};
static const char *const mean_keys[] = {
    "receiver", "sender", "packets_per_period", "octets_per_period", "known_periods"};
static const char *const inventory_keys[] = {"id", "name", "host", "environment", "segment", "vcpu",
    "memory_bytes", "addresses", "since_s", "seen_s"};

/* ---- tables ---- */

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

/* ---- values ---- */

const char *query_format_bytes(double bytes, char *text, size_t size)
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

const char *query_format_stamp(int64_t epoch_s, char *text, size_t size)
{
	const time_t when = (time_t)epoch_s;
	struct tm parts;

	if (gmtime_r(&when, &parts) == NULL || strftime(text, size, "%F %T", &parts) == 0)
		snprintf(text, size, "%" PRId64, epoch_s);
	return text;
}

static double number(const char *text)
{
	return strcmp(text, "-") == 0 ? NAN : strtod(text, NULL);
}

static const char *format_packets(double packets, char *text, size_t size)
{
	if (packets < 10 && packets != floor(packets))
		snprintf(text, size, "%.1f", packets);
	else
		snprintf(text, size, "%.0f", packets);
	return text;
}

/* The display name of an id, or the id itself. */
static const char *name_of(const struct query_table *names, const char *id)
{
	size_t low = 0, high = names != NULL ? names->nrows : 0;

	/* The collector sends its inventory in the order of ids. */
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(query_table_field(names, middle, VM_ID), id);

		if (order == 0) {
			const char *name = query_table_field(names, middle, VM_NAME);

			return name[0] != '\0' && strcmp(name, "-") != 0 ? name : id;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return id;
}

/* ---- text ---- */

/* Lines of cells, printed with columns as wide as needed. */
struct grid {
	size_t ncolumns, nrows, capacity;
	bool right[COLUMNS_MAX]; /* numbers */
	char (*cells)[CELL_SIZE];
};

static char (*grid_add(struct grid *grid))[CELL_SIZE]
{
	if ((grid->nrows + 1) * grid->ncolumns > grid->capacity) {
		const size_t wanted = grid->capacity ? 2 * grid->capacity : 256;
		void *bigger = reallocarray(grid->cells, wanted, sizeof *grid->cells);

		if (bigger == NULL)
			return NULL;
		grid->cells = bigger;
		grid->capacity = wanted;
	}
	return &grid->cells[grid->nrows++ * grid->ncolumns];
}

/* Columns that a terminal shows: bytes that go on an UTF-8 character take none. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void grid_print(const struct grid *grid, FILE *out)
{
	size_t widths[COLUMNS_MAX] = {0};

	for (size_t r = 0; r < grid->nrows; r++)
		for (size_t c = 0; c < grid->ncolumns; c++) {
			const size_t width = width_of(grid->cells[r * grid->ncolumns + c]);

			if (width > widths[c])
				widths[c] = width;
		}
	for (size_t r = 0; r < grid->nrows; r++) {
		for (size_t c = 0; c < grid->ncolumns; c++) {
			const char *cell = grid->cells[r * grid->ncolumns + c];
			const int pad = (int)(widths[c] - width_of(cell));
			const bool last = c + 1 == grid->ncolumns;

			if (grid->right[c])
				fprintf(out, "%*s%s", pad, "", cell);
			else
				fprintf(out, "%s%*s", cell, last ? 0 : pad, "");
			fputs(last ? "\n" : "  ", out);
		}
	}
}

static int grid_start(struct grid *grid, const char *const *titles, size_t count, size_t right_from)
{
	char(*cells)[CELL_SIZE];

	*grid = (struct grid){.ncolumns = count};
	cells = grid_add(grid);
	if (cells == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count; i++) {
		grid->right[i] = i >= right_from;
		snprintf(cells[i], CELL_SIZE, "%s", titles[i]);
	}
	return GRAPPE_OK;
}

static void print_window(const struct query_table *table, FILE *out)
{
	const struct protocol_answer *header = &table->header;
	char from[32], to[32], caveats[CAVEATS_TEXT_SIZE];

	fprintf(out,
	    "%s to %s UTC: %" PRIu32 " of %" PRIu32 " periods of %" PRIu32 " s complete, %s\n",
	    query_format_stamp(header->from_s, from, sizeof from),
	    query_format_stamp(header->to_s, to, sizeof to), header->known, header->wanted,
	    header->length_s,
	    header->approximate ? "APPROXIMATE (the newest period is partly an estimate)"
				: "exact");
	if (caveats_describe(&header->caveats, caveats, sizeof caveats)[0] != '\0')
		fprintf(out, "Note: %s\n", caveats);
	if (header->caveats.periods < header->known)
		fprintf(out,
		    "Note: the archives do not keep what was marked in %" PRIu32 " periods\n",
		    header->known - header->caveats.periods);
	fputc('\n', out);
}

struct order {
	const struct query_table *table;
	size_t column;
};

static int compare_octets(const void *left, const void *right, void *context)
{
	const struct query_table *table = context;
	const size_t a = *(const size_t *)left, b = *(const size_t *)right;
	const double octets_a = number(query_table_field(table, a, MEAN_OCTETS)) *
				number(query_table_field(table, a, MEAN_KNOWN));
	const double octets_b = number(query_table_field(table, b, MEAN_OCTETS)) *
				number(query_table_field(table, b, MEAN_KNOWN));

	if (isnan(octets_a) || isnan(octets_b))
		return isnan(octets_a) - isnan(octets_b);
	if (octets_a != octets_b)
		return octets_a > octets_b ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void fill_mean(const struct query_table *table, const struct query_table *names, size_t row,
    char (*cells)[CELL_SIZE], double totals[2])
{
	const double known = number(query_table_field(table, row, MEAN_KNOWN));
	const double packets = number(query_table_field(table, row, MEAN_PACKETS)) * known;
	const double octets = number(query_table_field(table, row, MEAN_OCTETS)) * known;
	const double length_s = table->header.length_s * known;

	snprintf(cells[0], CELL_SIZE, "%s",
	    name_of(names, query_table_field(table, row, MEAN_RECEIVER)));
	snprintf(
	    cells[1], CELL_SIZE, "%s", name_of(names, query_table_field(table, row, MEAN_SENDER)));
	snprintf(cells[5], CELL_SIZE, "%.4g of %" PRIu32, known, table->header.wanted);
	if (isnan(packets) || known <= 0) {
		for (int i = 2; i < 5; i++)
			snprintf(cells[i], CELL_SIZE, "unknown");
		return;
	}
	format_packets(packets, cells[2], CELL_SIZE);
	query_format_bytes(octets, cells[3], CELL_SIZE);
	query_format_bytes(octets / length_s, cells[4], CELL_SIZE - 2);
	strncat(cells[4], "/s", CELL_SIZE - strlen(cells[4]) - 1);
	totals[0] += packets;
	totals[1] += octets;
}

static int print_mean(const struct query_table *table, const struct query_table *names, FILE *out)
{
	static const char *const titles[] = {
	    "RECEIVER", "SENDER", "PACKETS", "BYTES", "RATE", "KNOWN"};
	size_t *order = calloc(table->nrows + 1, sizeof *order);
	double totals[2] = {0, 0};
	struct grid grid;
	int rc = grid_start(&grid, titles, 6, 2);

	if (order == NULL)
		rc = GRAPPE_EMEMORY;
	for (size_t i = 0; i < table->nrows && rc == GRAPPE_OK; i++)
		order[i] = i;
	if (rc == GRAPPE_OK)
		qsort_r(
		    order, table->nrows, sizeof *order, compare_octets, (void *)(uintptr_t)table);
	for (size_t i = 0; i < table->nrows && rc == GRAPPE_OK; i++) {
		char(*cells)[CELL_SIZE] = grid_add(&grid);

		if (cells == NULL)
			rc = GRAPPE_EMEMORY;
		else
			fill_mean(table, names, order[i], cells, totals);
	}
	if (rc == GRAPPE_OK) {
		char packets[32], bytes[32];

		print_window(table, out);
		grid_print(&grid, out);
		fprintf(out, "\nTotal: %s packets, %s in %zu rows\n",
		    format_packets(totals[0], packets, sizeof packets),
		    query_format_bytes(totals[1], bytes, sizeof bytes), table->nrows);
	}
	free(grid.cells);
	free(order);
	return rc;
}

static int print_detail(const struct query_table *table, const struct query_table *names, FILE *out)
{
	static const char *const titles[] = {
	    "END (UTC)", "LENGTH", "RECEIVER", "SENDER", "PACKETS", "BYTES", "KNOWN"};
	struct grid grid;
	int rc = grid_start(&grid, titles, 7, 4);

	for (size_t i = 0; i < table->nrows && rc == GRAPPE_OK; i++) {
		char(*cells)[CELL_SIZE] = grid_add(&grid);

		if (cells == NULL) {
			rc = GRAPPE_EMEMORY;
			break;
		}
		query_format_stamp(
		    (int64_t)number(query_table_field(table, i, DETAIL_END)), cells[0], CELL_SIZE);
		snprintf(cells[1], CELL_SIZE, "%s s", query_table_field(table, i, DETAIL_LENGTH));
		snprintf(cells[2], CELL_SIZE, "%s",
		    name_of(names, query_table_field(table, i, DETAIL_RECEIVER)));
		snprintf(cells[3], CELL_SIZE, "%s",
		    name_of(names, query_table_field(table, i, DETAIL_SENDER)));
		for (size_t c = 4; c < 7; c++)
			snprintf(cells[c], CELL_SIZE, "%s", query_table_field(table, i, c));
	}
	if (rc == GRAPPE_OK) {
		print_window(table, out);
		grid_print(&grid, out);
	}
	free(grid.cells);
	return rc;
}

static int print_inventory(const struct query_table *table, bool ids, FILE *out)
{
	static const char *const titles[] = {"VM", "HOST", "ENVIRONMENT", "SEGMENT", "VCPU",
	    "MEMORY", "SINCE (UTC)", "SEEN (UTC)", "ADDRESSES"};
	struct grid grid;
	int rc = grid_start(&grid, titles, 9, 4);

	grid.right[6] = grid.right[7] = grid.right[8] = false;
	for (size_t i = 0; i < table->nrows && rc == GRAPPE_OK; i++) {
		const char *name = query_table_field(table, i, VM_NAME);
		const char *memory = query_table_field(table, i, VM_MEMORY);
		char(*cells)[CELL_SIZE] = grid_add(&grid);

		if (cells == NULL) {
			rc = GRAPPE_EMEMORY;
			break;
		}
		snprintf(cells[0], CELL_SIZE, "%s",
		    ids || name[0] == '\0' ? query_table_field(table, i, VM_ID) : name);
		snprintf(cells[1], CELL_SIZE, "%s", query_table_field(table, i, VM_HOST));
		snprintf(cells[2], CELL_SIZE, "%s", query_table_field(table, i, VM_ENVIRONMENT));
		snprintf(cells[3], CELL_SIZE, "%s", query_table_field(table, i, VM_SEGMENT));
		snprintf(cells[4], CELL_SIZE, "%s", query_table_field(table, i, VM_VCPU));
		if (strcmp(memory, "-") == 0)
			snprintf(cells[5], CELL_SIZE, "-");
		else
			snprintf(cells[5], CELL_SIZE, "%.0f MiB", number(memory) / (1 << 20));
		query_format_stamp(
		    (int64_t)number(query_table_field(table, i, VM_SINCE)), cells[6], CELL_SIZE);
		query_format_stamp(
		    (int64_t)number(query_table_field(table, i, VM_SEEN)), cells[7], CELL_SIZE);
		snprintf(cells[8], CELL_SIZE, "%.300s", query_table_field(table, i, VM_ADDRESSES));
	}
	if (rc == GRAPPE_OK) {
		grid_print(&grid, out);
		fprintf(out, "\n%zu VMs\n", table->nrows);
	}
	free(grid.cells);
	return rc;
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static json_int_t number_at(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static int print_agents(const json_t *agents, FILE *out)
{
	static const char *const titles[] = {"AGENT", "STATE", "LAST PERIOD (UTC)", "MISSED",
	    "CLOCK", "ADDRESS", "ENVIRONMENT", "ERROR"};
	struct grid grid;
	const json_t *agent;
	size_t i;
	int rc = grid_start(&grid, titles, 8, 8);

	grid.right[3] = true;
	json_array_foreach(agents, i, agent)
	{
		char(*cells)[CELL_SIZE] = rc == GRAPPE_OK ? grid_add(&grid) : NULL;

		if (cells == NULL) {
			rc = GRAPPE_EMEMORY;
			break;
		}
		snprintf(cells[0], CELL_SIZE, "%s", text_at(agent, "name"));
		snprintf(cells[1], CELL_SIZE, "%s", text_at(agent, "state"));
		if (number_at(agent, "last_end") > 0)
			query_format_stamp(number_at(agent, "last_end"), cells[2], CELL_SIZE);
		else
			snprintf(cells[2], CELL_SIZE, "-");
		snprintf(cells[3], CELL_SIZE, "%lld", (long long)number_at(agent, "missed"));
		snprintf(cells[4], CELL_SIZE, "%s", text_at(agent, "clock"));
		snprintf(cells[5], CELL_SIZE, "%s", text_at(agent, "address"));
		snprintf(cells[6], CELL_SIZE, "%s", text_at(agent, "environment"));
		snprintf(cells[7], CELL_SIZE, "%s", text_at(agent, "error"));
	}
	if (rc == GRAPPE_OK)
		grid_print(&grid, out);
	free(grid.cells);
	return rc;
}

static int print_status(const json_t *data, FILE *out)
{
	const json_t *archive = json_object_get(data, "archive");
	const json_t *state = json_object_get(data, "state");
	char stamp[32] = "none yet", written[32] = "nothing yet";

	if (number_at(data, "newest_end") > 0)
		query_format_stamp(number_at(data, "newest_end"), stamp, sizeof stamp);
	if (number_at(archive, "written_end") > 0)
		query_format_stamp(number_at(archive, "written_end"), written, sizeof written);
	fprintf(out, "%s %s, periods of %lld s\n", text_at(data, "program"),
	    text_at(data, "version"), (long long)number_at(data, "length"));
	fprintf(out, "Newest period    %s%s, %lld VMs, %lld pairs\n", stamp,
	    json_is_true(json_object_get(data, "newest_complete")) ? " (complete)"
								   : " (incomplete)",
	    (long long)number_at(data, "vms"), (long long)number_at(data, "pairs"));
	fprintf(out, "Archives         %s: %s, written up to %s, %lld waiting, %lld failures%s%s\n",
	    text_at(archive, "folder"), text_at(archive, "state"), written,
	    (long long)number_at(archive, "queue"), (long long)number_at(archive, "failures"),
	    text_at(archive, "error")[0] != '\0' ? ": " : "", text_at(archive, "error"));
	fprintf(out, "State directory  %s: %s%s%s\n", text_at(state, "folder"),
	    text_at(state, "state"), text_at(state, "error")[0] != '\0' ? ": " : "",
	    text_at(state, "error"));
	fprintf(out, "Agents           %lld of %lld up\n\n",
	    (long long)number_at(data, "agents_up"), (long long)number_at(data, "agents_total"));
	return print_agents(json_object_get(data, "agents"), out);
}

/* ---- CSV and JSON ---- */

static const char *const *keys_of(const struct query_table *table)
{
	if (table->op == OP_INVENTORY)
		return inventory_keys;
	return table->kind == KIND_DETAIL ? detail_keys : mean_keys;
}

/* Which columns of a matrix are ids. */
static size_t first_id(const struct query_table *table)
{
	return table->kind == KIND_DETAIL ? DETAIL_RECEIVER : MEAN_RECEIVER;
}

static void put_csv(const char *text, FILE *out)
{
	if (text[strcspn(text, ",\"\r\n")] == '\0') {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_csv(const struct query_table *table, const struct query_table *names, FILE *out)
{
	const char *const *keys = keys_of(table);
	const bool matrix = table->op == OP_MATRIX;
	const size_t id = first_id(table);

	for (size_t c = 0; c < table->ncolumns; c++)
		fprintf(out, "%s%s", c > 0 ? "," : "", keys[c]);
	fputs(matrix ? ",receiver_name,sender_name\n" : "\n", out);
	for (size_t r = 0; r < table->nrows; r++) {
		for (size_t c = 0; c < table->ncolumns; c++) {
			if (c > 0)
				fputc(',', out);
			put_csv(query_table_field(table, r, c), out);
		}
		for (size_t c = id; matrix && c < id + 2; c++) {
			fputc(',', out);
			put_csv(name_of(names, query_table_field(table, r, c)), out);
		}
		fputc('\n', out);
	}
}

/* Numbers as numbers, the unknown as null, the rest as text. */
static json_t *field_json(const char *key, const char *text)
{
	static const char *const texts[] = {
	    "receiver", "sender", "id", "name", "host", "environment", "segment", "addresses"};
	json_t *value;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(texts[i], key) == 0) {
			value = strcmp(text, "-") == 0 ? json_null() : json_string(text);
			return value != NULL ? value : json_string("");
		}
	if (strcmp(text, "-") == 0)
		return json_null();
	if (text[strspn(text, "0123456789")] == '\0')
		return json_integer(strtoll(text, NULL, 10));
	return json_real(strtod(text, NULL));
}

static json_t *row_json(
    const struct query_table *table, const struct query_table *names, size_t row)
{
	const char *const *keys = keys_of(table);
	const size_t id = first_id(table);
	json_t *object = json_object();

	for (size_t c = 0; c < table->ncolumns; c++)
		json_object_set_new(
		    object, keys[c], field_json(keys[c], query_table_field(table, row, c)));
	if (table->op == OP_MATRIX) {
		json_object_set_new(object, "receiver_name",
		    field_json("name", name_of(names, query_table_field(table, row, id))));
		json_object_set_new(object, "sender_name",
		    field_json("name", name_of(names, query_table_field(table, row, id + 1))));
	}
	return object;
}

static int print_json(const struct query_table *table, const struct query_table *names, FILE *out)
{
	const struct protocol_answer *header = &table->header;
	json_t *rows = json_array();
	json_t *root = json_pack("{s:I,s:I,s:I,s:b,s:b,s:I,s:I,s:o,s:o}", "from_s",
	    (json_int_t)header->from_s, "to_s", (json_int_t)header->to_s, "length_s",
	    (json_int_t)header->length_s, "exact", header->exact, "approximate",
	    header->approximate, "periods_known", (json_int_t)header->known, "periods_wanted",
	    (json_int_t)header->wanted, "caveats", caveats_json(&header->caveats), "rows", rows);
	int rc = GRAPPE_OK;

	for (size_t r = 0; r < table->nrows && root != NULL; r++)
		json_array_append_new(rows, row_json(table, names, r));
	if (root == NULL || json_dumpf(root, out, JSON_INDENT(1)) != 0)
		rc = root == NULL ? GRAPPE_EMEMORY : GRAPPE_EIO;
	fputc('\n', out);
	json_decref(root);
	return rc;
}

static int print_text(
    const struct query_table *table, const struct query_table *names, bool ids, FILE *out)
{
	if (table->op == OP_STATUS)
		return print_status(table->header.data, out);
	if (table->op == OP_INVENTORY)
		return print_inventory(table, ids, out);
	return table->kind == KIND_DETAIL ? print_detail(table, ids ? NULL : names, out)
					  : print_mean(table, ids ? NULL : names, out);
}

int query_print(const struct query_table *table, const struct query_table *names,
    enum query_format format, bool ids, FILE *out)
{
	int rc = GRAPPE_OK;

	if (format == QUERY_TEXT)
		rc = print_text(table, names, ids, out);
	else if (table->op == OP_STATUS)
		rc = json_dumpf(table->header.data, out, JSON_INDENT(1)) == 0 ? rc : GRAPPE_EIO;
	else if (format == QUERY_CSV)
		print_csv(table, names, out);
	else
		rc = print_json(table, names, out);
	if (table->op == OP_STATUS && format != QUERY_TEXT)
		fputc('\n', out);
	return rc == GRAPPE_OK && ferror(out) ? GRAPPE_EIO : rc;
}
