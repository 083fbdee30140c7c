/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A day of 30 s periods through the accounting core and the period store with a fake clock: ten VMs
 * that appear, vanish and move between ports, frames that are read late, clocks that step, an
 * overflow, orderly restarts and kills. A model that knows nothing of periods says what must come
 * out: every frame once.
 */
#include "agent-module/account.h"
#include "agent-module/period_store.h"
#include "common/error.h"
#include "tests/unit/frames.h"
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <string.h>

#define S CLOCK_SECOND_NS
#define LENGTH 30
#define BASE_S INT64_C(1000000020)
#define VMS 10
#define PEERS 12
#define PAIRS_PER_VIF 8 /* fewer than PEERS: the rest is "other" */
#define DAY_S 86400

struct vm {
	int handle; /* -1: not watched */
	uint32_t port;
};

struct totals {
	uint64_t pairs, other, unmatched, dropped, lost;
};

static char folder[UNIT_PATH_SIZE];
static struct account *account;
static struct period_store *store;
static struct period *unfinished;
static struct vm vms[VMS];
static int64_t wall, monotonic;
static uint64_t fed;       /* frames given to the accounting */
static uint64_t open_fed;  /* of these, since the last orderly state: lost by a kill */
static struct totals seen; /* what came out */
static int64_t ends[2 * DAY_S / LENGTH];
static size_t nends;
static uint64_t partial, stepped;
static uint32_t seed;
static bool storing; /* periods go to disk, which syncs each and takes its time */

/* A back end that counts by itself: the sums of the period that its clock is in. */
static struct {
	bool active;
	uint64_t packets[VMS][PEERS];
	int64_t end_s, wall, monotonic; /* of its last look at the time */
} counter;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void describe(int vm, struct period_vif *vif)
{
	*vif = (struct period_vif){
	    .nmacs = 1, .macs = {{{2, 0, 0, 0, 0, (uint8_t)(vm + 1)}}}, .segment = "default"};
	identity_from_mac(&vif->macs[0], vif->vm_id);
	snprintf(vif->vm_name, sizeof vif->vm_name, "vm%d", vm);
}

static void watch(int vm)
{
	struct period_vif vif;

	describe(vm, &vif);
	vms[vm].port = 1 + draw(4) * VMS + (uint32_t)vm; /* a new interface each time */
	vms[vm].handle = account_watch(account, vms[vm].port, &vif, wall);
	ck_assert_int_ge(vms[vm].handle, 0);
}

static void unwatch(int vm)
{
	account_unwatch(account, vms[vm].handle, wall);
	vms[vm].handle = -1;
}

/* ---- a back end that counts by itself ---- */

static void counter_hand_over(void)
{
	struct counted sum = {.kind = COUNTED_RECEIVED,
	    .peer = {.type = ADDRESS_IPV4, .bytes = {10, 0, 1}},
	    .end_s = counter.end_s};

	for (int vm = 0; vm < VMS; vm++)
		for (int peer = 0; peer < PEERS; peer++) {
			sum.handle = vms[vm].handle;
			sum.peer.bytes[3] = (uint8_t)peer;
			sum.packets = counter.packets[vm][peer];
			sum.octets = sum.packets * 128;
			if (sum.packets > 0)
				account_counted(account, &sum);
			counter.packets[vm][peer] = 0;
		}
}

/* Looks at the time before the accounting does: what was counted until a period's end, or until the
 * clock was set, belongs to the period of the time before. */
static void counter_tick(void)
{
	const int64_t step = (wall - counter.wall) - (monotonic - counter.monotonic);

	if (counter.active && (step != 0 || wall >= counter.end_s * S)) {
		counter_hand_over();
		counter.end_s = clock_period_end(wall, LENGTH);
	}
	counter.wall = wall;
	counter.monotonic = monotonic;
}

static void counter_start(void)
{
	counter.active = true;
	counter.end_s = clock_period_end(wall, LENGTH);
	counter.wall = wall;
	counter.monotonic = monotonic;
}

