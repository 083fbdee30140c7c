/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Observations from the archives on disk, with no collector running. */
#include "manager/source.h"

#include "common/error.h"
#include "rrd/archive_read.h"

#include <stdio.h>

/* The end of the newest period of all receivers, 0 when there is none. */
static int find_newest(struct archive_reader *reader, int64_t *newest_s)
{
	struct archive_names receivers;
	int rc = archive_read_receivers(reader, &receivers);

	*newest_s = 0;
	for (size_t i = 0; rc == GRAPPE_OK && i < receivers.count; i++) {
		int64_t end_s, length_s;

		if (archive_read_last(reader, receivers.ids[i], &end_s, &length_s) == GRAPPE_OK &&
		    end_s > *newest_s)
			*newest_s = end_s;
	}
	archive_names_deinit(&receivers);
	return rc == GRAPPE_OK && *newest_s == 0 ? GRAPPE_ENOTFOUND : rc;
}

int source_read_archive(
    const char *folder, int64_t window_s, struct matrix *matrix, char *message, size_t size)
{
	struct archive_reader *reader = NULL;
	int64_t newest_s = 0;
	int rc = archive_reader_open(folder, &reader);

	if (rc == GRAPPE_OK)
		rc = find_newest(reader, &newest_s);
	if (rc == GRAPPE_OK)
		rc = archive_read_matrix(reader, newest_s - window_s, newest_s, matrix);
	archive_reader_close(reader);
	if (rc == GRAPPE_ENOTFOUND)
		snprintf(message, size, "%s: no archive in it holds a known period of this window",
		    folder);
	else if (rc != GRAPPE_OK)
		snprintf(message, size, "%s: %s", folder, error_text(rc));
	return rc;
}
