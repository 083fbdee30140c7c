/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/period.h"

#include "common/error.h"
#include "tests/unit/unit.h"

#include <ctype.h>

static struct period *period;
static struct buffer buffer;

static void add_row(
    uint32_t vif, uint8_t direction, const char *peer, uint64_t packets, uint64_t octets)
{
	struct period_row row = {
	    .vif = vif, .direction = direction, .packets = packets, .octets = octets};

	ck_assert_int_eq(address_parse(peer, &row.peer), GRAPPE_OK);
	ck_assert_int_ge(period_add_row(period, &row), 0);
}

static struct period_vif vif_of(unsigned char last)
{
	struct period_vif vif = {.interface = "tap0",
	    .segment = SEGMENT_DEFAULT,
	    .covered_ms = 30000,
	    .nmacs = 1,
	    .macs = {{{2, 0, 0, 0, 0, last}}}};

	identity_from_mac(&vif.macs[0], vif.vm_id);
	snprintf(vif.vm_name, sizeof vif.vm_name, "vm%d", last);
	return vif;
}

/* A period with an ordinary and a loaded vif and rows of every kind. */
static void setup(void)
{
	struct period_vif plain = vif_of(1), loaded = vif_of(2);

	period = period_new();
	ck_assert_ptr_nonnull(period);
	period->header = (struct period_header){.end_s = 1795000020,
	    .length_s = 30,
	    .boot_id = {1, 2, 3, [15] = 255},
	    .flags = PERIOD_PARTIAL | PERIOD_CLOCK_UNSYNCED,
	    .clock_offset_ns = -1234567,
	    .dropped_packets = UINT64_MAX,
	    .estimated_packets = 3,
	    .malformed_packets = UINT64_MAX,
	    .backends = BACKEND_PCAP | BACKEND_BPF,
	    .backend_reason = "bpf on 2 of 3 interfaces; tap2: no TCX"};
	loaded.flags = VIF_ROUTER;
	loaded.vcpu = UINT32_MAX;
	loaded.memory_bytes = UINT64_MAX;
	loaded.nmacs = PERIOD_MACS_MAX;
	loaded.naddresses = PERIOD_ADDRESSES_MAX;
	for (size_t i = 0; i < PERIOD_ADDRESSES_MAX; i++) {
		ck_assert_int_eq(address_parse(i % 2 ? "2001:db8::1" : "192.0.2.1",
				     &loaded.addresses[i].address),
		    GRAPPE_OK);
		loaded.addresses[i].evidence = EVIDENCE_CLAIMED;
	}
	memset(loaded.vm_name, 'n', sizeof loaded.vm_name - 1);
	memset(loaded.application, 'a', sizeof loaded.application - 1);
	memset(loaded.os_type, 'o', sizeof loaded.os_type - 1);
	loaded.oper_state = OPER_STATE_CRASHED;
	loaded.persistent = TRUTH_FALSE;
	loaded.autostart = TRUTH_TRUE;
	loaded.vcpu_max = UINT32_MAX;
	loaded.memory_max_bytes = loaded.cpu_time_us = UINT64_MAX;
	loaded.multicast_packets = loaded.other_octets = UINT64_MAX;
	ck_assert_int_eq(period_add_vif(period, &plain), 0);
	ck_assert_int_eq(period_add_vif(period, &loaded), 1);
	add_row(1, ROW_RECEIVED, "2001:db8::2", 5, 6);
	add_row(1, ROW_RECEIVED, "192.0.2.10", 1, UINT64_MAX);
	add_row(1, ROW_RECEIVED, "2001:db8::1", UINT64_MAX, 0);
	add_row(0, ROW_SENT, "192.0.2.9", 7, 8);
	add_row(0, ROW_RECEIVED, "192.0.2.9", 9, 10);
	add_row(0, ROW_RECEIVED, "0.0.0.0", 11, 12);
	period_sort(period);
	buffer_init(&buffer);
}

