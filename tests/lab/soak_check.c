/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares archives with the truth of soak_truth.h. */
#include "common/error.h"
#include "rrd/archive_path.h"
#include "rrd/archive_read.h"
#include "rrd/rrdfile.h"
#include "tests/lab/soak_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_S (FLEET_LENGTH_MS / 1000)
#define SENDERS (FLEET_GROUP + 3) /* the group, then: */
#define AT_EXTERNAL FLEET_GROUP
#define AT_MULTICAST (FLEET_GROUP + 1)
#define AT_ENDPOINT (FLEET_GROUP + 2)
#define ENDPOINT SENDER_ENDPOINT FLEET_ENDPOINT_NAME
#define HOSTS_MAX 16 /* agents that tell of one receiver in one period */
#define FREE_MAX 12  /* of them, whose part may be there or not */
#define SAID_MAX 20  /* faults that are told */
#define UNIT 0.01    /* counts are the same when they differ by less */
#define SHARE 1e-6

/* What one receiver got in one period. */
struct cell {
	double packets[SENDERS], octets[SENDERS];
	double covered;
};

/* One receiver's archives; of the endpoint's, what one group of VMs sent to it. */
struct record {
	struct truth *truth;
	struct truth_sums *sums;
	const char *folder;
	bool endpoint;
	int vm; /* the receiver, or with `endpoint` the first of the group */
	int64_t from_s, to_s;
	struct cell *cells; /* by number of the period */
	bool *known;
};

/* An agent that watched the receiver in the period. */
struct host {
	int agent;
	const struct part *part;
	struct cell counts;
};

static const char *receiver_of(const struct record *record)
{
	return record->endpoint ? ENDPOINT : fleet_vm_id(record->vm);
}

static int sender_of(const struct record *record, int at)
{
	static const int others[] = {[AT_EXTERNAL - FLEET_GROUP] = FLEET_EXTERNAL,
	    [AT_MULTICAST - FLEET_GROUP] = FLEET_MULTICAST,
	    [AT_ENDPOINT - FLEET_GROUP] = FLEET_ENDPOINT};

	return at < FLEET_GROUP ? record->vm / FLEET_GROUP * FLEET_GROUP + at
				: others[at - FLEET_GROUP];
}

static const char *sender_id(const struct record *record, int at)
{
	static const char *const others[] = {[AT_EXTERNAL - FLEET_GROUP] = SENDER_EXTERNAL,
	    [AT_MULTICAST - FLEET_GROUP] = SENDER_MULTICAST,
	    [AT_ENDPOINT - FLEET_GROUP] = ENDPOINT};

	return at < FLEET_GROUP ? fleet_vm_id(sender_of(record, at)) : others[at - FLEET_GROUP];
}

/* How many senders it may have, from the first on. */
static int senders_of(const struct record *record)
{
	return record->endpoint ? FLEET_GROUP : SENDERS;
}

