/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/matrix.h"

#include "common/error.h"
#include "common/hash.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An open-addressing table of indices + 1 (0 = free); doubled when half full. */
struct table {
	uint32_t *slots;
	size_t size; /* a power of two, or 0 */
};

struct matrix {
	char **names;
	size_t nnames, names_capacity;
	struct table name_table;
	struct matrix_pair *pairs;
	size_t npairs, pairs_capacity;
	struct table pair_table;
	struct matrix_window window;
};

struct matrix *matrix_new(void)
{
	return calloc(1, sizeof(struct matrix));
}

void matrix_free(struct matrix *matrix)
{
	if (matrix == NULL)
		return;
	for (size_t i = 0; i < matrix->nnames; i++)
		free(matrix->names[i]);
	free(matrix->names);
	free(matrix->name_table.slots);
	free(matrix->pairs);
	free(matrix->pair_table.slots);
	free(matrix);
}

static uint64_t hash_pair(uint32_t source, uint32_t receiver)
{
	return hash_mix((uint64_t)source << 32 | receiver);
}

static uint64_t hash_of_name(const struct matrix *matrix, uint32_t index)
{
	return hash_text(0, matrix->names[index]);
}

static uint64_t hash_of_pair(const struct matrix *matrix, uint32_t index)
{
	return hash_pair(matrix->pairs[index].source, matrix->pairs[index].receiver);
}

/* Makes room for one entry more than `used`. */
static int table_reserve(const struct matrix *matrix, struct table *table, size_t used,
    uint64_t (*hash)(const struct matrix *, uint32_t))
{
	const size_t size = table->size ? table->size * 2 : 64;
	uint32_t *slots;

	if (used * 2 < table->size)
		return GRAPPE_OK;
	slots = calloc(size, sizeof *slots);
	if (slots == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < used; i++) {
		size_t at = hash(matrix, i) & (size - 1);

		while (slots[at] != 0)
			at = (at + 1) & (size - 1);
		slots[at] = i + 1;
	}
	free(table->slots);
	table->slots = slots;
	table->size = size;
	return GRAPPE_OK;
}

/* The slot of the name, or the free slot where it belongs; the table must not be empty. */
static uint32_t *name_slot(const struct matrix *matrix, const char *name)
{
	const struct table *table = &matrix->name_table;
	size_t at = hash_text(0, name) & (table->size - 1);

	while (table->slots[at] != 0 && strcmp(matrix->names[table->slots[at] - 1], name) != 0)
		at = (at + 1) & (table->size - 1);
	return &table->slots[at];
}

static uint32_t *pair_slot(const struct matrix *matrix, uint32_t source, uint32_t receiver)
{
	const struct table *table = &matrix->pair_table;
	size_t at = hash_pair(source, receiver) & (table->size - 1);

	while (table->slots[at] != 0) {
		const struct matrix_pair *pair = &matrix->pairs[table->slots[at] - 1];

		if (pair->source == source && pair->receiver == receiver)
			break;
		at = (at + 1) & (table->size - 1);
	}
	return &table->slots[at];
}

int matrix_find(const struct matrix *matrix, const char *name)
{
	const uint32_t *slot;

	if (matrix->name_table.size == 0)
		return GRAPPE_ENOTFOUND;
	slot = name_slot(matrix, name);
	return *slot != 0 ? (int)(*slot - 1) : GRAPPE_ENOTFOUND;
}

