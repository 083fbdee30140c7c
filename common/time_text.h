/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Times as people write and read them, in UTC or in the local time zone (TZ). Pure: now comes as an
 * argument.
 */
#ifndef GRAPPE_COMMON_TIME_TEXT_H
#define GRAPPE_COMMON_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 64

/* time_text_parse - epoch seconds; "YYYY-MM-DD HH:MM:SS" ('T' for the space; seconds or the whole
 * time of day may be left out; a final Z is always UTC); "now", "today", "yesterday" (at midnight);
 * or a duration before now, such as "-2h". local: what has no Z is in the local time zone. Returns
 * 0 or GRAPPE_EFORMAT. */
int time_text_parse(const char *text, int64_t now_s, bool local, int64_t *epoch_s);

/* time_text_format - "2026-11-22 20:30:00". Returns text. */
const char *time_text_format(int64_t epoch_s, bool local, char *text, size_t size);
/* time_text_zone - "UTC", or the abbreviation of the local zone at that time. Returns text. */
const char *time_text_zone(int64_t epoch_s, bool local, char *text, size_t size);
/* time_text_iso - "2026-11-22T20:30:00Z" (RFC 3339). Returns text. */
const char *time_text_iso(int64_t epoch_s, char *text, size_t size);

#endif
