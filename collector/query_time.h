/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Times as people write and read them, in UTC or in the local time zone (TZ). Pure: now comes as an
 * argument.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_TIME_H
#define GRAPPE_COLLECTOR_QUERY_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_STAMP_SIZE 64

/* query_time_parse - epoch seconds; "YYYY-MM-DD HH:MM:SS" ('T' for the space; seconds or the whole
 * time of day may be left out; a final Z is always UTC); "now", "today", "yesterday" (at midnight);
 * or a duration before now, such as "-2h". local: what has no Z is in the local time zone. Returns
 * 0 or GRAPPE_EFORMAT. */
int query_time_parse(const char *text, int64_t now_s, bool local, int64_t *epoch_s);

/* query_time_format - "2026-11-22 20:30:00". Returns text. */
const char *query_time_format(int64_t epoch_s, bool local, char *text, size_t size);
/* query_time_zone - "UTC", or the abbreviation of the local zone at that time. Returns text. */
const char *query_time_zone(int64_t epoch_s, bool local, char *text, size_t size);
/* query_time_iso - "2026-11-22T20:30:00Z" (RFC 3339). Returns text. */
const char *query_time_iso(int64_t epoch_s, char *text, size_t size);

#endif