/* Room for one more element of `size` bytes; returns the (moved) array or NULL. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
	const size_t wanted = *capacity ? *capacity * 2 : 16;
	void *bigger;

	if (count < *capacity)
		return array;
	bigger = reallocarray(array, wanted, size);
	if (bigger != NULL)
		*capacity = wanted;
	return bigger;
}

static int reserve_node(struct matrix *matrix)
{
	void *names =
	    grow(matrix->names, matrix->nnames, &matrix->names_capacity, sizeof *matrix->names);

	if (names == NULL)
		return GRAPPE_EMEMORY;
	matrix->names = names;
	return table_reserve(matrix, &matrix->name_table, matrix->nnames, hash_of_name);
}

static int reserve_pair(struct matrix *matrix)
{
	void *pairs =
	    grow(matrix->pairs, matrix->npairs, &matrix->pairs_capacity, sizeof *matrix->pairs);

	if (pairs == NULL)
		return GRAPPE_EMEMORY;
	matrix->pairs = pairs;
	return table_reserve(matrix, &matrix->pair_table, matrix->npairs, hash_of_pair);
}

static bool is_name(const char *name)
{
	const size_t length = strlen(name);

	if (length == 0 || length > MATRIX_NODE_NAME_MAX)
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			return false;
	return true;
}

int matrix_node(struct matrix *matrix, const char *name)
{
	int index = matrix_find(matrix, name);
	char *copy;

	if (index >= 0)
		return index;
	if (!is_name(name))
		return GRAPPE_EINVALID;
	if (matrix->nnames >= MATRIX_NODES_MAX)
		return GRAPPE_ELIMIT;
	if (reserve_node(matrix) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	copy = strdup(name);
	if (copy == NULL)
		return GRAPPE_EMEMORY;
	index = (int)matrix->nnames;
	*name_slot(matrix, name) = (uint32_t)index + 1;
	matrix->names[matrix->nnames++] = copy;
	return index;
}

int matrix_pair(struct matrix *matrix, uint32_t source, uint32_t receiver)
{
	uint32_t *slot;

	if (source >= matrix->nnames || receiver >= matrix->nnames)
		return GRAPPE_EINVALID;
	if (reserve_pair(matrix) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	slot = pair_slot(matrix, source, receiver);
	if (*slot == 0) {
		matrix->pairs[matrix->npairs] =
		    (struct matrix_pair){.source = source, .receiver = receiver};
		*slot = (uint32_t)++matrix->npairs;
	}
	return (int)(*slot - 1);
}

int matrix_add(
    struct matrix *matrix, uint32_t source, uint32_t receiver, double packets, double octets)
{
	int number;

	if (!isfinite(packets) || !isfinite(octets) || packets < 0 || octets < 0)
		return GRAPPE_EINVALID;
	number = matrix_pair(matrix, source, receiver);
	if (number < 0)
		return number;
	matrix->pairs[number].packets += packets;
	matrix->pairs[number].octets += octets;
	return GRAPPE_OK;
}

size_t matrix_nodes(const struct matrix *matrix)
{
	return matrix->nnames;
}

const char *matrix_name(const struct matrix *matrix, uint32_t node)
{
	return matrix->names[node];
}

static int compare_nodes(const void *left, const void *right, void *context)
{
	const struct matrix *matrix = context;

	return strcmp(
	    matrix->names[*(const uint32_t *)left], matrix->names[*(const uint32_t *)right]);
}

void matrix_sort_nodes(const struct matrix *matrix, uint32_t *nodes, size_t count)
{
	qsort_r(nodes, count, sizeof *nodes, compare_nodes, (void *)(uintptr_t)matrix);
}

const struct matrix_pair *matrix_pairs(const struct matrix *matrix, size_t *count)
{
	*count = matrix->npairs;
	return matrix->pairs;
}

const struct matrix_pair *matrix_get(
    const struct matrix *matrix, uint32_t source, uint32_t receiver)
{
	uint32_t at;

	if (matrix->pair_table.size == 0)
		return NULL;
	at = *pair_slot(matrix, source, receiver);
	return at != 0 ? &matrix->pairs[at - 1] : NULL;
}

static int compare_links(const void *left, const void *right)
{
	const struct matrix_link *x = left, *y = right;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

struct matrix_link *matrix_links(const struct matrix *matrix, size_t *count)
{
	struct matrix_link *links = calloc(matrix->npairs ? matrix->npairs : 1, sizeof *links);
	size_t n = 0, kept = 0;

	*count = 0;
	if (links == NULL)
		return NULL;
	for (size_t i = 0; i < matrix->npairs; i++) {
		const struct matrix_pair *pair = &matrix->pairs[i];
		const bool ordered = pair->source < pair->receiver;

		if (pair->source != pair->receiver)
			links[n++] =
			    (struct matrix_link){.a = ordered ? pair->source : pair->receiver,
				.b = ordered ? pair->receiver : pair->source,
				.packets = pair->packets,
				.octets = pair->octets};
	}
	qsort(links, n, sizeof *links, compare_links);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && compare_links(&links[kept - 1], &links[i]) == 0) {
			links[kept - 1].packets += links[i].packets;
			links[kept - 1].octets += links[i].octets;
		} else {
			links[kept++] = links[i];
		}
	}
	*count = kept;
	return links;
}

struct matrix_window *matrix_window(struct matrix *matrix)
{
	return &matrix->window;
}

/* ---- files ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts the next comma-separated field off *rest and trims it; NULL when there is none. */
static char *next_field(char **rest)
{
	char *field = *rest, *end, *comma;

	if (field == NULL)
		return NULL;
	comma = strchr(field, ',');
	*rest = comma != NULL ? comma + 1 : NULL;
	end = comma != NULL ? comma : field + strlen(field);
	while (field < end && is_blank(*field))
		field++;
	while (end > field && is_blank(end[-1]))
		end--;
	*end = '\0';
	return field;
}

static int parse_count(const char *text, double *value)
{
	char *end;

	/* strtod() alone would take "0x10", "-1" and "inf". */
	if ((!isdigit((unsigned char)text[0]) && text[0] != '.') ||
	    text[strspn(text, "0123456789.eE+-")] != '\0')
		return GRAPPE_EFORMAT;
	errno = 0;
	*value = strtod(text, &end);
	return *end == '\0' && errno == 0 && isfinite(*value) ? GRAPPE_OK : GRAPPE_EFORMAT;
}

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