static void teardown(void)
{
	period_free(period);
	buffer_deinit(&buffer);
}

static void encode(void)
{
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_OK);
}

/* Brings the last chunk in line with changed bytes. */
static void seal(void)
{
	const uint32_t sum = period_checksum(buffer.bytes, buffer.length - 4);

	for (int i = 0; i < 4; i++)
		buffer.bytes[buffer.length - 4 + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
}

static int decode(const void *bytes, size_t length)
{
	struct period *out = (void *)&buffer;
	const int rc = period_decode(bytes, length, &out);

	ck_assert_int_eq(rc == GRAPPE_OK, out != NULL);
	period_free(out);
	return rc;
}

START_TEST(a_period_comes_back)
{
	struct period *out;
	struct buffer again;

	encode();
	ck_assert_int_eq(period_decode(buffer.bytes, buffer.length, &out), GRAPPE_OK);
	ck_assert_mem_eq(&out->header, &period->header, sizeof out->header);
	ck_assert_uint_eq(out->nvifs, 2);
	ck_assert_mem_eq(out->vifs, period->vifs, 2 * sizeof *out->vifs);
	ck_assert_uint_eq(out->nrows, 6);
	for (size_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(out->rows[i].vif, period->rows[i].vif);
		ck_assert_uint_eq(out->rows[i].direction, period->rows[i].direction);
		ck_assert_int_eq(address_compare(&out->rows[i].peer, &period->rows[i].peer), 0);
		ck_assert_uint_eq(out->rows[i].packets, period->rows[i].packets);
		ck_assert_uint_eq(out->rows[i].octets, period->rows[i].octets);
	}
	buffer_init(&again);
	ck_assert_int_eq(period_encode(out, &again), GRAPPE_OK);
	ck_assert_uint_eq(again.length, buffer.length);
	ck_assert_mem_eq(again.bytes, buffer.bytes, buffer.length);
	buffer_deinit(&again);
	period_free(out);
}
END_TEST

START_TEST(an_empty_period_comes_back)
{
	period->nrows = period->nvifs = 0;
	encode();
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_OK);
}
END_TEST

START_TEST(encoding_appends)
{
	buffer_put_u8(&buffer, 42);
	encode();
	ck_assert_int_eq(decode(buffer.bytes + 1, buffer.length - 1), GRAPPE_OK);
}
END_TEST

START_TEST(rows_are_small)
{
	const size_t rows = 10000;
	size_t empty;

	period->nrows = 0;
	encode();
	empty = buffer.length;
	buffer.length = 0;
	for (size_t i = 0; i < rows; i++) {
		char peer[32];

		snprintf(peer, sizeof peer, "10.1.%zu.%zu", i / 250, i % 250);
		add_row(0, ROW_RECEIVED, peer, 120, 90400);
	}
	encode();
	ck_assert_uint_lt((buffer.length - empty) / rows, 8);
}
END_TEST

START_TEST(cut_anywhere)
{
	encode();
	for (size_t length = 0; length < buffer.length; length++) {
		/* a copy of its own, so that a read beyond it is seen */
		void *copy = malloc(length ? length : 1);
		int rc;

		memcpy(copy, buffer.bytes, length);
		rc = decode(copy, length);
		ck_assert_msg(
		    rc == GRAPPE_ETRUNCATED, "%zu of %zu bytes: %d", length, buffer.length, rc);
		free(copy);
	}
	buffer_put_u8(&buffer, 0);
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_EFORMAT);
}
END_TEST

START_TEST(any_bit_flipped)
{
	encode();
	for (size_t i = 0; i < buffer.length * 8; i++) {
		buffer.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		ck_assert_msg(decode(buffer.bytes, buffer.length) < 0, "bit %zu", i);
		buffer.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_OK);
}
END_TEST

