/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/engines.h"

#include "common/buffer.h"
#include "common/error.h"
#include "common/file.h"
#include "common/period.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (8u << 20)
#define FILE_HEAD "grappe-engines "
#define FILE_VERSION "1"
#define ADDRESS_SIZE 300
/* A line: address, blank, two digits an octet. */
#define LINE_SIZE (ADDRESS_SIZE + 2 * ENGINE_ID_MAX + 8)

struct engine_entry {
	struct engine_id id;
	bool used;      /* asked for since the start: the others are not kept */
	char address[]; /* key */
};

struct engines {
	void *by_address; /* tsearch(3) of all entries */
	void *by_id;      /* one entry in use of each engine */
	bool changed;
};

bool engine_id_equal(const struct engine_id *a, const struct engine_id *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct engine_entry *left = a, *right = b;

	return strcmp(left->address, right->address);
}

static int compare_ids(const void *a, const void *b)
{
	const struct engine_id *left = &((const struct engine_entry *)a)->id;
	const struct engine_id *right = &((const struct engine_entry *)b)->id;

	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->bytes, right->bytes, left->length);
}

struct engines *engines_new(void)
{
	return calloc(1, sizeof(struct engines));
}

static void leave_entry(void *entry)
{
	(void)entry; /* it is by_address' */
}

void engines_free(struct engines *engines)
{
	if (engines == NULL)
		return;
	tdestroy(engines->by_id, leave_entry);
	tdestroy(engines->by_address, free);
	free(engines);
}

/* ---- entries ---- */

static struct engine_entry *new_entry(const char *address)
{
	const size_t length = strlen(address);
	struct engine_entry *entry = calloc(1, sizeof *entry + length + 1);

	if (entry != NULL)
		memcpy(entry->address, address, length + 1);
	return entry;
}

static struct engine_entry *find_entry(const struct engines *engines, const char *address)
{
	struct engine_entry *key = new_entry(address), **found = NULL;

	if (key != NULL)
		found = tfind(key, &engines->by_address, compare_addresses);
	free(key);
	return found != NULL ? *found : NULL;
}

/* The entry of that address, made at need; NULL without memory. */
static struct engine_entry *make_entry(struct engines *engines, const char *address)
{
	struct engine_entry *entry = new_entry(address), **found;

	if (entry == NULL)
		return NULL;
	found = tsearch(entry, &engines->by_address, compare_addresses);
	if (found == NULL || *found != entry)
		free(entry);
	return found != NULL ? *found : NULL;
}

static void unlist(struct engines *engines, const struct engine_entry *entry)
{
	struct engine_entry *const *listed = tfind(entry, &engines->by_id, compare_ids);

	if (listed != NULL && *listed == entry)
		tdelete(entry, &engines->by_id, compare_ids);
}

bool engines_get(struct engines *engines, const char *address, struct engine_id *id)
{
	struct engine_entry *entry = find_entry(engines, address);

	*id = (struct engine_id){0};
	if (entry == NULL)
		return false;
	entry->used = true;
	tsearch(entry, &engines->by_id, compare_ids);
	*id = entry->id;
	return true;
}

int engines_put(struct engines *engines, const char *address, const struct engine_id *id)
{
	struct engine_entry *entry;

	if (id->length < ENGINE_ID_MIN || id->length > ENGINE_ID_MAX ||
	    strlen(address) >= ADDRESS_SIZE)
		return GRAPPE_EINVALID;
	entry = make_entry(engines, address);
	if (entry == NULL)
		return GRAPPE_EMEMORY;
	engines->changed = engines->changed || !entry->used || !engine_id_equal(&entry->id, id);
	unlist(engines, entry);
	entry->id = *id;
	entry->used = true;
	tsearch(entry, &engines->by_id, compare_ids);
	return GRAPPE_OK;
}

void engines_drop(struct engines *engines, const char *address)
{
	struct engine_entry *entry = find_entry(engines, address);

	if (entry == NULL)
		return;
	unlist(engines, entry);
	tdelete(entry, &engines->by_address, compare_addresses);
	free(entry);
	engines->changed = true;
}

const char *engines_twin(const struct engines *engines, const char *address)
{
	struct engine_entry *entry = find_entry(engines, address), **listed = NULL;

	if (entry != NULL)
		listed = tfind(entry, &engines->by_id, compare_ids);
	return listed != NULL && *listed != entry ? (*listed)->address : NULL;
}

bool engines_is_changed(const struct engines *engines)
{
	return engines->changed;
}

/* ---- out ---- */

struct writing {
	struct buffer *out;
	size_t count;
};

static void write_entry(const void *node, VISIT visit, void *context)
{
	const struct engine_entry *entry = *(const struct engine_entry *const *)node;
	struct writing *writing = context;
	char line[LINE_SIZE];
	size_t used;

	if ((visit != postorder && visit != leaf) || !entry->used)
		return;
	used = (size_t)snprintf(line, sizeof line, "%s ", entry->address);
	for (size_t i = 0; i < entry->id.length; i++)
		used +=
		    (size_t)snprintf(line + used, sizeof line - used, "%02x", entry->id.bytes[i]);
	buffer_put(writing->out, line, used);
	buffer_put(writing->out, "\n", 1);
	writing->count++;
}

