/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/service_state.h"

#include "common/error.h"
#include "common/escape.h"
#include "manager/json_fields.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_LENGTH 9    /* "-3f9a1c2d" */
#define DETAILS_MOVES 10 /* moves told one by one */

const char *const service_level_names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

/* ---- names and lines ---- */

size_t service_cut_utf8(const char *text, size_t limit)
{
	size_t length = strlen(text);

	if (length <= limit)
		return length;
	length = limit;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

/* An arrow stays one. */
static char clean_character(char before, char c)
{
	static const char from[] = "|;\\<>`", to[] = "/,/()'";
	const char *found;

	found = c == '>' && before == '-' ? NULL : strchr(from, c);
	return found != NULL ? to[found - from] : c;
}

char *service_clean_text(const char *text, char *out, size_t size)
{
	size_t n = 0, i = 0;

	while (text[i] != '\0') {
		enum escape_character kind;
		const size_t length = escape_next(text + i, &kind);
		const size_t kept = kind == ESCAPE_GOOD ? length : 1;

		if (n + kept >= size)
			break;
		if (kind != ESCAPE_GOOD)
			out[n] = kind == ESCAPE_HIDDEN ? ' ' : '?';
		else if (length > 1)
			memcpy(out + n, text + i, length);
		else
			out[n] = clean_character(i > 0 ? text[i - 1] : ' ', text[i]);
		n += kept;
		i += length;
	}
	out[n] = '\0';
	return out;
}

static bool fits_name(char c)
{
	return isalnum((unsigned char)c) || strchr(" ._:/@+-", c) != NULL ||
	       (unsigned char)c >= 0x80;
}

/* FNV-1a; it tells names apart, it protects nothing. */
static uint32_t mark_of(const char *text)
{
	uint32_t mark = 0x811c9dc5u;

	for (; *text != '\0'; text++)
		mark = (mark ^ (uint8_t)*text) * 0x01000193u;
	return mark;
}

char *service_clean_name(const char *text, char *out, size_t size)
{
	char clean[SERVICE_NAME_SIZE];
	size_t n;

	service_clean_text(text, clean, size < sizeof clean ? size : sizeof clean);
	for (n = 0; clean[n] != '\0'; n++)
		if (!fits_name(clean[n]))
			clean[n] = '_';
	/* Monitoring systems trim blanks. */
	while (n > 0 && clean[n - 1] == ' ')
		clean[--n] = '\0';
	if (strcmp(clean, text) == 0 && n > 0 && clean[0] != ' ') {
		snprintf(out, size, "%s", clean);
		return out;
	}
	clean[service_cut_utf8(clean, size - 1 - MARK_LENGTH)] = '\0';
	for (n = 0; clean[n] == ' '; n++)
		clean[n] = '_';
	snprintf(out, size, "%s-%08" PRIx32, clean, mark_of(text));
	return out;
}

/* ---- what the document says ---- */

struct moves {
	size_t count, forced;
};

static bool move_concerns(const json_t *move, enum service_kind kind, const char *name)
{
	if (kind == SERVICE_OVERALL)
		return true;
	if (kind == SERVICE_APPLICATION)
		return strcmp(json_text_of(json_object_get(move, "vm"), "application"), name) == 0;
	return strcmp(json_text_of(json_object_get(move, "from"), "environment"), name) == 0 ||
	       strcmp(json_text_of(json_object_get(move, "to"), "environment"), name) == 0;
}

static struct moves count_moves(const json_t *document, enum service_kind kind, const char *name)
{
	struct moves moves = {0};
	const json_t *move;
	size_t i;

	json_array_foreach(json_object_get(document, "moves"), i, move)
	{
		if (!move_concerns(move, kind, name))
			continue;
		moves.count++;
		moves.forced += json_is_true(json_object_get(move, "forced")) ? 1 : 0;
	}
	return moves;
}

static void place_text(const json_t *place, char *out, size_t size)
{
	const char *host = json_text_of(place, "host");

	snprintf(out, size, "%.63s%s%.63s", json_text_of(place, "environment"),
	    host[0] != '\0' ? "/" : "", host);
}

/* Appends a whole line, cleaned; false when there is no room. */
static bool add_line(char *details, const char *line)
{
	const size_t used = strlen(details);
	char clean[400];

	service_clean_text(line, clean, sizeof clean);
	/* Room for the line that says what was left out. */
	if (used + strlen(clean) + 2 + 40 > SERVICE_DETAILS_SIZE)
		return false;
	snprintf(details + used, SERVICE_DETAILS_SIZE - used, "%s\n", clean);
	return true;
}

static void tell_moves(
    const json_t *document, enum service_kind kind, const char *name, size_t count, char *details)
{
	const json_t *move;
	size_t i, told = 0;

	json_array_foreach(json_object_get(document, "moves"), i, move)
	{
		char from[130], to[130], line[640];

		if (!move_concerns(move, kind, name))
			continue;
		place_text(json_object_get(move, "from"), from, sizeof from);
		place_text(json_object_get(move, "to"), to, sizeof to);
		snprintf(line, sizeof line, "step %lld: %.60s from %s to %s%s: %.120s",
		    (long long)json_integer_value(json_object_get(move, "step")),
		    json_text_of(json_object_get(move, "vm"), "name"), from, to,
		    json_is_true(json_object_get(move, "forced")) ? " (it must)" : "",
		    json_text_of(move, "why"));
		if (told == DETAILS_MOVES || !add_line(details, line))
			break;
		told++;
	}
	if (told < count) {
		const size_t used = strlen(details);

		snprintf(details + used, SERVICE_DETAILS_SIZE - used, "and %zu moves more\n",
		    count - told);
	}
}

/* ---- performance data ---- */

/* Traffic between environments now and as planned; NAN unknown. */
struct numbers {
	double before, after;
};

static const json_t *find_application(const json_t *document, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(document, "applications"), i,
	    entry) if (strcmp(json_text_of(entry, "application"), name) == 0) return entry;
	return NULL;
}