/* With a checksum that fits, changed bytes may make a valid period, but never harm. */
START_TEST(any_byte_changed_and_sealed)
{
	size_t valid = 0;

	encode();
	for (size_t i = 5; i < buffer.length - 4; i++)
		for (unsigned value = 0; value < 256; value += 5) {
			const uint8_t before = buffer.bytes[i];
			struct period *out;

			buffer.bytes[i] = (uint8_t)value;
			seal();
			if (period_decode(buffer.bytes, buffer.length, &out) == GRAPPE_OK) {
				struct buffer again;

				valid++;
				buffer_init(&again);
				ck_assert_int_eq(period_encode(out, &again), GRAPPE_OK);
				buffer_deinit(&again);
				period_free(out);
			}
			buffer.bytes[i] = before;
		}
	ck_assert_uint_gt(valid, 0);
}
END_TEST

START_TEST(magic_and_version)
{
	encode();
	buffer.bytes[4] = 2;
	seal();
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_EVERSION);
	buffer.bytes[0] = 'g';
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_EFORMAT);
	ck_assert_int_eq(decode(NULL, 0), GRAPPE_ETRUNCATED);
}
END_TEST

/* Chunks as a later version might write them. */
START_TEST(unknown_chunks_are_skipped)
{
	struct buffer later;

	encode();
	buffer_init(&later);
	buffer_put(&later, buffer.bytes, 5);
	buffer_put_u8(&later, 77);
	buffer_put_varint(&later, 3);
	buffer_put(&later, "new", 3);
	buffer_put(&later, buffer.bytes + 5, buffer.length - 5);
	buffer_deinit(&buffer);
	buffer = later;
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_ECHECKSUM);
	seal();
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_OK);
}
END_TEST

/* Takes the chunk of this type out, or puts it in twice. */
static void rebuild(uint8_t type, int times)
{
	struct buffer out;
	size_t at = 5;

	buffer_init(&out);
	buffer_put(&out, buffer.bytes, 5);
	while (at < buffer.length) {
		struct reader reader;
		const uint8_t found = buffer.bytes[at];
		uint64_t length;
		size_t whole;

		reader_init(&reader, buffer.bytes + at, buffer.length - at);
		reader_skip(&reader, 1);
		length = reader_varint(&reader);
		whole = reader.position + (size_t)length;
		for (int i = 0; i < (found == type ? times : 1); i++)
			buffer_put(&out, buffer.bytes + at, whole);
		at += whole;
	}
	buffer_deinit(&buffer);
	buffer = out;
	seal();
}

START_TEST(every_chunk_comes_once)
{
	for (uint8_t type = 1; type <= 3; type++)
		for (int times = 0; times <= 2; times += 2) {
			buffer.length = 0;
			encode();
			rebuild(type, times);
			ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_EFORMAT);
		}
	buffer.length = 0;
	encode();
	rebuild(4, 2);
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_EFORMAT);
}
END_TEST

START_TEST(details_may_be_missing)
{
	struct period *out;

	encode();
	rebuild(4, 0);
	ck_assert_int_eq(period_decode(buffer.bytes, buffer.length, &out), GRAPPE_OK);
	ck_assert_str_eq(out->vifs[1].application, "");
	ck_assert_uint_eq(out->vifs[1].oper_state, OPER_STATE_NONE);
	ck_assert_uint_eq(out->vifs[1].vcpu, UINT32_MAX);
	period_free(out);
}
END_TEST

/* Puts a chunk with this payload before the end of a period that has no details. */
static int decode_with_details(const void *payload, size_t length)
{
	struct buffer out;

	period->vifs[1] = period->vifs[0];
	period->nrows = 0;
	buffer.length = 0;
	encode();
	buffer_init(&out);
	buffer_put(&out, buffer.bytes, buffer.length - 6);
	buffer_put_u8(&out, 4);
	buffer_put_varint(&out, length);
	buffer_put(&out, payload, length);
	buffer_put(&out, buffer.bytes + buffer.length - 6, 6);
	buffer_deinit(&buffer);
	buffer = out;
	seal();
	return decode(buffer.bytes, buffer.length);
}

