/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One agent's polling: order, pauses, and whatever a hostile or broken agent may answer. */
#include "collector/poller.h"
#include "common/clock.h"
#include "common/error.h"
#include "tests/fakes/make_period.h"
#include "tests/unit/unit.h"

#define T0 INT64_C(1800000000)

static struct poller *poller;
static struct poller_time now;
static struct buffer encoding;

static void at(int64_t offset_ms)
{
	now.wall_ns = (T0 * 1000 + offset_ms) * CLOCK_MILLISECOND_NS;
	now.monotonic_ns = (1000000 + offset_ms) * CLOCK_MILLISECOND_NS;
	poller_tick(poller, &now);
}

static void encode(int64_t end_s, unsigned vms)
{
	struct period *period = make_period(end_s);

	buffer_deinit(&encoding);
	buffer_init(&encoding);
	for (unsigned vm = 1; vm <= vms; vm++)
		make_received(period, make_vm(period, vm), vm + 1, vm, 10 * vm);
	ck_assert_int_eq(period_encode(make_sorted(period), &encoding), GRAPPE_OK);
	period_free(period);
}

static void setup(void)
{
	const struct poller_config config = {.length_s = 30,
	    .history = 3,
	    .deadline_ms = 15000,
	    .delay_ms = 1000,
	    .in_flight = 2,
	    .blocks = 2};

	poller = poller_new(&config, 0);
	poller_begin(poller, T0);
	buffer_init(&encoding);
}

static void teardown(void)
{
	poller_free(poller);
	buffer_deinit(&encoding);
}

static struct poller_request next(void)
{
	struct poller_request request;

	ck_assert(poller_next_request(poller, &request));
	return request;
}

static void silent(void)
{
	struct poller_request request;

	ck_assert(!poller_next_request(poller, &request));
}

/* A good description of what is in `encoding`. */
static struct poller_reply info(const struct poller_request *request)
{
	return (struct poller_reply){.id = request->id,
	    .has_agent = true,
	    .period_length_s = 30,
	    .last_end_s = (uint32_t)request->end_s,
	    .has_info = true,
	    .info_length_s = 30,
	    .info_bytes = (uint32_t)encoding.length,
	    .info_chunks = (uint32_t)((encoding.length + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES),
	    .info_crc = period_checksum(encoding.bytes, encoding.length)};
}

static struct poller_reply blocks(const struct poller_request *request)
{
	struct poller_reply reply = {.id = request->id};

