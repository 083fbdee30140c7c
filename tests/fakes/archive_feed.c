/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes periods into archives from lines on standard input, for tests of what reads them:
 *
 *     archive_feed FOLDER < LINES
 *
 * A line is "END RECEIVER KNOWN" and then "SENDER PACKETS OCTETS" for each sender, separated by
 * spaces; END in epoch seconds, KNOWN 0 … 1. Periods are of 30 s. Ends with 1 at the first line
 * that is not stored.
 */
#include "common/error.h"
#include "rrd/archive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_S 30
#define LINE_MAX_BYTES 65536

static int store(struct archive *archive, char *line)
{
	char receiver[VM_ID_SIZE], message[512] = "";
	double known;
	int64_t end_s;
	int at, rc;
	size_t nsenders = 0;
	struct archive_update *update;

	if (sscanf(line, "%" SCNd64 " %63s %lf%n", &end_s, receiver, &known, &at) != 3)
		return GRAPPE_EFORMAT;
	update = archive_update_new(receiver, end_s, known, strlen(line) / 6 + 1);
	if (update == NULL)
		return GRAPPE_EMEMORY;
	for (const char *rest = line + at;; rest += at, nsenders++) {
		struct archive_sender *sender = &update->senders[nsenders];

		if (sscanf(rest, " %63s %lf %lf%n", sender->sender, &sender->packets,
			&sender->octets, &at) != 3)
			break;
	}
	update->nsenders = nsenders;
	rc = archive_write(archive, update, end_s, false, message, sizeof message);
	if (rc != GRAPPE_OK)
		fprintf(stderr, "archive_feed: %s: %s\n", error_text(rc), message);
	archive_update_free(update);
	return rc;
}

int main(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	struct archive_layout layout;
	struct archive *archive;
	char message[512];
	int rc = GRAPPE_OK;

	if (argc != 2)
		return 1;
	archive_layout_default(LENGTH_S, &layout);
	if (archive_open(argv[1], &layout, &(struct archive_options){0}, &archive, message,
		sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "archive_feed: %s\n", message);
		return 1;
	}
	while (rc == GRAPPE_OK && fgets(line, sizeof line, stdin) != NULL)
		rc = store(archive, line);
	archive_close(archive);
	return rc == GRAPPE_OK ? 0 : 1;
}
