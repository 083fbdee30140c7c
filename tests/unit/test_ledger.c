/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"
#include "tests/unit/agent_world.h"
#include "tests/unit/unit.h"

#define START 1800000000 /* the first period's end */

static struct world world;

static void set_up(void)
{
	world_init(&world, 4);
}

static void tear_down(void)
{
	world_deinit(&world);
}

static const struct tally *row_of(unsigned vm, unsigned peer)
{
	const uint32_t number = world_number(&world, vm);
	struct address address;

	ck_assert_int_eq(address_parse(make_address(peer), &address), 0);
	for (size_t i = 0; i < world.ledger->rows.count; i++) {
		const struct tally *row = &world.ledger->rows.items[i];

		if (row->vif == number && address_compare(&row->peer, &address) == 0)
			return row;
	}
	return NULL;
}

/* A period in which VM `to` received from VM `from`. */
static void feed(int64_t end, unsigned to, unsigned from, uint64_t packets)
{
	struct period *period = make_period(end);

	make_received(period, make_vm(period, to), from, packets, packets * 100);
	world_feed(&world, make_sorted(period));
}

START_TEST(sums_and_both_directions)
{
	struct period *period = make_period(START);
	const uint32_t vif = make_vm(period, 1);

	period->header.dropped_packets = 5;
	period->header.unmatched_packets = 6;
	period->header.unmatched_octets = 600;
	period->header.estimated_packets = 9;
	period->header.malformed_packets = 11;
	period->vifs[vif].multicast_packets = 7;
	period->vifs[vif].other_packets = 8;
	make_received(period, vif, 2, 10, 1000);
	make_row(period, vif, ROW_SENT, make_address(2), 3, 300);
	make_row(period, vif, ROW_SENT, make_address(9), 4, 400);
	world_feed(&world, make_sorted(period));
	feed(START + 30, 1, 2, 90);

	ck_assert_uint_eq(world.ledger->rows.count, 2);
	ck_assert_uint_eq(row_of(1, 2)->packets, 100);
	ck_assert_uint_eq(row_of(1, 2)->octets, 10000);
	ck_assert_uint_eq(row_of(1, 2)->sent_packets, 3);
	ck_assert_uint_eq(row_of(1, 2)->last_end, START + 30);
	ck_assert_uint_eq(row_of(1, 9)->packets, 0);
	ck_assert_uint_eq(row_of(1, 9)->sent_octets, 400);
	ck_assert_uint_eq(row_of(1, 9)->last_end, START);
	ck_assert_uint_eq(world.ledger->drops, 5);
	ck_assert_uint_eq(world.ledger->unmatched, 6);
	ck_assert_uint_eq(world.ledger->overflow, 8);
	ck_assert_uint_eq(world.ledger->vifs[0].vif.multicast_packets, 7);
	ck_assert_uint_eq(world.ledger->start_s, START - 30);
	ck_assert_uint_eq(world.ledger->last_end, START + 30);
	world_restart(&world);
	ck_assert_uint_eq(world.ledger->drops, 5);
	ck_assert_uint_eq(world.ledger->unmatched, 6);
	ck_assert_uint_eq(world.ledger->unmatched_octets, 600);
	ck_assert_uint_eq(world.ledger->estimated, 9);
	ck_assert_uint_eq(world.ledger->malformed, 11);
	ck_assert_uint_eq(world.ledger->overflow, 8);
	ledger_reset(world.ledger);
	ck_assert_uint_eq(world.ledger->estimated + world.ledger->malformed +
			      world.ledger->unmatched_octets + world.ledger->drops,
	    0);
}
END_TEST

START_TEST(a_vif_is_as_the_newest_period_says)
{
	struct period *period = make_period(START);
	const uint32_t vif = make_vm(period, 1);

	period->vifs[vif].multicast_packets = 7;
	period->vifs[vif].nonip_packets = 3;
	snprintf(period->vifs[vif].application, PERIOD_LABEL_SIZE, "shop");
	period->vifs[vif].oper_state = OPER_STATE_PAUSED;
	world_feed(&world, make_sorted(period));
	feed(START + 30, 1, 2, 90);
	period = make_period(START + 60);
	make_vm(period, 1);
	snprintf(period->vifs[0].application, PERIOD_LABEL_SIZE, "bank");
	world_feed(&world, make_sorted(period));
	world_restart(&world);
	ck_assert_str_eq(world.ledger->vifs[0].vif.application, "bank");
	ck_assert_uint_eq(world.ledger->vifs[0].vif.oper_state, OPER_STATE_NONE);
	ck_assert_uint_eq(world.ledger->vifs[0].vif.nonip_packets, 3);
}
END_TEST

