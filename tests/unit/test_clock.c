/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/clock.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <time.h>

START_TEST(period_ends)
{
	const int64_t s = CLOCK_SECOND_NS;

	ck_assert_int_eq(clock_period_end(0, 30), 30);
	ck_assert_int_eq(clock_period_end(29 * s + s - 1, 30), 30);
	ck_assert_int_eq(clock_period_end(30 * s, 30), 60); /* the end belongs to the next one */
	ck_assert_int_eq(clock_period_end(INT64_C(1795000000) * s, 60), 1795000020);
	ck_assert_int_eq(clock_period_end(INT64_C(1795000000) * s, 1), 1795000001);
}
END_TEST

START_TEST(fake_and_real)
{
	const int64_t before = (int64_t)time(NULL);
	int64_t monotonic;

	clock_fake(42, 7);
	ck_assert_int_eq(clock_wall_ns(), 42);
	ck_assert_int_eq(clock_monotonic_ns(), 7);
	clock_fake(41, 8);
	ck_assert_int_eq(clock_wall_ns(), 41);
	clock_real();
	ck_assert_int_ge(clock_wall_ns() / CLOCK_SECOND_NS, before);
	ck_assert_int_le(clock_wall_ns() / CLOCK_SECOND_NS, (int64_t)time(NULL) + 1);
	monotonic = clock_monotonic_ns();
	ck_assert_int_ge(clock_monotonic_ns(), monotonic);
}
END_TEST

START_TEST(synchronisation)
{
	struct clock_sync sync;

	ck_assert_int_eq(clock_read_sync(&sync), GRAPPE_OK);
	ck_assert_int_ge(sync.max_error_ns, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("clock");

	tcase_add_test(tcase, period_ends);
	tcase_add_test(tcase, fake_and_real);
	tcase_add_test(tcase, synchronisation);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