static struct numbers find_numbers(const json_t *document, enum service_kind kind, const char *name)
{
	const json_t *entry;

	if (kind == SERVICE_OVERALL)
		return (struct numbers){json_number_of(json_object_get(document, "before"),
					    "inter_environment_octets_per_s"),
		    json_number_of(
			json_object_get(document, "after"), "inter_environment_octets_per_s")};
	entry = kind == SERVICE_APPLICATION ? find_application(document, name) : NULL;
	return (struct numbers){json_number_of(entry, "inter_environment_octets_per_s_before"),
	    json_number_of(entry, "inter_environment_octets_per_s_after")};
}

static void put_number(char *out, const char *label, double value, const char *unit)
{
	const size_t used = strlen(out);

	if (isfinite(value) && value >= 0 && value < 1e18)
		snprintf(out + used, SERVICE_PERFDATA_SIZE - used, "%s%s=%.0f%s;;;0",
		    used > 0 ? " " : "", label, value, unit);
	else
		snprintf(
		    out + used, SERVICE_PERFDATA_SIZE - used, "%s%s=U", used > 0 ? " " : "", label);
}

/* known: false puts U everywhere, under the same labels. */
static void put_perfdata(struct service_state *state, const json_t *document,
    const struct numbers *numbers, const struct moves *moves, bool known)
{
	const json_t *periods = json_object_get(document, "periods");
	const double have = json_number_value(json_array_get(periods, 0));
	const double want = json_number_value(json_array_get(periods, 1));
	const double gain =
	    numbers->before > 0 ? 100 * (numbers->before - numbers->after) / numbers->before : NAN;

	state->perfdata[0] = '\0';
	put_number(state->perfdata, "inter_before", known ? numbers->before : NAN, "B");
	put_number(state->perfdata, "inter_after", known ? numbers->after : NAN, "B");
	put_number(state->perfdata, "moves", known ? (double)moves->count : NAN, "");
	put_number(state->perfdata, "forced", known ? (double)moves->forced : NAN, "");
	put_number(state->perfdata, "gain", known && isfinite(gain) ? fmax(gain, 0) : NAN, "%");
	put_number(state->perfdata, "known", known && want > 0 ? 100 * have / want : NAN, "%");
}

