/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/savefile.h"
#include "common/buffer.h"
#include "common/error.h"
#include "tests/unit/frames.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PART TEST_DATA "/capture/cg-part.pcap.gz"
#define A_MAC "02:00:00:00:00:0a"
#define B_MAC "02:00:00:00:00:0b"
#define A "10.0.0.10"
#define B "10.0.0.11"

static char folder[64], path[128], message[512];
static struct savefile_options options;
static struct savefile_result result;
static struct buffer file;

static void setup(void)
{
	snprintf(folder, sizeof folder, "/tmp/grappe-savefile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/test.pcap", folder);
	options = (struct savefile_options){.path = path, .format = SAVEFILE_CSV};
	buffer_init(&file);
}

static void teardown(void)
{
	savefile_deinit(&result);
	buffer_deinit(&file);
	unlink(path);
	rmdir(folder);
}

static int read_it(void)
{
	savefile_deinit(&result);
	return savefile_read(&options, &result, message, sizeof message);
}

static void write_file(size_t length)
{
	FILE *stream = fopen(path, "w");

	ck_assert_ptr_nonnull(stream);
	if (length > 0)
		ck_assert_uint_eq(fwrite(file.bytes, 1, length, stream), length);
	ck_assert_int_eq(fclose(stream), 0);
}

static void write_gzip(size_t length)
{
	gzFile gz = gzopen(path, "w");

	ck_assert_int_eq(gzwrite(gz, file.bytes, (unsigned)length), (int)length);
	ck_assert_int_eq(gzclose(gz), Z_OK);
}

static void put_file_header(uint32_t link_type)
{
	buffer_put_u32(&file, 0xa1b2c3d4);
	buffer_put_u32(&file, 0x00020004);
	buffer_put_u32(&file, 0);
	buffer_put_u32(&file, 0);
	buffer_put_u32(&file, 65535);
	buffer_put_u32(&file, link_type);
}

static void put_record(uint32_t second, const struct made_frame *made)
{
	buffer_put_u32(&file, second);
	buffer_put_u32(&file, 0);
	buffer_put_u32(&file, (uint32_t)made->length);
	buffer_put_u32(&file, (uint32_t)made->wire);
	buffer_put(&file, made->bytes, made->length);
}

/* Three datagrams of 128 bytes from B to A. */
static void put_three(void)
{
	struct made_frame made;

	put_file_header(1);
	for (uint32_t i = 0; i < 3; i++) {
		frame_make_udp(&made, A_MAC, B_MAC, B, A, 100);
		put_record(100 + i, &made);
	}
}

static void check_pair(
    size_t i, const char *source, const char *destination, uint64_t packets, uint64_t octets)
{
	char text[ADDRESS_TEXT_SIZE];

	ck_assert_uint_lt(i, result.npairs);
	ck_assert_str_eq(address_format(&result.pairs[i].source, text), source);
	ck_assert_str_eq(address_format(&result.pairs[i].destination, text), destination);
	ck_assert_uint_eq(result.pairs[i].packets, packets);
	ck_assert_uint_eq(result.pairs[i].octets, octets);
}

/* What savefile_print() writes; the caller frees it. */
static char *printed(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	ck_assert_int_eq(savefile_print(&options, &result, out), 0);
	fclose(out);
	return text;
}

START_TEST(measured_capture_matches_its_matrix)
{
	struct buffer wanted;
	char *text, byte;
	FILE *stream = fopen(TEST_DATA "/capture/cg-part.csv", "r");

	ck_assert_ptr_nonnull(stream);
	buffer_init(&wanted);
	while (fread(&byte, 1, 1, stream) == 1)
		buffer_put(&wanted, &byte, 1);
	fclose(stream);
	buffer_put_u8(&wanted, 0);
	options.path = PART;
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(result.frames, 400);
	ck_assert_uint_eq(result.pair_frames, 400);
	ck_assert_uint_eq(result.vms, 4);
	text = printed();
	ck_assert_str_eq(text, (const char *)wanted.bytes);
	free(text);
	buffer_deinit(&wanted);
}
END_TEST

START_TEST(plain_and_compressed_files)
{
	put_three();
	write_file(file.length);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(result.npairs, 1);
	check_pair(0, B, A, 3, 3 * 128);
	ck_assert_int_eq(result.first_ns, INT64_C(100000000000));
	ck_assert_int_eq(result.last_ns, INT64_C(102000000000));
	write_gzip(file.length);
	ck_assert_int_eq(read_it(), 0);
	check_pair(0, B, A, 3, 3 * 128);
}
END_TEST

