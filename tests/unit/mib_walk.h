/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every instance of a view of the MIBs, and GET and GETNEXT against that list by a plain
 * search: what the tests of the objects share. One walk at a time.
 */
#ifndef GRAPPE_TESTS_UNIT_MIB_WALK_H
#define GRAPPE_TESTS_UNIT_MIB_WALK_H

#include "common/mib_value.h"

#include <stddef.h>

/* walk_take - all instances by GETNEXT from nothing, each behind the one before. Returns how many.
 * View and rows must stay. */
size_t walk_take(const struct mib_view *view, void *rows);
/* walk_check_near - asks for every instance, its prefixes, its neighbours and what is too long. */
void walk_check_near(void);
/* walk_check_random - asks for `rounds` OIDs made at random from instances. */
void walk_check_random(unsigned rounds);
/* walk_check_longest - asks for an OID of the greatest length. */
void walk_check_longest(void);
/* walk_read - the value of an instance that must exist. */
const struct mib_value *walk_read(
    const mib_number *numbers, size_t length, const struct mib_moment *now);

#endif