START_TEST(details_are_checked)
{
	/* count, vif, length, application, OS type, states, vCPUs, memory, CPU time */
	static const uint8_t fine[] = {
	    2, 0, 9, 1, 'a', 0, 12, 2, 2, 1, 1, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t longer[] = {1, 1, 10, 1, 'a', 0, 12, 2, 2, 1, 1, 1, 77};
	static const struct {
		const char *what;
		size_t at;
		uint8_t value;
		int rc;
	} wrong[] = {
	    {"more than there are", 0, 3, GRAPPE_ETRUNCATED},
	    {"of an unknown vif", 1, 2, GRAPPE_EFORMAT},
	    {"of the vif after the last", 12, 1, GRAPPE_EFORMAT},
	    {"shorter than its fields", 2, 8, GRAPPE_ETRUNCATED},
	    {"longer than the chunk", 2, 99, GRAPPE_ETRUNCATED},
	    {"control character", 4, '\n', GRAPPE_EFORMAT},
	    {"no such state", 6, 13, GRAPPE_EFORMAT},
	    {"neither persistent nor not", 7, 3, GRAPPE_EFORMAT},
	    {"autostart", 8, 3, GRAPPE_EFORMAT},
	};
	uint8_t bytes[sizeof fine];

	ck_assert_int_eq(decode_with_details(fine, sizeof fine), GRAPPE_OK);
	ck_assert_int_eq(decode_with_details(longer, sizeof longer), GRAPPE_OK);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		int rc;

		memcpy(bytes, fine, sizeof bytes);
		bytes[wrong[i].at] = wrong[i].value;
		rc = decode_with_details(bytes, sizeof bytes);
		ck_assert_msg(rc == wrong[i].rc, "%s: %d", wrong[i].what, rc);
	}
}
END_TEST

/* Moves the details to the front. */
START_TEST(details_come_after_the_vifs)
{
	struct buffer out;

	encode();
	rebuild(4, 0);
	buffer_init(&out);
	buffer_put(&out, buffer.bytes, 5);
	buffer_put(&out, "\4\013\1\0\010\0\0\0\0\0\0\0\0", 13);
	buffer_put(&out, buffer.bytes + 5, buffer.length - 5);
	buffer_deinit(&buffer);
	buffer = out;
	seal();
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_EFORMAT);
}
END_TEST

START_TEST(bad_periods_are_not_encoded)
{
	struct period_row row = period->rows[0];

	period->rows[0] = period->rows[1];
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->rows[0] = row;
	period->rows[5].vif = 2;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->rows[5].vif = 1;
	period->rows[0].peer.type = ADDRESS_NONE;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->rows[0] = row;
	period->header.end_s++;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->header.end_s = INT64_MAX / 30 * 30;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->header.end_s = 1795000020;
	period->header.length_s = 0;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->header.length_s = 30;
	period->vifs[0].vm_id[0] = 'x';
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->vifs[0].vm_id[0] = 'm';
	period->vifs[1].naddresses++;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->vifs[1].naddresses--;
	period->vifs[0].oper_state = OPER_STATE_CRASHED + 1;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->vifs[0].oper_state = OPER_STATE_NONE;
	period->vifs[1].persistent = TRUTH_FALSE + 1;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->vifs[1].persistent = TRUTH_UNKNOWN;
	period->vifs[1].autostart = TRUTH_FALSE + 1;
	ck_assert_int_eq(period_encode(period, &buffer), GRAPPE_EINVALID);
	period->vifs[1].autostart = TRUTH_UNKNOWN;
	ck_assert_uint_eq(buffer.length, 0);
	encode();
}
END_TEST

