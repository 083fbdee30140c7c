/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes periods with known contents into archives, checks them, and sums windows; for lab tests
 * and measurements. Receiver r is mac-02000000RRRR, its sender s is mac-04000000SSSS and gives it
 * NUMBER + 1000 s packets and 100 times as many octets in period NUMBER (0, 1, 2 …).
 *
 *     archive_tool write FOLDER RECEIVERS SENDERS FROM FIRST COUNT [floor=BYTES]
 * [rrdcached=ADDRESS] [detail] [give-up] [no-commit] archive_tool check FOLDER RECEIVERS SENDERS
 * FROM FIRST COUNT archive_tool sum FOLDER FROM TO
 *
 * FROM: end of period 0, epoch seconds. write goes on after failures; it prints each different
 * message and one line of figures; exit code 0 when everything was committed, 2 when not. check
 * exits 1 at the first difference. sum prints the matrix of (FROM, TO] as CSV.
 */
#include "common/clock.h"
#include "common/error.h"
#include "rrd/archive.h"
#include "rrd/archive_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STEP 30

struct task {
	const char *folder;
	int receivers, senders;
	int64_t from_s;
	int first, count;
	struct archive_options options;
	bool detail, give_up, no_commit;
};

static void name_of(char id[VM_ID_SIZE], int prefix, int number)
{
	snprintf(id, VM_ID_SIZE, "mac-%02x%010x", prefix, number);
}

static double packets_of(int number, int sender)
{
	return number + 1000.0 * sender;
}

static int64_t parse(const char *text)
{
	char *end;
	int64_t value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || value < 0) {
		fprintf(stderr, "archive_tool: '%s' is no number\n", text);
		exit(1);
	}
	return value;
}

static struct archive_update *make(const struct task *task, int receiver, int number)
{
	char id[VM_ID_SIZE];
	struct archive_update *update;

	name_of(id, 2, receiver);
	update =
	    archive_update_new(id, task->from_s + (int64_t)number * STEP, 1, (size_t)task->senders);
	if (update == NULL)
		exit(1);
	for (int s = 0; s < task->senders; s++) {
		name_of(update->senders[s].sender, 4, s);
		update->senders[s].packets = packets_of(number, s);
		update->senders[s].octets = 100 * packets_of(number, s);
	}
	return update;
}

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_figures(struct archive *archive, int failed, double wall, double cpu)
{
	const struct archive_counters *counters = archive_counters(archive);
	const double updates = counters->updates > 0 ? (double)counters->updates : 1;

	printf("committed=%" PRIu64 " recovered=%" PRIu64 " failed=%d updates=%" PRIu64
	       " created=%" PRIu64 " repeated=%" PRIu64 " damaged=%" PRIu64 " lost=%" PRIu64
	       " wall_s=%.3f cpu_s=%.3f us_per_update=%.1f cpu_us_per_update=%.1f\n",
	    counters->periods - counters->recovered, counters->recovered, failed, counters->updates,
	    counters->created, counters->repeated, counters->damaged, counters->lost, wall, cpu,
	    wall / updates * 1e6, cpu / updates * 1e6);
}

static int write_all(const struct task *task)
{
	char message[1024] = "", said[1024] = "";
	struct archive_layout layout;
	struct archive *archive;
	const int64_t now_s = task->from_s + (int64_t)(task->first + task->count) * STEP;
	int64_t begin_ns;
	double begin_cpu;
	int failed = 0;

	archive_layout_default(STEP, &layout);
	if (task->detail)
		layout.count = 1;
	if (archive_open(task->folder, &layout, &task->options, &archive, message,
		sizeof message) != GRAPPE_OK) {
		printf("%s\n", message);
		return 2;
	}
	begin_ns = clock_monotonic_ns();
	begin_cpu = cpu_s();
	for (int number = task->first; number < task->first + task->count; number++)
		for (int r = 0; r < task->receivers; r++) {
			struct archive_update *update = make(task, r, number);

			failed += archive_write(archive, update, now_s, task->give_up, message,
				      sizeof message) != GRAPPE_OK;
			archive_update_free(update);
			if (message[0] != '\0' && strcmp(said, message) != 0)
				printf("%s\n", message);
			memcpy(said, message, sizeof said);
		}
	print_figures(
	    archive, failed, (double)(clock_monotonic_ns() - begin_ns) / 1e9, cpu_s() - begin_cpu);
	begin_ns = clock_monotonic_ns();
	begin_cpu = cpu_s();
	fflush(stdout);
	if (task->no_commit)
		_exit(failed > 0 ? 2 : 0);
	if (archive_commit(archive, task->give_up, message, sizeof message) != GRAPPE_OK)
		failed++;
	if (message[0] != '\0')
		printf("%s\n", message);
	printf("stored=%" PRIu64 " commit_wall_s=%.3f commit_cpu_s=%.3f\n",
	    archive_counters(archive)->periods, (double)(clock_monotonic_ns() - begin_ns) / 1e9,
	    cpu_s() - begin_cpu);
	archive_close(archive);
	return failed > 0 ? 2 : 0;
}

