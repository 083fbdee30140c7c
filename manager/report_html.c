/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page of a report. Every text of the document passes put(); the rest is constant. */
#include "common/escape.h"
#include "manager/report_picture.h"
#include "manager/report_style.h"
#include "manager/report_write.h"

#include <string.h>

#define PAIRS "traffic.top"

static void put(const char *text, FILE *out)
{
	escape_put(text, ESCAPE_HTML, out);
}

static void put_rate(const json_t *value, FILE *out)
{
	char words[REPORT_WORDS_SIZE];

	fputs(report_rate(value, words), out);
}

static void put_share(const json_t *value, FILE *out)
{
	char words[REPORT_WORDS_SIZE];

	fputs(report_share(value, words), out);
}

static void put_time(int64_t epoch_s, FILE *out)
{
	char words[REPORT_WORDS_SIZE];

	fputs(report_time(epoch_s, words), out);
}

/* ---- tables ---- */

struct column {
	const char *title, *kind; /* class: n number, w words that may be broken */
};

static void table_begin(const char *caption, const struct column *columns, size_t count, FILE *out)
{
	fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", out);
	put(caption, out);
	fputs("\">\n<table><caption>", out);
	put(caption, out);
	fputs("</caption>\n<thead><tr>", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "<th scope=\"col\" class=\"%s\">%s</th>", columns[i].kind,
		    columns[i].title);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

static void cell(const char *kind, const char *text, FILE *out)
{
	fprintf(out, "<td class=\"%s\">", kind);
	put(text, out);
	fputs("</td>", out);
}

static void rate_cell(const json_t *value, FILE *out)
{
	fputs("<td class=\"n\">", out);
	put_rate(value, out);
	fputs("</td>", out);
}

static void share_cell(const json_t *value, FILE *out)
{
	fputs("<td class=\"n\">", out);
	put_share(value, out);
	fputs("</td>", out);
}

static void number_cell(const json_t *value, FILE *out)
{
	if (json_is_number(value))
		fprintf(out, "<td class=\"n\">%.6g</td>", json_number_value(value));
	else
		fputs("<td class=\"n dim\">unknown</td>", out);
}

/* ---- head ---- */

static void write_head(const json_t *document, FILE *out)
{
	char title[3 * REPORT_WORDS_SIZE];

	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
	      "<meta name=\"referrer\" content=\"no-referrer\"/>\n<title>",
	    out);
	put(report_title(document, title), out);
	fputs("</title>\n<style>\n" REPORT_STYLE "</style>\n</head>\n<body>\n", out);
	/* What is hatched in all pictures is drawn from here. */
	fputs(
	    "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" style=\"position:absolute\"><defs>"
	    "<pattern id=\"unknown\" width=\"6\" height=\"6\" "
	    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line "
	    "class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs></svg>\n",
	    out);
	fputs("<header><h1>", out);
	put(title, out);
	fputs("</h1>\n<p class=\"dim\">From ", out);
	put(report_string(document, "source"), out);
	fputs("; made ", out);
	put_time(report_integer(document, "created"), out);
	fputs(" by ", out);
	put(report_string(document, "program"), out);
	fputs(".</p></header>\n<main>\n", out);
}

static void fact(const char *name, const json_t *value, FILE *out)
{
	fprintf(out, "<div><dt>%s</dt><dd>", name);
	put_rate(value, out);
	fputs("</dd></div>\n", out);
}

static void write_facts(const json_t *document, FILE *out)
{
	const json_t *advice = report_at(document, "recommendation");

	fputs("<dl>\n", out);
	fact(
	    "between environments, mean", report_at(document, "traffic.octets_per_s_between"), out);
	fact("inside environments, mean", report_at(document, "traffic.octets_per_s_inside"), out);
	fprintf(out, "<div><dt>VMs, groups</dt><dd>%lld, %lld</dd></div>\n",
	    (long long)report_integer(document, "vms"),
	    (long long)report_integer(document, "groups.count"));
	fprintf(out, "<div><dt>known periods of %lld s</dt><dd>%lld of %lld</dd></div>\n",
	    (long long)report_integer(document, "window.period_s"),
	    (long long)report_integer(document, "window.periods_known"),
	    (long long)report_integer(document, "window.periods_wanted"));
	fputs("<div><dt>recommendation</dt><dd>", out);
	if (json_is_object(advice)) {
		fprintf(out, "%zu moves, ", json_array_size(json_object_get(advice, "moves")));
		put(report_string(advice, "state"), out);
	} else {
		fputs("none", out);
	}
	fputs("</dd></div>\n</dl>\n", out);
}

