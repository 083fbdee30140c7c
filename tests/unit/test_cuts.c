/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of real network stacks (the corpus of the fuzz target: see tests/fuzz/fuzz_decode.c for
 * the format of its files) cut at every length: by the capture, which still knows the length on the
 * interface, and on the interface itself. Each lies against a page that must not be read, so that a
 * byte read beyond its end ends the test. What comes out is malformed, or as right as the whole
 * frame.
 */
#include "agent-module/account.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <sys/mman.h>

#define WALL_NS (INT64_C(1000000025) * CLOCK_SECOND_NS)
#define PORT 1
#define MTU 1500
#define FRAME_MAX 4096
#define FRAMES_MAX 512

struct sample {
	uint8_t bytes[FRAME_MAX];
	size_t captured, wire;
	bool sent;
};

static struct sample samples[FRAMES_MAX];
static size_t nsamples;
static uint8_t *fence; /* the page behind what may be read */

/* ---- the frames ---- */

static void take_file(const char *path)
{
	struct buffer bytes;
	struct reader reader;

	ck_assert_int_eq(file_read(path, 1 << 20, &bytes), GRAPPE_OK);
	reader_init(&reader, bytes.bytes, bytes.length);
	while (reader_left(&reader) >= 5) {
		struct sample *sample = &samples[nsamples];
		size_t more;

		ck_assert_uint_lt(nsamples, FRAMES_MAX);
		sample->sent = (reader_u8(&reader) & 1) != 0;
		more = reader_u16(&reader);
		sample->captured = reader_u16(&reader);
		if (sample->captured > reader_left(&reader))
			sample->captured = reader_left(&reader);
		ck_assert_uint_le(sample->captured, FRAME_MAX);
		sample->wire = sample->captured + more;
		reader_copy(&reader, sample->bytes, sample->captured);
		nsamples++;
	}
	buffer_deinit(&bytes);
}

static void setup(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(
	    NULL, 2 * FRAME_MAX + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[UNIT_PATH_SIZE];
	struct dirent *entry;
	DIR *folder = opendir(DECODE_CORPUS);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	fence = memory + 2 * FRAME_MAX;
	ck_assert_int_eq(mprotect(fence, page, PROT_NONE), 0);
	ck_assert_ptr_nonnull(folder);
	nsamples = 0;
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%.200s", DECODE_CORPUS, entry->d_name);
		take_file(path);
	}
	closedir(folder);
	ck_assert_uint_gt(nsamples, 50);
}

/* The first `length` bytes of the sample, right before the page that must not be read. */
static const uint8_t *place(const struct sample *sample, size_t length)
{
	uint8_t *at = fence - length;

	memcpy(at, sample->bytes, length);
	return at;
}

/* ---- what must hold ---- */

static void check_same(const struct frame *cut, const struct frame *whole)
{
	ck_assert_int_eq(cut->kind, whole->kind);
	ck_assert_uint_eq(cut->network_length, whole->network_length);
	ck_assert(mac_equal(&cut->destination, &whole->destination));
	if (cut->kind != FRAME_IP)
		return;
	ck_assert_int_eq(address_compare(&cut->ip_source, &whole->ip_source), 0);
	ck_assert_int_eq(address_compare(&cut->ip_destination, &whole->ip_destination), 0);
	ck_assert_int_eq(frame_is_group(cut), frame_is_group(whole));
	/* What lies behind the cut is unknown, but nothing is made up. */
	if (cut->has_transport) {
		ck_assert(whole->has_transport);
		ck_assert_uint_eq(cut->payload, whole->payload);
		ck_assert_uint_eq(cut->source_port, whole->source_port);
		ck_assert_uint_eq(cut->destination_port, whole->destination_port);
		ck_assert_uint_eq(cut->tcp_flags, whole->tcp_flags);
	}
	if (cut->has_mss)
		ck_assert_uint_eq(cut->mss, whole->mss);
	if (cut->claim.type != ADDRESS_NONE)
		ck_assert_int_eq(address_compare(&cut->claim, &whole->claim), 0);
}

