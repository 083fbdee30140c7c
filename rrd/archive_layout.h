/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which resolutions an archive keeps, and for how long: a list of levels from the
 * finest (one row a period) to the coarsest. Also the settings by which an operator
 * chooses it. Pure; any thread.
 */
#ifndef GRAPPE_RRD_ARCHIVE_LAYOUT_H
#define GRAPPE_RRD_ARCHIVE_LAYOUT_H

#include "common/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_LEVELS_MAX 8
#define ARCHIVE_ROWS_MAX 1000000 /* rows of one level */

struct archive_level {
	int64_t resolution_s; /* seconds a row covers */
	int64_t keep_s;       /* how far back rows reach, a multiple of resolution_s */
};

struct archive_layout {
	uint32_t length_s; /* atomic period; resolution of the first level */
	bool maximum;      /* the highest period of each row is kept beside the mean */
	size_t count;
	struct archive_level levels[ARCHIVE_LEVELS_MAX]; /* ascending */
};

/* archive_layout_default - 30 s x 1 d, 5 min x 14 d, 1 h x 1 y, 1 d x 5 y for periods of 30 s.
 * Shorter (test) periods scale all of it down; longer ones keep the reach and round resolutions up
 * to multiples. */
void archive_layout_default(uint32_t length_s, struct archive_layout *layout);

/* archive_layout_check - the first resolution is the period, each is a multiple of the one before,
 * reach grows, and the finest level reaches at least one row of the coarsest (else sums of rows
 * that are still growing could not be told). Returns 0 or GRAPPE_EINVALID with the reason in
 * message. */
int archive_layout_check(const struct archive_layout *layout, char *message, size_t size);

/* archive_layout_bytes - what the rows of one pair's file take. */
uint64_t archive_layout_bytes(const struct archive_layout *layout);
/* archive_layout_file_bytes - size of the file of one pair, head included. */
uint64_t archive_layout_file_bytes(const struct archive_layout *layout);
/* archive_layout_describe - comment lines ("# …") that tell what the levels cost. */
void archive_layout_describe(const struct archive_layout *layout, FILE *out);

/* One section `archive "NAME" { resolution = 30s  keep = 1d }`. */
struct archive_section {
	char *title;
	int64_t resolution_ms, keep_ms;
};

/* The settings inside such a section, for the program's schema:
 *   {.name = "archive", .text = ARCHIVE_SECTION_TEXT, .settings = archive_section_settings,
 *    .nsettings = ARCHIVE_SECTION_SETTINGS, .size = sizeof(struct archive_section), .offset = ...,
 *    .limit = ARCHIVE_LEVELS_MAX} */
#define ARCHIVE_SECTION_SETTINGS 2
#define ARCHIVE_SECTION_TEXT                                                                       \
	"One resolution of the archives; without any: 30s for 1d, 5min for 14d, 1h for 365d, 1d "  \
	"for 1825d"
extern const struct setting archive_section_settings[ARCHIVE_SECTION_SETTINGS];

/* archive_layout_configure - the layout that the sections ask for, in any order; the default when
 * there are none. Reach is rounded up to whole rows. Returns 0 or GRAPPE_EINVALID with the reason
 * in message. */
int archive_layout_configure(uint32_t length_s, bool maximum,
    const struct settings_sections *sections, struct archive_layout *layout, char *message,
    size_t size);

#endif
