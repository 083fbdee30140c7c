/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects of GRAPPE-MIB over a snapshot: which tables there are, how their rows
 * are ordered and what each column shows. Pure; one thread.
 */
#ifndef GRAPPE_AGENT_MIB_OBJECTS_H
#define GRAPPE_AGENT_MIB_OBJECTS_H

#include "agent-module/mib_table.h"
#include "agent-module/snapshot.h"

#include <stddef.h>
#include <stdint.h>

#define MIB_TEXT_SIZE 1024 /* longest text of an object with its final zero */

enum mib_type { MIB_INTEGER, MIB_UNSIGNED, MIB_COUNTER64, MIB_OCTETS };

struct mib_value {
	enum mib_type type;
	union {
		int32_t integer;
		uint32_t number; /* Unsigned32 and Gauge32 */
		uint64_t counter;
	};
	const void *octets; /* MIB_OCTETS; in `text` or in the snapshot */
	size_t length;
	char text[MIB_TEXT_SIZE];
};

/* The tables in the order of their OIDs; their rows are a struct snapshot. */
extern const struct mib_table mib_objects_tables[];
extern const size_t mib_objects_ntables;

/* mib_objects_read - the value of the instance that mib_get() or mib_get_next() found over
 * mib_objects_tables in this snapshot; now_s: wall clock, epoch s. */
void mib_objects_read(struct snapshot *snapshot, const struct mib_place *place, int64_t now_s,
    struct mib_value *value);

#endif
