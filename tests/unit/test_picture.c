/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the picture keeps in little memory is what was delivered: counts of any size, packed
 * periods, a catalogue that forgets. */
#include "collector/picture.h"
#include "common/clock.h"
#include "common/error.h"
#include "rrd/archive.h"
#include "tests/fakes/make_period.h"
#include "tests/unit/unit.h"

#define T0 INT64_C(1800000000) /* a period end */
#define HISTORY 4
#define SLOTS 6
#define CROWD                                                                                      \
	260 /* VMs that all talk with each other: more pairs than a catalogue keeps unpruned */

static struct picture *picture;

static void setup(void)
{
	const struct picture_config config = {
	    .length_s = 30, .slots = SLOTS, .history = HISTORY, .deadline_ms = 15000};

	picture = picture_new(&config);
	ck_assert_ptr_nonnull(picture);
	ck_assert_int_eq(picture_add_agent(picture, 0), 0);
	ck_assert_int_eq(picture_add_agent(picture, 0), 1);
}

static void teardown(void)
{
	picture_free(picture);
}

static void advance(int64_t end_s)
{
	picture_advance(picture, end_s * CLOCK_SECOND_NS);
}

/* Agent 0 watches VM 1, which gets so much from VM 2; agent 1 watches VM 2. */
static void deliver_first(int64_t end_s, uint64_t packets, uint64_t octets)
{
	struct period *period = make_period(end_s);
	const uint32_t vif = make_vm(period, 1);

	make_received(period, vif, 2, packets, octets);
	ck_assert_int_eq(picture_deliver(picture, 0, make_sorted(period)), GRAPPE_OK);
}

static void deliver_second(int64_t end_s)
{
	struct period *period = make_period(end_s);

	make_vm(period, 2);
	ck_assert_int_eq(picture_deliver(picture, 1, make_sorted(period)), GRAPPE_OK);
}

/* What VM 1 got from the sender; NULL: nothing. */
static const struct matrix_pair *got(int64_t end_s, const char *sender)
{
	static struct matrix_pair pair;
	const struct resolved *view = picture_view(picture, end_s);
	const struct resolved_receiver *receiver = resolve_find(view, make_id(1));

	ck_assert_ptr_nonnull(receiver);
	for (uint32_t i = 0; i < receiver->nrows; i++) {
		pair = resolve_row(view, receiver->first_row + i);
		if (strcmp(matrix_name(view->catalogue, pair.source), sender) == 0)
			return &pair;
	}
	return NULL;
}

static const uint64_t sizes[] = {
    1, UINT32_MAX - 1, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 50};

START_TEST(counts_of_any_size)
{
	advance(T0);
	deliver_first(T0, sizes[_i], sizes[_i] + 1);
	deliver_second(T0);
	ck_assert_double_eq(got(T0, make_id(2))->packets, (double)sizes[_i]);
	ck_assert_double_eq(got(T0, make_id(2))->octets, (double)sizes[_i] + 1);
}
END_TEST

/* While an agent may still tell, what the others told waits packed, and is joined anew with it. */
START_TEST(a_late_agent_is_joined_with_packed_periods)
{
	advance(T0);
	deliver_first(T0, 7, 700);
	for (int i = 1; i < HISTORY; i++) {
		advance(T0 + 30 * i);
		deliver_first(T0 + 30 * i, 8, 800);
	}
	ck_assert_ptr_null(got(T0, make_id(2)));
	ck_assert_double_eq(got(T0, SENDER_EXTERNAL)->packets, 7);
	deliver_second(T0);
	ck_assert_double_eq(got(T0, make_id(2))->packets, 7);
	ck_assert_ptr_null(got(T0, SENDER_EXTERNAL));
	/* And what it told then still counts in the next period, which it misses. */
	ck_assert_double_eq(got(T0 + 30, make_id(2))->packets, 8);
}
END_TEST

/* A settled past stays as it is, also after all that was needed to join it is gone. */
START_TEST(a_closed_period_stays)
{
	for (int i = 0; i < SLOTS; i++) {
		advance(T0 + 30 * i);
		deliver_first(T0 + 30 * i, (uint64_t)i + 1, 100);
		if (i != 1)
			deliver_second(T0 + 30 * i);
	}
	advance(T0 + 30 * SLOTS - 1);
	for (int i = 0; i < SLOTS; i++)
		ck_assert_double_eq(got(T0 + 30 * i, make_id(2))->packets, i + 1);
	ck_assert_int_eq(picture_deliver(picture, 1, make_sorted(make_period(T0))), GRAPPE_EEXISTS);
	ck_assert_int_eq(
	    picture_deliver(picture, 1, make_sorted(make_period(T0 + 30))), GRAPPE_ERANGE);
	ck_assert_uint_eq(picture_counts(picture).refused, 2);
}
END_TEST

/* VMs from first on, each of which gets one packet from all others. */
static struct period *crowd(int64_t end_s, unsigned first)
{
	struct period *period = make_period(end_s);

	for (unsigned v = 0; v < CROWD; v++) {
		const uint32_t vif = make_vm(period, first + v);

		for (unsigned s = 0; s < CROWD; s++)
			if (s != v)
				make_received(period, vif, first + s, 1 + s, 100);
	}
	return make_sorted(period);
}

