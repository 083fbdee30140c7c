/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A report (manager/report_data.h) for people: as text, and as one page of HTML without script and
 * without anything that would be fetched. What the document lacks or has in another form is shown
 * as unknown, so that any JSON object can be written. All texts are escaped. Pure but for the
 * stream; one thread.
 */
#ifndef GRAPPE_MANAGER_REPORT_WRITE_H
#define GRAPPE_MANAGER_REPORT_WRITE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* report_write_text - for a terminal and the text part of a mail. */
void report_write_text(const json_t *document, FILE *out);
/* report_write_html - a page that is well-formed XML too. */
void report_write_html(const json_t *document, FILE *out);

/* ---- what both writers use ---- */

#define REPORT_WORDS_SIZE 96

/* report_at - a member of members: keys by dots, such as "window.from"; NULL: not there. */
const json_t *report_at(const json_t *object, const char *path);
/* report_string - "" when it is no text. */
const char *report_string(const json_t *object, const char *path);
/* report_integer - 0 when it is none. */
int64_t report_integer(const json_t *object, const char *path);
/* report_rate - "5.1 MB/s", or "unknown". Returns words. */
const char *report_rate(const json_t *value, char words[REPORT_WORDS_SIZE]);
/* report_share - "97 %", never 100 % when something is missing; or "unknown". Returns words. */
const char *report_share(const json_t *value, char words[REPORT_WORDS_SIZE]);
/* report_time - "2026-11-22 20:30:00 UTC". Returns words. */
const char *report_time(int64_t epoch_s, char words[REPORT_WORDS_SIZE]);
/* report_title - "Grappe: FROM to TO", also the subject of a mail. Returns words. */
const char *report_title(const json_t *document, char words[3 * REPORT_WORDS_SIZE]);

/* report_series_sentence - in words, what a line of "between_environments" shows: its mean, its
 * maximum and how many steps are missing. */
void report_series_sentence(const json_t *series, const json_t *line, char *words, size_t size);

#endif