static void receive(int vm, int64_t stamp)
{
	struct made_frame made;
	struct frame frame;
	char mac[MAC_TEXT_SIZE], address[32], peer[32];

	fed++;
	open_fed++;
	if (counter.active) {
		counter.packets[vm][draw(PEERS)]++;
		return;
	}
	snprintf(mac, sizeof mac, "02:00:00:00:00:%02x", (unsigned)vm + 1);
	snprintf(address, sizeof address, "10.0.0.%d", vm + 1);
	snprintf(peer, sizeof peer, "10.0.1.%u", draw(PEERS));
	frame_make_udp(&made, mac, "02:00:00:00:00:ff", peer, address, 100);
	frame_decode(made.bytes, made.length, made.wire, &frame);
	account_frame(account, vms[vm].port, &frame, stamp, false, 1500);
}

/* ---- what comes out ---- */

static uint64_t count_period(const struct period *period)
{
	uint64_t pairs = 0, octets = 0, other = 0;
	uint32_t covered = 0;

	for (size_t i = 0; i < period->nrows; i++) {
		pairs += period->rows[i].packets;
		octets += period->rows[i].octets;
	}
	for (size_t i = 0; i < period->nvifs; i++) {
		other += period->vifs[i].other_packets;
		if (period->vifs[i].covered_ms > covered)
			covered = period->vifs[i].covered_ms;
	}
	ck_assert_uint_eq(octets, pairs * 128);
	ck_assert_uint_le(covered, LENGTH * 1000);
	seen.pairs += pairs;
	seen.other += other;
	seen.unmatched += period->header.unmatched_packets;
	seen.dropped += period->header.dropped_packets;
	return pairs + other + period->header.unmatched_packets + period->header.dropped_packets;
}

/* Publishes as the daemon does and checks what must always hold. */
static void publish(struct period *period)
{
	const int64_t end_s = period->header.end_s;
	uint64_t counted;
	bool twice = false;

	if (unfinished != NULL && unfinished->header.end_s == end_s) {
		ck_assert_int_eq(period_store_merge(period, unfinished), 0);
		period_free(unfinished);
		unfinished = NULL;
	}
	ck_assert_int_eq(end_s % LENGTH, 0);
	for (size_t i = 0; i < nends; i++)
		twice = twice || ends[i] == end_s;
	ck_assert_msg(!twice, "%" PRId64 " was issued twice", end_s);
	ck_assert_uint_lt(nends, sizeof ends / sizeof *ends);
	ends[nends++] = end_s;
	partial += (period->header.flags & PERIOD_PARTIAL) != 0;
	stepped += (period->header.flags & PERIOD_CLOCK_STEPPED) != 0;
	counted = count_period(period);
	open_fed = open_fed > counted ? open_fed - counted : 0;
	if (storing)
		ck_assert_int_eq(period_store_publish(store, period), 0);
	period_free(period);
}

static void close_due(void)
{
	struct period *period;

	while (account_close(account, &period) == 1)
		publish(period);
}

/* ---- the program starts and ends ---- */

static void start(void)
{
	const struct account_options options = {.length_s = LENGTH, .pairs_per_vif = PAIRS_PER_VIF};
	const int64_t *there;
	struct period *old;
	size_t count;

	ck_assert_int_eq(period_store_open(folder, 20, &store), 0);
	account = account_new(&options, wall, monotonic);
	ck_assert_ptr_nonnull(account);
	there = period_store_ends(store, &count);
	for (size_t i = 0; i < count; i++)
		account_mark_issued(account, there[i]);
	ck_assert_int_eq(period_store_load_unfinished(store, &unfinished), 0);
	period_store_remove_unfinished(store);
	if (unfinished != NULL && unfinished->header.end_s <= wall / S) {
		old = unfinished;
		unfinished = NULL;
		publish(old);
	}
	open_fed = 0;
	for (int vm = 0; vm < VMS; vm++)
		watch(vm);
}

