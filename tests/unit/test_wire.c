/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests as OIDs, and answers that must fit them variable by variable. */
#include "collector/wire.h"
#include "common/error.h"
#include "tests/unit/unit.h"

#define END 1800000000

static const struct poller_request info = {.id = 7, .kind = POLLER_INFO, .end_s = END};
static const struct poller_request blocks = {
    .id = 8, .kind = POLLER_BLOCKS, .end_s = END, .first = 5, .count = 3};
static struct wire_name names[WIRE_VARIABLES_MAX];
static struct wire_variable variables[WIRE_VARIABLES_MAX + 1];
static struct poller_reply reply;
static size_t count;

/* A good answer to the request. */
static void fill(const struct poller_request *request)
{
	count = wire_names(request, names);
	memset(variables, 0, sizeof variables);
	for (size_t i = 0; i < count; i++) {
		variables[i].name = names[i];
		variables[i].type = request->kind == POLLER_INFO ? WIRE_NUMBER : WIRE_OCTETS;
		variables[i].number = (int64_t)i + 100;
		variables[i].bytes = (const uint8_t *)"block";
		variables[i].length = 5;
	}
}

START_TEST(names_follow_the_mib)
{
	static const uint32_t period_length[] = {MIB_AGENT, MIB_AGENT_PERIOD_LENGTH, 0};
	static const uint32_t crc[] = {MIB_PERIOD_INFO, MIB_INFO_CRC, END};
	static const uint32_t block[] = {MIB_PERIOD_BLOCK, MIB_BLOCK_DATA, END, 7};

	fill(&info);
	ck_assert_uint_eq(count, 6);
	ck_assert_uint_eq(names[0].count, sizeof period_length / sizeof *period_length);
	ck_assert_mem_eq(names[0].ids, period_length, sizeof period_length);
	ck_assert_uint_eq(names[5].count, sizeof crc / sizeof *crc);
	ck_assert_mem_eq(names[5].ids, crc, sizeof crc);
	fill(&blocks);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(names[2].count, sizeof block / sizeof *block);
	ck_assert_mem_eq(names[2].ids, block, sizeof block);
}
END_TEST

START_TEST(good_answers_are_taken)
{
	fill(&info);
	wire_parse(&info, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_OK);
	ck_assert_uint_eq(reply.id, 7);
	ck_assert(reply.has_agent && reply.has_info);
	ck_assert_uint_eq(reply.period_length_s, 100);
	ck_assert_uint_eq(reply.last_end_s, 101);
	ck_assert_uint_eq(reply.info_crc, 105);
	fill(&blocks);
	variables[1].type = WIRE_ABSENT;
	wire_parse(&blocks, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_OK);
	ck_assert_uint_eq(reply.lengths[0], 5);
	ck_assert_ptr_null(reply.blocks[1]);
	ck_assert_ptr_nonnull(reply.blocks[2]);
}
END_TEST

/* The first block of a period with its description. */
START_TEST(a_joined_block_is_taken)
{
	static const struct poller_request joined = {
	    .id = 9, .kind = POLLER_INFO, .end_s = END, .first = 1, .count = 1};
	static const uint32_t block[] = {MIB_PERIOD_BLOCK, MIB_BLOCK_DATA, END, 1};

	fill(&joined);
	ck_assert_uint_eq(count, 7);
	ck_assert_uint_eq(names[6].count, sizeof block / sizeof *block);
	ck_assert_mem_eq(names[6].ids, block, sizeof block);
	variables[6].type = WIRE_OCTETS;
	wire_parse(&joined, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_OK);
	ck_assert(reply.has_agent && reply.has_info);
	ck_assert_uint_eq(reply.lengths[0], 5);
	ck_assert_mem_eq(reply.blocks[0], "block", 5);
	variables[6].type = WIRE_ABSENT;
	wire_parse(&joined, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_OK);
	ck_assert_ptr_null(reply.blocks[0]);
	variables[6].type = WIRE_NUMBER;
	wire_parse(&joined, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_EFORMAT);
	wire_parse(&joined, variables, 6, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_EFORMAT);
}
END_TEST

START_TEST(absent_rows_and_agents_are_no_errors)
{
	fill(&info);
	for (size_t i = 2; i < count; i++)
		variables[i].type = WIRE_ABSENT;
	wire_parse(&info, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_OK);
	ck_assert(reply.has_agent && !reply.has_info);
	variables[0].type = variables[1].type = WIRE_ABSENT;
	wire_parse(&info, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_OK);
	ck_assert(!reply.has_agent && !reply.has_info);
}
END_TEST

static void spoil(int how)
{
	switch (how) {
	case 0:
		count--;
		break;
	case 1:
		count++;
		break;
	case 2:
		count = 0;
		break;
	case 3:
		variables[1].name.ids[3]++;
		break;
	case 4:
		variables[1].name.count--;
		break;
	case 5:
		variables[1].name.count = SIZE_MAX;
		break;
	case 6:
		variables[1].name = variables[0].name;
		break;
	case 7:
		variables[1].type = WIRE_OTHER;
		break;
	case 8:
		variables[1].type = variables[1].type == WIRE_NUMBER ? WIRE_OCTETS : WIRE_NUMBER;
		break;
	}
}

START_TEST(answers_that_do_not_fit_are_refused)
{
	fill(&info);
	spoil(_i);
	wire_parse(&info, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_EFORMAT);
	ck_assert_str_ne(reply.text, "");
	fill(&blocks);
	spoil(_i);
	wire_parse(&blocks, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_EFORMAT);
	ck_assert_uint_eq(reply.id, 8);
}
END_TEST

START_TEST(numbers_out_of_range_and_halves_are_refused)
{
	fill(&info);
	variables[2].number = -1;
	wire_parse(&info, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_EFORMAT);
	fill(&info);
	variables[2].number = (int64_t)UINT32_MAX + 1;
	wire_parse(&info, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_EFORMAT);
	fill(&info);
	variables[3].type = WIRE_ABSENT;
	wire_parse(&info, variables, count, &reply);
	ck_assert_int_eq(reply.error, GRAPPE_EFORMAT);
	ck_assert(!reply.has_info);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *all = tcase_create("all");

	tcase_add_test(all, names_follow_the_mib);
	tcase_add_test(all, good_answers_are_taken);
	tcase_add_test(all, a_joined_block_is_taken);
	tcase_add_test(all, absent_rows_and_agents_are_no_errors);
	tcase_add_loop_test(all, answers_that_do_not_fit_are_refused, 0, 9);
	tcase_add_test(all, numbers_out_of_range_and_halves_are_refused);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
