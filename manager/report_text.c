/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/escape.h"
#include "manager/report_write.h"

#include <string.h>

#define PUT(text) escape_put((text), ESCAPE_PLAIN, out)

static void heading(const char *title, FILE *out)
{
	fprintf(out, "\n%s\n", title);
	for (size_t i = strlen(title); i > 0; i--)
		fputc('-', out);
	fputc('\n', out);
}

static void put_share(const json_t *value, FILE *out)
{
	char words[REPORT_WORDS_SIZE];

	fputs(report_share(value, words), out);
}

static void put_rate(const json_t *value, FILE *out)
{
	char words[REPORT_WORDS_SIZE];

	fputs(report_rate(value, words), out);
}

static void put_names(const json_t *names, FILE *out)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *text =
		    json_string_value(json_is_object(name) ? json_object_get(name, "name") : name);

		fputc(' ', out);
		PUT(text != NULL ? text : "?");
	}
}

/* A name with its environment behind it, when that is known. */
static void put_end(const json_t *pair, const char *key, const char *place, FILE *out)
{
	PUT(report_string(pair, key));
	if (report_string(pair, place)[0] == '\0')
		return;
	fputs(" (", out);
	PUT(report_string(pair, place));
	fputc(')', out);
}

/* ---- the parts ---- */

static void print_head(const json_t *document, FILE *out)
{
	char title[3 * REPORT_WORDS_SIZE];
	const json_t *note;
	size_t i;

	fprintf(out, "%s\n", report_title(document, title));
	for (size_t k = strlen(title); k > 0; k--)
		fputc('=', out);
	fputs("\nfrom            ", out);
	PUT(report_string(document, "source"));
	fprintf(out,
	    "\nknown           %lld of %lld periods of %lld s; %lld of %lld receivers lack "
	    "some of the time\n",
	    (long long)report_integer(document, "window.periods_known"),
	    (long long)report_integer(document, "window.periods_wanted"),
	    (long long)report_integer(document, "window.period_s"),
	    (long long)report_integer(document, "completeness.incomplete_receivers"),
	    (long long)report_integer(document, "completeness.receivers"));
	if (report_string(document, "window.caveats")[0] != '\0') {
		fputs("marked          ", out);
		PUT(report_string(document, "window.caveats"));
		fputc('\n', out);
	}
	json_array_foreach(report_at(document, "notes"), i, note)
	{
		fputs("note            ", out);
		PUT(json_is_string(note) ? json_string_value(note) : "?");
		fputc('\n', out);
	}
}

static void print_traffic(const json_t *document, FILE *out)
{
	static const struct {
		const char *title, *path;
	} sums[] = {{"between environments", "traffic.octets_per_s_between"},
	    {"inside them", "traffic.octets_per_s_inside"},
	    {"of VMs whose place is not known", "traffic.octets_per_s_unplaced"},
	    {"from outside, to all and other", "traffic.octets_per_s_outside"}};
	const json_t *pair;
	size_t i;

	heading("Traffic (mean over the window)", out);
	for (i = 0; i < sizeof sums / sizeof *sums; i++) {
		fprintf(out, "%-34s", sums[i].title);
		put_rate(report_at(document, sums[i].path), out);
		fputc('\n', out);
	}
	heading("Top pairs (sender -> receiver)", out);
	json_array_foreach(report_at(document, "traffic.top"), i, pair)
	{
		fprintf(out, "%3zu. ", i + 1);
		put_end(pair, "sender", "sender_environment", out);
		fputs(" -> ", out);
		put_end(pair, "receiver", "receiver_environment", out);
		fputs(": ", out);
		put_rate(json_object_get(pair, "octets_per_s"), out);
		fprintf(out, ", %.4g packets/s, known ",
		    json_number_value(json_object_get(pair, "packets_per_s")));
		put_share(json_object_get(pair, "known"), out);
		fputc('\n', out);
	}
	if (i == 0)
		fputs("none\n", out);
	else
		fprintf(out, "%zu of %lld pairs\n", i,
		    (long long)report_integer(document, "traffic.pairs"));
}

static void print_groups(const json_t *document, FILE *out)
{
	const json_t *group;
	size_t i;

	heading("Groups", out);
	json_array_foreach(report_at(document, "groups.items"), i, group)
	{
		fprintf(out, "group %lld, ", (long long)report_integer(group, "number"));
		PUT(report_string(group, "shape"));
		fprintf(out, " of %lld VMs", (long long)report_integer(group, "vms"));
		if (report_string(group, "application")[0] != '\0') {
			fputs(", application ", out);
			PUT(report_string(group, "application"));
		}
		fputs(", ", out);
		put_rate(json_object_get(group, "octets_per_s"), out);
		fputs(" inside:", out);
		put_names(json_object_get(group, "members"), out);
		fputc('\n', out);
	}
	if (i == 0)
		fputs("none\n", out);
	if (json_array_size(report_at(document, "groups.hubs")) > 0) {
		fputs("shared services:", out);
		put_names(report_at(document, "groups.hubs"), out);
		fputc('\n', out);
	}
	fprintf(out, "in no group: %lld VMs\n",
	    (long long)report_integer(document, "groups.alone_vms"));
}