START_TEST(order_and_kinds)
{
	struct made_frame made;

	put_file_header(1);
	frame_make_udp(&made, A_MAC, B_MAC, "10.0.0.100", A, 10);
	put_record(1, &made);
	frame_make_udp(&made, A_MAC, B_MAC, "10.0.0.9", A, 10);
	put_record(2, &made);
	frame_make_udp(&made, B_MAC, A_MAC, "10.0.0.9", B, 10);
	put_record(2, &made);
	frame_make_udp(&made, "01:00:5e:00:00:01", B_MAC, B, "224.0.0.1", 10);
	put_record(3, &made);
	frame_make_arp(&made, "ff:ff:ff:ff:ff:ff", B_MAC, B, A);
	put_record(4, &made);
	frame_make_arp(&made, A_MAC, B_MAC, B, A);
	put_record(5, &made);
	frame_ethernet(&made, A_MAC, B_MAC, 0x0800);
	put_record(6, &made);
	write_file(file.length);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(result.npairs, 3);
	check_pair(0, "10.0.0.9", A, 1, 38);
	check_pair(1, "10.0.0.9", B, 1, 38);
	check_pair(2, "10.0.0.100", A, 1, 38);
	ck_assert_uint_eq(result.multicast_frames, 2);
	ck_assert_uint_eq(result.multicast_octets, 38 + 28);
	ck_assert_uint_eq(result.nonip_frames, 1);
	ck_assert_uint_eq(result.malformed_frames, 1);
	ck_assert_uint_eq(result.frames, 7);
}
END_TEST

START_TEST(listed_vms_only)
{
	struct made_frame made;
	struct mac vm;

	put_three();
	frame_make_udp(&made, B_MAC, A_MAC, A, B, 100);
	put_record(7, &made);
	write_file(file.length);
	ck_assert_int_eq(mac_parse(B_MAC, &vm), 0);
	options.vms = &vm;
	options.nvms = 1;
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(result.npairs, 1);
	check_pair(0, A, B, 1, 128);
	ck_assert_uint_eq(result.unmatched_frames, 3);
}
END_TEST

START_TEST(super_frames)
{
	struct made_frame made;

	put_file_header(1);
	frame_make_tcp(&made, B_MAC, A_MAC, A, B, 9, 80, 0x02, 20, 1460, 0);
	put_record(1, &made);
	frame_make_tcp(&made, A_MAC, B_MAC, B, A, 80, 9, 0x12, 20, 1400, 0);
	put_record(1, &made);
	frame_make_tcp(&made, B_MAC, A_MAC, A, B, 9, 80, 0x10, 12, 0, 1388 * 7);
	put_record(1, &made);
	frame_make_tcp(&made, B_MAC, A_MAC, A, B, 10, 80, 0x10, 12, 0, 1448 * 7);
	put_record(1, &made);
	write_file(file.length);
	ck_assert_int_eq(read_it(), 0);
	check_pair(0, A, B, 1 + 7 + 7, 60 + 7 * 1440 + 7 * 1500);
	ck_assert_uint_eq(result.estimated_packets, 7);
	options.mtu = 9000;
	ck_assert_int_eq(read_it(), 0);
	check_pair(0, A, B, 1 + 7 + 2, 60 + 7 * 1440 + 1448 * 7 + 2 * 52);
}
END_TEST

START_TEST(other_link_types_are_refused)
{
	put_file_header(113); /* "any" */
	write_file(file.length);
	ck_assert_int_eq(read_it(), GRAPPE_EUNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(message, "LINUX_SLL"));
	ck_assert_ptr_nonnull(strstr(message, path));
}
END_TEST

START_TEST(empty_and_garbage)
{
	write_file(0);
	ck_assert_int_eq(read_it(), GRAPPE_EFORMAT);
	ck_assert_ptr_nonnull(strstr(message, "is empty"));
	for (unsigned i = 0; i < 500; i++)
		buffer_put_u8(&file, (uint8_t)(i * 7 + 3));
	write_file(file.length);
	ck_assert_int_eq(read_it(), GRAPPE_EFORMAT);
	ck_assert_ptr_nonnull(strstr(message, "is not a savefile"));
	options.path = "/nonexistent/file";
	ck_assert_int_eq(read_it(), GRAPPE_EIO);
	ck_assert_ptr_nonnull(strstr(message, "No such file"));
	options.path = folder;
	ck_assert_int_eq(read_it(), GRAPPE_EIO);
}
END_TEST