/* ---- one service ---- */

static void format_rate(double octets_per_s, char out[24])
{
	static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
	size_t unit = 0;

	if (!isfinite(octets_per_s)) {
		snprintf(out, 24, "unknown");
		return;
	}
	while (octets_per_s >= 1000 && unit + 1 < sizeof units / sizeof *units) {
		octets_per_s /= 1000;
		unit++;
	}
	snprintf(out, 24, octets_per_s < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", octets_per_s,
	    units[unit]);
}

/* Why nothing is known now; "" when it is. */
static const char *find_ignorance(const struct service_input *input, char reason[SERVICE_TEXT_SIZE])
{
	reason[0] = '\0';
	if (strcmp(input->input_state, "ok") != 0)
		snprintf(reason, SERVICE_TEXT_SIZE, "no plan: %.100s",
		    input->input_error[0] != '\0' ? input->input_error : "no input yet");
	else if (input->document == NULL)
		snprintf(reason, SERVICE_TEXT_SIZE, "there is no plan yet");
	else if (input->input_to_s > 0 && input->stale_s > 0 &&
		 input->now_s - input->input_to_s > input->stale_s)
		snprintf(reason, SERVICE_TEXT_SIZE, "the newest input is %" PRId64 " s old",
		    input->now_s - input->input_to_s);
	else if (strcmp(json_text_of(input->document, "state"), "expired") == 0)
		snprintf(reason, SERVICE_TEXT_SIZE, "no plan confirms the last recommendation");
	return reason;
}

static bool is_open(const json_t *document)
{
	const char *state = json_text_of(document, "state");

	return strcmp(state, "pending") == 0 || strcmp(state, "approved") == 0;
}

static void say(struct service_state *state, enum service_level level, const char *text)
{
	state->level = level;
	service_clean_text(text, state->text, sizeof state->text);
}

/* What a plan that stands says of moves. */
static void say_moves(struct service_state *state, const struct service_input *input,
    const struct numbers *numbers, const struct moves *moves)
{
	const bool failed = strcmp(json_text_of(input->document, "state"), "failed") == 0;
	char text[2 * SERVICE_TEXT_SIZE], before[24], after[24];

	format_rate(numbers->before, before);
	format_rate(numbers->after, after);
	if (failed && moves->count > 0)
		snprintf(text, sizeof text, "moves were carried out and one failed, id %.8s",
		    json_text_of(input->document, "id"));
	else if (moves->count == 0)
		snprintf(text, sizeof text, "nothing to move");
	else
		snprintf(text, sizeof text, "%zu move%s %s", moves->count,
		    moves->count == 1 ? "" : "s", json_text_of(input->document, "state"));
	if (!failed && moves->forced > 0)
		snprintf(text + strlen(text), sizeof text - strlen(text), ", %zu must be made",
		    moves->forced);
	if (!failed && isfinite(numbers->before))
		snprintf(text + strlen(text), sizeof text - strlen(text),
		    moves->count > 0 ? ", inter-site %s, then %s" : ", inter-site %s", before,
		    after);
	if (!failed && moves->count > 0)
		snprintf(text + strlen(text), sizeof text - strlen(text), ", id %.8s",
		    json_text_of(input->document, "id"));
	say(state,
	    moves->count == 0             ? SERVICE_OK
	    : failed || moves->forced > 0 ? SERVICE_CRITICAL
					  : SERVICE_WARNING,
	    text);
}

/* name: as the document has it. */
static void fill_state(struct service_state *state, const struct service_input *input,
    enum service_kind kind, const char *name)
{
	static const char *const prefixes[] = {"recommendation", "application ", "site "};
	const json_t *document = input->document;
	char reason[SERVICE_TEXT_SIZE], clean[SERVICE_NAME_SIZE - 16];
	struct numbers numbers = find_numbers(document, kind, name);
	struct moves moves = {0};
	const bool failed = strcmp(json_text_of(document, "state"), "failed") == 0;