static void end_orderly(void)
{
	struct period *period;

	while (account_finish(account, wall, &period) == 1) {
		if (period->header.end_s * S <= wall) {
			publish(period);
			continue;
		}
		if (unfinished != NULL && unfinished->header.end_s == period->header.end_s) {
			ck_assert_int_eq(period_store_merge(period, unfinished), 0);
			period_free(unfinished);
			unfinished = NULL;
		}
		ck_assert_int_eq(period_store_save_unfinished(store, period), 0);
		period_free(period);
	}
}

static void stop(void)
{
	account_free(account);
	account = NULL;
	period_store_close(store);
	store = NULL;
	period_free(unfinished);
	unfinished = NULL;
}

static void setup(void)
{
	unit_make_folder(folder);
	seed = 1;
	nends = 0;
	storing = counter.active = false;
	memset(counter.packets, 0, sizeof counter.packets);
	fed = open_fed = partial = stepped = 0;
	seen = (struct totals){0};
	monotonic = 77 * S;
	wall = BASE_S * S + 11 * S;
	start();
}

static void teardown(void)
{
	stop();
	unit_remove_folder(folder);
}

/* ---- time ---- */

/* One second: frames, some of them stamped up to 350 ms before they are read. */
static void second(uint32_t frames)
{
	counter_tick();
	account_tick(account, wall, monotonic, NULL);
	for (uint32_t i = 0; i < frames; i++) {
		const int vm = (int)draw(VMS);

		if (vms[vm].handle >= 0)
			receive(vm, wall - (int64_t)draw(350) * CLOCK_MILLISECOND_NS);
	}
	/* The periods are closed a little after their end, as the daemon's timer does. */
	wall += S / 2;
	monotonic += S / 2;
	counter_tick();
	account_tick(account, wall, monotonic, NULL);
	close_due();
	wall += S / 2;
	monotonic += S / 2;
}

static void finish_up(void)
{
	struct period *period;

	if (counter.active)
		counter_hand_over();
	while (account_finish(account, wall, &period) == 1)
		publish(period);
}

static void check_sums(void)
{
	ck_assert_uint_eq(seen.pairs + seen.other + seen.unmatched + seen.dropped + seen.lost, fed);
}

START_TEST(a_quiet_day)
{
	for (int i = 0; i < DAY_S; i++)
		second(3);
	finish_up();
	check_sums();
	ck_assert_uint_eq(seen.dropped, 0);
	ck_assert_uint_eq(seen.unmatched, 0);
	ck_assert_uint_gt(seen.other, 0);
	ck_assert_uint_eq(account_statistics(account)->late, 0);
	ck_assert_uint_eq(nends, DAY_S / LENGTH + 1);
	ck_assert_uint_eq(partial, 2); /* the first and the last */
	for (size_t i = 1; i < nends; i++)
		ck_assert_int_eq(ends[i], ends[i - 1] + LENGTH);
}
END_TEST

START_TEST(vms_come_and_go)
{
	for (int i = 0; i < DAY_S / 4; i++) {
		const int vm = (int)draw(VMS);

		if (draw(20) == 0) {
			if (vms[vm].handle >= 0)
				unwatch(vm);
			else
				watch(vm);
		}
		second(3);
	}
	finish_up();
	check_sums();
	ck_assert_uint_eq(seen.dropped, 0);
}
END_TEST

START_TEST(restarts_lose_nothing)
{
	storing = true;
	for (int round = 0; round < 60; round++) {
		const int seconds = 20 + (int)draw(100);

		for (int i = 0; i < seconds; i++)
			second(3);
		end_orderly();
		stop();
		/* Half of the restarts are quick, the others skip a period or two. */
		monotonic += S;
		wall += (int64_t)(1 + draw(2) * draw(70)) * S;
		start();
	}
	finish_up();
	check_sums();
	ck_assert_uint_eq(seen.lost, 0);
	ck_assert_uint_eq(seen.dropped, 0);
}
END_TEST