static int check_pair(
    const struct task *task, struct archive_reader *reader, int receiver, int sender)
{
	char to[VM_ID_SIZE], from[VM_ID_SIZE];
	struct archive_rows rows;
	int rc;

	name_of(to, 2, receiver);
	name_of(from, 4, sender);
	rc = archive_read_pair(reader, to, from, task->from_s + (int64_t)(task->first - 1) * STEP,
	    task->from_s + (int64_t)(task->first + task->count - 1) * STEP, true, &rows);
	if (rc != GRAPPE_OK) {
		printf("%s from %s: %s\n", to, from, error_text(rc));
		return 1;
	}
	for (int i = 0; rc == GRAPPE_OK && i < task->count; i++) {
		const struct archive_row *row = &rows.rows[i];

		if (row->known == 1 && row->packets == packets_of(task->first + i, sender) &&
		    row->octets == 100 * row->packets)
			continue;
		printf("%s from %s, period %d: known %g, %.3f packets\n", to, from, task->first + i,
		    row->known, row->packets);
		rc = 1;
	}
	archive_rows_deinit(&rows);
	return rc;
}

static int check_all(const struct task *task)
{
	struct archive_reader *reader;
	int rc = archive_reader_open(task->folder, &reader);

	for (int r = 0; rc == GRAPPE_OK && r < task->receivers; r++)
		for (int s = 0; rc == GRAPPE_OK && s < task->senders; s++)
			rc = check_pair(task, reader, r, s);
	archive_reader_close(reader);
	if (rc == GRAPPE_OK)
		printf("exact: %d receivers, %d senders each, %d periods\n", task->receivers,
		    task->senders, task->count);
	return rc == GRAPPE_OK ? 0 : 1;
}

static int print_sum(const char *folder, int64_t from_s, int64_t to_s)
{
	struct matrix *matrix = matrix_new();
	struct archive_reader *reader;
	int rc = matrix == NULL ? GRAPPE_EMEMORY : archive_reader_open(folder, &reader);

	if (rc == GRAPPE_OK) {
		rc = archive_read_matrix(reader, from_s, to_s, matrix);
		archive_reader_close(reader);
	}
	if (rc == GRAPPE_OK)
		rc = matrix_write_csv(matrix, stdout);
	else
		fprintf(stderr, "archive_tool: %s: %s\n", folder, error_text(rc));
	matrix_free(matrix);
	return rc == GRAPPE_OK ? 0 : 1;
}

static void parse_task(int argc, char **argv, struct task *task)
{
	*task = (struct task){.folder = argv[2],
	    .receivers = (int)parse(argv[3]),
	    .senders = (int)parse(argv[4]),
	    .from_s = parse(argv[5]),
	    .first = (int)parse(argv[6]),
	    .count = (int)parse(argv[7])};
	for (int i = 8; i < argc; i++)
		if (strncmp(argv[i], "floor=", 6) == 0)
			task->options.floor_bytes = (uint64_t)parse(argv[i] + 6);
		else if (strncmp(argv[i], "rrdcached=", 10) == 0)
			task->options.rrdcached = argv[i] + 10;
		else if (strcmp(argv[i], "detail") == 0)
			task->detail = true;
		else if (strcmp(argv[i], "give-up") == 0)
			task->give_up = true;
		else if (strcmp(argv[i], "no-commit") == 0)
			task->no_commit = true;
}

int main(int argc, char **argv)
{
	struct task task;

	if (argc == 5 && strcmp(argv[1], "sum") == 0)
		return print_sum(argv[2], parse(argv[3]), parse(argv[4]));
	if (argc < 8 || (strcmp(argv[1], "write") != 0 && strcmp(argv[1], "check") != 0)) {
		fprintf(stderr,
		    "usage: archive_tool write|check FOLDER RECEIVERS SENDERS FROM FIRST "
		    "COUNT [floor=BYTES] [rrdcached=ADDRESS] [detail] [give-up] "
		    "[no-commit] | sum FOLDER FROM TO\n");
		return 1;
	}
	parse_task(argc, argv, &task);
	return strcmp(argv[1], "write") == 0 ? write_all(&task) : check_all(&task);
}
