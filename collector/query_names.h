/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Display names of ids, from the collector's inventory or its file, found fast: a long answer asks
 * twice for each row. Pure. Names are cleaned of what a terminal must not see as they come in;
 * other formats escape them further.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_NAMES_H
#define GRAPPE_COLLECTOR_QUERY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct query_names; /* opaque */

/* query_names_new - empty, or NULL without memory. */
struct query_names *query_names_new(void);
/* query_names_free - NULL is allowed. */
void query_names_free(struct query_names *names);
/* query_names_add - copies both; of several names of one id the first counts; an empty one or "-"
 * is none. Returns 0, GRAPPE_EMEMORY, or GRAPPE_ELIMIT (too many). */
int query_names_add(struct query_names *names, const char *id, const char *name);
size_t query_names_count(const struct query_names *names);
/* query_names_find - the name, or the id itself. names may be NULL. */
const char *query_names_find(const struct query_names *names, const char *id);
/* query_names_resolve - the id that a person means by an id or a name: the id of the only VM of
 * that name, else the text itself. *several: more than one has it. */
const char *query_names_resolve(const struct query_names *names, const char *text, bool *several);
/* query_names_width - columns of the longest name on a terminal. */
size_t query_names_width(const struct query_names *names);

#endif
