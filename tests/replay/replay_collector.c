/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A day of periods in about a second: three fake agents, the real pollers, the real picture and
 * an archive that only remembers. Agents go down and come back, answer slowly, a VM moves between
 * hosts, clocks step, the collector is restarted, the archive's queue is full. Afterwards each
 * period of each receiver is in the archive once, in order, with exactly what the agents counted,
 * or as an explicit unknown where an agent was away for longer than its ring is deep.
 */
#include "collector/picture.h"
#include "collector/poller.h"
#include "common/clock.h"
#include "common/error.h"
#include "rrd/archive.h"
#include "tests/fakes/make_period.h"
#include "tests/unit/unit.h"

#define T0 INT64_C(1800000000)
#define AGENTS 3
#define VMS 6
#define RING 20    /* periods an agent keeps */
#define HISTORY 20 /* periods the collector fetches later */
#define STEP_MS 100
#define PERIODS_MAX 3000
#define DAY_PERIODS 2880
#define UNTOLD (-1.0)

/* Where a VM is: VM 3 moves in the middle of a period. */
#define MOVE_PERIOD 300
#define MOVE_SHARE 0.4 /* of that period on the old host */

struct stored {
	int64_t end_s;
	struct buffer bytes;
};

struct fake_agent {
	struct poller *poller;
	struct stored ring[RING];
	int64_t newest_s;
	bool answers;
	int64_t latency_ms;
	uint32_t length_s;
	int64_t ahead_s; /* its clock */
	/* one reply on its way at a time is enough: latency is per request */
	struct {
		bool used;
		int64_t at_ms; /* simulated */
		struct poller_request request;
	} mail[POLLER_IN_FLIGHT_MAX];
};

/* What the archive holds of one receiver and period. */
struct row {
	double known;            /* UNTOLD: no update came */
	double packets[VMS + 1]; /* by sender; 0: external */
};

static struct fake_agent agents[AGENTS];
static struct picture *picture;
static struct row archive[VMS + 1][PERIODS_MAX]; /* by receiver and period number from 1 */
static int64_t archived_s[VMS + 1];
static int64_t now_ms;   /* since T0, monotonic */
static int64_t clock_ms; /* how far the collector's wall clock is ahead */
static bool queue_is_full;
static unsigned updates;

static uint64_t count_of(int64_t end_s, unsigned receiver, unsigned sender)
{
	return 1 + ((uint64_t)end_s / 30 * 131 + receiver * 17 + sender * 7) % 4001;
}

/* ---- agents ---- */

static int64_t period_number(int64_t end_s)
{
	return (end_s - T0) / 30;
}

/* Share of the period that a VM spends on an agent. */
static double share_on(unsigned agent, unsigned vm, int64_t end_s)
{
	const int64_t number = period_number(end_s);
	const unsigned home = vm <= 3 ? 0 : vm <= 5 ? 1 : 2;

	if (vm != 3)
		return agent == home;
	if (number < MOVE_PERIOD)
		return agent == 0;
	if (number > MOVE_PERIOD)
		return agent == 1;
	return agent == 0 ? MOVE_SHARE : agent == 1 ? 1 - MOVE_SHARE : 0;
}

static void fill_vm(struct period *period, unsigned agent, unsigned vm)
{
	const int64_t end_s = period->header.end_s;
	const double share = share_on(agent, vm, end_s);
	const uint32_t vif = make_vm(period, vm);

	period->vifs[vif].covered_ms = (uint32_t)(share * 30000);
	for (unsigned sender = 0; sender <= VMS; sender++) {
		const uint64_t all = count_of(end_s, vm, sender);
		const uint64_t first = (uint64_t)((double)all * MOVE_SHARE);
		const uint64_t packets = share == 1 ? all : agent == 0 ? first : all - first;

		if (sender != vm)
			make_row(period, vif, ROW_RECEIVED,
			    sender == 0 ? "192.0.2.1" : make_address(sender), packets,
			    packets * 10);
	}
}

static void produce(unsigned index, int64_t end_s)
{
	struct fake_agent *agent = &agents[index];
	struct stored *slot = &agent->ring[end_s / 30 % RING];
	struct period *period = make_period(end_s);

	for (unsigned vm = 1; vm <= VMS; vm++)
		if (share_on(index, vm, end_s) > 0)
			fill_vm(period, index, vm);
	buffer_deinit(&slot->bytes);
	buffer_init(&slot->bytes);
	slot->end_s = end_s;
	ck_assert_int_eq(period_encode(make_sorted(period), &slot->bytes), GRAPPE_OK);
	period_free(period);
	agent->newest_s = end_s;
}

