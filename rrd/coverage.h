/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which time of a receiver is known: rows from its coverage file over a window, each
 * stretch from the finest level that holds it. Internal to rrd/. Any thread.
 */
#ifndef GRAPPE_RRD_COVERAGE_H
#define GRAPPE_RRD_COVERAGE_H

#include "rrd/archive_read.h"
#include "rrd/rrdfile.h"

/* coverage_read - rows over (from_s, to_s], widened to whole rows, ascending and without gaps;
 * counts are 0. Time before the oldest level and after the last commit is one row of known 0 each
 * (single periods with `detail`). head: of the file at path. Returns 0 (rows owned by the caller),
 * GRAPPE_EUNSUPPORTED (detail, and the window begins before the finest level), GRAPPE_ERANGE,
 * GRAPPE_EFORMAT, GRAPPE_EIO, GRAPPE_EMEMORY. */
int coverage_read(const char *path, const struct rrdfile_head *head, int64_t from_s, int64_t to_s,
    bool detail, struct archive_rows *out);

/* coverage_known - how many of the row's atomic periods are known. */
int64_t coverage_known(const struct archive_row *row, int64_t length_s);

#endif
