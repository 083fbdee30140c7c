/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happened to recommendations: a bounded list of events, on disk as one JSON object a line.
 * The file only grows by whole lines; damaged lines (a crash, a foreign hand) are skipped and
 * counted; when it holds twice the events that are kept it is rewritten.
 *
 * Life-cycle: history_open() or history_init() with history_parse(), history_add(),
 * history_close(). One thread.
 */
#ifndef GRAPPE_MANAGER_HISTORY_H
#define GRAPPE_MANAGER_HISTORY_H

#include "manager/recommendation.h"

#include <stddef.h>
#include <stdint.h>

#define HISTORY_KEPT 1000            /* newest events that are kept */
#define HISTORY_FILE_MAX (16u << 20) /* bytes; of a longer file nothing is read */
#define HISTORY_EVENT_SIZE 16
#define HISTORY_TEXT_SIZE 256

struct history_event {
	int64_t time_s;
	char id[RECOMMENDATION_ID_SIZE];
	char event[HISTORY_EVENT_SIZE]; /* a word: doc/recommendation.md, doc/execution.md */
	char text[HISTORY_TEXT_SIZE];
};

struct history {
	struct history_event *events; /* oldest first */
	size_t count;
	size_t lines;   /* in the file, damaged ones included */
	size_t damaged; /* lines that were skipped */
	char *path;     /* NULL: in memory only */
	int torn;       /* the file does not end with a line end */
};

/* history_init - empty, in memory. Returns 0 or GRAPPE_EMEMORY. */
int history_init(struct history *history);
/* history_parse - takes the events of a file's bytes; the newest HISTORY_KEPT stay. */
void history_parse(struct history *history, const char *bytes, size_t length);
/* history_open - reads path if it exists. Returns 0, GRAPPE_EIO (errno), GRAPPE_ELIMIT or
 * GRAPPE_EMEMORY. */
int history_open(struct history *history, const char *path);
void history_close(struct history *history);

/* history_add - remembers the event and writes it. Returns 0 or GRAPPE_EIO (errno): then it is in
 * memory only. */
int history_add(
    struct history *history, int64_t time_s, const char *id, const char *event, const char *text);

#endif