static void write_notes(const json_t *document, FILE *out)
{
	const json_t *notes = report_at(document, "notes"), *note;
	size_t i;

	if (json_array_size(notes) == 0)
		return;
	fputs("<ul class=\"dim\">\n", out);
	json_array_foreach(notes, i, note)
	{
		fputs("<li>", out);
		put(json_is_string(note) ? json_string_value(note) : "", out);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

/* ---- traffic over time ---- */

static void write_line_key(const json_t *series, const json_t *line, size_t i, FILE *out)
{
	const json_t *between = json_object_get(line, "between");
	char words[4 * REPORT_WORDS_SIZE];

	fprintf(out,
	    "<li><svg class=\"key\" width=\"34\" height=\"10\" aria-hidden=\"true\"><path "
	    "class=\"l%zu\" d=\"M0 5H34\"/></svg>",
	    i % PICTURE_COLOURS);
	if (json_array_size(between) == 2) {
		put(report_string(json_array_get(between, 0), ""), out);
		fputs(" and ", out);
		put(report_string(json_array_get(between, 1), ""), out);
	} else {
		fputs("all other pairs", out);
	}
	report_series_sentence(series, line, words, sizeof words);
	fprintf(out, ": %s</li>\n", words);
}

static void write_series(const json_t *document, FILE *out)
{
	const json_t *series = report_at(document, "between_environments");
	const json_t *lines = json_object_get(series, "lines"), *line;
	size_t i;

	fputs("<section><h2>Traffic between environments over time</h2>\n", out);
	if (json_array_size(lines) == 0) {
		fputs("<p>Unknown: fewer than two environments have VMs.</p></section>\n", out);
		return;
	}
	fputs("<figure><div class=\"scroll\">\n", out);
	picture_series(series, out);
	fputs("</div><figcaption><ul class=\"legend\">\n", out);
	json_array_foreach(lines, i, line) write_line_key(series, line, i, out);
	fputs(
	    "<li class=\"dim\">bar: <svg class=\"key\" width=\"14\" height=\"10\" "
	    "aria-hidden=\"true\"><rect class=\"k2\" width=\"14\" height=\"10\"/></svg>all known "
	    "<svg class=\"key\" width=\"14\" height=\"10\" aria-hidden=\"true\"><rect class=\"k1\" "
	    "width=\"14\" height=\"10\"/></svg>in part <svg class=\"key\" width=\"14\" "
	    "height=\"10\" aria-hidden=\"true\"><rect class=\"k0\" width=\"14\" "
	    "height=\"10\"/></svg>nothing known</li>\n</ul></figcaption></figure></section>\n",
	    out);
}

/* ---- the matrix ---- */

static void write_levels(const json_t *matrix, FILE *out)
{
	const double most = picture_most(matrix);

	fputs("<ul class=\"legend\">\n", out);
	for (int level = 1; level <= PICTURE_LEVELS; level++) {
		json_t *from = json_real(picture_level_from(level, most));

		fprintf(out,
		    "<li><svg class=\"key\" width=\"14\" height=\"14\" aria-hidden=\"true\"><rect "
		    "class=\"h%d\" width=\"14\" height=\"14\"/></svg>%s ",
		    level, level == 1 ? "above" : "from");
		put_rate(from, out);
		fputs("</li>\n", out);
		json_decref(from);
	}
	fputs("<li><svg class=\"key\" width=\"14\" height=\"14\" aria-hidden=\"true\"><rect "
	      "class=\"k0\" width=\"14\" height=\"14\"/></svg>receiver not known</li></ul>\n",
	    out);
}

static void write_matrix(const json_t *document, FILE *out)
{
	const json_t *matrix = report_at(document, "matrix");
	const char *of = report_string(matrix, "of");

	fputs("<section><h2>Who talks to whom</h2>\n", out);
	if (json_array_size(json_object_get(matrix, "cells")) == 0) {
		fputs("<p>Nothing is known of any VM in this window.</p></section>\n", out);
		return;
	}
	fputs("<figure><div class=\"scroll\">\n", out);
	picture_heat(matrix, out);
	fputs("</div><figcaption>Rows receive, columns send; mean octets per second over the "
	      "window. ",
	    out);
	if (strcmp(of, "vms") == 0)
		fputs("VMs of a group stand together, in a frame. ", out);
	else
		fprintf(out, "There are too many VMs for a row each: %lld are summed by %s. ",
		    (long long)report_integer(matrix, "summed_vms"),
		    strcmp(of, "groups") == 0 ? "group" : "application");
	if (strcmp(of, "vms") == 0 && report_integer(matrix, "summed_vms") > 0)
		fprintf(out, "The %lld VMs with least traffic are summed as \"others\". ",
		    (long long)report_integer(matrix, "summed_vms"));
	write_levels(matrix, out);
	fputs("</figcaption></figure></section>\n", out);
}

static void write_end(const json_t *pair, const char *key, const char *place, FILE *out)
{
	fputs("<td class=\"w\">", out);
	put(report_string(pair, key), out);
	if (report_string(pair, place)[0] != '\0') {
		fputs(" <span class=\"dim\">", out);
		put(report_string(pair, place), out);
		fputs("</span>", out);
	}
	fputs("</td>", out);
}

static void write_pairs(const json_t *document, FILE *out)
{
	static const struct column columns[] = {{"sender", "w"}, {"receiver", "w"}, {"octets", "n"},
	    {"packets/s", "n"}, {"known", "n"}};
	const json_t *top = report_at(document, PAIRS), *pair;
	char caption[REPORT_WORDS_SIZE];
	size_t i;

	snprintf(caption, sizeof caption, "The %zu pairs with most traffic, of %lld",
	    json_array_size(top), (long long)report_integer(document, "traffic.pairs"));
	fputs("<section><h2>Top pairs</h2>\n", out);
	table_begin(caption, columns, sizeof columns / sizeof *columns, out);
	json_array_foreach(top, i, pair)
	{
		fputs("<tr>", out);
		write_end(pair, "sender", "sender_environment", out);
		write_end(pair, "receiver", "receiver_environment", out);
		rate_cell(json_object_get(pair, "octets_per_s"), out);
		number_cell(json_object_get(pair, "packets_per_s"), out);
		share_cell(json_object_get(pair, "known"), out);
		fputs("</tr>\n", out);
	}
	table_end(out);
	fputs("<p class=\"dim\">From outside, to all, and other senders: ", out);
	put_rate(report_at(document, "traffic.octets_per_s_outside"), out);
	fputs(". Between VMs of which one's place is not known: ", out);
	put_rate(report_at(document, "traffic.octets_per_s_unplaced"), out);
	fputs(".</p></section>\n", out);
}

/* ---- groups ---- */

static void put_names(const json_t *names, FILE *out)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (i > 0)
			fputs(", ", out);
		put(report_string(name, json_is_object(name) ? "name" : ""), out);
	}
}

