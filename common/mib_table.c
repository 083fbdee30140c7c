/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/mib_table.h"

#include <string.h>

int mib_compare(const mib_number *a, size_t a_length, const mib_number *b, size_t b_length)
{
	for (size_t i = 0; i < a_length && i < b_length; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return (a_length > b_length) - (a_length < b_length);
}

bool mib_seek_array(void *rows, size_t count,
    void (*index)(void *rows, struct mib_row row, struct mib_index *index), size_t part,
    const mib_number *numbers, size_t length, bool after, size_t *item)
{
	size_t low = 0, high = count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		struct mib_index at;
		int order;

		index(rows, (struct mib_row){.part = part, .item = middle}, &at);
		order = mib_compare(at.numbers, at.length, numbers, length);
		if (order < 0 || (after && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	*item = low;
	return low < count;
}

bool mib_seek_scalar(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	static const mib_number zero = 0;
	const int order = mib_compare(&zero, 1, numbers, length);

	(void)rows;
	*row = (struct mib_row){0};
	return after ? order > 0 : order >= 0;
}

void mib_index_scalar(void *rows, struct mib_row row, struct mib_index *index)
{
	(void)rows;
	(void)row;
	index->numbers[0] = 0;
	index->length = 1;
}

/* How an OID stands to a table's node. */
enum relation { BEFORE, WITHIN, BEHIND };

static enum relation relate(const struct mib_table *table, const mib_number *name, size_t length)
{
	const size_t common = length < table->node_length ? length : table->node_length;
	const int order = mib_compare(name, common, table->node, table->node_length);

	if (order == 0)
		return WITHIN;
	/* A prefix of the node is before it. */
	return order < 0 ? BEFORE : BEHIND;
}

static bool has_column(const struct mib_table *table, mib_number column)
{
	return column >= table->first_column && column <= table->last_column &&
	       !(column < 64 && table->missing >> column & 1);
}

enum mib_lookup mib_get(const struct mib_table *tables, size_t ntables, void *rows,
    const mib_number *name, size_t length, struct mib_place *place)
{
	for (size_t i = 0; i < ntables; i++) {
		const struct mib_table *table = &tables[i];
		const size_t lead = table->node_length + 1;
		struct mib_index found;

		if (relate(table, name, length) != WITHIN)
			continue;
		if (length < lead || !has_column(table, name[lead - 1]))
			return MIB_NO_OBJECT;
		if (!table->seek(rows, name + lead, length - lead, false, &place->row))
			return MIB_NO_INSTANCE;
		table->index(rows, place->row, &found);
		if (mib_compare(found.numbers, found.length, name + lead, length - lead) != 0)
			return MIB_NO_INSTANCE;
		place->table = i;
		place->column = name[lead - 1];
		return MIB_FOUND;
	}
	return MIB_NO_OBJECT;
}

static void set_name(const struct mib_table *table, void *rows, struct mib_place *place)
{
	struct mib_index index;

	table->index(rows, place->row, &index);
	memcpy(place->name, table->node, table->node_length * sizeof *table->node);
	place->name[table->node_length] = place->column;
	memcpy(place->name + table->node_length + 1, index.numbers,
	    index.length * sizeof *index.numbers);
	place->name_length = table->node_length + 1 + index.length;
}

/* The first row of a column, or of the next one that is served. */
static bool first_of_column(const struct mib_table *table, void *rows, struct mib_place *place)
{
	while (!has_column(table, place->column))
		place->column++;
	if (!table->seek(rows, NULL, 0, false, &place->row))
		return false;
	set_name(table, rows, place);
	return true;
}

/* The first instance of a table behind name, or with name NULL the first of all. */
static bool next_in_table(const struct mib_table *table, void *rows, const mib_number *name,
    size_t length, bool inclusive, struct mib_place *place)
{
	const size_t lead = table->node_length + 1;

	place->column = table->first_column;
	if (name == NULL || length < lead || name[lead - 1] < table->first_column)
		return first_of_column(table, rows, place);
	if (name[lead - 1] > table->last_column)
		return false;
	place->column = name[lead - 1];
	if (!has_column(table, place->column))
		return first_of_column(table, rows, place);
	if (table->seek(rows, name + lead, length - lead, !inclusive, &place->row)) {
		set_name(table, rows, place);
		return true;
	}
	if (place->column == table->last_column)
		return false;
	place->column++;
	return first_of_column(table, rows, place);
}

enum mib_lookup mib_get_next(const struct mib_table *tables, size_t ntables, void *rows,
    const mib_number *name, size_t length, bool inclusive, struct mib_place *place)
{
	for (size_t i = 0; i < ntables; i++) {
		const enum relation relation = relate(&tables[i], name, length);

		if (relation == BEHIND)
			continue;
		place->table = i;
		if (next_in_table(&tables[i], rows, relation == WITHIN ? name : NULL, length,
			inclusive, place))
			return MIB_FOUND;
	}
	return MIB_NO_OBJECT;
}
