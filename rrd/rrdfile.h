/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One RRD file: the only place that knows librrd. Internal to rrd/. Every file has two data
 * sources and AVERAGE levels from one period upwards. Only the reentrant functions of librrd are
 * used; any thread (a lock of this module keeps readers out of an update), but one writer per file.
 *
 * A file's head is checked before librrd sees the file: librrd trusts counts and row numbers that a
 * damaged head may hold (division by zero, rows outside the file).
 */
#ifndef GRAPPE_RRD_RRDFILE_H
#define GRAPPE_RRD_RRDFILE_H

#include "rrd/archive_layout.h"

#include <stddef.h>
#include <stdint.h>

#define RRDFILE_HEAD_MAX 8192

enum rrdfile_kind {
	RRDFILE_PAIR,     /* packets, octets: ABSOLUTE, counts of the period */
	RRDFILE_COVERAGE, /* known 0 or 1, covered 0…1: GAUGE */
};

/* What the head says, and its bytes. */
struct rrdfile_head {
	struct archive_layout layout; /* of the AVERAGE levels */
	int64_t last_s;               /* last update */
	size_t size;                  /* of the head */
	size_t live_at;               /* from here on it changes with each update */
	bool sparse;                  /* the file has less room on disk than its size */
	_Alignas(8) uint8_t bytes[RRDFILE_HEAD_MAX];
};

/* rrdfile_read_head - checks that path is one of our files of this kind.
 * Returns 0, GRAPPE_ENOTFOUND, GRAPPE_EIO (errno), or GRAPPE_EFORMAT for a file that is damaged,
 * truncated or not ours. */
int rrdfile_read_head(const char *path, enum rrdfile_kind kind, struct rrdfile_head *head);

/* The changing part of a head as it once was. */
struct rrdfile_live {
	size_t at, length;
	const uint8_t *bytes; /* not owned */
};

/* rrdfile_put_back - makes the head what it was, under the lock by which librrd keeps other
 * processes out. Returns 0, GRAPPE_ENOTFOUND, GRAPPE_EIO (errno), or GRAPPE_EFORMAT: not the head
 * of such a file. */
int rrdfile_put_back(const char *path, const struct rrdfile_live *live);

/* rrdfile_create - a new file whose first update comes after start_s (a multiple of every
 * resolution). Returns 0 or GRAPPE_EIO with the reason in message; what a failure leaves is
 * removed. */
int rrdfile_create(const char *path, enum rrdfile_kind kind, const struct archive_layout *layout,
    int64_t start_s, char *message, size_t size);

/* rrdfile_reserve - gives a sparse file (from a backup, say) all the room it needs: librrd writes
 * through a map, where a full disk would end the process. Returns 0, also where the file system has
 * no such call, or GRAPPE_EIO with the reason in message. */
int rrdfile_reserve(const char *path, char *message, size_t size);

/* Values from the point before it up to end_s. PAIR: counts of that time; NaN: unknown. */
struct rrdfile_point {
	int64_t end_s;
	double values[2];
};

#define RRDFILE_POINT_TEXT 96

/* rrdfile_format_point - "END:VALUE:VALUE" as rrdtool update(1) takes it. Returns its length. */
size_t rrdfile_format_point(const struct rrdfile_point *point, char text[RRDFILE_POINT_TEXT]);

/* rrdfile_update - appends ascending points in one go. Returns 0, GRAPPE_EIO or GRAPPE_EMEMORY with
 * the reason in message. */
int rrdfile_update(
    const char *path, const struct rrdfile_point *points, size_t count, char *message, size_t size);

/* rrdfile_fetch - the rows of the level with this resolution whose ends lie in (from_s, to_s], both
 * multiples of it: (to_s - from_s) / resolution_s rows of two means into values; NaN where the file
 * knows nothing. ABSOLUTE values are per second. Returns 0, GRAPPE_EFORMAT (no such level or level
 * too short) or GRAPPE_EIO. */
int rrdfile_fetch(
    const char *path, int64_t resolution_s, int64_t from_s, int64_t to_s, double (*values)[2]);

#endif
