/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_write.h"

#include "collector/query_text.h"
#include "common/error.h"
#include "common/escape.h"
#include "common/time_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DECIMAL "%.15g" /* 0.1 comes out as it went in */

/* How a format writes. */
struct query_writer_form {
	void (*begin)(struct query_writer *writer);
	void (*row)(struct query_writer *writer, const char *const *fields);
	void (*end)(struct query_writer *writer, const struct query_rest *rest);
};

static bool is_unknown(const char *text)
{
	return text[0] == '-' && text[1] == '\0';
}

static void put(const char *text, FILE *out)
{
	fputs_unlocked(text, out);
}

static const char *name_of(const struct query_writer *writer, const char *id)
{
	return query_names_find(writer->names, id);
}

static const char *yes_no(bool value)
{
	return value ? "true" : "false";
}

/* ---- CSV ---- */

static void csv_begin(struct query_writer *writer)
{
	const struct query_shape *shape = writer->shape;

	for (size_t c = 0; c < shape->ncolumns; c++)
		fprintf(writer->out, "%s%s", c > 0 ? "," : "", shape->keys[c].name);
	put(shape->matrix ? ",receiver_name,sender_name,periods_wanted,approximate\n" : "\n",
	    writer->out);
	snprintf(writer->ending, sizeof writer->ending, "%s", "\n");
	if (shape->matrix)
		snprintf(writer->ending, sizeof writer->ending, ",%" PRIu32 ",%s\n",
		    writer->facts->header.wanted, yes_no(writer->facts->header.approximate));
}

static void csv_row(struct query_writer *writer, const char *const *fields)
{
	const struct query_shape *shape = writer->shape;
	FILE *out = writer->out;

	for (size_t c = 0; c < shape->ncolumns; c++) {
		if (c > 0)
			putc_unlocked(',', out);
		escape_put(fields[c], ESCAPE_CSV, out);
	}
	for (size_t c = shape->receiver; shape->matrix && c < shape->receiver + 2; c++) {
		putc_unlocked(',', out);
		escape_put(name_of(writer, fields[c]), ESCAPE_CSV, out);
	}
	put(writer->ending, out);
}

static void csv_end(struct query_writer *writer, const struct query_rest *rest)
{
	(void)writer;
	(void)rest; /* has no place in a table: its sums are in the other formats */
}

/* ---- JSON ---- */

static void json_window(const struct query_facts *facts, FILE *out)
{
	const struct protocol_answer *header = &facts->header;
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
	json_t *caveats = caveats_json(&header->caveats);

	fprintf(out, "\"from_s\":%" PRId64 ",\"to_s\":%" PRId64 ",\"from\":\"%s\",\"to\":\"%s\",\n",
	    header->from_s, header->to_s, time_text_iso(header->from_s, from, sizeof from),
	    time_text_iso(header->to_s, to, sizeof to));
	fprintf(out,
	    "\"length_s\":%" PRIu32 ",\"exact\":%s,\"approximate\":%s,\"periods_known\":%" PRIu32
	    ",\"periods_wanted\":%" PRIu32 ",\n\"caveats\":",
	    header->length_s, yes_no(header->exact), yes_no(header->approximate), header->known,
	    header->wanted);
	if (caveats == NULL || json_dumpf(caveats, out, JSON_COMPACT) != 0)
		put("null", out);
	json_decref(caveats);
	put(",\n", out);
}

static void json_begin(struct query_writer *writer)
{
	const struct query_facts *facts = writer->facts;
	FILE *out = writer->out;

	fprintf(out, "{\"kind\":\"%s\",", writer->shape->name);
	if (facts->what == QUERY_WEIGHTED)
		fprintf(out, "\"ratio\":" DECIMAL ",", facts->ratio);
	if (facts->what == QUERY_COEFFICIENTS) {
		put("\"coefficients\":", out);
		for (size_t i = 0; i < facts->ncoefficients; i++)
			fprintf(out, "%c" DECIMAL, i > 0 ? ',' : '[', facts->coefficients[i]);
		put("],", out);
	}
	if (writer->shape->matrix)
		json_window(facts, out);
	put("\"rows\":[", out);
}

static void json_text(const char *text, FILE *out)
{
	if (is_unknown(text)) {
		put("null", out);
		return;
	}
	putc_unlocked('"', out);
	escape_put(text, ESCAPE_JSON, out);
	putc_unlocked('"', out);
}

