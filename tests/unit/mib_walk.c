/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/mib_walk.h"

#include <check.h>
#include <string.h>

#define INSTANCES_MAX 2000

struct name {
	mib_number numbers[MIB_NUMBERS_MAX];
	size_t length;
};

static const struct mib_view *view;
static void *all_rows;
static struct name all[INSTANCES_MAX];
static size_t nall;

static enum mib_lookup next(const struct name *name, bool inclusive, struct mib_place *place)
{
	return mib_get_next(
	    view->tables, view->ntables, all_rows, name->numbers, name->length, inclusive, place);
}

static enum mib_lookup get(const struct name *name, struct mib_place *place)
{
	return mib_get(view->tables, view->ntables, all_rows, name->numbers, name->length, place);
}

size_t walk_take(const struct mib_view *of, void *rows)
{
	struct name name = {.length = 0};
	struct mib_place place;

	view = of;
	all_rows = rows;
	nall = 0;
	while (next(&name, false, &place) == MIB_FOUND) {
		ck_assert_int_gt(
		    mib_compare(place.name, place.name_length, name.numbers, name.length), 0);
		memcpy(name.numbers, place.name, place.name_length * sizeof *place.name);
		name.length = place.name_length;
		ck_assert_uint_lt(nall, INSTANCES_MAX);
		all[nall++] = name;
	}
	return nall;
}

/* What GET and GETNEXT say of any OID must be what the list of all instances says. */
static void check_name(const struct name *name)
{
	struct mib_place place;
	size_t behind = 0, at;

	while (behind < nall && mib_compare(all[behind].numbers, all[behind].length, name->numbers,
				    name->length) <= 0)
		behind++;
	at = behind > 0 && mib_compare(all[behind - 1].numbers, all[behind - 1].length,
			       name->numbers, name->length) == 0
		 ? behind - 1
		 : behind;
	ck_assert_int_eq(get(name, &place) == MIB_FOUND, at != behind);
	if (behind == nall) {
		ck_assert_int_eq(next(name, false, &place), MIB_NO_OBJECT);
	} else {
		ck_assert_int_eq(next(name, false, &place), MIB_FOUND);
		ck_assert_int_eq(mib_compare(place.name, place.name_length, all[behind].numbers,
				     all[behind].length),
		    0);
	}
	if (at < nall) {
		ck_assert_int_eq(next(name, true, &place), MIB_FOUND);
		ck_assert_int_eq(
		    mib_compare(place.name, place.name_length, all[at].numbers, all[at].length), 0);
	}
}

void walk_check_near(void)
{
	for (size_t i = 0; i < nall; i++) {
		struct name name = all[i];

		check_name(&name);
		for (size_t at = 0; at < all[i].length; at++) {
			name = all[i];
			name.length = at; /* a prefix */
			check_name(&name);
			name.length = all[i].length;
			name.numbers[at]++;
			check_name(&name);
			name.numbers[at] -= 2;
			if (all[i].numbers[at] > 0)
				check_name(&name);
			name.numbers[at] = 0;
			check_name(&name);
			name.numbers[at] = UINT32_MAX;
			check_name(&name);
			name.length = at + 1;
			check_name(&name);
		}
		name = all[i];
		for (int more = 0; more < 3; more++) {
			name.numbers[name.length++] = (mib_number)more; /* too long */
			check_name(&name);
		}
	}
}

void walk_check_random(unsigned rounds)
{
	uint64_t state = 42;

	for (unsigned round = 0; round < rounds; round++) {
		struct name name;

		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		name = all[(state >> 33) % nall];
		for (unsigned change = 0; change < 3; change++) {
			const size_t at = (state >> (7 * change)) % name.length;

			name.numbers[at] =
			    (state >> (11 * change + 5)) % 7 == 0
				? (uint32_t)(state >> 30)
				: name.numbers[at] + (state >> (13 * change + 3)) % 3;
		}
		if (state >> 60 < 4)
			name.length = 1 + (state >> 40) % name.length;
		check_name(&name);
	}
}

void walk_check_longest(void)
{
	struct name name = all[nall / 2];

	while (name.length < MIB_NUMBERS_MAX)
		name.numbers[name.length++] = UINT32_MAX;
	check_name(&name);
}

const struct mib_value *walk_read(
    const mib_number *numbers, size_t length, const struct mib_moment *now)
{
	static struct mib_value value;
	struct mib_place place;

	ck_assert_int_eq(
	    mib_get(view->tables, view->ntables, all_rows, numbers, length, &place), MIB_FOUND);
	view->read(all_rows, &place, now, &value);
	return &value;
}
