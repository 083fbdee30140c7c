/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GET and GETNEXT over all tables against a plain search: every instance, everything near one, and
 * OIDs made at random.
 */
#include "agent-module/mib_objects.h"
#include "tests/unit/agent_world.h"
#include "tests/unit/mib_walk.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define START 1800000000

static struct world world;
static struct snapshot *snapshot;
static size_t nall;

/* Two periods with rows, one empty, one more: IPv4 and IPv6, both directions, several vifs. */
static void fill(void)
{
	struct period *period;

	world_init(&world, 5);
	for (unsigned i = 0; i < 4; i++) {
		period = make_period(START + 30 * (int64_t)i);
		period->header.backends = BACKEND_BPF;
		period->header.estimated_packets = 10 + i;
		snprintf(period->header.backend_reason, PERIOD_REASON_SIZE, "auto: TCX");
		for (unsigned vm = 1; vm <= 3 && i != 2; vm++) {
			const uint32_t vif = make_vm(period, vm);

			snprintf(period->vifs[vif].application, PERIOD_LABEL_SIZE, "shop%u", vm);
			make_claim(period, vif, "2001:db8::1", EVIDENCE_SOURCE);
			make_received(period, vif, 300, 1 + i, 100);
			make_received(period, vif, 5, 2 + i, 200);
			make_row(period, vif, ROW_RECEIVED, "2001:db8::5", 3 + i, 300);
			make_row(period, vif, ROW_SENT, make_address(5), 4 + i, 400);
			make_row(period, vif, ROW_SENT, "0.0.0.0", 4 + i, 400);
			make_row(period, vif, ROW_RECEIVED, "255.255.255.254", 4 + i, 400);
		}
		/* Long enough for several blocks. */
		for (unsigned vm = 10; vm < 40; vm++)
			make_vif(period, vm, "other", 30000);
		world_feed(&world, make_sorted(period));
	}
	snapshot = snapshot_new(world.ledger, &world.ring, 3600);
	ck_assert_ptr_nonnull(snapshot);
}

static void set_up(void)
{
	fill();
	nall = walk_take(&mib_objects_view, snapshot);
}

static void tear_down(void)
{
	snapshot_free(snapshot);
	world_deinit(&world);
}

START_TEST(the_walk_has_every_cell)
{
	size_t blocks = 0, rows = 0;

	for (size_t i = 0; i < snapshot->nperiods; i++) {
		blocks += snapshot_block_count(snapshot->periods[i]);
		rows += snapshot->periods[i]->ntallies;
	}
	ck_assert_uint_ge(blocks, 2 * snapshot->nperiods);
	ck_assert_uint_eq(rows, 3 * 3 * 5);
	ck_assert_uint_eq(nall, 19 + 11 * 4 + blocks + 7 * snapshot->nvms + 13 * snapshot->nvifs +
				    8 * snapshot->pairs.count + 4 * rows);
	ck_assert_uint_eq(snapshot->nvifs, 33);
	ck_assert_uint_eq(snapshot->pairs.count, 15);
}
END_TEST

START_TEST(everything_near_an_instance)
{
	walk_check_near();
}
END_TEST

START_TEST(anything_at_all)
{
	walk_check_random(20000);
}
END_TEST

START_TEST(the_longest_oid)
{
	walk_check_longest();
}
END_TEST

static const struct mib_moment now = {.wall_s = START + 100};

#define READ(...)                                                                                  \
	*walk_read((const mib_number[]){__VA_ARGS__},                                              \
	    sizeof((const mib_number[]){__VA_ARGS__}) / sizeof(mib_number), &now)
#define PEER 1, 4, 10, 0, 0, 5 /* VM 5's address as an index */

static bool is_text(const struct mib_value *value, const char *text)
{
	return value->type == MIB_OCTETS && value->length == strlen(text) &&
	       memcmp(value->octets, text, value->length) == 0;
}

START_TEST(what_the_sensor_says_of_itself_and_of_vms)
{
	struct mib_value value = READ(MIB_AGENT, MIB_AGENT_BACKEND, 0);
	const uint32_t vif = world_number(&world, 2);

	ck_assert_int_eq(value.integer, MIB_BACKEND_BPF);
	value = READ(MIB_AGENT, MIB_AGENT_BACKEND_REASON, 0);
	ck_assert(is_text(&value, "auto: TCX"));
	value = READ(MIB_AGENT, MIB_AGENT_ESTIMATED, 0);
	ck_assert_int_eq(value.type, MIB_COUNTER64);
	ck_assert_uint_eq(value.counter, 10 + 11 + 12 + 13);
	value = READ(MIB_PERIOD_INFO, MIB_INFO_ESTIMATED, START + 30);
	ck_assert_uint_eq(value.counter, 11);
	value = READ(MIB_PERIOD_INFO, MIB_INFO_BACKEND, START + 30);
	ck_assert_int_eq(value.integer, MIB_BACKEND_BPF);
	value = READ(MIB_VM, MIB_VM_APPLICATION, 2);
	ck_assert(is_text(&value, "shop2"));
	value = READ(MIB_VM, MIB_VM_LAST_END, 2);
	ck_assert_uint_eq(value.number, START + 90);
	value = READ(MIB_VIF, MIB_VIF_EVIDENCE, vif);
	ck_assert(is_text(&value, "claimed source"));
}
END_TEST