static void write_group(const json_t *group, const json_t *environments, FILE *out)
{
	const json_t *where = json_object_get(group, "environments"), *item;
	const size_t named = json_array_size(json_object_get(group, "members"));
	size_t i;

	fputs("<figure>\n", out);
	picture_group(group, environments, out);
	fprintf(out, "<figcaption><strong>Group %lld", (long long)report_integer(group, "number"));
	if (report_string(group, "application")[0] != '\0') {
		fputs(", ", out);
		put(report_string(group, "application"), out);
	}
	fputs("</strong>: ", out);
	put(report_string(group, "shape"), out);
	fprintf(out, " of %lld VMs, ", (long long)report_integer(group, "vms"));
	put_rate(json_object_get(group, "octets_per_s"), out);
	fputs(" inside. ", out);
	put_names(json_object_get(group, "members"), out);
	if (report_integer(group, "vms") > (int64_t)named)
		fprintf(out, " and %lld more",
		    (long long)(report_integer(group, "vms") - (int64_t)named));
	fputs(". Where: ", out);
	json_array_foreach(where, i, item)
	{
		const char *name = report_string(item, "name");

		fprintf(out,
		    "%s<svg class=\"key\" width=\"10\" height=\"10\" aria-hidden=\"true\"><circle "
		    "class=\"e%zu\" cx=\"5\" cy=\"5\" r=\"5\"/></svg>",
		    i > 0 ? ", " : "", picture_colour(environments, name));
		put(name[0] != '\0' ? name : "not known", out);
		fprintf(out, " %lld", (long long)report_integer(item, "vms"));
	}
	fputs(".</figcaption></figure>\n", out);
}

