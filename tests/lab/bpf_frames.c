/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the two bpf programs, as they are loaded into this kernel, on frames of its own
 * (BPF_PROG_TEST_RUN) and compares what they counted with what agent-module/decode.c says of the
 * same frames: the fuzz corpus and made frames, each cut at every length. Then segmentation, the
 * limits of the table, learning, named endpoints, and the table's turning over under a clock of its
 * own.
 *
 * usage: bpf_frames CORPUS-FOLDER. Needs root; makes a network namespace of its own, which ends
 * with it. Prints "ok" and "FAIL" lines.
 */
#include "agent-module/decode.h"
#include "tests/lab/bpf_rig.h"
#include "tests/unit/frames.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_LEAST 14 /* the kernel runs no shorter frame */
#define IP_LEAST 54    /* nor one whose IP header is cut */
#define FRAME_MOST 3000

/* ---- the same as the decoder says ---- */

static struct counted expected_of(const uint8_t *bytes, size_t length)
{
	struct counted counted = {.handle = -1, .packets = 1};
	struct frame frame;
	struct mac guest;

	(void)mac_parse(GUEST_MAC, &guest);
	frame_decode(bytes, length, length, &frame);
	counted.octets = frame.kind == FRAME_MALFORMED ? 0 : frame.network_length;
	if (frame.kind == FRAME_MALFORMED) {
		counted.kind = COUNTED_MALFORMED;
		return counted;
	}
	if (!mac_is_group(&frame.destination) && !mac_equal(&frame.destination, &guest)) {
		counted.kind = COUNTED_UNMATCHED;
		return counted;
	}
	counted.handle = HANDLE;
	if (frame_is_group(&frame)) {
		counted.kind = COUNTED_MULTICAST;
	} else if (frame.kind == FRAME_IP) {
		counted.kind = COUNTED_RECEIVED;
		counted.peer = frame.ip_source;
	} else {
		counted.kind = COUNTED_NONIP;
		counted.octets = 0;
	}
	return counted;
}

static bool same(const struct counted *a, const struct counted *b)
{
	return a->kind == b->kind && a->handle == b->handle && a->packets == b->packets &&
	       a->octets == b->octets && address_compare(&a->peer, &b->peer) == 0;
}

/* The decoder also follows IPv6 extension headers and refuses those that contradict the length; the
 * program needs them only for segmentation. */
static bool may_differ(const uint8_t *bytes, size_t length, const struct counted *expected)
{
	struct frame frame;

	frame_decode(bytes, length, length, &frame);
	return expected->kind == COUNTED_MALFORMED && frame.ip_source.type == ADDRESS_IPV6 &&
	       frame.network_header > 40;
}

static void tell_difference(const char *name, size_t length, const struct counted *expected)
{
	const struct counted nothing = {0},
			     *got = rig_told.count > 0 ? &rig_told.counted[0] : &nothing;
	char a[ADDRESS_TEXT_SIZE], b[ADDRESS_TEXT_SIZE];

	printf("      %s cut to %zu: expected kind %d, %" PRIu64
	       " octets from %s; got %zu sums, kind %d, "
	       "%" PRIu64 " octets from %s\n",
	    name, length, expected->kind, expected->octets, address_format(&expected->peer, a),
	    rig_told.count, got->kind, got->octets, address_format(&got->peer, b));
}

static unsigned compared, different;

static void compare(
    struct bpf_counter *counter, const char *name, const uint8_t *bytes, size_t length)
{
	const struct counted expected = expected_of(bytes, length);

	if (!rig_run(counter, 0, bytes, length, 0, 0)) {
		if (errno == EINVAL && length < IP_LEAST)
			return;
		printf("FAIL  %s of %zu bytes: not run: %s\n", name, length, strerror(errno));
		rig_failed++;
		return;
	}
	rig_collect(counter);
	compared++;
	if (rig_told.count == 1 && same(&rig_told.counted[0], &expected))
		return;
	if (may_differ(bytes, length, &expected))
		return;
	different++;
	if (different <= 10)
		tell_difference(name, length, &expected);
}

static void compare_cuts(
    struct bpf_counter *counter, const char *name, const uint8_t *bytes, size_t length)
{
	for (size_t cut = FRAME_LEAST; cut <= length && cut <= FRAME_MOST; cut++)
		compare(counter, name, bytes, cut);
}

/* A file of the corpus: flags, what is missing (2 bytes), captured length (2 bytes), the frame. */
static void compare_file(struct bpf_counter *counter, const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(path, "re");
	size_t length, at = 0;

	if (file == NULL)
		return;
	length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	while (at + 5 <= length) {
		const size_t captured = (size_t)bytes[at + 3] << 8 | bytes[at + 4];

		at += 5;
		if (captured > length - at)
			break;
		compare_cuts(counter, path, bytes + at, captured);
		at += captured;
	}
}

static void compare_corpus(struct bpf_counter *counter, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[1024];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			compare_file(counter, path);
	}
	if (dir != NULL)
		closedir(dir);
}