START_TEST(header_alone_is_an_empty_matrix)
{
	char *text;

	put_file_header(1);
	write_file(file.length);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(result.frames, 0);
	text = printed();
	ck_assert_str_eq(text, "src,dst,packets,bytes\n");
	free(text);
}
END_TEST

START_TEST(every_truncation_keeps_what_came_before)
{
	const size_t header = 24, record = 16 + 42;

	put_three();
	for (size_t cut = header; cut < file.length; cut++) {
		const size_t whole = (cut - header) / record;

		write_file(cut);
		ck_assert_int_eq(
		    read_it(), (cut - header) % record == 0 ? GRAPPE_OK : GRAPPE_ETRUNCATED);
		ck_assert_uint_eq(result.frames, whole);
		if (whole > 0)
			check_pair(0, B, A, whole, whole * 128);
	}
}
END_TEST

START_TEST(truncated_compression_is_noticed)
{
	struct savefile_result whole;
	FILE *stream;
	uint8_t bytes[20000];
	size_t length;

	options.path = PART;
	ck_assert_int_eq(read_it(), 0);
	whole = result;
	result = (struct savefile_result){0};
	stream = fopen(PART, "r");
	length = fread(bytes, 1, sizeof bytes, stream);
	fclose(stream);
	for (size_t cut = 1; cut < length; cut += 97) {
		file.length = 0;
		buffer_put(&file, bytes, cut);
		write_file(cut);
		options.path = path;
		ck_assert_msg(read_it() < 0, "cut at %zu of %zu went unnoticed", cut, length);
		ck_assert_uint_le(result.frames, whole.frames);
	}
	savefile_deinit(&whole);
}
END_TEST

START_TEST(text_tells_totals_and_completeness)
{
	char *text;

	put_three();
	write_file(file.length - 10);
	options.format = SAVEFILE_TEXT;
	ck_assert_int_eq(read_it(), GRAPPE_ETRUNCATED);
	text = printed();
	ck_assert_ptr_nonnull(strstr(text, "complete   no"));
	ck_assert_ptr_nonnull(strstr(text, "all pairs"));
	free(text);
	write_file(file.length);
	ck_assert_int_eq(read_it(), 0);
	text = printed();
	ck_assert_ptr_nonnull(strstr(text, "complete   yes"));
	ck_assert_ptr_nonnull(strstr(text, "384"));
	free(text);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	FILE *full = fopen("/dev/full", "w");

	put_three();
	write_file(file.length);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_int_eq(savefile_print(&options, &result, full), GRAPPE_EIO);
	fclose(full);
}
END_TEST

START_TEST(command_line_texts)
{
	static const char *const bad[] = {
	    "", "x", "1500x", "-1500", "67", "65536", "99999999999999999999"};

	ck_assert_int_eq(savefile_parse("f", NULL, NULL, &options, message, sizeof message), 0);
	ck_assert_int_eq(options.format, SAVEFILE_TEXT);
	ck_assert_uint_eq(options.mtu, 0);
	ck_assert_int_eq(savefile_parse("f", "csv", "9000", &options, message, sizeof message), 0);
	ck_assert_int_eq(options.format, SAVEFILE_CSV);
	ck_assert_uint_eq(options.mtu, 9000);
	ck_assert_int_eq(
	    savefile_parse("f", "xml", NULL, &options, message, sizeof message), GRAPPE_EINVALID);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(savefile_parse("f", NULL, bad[i], &options, message,
				  sizeof message) == GRAPPE_EINVALID,
		    "--mtu %s", bad[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("savefile");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, measured_capture_matches_its_matrix);
	tcase_add_test(tests, plain_and_compressed_files);
	tcase_add_test(tests, order_and_kinds);
	tcase_add_test(tests, listed_vms_only);
	tcase_add_test(tests, super_frames);
	tcase_add_test(tests, other_link_types_are_refused);
	tcase_add_test(tests, empty_and_garbage);
	tcase_add_test(tests, header_alone_is_an_empty_matrix);
	tcase_add_test(tests, every_truncation_keeps_what_came_before);
	tcase_add_test(tests, truncated_compression_is_noticed);
	tcase_add_test(tests, text_tells_totals_and_completeness);
	tcase_add_test(tests, a_full_disk_is_an_error);
	tcase_add_test(tests, command_line_texts);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