	for (uint32_t i = 0; i < request->count; i++) {
		const size_t from = (request->first + i - 1) * (size_t)MIB_BLOCK_BYTES;
		const size_t left = encoding.length - from;

		reply.blocks[i] = encoding.bytes + from;
		reply.lengths[i] = left < MIB_BLOCK_BYTES ? left : MIB_BLOCK_BYTES;
	}
	return reply;
}

static void answer(struct poller_reply reply)
{
	poller_reply(poller, &now, &reply);
}

static void expect(enum poller_event_kind kind, int64_t end_s)
{
	struct poller_event event;

	ck_assert(poller_next_event(poller, &event));
	ck_assert_int_eq(event.kind, kind);
	ck_assert_int_eq(event.end_s, end_s);
	ck_assert_int_eq(event.period != NULL, kind == POLLER_DELIVERED);
	period_free(event.period);
}

static void expect_nothing(void)
{
	struct poller_event event;

	ck_assert(!poller_next_event(poller, &event));
}

/* Answers everything well until the period is there. */
static void deliver(int64_t end_s)
{
	struct poller_request request = next();

	ck_assert_int_eq(request.end_s, end_s);
	encode(end_s, 3);
	answer(info(&request));
	while (poller_next_request(poller, &request))
		answer(blocks(&request));
	expect(POLLER_DELIVERED, end_s);
}

START_TEST(a_period_is_fetched_in_blocks)
{
	struct poller_request request, second;

	at(500);
	silent(); /* not before the delay */
	at(1000);
	request = next();
	ck_assert_int_eq(request.kind, POLLER_INFO);
	ck_assert_int_eq(request.end_s, T0);
	encode(T0, 120); /* more blocks than are in flight at a time */
	ck_assert_uint_gt(encoding.length, 4 * MIB_BLOCK_BYTES);
	answer(info(&request));
	request = next();
	second = next();
	silent();
	ck_assert_uint_eq(request.first, 1);
	ck_assert_uint_eq(request.count, 2);
	ck_assert_uint_eq(second.first, 3);
	/* In any order. */
	answer(blocks(&second));
	answer(blocks(&request));
	while (poller_next_request(poller, &request))
		answer(blocks(&request));
	expect(POLLER_DELIVERED, T0);
	ck_assert_int_eq(poller_status(poller)->state, POLLER_UP);
	ck_assert_int_eq(poller_status(poller)->last_end_s, T0);
	at(20000);
	silent(); /* known: never asked again */
}
END_TEST

START_TEST(not_there_yet_is_asked_again)
{
	struct poller_request request;
	struct poller_reply reply;

	at(1000);
	request = next();
	reply = info(&request);
	reply.has_info = false;
	reply.last_end_s = (uint32_t)(T0 - 30);
	answer(reply);
	at(1500);
	silent();
	at(2600);
	deliver(T0);
}
END_TEST

START_TEST(no_longer_there_is_lost)
{
	struct poller_request request;
	struct poller_reply reply;

	at(1000);
	request = next();
	reply = info(&request);
	reply.has_info = false;
	reply.last_end_s = (uint32_t)(T0 + 30);
	answer(reply);
	expect(POLLER_LOST, T0);
	at(5000);
	silent();
}
END_TEST

START_TEST(a_dead_agent_is_tried_now_and_then)
{
	struct poller_request request;
	unsigned tries = 0;

	for (int64_t ms = 1000; ms < 30000; ms += 100) {
		at(ms);
		while (poller_next_request(poller, &request)) {
			tries++;
			answer((struct poller_reply){.id = request.id, .error = GRAPPE_ETIMEOUT});
		}
	}
	ck_assert_uint_ge(tries, 6);
	ck_assert_uint_le(tries, 60);
	ck_assert_int_eq(poller_status(poller)->state, POLLER_DOWN);
	expect(POLLER_MISSED, T0);
	expect_nothing();
	ck_assert_uint_eq(poller_status(poller)->missed, 1);
	/* The newest first, then what was missed. */
	at(31000);
	deliver(T0 + 30);
	at(62000);
	deliver(T0 + 60);
	at(62100);
	deliver(T0);
	silent();
}
END_TEST

/* What an agent still holds must not wait for the next period when it may be gone by then. */
START_TEST(a_start_late_in_a_period_asks_for_the_oldest)
{
	at(50000);
	expect(POLLER_MISSED, T0 + 30);
	deliver(T0);
	at(50100);
	deliver(T0 + 30);
	silent();
}
END_TEST

START_TEST(a_start_early_in_a_period_waits_for_the_newest)
{
	at(30500);
	silent();
	at(31000);
	deliver(T0 + 30);
	at(31100);
	deliver(T0);
	silent();
}
END_TEST

START_TEST(an_agent_that_returns_late_in_a_period_is_noticed)
{
	struct poller_request request;

	/* Silent up to 20 s after the end of the second period, then there again. */
	for (int64_t ms = 1000; ms < 50000; ms += 100) {
		at(ms);
		while (poller_next_request(poller, &request))
			answer((struct poller_reply){.id = request.id, .error = GRAPPE_ETIMEOUT});
	}
	expect(POLLER_MISSED, T0);
	expect(POLLER_MISSED, T0 + 30);
	expect_nothing();
	for (int64_t ms = 50000; ms < 53000; ms += 100) {
		at(ms);
		if (poller_next_request(poller, &request))
			break;
	}
	ck_assert_int_eq(request.end_s, T0);
	encode(T0, 3);
	answer(info(&request));
	while (poller_next_request(poller, &request))
		answer(blocks(&request));
	expect(POLLER_DELIVERED, T0);
	at(53000);
	deliver(T0 + 30);
	silent();
}
END_TEST

START_TEST(a_late_fetch_gives_way)
{
	struct poller_request request, blocked;
	struct poller_event event;

	at(30500);
	silent();
	at(31000);
	deliver(T0 + 30);
	at(31100);
	request = next(); /* the one before */
	ck_assert_int_eq(request.end_s, T0);
	encode(T0, 120);
	answer(info(&request));
	blocked = next();
	at(61000);
	request = next();
	ck_assert_int_eq(request.end_s, T0 + 60);
	answer(blocks(&blocked)); /* too late: ignored */
	encode(T0 + 60, 1);
	answer(info(&request));
	request = next();
	answer(blocks(&request));
	expect(POLLER_DELIVERED, T0 + 60);
	at(61100);
	deliver(T0);
	while (poller_next_event(poller, &event))
		ck_assert_ptr_null(event.period);
}
END_TEST

START_TEST(only_so_many_missed_periods_are_fetched)
{
	at(0);
	at(30000 * 10 + 1000);
	deliver(T0 + 300);
	at(30000 * 10 + 1100);
	deliver(T0 + 240); /* history 3: the newest and two before it */
	at(30000 * 10 + 1200);
	deliver(T0 + 270);
	at(30000 * 10 + 1300);
	silent();
}
END_TEST

START_TEST(another_period_length_is_refused)
{
	struct poller_request request;
	struct poller_reply reply;

	at(1000);
	request = next();
	reply = info(&request);
	reply.period_length_s = 10;
	answer(reply);
	expect(POLLER_LOST, T0);
	ck_assert_int_eq(poller_status(poller)->state, POLLER_REFUSED);
	ck_assert_ptr_nonnull(strstr(poller_status(poller)->error, "10 s"));
}
END_TEST

START_TEST(no_agent_behind_snmpd_is_down)
{
	struct poller_request request;

	at(1000);
	request = next();
	answer((struct poller_reply){.id = request.id});
	ck_assert_int_eq(poller_status(poller)->state, POLLER_DOWN);
	ck_assert_ptr_nonnull(strstr(poller_status(poller)->error, "no grappe-agent"));
	at(2600);
	deliver(T0);
	ck_assert_int_eq(poller_status(poller)->state, POLLER_UP);
	ck_assert_str_eq(poller_status(poller)->error, "");
}
END_TEST

/* Ways in which a description or a block lies. */
static void lie(unsigned how, struct poller_reply *reply)
{
	static uint8_t junk[70000];

	switch (how) {
	case 0:
		reply->info_bytes = UINT32_MAX;
		reply->info_chunks = UINT32_MAX / MIB_BLOCK_BYTES + 1;
		break;
	case 1:
		reply->info_bytes = 0;
		reply->info_chunks = 0;
		break;
	case 2:
		reply->info_chunks++;
		break;
	case 3:
		reply->info_length_s = 60;
		break;
	case 4:
		reply->info_crc ^= 1;
		break;
	case 5:
		reply->lengths[0]--;
		break;
	case 6:
		reply->lengths[0] = sizeof junk;
		reply->blocks[0] = junk;
		break;
	case 7:
		reply->blocks[0] = junk;
		break;
	case 8:
		reply->error = GRAPPE_EFORMAT;
		snprintf(reply->text, sizeof reply->text, "wrong type");
		break;
	}
}

START_TEST(lies_are_refused_and_after_a_few_given_up)
{
	struct poller_request request;
	unsigned copies = 0;

	encode(T0, 3);
	for (int64_t ms = 1000; ms < 14000; ms += 100) {
		at(ms);
		while (poller_next_request(poller, &request)) {
			struct poller_reply reply;

			if (request.kind == POLLER_INFO)
				copies++;
			reply = request.kind == POLLER_INFO ? info(&request) : blocks(&request);
			if ((request.kind == POLLER_INFO) == (_i < 5))
				lie((unsigned)_i, &reply);
			answer(reply);
		}
	}
	ck_assert_uint_eq(copies, 3);
	ck_assert_uint_eq(poller_status(poller)->nonsense, 3);
	ck_assert_int_eq(poller_status(poller)->state, POLLER_REFUSED);
	ck_assert_str_ne(poller_status(poller)->error, "");
	expect(POLLER_LOST, T0);
	expect_nothing();
	/* It may be well again. */
	at(31000);
	deliver(T0 + 30);
	ck_assert_int_eq(poller_status(poller)->state, POLLER_UP);
}
END_TEST

START_TEST(another_period_in_the_blocks_is_refused)
{
	struct poller_request request;

	at(1000);
	request = next();
	encode(T0 - 30, 2);
	answer(info(&request));
	request = next();
	answer(blocks(&request));
	ck_assert_int_eq(poller_status(poller)->state, POLLER_REFUSED);
	expect_nothing();
}
END_TEST

START_TEST(a_block_that_is_gone_begins_anew)
{
	struct poller_request request;
	struct poller_reply reply;

	at(1000);
	request = next();
	encode(T0, 3);
	answer(info(&request));
	request = next();
	reply = blocks(&request);
	reply.blocks[0] = NULL;
	answer(reply);
	expect_nothing();
	ck_assert_uint_eq(poller_status(poller)->nonsense, 0);
	at(2600);
	deliver(T0);
}
END_TEST

START_TEST(an_snmp_error_is_told)
{
	struct poller_request request;

	at(1000);
	request = next();
	answer((struct poller_reply){
	    .id = request.id, .error = GRAPPE_EPEER, .text = "SNMP error genError"});
	ck_assert_str_eq(poller_status(poller)->error, "SNMP error genError");
	ck_assert_int_eq(poller_status(poller)->state, POLLER_REFUSED);
	at(2600);
	deliver(T0);
}
END_TEST

/* The answer to a description that came with the first block, which is so much too long. */
static void answer_joined(const struct poller_request *request, size_t too_long)
{
	struct poller_reply reply = info(request);

	reply.blocks[0] = encoding.bytes;
	reply.lengths[0] =
	    (encoding.length < MIB_BLOCK_BYTES ? encoding.length : MIB_BLOCK_BYTES) + too_long;
	answer(reply);
}

START_TEST(a_small_period_takes_one_request)
{
	struct poller_request request;

	poller_join_first(poller, true);
	at(1000);
	request = next();
	ck_assert_int_eq(request.kind, POLLER_INFO);
	ck_assert_uint_eq(request.first, 1);
	ck_assert_uint_eq(request.count, 1);
	encode(T0, 3);
	answer_joined(&request, 0);
	expect(POLLER_DELIVERED, T0);
	silent();
	/* A longer one: the others follow. */
	at(31000);
	request = next();
	encode(T0 + 30, 60);
	ck_assert_uint_gt(encoding.length, MIB_BLOCK_BYTES);
	answer_joined(&request, 0);
	request = next();
	ck_assert_int_eq(request.kind, POLLER_BLOCKS);
	ck_assert_uint_eq(request.first, 2);
	for (;;) {
		answer(blocks(&request));
		if (!poller_next_request(poller, &request))
			break;
	}
	expect(POLLER_DELIVERED, T0 + 30);
	/* It may be gone again, or have another length than it says. */
	at(61000);
	request = next();
	encode(T0 + 60, 3);
	answer(info(&request));
	request = next();
	ck_assert_int_eq(request.kind, POLLER_BLOCKS);
	ck_assert_uint_eq(request.first, 1);
	answer(blocks(&request));
	expect(POLLER_DELIVERED, T0 + 60);
	at(91000);
	request = next();
	answer_joined(&request, 1);
	expect_nothing();
	ck_assert_int_eq(poller_status(poller)->state, POLLER_REFUSED);
}
END_TEST

START_TEST(words_of_a_silent_agent_are_told)
{
	struct poller_request request;

	at(1000);
	for (unsigned i = 0; i < 3; i++) {
		request = next();
		answer((struct poller_reply){
		    .id = request.id, .error = GRAPPE_ETIMEOUT, .text = "is the key right?"});
	}
	ck_assert_int_eq(poller_status(poller)->state, POLLER_DOWN);
	ck_assert_str_eq(poller_status(poller)->error, "is the key right?");
}
END_TEST

/* The way to the agent changed in the middle of a fetch: it begins anew at once, and what is owed
 * from before stays wanted. */
START_TEST(after_a_restart_nothing_is_lost)
{
	struct poller_request request;

	at(1000);
	deliver(T0);
	at(31000);
	request = next();
	encode(T0 + 30, 3);
	answer(info(&request));
	request = next();
	poller_restart(poller);
	silent();
	answer(blocks(&request)); /* of the way before */
	expect_nothing();
	at(31100);
	deliver(T0 + 30);
	/* One period is missed, the next is in hand. */
	at(61000);
	next();
	at(76000);
	expect(POLLER_MISSED, T0 + 60);
	at(91000);
	request = next();
	ck_assert_int_eq(request.end_s, T0 + 90);
	poller_restart(poller);
	at(91100);
	deliver(T0 + 90);
	at(91200);
	deliver(T0 + 60);
	poller_restart(poller);
	at(91300);
	silent();
}
END_TEST

START_TEST(foreign_and_repeated_replies_are_ignored)
{
	struct poller_request request;

	at(1000);
	answer((struct poller_reply){.id = 77, .error = GRAPPE_EFORMAT});
	request = next();
	encode(T0, 3);
	answer(info(&request));
	answer(info(&request));
	request = next();
	silent();
	answer(blocks(&request));
	answer(blocks(&request));
	expect(POLLER_DELIVERED, T0);
	expect_nothing();
}
END_TEST

START_TEST(a_clock_before_all_periods_asks_nothing)
{
	now = (struct poller_time){.wall_ns = 5 * CLOCK_SECOND_NS, .monotonic_ns = 1};
	poller_tick(poller, &now);
	silent();
	now.wall_ns = -5 * CLOCK_SECOND_NS;
	poller_tick(poller, &now);
	silent();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("poller");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_period_is_fetched_in_blocks);
	tcase_add_test(all, not_there_yet_is_asked_again);
	tcase_add_test(all, no_longer_there_is_lost);
	tcase_add_test(all, a_dead_agent_is_tried_now_and_then);
	tcase_add_test(all, a_start_late_in_a_period_asks_for_the_oldest);
	tcase_add_test(all, a_start_early_in_a_period_waits_for_the_newest);
	tcase_add_test(all, an_agent_that_returns_late_in_a_period_is_noticed);
	tcase_add_test(all, a_late_fetch_gives_way);
	tcase_add_test(all, only_so_many_missed_periods_are_fetched);
	tcase_add_test(all, another_period_length_is_refused);
	tcase_add_test(all, no_agent_behind_snmpd_is_down);
	tcase_add_loop_test(all, lies_are_refused_and_after_a_few_given_up, 0, 9);
	tcase_add_test(all, another_period_in_the_blocks_is_refused);
	tcase_add_test(all, a_block_that_is_gone_begins_anew);
	tcase_add_test(all, an_snmp_error_is_told);
	tcase_add_test(all, a_small_period_takes_one_request);
	tcase_add_test(all, words_of_a_silent_agent_are_told);
	tcase_add_test(all, after_a_restart_nothing_is_lost);
	tcase_add_test(all, foreign_and_repeated_replies_are_ignored);
	tcase_add_test(all, a_clock_before_all_periods_asks_nothing);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