static void check_crowd(int64_t end_s, unsigned first)
{
	const struct resolved *view = picture_view(picture, end_s);
	const struct resolved_receiver *receiver = resolve_find(view, make_id(first));
	double packets = 0;

	ck_assert_uint_eq(view->nrows, CROWD * (CROWD - 1));
	ck_assert_uint_eq(receiver->nrows, CROWD - 1);
	for (uint32_t i = 0; i < receiver->nrows; i++)
		packets += resolve_row(view, receiver->first_row + i).packets;
	ck_assert_double_eq(packets, CROWD * (CROWD + 1) / 2. - 1);
}

/* Every period has other VMs: pairs that left memory are forgotten, the others keep their counts.
 */
/* A clock that was far ahead for a moment: all seemed to be past, and nothing of it is lost. */
START_TEST(a_clock_set_back_gives_what_it_took)
{
	struct archive_update *update;

	advance(T0);
	advance(T0 + 30 * (HISTORY + 1));
	ck_assert_int_eq(picture_state_of(picture, 0, T0), PICTURE_LOST);
	advance(T0);
	ck_assert_int_eq(picture_newest(picture), T0);
	ck_assert_int_eq(picture_state_of(picture, 0, T0), PICTURE_PENDING);
	for (int64_t end_s = T0; end_s <= T0 + 60; end_s += 30) {
		advance(end_s);
		deliver_first(end_s, 5, 500);
		/* Time goes on before the other agent tells. */
		picture_advance(picture, (end_s + 1) * CLOCK_SECOND_NS);
		deliver_second(end_s);
		ck_assert_double_eq(got(end_s, make_id(2))->packets, 5);
	}
	/* Periods before are pending again, and hold nothing back once they are too old. */
	picture_advance(picture, (T0 + 30 * (HISTORY - 1) + 16) * CLOCK_SECOND_NS);
	for (int64_t end_s = T0; end_s <= T0 + 60; end_s += 30)
		for (int vm = 0; vm < 2; vm++) {
			ck_assert_int_eq(picture_next_update(picture, &update), 1);
			ck_assert_int_eq(update->end_s, end_s);
			archive_update_free(update);
		}
}
END_TEST

/* What was delivered stays when the clock is set back before it, and is not asked for anew. */
START_TEST(a_clock_set_back_keeps_what_is_known)
{
	advance(T0);
	deliver_first(T0, 5, 500);
	deliver_second(T0);
	picture_advance(picture, (T0 - 10) * CLOCK_SECOND_NS);
	ck_assert_int_eq(picture_newest(picture), T0);
	ck_assert_int_eq(picture_state_of(picture, 0, T0), PICTURE_DELIVERED);
	ck_assert_double_eq(got(T0, make_id(2))->packets, 5);
	advance(T0);
	ck_assert_int_eq(picture_state_of(picture, 0, T0), PICTURE_DELIVERED);
}
END_TEST

START_TEST(pairs_that_are_gone_are_forgotten)
{
	size_t npairs, most = 0;

	for (int i = 0; i < 2 * SLOTS; i++) {
		const int64_t end_s = T0 + 30 * i;

		advance(end_s);
		ck_assert_int_eq(
		    picture_deliver(picture, 0, crowd(end_s, 1 + 300 * (unsigned)i)), GRAPPE_OK);
		deliver_second(end_s);
		matrix_pairs(picture_catalogue(picture), &npairs);
		most = npairs > most ? npairs : most;
		for (int j = i - SLOTS + 1 > 0 ? i - SLOTS + 1 : 0; j <= i; j++)
			check_crowd(T0 + 30 * j, 1 + 300 * (unsigned)j);
	}
	ck_assert_uint_lt(most, (2 * SLOTS + 1) * (size_t)CROWD * CROWD);
	/* An answer that is being given keeps its numbers. */
	picture_hold(picture);
	{
		const struct matrix *catalogue = picture_catalogue(picture);

		for (int i = 2 * SLOTS; i < 5 * SLOTS; i++) {
			advance(T0 + 30 * i);
			ck_assert_int_eq(
			    picture_deliver(picture, 0, crowd(T0 + 30 * i, 1 + 300 * (unsigned)i)),
			    GRAPPE_OK);
			check_crowd(T0 + 30 * i, 1 + 300 * (unsigned)i);
		}
		ck_assert_ptr_eq(catalogue, picture_catalogue(picture));
	}
	picture_release(picture);
	matrix_pairs(picture_catalogue(picture), &most);
	advance(T0 + 30 * 5 * SLOTS);
	matrix_pairs(picture_catalogue(picture), &npairs);
	ck_assert_uint_lt(npairs, most / 2);
	check_crowd(T0 + 30 * (5 * SLOTS - 1), 1 + 300 * (5 * SLOTS - 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("picture");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 120);
	tcase_add_loop_test(all, counts_of_any_size, 0, sizeof sizes / sizeof *sizes);
	tcase_add_test(all, a_late_agent_is_joined_with_packed_periods);
	tcase_add_test(all, a_closed_period_stays);
	tcase_add_test(all, a_clock_set_back_gives_what_it_took);
	tcase_add_test(all, a_clock_set_back_keeps_what_is_known);
	tcase_add_test(all, pairs_that_are_gone_are_forgotten);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