START_TEST(hostile_names_are_cleaned)
{
	struct period_vif vif = vif_of(3);

	snprintf(vif.vm_name, sizeof vif.vm_name, "a\nb\033[2J\177\xc3\xa9");
	memset(vif.segment, 's', sizeof vif.segment); /* not ended */
	snprintf(vif.application, sizeof vif.application, "shop\t1");
	memset(vif.os_type, '\1', sizeof vif.os_type);
	memset(period->header.backend_reason, '\r', sizeof period->header.backend_reason);
	ck_assert_int_eq(period_add_vif(period, &vif), 2);
	ck_assert_str_eq(period->vifs[2].vm_name, "a?b?[2J?\xc3\xa9");
	ck_assert_uint_eq(strlen(period->vifs[2].segment), SEGMENT_SIZE - 1);
	ck_assert_str_eq(period->vifs[2].application, "shop?1");
	ck_assert_uint_eq(strlen(period->vifs[2].os_type), PERIOD_OS_TYPE_SIZE - 1);
	encode();
	ck_assert_int_eq(decode(buffer.bytes, buffer.length), GRAPPE_OK);
}
END_TEST

START_TEST(limits)
{
	static uint8_t nothing[PERIOD_BYTES_MAX + 1];
	struct period_vif vif = vif_of(3);

	ck_assert_int_eq(decode(nothing, sizeof nothing), GRAPPE_ELIMIT);
	while (period->nvifs < PERIOD_VIFS_MAX)
		ck_assert_int_ge(period_add_vif(period, &vif), 0);
	ck_assert_int_eq(period_add_vif(period, &vif), GRAPPE_ELIMIT);
}
END_TEST

START_TEST(checksum_is_crc32)
{
	ck_assert_uint_eq(period_checksum("123456789", 9), 0xcbf43926);
}
END_TEST

/* ---- what the first sensors wrote ---- */

/* As the documented example below, but with a header that ends after the malformed packets, and
 * no details. */
static const uint8_t first_encoding[] = {0x47, 0x52, 0x50, 0x45, 0x01, 0x01, 0x1e, 0xa8, 0x9b, 0xec,
    0xaf, 0x0d, 0x1e, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0,
    0xb0, 0xb0, 0xb0, 0x00, 0xb7, 0x17, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x42, 0x01, 0x10, 0x6d,
    0x61, 0x63, 0x2d, 0x30, 0x32, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x31, 0x04,
    0x77, 0x65, 0x62, 0x31, 0x07, 0x64, 0x65, 0x66, 0x61, 0x75, 0x6c, 0x74, 0x04, 0x74, 0x61, 0x70,
    0x30, 0x00, 0xb0, 0xea, 0x01, 0x02, 0x80, 0x80, 0x80, 0x80, 0x08, 0x01, 0x02, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x01, 0x01, 0xc0, 0x00, 0x02, 0x01, 0x02, 0x03, 0xb4, 0x01, 0x00, 0x00, 0x00, 0x03,
    0x19, 0x03, 0x00, 0x20, 0xc0, 0x00, 0x02, 0x02, 0x78, 0xa0, 0xc2, 0x05, 0x00, 0x23, 0x03, 0x01,
    0x3c, 0x00, 0xa0, 0xc6, 0x33, 0x64, 0x07, 0x0a, 0x88, 0x27, 0x00, 0x04, 0x6b, 0xed, 0xe5, 0xdb};

START_TEST(the_first_encoding_is_read)
{
	struct period *out;

	ck_assert_int_eq(period_decode(first_encoding, sizeof first_encoding, &out), GRAPPE_OK);
	ck_assert_int_eq(out->header.end_s, 1795000020);
	ck_assert_uint_eq(out->header.dropped_packets, 2);
	ck_assert_uint_eq(out->header.backends, 0);
	ck_assert_str_eq(out->header.backend_reason, "");
	ck_assert_uint_eq(out->nvifs, 1);
	ck_assert_str_eq(out->vifs[0].vm_name, "web1");
	ck_assert_str_eq(out->vifs[0].application, "");
	ck_assert_uint_eq(out->vifs[0].oper_state, OPER_STATE_NONE);
	ck_assert_uint_eq(out->nrows, 3);
	ck_assert_uint_eq(out->rows[0].octets, 90400);
	period_free(out);
}
END_TEST

