/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/publish_queue.h"

#include "common/error.h"
#include "common/file.h"
#include "common/protocol.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEQUENCE_DIGITS 12 /* so that names sort as their numbers */
#define SUFFIX ".json"

struct entry {
	uint64_t sequence;
	char id[PROTOCOL_ID_SIZE];
};

struct publish_queue {
	char *folder;
	size_t limit;
	struct entry *entries; /* `limit` of them; oldest first */
	size_t count;
	uint64_t next_sequence;
};

bool publish_queue_check_id(const char *id)
{
	const size_t length = strlen(id);

	if (length == 0 || length >= PROTOCOL_ID_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)id[i]) && id[i] != '-')
			return false;
	return true;
}

/* "000000000007-9f3c.json"; false for any other name. */
static bool parse_name(const char *name, struct entry *entry)
{
	const size_t length = strlen(name), suffix = strlen(SUFFIX);
	size_t id_length;

	if (length < SEQUENCE_DIGITS + 1 + suffix || name[SEQUENCE_DIGITS] != '-' ||
	    strcmp(name + length - suffix, SUFFIX) != 0)
		return false;
	entry->sequence = 0;
	for (size_t i = 0; i < SEQUENCE_DIGITS; i++) {
		if (!isdigit((unsigned char)name[i]))
			return false;
		entry->sequence = entry->sequence * 10 + (uint64_t)(name[i] - '0');
	}
	id_length = length - suffix - SEQUENCE_DIGITS - 1;
	if (id_length >= sizeof entry->id)
		return false;
	memcpy(entry->id, name + SEQUENCE_DIGITS + 1, id_length);
	entry->id[id_length] = '\0';
	return publish_queue_check_id(entry->id);
}

static int format_path(
    const struct publish_queue *queue, const struct entry *entry, char path[PATH_MAX])
{
	const int length = snprintf(path, PATH_MAX, "%s/%0*" PRIu64 "-%s" SUFFIX, queue->folder,
	    SEQUENCE_DIGITS, entry->sequence, entry->id);

	if (length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return GRAPPE_EIO;
	}
	return GRAPPE_OK;
}

/* What a crash in file_replace() left: one of our names, a dot and six characters. */
static bool is_left_over(const char *name)
{
	char stem[NAME_MAX + 1];
	struct entry entry;
	const size_t length = strlen(name);

	if (length < 8 || length > NAME_MAX || name[length - 7] != '.')
		return false;
	memcpy(stem, name, length - 7);
	stem[length - 7] = '\0';
	return parse_name(stem, &entry);
}

static void remove_left_over(const struct publish_queue *queue, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/%s", queue->folder, name) < (int)sizeof path)
		unlink(path);
}

static int remove_entry(const struct publish_queue *queue, const struct entry *entry)
{
	char path[PATH_MAX];

	if (format_path(queue, entry, path) != GRAPPE_OK)
		return GRAPPE_EIO;
	return unlink(path) == 0 || errno == ENOENT ? GRAPPE_OK : GRAPPE_EIO;
}

/* Keeps the newest `limit` entries in order; what falls out is removed from disk. */
static int insert_entry(struct publish_queue *queue, const struct entry *entry)
{
	size_t place = queue->count;

	if (entry->sequence >= queue->next_sequence)
		queue->next_sequence = entry->sequence + 1;
	while (place > 0 && queue->entries[place - 1].sequence > entry->sequence)
		place--;
	if (queue->count == queue->limit) {
		if (place == 0)
			return remove_entry(queue, entry);
		if (remove_entry(queue, &queue->entries[0]) != GRAPPE_OK)
			return GRAPPE_EIO;
		memmove(
		    queue->entries, queue->entries + 1, --queue->count * sizeof *queue->entries);
		place--;
	}
	memmove(queue->entries + place + 1, queue->entries + place,
	    (queue->count - place) * sizeof *queue->entries);
	queue->entries[place] = *entry;
	queue->count++;
	return GRAPPE_OK;
}

static int load_entries(struct publish_queue *queue)
{
	DIR *folder = opendir(queue->folder);
	const struct dirent *item;
	int rc = GRAPPE_OK;

	if (folder == NULL)
		return GRAPPE_EIO;
	while (rc == GRAPPE_OK && (errno = 0, item = readdir(folder)) != NULL) {
		struct entry entry;

		if (parse_name(item->d_name, &entry))
			rc = insert_entry(queue, &entry);
		else if (is_left_over(item->d_name))
			remove_left_over(queue, item->d_name);
	}
	if (rc == GRAPPE_OK && errno != 0)
		rc = GRAPPE_EIO;
	closedir(folder);
	return rc;
}

int publish_queue_open(const char *folder, size_t limit, struct publish_queue **out)
{
	struct publish_queue *queue = calloc(1, sizeof *queue);
	int rc;

	*out = NULL;
	if (queue == NULL)
		return GRAPPE_EMEMORY;
	queue->limit = limit;
	queue->next_sequence = 1;
	queue->folder = strdup(folder);
	queue->entries = calloc(limit, sizeof *queue->entries);
	rc = queue->folder == NULL || queue->entries == NULL ? GRAPPE_EMEMORY
							     : file_make_folder(folder, 0750);
	if (rc == GRAPPE_OK)
		rc = load_entries(queue);
	if (rc != GRAPPE_OK) {
		const int saved = errno;

		publish_queue_close(queue);
		errno = saved;
		return rc;
	}
	*out = queue;
	return GRAPPE_OK;
}

void publish_queue_close(struct publish_queue *queue)
{
	if (queue == NULL)
		return;
	free(queue->folder);
	free(queue->entries);
	free(queue);
}

size_t publish_queue_count(const struct publish_queue *queue)
{
	return queue->count;
}

const char *publish_queue_id(const struct publish_queue *queue, size_t place)
{
	return place < queue->count ? queue->entries[place].id : NULL;
}

bool publish_queue_has(const struct publish_queue *queue, const char *id)
{
	for (size_t i = 0; i < queue->count; i++)
		if (strcmp(queue->entries[i].id, id) == 0)
			return true;
	return false;
}

bool publish_queue_is_full(const struct publish_queue *queue)
{
	return queue->count == queue->limit;
}

int publish_queue_push(
    struct publish_queue *queue, const char *id, const void *bytes, size_t length)
{
	struct entry entry = {.sequence = queue->next_sequence};
	char path[PATH_MAX];
	int rc;

	if (!publish_queue_check_id(id))
		return GRAPPE_EINVALID;
	if (publish_queue_is_full(queue))
		return GRAPPE_ELIMIT;
	snprintf(entry.id, sizeof entry.id, "%s", id);
	rc = format_path(queue, &entry, path);
	if (rc == GRAPPE_OK)
		rc = file_replace(path, bytes, length, 0640);
	return rc == GRAPPE_OK ? insert_entry(queue, &entry) : rc;
}

int publish_queue_read(const struct publish_queue *queue, size_t limit, struct buffer *out)
{
	char path[PATH_MAX];

	buffer_init(out);
	if (queue->count == 0)
		return GRAPPE_ENOTFOUND;
	if (format_path(queue, &queue->entries[0], path) != GRAPPE_OK)
		return GRAPPE_EIO;
	return file_read(path, limit, out);
}

int publish_queue_pop(struct publish_queue *queue)
{
	int rc;

	if (queue->count == 0)
		return GRAPPE_ENOTFOUND;
	rc = remove_entry(queue, &queue->entries[0]);
	memmove(queue->entries, queue->entries + 1, --queue->count * sizeof *queue->entries);
	return rc;
}
