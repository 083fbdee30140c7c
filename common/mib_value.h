/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The value of one object of a MIB, and the ways to set it: what the modules that know
 * the objects give to the one that knows net-snmp. Pure; any thread.
 */
#ifndef GRAPPE_COMMON_MIB_VALUE_H
#define GRAPPE_COMMON_MIB_VALUE_H

#include "common/mib_table.h"

#include <stddef.h>
#include <stdint.h>

#define MIB_TEXT_SIZE 1024 /* longest text of an object with its final zero */

enum mib_type {
	MIB_INTEGER,
	MIB_UNSIGNED, /* Unsigned32 and Gauge32 */
	MIB_COUNTER64,
	MIB_TICKS, /* TimeTicks */
	MIB_OCTETS,
	MIB_NO_IDENTIFIER, /* OBJECT IDENTIFIER 0.0: none */
};

struct mib_value {
	enum mib_type type;
	union {
		int32_t integer;
		uint32_t number; /* also of MIB_TICKS, 1/100 s */
		uint64_t counter;
	};
	const void *octets; /* MIB_OCTETS; in `text` or in the rows */
	size_t length;
	char text[MIB_TEXT_SIZE];
};

/* mib_set_number - beyond 32 bits: the largest there is. */
void mib_set_number(struct mib_value *value, uint64_t number);
/* mib_set_integer - beyond 32 bits: the nearest there is. */
void mib_set_integer(struct mib_value *value, int64_t integer);
void mib_set_counter(struct mib_value *value, uint64_t counter);
/* mib_set_ticks - TimeTicks start again from zero after 2^32. */
void mib_set_ticks(struct mib_value *value, uint64_t hundredths);
/* mib_set_octets / mib_set_text - of the rows or of value->text: they must outlive the value.
 */
void mib_set_octets(struct mib_value *value, const void *octets, size_t length);
void mib_set_text(struct mib_value *value, const char *text);

/* When a value is read. */
struct mib_moment {
	int64_t wall_s;     /* epoch s */
	uint64_t uptime_cs; /* since the host started, 1/100 s */
};

/* A part of the tree of objects: what is registered as one, and answered from one set of tables. */
struct mib_view {
	const char *name;       /* for messages */
	const mib_number *root; /* all tables are below it */
	size_t root_length;
	const struct mib_table *tables; /* in the order of their OIDs */
	size_t ntables;
	/* read - the value of the instance that mib_get() or mib_get_next() found over the tables
	 * in these rows. */
	void (*read)(void *rows, const struct mib_place *place, const struct mib_moment *now,
	    struct mib_value *value);
};

/* The numbers of an OID as an initialiser of two members. */
#define MIB_NUMBERS(member, ...)                                                                   \
	.member = (const mib_number[]){__VA_ARGS__},                                               \
	.member##_length = sizeof((const mib_number[]){__VA_ARGS__}) / sizeof(mib_number)

#endif