static void write_groups(const json_t *document, FILE *out)
{
	const json_t *groups = report_at(document, "groups.items"), *group;
	const int64_t count = report_integer(document, "groups.count");
	size_t i;

	fputs("<section><h2>Groups and their shapes</h2>\n", out);
	if (json_array_size(groups) == 0)
		fputs("<p>No VMs talk enough to each other to be a group.</p>\n", out);
	fputs("<div class=\"groups\">\n", out);
	json_array_foreach(groups, i, group)
	    write_group(group, report_at(document, "environments.items"), out);
	fputs("</div>\n", out);
	if (count > (int64_t)i)
		fprintf(out, "<p>%lld more groups are not shown.</p>\n",
		    (long long)count - (long long)i);
	if (json_array_size(report_at(document, "groups.hubs")) > 0) {
		fputs("<p>Shared services, in no group: ", out);
		put_names(report_at(document, "groups.hubs"), out);
		fputs(".</p>\n", out);
	}
	fprintf(out, "<p>In no group: %lld VMs",
	    (long long)report_integer(document, "groups.alone_vms"));
	if (json_array_size(report_at(document, "groups.alone")) > 0)
		fputs(": ", out);
	put_names(report_at(document, "groups.alone"), out);
	fputs(".</p></section>\n", out);
}

/* ---- environments ---- */

static void write_links(const json_t *document, FILE *out)
{
	static const struct column columns[] = {{"from", "w"}, {"to", "w"}, {"latency, ms", "n"},
	    {"bandwidth, MB/s", "n"}, {"price per GB", "n"}};
	static const char *const keys[] = {"latency_ms", "bandwidth_MBps", "price_per_GB"};
	const json_t *links = report_at(document, "environments.links"), *link;
	size_t i;

	if (json_array_size(links) == 0)
		return;
	table_begin("Links between environments", columns, sizeof columns / sizeof *columns, out);
	json_array_foreach(links, i, link)
	{
		fputs("<tr>", out);
		cell("w", report_string(link, "from"), out);
		cell("w", report_string(link, "to"), out);
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			number_cell(json_object_get(link, keys[k]), out);
		fputs("</tr>\n", out);
	}
	table_end(out);
}

static void write_environments(const json_t *document, FILE *out)
{
	static const struct column columns[] = {{"environment", "w"}, {"kind", "w"}, {"VMs", "n"},
	    {"vcpu", "n"}, {"per vcpu and hour", "n"}, {"per GiB and hour", "n"},
	    {"per VM and hour", "n"}};
	static const char *const keys[] = {
	    "vms", "vcpu", "price_vcpu_hour", "price_mem_GiB_hour", "price_vm_hour"};
	const json_t *items = report_at(document, "environments.items"), *item;
	const char *currency = report_string(document, "environments.currency");
	char caption[REPORT_WORDS_SIZE], words[REPORT_WORDS_SIZE];
	const int64_t as_of_s = report_integer(document, "environments.as_of");
	size_t i;

	fputs("<section><h2>Environments and prices</h2>\n", out);
	snprintf(caption, sizeof caption, "Prices in %.8s%s%s",
	    currency[0] != '\0' ? currency : "a currency that is not told",
	    as_of_s > 0 ? ", as of " : "", as_of_s > 0 ? report_time(as_of_s, words) : "");
	table_begin(caption, columns, sizeof columns / sizeof *columns, out);
	json_array_foreach(items, i, item)
	{
		fputs("<tr>", out);
		cell("w", report_string(item, "name"), out);
		cell("w",
		    json_is_true(json_object_get(item, "unlisted")) ? "not in the document"
								    : report_string(item, "kind"),
		    out);
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			number_cell(json_object_get(item, keys[k]), out);
		fputs("</tr>\n", out);
	}
	table_end(out);
	write_links(document, out);
	fputs("</section>\n", out);
}

/* ---- recommendations ---- */

static void place_cell(const json_t *place, FILE *out)
{
	fputs("<td class=\"w\">", out);
	put(report_string(place, "host"), out);
	fputs(" <span class=\"dim\">", out);
	put(report_string(place, "environment"), out);
	fputs("</span></td>", out);
}

static void write_moves(const json_t *advice, FILE *out)
{
	static const struct column columns[] = {
	    {"step", "n"}, {"VM", "w"}, {"from", "w"}, {"to", "w"}, {"why", "w"}};
	const json_t *moves = json_object_get(advice, "moves"), *move;
	size_t i;

	if (json_array_size(moves) == 0) {
		fputs("<p>Nothing worth moving was found.</p>\n", out);
		return;
	}
	table_begin("Recommended moves", columns, sizeof columns / sizeof *columns, out);
	json_array_foreach(moves, i, move)
	{
		fprintf(
		    out, "<tr><td class=\"n\">%lld</td>", (long long)report_integer(move, "step"));
		cell("w", report_string(move, "vm.name"), out);
		place_cell(json_object_get(move, "from"), out);
		place_cell(json_object_get(move, "to"), out);
		cell("w", report_string(move, "why"), out);
		fputs("</tr>\n", out);
	}
	table_end(out);
}