static int split_line(char *line, char *fields[4], unsigned number, char *message, size_t size)
{
	char *rest = line;

	for (int i = 0; i < 4; i++) {
		fields[i] = next_field(&rest);
		if (fields[i] == NULL)
			return FAIL(GRAPPE_EFORMAT,
			    "line %u: %d fields, expected src,dst,packets,bytes", number, i);
	}
	if (rest != NULL)
		return FAIL(GRAPPE_EFORMAT,
		    "line %u: more than 4 fields, expected src,dst,packets,bytes", number);
	return GRAPPE_OK;
}

static int add_line(
    struct matrix *matrix, char *fields[4], unsigned number, char *message, size_t size)
{
	double packets, octets;
	int source, receiver, rc;

	if (parse_count(fields[2], &packets) != GRAPPE_OK)
		return FAIL(GRAPPE_EFORMAT, "line %u: '%.40s' is not a number of packets", number,
		    fields[2]);
	if (parse_count(fields[3], &octets) != GRAPPE_OK)
		return FAIL(
		    GRAPPE_EFORMAT, "line %u: '%.40s' is not a number of bytes", number, fields[3]);
	source = matrix_node(matrix, fields[0]);
	receiver = matrix_node(matrix, fields[1]);
	if (source == GRAPPE_EINVALID || receiver == GRAPPE_EINVALID)
		return FAIL(GRAPPE_EFORMAT,
		    "line %u: a name is empty, longer than %d bytes or has a control character",
		    number, MATRIX_NODE_NAME_MAX);
	if (source < 0 || receiver < 0) {
		rc = source < 0 ? source : receiver;
		return FAIL(rc, "line %u: %s", number, error_text(rc));
	}
	if (source == receiver)
		return FAIL(
		    GRAPPE_EFORMAT, "line %u: '%.40s' is paired with itself", number, fields[0]);
	rc = matrix_add(matrix, (uint32_t)source, (uint32_t)receiver, packets, octets);
	return rc == GRAPPE_OK ? rc : FAIL(rc, "line %u: %s", number, error_text(rc));
}

/* One line without its end into line. Returns 1, 0 at the end of the file, or an error. */
static int read_line(
    FILE *file, char line[MATRIX_LINE_MAX], unsigned number, char *message, size_t size)
{
	size_t length = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (length >= MATRIX_LINE_MAX - 1)
			return FAIL(GRAPPE_EFORMAT, "line %u: longer than %d bytes", number,
			    MATRIX_LINE_MAX - 1);
		if (c == '\0')
			return FAIL(
			    GRAPPE_EFORMAT, "line %u: a zero byte; is this a text file?", number);
		line[length++] = (char)c;
	}
	if (c == EOF && ferror(file))
		return FAIL(GRAPPE_EIO, "line %u: %s", number, strerror(errno));
	if (c == EOF && length == 0)
		return 0;
	if (length > 0 && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	return 1;
}

/* Spreadsheets begin a file with this mark of UTF-8. */
static void drop_byte_order_mark(char *line)
{
	if (strncmp(line, "\xef\xbb\xbf", 3) == 0)
		memmove(line, line + 3, strlen(line + 3) + 1);
}

/* The first line that is neither empty nor a comment names the columns. */
static int check_header(char *fields[4], unsigned number, char *message, size_t size)
{
	static const char *const names[4] = {"src", "dst", "packets", "bytes"};

	for (int i = 0; i < 4; i++)
		if (strcmp(fields[i], names[i]) != 0)
			return FAIL(GRAPPE_EFORMAT,
			    "line %u: the first line must be src,dst,packets,bytes", number);
	return GRAPPE_OK;
}

int matrix_read_csv(struct matrix *matrix, FILE *file, char *message, size_t size)
{
	char line[MATRIX_LINE_MAX], *fields[4], start;
	bool header_seen = false;
	int rc;

	message[0] = '\0';
	for (unsigned number = 1; (rc = read_line(file, line, number, message, size)) > 0;
	     number++) {
		if (number == 1)
			drop_byte_order_mark(line);
		start = line[strspn(line, " \t")];
		if (start == '#' || start == '\0')
			continue;
		rc = split_line(line, fields, number, message, size);
		if (rc == GRAPPE_OK)
			rc = header_seen ? add_line(matrix, fields, number, message, size)
					 : check_header(fields, number, message, size);
		if (rc != GRAPPE_OK)
			return rc;
		header_seen = true;
	}
	if (rc == GRAPPE_OK && !header_seen)
		return FAIL(GRAPPE_EFORMAT, "line 1: the first line must be src,dst,packets,bytes");
	return rc;
}

int matrix_write_csv(const struct matrix *matrix, FILE *file)
{
	fputs("src,dst,packets,bytes\n", file);
	for (size_t i = 0; i < matrix->npairs; i++) {
		const struct matrix_pair *pair = &matrix->pairs[i];

		fprintf(file, "%s,%s,%.0f,%.0f\n", matrix->names[pair->source],
		    matrix->names[pair->receiver], pair->packets, pair->octets);
	}
	return ferror(file) ? GRAPPE_EIO : GRAPPE_OK;
}