static void json_row(struct query_writer *writer, const char *const *fields)
{
	const struct query_shape *shape = writer->shape;
	FILE *out = writer->out;

	put(writer->nrows > 0 ? ",\n{" : "\n{", out);
	for (size_t c = 0; c < shape->ncolumns; c++) {
		put(c > 0 ? ",\"" : "\"", out);
		put(shape->keys[c].name, out);
		put("\":", out);
		if (shape->keys[c].number && !is_unknown(fields[c]))
			put(fields[c], out);
		else
			json_text(fields[c], out);
	}
	if (shape->matrix) {
		put(",\"receiver_name\":", out);
		json_text(name_of(writer, fields[shape->receiver]), out);
		put(",\"sender_name\":", out);
		json_text(name_of(writer, fields[shape->receiver + 1]), out);
	}
	putc_unlocked('}', out);
}

static const char *sum_suffix(const struct query_writer *writer)
{
	return query_facts_is_weighted(writer->facts) ? "_per_period" : "";
}

static void json_sums(
    const struct query_writer *writer, const char *key, const struct query_sums *sums)
{
	const char *suffix = sum_suffix(writer);

	fprintf(writer->out,
	    ",\n\"%s\":{\"pairs\":%zu,\"packets%s\":" DECIMAL ",\"octets%s\":" DECIMAL "}", key,
	    sums->pairs, suffix, sums->packets, suffix, sums->octets);
}

static void json_end(struct query_writer *writer, const struct query_rest *rest)
{
	put(writer->nrows > 0 ? "\n]" : "]", writer->out);
	if (rest != NULL) {
		json_sums(writer, "total", &rest->total);
		json_sums(writer, "rest", &rest->rest);
		fprintf(writer->out, ",\n\"unknown_receivers\":%zu", rest->unknown);
	}
	put("}\n", writer->out);
}

/* ---- XML ---- */

static void xml_caveats(const struct caveats *caveats, FILE *out)
{
	json_t *object = caveats_json(caveats), *value;
	const char *key;

	put(" <caveats", out);
	json_object_foreach(object, key, value)
	    fprintf(out, " %s=\"%" JSON_INTEGER_FORMAT "\"", key, json_integer_value(value));
	put("/>\n", out);
	json_decref(object);
}

static void xml_window(const struct query_facts *facts, FILE *out)
{
	const struct protocol_answer *header = &facts->header;
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];

	fprintf(out,
	    " <window from=\"%s\" to=\"%s\" from_s=\"%" PRId64 "\" to_s=\"%" PRId64
	    "\" length_s=\"%" PRIu32 "\"/>\n",
	    time_text_iso(header->from_s, from, sizeof from),
	    time_text_iso(header->to_s, to, sizeof to), header->from_s, header->to_s,
	    header->length_s);
	fprintf(out,
	    " <periods known=\"%" PRIu32 "\" wanted=\"%" PRIu32
	    "\" exact=\"%s\" approximate=\"%s\"/>\n",
	    header->known, header->wanted, yes_no(header->exact), yes_no(header->approximate));
	xml_caveats(&header->caveats, out);
	for (size_t i = 0; facts->what == QUERY_COEFFICIENTS && i < facts->ncoefficients; i++)
		fprintf(out, " <coefficient>" DECIMAL "</coefficient>\n", facts->coefficients[i]);
}

static void xml_begin(struct query_writer *writer)
{
	FILE *out = writer->out;

	fprintf(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<grappe-answer version=\"1\" kind=\"%s\"",
	    writer->shape->name);
	if (writer->facts->what == QUERY_WEIGHTED)
		fprintf(out, " ratio=\"" DECIMAL "\"", writer->facts->ratio);
	put(">\n", out);
	if (writer->shape->matrix)
		xml_window(writer->facts, out);
	put(" <rows>\n", out);
}

/* The unknown has no attribute. */
static void xml_attribute(const char *name, const char *text, FILE *out)
{
	if (is_unknown(text))
		return;
	putc_unlocked(' ', out);
	put(name, out);
	put("=\"", out);
	escape_put(text, ESCAPE_XML, out);
	putc_unlocked('"', out);
}

static void xml_row(struct query_writer *writer, const char *const *fields)
{
	const struct query_shape *shape = writer->shape;
	FILE *out = writer->out;

	put("  <row", out);
	for (size_t c = 0; c < shape->ncolumns; c++)
		xml_attribute(shape->keys[c].name, fields[c], out);
	if (shape->matrix) {
		xml_attribute("receiver_name", name_of(writer, fields[shape->receiver]), out);
		xml_attribute("sender_name", name_of(writer, fields[shape->receiver + 1]), out);
	}
	put("/>\n", out);
}

