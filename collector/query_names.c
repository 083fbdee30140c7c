/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_names.h"

#include "common/error.h"
#include "common/escape.h"
#include "common/hash.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 2000000
#define NAME_BYTES 512 /* more of a name is cut */

struct entry {
	char *id;   /* NULL: free; the name lies behind it */
	char *name; /* points into id's memory */
};

struct query_names {
	struct entry *table; /* open addressing, at most half full */
	size_t size, count;  /* size: a power of two */
	size_t width;
};

static struct entry *place_of(struct entry *table, size_t size, const char *id)
{
	size_t i = hash_text(0, id) & (size - 1);

	while (table[i].id != NULL && strcmp(table[i].id, id) != 0)
		i = (i + 1) & (size - 1);
	return &table[i];
}

struct query_names *query_names_new(void)
{
	return calloc(1, sizeof(struct query_names));
}

void query_names_free(struct query_names *names)
{
	if (names == NULL)
		return;
	for (size_t i = 0; i < names->size; i++)
		free(names->table[i].id);
	free(names->table);
	free(names);
}

static int grow(struct query_names *names)
{
	const size_t size = names->size ? 2 * names->size : 64;
	struct entry *table = calloc(size, sizeof *table);

	if (table == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < names->size; i++)
		if (names->table[i].id != NULL)
			*place_of(table, size, names->table[i].id) = names->table[i];
	free(names->table);
	names->table = table;
	names->size = size;
	return GRAPPE_OK;
}

int query_names_add(struct query_names *names, const char *id, const char *name)
{
	char clean[NAME_BYTES];
	const size_t id_size = strlen(id) + 1;
	struct entry *entry;
	size_t length;

	if (name[0] == '\0' || strcmp(name, "-") == 0)
		return GRAPPE_OK;
	if (names->count >= NAMES_MAX)
		return GRAPPE_ELIMIT;
	if (2 * (names->count + 1) > names->size && grow(names) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	entry = place_of(names->table, names->size, id);
	if (entry->id != NULL)
		return GRAPPE_OK;
	length = escape_text(name, ESCAPE_PLAIN, clean, sizeof clean);
	entry->id = malloc(id_size + length + 1);
	if (entry->id == NULL)
		return GRAPPE_EMEMORY;
	entry->name = entry->id + id_size;
	memcpy(entry->id, id, id_size);
	memcpy(entry->name, clean, length + 1);
	names->count++;
	if (escape_width(clean) > names->width)
		names->width = escape_width(clean);
	return GRAPPE_OK;
}

size_t query_names_count(const struct query_names *names)
{
	return names->count;
}

const char *query_names_find(const struct query_names *names, const char *id)
{
	const struct entry *entry;

	if (names == NULL || names->count == 0)
		return id;
	entry = place_of(names->table, names->size, id);
	return entry->id != NULL ? entry->name : id;
}

const char *query_names_resolve(const struct query_names *names, const char *text, bool *several)
{
	const char *found = NULL;

	*several = false;
	for (size_t i = 0; i < names->size; i++) {
		const struct entry *entry = &names->table[i];

		if (entry->id == NULL)
			continue;
		if (strcmp(entry->id, text) == 0) {
			*several = false;
			return entry->id;
		}
		if (strcmp(entry->name, text) == 0) {
			*several |= found != NULL;
			found = entry->id;
		}
	}
	return found != NULL ? found : text;
}

size_t query_names_width(const struct query_names *names)
{
	return names->width;
}
