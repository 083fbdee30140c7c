/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The archives on disk, reading side: works while a writer writes and with no collector
 * running. A window (from, to] takes each stretch of time from the finest level that still
 * holds it; every row carries its length and how much of it is known, so that
 * sum = mean x known x length stays true at every resolution, holes included.
 *
 * A reader keeps no open files; one thread at a time per reader, any number of readers.
 */
#ifndef GRAPPE_RRD_ARCHIVE_READ_H
#define GRAPPE_RRD_ARCHIVE_READ_H

#include "common/caveats.h"
#include "common/identity.h"
#include "common/matrix.h"
#include "rrd/archive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_reader; /* opaque */

/* archive_reader_open - folder of the archives. Returns 0, GRAPPE_EIO (errno: no such folder) or
 * GRAPPE_EMEMORY. */
int archive_reader_open(const char *folder, struct archive_reader **out);
/* archive_reader_close - NULL is allowed. */
void archive_reader_close(struct archive_reader *reader);
/* archive_reader_unreadable - pair files that sums lacked so far because they are damaged or
 * foreign, or were and have been set aside, and the path of the last one ("" when none). */
uint64_t archive_reader_unreadable(const struct archive_reader *reader, const char **path);

/* Sorted ids; free with archive_names_deinit(). */
struct archive_names {
	char (*ids)[VM_ID_SIZE];
	size_t count;
};
void archive_names_deinit(struct archive_names *names);

/* archive_read_receivers / archive_read_senders - who has archives. Files that are not ours are
 * ignored. Return 0, GRAPPE_EIO, GRAPPE_ENOTFOUND (receiver) or GRAPPE_EMEMORY. */
int archive_read_receivers(struct archive_reader *reader, struct archive_names *out);
int archive_read_senders(
    struct archive_reader *reader, const char *receiver, struct archive_names *out);

/* archive_read_last - end of the receiver's last committed period, and the length of its periods.
 * Returns 0, GRAPPE_ENOTFOUND, GRAPPE_EFORMAT (damaged) or GRAPPE_EIO. */
int archive_read_last(
    struct archive_reader *reader, const char *receiver, int64_t *end_s, int64_t *length_s);

struct archive_row {
	int64_t end_s, length_s;
	double packets, octets; /* sums over the known part; whole numbers where all is known */
	double known; /* share of its periods that are known, 0…1; 0: a hole, counts mean nothing */
	double covered; /* share of it that was watched and stored; <= known */
};

struct archive_rows {
	struct archive_row *rows; /* ascending and without gaps from from_s to to_s; owned */
	size_t count;
	int64_t from_s, to_s; /* the window answered: the wished one widened to whole rows */
	int64_t length_s;     /* atomic period */
	int64_t resolution_s; /* the coarsest row length used for known rows */
};
void archive_rows_deinit(struct archive_rows *rows);

/* archive_read_pair - rows of one pair. A pair that has no file was silent: rows of 0 where the
 * receiver is known. detail: every row must be one atomic period; a window older than the finest
 * level is refused. Returns 0, GRAPPE_EUNSUPPORTED (detail no longer kept), GRAPPE_ENOTFOUND
 * (receiver), GRAPPE_EFORMAT (damaged file), GRAPPE_ERANGE (window), GRAPPE_EIO, GRAPPE_EMEMORY. */
int archive_read_pair(struct archive_reader *reader, const char *receiver, const char *sender,
    int64_t from_s, int64_t to_s, bool detail, struct archive_rows *out);

/* archive_read_caveats - how many of the receiver's known periods in the window have which mark.
 * Archives of versions that kept none have none. Returns as archive_read_coverage(). */
int archive_read_caveats(struct archive_reader *reader, const char *receiver, int64_t from_s,
    int64_t to_s, struct caveats *caveats);

/* archive_read_coverage - the same for the receiver alone: counts are 0. */
int archive_read_coverage(struct archive_reader *reader, const char *receiver, int64_t from_s,
    int64_t to_s, bool detail, struct archive_rows *out);

/* What a receiver got in a window. */
struct archive_totals {
	int64_t from_s, to_s; /* the window answered */
	int64_t length_s, resolution_s;
	double known, wanted;   /* atomic periods: known of wanted */
	double covered;         /* share of the window that was watched and stored */
	struct caveats caveats; /* of the known periods (S-7) */
	size_t nsenders;
	struct archive_sender *senders; /* sums; only senders with traffic; sorted by id; owned */
};
void archive_totals_deinit(struct archive_totals *totals);

/* archive_read_totals - sums per sender over the window. Damaged pair files are skipped and counted
 * (archive_reader_unreadable()). Returns as archive_read_pair(). */
int archive_read_totals(struct archive_reader *reader, const char *receiver, int64_t from_s,
    int64_t to_s, struct archive_totals *out);

/*
 * archive_read_matrix - adds all receivers' totals to an empty matrix: each watched receiver
 * becomes a node, also a silent one. Its window tells from, to, and n of m periods: n is the mean
 * over the receivers that were watched at all, rounded down, so n = m only when nothing is missing.
 * Returns 0, GRAPPE_ENOTFOUND when no receiver is known in the window, GRAPPE_ERANGE, GRAPPE_EIO,
 * GRAPPE_EMEMORY.
 */
int archive_read_matrix(
    struct archive_reader *reader, int64_t from_s, int64_t to_s, struct matrix *matrix);

#endif