START_TEST(periods_only_go_on)
{
	struct period *period = make_sorted(make_period(START));
	const struct tally_set none = {0};
	uint32_t number;
	bool added;

	feed(START, 1, 2, 10);
	ck_assert_int_eq(ledger_number(world.ledger, period, &number, &added), 0);
	ck_assert_int_eq(ledger_account(world.ledger, period, &number, &none), GRAPPE_ERANGE);
	period->header.end_s = INT64_C(1) << 32;
	ck_assert_int_eq(ledger_account(world.ledger, period, &number, &none), GRAPPE_ERANGE);
	ck_assert_uint_eq(row_of(1, 2)->packets, 10);
	period_free(period);
}
END_TEST

/* Rows of two NICs of one VM: two numbers, one VM, two keys; the same NIC twice is one. */
START_TEST(identity_of_a_vif)
{
	struct period *period = make_period(START);
	uint32_t numbers[5];
	bool added;

	make_vif(period, 1, "a", 0);
	make_vif(period, 1, "b", 0);
	make_vif(period, 1, "a", 0);
	make_vif(period, 1, "a", 0);
	period->vifs[3].macs[0].bytes[1] = 9;
	make_vif(period, 2, "a", 0);
	ck_assert_int_eq(ledger_number(world.ledger, period, numbers, &added), 0);
	ck_assert(added);
	ck_assert_uint_eq(numbers[0], 1);
	ck_assert_uint_eq(numbers[1], 2);
	ck_assert_uint_eq(numbers[2], 1);
	ck_assert_uint_eq(numbers[3], 3);
	ck_assert_uint_eq(numbers[4], 4);
	ck_assert_uint_eq(ledger_find_vif(world.ledger, 3)->vm_number, 1);
	ck_assert_uint_eq(ledger_find_vif(world.ledger, 4)->vm_number, 2);
	ck_assert(!ledger_find_vif(world.ledger, 1)->key_with_mac);
	ck_assert(!ledger_find_vif(world.ledger, 2)->key_with_mac);
	ck_assert(ledger_find_vif(world.ledger, 3)->key_with_mac);
	ck_assert_ptr_null(ledger_find_vif(world.ledger, 5));
	ck_assert_ptr_null(ledger_find_vif(world.ledger, 0));
	ck_assert_int_eq(ledger_number(world.ledger, period, numbers, &added), 0);
	ck_assert(!added);
	ck_assert_uint_eq(numbers[4], 4);
	period_free(period);
}
END_TEST

START_TEST(the_same_vif_twice_in_a_period_adds_up)
{
	struct period *period = make_period(START);
	const uint32_t first = make_vm(period, 1), second = make_vm(period, 1);

	period->vifs[first].multicast_packets = period->vifs[second].multicast_packets = 2;
	make_received(period, first, 2, 10, 1000);
	make_received(period, second, 2, 20, 2000);
	world_feed(&world, make_sorted(period));
	ck_assert_uint_eq(world.ledger->rows.count, 1);
	ck_assert_uint_eq(row_of(1, 2)->packets, 30);
	ck_assert_uint_eq(world.ledger->vifs[0].vif.multicast_packets, 4);
}
END_TEST

START_TEST(numbers_survive_restart_and_reset)
{
	feed(START, 1, 2, 10);
	feed(START + 30, 7, 2, 20);
	feed(START + 60, 3, 2, 30);
	world_restart(&world);
	ck_assert_uint_eq(world_number(&world, 1), 1);
	ck_assert_uint_eq(world_number(&world, 7), 2);
	ck_assert_uint_eq(world_number(&world, 3), 3);
	ck_assert_uint_eq(row_of(7, 2)->packets, 20);
	ck_assert_uint_eq(row_of(7, 2)->last_end, START + 30);
	ck_assert_uint_eq(world.ledger->start_s, START - 30);
	feed(START + 90, 7, 2, 5);
	ck_assert_uint_eq(row_of(7, 2)->packets, 25);

	ledger_reset(world.ledger);
	ck_assert_uint_eq(world.ledger->rows.count, 0);
	feed(START + 9000, 7, 2, 1);
	ck_assert_uint_eq(world_number(&world, 7), 2);
	ck_assert_uint_eq(row_of(7, 2)->packets, 1);
	ck_assert_uint_eq(world.ledger->start_s, START + 9000 - 30);
	feed(START + 9030, 8, 2, 1);
	ck_assert_uint_eq(world_number(&world, 8), 4);
}
END_TEST