START_TEST(a_capture_that_is_cut)
{
	for (size_t i = 0; i < nsamples; i++) {
		const struct sample *sample = &samples[i];
		struct frame whole, cut;
		bool readable = false;

		frame_decode(
		    place(sample, sample->captured), sample->captured, sample->wire, &whole);
		for (size_t length = 0; length <= sample->captured; length++) {
			frame_decode(place(sample, length), length, sample->wire, &cut);
			if (cut.kind != FRAME_MALFORMED && whole.kind != FRAME_MALFORMED)
				check_same(&cut, &whole);
			/* The more is captured the more is known. */
			ck_assert(!readable || cut.kind != FRAME_MALFORMED ||
				  whole.kind == FRAME_MALFORMED);
			readable = readable || cut.kind != FRAME_MALFORMED;
		}
	}
}
END_TEST

/* An IP packet that does not fit into its frame is none. */
START_TEST(a_frame_that_is_cut)
{
	for (size_t i = 0; i < nsamples; i++) {
		const struct sample *sample = &samples[i];
		struct frame whole, cut;

		frame_decode(
		    place(sample, sample->captured), sample->captured, sample->wire, &whole);
		for (size_t length = 0; length < sample->captured; length++) {
			frame_decode(place(sample, length), length, length, &cut);
			ck_assert_uint_le(cut.network_length, length);
			if (cut.kind != FRAME_IP || whole.kind != FRAME_IP)
				continue;
			/* padding was cut away, or the header leaves the length to the frame */
			if (cut.network_length == whole.network_length)
				check_same(&cut, &whole);
			else
				ck_assert_uint_eq(cut.network_length, length - cut.link_length);
		}
	}
}
END_TEST

static uint64_t sum_of(const struct period *period)
{
	uint64_t sum = period->header.unmatched_packets + period->header.malformed_packets +
		       period->header.dropped_packets;

	for (size_t i = 0; i < period->nvifs; i++)
		sum += period->vifs[i].multicast_packets + period->vifs[i].other_packets +
		       period->vifs[i].nonip_packets;
	for (size_t i = 0; i < period->nrows; i++)
		if (period->rows[i].direction == ROW_RECEIVED)
			sum += period->rows[i].packets;
	return sum;
}

/* Counts the frame alone, `length` bytes of it; returns the packets in all counters. */
static uint64_t count(const struct sample *sample, size_t length, uint64_t *malformed)
{
	const struct account_options options = {
	    .length_s = 30, .pairs_per_vif = 3, .connections = 4};
	struct period_vif vif = {.nmacs = 1, .macs = {{{2, 0, 0, 0, 0, 1}}}, .segment = "default"};
	struct account *account = account_new(&options, WALL_NS, 0);
	struct period *period;
	struct frame frame;
	uint64_t sum;

	identity_from_mac(&vif.macs[0], vif.vm_id);
	ck_assert_int_ge(account_watch(account, PORT, &vif, WALL_NS), 0);
	frame_decode(place(sample, length), length, sample->wire, &frame);
	account_frame(account, PORT, &frame, WALL_NS, sample->sent, MTU);
	ck_assert_int_eq(account_finish(account, WALL_NS + CLOCK_SECOND_NS, &period), 1);
	sum = sum_of(period);
	*malformed = period->header.malformed_packets;
	period_free(period);
	account_free(account);
	return sum;
}

/* However little is captured, a frame that was delivered is counted: as its packets or, when
 * nothing can be read, as one that is malformed. */
START_TEST(a_cut_frame_is_in_one_counter)
{
	for (size_t i = 0; i < nsamples; i++) {
		const struct sample *sample = &samples[i];
		uint64_t malformed;
		const uint64_t whole = count(sample, sample->captured, &malformed);

		for (size_t length = 0; length <= sample->captured; length++) {
			const uint64_t sum = count(sample, length, &malformed);

			ck_assert(malformed <= 1);
			if (sample->sent)
				ck_assert_uint_eq(sum, 0);
			else if (malformed == 1)
				ck_assert_uint_eq(sum, 1);
			else
				ck_assert(sum == whole || sum == 1);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cuts");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_capture_that_is_cut);
	tcase_add_test(all, a_frame_that_is_cut);
	tcase_add_test(all, a_cut_frame_is_in_one_counter);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