static void compare_made(struct bpf_counter *counter)
{
	struct made_frame frame;

	frame_make_tcp(
	    &frame, GUEST_MAC, OTHER_MAC, "192.0.2.2", "192.0.2.1", 80, 5000, 0x10, 12, 0, 0);
	compare_cuts(counter, "TCP", frame.bytes, frame.length);
	frame_vlan(&frame, 0x8100, 42);
	compare_cuts(counter, "TCP with a VLAN tag", frame.bytes, frame.length);
	frame_vlan(&frame, 0x88a8, 7);
	compare_cuts(counter, "TCP with two VLAN tags", frame.bytes, frame.length);
	frame_make_udp(&frame, OTHER_MAC, GUEST_MAC, "192.0.2.2", "192.0.2.1", 0);
	compare_cuts(counter, "UDP for another MAC", frame.bytes, frame.length);
	frame_make_udp(&frame, GUEST_MAC, OTHER_MAC, "192.0.2.2", "224.0.0.251", 0);
	compare_cuts(counter, "UDP to a group", frame.bytes, frame.length);
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", OTHER_MAC, "192.0.2.2", "192.0.2.1");
	compare_cuts(counter, "ARP to all", frame.bytes, frame.length);
	frame_make_arp(&frame, GUEST_MAC, OTHER_MAC, "192.0.2.2", "192.0.2.1");
	compare_cuts(counter, "ARP to the guest", frame.bytes, frame.length);
	frame_ethernet(&frame, GUEST_MAC, OTHER_MAC, 0x86dd);
	frame_ipv6(&frame, "2001:db8::2", "2001:db8::1", 17, 24, 64);
	frame_put_zeros(&frame, 24);
	compare_cuts(counter, "UDP over IPv6", frame.bytes, frame.length);
	frame_ethernet(&frame, GUEST_MAC, OTHER_MAC, 0x86dd);
	frame_ipv6(&frame, "2001:db8::2", "ff02::1", 58, 8, 255);
	frame_put_zeros(&frame, 8);
	compare_cuts(counter, "ICMP over IPv6 to a group", frame.bytes, frame.length);
}

static void test_like_the_decoder(const char *corpus)
{
	struct bpf_counter *counter = rig_open(64, NULL);
	int number;
	struct bpf_port *port = rig_attach(counter, &number);
	char text[160];

	compare_made(counter);
	rig_check(compared > 200, "made frames were compared");
	compared = 0;
	compare_corpus(counter, corpus);
	rig_check(compared > 500, "frames of the corpus were compared");
	snprintf(text, sizeof text,
	    "the program says of every frame what the decoder says (%u differ)", different);
	rig_check(different == 0, text);
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- segmentation ---- */

struct segmentation {
	const char *what;
	uint8_t ip6, protocol, extension;
	uint32_t payload, gso_size, gso_segs, packets;
};

static const struct segmentation segmentations[] = {
    {"TCP of a guest: by its segment size", 0, 6, 0, 2500, 1000, 0, 3},
    {"TCP of a guest that says one segment", 0, 6, 0, 2000, 1000, 1, 2},
    {"TCP of the host: by its number of segments", 0, 6, 0, 2500, 1000, 4, 4},
    {"UDP of a guest", 0, 17, 0, 2001, 1000, 0, 3},
    {"TCP over IPv6", 1, 6, 0, 2001, 1000, 0, 3},
    {"TCP over IPv6 with an extension header", 1, 6, 8, 2000, 1000, 0, 2},
    {"one byte of payload", 0, 6, 0, 1, 1000, 0, 1},
    {"no payload", 0, 6, 0, 0, 1000, 0, 1},
    {"a size that a hostile guest chose", 0, 6, 0, 2500, 1, 0, 2500},
};

/* Writes the frame; returns the bytes of its headers from IP on. */
static uint32_t make_segmented(
    const struct segmentation *s, uint8_t out[FRAME_MOST], size_t *length)
{
	const uint32_t transport = s->protocol == 6 ? 32 : 8;
	struct made_frame frame;
	uint32_t headers;

	frame_ethernet(&frame, GUEST_MAC, OTHER_MAC, s->ip6 != 0 ? 0x86dd : 0x0800);
	if (s->ip6 != 0) {
		const uint8_t extension[8] = {s->protocol, 0, 1, 4, 0, 0, 0, 0};

		frame_ipv6(&frame, "2001:db8::2", "2001:db8::1",
		    s->extension != 0 ? 60 : s->protocol,
		    (uint16_t)(s->extension + transport + s->payload), 64);
		frame_put(&frame, extension, s->extension);
	} else {
		frame_ipv4(&frame, "192.0.2.2", "192.0.2.1", s->protocol, 0,
		    (uint16_t)(20 + transport + s->payload), 0);
	}
	if (s->protocol == 6)
		frame_tcp(&frame, 80, 5000, 0x10, 12, 0);
	else
		frame_put_zeros(&frame, 8);
	headers = (uint32_t)frame.length - 14;
	memset(out, 0, FRAME_MOST);
	memcpy(out, frame.bytes, frame.length);
	*length = frame.length + s->payload;
	return headers;
}

static void test_segmentation(void)
{
	struct bpf_counter *counter = rig_open(64, NULL);
	int number;
	struct bpf_port *port = rig_attach(counter, &number);

	for (size_t i = 0; i < sizeof segmentations / sizeof *segmentations; i++) {
		const struct segmentation *s = &segmentations[i];
		uint8_t bytes[FRAME_MOST];
		size_t length;
		const uint32_t headers = make_segmented(s, bytes, &length);

		(void)rig_run(counter, 0, bytes, length, s->gso_size, s->gso_segs);
		rig_collect(counter);
		rig_check(
		    rig_told.count == 1 && rig_told.counted[0].packets == s->packets &&
			rig_told.counted[0].octets == (uint64_t)s->packets * headers + s->payload,
		    s->what);
	}
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: bpf_frames CORPUS-FOLDER\n");
		return 2;
	}
	if (unshare(CLONE_NEWNET) != 0) {
		fprintf(stderr, "bpf_frames: a network namespace: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	test_like_the_decoder(argv[1]);
	test_segmentation();
	bpf_rules_test();
	printf("%d passed, %d failed\n", rig_passed, rig_failed);
	return rig_failed == 0 && rig_passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