START_TEST(idle_rows_and_vifs_are_forgotten)
{
	feed(START, 1, 2, 10);
	feed(START + LEDGER_ROW_IDLE_S, 3, 2, 1);
	ck_assert_ptr_nonnull(row_of(1, 2));
	feed(START + LEDGER_ROW_IDLE_S + 30, 3, 2, 1);
	ck_assert_ptr_null(row_of(1, 2));
	ck_assert_uint_eq(world_number(&world, 1), 1);
	feed(START + LEDGER_VIF_IDLE_S, 3, 2, 1);
	ck_assert_uint_eq(world_number(&world, 1), 1);
	feed(START + LEDGER_VIF_IDLE_S + 30, 3, 2, 1);
	ck_assert_uint_eq(world_number(&world, 1), 0);
	/* It comes back as somebody new: its number is not given out again. */
	feed(START + LEDGER_VIF_IDLE_S + 60, 1, 2, 1);
	ck_assert_uint_eq(world_number(&world, 1), 3);
	ck_assert_uint_eq(world_number(&world, 3), 2);
	world_restart(&world);
	ck_assert_uint_eq(world_number(&world, 1), 3);
}
END_TEST

START_TEST(too_many_rows_go_oldest_first)
{
	const unsigned half = LEDGER_ROWS_MAX / 2;

	for (unsigned round = 0; round < 3; round++) {
		struct period *period = make_period(START + 30 * (int64_t)round);
		const uint32_t vif = make_vm(period, 1);

		for (unsigned i = 0; i < half + (round == 2); i++) {
			struct period_row row = {.vif = vif,
			    .packets = 1,
			    .peer.type = ADDRESS_IPV4,
			    .peer.bytes = {(uint8_t)(10 + round), (uint8_t)(i >> 16),
				(uint8_t)(i >> 8), (uint8_t)i}};

			ck_assert_int_ge(period_add_row(period, &row), 0);
		}
		world_feed(&world, make_sorted(period));
	}
	ck_assert_uint_eq(world.ledger->rows.count, half + 1);
	ck_assert_uint_eq(world.ledger->forgotten_rows, 2 * half);
	for (size_t i = 0; i < world.ledger->rows.count; i++)
		ck_assert_uint_eq(world.ledger->rows.items[i].last_end, START + 60);
}
END_TEST

START_TEST(nothing_to_save_yet)
{
	struct buffer bytes;

	buffer_init(&bytes);
	ck_assert_int_eq(ledger_encode(world.ledger, &bytes), GRAPPE_EINVALID);
	buffer_deinit(&bytes);
}
END_TEST

/* Every shorter file and every file with a changed byte is refused; with a checksum made to fit, it
 * may be taken but never harms. */
START_TEST(damaged_files_are_refused)
{
	struct buffer bytes;
	struct ledger *ledger;

	feed(START, 1, 2, 10);
	feed(START + 30, 3, 2, 20);
	buffer_init(&bytes);
	ck_assert_int_eq(ledger_encode(world.ledger, &bytes), 0);
	for (size_t length = 0; length < bytes.length; length++) {
		ck_assert_int_lt(ledger_decode(bytes.bytes, length, &ledger), 0);
		ck_assert_ptr_null(ledger);
	}
	for (size_t i = 0; i < bytes.length; i++) {
		for (unsigned change = 1; change < 256; change <<= 1) {
			bytes.bytes[i] ^= (uint8_t)change;
			ck_assert_int_lt(ledger_decode(bytes.bytes, bytes.length, &ledger), 0);
			bytes.bytes[i] ^= (uint8_t)change;
		}
	}
	for (size_t i = 0; i + 4 < bytes.length; i++) {
		const uint8_t was = bytes.bytes[i];
		uint32_t crc;

		bytes.bytes[i] ^= 0x41;
		crc = period_checksum(bytes.bytes, bytes.length - 4);
		for (int byte = 0; byte < 4; byte++)
			bytes.bytes[bytes.length - 4 + byte] = (uint8_t)(crc >> (24 - 8 * byte));
		if (ledger_decode(bytes.bytes, bytes.length, &ledger) == 0)
			ledger_free(ledger);
		bytes.bytes[i] = was;
	}
	buffer_deinit(&bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tcase = tcase_create("ledger");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, sums_and_both_directions);
	tcase_add_test(tcase, a_vif_is_as_the_newest_period_says);
	tcase_add_test(tcase, periods_only_go_on);
	tcase_add_test(tcase, identity_of_a_vif);
	tcase_add_test(tcase, the_same_vif_twice_in_a_period_adds_up);
	tcase_add_test(tcase, numbers_survive_restart_and_reset);
	tcase_add_test(tcase, idle_rows_and_vifs_are_forgotten);
	tcase_add_test(tcase, too_many_rows_go_oldest_first);
	tcase_add_test(tcase, nothing_to_save_yet);
	tcase_add_test(tcase, damaged_files_are_refused);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
