/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What to bear in mind about the periods of a window (S-7): how many of them some sensor marked as
 * partial, taken with a clock that was not synchronised or was set, partly estimated, or merged.
 * Travels with every answer about a window, from the flags of single periods to the reader. Pure;
 * any thread.
 */
#ifndef GRAPPE_COMMON_CAVEATS_H
#define GRAPPE_COMMON_CAVEATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum caveat {
	CAVEAT_PARTIAL,
	CAVEAT_UNSYNCHRONISED,
	CAVEAT_STEPPED,
	CAVEAT_ESTIMATED,
	CAVEAT_MERGED,
	CAVEATS
};

#define CAVEATS_TEXT_SIZE 400

struct caveats {
	uint32_t periods;         /* of the window, of which the marks are known */
	uint32_t marked[CAVEATS]; /* by enum caveat: how many of these periods have the mark */
};

/* caveats_add - one more period; flags: enum period_flag, of all its sensors together. */
void caveats_add(struct caveats *caveats, uint32_t flags);
/* caveats_name - the word for it in JSON and in names of files; caveat < CAVEATS. */
const char *caveats_name(unsigned caveat);
/* caveats_has - whether flags (enum period_flag) hold it. */
bool caveats_has(uint32_t flags, unsigned caveat);
/* caveats_describe - words such as "2 of 10 periods: clock not synchronised; 1: partial", "" when
 * nothing is marked. Returns text. */
const char *caveats_describe(const struct caveats *caveats, char *text, size_t size);

/* caveats_json - an object with a number for each name, and "periods". NULL without memory. */
json_t *caveats_json(const struct caveats *caveats);
/* caveats_from_json - the same object from a foreign side; NULL, or names that are not there: 0.
 * Returns 0, or GRAPPE_EFORMAT: no object, no count, or more periods marked than there are. */
int caveats_from_json(const json_t *object, struct caveats *caveats);

#endif
