/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding an object of the MIB by its OID: GET and GETNEXT over tables whose rows are
 * sorted arrays, by binary search. Knows neither net-snmp's agent nor Grappe's tables.
 *
 * An instance is node, column, index…: nodes of the tables ascend and none is a prefix
 * of another; columns are a range with few gaps. Scalars are a table of one row with index 0; a
 * scalar alone is one of column 0 with an empty index.
 * Pure; any thread that may read the rows.
 */
#ifndef GRAPPE_COMMON_MIB_TABLE_H
#define GRAPPE_COMMON_MIB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long mib_number; /* a sub-identifier, as net-snmp's oid */

#define MIB_NUMBERS_MAX 128 /* longest OID (RFC 2578, 3.5) */
#define MIB_INDEX_MAX 64    /* longest index of a table here */

struct mib_index {
	mib_number numbers[MIB_INDEX_MAX];
	size_t length;
};

/* A place in a table: `part` is for tables that are arrays of arrays, else 0. */
struct mib_row {
	size_t part, item;
};

struct mib_table {
	const mib_number *node; /* OID of the entry (of the group, for scalars) */
	size_t node_length;
	mib_number first_column, last_column;
	uint64_t missing; /* columns between them that are not served, a bit each (up to 63) */
	/* seek - the first row whose index is not before numbers[length] (after: is behind it).
	 * Returns false when there is none. */
	bool (*seek)(
	    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row);
	/* index - the index of a row that seek() found. */
	void (*index)(void *rows, struct mib_row row, struct mib_index *index);
};

enum mib_lookup {
	MIB_FOUND,
	MIB_NO_OBJECT,   /* GET: no such column; GETNEXT: end of the view */
	MIB_NO_INSTANCE, /* GET: the column has no such row */
};

struct mib_place {
	size_t table; /* position in the array of tables */
	mib_number column;
	struct mib_row row;
	mib_number name[MIB_NUMBERS_MAX]; /* OID of the instance; GETNEXT only */
	size_t name_length;
};

/* mib_compare - lexicographic order of two OIDs; <0, 0, >0. */
int mib_compare(const mib_number *a, size_t a_length, const mib_number *b, size_t b_length);

/* mib_seek_array - seek() for count rows whose indices ascend, `index` telling the one of an item.
 */
bool mib_seek_array(void *rows, size_t count,
    void (*index)(void *rows, struct mib_row row, struct mib_index *index), size_t part,
    const mib_number *numbers, size_t length, bool after, size_t *item);

/* mib_seek_scalar / mib_index_scalar - of a group of scalars: one row, index 0. */
bool mib_seek_scalar(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row);
void mib_index_scalar(void *rows, struct mib_row row, struct mib_index *index);

/* mib_get - the instance with exactly this OID. */
enum mib_lookup mib_get(const struct mib_table *tables, size_t ntables, void *rows,
    const mib_number *name, size_t length, struct mib_place *place);

/* mib_get_next - the first instance behind this OID (inclusive: or at it); any OID, also one
 * outside all tables, partial or too long. */
enum mib_lookup mib_get_next(const struct mib_table *tables, size_t ntables, void *rows,
    const mib_number *name, size_t length, bool inclusive, struct mib_place *place);

#endif
