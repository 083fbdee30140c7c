/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/history.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/file.h"
#include "manager/json_fields.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int history_init(struct history *history)
{
	*history = (struct history){0};
	history->events = calloc(HISTORY_KEPT, sizeof *history->events);
	return history->events != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

void history_close(struct history *history)
{
	free(history->events);
	free(history->path);
	*history = (struct history){0};
}

static void keep(struct history *history, const struct history_event *event)
{
	if (history->count == HISTORY_KEPT) {
		memmove(history->events, history->events + 1,
		    (HISTORY_KEPT - 1) * sizeof *history->events);
		history->count--;
	}
	history->events[history->count++] = *event;
}

static bool parse_line(const char *line, size_t length, struct history_event *event)
{
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	bool good;

	*event = (struct history_event){0};
	good = json_take_time(object, "time", &event->time_s) &&
	       json_take_text(object, "id", event->id, sizeof event->id) &&
	       json_take_text(object, "event", event->event, sizeof event->event) &&
	       json_take_text(object, "text", event->text, sizeof event->text);
	json_decref(object);
	return good;
}

void history_parse(struct history *history, const char *bytes, size_t length)
{
	struct history_event event;

	while (length > 0) {
		const char *end = memchr(bytes, '\n', length);
		const size_t line = end != NULL ? (size_t)(end - bytes) : length;

		if (line > 0) {
			history->lines++;
			if (parse_line(bytes, line, &event))
				keep(history, &event);
			else
				history->damaged++;
		}
		history->torn = end == NULL;
		length -= line + (end != NULL);
		bytes += line + (end != NULL);
	}
}

int history_open(struct history *history, const char *path)
{
	struct buffer bytes;
	int rc = history_init(history);

	if (rc != GRAPPE_OK)
		return rc;
	history->path = strdup(path);
	if (history->path == NULL) {
		history_close(history);
		return GRAPPE_EMEMORY;
	}
	rc = file_read(path, HISTORY_FILE_MAX, &bytes);
	if (rc == GRAPPE_OK)
		history_parse(history, (const char *)bytes.bytes, bytes.length);
	buffer_deinit(&bytes);
	if (rc == GRAPPE_EIO && errno == ENOENT)
		rc = GRAPPE_OK;
	if (rc != GRAPPE_OK) {
		const int saved = errno;

		history_close(history);
		errno = saved;
	}
	return rc;
}

/* One line with its end, a heap string the caller frees. */
static char *format_event(const struct history_event *event)
{
	json_t *object = json_pack("{s:I, s:s, s:s, s:s}", "time", (json_int_t)event->time_s, "id",
	    event->id, "event", event->event, "text", event->text);
	char *line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return line;
}

static int rewrite_file(struct history *history)
{
	struct buffer all;
	int rc;

	buffer_init(&all);
	for (size_t i = 0; i < history->count; i++) {
		char *line = format_event(&history->events[i]);

		if (line != NULL) {
			buffer_put(&all, line, strlen(line));
			buffer_put_u8(&all, '\n');
		}
		free(line);
	}
	rc = all.error != GRAPPE_OK ? all.error
				    : file_replace(history->path, all.bytes, all.length, 0640);
	buffer_deinit(&all);
	if (rc == GRAPPE_OK) {
		history->lines = history->count;
		history->torn = 0;
	}
	return rc;
}

static int write_all(int file, const char *bytes, size_t length)
{
	while (length > 0) {
		const ssize_t count = write(file, bytes, length);

		if (count < 0 && errno != EINTR)
			return GRAPPE_EIO;
		bytes += count > 0 ? count : 0;
		length -= count > 0 ? (size_t)count : 0;
	}
	return GRAPPE_OK;
}

static int append_line(struct history *history, const char *line)
{
	const int file = open(history->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	int rc = GRAPPE_OK, saved;

	if (file < 0)
		return GRAPPE_EIO;
	/* What a crash left unfinished becomes a line of its own. */
	if (history->torn)
		rc = write_all(file, "\n", 1);
	if (rc == GRAPPE_OK)
		rc = write_all(file, line, strlen(line));
	history->torn = rc != GRAPPE_OK;
	if (rc == GRAPPE_OK)
		rc = write_all(file, "\n", 1);
	if (rc == GRAPPE_OK && fdatasync(file) != 0)
		rc = GRAPPE_EIO;
	saved = errno;
	close(file);
	errno = saved;
	history->lines++;
	return rc;
}

/* Copies what fits, whole characters of UTF-8 only: a torn one could not be written. */
static void cut_text(char *out, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size) {
		length = size - 1;
		while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
			length--;
	}
	memcpy(out, text, length);
	out[length] = '\0';
}

int history_add(
    struct history *history, int64_t time_s, const char *id, const char *event, const char *text)
{
	struct history_event entry = {.time_s = time_s};
	char *line;
	int rc;

	snprintf(entry.id, sizeof entry.id, "%s", id);
	snprintf(entry.event, sizeof entry.event, "%s", event);
	cut_text(entry.text, sizeof entry.text, text);
	keep(history, &entry);
	if (history->path == NULL)
		return GRAPPE_OK;
	if (history->lines >= 2 * HISTORY_KEPT)
		return rewrite_file(history);
	line = format_event(&entry);
	if (line == NULL)
		return GRAPPE_EMEMORY;
	rc = append_line(history, line);
	free(line);
	return rc;
}
