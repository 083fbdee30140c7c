/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of an agent's newest periods. */
#include "collector/recent.h"
#include "tests/unit/unit.h"

#define LENGTH 30
#define BEGIN INT64_C(1795000020) /* a multiple of the length */

static struct recent recent;

static void setup(void)
{
	recent = (struct recent){0};
}

/* The n-th period: 100 received, 10 sent, 3 multicast, 5 other packets; drops and 2 unmatched. */
static void add(int64_t n, uint64_t drops)
{
	struct period *period = period_new();
	const struct period_vif vif = {
	    .vm_id = "mac-020000000001", .multicast_packets = 3, .other_packets = 5};
	const struct period_row received = {.direction = ROW_RECEIVED, .packets = 100},
				sent = {.direction = ROW_SENT, .packets = 10};

	period->header.end_s = BEGIN + n * LENGTH;
	period->header.length_s = LENGTH;
	period->header.dropped_packets = drops;
	period->header.unmatched_packets = 2;
	ck_assert_int_ge(period_add_vif(period, &vif), 0);
	ck_assert_int_ge(period_add_row(period, &received), 0);
	ck_assert_int_ge(period_add_row(period, &sent), 0);
	recent_add(&recent, period);
	period_free(period);
}

static void check_sums(uint32_t periods, uint64_t drops)
{
	const struct recent_sums sums = recent_sum(&recent);

	ck_assert_uint_eq(sums.periods, periods);
	ck_assert_uint_eq(sums.packets, 108 * periods);
	ck_assert_uint_eq(sums.other, 5 * periods);
	ck_assert_uint_eq(sums.unmatched, 2 * periods);
	ck_assert_uint_eq(sums.drops, drops);
}

START_TEST(none_is_none)
{
	check_sums(0, 0);
}
END_TEST

START_TEST(the_newest_ten_count)
{
	for (int64_t n = 1; n <= 25; n++)
		add(n, n == 16 || n == 15 ? 7 : 0);
	check_sums(10, 7);
	add(26, 0);
	check_sums(10, 0);
}
END_TEST

START_TEST(gaps_are_gaps)
{
	add(1, 1);
	add(10, 2);
	check_sums(2, 3);
	add(11, 4);
	check_sums(2, 6);
	add(40, 0); /* an hour later */
	check_sums(1, 0);
}
END_TEST

START_TEST(late_ones_find_their_place)
{
	add(20, 1);
	add(13, 2);
	add(15, 4);
	check_sums(3, 7);
	add(10, 8); /* too late: its place is the newest one's */
	add(9, 8);  /* beyond reach */
	check_sums(3, 7);
	add(15, 4); /* again */
	check_sums(3, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recent");
	TCase *tcase = tcase_create("recent");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, none_is_none);
	tcase_add_test(tcase, the_newest_ten_count);
	tcase_add_test(tcase, gaps_are_gaps);
	tcase_add_test(tcase, late_ones_find_their_place);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