START_TEST(values)
{
	struct mib_value value = READ(MIB_AGENT, MIB_AGENT_LAST_END, 0);
	const uint32_t vif = world_number(&world, 2);

	ck_assert_int_eq(value.type, MIB_UNSIGNED);
	ck_assert_uint_eq(value.number, START + 90);
	value = READ(MIB_AGENT, MIB_AGENT_CAPTURE_STATE, 0);
	ck_assert_int_eq(value.type, MIB_INTEGER);
	ck_assert_int_eq(value.integer, MIB_CAPTURE_RUNNING);
	value = READ(MIB_PAIR, MIB_PAIR_PACKETS, vif, PEER);
	ck_assert_int_eq(value.type, MIB_COUNTER64);
	ck_assert_uint_eq(value.counter, 2 + 3 + 5);
	value = READ(MIB_PAIR, MIB_PAIR_SENT_OCTETS, vif, PEER);
	ck_assert_uint_eq(value.counter, 3 * 400);
	value = READ(MIB_PAIR, MIB_PAIR_PEER, vif, PEER);
	ck_assert_int_eq(value.type, MIB_OCTETS);
	ck_assert_uint_eq(value.length, strlen("10.0.0.5"));
	value = READ(MIB_PAIR, MIB_PAIR_VM_NAME, vif, PEER);
	ck_assert_uint_eq(value.length, strlen(snapshot_vif(snapshot, vif)->vif.vm_name));
	ck_assert_int_eq(
	    memcmp(value.octets, snapshot_vif(snapshot, vif)->vif.vm_name, value.length), 0);
	ck_assert_uint_gt(value.length, 0);
	value = READ(MIB_PERIOD, MIB_PERIOD_PACKETS, START + 30, vif, PEER);
	ck_assert_uint_eq(value.counter, 3);
	value = READ(MIB_PERIOD_INFO, MIB_INFO_BYTES, START + 30);
	ck_assert_uint_eq(value.number, snapshot->periods[1]->length);
	value = READ(MIB_VM, MIB_VM_MEMORY, 1);
	ck_assert_uint_eq(value.number, 512);
	value = READ(MIB_VIF, MIB_VIF_ROUTER, vif);
	ck_assert_int_eq(value.integer, 2);
}
END_TEST

START_TEST(blocks_make_the_encoding)
{
	const struct sealed *period = snapshot->periods[1];
	size_t done = 0;

	for (mib_number chunk = 1; chunk <= snapshot_block_count(period); chunk++) {
		const struct mib_value value =
		    READ(MIB_PERIOD_BLOCK, MIB_BLOCK_DATA, START + 30, chunk);

		ck_assert_uint_le(value.length, MIB_BLOCK_BYTES);
		ck_assert_uint_gt(value.length, 0);
		ck_assert_mem_eq(value.octets, period->bytes + done, value.length);
		done += value.length;
	}
	ck_assert_uint_eq(done, period->length);
	ck_assert_uint_eq(period->crc, period_checksum(period->bytes, period->length));
}
END_TEST

START_TEST(an_agent_without_periods_has_scalars_only)
{
	tear_down();
	world_init(&world, 2);
	snapshot = snapshot_new(world.ledger, &world.ring, 3600);
	ck_assert_ptr_nonnull(snapshot);
	nall = walk_take(&mib_objects_view, snapshot);
	ck_assert_uint_eq(nall, 19);
	walk_check_near();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mib_objects");
	TCase *tcase = tcase_create("mib_objects");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_walk_has_every_cell);
	tcase_add_test(tcase, everything_near_an_instance);
	tcase_add_test(tcase, anything_at_all);
	tcase_add_test(tcase, the_longest_oid);
	tcase_add_test(tcase, values);
	tcase_add_test(tcase, what_the_sensor_says_of_itself_and_of_vms);
	tcase_add_test(tcase, blocks_make_the_encoding);
	tcase_add_test(tcase, an_agent_without_periods_has_scalars_only);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