/* ---- the worked example of doc/period-format.md ---- */

/* The bytes of the document: lines that begin with four spaces and two hexadecimal digits; what
 * follows two more spaces explains. */
static size_t read_example(uint8_t *bytes, size_t size)
{
	const char *folder = getenv("srcdir");
	char path[1024], line[512];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/doc/period-format.md", folder != NULL ? folder : ".");
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "    ", 4) != 0)
			continue;
		for (const char *c = line + 4;
		     isxdigit((unsigned char)c[0]) && isxdigit((unsigned char)c[1]) &&
		     isspace((unsigned char)c[2]) && count < size;
		     c += 3)
			bytes[count++] = (uint8_t)strtoul((char[]){c[0], c[1], '\0'}, NULL, 16);
	}
	fclose(file);
	return count;
}

START_TEST(the_documented_example)
{
	struct period_vif vif = vif_of(1);
	uint8_t bytes[512];
	const size_t count = read_example(bytes, sizeof bytes);

	period_free(period);
	period = period_new();
	period->header = (struct period_header){.end_s = 1795000020,
	    .length_s = 30,
	    .clock_offset_ns = -1500,
	    .dropped_packets = 2,
	    .backends = BACKEND_BPF,
	    .backend_reason = "auto: TCX"};
	memset(period->header.boot_id, 0xb0, sizeof period->header.boot_id);
	snprintf(vif.vm_name, sizeof vif.vm_name, "web1");
	vif.vcpu = 2;
	vif.memory_bytes = UINT64_C(2) << 30;
	vif.naddresses = 1;
	vif.addresses[0].evidence = EVIDENCE_CLAIMED;
	ck_assert_int_eq(address_parse("192.0.2.1", &vif.addresses[0].address), GRAPPE_OK);
	vif.multicast_packets = 3;
	vif.multicast_octets = 180;
	snprintf(vif.application, sizeof vif.application, "shop");
	snprintf(vif.os_type, sizeof vif.os_type, "hvm");
	vif.oper_state = OPER_STATE_RUNNING;
	vif.persistent = TRUTH_TRUE;
	vif.autostart = TRUTH_FALSE;
	vif.vcpu_max = 4;
	vif.memory_max_bytes = UINT64_C(4) << 30;
	vif.cpu_time_us = 1500000;
	ck_assert_int_eq(period_add_vif(period, &vif), 0);
	add_row(0, ROW_RECEIVED, "192.0.2.2", 120, 90400);
	add_row(0, ROW_RECEIVED, "192.0.2.3", 1, 60);
	add_row(0, ROW_SENT, "198.51.100.7", 10, 5000);
	period_sort(period);
	encode();
	ck_assert_uint_eq(count, buffer.length);
	ck_assert_mem_eq(bytes, buffer.bytes, count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("period");
	TCase *tcase = tcase_create("period");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_period_comes_back);
	tcase_add_test(tcase, an_empty_period_comes_back);
	tcase_add_test(tcase, encoding_appends);
	tcase_add_test(tcase, rows_are_small);
	tcase_add_test(tcase, cut_anywhere);
	tcase_add_test(tcase, any_bit_flipped);
	tcase_add_test(tcase, any_byte_changed_and_sealed);
	tcase_add_test(tcase, magic_and_version);
	tcase_add_test(tcase, unknown_chunks_are_skipped);
	tcase_add_test(tcase, every_chunk_comes_once);
	tcase_add_test(tcase, details_may_be_missing);
	tcase_add_test(tcase, details_are_checked);
	tcase_add_test(tcase, details_come_after_the_vifs);
	tcase_add_test(tcase, bad_periods_are_not_encoded);
	tcase_add_test(tcase, hostile_names_are_cleaned);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, checksum_is_crc32);
	tcase_add_test(tcase, the_first_encoding_is_read);
	tcase_add_test(tcase, the_documented_example);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