	state->kind = kind;
	snprintf(state->name, sizeof state->name, "%s%s", prefixes[kind],
	    kind != SERVICE_OVERALL ? service_clean_name(name, clean, sizeof clean) : "");
	if (is_open(document) || failed)
		moves = count_moves(document, kind, name);
	find_ignorance(input, reason);
	put_perfdata(state, document, &numbers, &moves, reason[0] == '\0');
	if (reason[0] != '\0') {
		say(state, SERVICE_UNKNOWN, reason);
	} else if (strcmp(json_text_of(document, "status"), "infeasible") == 0) {
		snprintf(reason, sizeof reason, "no placement keeps the rules: %.80s",
		    json_text_of(document, "reason"));
		say(state, kind == SERVICE_OVERALL ? SERVICE_CRITICAL : SERVICE_UNKNOWN, reason);
	} else {
		say_moves(state, input, &numbers, &moves);
		tell_moves(document, kind, name, moves.count, state->details);
	}
}

/* ---- which services there are ---- */

struct names {
	const char **items; /* borrowed from the documents */
	size_t count, capacity;
	bool failed;
};

static void add_name(struct names *names, const char *name)
{
	if (name[0] == '\0' || names->failed)
		return;
	if (names->count == names->capacity) {
		const size_t capacity = names->capacity * 2 + 64;
		const char **items = realloc(names->items, capacity * sizeof *items);

		if (items == NULL) {
			names->failed = true;
			return;
		}
		names->items = items;
		names->capacity = capacity;
	}
	names->items[names->count++] = name;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_names(struct names *names)
{
	size_t kept = 0;

	if (names->count == 0)
		return;
	qsort(names->items, names->count, sizeof *names->items, compare_names);
	for (size_t i = 0; i < names->count; i++)
		if (kept == 0 || strcmp(names->items[kept - 1], names->items[i]) != 0)
			names->items[kept++] = names->items[i];
	names->count = kept;
}

static void collect_applications(const struct service_input *input, struct names *names)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(input->document, "applications"), i, entry)
	    add_name(names, json_text_of(entry, "application"));
	json_array_foreach(json_object_get(input->document, "moves"), i, entry)
	    add_name(names, json_text_of(json_object_get(entry, "vm"), "application"));
	sort_names(names);
}

static void collect_sites(const struct service_input *input, struct names *names)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(input->environments, "environments"), i, entry)
	    add_name(names, json_text_of(entry, "name"));
	json_array_foreach(json_object_get(input->document, "moves"), i, entry)
	{
		add_name(names, json_text_of(json_object_get(entry, "from"), "environment"));
		add_name(names, json_text_of(json_object_get(entry, "to"), "environment"));
	}
	sort_names(names);
}

static void add_services(struct service_states *states, const struct service_input *input,
    enum service_kind kind, const struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (states->count < SERVICES_MAX)
			fill_state(&states->items[states->count++], input, kind, names->items[i]);
		else
			states->left_out++;
}

static void say_left_out(struct service_states *states)
{
	char line[160];

	if (states->left_out == 0)
		return;
	snprintf(line, sizeof line,
	    "%zu applications and sites have no service of their own: %d are the most",
	    states->left_out, SERVICES_MAX);
	/* Before the moves, so that there is room for it. */
	snprintf(states->items[0].details, SERVICE_DETAILS_SIZE, "%s\n", line);
}

int service_states_make(const struct service_input *input, struct service_states *out)
{
	struct names applications = {0}, sites = {0};

	*out = (struct service_states){0};
	out->items = calloc(SERVICES_MAX, sizeof *out->items);
	collect_applications(input, &applications);
	collect_sites(input, &sites);
	if (out->items != NULL && !applications.failed && !sites.failed) {
		fill_state(&out->items[out->count++], input, SERVICE_OVERALL, "");
		add_services(out, input, SERVICE_APPLICATION, &applications);
		add_services(out, input, SERVICE_SITE, &sites);
		say_left_out(out);
	}
	free(applications.items);
	free(sites.items);
	if (out->count > 0)
		return GRAPPE_OK;
	service_states_deinit(out);
	return GRAPPE_EMEMORY;
}

void service_states_deinit(struct service_states *states)
{
	free(states->items);
	*states = (struct service_states){0};
}
