/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/buffer.h"

#include "common/error.h"
#include "tests/unit/unit.h"

static struct buffer buffer;
static struct reader reader;

static void setup(void)
{
	buffer_init(&buffer);
}

static void teardown(void)
{
	buffer_deinit(&buffer);
}

static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_C(1) << 32,
    INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
#define NNUMBERS (sizeof numbers / sizeof *numbers)

START_TEST(numbers_come_back)
{
	for (size_t i = 0; i < NNUMBERS; i++) {
		buffer_put_varint(&buffer, numbers[i]);
		buffer_put_signed(&buffer, (int64_t)numbers[i]);
		buffer_put_u32(&buffer, (uint32_t)numbers[i]);
		buffer_put_u8(&buffer, (uint8_t)numbers[i]);
	}
	reader_init(&reader, buffer.bytes, buffer.length);
	for (size_t i = 0; i < NNUMBERS; i++) {
		ck_assert_uint_eq(reader_varint(&reader), numbers[i]);
		ck_assert_int_eq(reader_signed(&reader), (int64_t)numbers[i]);
		ck_assert_uint_eq(reader_u32(&reader), (uint32_t)numbers[i]);
		ck_assert_uint_eq(reader_u8(&reader), (uint8_t)numbers[i]);
	}
	ck_assert_uint_eq(reader_left(&reader), 0);
	ck_assert_int_eq(reader.error, GRAPPE_OK);
}
END_TEST

START_TEST(layout)
{
	static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0xac, 0x02, 0x03, 2, 'h', 'i'};

	buffer_put_u32(&buffer, 0x01020304);
	buffer_put_varint(&buffer, 300);
	buffer_put_signed(&buffer, -2);
	buffer_put_text(&buffer, "hi");
	ck_assert_uint_eq(buffer.length, sizeof expected);
	ck_assert_mem_eq(buffer.bytes, expected, sizeof expected);
	reader_init(&reader, expected, sizeof expected);
	ck_assert_uint_eq(reader_u16(&reader), 0x0102);
}
END_TEST

START_TEST(growth_keeps_what_is_there)
{
	for (unsigned i = 0; i < 100000; i++)
		buffer_put_u8(&buffer, (uint8_t)(i * 7));
	ck_assert_uint_eq(buffer.length, 100000);
	for (unsigned i = 0; i < 100000; i++)
		ck_assert_uint_eq(buffer.bytes[i], (uint8_t)(i * 7));
}
END_TEST

START_TEST(texts)
{
	char out[4];

	buffer_put_text(&buffer, "abc");
	buffer_put_text(&buffer, "");
	buffer_put_text(&buffer, "abcd");
	reader_init(&reader, buffer.bytes, buffer.length);
	reader_text(&reader, out, sizeof out);
	ck_assert_str_eq(out, "abc");
	reader_text(&reader, out, sizeof out);
	ck_assert_str_eq(out, "");
	reader_text(&reader, out, sizeof out);
	ck_assert_int_eq(reader.error, GRAPPE_EFORMAT);
	ck_assert_str_eq(out, "");
	for (size_t i = 0; i < 4; i++) {
		const char bad[4][4] = {"\2a\n", "\2\0b", "\2a\177", "\1\33"};

		reader_init(&reader, bad[i], 3);
		reader_text(&reader, out, sizeof out);
		ck_assert_int_eq(reader.error, GRAPPE_EFORMAT);
	}
	reader_init(&reader, "\003ab", 3);
	reader_text(&reader, out, sizeof out);
	ck_assert_int_eq(reader.error, GRAPPE_ETRUNCATED);
}
END_TEST

START_TEST(errors_stick)
{
	uint8_t out[2] = {7, 7};

	reader_init(&reader, "abc", 3);
	reader_skip(&reader, 2);
	ck_assert_uint_eq(reader_u16(&reader), 0);
	ck_assert_int_eq(reader.error, GRAPPE_ETRUNCATED);
	ck_assert_uint_eq(reader_u8(&reader), 0);
	ck_assert_uint_eq(reader_left(&reader), 0);
	ck_assert_ptr_null(reader_take(&reader, 0));
	reader_copy(&reader, out, 2);
	ck_assert_uint_eq(out[0] + out[1], 0);
	reader_init(&reader, "abc", 3);
	ck_assert_ptr_null(reader_take(&reader, SIZE_MAX));
}
END_TEST

START_TEST(numbers_too_long)
{
	static const uint8_t eleven[] = {
	    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
	static const uint8_t over[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};

	reader_init(&reader, eleven, sizeof eleven);
	ck_assert_uint_eq(reader_varint(&reader), 0);
	ck_assert_int_eq(reader.error, GRAPPE_EFORMAT);
	reader_init(&reader, over, sizeof over);
	ck_assert_uint_eq(reader_varint(&reader), 0);
	ck_assert_int_eq(reader.error, GRAPPE_EFORMAT);
	reader_init(&reader, over, 5);
	ck_assert_uint_eq(reader_varint(&reader), 0);
	ck_assert_int_eq(reader.error, GRAPPE_ETRUNCATED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tcase = tcase_create("buffer");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, numbers_come_back);
	tcase_add_test(tcase, layout);
	tcase_add_test(tcase, growth_keeps_what_is_there);
	tcase_add_test(tcase, texts);
	tcase_add_test(tcase, errors_stick);
	tcase_add_test(tcase, numbers_too_long);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