int engines_save(struct engines *engines, const char *path)
{
	static const char head[] = FILE_HEAD FILE_VERSION "\n";
	struct buffer out;
	struct writing writing = {.out = &out};
	char tail[64];
	int rc;

	buffer_init(&out);
	buffer_put(&out, head, sizeof head - 1);
	twalk_r(engines->by_address, write_entry, &writing);
	snprintf(tail, sizeof tail, "end %zu %08x\n", writing.count,
	    (unsigned)period_checksum(out.bytes, out.length));
	buffer_put(&out, tail, strlen(tail));
	rc = out.error;
	if (rc == GRAPPE_OK)
		rc = file_replace(path, out.bytes, out.length, 0640);
	if (rc == GRAPPE_OK)
		engines->changed = false;
	buffer_deinit(&out);
	return rc;
}

/* ---- in ---- */

/* The next line, without its end, as a text of its own; NULL: none, or it is longer than a line can
 * be, or has a zero byte. */
static const char *next_line(struct reader *reader, char line[LINE_SIZE])
{
	const uint8_t *start = reader->bytes + reader->position;
	const uint8_t *end = memchr(start, '\n', reader_left(reader));
	const size_t length = end != NULL ? (size_t)(end - start) : 0;

	if (end == NULL || length >= LINE_SIZE || memchr(start, '\0', length) != NULL)
		return NULL;
	memcpy(line, start, length);
	line[length] = '\0';
	reader_skip(reader, length + 1);
	return line;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Splits "ADDRESS DIGITS"; the address stays in line. */
static bool parse_entry(char line[LINE_SIZE], struct engine_id *id)
{
	char *blank = strchr(line, ' ');
	const char *digits = blank != NULL ? blank + 1 : NULL;
	const size_t count = digits != NULL ? strlen(digits) : 0;

	if (blank == NULL || blank == line || blank - line >= ADDRESS_SIZE || count % 2 != 0 ||
	    count < 2 * ENGINE_ID_MIN || count > 2 * ENGINE_ID_MAX)
		return false;
	id->length = count / 2;
	for (size_t i = 0; i < id->length; i++) {
		const int high = digit_of(digits[2 * i]), low = digit_of(digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		id->bytes[i] = (uint8_t)(high << 4 | low);
	}
	*blank = '\0';
	for (const char *c = line; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	return true;
}

/* Reads entries up to the last line; into engines unless that is NULL. */
static int read_entries(struct reader *reader, struct engines *engines, size_t *count)
{
	char line[LINE_SIZE];
	struct engine_id id;

	for (*count = 0;; ++*count) {
		const size_t at = reader->position;
		struct engine_entry *entry;

		if (next_line(reader, line) == NULL)
			return reader_left(reader) == 0 ? GRAPPE_ETRUNCATED : GRAPPE_EFORMAT;
		if (strncmp(line, "end ", 4) == 0) {
			reader->position = at;
			return GRAPPE_OK;
		}
		if (!parse_entry(line, &id))
			return GRAPPE_EFORMAT;
		if (engines == NULL)
			continue;
		entry = make_entry(engines, line);
		if (entry == NULL)
			return GRAPPE_EMEMORY;
		if (!entry->used)
			entry->id = id;
	}
}

/* All of it is read once before anything is taken. */
static int check_file(const void *bytes, size_t length, size_t *first)
{
	struct reader reader;
	char line[LINE_SIZE], wanted[LINE_SIZE];
	size_t count;
	int rc;

	if (length == 0)
		return GRAPPE_ETRUNCATED;
	reader_init(&reader, bytes, length);
	if (next_line(&reader, line) == NULL || strncmp(line, FILE_HEAD, sizeof FILE_HEAD - 1) != 0)
		return GRAPPE_EFORMAT;
	if (strcmp(line + sizeof FILE_HEAD - 1, FILE_VERSION) != 0)
		return GRAPPE_EVERSION;
	*first = reader.position;
	rc = read_entries(&reader, NULL, &count);
	if (rc != GRAPPE_OK)
		return rc;
	snprintf(wanted, sizeof wanted, "end %zu %08x", count,
	    (unsigned)period_checksum(bytes, reader.position));
	if (next_line(&reader, line) == NULL)
		return GRAPPE_ETRUNCATED;
	if (strcmp(line, wanted) != 0)
		return GRAPPE_ECHECKSUM;
	return reader_left(&reader) == 0 ? GRAPPE_OK : GRAPPE_EFORMAT;
}

int engines_parse(struct engines *engines, const void *bytes, size_t length)
{
	struct reader reader;
	size_t first, count;
	int rc = check_file(bytes, length, &first);

	if (rc != GRAPPE_OK)
		return rc;
	reader_init(&reader, bytes, length);
	reader_skip(&reader, first);
	return read_entries(&reader, engines, &count);
}

int engines_load(struct engines *engines, const char *path)
{
	struct buffer file;
	int rc = file_read(path, FILE_MAX, &file);

	if (rc == GRAPPE_OK)
		rc = engines_parse(engines, file.bytes, file.length);
	else if (rc == GRAPPE_EIO && errno == ENOENT)
		rc = GRAPPE_OK;
	buffer_deinit(&file);
	return rc;
}