static void write_advice(const json_t *document, FILE *out)
{
	const json_t *advice = report_at(document, "recommendation");

	fputs("<section><h2>Recommendation</h2>\n", out);
	if (!json_is_object(advice)) {
		fputs("<p>There is none, or it is not known.</p></section>\n", out);
		return;
	}
	fputs("<p><span class=\"badge\">", out);
	put(report_string(advice, "state"), out);
	fputs("</span> ", out);
	put(report_string(advice, "id"), out);
	fputs(", made ", out);
	put_time(report_integer(advice, "created"), out);
	fputs(". Between environments: ", out);
	put_rate(report_at(advice, "before.inter_environment_octets_per_s"), out);
	fputs(" before, ", out);
	put_rate(report_at(advice, "after.inter_environment_octets_per_s"), out);
	fputs(" after.</p>\n", out);
	if (strcmp(report_string(advice, "status"), "infeasible") == 0) {
		fputs("<p>No placement keeps the rules: ", out);
		put(report_string(advice, "reason"), out);
		fputs("</p>\n", out);
	}
	write_moves(advice, out);
	fputs("</section>\n", out);
}

static void write_outcomes(const json_t *document, FILE *out)
{
	static const struct column columns[] = {
	    {"time", "w"}, {"event", "w"}, {"what", "w"}, {"recommendation", "w"}};
	const json_t *list = report_at(document, "outcomes"), *item, *event;
	char words[REPORT_WORDS_SIZE];
	size_t i, k;

	fputs("<section><h2>What became of recommendations</h2>\n", out);
	if (json_array_size(list) == 0) {
		fputs(json_is_array(list) ? "<p>Nothing happened in this window.</p></section>\n"
					  : "<p>Not known.</p></section>\n",
		    out);
		return;
	}
	table_begin("Events, the newest recommendation first", columns,
	    sizeof columns / sizeof *columns, out);
	json_array_foreach(list, i, item)
	{
		json_array_foreach(json_object_get(item, "events"), k, event)
		{
			fputs("<tr>", out);
			cell("w", report_time(report_integer(event, "time"), words), out);
			cell("w", report_string(event, "event"), out);
			cell("w", report_string(event, "text"), out);
			fputs("<td class=\"w dim\">", out);
			picture_put_short(report_string(item, "id"), 12, out);
			fputs("</td></tr>\n", out);
		}
	}
	table_end(out);
	fputs("</section>\n", out);
}

/* ---- completeness ---- */

static void write_completeness(const json_t *document, FILE *out)
{
	static const struct column columns[] = {{"receiver", "w"}, {"known", "n"}};
	const json_t *list = report_at(document, "completeness.incomplete"), *item;
	const char *caveats = report_string(document, "window.caveats");
	size_t i;

	fputs("<section><h2>How complete this is</h2>\n", out);
	fprintf(out,
	    "<p>%lld of %lld periods are known; %lld of %lld receivers lack some of the time; %lld "
	    "damaged archives are left out.</p>\n",
	    (long long)report_integer(document, "window.periods_known"),
	    (long long)report_integer(document, "window.periods_wanted"),
	    (long long)report_integer(document, "completeness.incomplete_receivers"),
	    (long long)report_integer(document, "completeness.receivers"),
	    (long long)report_integer(document, "completeness.damaged_archives"));
	if (caveats[0] != '\0') {
		fputs("<p>Marked by sensors: ", out);
		put(caveats, out);
		fputs(".</p>\n", out);
	}
	if (json_array_size(list) > 0) {
		table_begin("Receivers of which least is known", columns,
		    sizeof columns / sizeof *columns, out);
		json_array_foreach(list, i, item)
		{
			fputs("<tr>", out);
			cell("w", report_string(item, "name"), out);
			share_cell(json_object_get(item, "known"), out);
			fputs("</tr>\n", out);
		}
		table_end(out);
	}
	write_notes(document, out);
	fputs("</section>\n", out);
}

void report_write_html(const json_t *document, FILE *out)
{
	write_head(document, out);
	write_facts(document, out);
	write_series(document, out);
	write_matrix(document, out);
	write_pairs(document, out);
	write_groups(document, out);
	write_environments(document, out);
	write_advice(document, out);
	write_outcomes(document, out);
	write_completeness(document, out);
	fputs("</main>\n</body>\n</html>\n", out);
}