static void xml_sums(
    const struct query_writer *writer, const char *element, const struct query_sums *sums)
{
	const char *suffix = sum_suffix(writer);

	fprintf(writer->out,
	    " <%s pairs=\"%zu\" packets%s=\"" DECIMAL "\" octets%s=\"" DECIMAL "\"/>\n", element,
	    sums->pairs, suffix, sums->packets, suffix, sums->octets);
}

static void xml_end(struct query_writer *writer, const struct query_rest *rest)
{
	put(" </rows>\n", writer->out);
	if (rest != NULL) {
		xml_sums(writer, "total", &rest->total);
		xml_sums(writer, "rest", &rest->rest);
		fprintf(writer->out, " <unknown receivers=\"%zu\"/>\n", rest->unknown);
	}
	put("</grappe-answer>\n", writer->out);
}

/* ---- lines for people, of single periods ---- */

/* Widths cannot wait for the last row. */
static void text_begin(struct query_writer *writer)
{
	static const size_t shortest = sizeof "multicast" - 1, of_ids = 36, most = 40;
	const bool local = writer->facts->local;
	size_t width = of_ids;

	if (writer->names != NULL && query_names_count(writer->names) > 0)
		width = query_names_width(writer->names);
	width = width < shortest ? shortest : width > most ? most : width;
	writer->width = width;
	query_text_window(writer->facts, writer->out);
	fprintf(writer->out, "%-19s  %6s  %-*s  %-*s  %12s  %15s  %s\n",
	    local ? "END (local)" : "END (UTC)", "LENGTH", (int)width, "RECEIVER", (int)width,
	    "SENDER", "PACKETS", "BYTES", "KNOWN");
}

static void text_name(struct query_writer *writer, const char *id)
{
	char name[256];
	size_t width;

	escape_text(name_of(writer, id), ESCAPE_PLAIN, name, sizeof name);
	width = escape_width(name);
	put(name, writer->out);
	fprintf(
	    writer->out, "%*s", width < writer->width ? (int)(writer->width - width) + 2 : 2, "");
}

static void text_row(struct query_writer *writer, const char *const *fields)
{
	enum { END, LENGTH, RECEIVER, SENDER, PACKETS, OCTETS, KNOWN };

	if (strcmp(writer->stamped, fields[END]) != 0) {
		snprintf(writer->stamped, sizeof writer->stamped, "%s", fields[END]);
		time_text_format(strtoll(fields[END], NULL, 10), writer->facts->local,
		    writer->stamp, sizeof writer->stamp);
	}
	fprintf(writer->out, "%-19s  %4s s  ", writer->stamp, fields[LENGTH]);
	text_name(writer, fields[RECEIVER]);
	text_name(writer, fields[SENDER]);
	fprintf(writer->out, "%12s  %15s  %s\n", fields[PACKETS], fields[OCTETS], fields[KNOWN]);
}

static void text_end(struct query_writer *writer, const struct query_rest *rest)
{
	(void)rest;
	fprintf(writer->out, "\n%" PRIu64 " row%s\n", writer->nrows, writer->nrows == 1 ? "" : "s");
}

/* ---- the writer ---- */

static const struct query_writer_form forms[] = {
    [QUERY_TEXT] = {text_begin, text_row, text_end},
    [QUERY_CSV] = {csv_begin, csv_row, csv_end},
    [QUERY_JSON] = {json_begin, json_row, json_end},
    [QUERY_XML] = {xml_begin, xml_row, xml_end},
};

void query_writer_init(struct query_writer *writer, enum query_format format,
    const struct query_facts *facts, const struct query_names *names, FILE *out)
{
	*writer = (struct query_writer){.facts = facts,
	    .shape = query_facts_shape(facts->what),
	    .names = format == QUERY_TEXT && facts->ids ? NULL : names,
	    .out = out,
	    .form = &forms[format]};
}

void query_writer_begin(struct query_writer *writer)
{
	writer->form->begin(writer);
}

int query_writer_row(struct query_writer *writer, const char *const *fields)
{
	writer->form->row(writer, fields);
	writer->nrows++;
	return ferror_unlocked(writer->out) ? GRAPPE_EIO : GRAPPE_OK;
}

int query_writer_end(struct query_writer *writer, const struct query_rest *rest)
{
	writer->form->end(writer, rest);
	return ferror(writer->out) ? GRAPPE_EIO : GRAPPE_OK;
}