static void print_series(const json_t *document, FILE *out)
{
	const json_t *series = report_at(document, "between_environments"), *line;
	char words[4 * REPORT_WORDS_SIZE];
	size_t i;

	heading("Traffic between environments over time", out);
	json_array_foreach(json_object_get(series, "lines"), i, line)
	{
		const json_t *between = json_object_get(line, "between");

		if (json_array_size(between) == 2) {
			PUT(report_string(json_array_get(between, 0), ""));
			fputs(" and ", out);
			PUT(report_string(json_array_get(between, 1), ""));
		} else {
			fputs("all others", out);
		}
		report_series_sentence(series, line, words, sizeof words);
		fprintf(out, ": %s\n", words);
	}
	if (i == 0)
		fputs("unknown: fewer than two environments have VMs\n", out);
}

static void put_price(const json_t *item, const char *key, const char *unit, FILE *out)
{
	const json_t *value = json_object_get(item, key);

	if (json_is_number(value))
		fprintf(out, ", %.6g %s", json_number_value(value), unit);
}

static void print_environments(const json_t *document, FILE *out)
{
	const json_t *item;
	size_t i;

	heading("Environments", out);
	json_array_foreach(report_at(document, "environments.items"), i, item)
	{
		PUT(report_string(item, "name"));
		fprintf(out, ": %lld VMs", (long long)report_integer(item, "vms"));
		put_price(item, "price_vcpu_hour", "per vcpu and hour", out);
		put_price(item, "price_mem_GiB_hour", "per GiB and hour", out);
		put_price(item, "price_vm_hour", "per VM and hour", out);
		fputs(json_is_true(json_object_get(item, "unlisted"))
			  ? ", not in the environment document\n"
			  : "\n",
		    out);
	}
	if (i == 0)
		fputs("none known\n", out);
	json_array_foreach(report_at(document, "environments.links"), i, item)
	{
		PUT(report_string(item, "from"));
		fputs(" to ", out);
		PUT(report_string(item, "to"));
		fputs(": link", out);
		put_price(item, "latency_ms", "ms", out);
		put_price(item, "bandwidth_MBps", "MB/s", out);
		put_price(item, "price_per_GB", "per GB", out);
		fputc('\n', out);
	}
	if (report_string(document, "environments.currency")[0] != '\0') {
		fputs("prices in ", out);
		PUT(report_string(document, "environments.currency"));
		fputc('\n', out);
	}
}

static void print_recommendation(const json_t *document, FILE *out)
{
	const json_t *advice = report_at(document, "recommendation"), *move;
	char words[REPORT_WORDS_SIZE];
	size_t i;

	heading("Recommendation", out);
	if (!json_is_object(advice)) {
		fputs("none\n", out);
		return;
	}
	PUT(report_string(advice, "id"));
	fputs(", ", out);
	PUT(report_string(advice, "state"));
	fprintf(out, ", made %s\n", report_time(report_integer(advice, "created"), words));
	fputs("between environments: ", out);
	put_rate(report_at(advice, "before.inter_environment_octets_per_s"), out);
	fputs(" -> ", out);
	put_rate(report_at(advice, "after.inter_environment_octets_per_s"), out);
	fputc('\n', out);
	json_array_foreach(json_object_get(advice, "moves"), i, move)
	{
		fprintf(out, "%3lld. ", (long long)report_integer(move, "step"));
		PUT(report_string(move, "vm.name"));
		fputs(": ", out);
		put_end(move, "from.environment", "from.host", out);
		fputs(" -> ", out);
		put_end(move, "to.environment", "to.host", out);
		fputs("\n     ", out);
		PUT(report_string(move, "why"));
		fputc('\n', out);
	}
	if (i == 0)
		fputs("no moves\n", out);
}

static void print_outcomes(const json_t *document, FILE *out)
{
	const json_t *item, *event;
	char words[REPORT_WORDS_SIZE];
	size_t i, k;

	heading("What became of recommendations", out);
	json_array_foreach(report_at(document, "outcomes"), i, item)
	{
		PUT(report_string(item, "id")[0] != '\0' ? report_string(item, "id") : "(none)");
		fputc('\n', out);
		json_array_foreach(json_object_get(item, "events"), k, event)
		{
			fprintf(out, "    %s  ", report_time(report_integer(event, "time"), words));
			PUT(report_string(event, "event"));
			fputs("  ", out);
			PUT(report_string(event, "text"));
			fputc('\n', out);
		}
	}
	if (i == 0)
		fputs(report_at(document, "outcomes") == NULL ||
			      json_is_null(report_at(document, "outcomes"))
			  ? "unknown\n"
			  : "nothing happened in this window\n",
		    out);
}

static void print_completeness(const json_t *document, FILE *out)
{
	const json_t *item;
	size_t i;

	heading("What is missing", out);
	json_array_foreach(report_at(document, "completeness.incomplete"), i, item)
	{
		PUT(report_string(item, "name"));
		fputs(": known ", out);
		put_share(json_object_get(item, "known"), out);
		fputc('\n', out);
	}
	fprintf(out, "%lld of %lld receivers lack some of the time; %lld damaged archives\n",
	    (long long)report_integer(document, "completeness.incomplete_receivers"),
	    (long long)report_integer(document, "completeness.receivers"),
	    (long long)report_integer(document, "completeness.damaged_archives"));
}

void report_write_text(const json_t *document, FILE *out)
{
	print_head(document, out);
	print_traffic(document, out);
	print_series(document, out);
	print_groups(document, out);
	print_environments(document, out);
	print_recommendation(document, out);
	print_outcomes(document, out);
	print_completeness(document, out);
}