static void __attribute__((format(printf, 2, 3)))
fault(const struct record *record, const char *format, ...)
{
	va_list arguments;

	if (record->sums->wrong++ >= SAID_MAX)
		return;
	printf("WRONG  %s, ", receiver_of(record));
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

/* ---- reading ---- */

static int64_t number_of(const struct record *record, int64_t end_s)
{
	return (end_s - fleet_config(record->truth->fleet)->start_s) / LENGTH_S;
}

static bool read_coverage(struct record *record, struct archive_reader *reader)
{
	struct archive_rows rows;
	const int rc = archive_read_coverage(
	    reader, receiver_of(record), record->from_s, record->to_s, true, &rows);

	if (rc != GRAPPE_OK) {
		fault(record, "its coverage cannot be read: %s", error_text(rc));
		return false;
	}
	for (size_t i = 0; i < rows.count; i++) {
		const int64_t number = number_of(record, rows.rows[i].end_s);

		record->known[number] = rows.rows[i].known > 0;
		record->cells[number].covered = rows.rows[i].covered;
	}
	archive_rows_deinit(&rows);
	return true;
}

static void read_pair(struct record *record, struct archive_reader *reader, int at)
{
	struct archive_rows rows;
	const int rc = archive_read_pair(reader, receiver_of(record), sender_id(record, at),
	    record->from_s, record->to_s, true, &rows);

	if (rc != GRAPPE_OK) {
		fault(record, "what it got from %s cannot be read: %s", sender_id(record, at),
		    error_text(rc));
		return;
	}
	for (size_t i = 0; i < rows.count; i++) {
		struct cell *cell = &record->cells[number_of(record, rows.rows[i].end_s)];

		cell->packets[at] = rows.rows[i].packets;
		cell->octets[at] = rows.rows[i].octets;
		record->sums->packets += rows.rows[i].known > 0 ? rows.rows[i].packets : 0;
	}
	archive_rows_deinit(&rows);
}

/* Nobody but those of the group, `external` and `multicast` may have an archive. */
static void look_for_strangers(struct record *record, struct archive_reader *reader)
{
	struct archive_names names;

	if (archive_read_senders(reader, receiver_of(record), &names) != GRAPPE_OK)
		return;
	for (size_t i = 0; i < names.count; i++) {
		bool expected = false;

		for (int at = 0; at < senders_of(record) && !expected; at++)
			expected = strcmp(names.ids[i], sender_id(record, at)) == 0;
		if (!expected)
			fault(record, "has an archive of %s, who never sent to it", names.ids[i]);
	}
	archive_names_deinit(&names);
}

/* ---- single periods ---- */

/* What the agent has of the receiver in this period; false: nothing. */
static bool read_part(const struct record *record, int agent, int64_t number, struct cell *cell)
{
	const struct fleet *fleet = record->truth->fleet;
	const int64_t covered_ms = fleet_covered_ms(fleet, agent, number, record->vm);
	struct fleet_span held;

	*cell = (struct cell){.covered = (double)covered_ms / FLEET_LENGTH_MS};
	if (record->endpoint) /* each agent is an equal share of what can be known */
		cell->covered =
		    fleet_held(fleet, agent, number, &held) ? 1.0 / fleet_config(fleet)->agents : 0;
	for (int at = 0; cell->covered > 0 && at < senders_of(record); at++) {
		const int sender = sender_of(record, at);
		const struct fleet_count sum =
		    record->endpoint ? fleet_sent(fleet, agent, number, sender)
				     : fleet_count(fleet, agent, number, record->vm, sender);

		cell->packets[at] = (double)sum.packets;
		cell->octets[at] = (double)sum.octets;
	}
	return cell->covered > 0;
}

static size_t find_hosts(const struct record *record, int64_t number, struct host hosts[HOSTS_MAX])
{
	const int agents = fleet_config(record->truth->fleet)->agents;
	size_t count = 0;

	for (int a = 0; a < agents; a++) {
		struct cell cell;

		if (!read_part(record, a, number, &cell))
			continue;
		if (count == HOSTS_MAX)
			abort();
		hosts[count++] = (struct host){
		    .agent = a, .part = truth_part(record->truth, a, number), .counts = cell};
	}
	return count;
}

/* Whether the inventory that tells the sender's address had to be there. */
static bool is_resolved(const struct record *record, int64_t number, int at)
{
	const struct truth *truth = record->truth;

	if (at >= FLEET_GROUP || record->endpoint)
		return true;
	for (int a = 0; a < fleet_config(truth->fleet)->agents; a++)
		if (truth_part(truth, a, number)->must &&
		    fleet_covered_ms(truth->fleet, a, number, sender_of(record, at)) > 0)
			return true;
	return false;
}

static bool same(double a, double b)
{
	return fabs(a - b) < UNIT;
}

/* Whether the cell is the wished sum; who could not be resolved may be under `external`. */
static bool is_sum(const struct record *record, int64_t number, struct cell wanted)
{
	const struct cell *got = &record->cells[number];

	for (int at = 0; at < SENDERS; at++) {
		if (at == AT_EXTERNAL || (same(got->packets[at], wanted.packets[at]) &&
					     same(got->octets[at], wanted.octets[at])))
			continue;
		if (!same(got->packets[at], 0) || !same(got->octets[at], 0) ||
		    is_resolved(record, number, at))
			return false;
		wanted.packets[AT_EXTERNAL] += wanted.packets[at];
		wanted.octets[AT_EXTERNAL] += wanted.octets[at];
	}
	if (wanted.covered > 0.999 - SHARE)
		wanted.covered = got->covered == 1 ? 1 : wanted.covered;
	return same(got->packets[AT_EXTERNAL], wanted.packets[AT_EXTERNAL]) &&
	       same(got->octets[AT_EXTERNAL], wanted.octets[AT_EXTERNAL]) &&
	       fabs(got->covered - wanted.covered) < SHARE;
}

static void add_part(struct cell *sum, const struct cell *part)
{
	for (int at = 0; at < SENDERS; at++) {
		sum->packets[at] += part->packets[at];
		sum->octets[at] += part->octets[at];
	}
	sum->covered += part->covered;
}

/* Whether the cell is a sum that may be: of all hosts whose part must be there and any of those
 * whose part may. *parts: of how many. */
static bool find_sum(const struct record *record, int64_t number, const struct host *hosts,
    size_t count, unsigned *parts)
{
	const struct host *free_ones[FREE_MAX];
	struct cell least = {0};
	unsigned musts = 0, nfree = 0;

	for (size_t i = 0; i < count; i++) {
		if (hosts[i].part->must && hosts[i].part->may) {
			add_part(&least, &hosts[i].counts);
			musts++;
		} else if (hosts[i].part->may && nfree < FREE_MAX) {
			free_ones[nfree++] = &hosts[i];
		}
	}
	for (unsigned set = 0; set < 1u << nfree; set++) {
		struct cell sum = least;

		*parts = musts;
		for (unsigned i = 0; i < nfree; i++) {
			if (!(set >> i & 1))
				continue;
			add_part(&sum, &free_ones[i]->counts);
			++*parts;
		}
		if (*parts > 0 && is_sum(record, number, sum))
			return true;
	}
	return false;
}

static void say_cell(const struct record *record, int64_t number, const struct host *hosts,
    size_t count, const char *what)
{
	const struct cell *got = &record->cells[number];
	char text[1024] = "";
	size_t length = 0;

	for (size_t i = 0; i < count && length < sizeof text; i++)
		length += (size_t)snprintf(text + length, sizeof text - length,
		    "; agent %d %s: %.3f of it, %.0f %.0f %.0f %.0f ext %.0f mc %.0f",
		    hosts[i].agent,
		    hosts[i].part->must  ? "must"
		    : hosts[i].part->may ? "may"
					 : "cannot",
		    hosts[i].counts.covered, hosts[i].counts.packets[0], hosts[i].counts.packets[1],
		    hosts[i].counts.packets[2], hosts[i].counts.packets[3],
		    hosts[i].counts.packets[4], hosts[i].counts.packets[5]);
	fault(record,
	    "period %" PRId64 " %s: got %.3f of it, %.0f %.0f %.0f %.0f ext %.0f mc %.0f%s", number,
	    what, got->covered, got->packets[0], got->packets[1], got->packets[2], got->packets[3],
	    got->packets[4], got->packets[5], text);
}

static void check_cell(struct record *record, int64_t number)
{
	struct host hosts[HOSTS_MAX];
	const size_t count = find_hosts(record, number, hosts);
	bool must = false, may = false;
	unsigned parts;

	for (size_t i = 0; i < count; i++) {
		must = must || hosts[i].part->must;
		may = may || hosts[i].part->may;
	}
	if (!record->known[number]) {
		if (must)
			say_cell(record, number, hosts, count, "is unknown");
		record->sums->unknown += !must && may;
		record->sums->lost += !must && !may && count > 0 && number >= record->truth->first;
		return;
	}
	if (find_sum(record, number, hosts, count, &parts)) {
		record->sums->right += must;
		record->sums->lucky += !must;
		record->sums->shared += must && parts > 1 && !record->endpoint;
		return;
	}
	say_cell(record, number, hosts, count, "is wrong");
}

/* ---- consolidated rows ---- */

struct level {
	struct archive_level of;
	int64_t from_s; /* end of the time before its first row */
	size_t rows;
	double *known; /* periods of each row */
};

/* The sum of single periods within a row; at: a sender, or -1 for the number of known periods. */
static double sum_row(
    const struct record *record, const struct level *level, size_t row, int at, bool octets)
{
	const int64_t length_s = level->of.resolution_s;
	int64_t number = number_of(record, level->from_s + (int64_t)row * length_s) + 1;
	const int64_t last = number + length_s / LENGTH_S - 1;
	double sum = 0;

	for (number = number < 1 ? 1 : number; number <= last && number <= record->truth->last;
	     number++) {
		const struct cell *cell = &record->cells[number];

		if (record->known[number])
			sum += at < 0 ? 1 : octets ? cell->octets[at] : cell->packets[at];
	}
	return sum;
}

static void check_known_rows(
    struct record *record, struct level *level, const char *path, const struct rrdfile_head *head)
{
	const int64_t length_s = level->of.resolution_s;
	double(*values)[2];

	level->from_s = record->from_s - record->from_s % length_s;
	level->rows = (size_t)((head->last_s - level->from_s) / length_s);
	level->known = calloc(level->rows + 1, sizeof *level->known);
	values = calloc(level->rows + 1, sizeof *values);
	if (level->known == NULL || values == NULL)
		abort();
	if (level->rows > 0 &&
	    rrdfile_fetch(path, length_s, level->from_s,
		level->from_s + (int64_t)level->rows * length_s, values) != GRAPPE_OK)
		fault(record, "rows of %" PRId64 " s of its coverage cannot be read", length_s);
	for (size_t row = 0; row < level->rows; row++) {
		const double got =
		    isnan(values[row][0]) ? 0 : values[row][0] * (double)(length_s / LENGTH_S);

		level->known[row] = sum_row(record, level, row, -1, false);
		record->sums->rows++;
		if (!same(got, level->known[row]))
			fault(record, "row %zu of %" PRId64 " s knows %.3f periods instead of %.0f",
			    row, length_s, got, level->known[row]);
	}
	free(values);
}

static void check_pair_rows(struct record *record, const struct level *level, int at)
{
	const int64_t length_s = level->of.resolution_s;
	struct rrdfile_head head;
	double(*values)[2];
	char path[PATH_MAX];
	size_t rows;

	if (archive_path_pair(path, record->folder, receiver_of(record), sender_id(record, at)) !=
		GRAPPE_OK ||
	    rrdfile_read_head(path, RRDFILE_PAIR, &head) != GRAPPE_OK)
		return; /* it never sent: single periods have told */
	/* What comes after its last traffic is told with the next one. */
	rows = head.last_s > level->from_s ? (size_t)((head.last_s - level->from_s) / length_s) : 0;
	values = calloc(rows + 1, sizeof *values);
	if (values == NULL)
		abort();
	if (rows > 0 && rrdfile_fetch(path, length_s, level->from_s,
			    level->from_s + (int64_t)rows * length_s, values) != GRAPPE_OK)
		fault(record, "rows of %" PRId64 " s of %s cannot be read", length_s,
		    sender_id(record, at));
	for (size_t row = 0; row < rows && row < level->rows; row++)
		for (int octets = 0; octets < 2; octets++) {
			const double wanted = sum_row(record, level, row, at, octets),
				     got = isnan(values[row][octets])
					       ? 0
					       : values[row][octets] * level->known[row] * LENGTH_S;

			record->sums->rows++;
			if (fabs(got - wanted) > UNIT + wanted * 1e-12)
				fault(record,
				    "row %zu of %" PRId64 " s from %s is %.3f instead of %.0f", row,
				    length_s, sender_id(record, at), got, wanted);
		}
	free(values);
}

static void check_levels(struct record *record)
{
	struct rrdfile_head head;
	char path[PATH_MAX];

	if (archive_path_coverage(path, record->folder, receiver_of(record)) != GRAPPE_OK ||
	    rrdfile_read_head(path, RRDFILE_COVERAGE, &head) != GRAPPE_OK) {
		fault(record, "its coverage has no head");
		return;
	}
	for (size_t i = 1; i < head.layout.count; i++) {
		struct level level = {.of = head.layout.levels[i]};

		check_known_rows(record, &level, path, &head);
		for (int at = 0; at < senders_of(record); at++)
			check_pair_rows(record, &level, at);
		free(level.known);
	}
}

/* ---- all ---- */

static void check_receiver(struct record *record, struct archive_reader *reader)
{
	const size_t periods = (size_t)record->truth->last + 1;

	record->cells = calloc(periods, sizeof *record->cells);
	record->known = calloc(periods, sizeof *record->known);
	if (record->cells == NULL || record->known == NULL)
		abort();
	if (read_coverage(record, reader)) {
		for (int at = 0; at < senders_of(record); at++)
			read_pair(record, reader, at);
		if (!record->endpoint)
			look_for_strangers(record, reader);
		for (int64_t number = 1; number <= record->truth->last; number++)
			check_cell(record, number);
		check_levels(record);
	}
	free(record->cells);
	free(record->known);
}

void truth_check(struct truth *truth, const char *folder, struct truth_sums *sums)
{
	const struct fleet_config *config = fleet_config(truth->fleet);
	struct record record = {.truth = truth,
	    .sums = sums,
	    .folder = folder,
	    .from_s = config->start_s,
	    .to_s = config->start_s + truth->last * LENGTH_S};
	struct archive_reader *reader;

	*sums = (struct truth_sums){0};
	if (archive_reader_open(folder, &reader) != GRAPPE_OK) {
		printf("WRONG  there are no archives in %s\n", folder);
		sums->wrong++;
		return;
	}
	for (record.vm = 0; record.vm < config->vms; record.vm++)
		check_receiver(&record, reader);
	record.endpoint = true;
	for (record.vm = 0; config->endpoint && record.vm < config->vms; record.vm += FLEET_GROUP)
		check_receiver(&record, reader);
	archive_reader_close(reader);
	if (sums->wrong > SAID_MAX)
		printf("(%" PRIu64 " more)\n", sums->wrong - SAID_MAX);
}
