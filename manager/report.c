/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/report.h"

#include "manager/explain.h"

#include <stdint.h>

#include <string.h>
#include <time.h>

static const char *time_text(int64_t epoch_s, char *out, size_t size)
{
	const time_t seconds = (time_t)epoch_s;
	struct tm parts;

	if (gmtime_r(&seconds, &parts) == NULL ||
	    strftime(out, size, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		snprintf(out, size, "%lld", (long long)epoch_s);
	return out;
}

static int64_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static void print_window(const json_t *document, FILE *out)
{
	const json_t *window = json_object_get(document, "window");
	const json_t *periods = json_object_get(document, "periods");
	const int64_t known = json_integer_value(json_array_get(periods, 0));
	const int64_t wanted = json_integer_value(json_array_get(periods, 1));
	char from[40], to[40];

	if (wanted == 0) {
		fprintf(out, "window          %g s\n", number(window, "length"));
		return;
	}
	fprintf(out, "window          %s to %s\n",
	    time_text(integer(window, "from"), from, sizeof from),
	    time_text(integer(window, "to"), to, sizeof to));
	fprintf(out, "known           %lld of %lld periods of %g s%s\n", (long long)known,
	    (long long)wanted, number(window, "length"),
	    json_is_true(json_object_get(document, "approximate")) ? ", the newest one estimated"
								   : "");
}

static void print_groups(const json_t *document, FILE *out)
{
	const json_t *groups = json_object_get(document, "groups");

	if (json_array_size(groups) == 0)
		fputs("groups          none\n", out);
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *names = json_object_get(group, "names");

		const char *application = string(group, "application");

		fprintf(out, "group %-9lld ",
		    json_is_integer(json_object_get(group, "number"))
			? (long long)integer(group, "number")
			: (long long)i + 1);
		if (application[0] != '\0')
			fprintf(out, "%s: ", application);
		for (size_t k = 0; k < json_array_size(names); k++)
			fprintf(out, "%s ", json_string_value(json_array_get(names, k)));
		fprintf(out, "(%s)\n", string(group, "shape"));
	}
}

static void print_place(const json_t *place, FILE *out)
{
	const char *host = string(place, "host");

	fprintf(out, "%s%s%s%s", host, host[0] != '\0' ? " (" : "", string(place, "environment"),
	    host[0] != '\0' ? ")" : "");
}

static void print_move(const json_t *move, FILE *out)
{
	const json_t *terms = json_object_get(move, "terms"),
		     *hazards = json_object_get(move, "hazards");
	char before[32], after[32];

	fprintf(out, "%3lld. %s: ", (long long)integer(move, "step"),
	    string(json_object_get(move, "vm"), "name"));
	print_place(json_object_get(move, "from"), out);
	fputs(" -> ", out);
	print_place(json_object_get(move, "to"), out);
	fprintf(out, "%s%s\n", json_is_true(json_object_get(move, "forced")) ? ", forced" : "",
	    json_is_true(json_object_get(move, "parking")) ? ", parking" : "");
	fprintf(out, "     %s\n", string(move, "why"));
	fprintf(out, "     between environments: %s -> %s\n",
	    explain_rate(
		number(terms, "inter_environment_octets_per_s_before"), before, sizeof before),
	    explain_rate(
		number(terms, "inter_environment_octets_per_s_after"), after, sizeof after));
	for (size_t i = 0; i < json_array_size(hazards); i++) {
		const json_t *hazard = json_array_get(hazards, i);

		if (strcmp(string(hazard, "state"), "clear") == 0)
			continue;
		fprintf(out, "     %s %s: %s\n", string(hazard, "kind"), string(hazard, "state"),
		    string(hazard, "text"));
	}
}

static void print_amount(const json_t *value, const char *unit, FILE *out)
{
	if (json_is_number(value))
		fprintf(out, ", %.5g %s", json_number_value(value), unit);
}

static void print_terms(const json_t *document, const char *key, const char *title, FILE *out)
{
	const json_t *terms = json_object_get(document, key);
	char rate[32];

	fprintf(out, "%s %s, %.0f packets/s between environments", title,
	    explain_rate(number(terms, "inter_environment_octets_per_s"), rate, sizeof rate),
	    number(terms, "inter_environment_packets_per_s"));
	print_amount(json_object_get(terms, "vm_hours_per_h"), "VM hours/h", out);
	print_amount(json_object_get(terms, "cost_per_h"),
	    string(document, "currency")[0] != '\0' ? string(document, "currency") : "cost", out);
	if (json_is_number(json_object_get(terms, "cost_per_h")))
		fputs("/h", out);
	print_amount(json_object_get(terms, "open_vcpu"), "vcpu open", out);
	fputc('\n', out);
}

/* When the moves have paid, and how much hangs on what is guessed. */
static void print_certainty(const json_t *document, FILE *out)
{
	const json_t *moving = json_object_get(document, "moving");
	const json_t *sensitivity = json_object_get(document, "sensitivity"), *item;
	size_t i;

	if (json_is_number(json_object_get(moving, "payback_h")))
		fprintf(out, "pays back       after %.3g h of %g h\n", number(moving, "payback_h"),
		    number(document, "horizon_h"));
	json_array_foreach(sensitivity, i, item) fprintf(out,
	    "%s%.4g VM hours/h if %.3g %% of the packets are waited for%s",
	    i == 0 ? "saves           " : ", ", number(item, "vm_hours_saved_per_h"),
	    100 * number(item, "waiting_share"), i + 1 == json_array_size(sensitivity) ? "\n" : "");
}

void report_print(const json_t *document, FILE *out)
{
	const json_t *moves = json_object_get(document, "moves");
	const json_t *notes = json_object_get(document, "notes");

	fprintf(out, "recommendation  %s, %s\n", string(document, "id"), string(document, "state"));
	print_window(document, out);
	print_groups(document, out);
	if (string(document, "objective")[0] != '\0')
		fprintf(out, "objective       %s\n", string(document, "objective"));
	print_terms(document, "before", "traffic now    ", out);
	if (strcmp(string(document, "status"), "infeasible") == 0)
		fprintf(out, "moves           none: no placement keeps the rules: %s\n",
		    string(document, "reason"));
	else if (json_array_size(moves) == 0)
		fputs("moves           none: nothing worth moving was found\n", out);
	else
		print_terms(document, "after", "traffic after  ", out);
	if (json_array_size(moves) > 0)
		print_certainty(document, out);
	for (size_t i = 0; i < json_array_size(moves); i++)
		print_move(json_array_get(moves, i), out);
	for (size_t i = 0; i < json_array_size(notes); i++)
		fprintf(out, "note            %s\n", json_string_value(json_array_get(notes, i)));
}