static void reply_to(unsigned index, const struct poller_request *request)
{
	struct fake_agent *agent = &agents[index];
	const struct stored *stored = &agent->ring[request->end_s / 30 % RING];
	const bool here = stored->end_s == request->end_s;
	struct poller_reply reply = {.id = request->id};
	const struct poller_time now = {
	    .wall_ns = (T0 * 1000 + now_ms + clock_ms) * CLOCK_MILLISECOND_NS,
	    .monotonic_ns = now_ms * CLOCK_MILLISECOND_NS};

	if (!agent->answers) {
		reply.error = GRAPPE_ETIMEOUT;
	} else if (request->kind == POLLER_INFO) {
		reply.has_agent = true;
		reply.period_length_s = agent->length_s;
		reply.last_end_s = (uint32_t)(agent->newest_s + agent->ahead_s);
		reply.has_info = here;
		reply.info_length_s = agent->length_s;
		reply.info_bytes = (uint32_t)stored->bytes.length;
		reply.info_chunks =
		    (uint32_t)((stored->bytes.length + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES);
		reply.info_crc = period_checksum(stored->bytes.bytes, stored->bytes.length);
	} else {
		for (uint32_t i = 0; i < request->count && here; i++) {
			const size_t at = (request->first + i - 1) * (size_t)MIB_BLOCK_BYTES;
			const size_t left = stored->bytes.length - at;

			reply.blocks[i] = stored->bytes.bytes + at;
			reply.lengths[i] = left < MIB_BLOCK_BYTES ? left : MIB_BLOCK_BYTES;
		}
	}
	poller_reply(agent->poller, &now, &reply);
}

/* ---- the collector ---- */

static int64_t last_written(void *context, const char *receiver)
{
	(void)context;
	for (unsigned vm = 1; vm <= VMS; vm++)
		if (strcmp(receiver, make_id(vm)) == 0)
			return archived_s[vm];
	return 0;
}

static void start_collector(void)
{
	const struct picture_config config = {.length_s = 30,
	    .slots = 120,
	    .history = HISTORY,
	    .deadline_ms = 15000,
	    .last_written = last_written};
	const struct poller_config polling = {.length_s = 30,
	    .history = HISTORY,
	    .deadline_ms = 15000,
	    .delay_ms = 1000,
	    .spread_ms = 2000,
	    .in_flight = 4,
	    .blocks = 1};

	picture = picture_new(&config);
	for (unsigned i = 0; i < AGENTS; i++) {
		ck_assert_int_eq(picture_add_agent(picture, 0), (int)i);
		agents[i].poller = poller_new(&polling, i * 12345678901);
		memset(agents[i].mail, 0, sizeof agents[i].mail);
	}
}

static void stop_collector(void)
{
	for (unsigned i = 0; i < AGENTS; i++)
		poller_free(agents[i].poller);
	picture_free(picture);
}

static unsigned vm_of(const char *id)
{
	for (unsigned vm = 1; vm <= VMS; vm++)
		if (strcmp(id, make_id(vm)) == 0)
			return vm;
	ck_assert_str_eq(id, SENDER_EXTERNAL);
	return 0;
}

/* The archive's rules: known receivers, strictly ascending ends, each once, none from the future.
 * */
static void store(const struct archive_update *update)
{
	const unsigned vm = vm_of(update->receiver);
	const int64_t number = period_number(update->end_s);
	struct row *row;

	ck_assert_uint_ne(vm, 0);
	ck_assert_int_gt(update->end_s, archived_s[vm]);
	ck_assert_int_le(update->end_s, T0 + now_ms / 1000);
	archived_s[vm] = update->end_s;
	updates++;
	if (number < 1)
		return;
	row = &archive[vm][number];
	ck_assert_double_eq(row->known, UNTOLD);
	row->known = update->known;
	for (size_t i = 0; i < update->nsenders; i++)
		row->packets[vm_of(update->senders[i].sender)] += update->senders[i].packets;
}

static void drain(void)
{
	static struct archive_update *held;

	for (;;) {
		if (held == NULL && picture_next_update(picture, &held) != 1)
			return;
		if (queue_is_full)
			return;
		store(held);
		archive_update_free(held);
		held = NULL;
	}
}

static void take_events(unsigned index)
{
	struct poller_event event;

	while (poller_next_event(agents[index].poller, &event)) {
		if (event.kind == POLLER_DELIVERED)
			picture_deliver(picture, index, event.period);
		else if (event.kind == POLLER_LOST)
			picture_lose(picture, index, event.end_s);
	}
}

static void run_agent(unsigned index, const struct poller_time *now)
{
	struct fake_agent *agent = &agents[index];
	struct poller_request request;

	poller_tick(agent->poller, now);
	for (size_t i = 0; i < POLLER_IN_FLIGHT_MAX; i++) {
		if (!agent->mail[i].used || agent->mail[i].at_ms > now_ms)
			continue;
		agent->mail[i].used = false;
		reply_to(index, &agent->mail[i].request);
	}
	for (size_t i = 0; i < POLLER_IN_FLIGHT_MAX; i++) {
		if (agent->mail[i].used || !poller_next_request(agent->poller, &request))
			continue;
		agent->mail[i].used = true;
		agent->mail[i].request = request;
		agent->mail[i].at_ms = now_ms + (agent->answers ? agent->latency_ms : 1000);
	}
	take_events(index);
}

/* ---- the day ---- */

enum action { DOWN, UP, SLOW, FAST, RESTART, FULL, ROOM, CLOCK };
static const struct {
	int64_t period; /* from it on, some seconds into it */
	enum action action;
	int64_t argument; /* agent, or the clock's distance in ms */
} script[] = {
    {50, DOWN, 1},
    {55, UP, 1}, /* back in time: nothing is lost */
    {100, DOWN, 2},
    {140, UP, 2}, /* 40 periods away with a ring of 20 */
    {200, SLOW, 0},
    {205, FAST, 0}, /* 20 s a request: only late fills */
    {298, DOWN, 1},
    {304, UP, 1}, /* away while VM 3 arrives there */
    {400, RESTART, 0},
    {450, DOWN, 0},
    {452, RESTART, 0},
    {456, UP, 0}, /* restarted while an agent is away */
    {500, FULL, 0},
    {510, ROOM, 0}, /* the archive's queue is full for five minutes */
    {600, CLOCK, -240000},
    {612, CLOCK, 0}, /* the collector's clock goes back and forth */
    {700, DOWN, 0},
    {700, DOWN, 1},
    {700, DOWN, 2},
    {705, UP, 0},
    {706, UP, 1},
    {707, UP, 2},
};

static void act(size_t i)
{
	const int64_t argument = script[i].argument;

	switch (script[i].action) {
	case DOWN:
		agents[argument].answers = false;
		break;
	case UP:
		agents[argument].answers = true;
		break;
	case SLOW:
		agents[argument].latency_ms = 20000;
		break;
	case FAST:
		agents[argument].latency_ms = 5;
		break;
	case RESTART:
		stop_collector();
		start_collector();
		break;
	case FULL:
		queue_is_full = true;
		break;
	case ROOM:
		queue_is_full = false;
		break;
	case CLOCK:
		clock_ms = argument;
		break;
	}
}

static void setup(void)
{
	now_ms = clock_ms = 0;
	updates = 0;
	queue_is_full = false;
	memset(archived_s, 0, sizeof archived_s);
	for (unsigned vm = 0; vm <= VMS; vm++)
		for (size_t p = 0; p < PERIODS_MAX; p++)
			archive[vm][p] = (struct row){.known = UNTOLD};
	memset(agents, 0, sizeof agents);
	for (unsigned i = 0; i < AGENTS; i++) {
		agents[i].answers = true;
		agents[i].latency_ms = 5;
		agents[i].length_s = 30;
		for (size_t j = 0; j < RING; j++)
			buffer_init(&agents[i].ring[j].bytes);
	}
	start_collector();
}

static void teardown(void)
{
	stop_collector();
	for (unsigned i = 0; i < AGENTS; i++)
		for (size_t j = 0; j < RING; j++)
			buffer_deinit(&agents[i].ring[j].bytes);
}

/* Runs to the end of so many periods from T0. */
static void run(int64_t periods, size_t actions)
{
	static size_t done;
	int64_t next_end_s = (agents[0].newest_s != 0 ? agents[0].newest_s : T0) + 30;

	if (now_ms == 0)
		done = 0;
	for (; now_ms < periods * 30000; now_ms += STEP_MS) {
		const struct poller_time now = {
		    .wall_ns = (T0 * 1000 + now_ms + clock_ms) * CLOCK_MILLISECOND_NS,
		    .monotonic_ns = now_ms * CLOCK_MILLISECOND_NS};

		if (T0 + now_ms / 1000 >= next_end_s) {
			for (unsigned i = 0; i < AGENTS; i++)
				produce(i, next_end_s);
			next_end_s += 30;
		}
		while (done < actions && now_ms >= script[done].period * 30000 + 7000)
			act(done++);
		picture_advance(picture, now.wall_ns);
		for (unsigned i = 0; i < AGENTS; i++)
			run_agent(i, &now);
		if (now_ms % 1000 == 0)
			drain();
	}
}

/* The row must be whole and exact. */
static void expect_exact(unsigned vm, int64_t number)
{
	const struct row *row = &archive[vm][number];

	ck_assert_msg(
	    row->known == 1, "VM %u, period %lld: known %g", vm, (long long)number, row->known);
	for (unsigned sender = 0; sender <= VMS; sender++)
		if (sender != vm)
			ck_assert_msg(
			    row->packets[sender] == (double)count_of(T0 + 30 * number, vm, sender),
			    "VM %u from %u, period %lld: %g", vm, sender, (long long)number,
			    row->packets[sender]);
}

START_TEST(a_quiet_hour_is_archived_at_once)
{
	run(120, 0);
	for (unsigned vm = 1; vm <= VMS; vm++)
		for (int64_t number = 1; number < 120; number++)
			expect_exact(vm, number);
	/* The newest period went out within its own deadline. */
	ck_assert_int_eq(archived_s[1], T0 + 119 * 30);
}
END_TEST

START_TEST(a_day_with_faults)
{
	unsigned lost = 0;

	run(DAY_PERIODS, sizeof script / sizeof *script);
	for (unsigned vm = 1; vm <= VMS; vm++) {
		for (int64_t number = 1; number < DAY_PERIODS; number++) {
			/* Agent 2 was away for longer than its ring is deep. */
			if (vm == 6 && archive[vm][number].known == 0) {
				ck_assert_int_gt(number, 100);
				ck_assert_int_le(number, 120);
				lost++;
				continue;
			}
			expect_exact(vm, number);
		}
	}
	ck_assert_uint_ge(lost, 19);
	ck_assert_uint_le(lost, 20);
}
END_TEST

START_TEST(an_agent_with_other_periods_is_refused_and_does_not_block)
{
	agents[2].length_s = 60;
	run(30, 0);
	ck_assert_int_eq(poller_status(agents[2].poller)->state, POLLER_REFUSED);
	ck_assert_ptr_nonnull(strstr(poller_status(agents[2].poller)->error, "60 s"));
	for (unsigned vm = 1; vm <= 5; vm++)
		ck_assert_int_eq(archived_s[vm], T0 + 29 * 30);
	ck_assert_int_eq(archived_s[6], 0);
	agents[2].length_s = 30;
	run(32, 0);
	ck_assert_int_eq(poller_status(agents[2].poller)->state, POLLER_UP);
	ck_assert_int_eq(archived_s[6], T0 + 31 * 30);
}
END_TEST

START_TEST(periods_from_the_future_are_refused)
{
	agents[1].ahead_s = 3600;
	run(10, 0);
	ck_assert_int_eq(poller_status(agents[1].poller)->state, POLLER_REFUSED);
	ck_assert_ptr_nonnull(strstr(poller_status(agents[1].poller)->error, "future"));
	ck_assert_int_eq(archived_s[4], 0);
	agents[1].ahead_s = 0;
	run(12, 0);
	ck_assert_int_eq(archived_s[4], T0 + 11 * 30);
}
END_TEST

START_TEST(what_is_uncertain_waits_for_the_missing_agent)
{
	run(10, 0);
	agents[2].answers = false;
	run(15, 0);
	/* VM 1 hears from VM 6 of the missing agent and from outside, so its periods wait. */
	ck_assert_int_eq(archived_s[1], T0 + 9 * 30);
	ck_assert_uint_gt(picture_counts(picture).delivered, 0);
	agents[2].answers = true;
	run(17, 0);
	ck_assert_int_eq(archived_s[1], T0 + 16 * 30);
	for (int64_t number = 1; number <= 16; number++)
		expect_exact(1, number);
}
END_TEST

START_TEST(a_removed_agent_holds_nobody_up)
{
	run(10, 0);
	agents[2].answers = false;
	run(13, 0);
	picture_remove_agent(picture, 2);
	run(15, 0);
	ck_assert_int_eq(archived_s[1], T0 + 14 * 30);
	ck_assert(picture_is_complete(picture, T0 + 14 * 30));
}
END_TEST

START_TEST(the_clock_goes_far_ahead_and_back)
{
	run(10, 0);
	clock_ms = INT64_C(86400000) * 30;
	run(12, 0);
	clock_ms = 0;
	run(60, 0);
	/* Nothing of the false month is archived, and the present is. */
	for (unsigned vm = 1; vm <= VMS; vm++)
		ck_assert_int_eq(archived_s[vm], T0 + 59 * 30);
	for (int64_t number = 13; number < 60; number++)
		expect_exact(1, number);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("collector");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_quiet_hour_is_archived_at_once);
	tcase_add_test(all, a_day_with_faults);
	tcase_add_test(all, an_agent_with_other_periods_is_refused_and_does_not_block);
	tcase_add_test(all, periods_from_the_future_are_refused);
	tcase_add_test(all, what_is_uncertain_waits_for_the_missing_agent);
	tcase_add_test(all, a_removed_agent_holds_nobody_up);
	tcase_add_test(all, the_clock_goes_far_ahead_and_back);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