START_TEST(kills_lose_only_the_open_period)
{
	storing = true;
	for (int round = 0; round < 60; round++) {
		const int seconds = 20 + (int)draw(100);

		for (int i = 0; i < seconds; i++)
			second(3);
		ck_assert_uint_le(open_fed, (LENGTH + 1) * 3);
		seen.lost += open_fed;
		stop();
		wall += (int64_t)(1 + draw(40)) * S;
		start();
	}
	finish_up();
	check_sums();
}
END_TEST

START_TEST(clocks_that_step)
{
	for (int round = 0; round < 60; round++) {
		const int seconds = 5 + (int)draw(100);

		for (int i = 0; i < seconds; i++)
			second(3);
		wall += ((int64_t)draw(400) - 150) * S;
	}
	finish_up();
	check_sums();
	ck_assert_uint_gt(stepped, 30);
	ck_assert_uint_gt(account_statistics(account)->steps, 50);
}
END_TEST

#define HOURS 10 /* so few that the right time does not reach an hour that was lived before */

/* The clock is set by an hour, in this direction first, and put right after `minutes`, many times.
 */
static void set_by_an_hour(int direction, int minutes)
{
	for (int round = 0; round < HOURS; round++) {
		for (int i = 0; i < 100 + (int)draw(LENGTH); i++)
			second(3);
		wall += direction * INT64_C(3600) * S;
		for (int i = 0; i < minutes * 60; i++)
			second(3);
		wall -= direction * INT64_C(3600) * S;
	}
	for (int i = 0; i < 100; i++)
		second(3);
	finish_up();
	check_sums();
	ck_assert_uint_eq(account_statistics(account)->steps, 2 * HOURS);
	ck_assert_uint_ge(stepped, 2 * HOURS);
}

/* Time that was not lived before is counted like any other. */
START_TEST(an_hour_forward_and_back)
{
	if (_i == 1)
		counter_start();
	set_by_an_hour(1, 3);
	ck_assert_uint_eq(seen.dropped, 0);
	ck_assert_uint_eq(seen.unmatched, 0);
}
END_TEST

/* Back into time that has its periods already: no end comes twice, so these packets have no period,
 * and are counted as dropped. */
START_TEST(an_hour_back_and_forward)
{
	if (_i == 1)
		counter_start();
	for (int i = 0; i < 4000; i++)
		second(3);
	ck_assert_uint_eq(seen.dropped, 0);
	set_by_an_hour(-1, 3);
	ck_assert_uint_gt(seen.dropped, 0);
	/* each time three minutes of so many frames, and what the period of the step itself had */
	ck_assert_uint_le(seen.dropped, (uint64_t)HOURS * (180 + 2 * LENGTH) * 3);
	ck_assert_uint_eq(seen.unmatched, 0);
}
END_TEST

/* The counting back end over a day of steps of every size. */
START_TEST(sums_and_clocks_that_step)
{
	counter_start();
	for (int round = 0; round < 200; round++) {
		const int seconds = 5 + (int)draw(100);

		for (int i = 0; i < seconds; i++)
			second(3);
		wall += ((int64_t)draw(8000) - 4000) * S;
	}
	finish_up();
	check_sums();
	ck_assert_uint_gt(stepped, 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_capture");
	TCase *tests = tcase_create("all");

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_quiet_day);
	tcase_add_test(tests, vms_come_and_go);
	tcase_add_test(tests, restarts_lose_nothing);
	tcase_add_test(tests, kills_lose_only_the_open_period);
	tcase_add_test(tests, clocks_that_step);
	tcase_add_loop_test(tests, an_hour_forward_and_back, 0, 2);
	tcase_add_loop_test(tests, an_hour_back_and_forward, 0, 2);
	tcase_add_test(tests, sums_and_clocks_that_step);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
