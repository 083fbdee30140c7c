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
#include "agent-module/bpf_counter.h"
#include "agent-module/bpf_layout.h"
#include "agent-module/decode.h"
#include "agent-module/kernel_bpf.h"
#include "common/clock.h"
#include "common/error.h"
#include "tests/unit/frames.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOPBACK 1 /* ifindex in a new namespace */
#define HANDLE 7
#define GUEST_MAC "02:00:00:00:00:01"
#define OTHER_MAC "02:00:00:00:00:02"
#define LENGTH_S 30
#define START_NS (INT64_C(1800000000) * CLOCK_SECOND_NS) /* the start of a period */
#define FRAME_LEAST 14                                   /* the kernel runs no shorter frame */
#define IP_LEAST 54                                      /* nor one whose IP header is cut */
#define FRAME_MOST 3000
#define TOLD_MAX 8192

static int passed, failed;
static uint32_t table_pairs = 64;    /* room of the next counter's table */
static uint32_t length_s = LENGTH_S; /* of its periods */

static void check(bool good, const char *what)
{
	printf("%s  %s\n", good ? "ok  " : "FAIL", what);
	*(good ? &passed : &failed) += 1;
}

/* ---- what the counter told ---- */

static struct {
	struct counted counted[TOLD_MAX];
	size_t count;
	unsigned learnt, merged;
	uint32_t learnt_length;
	uint8_t last_mac; /* the last byte of the source */
} told;

static void on_counted(void *context, const struct counted *counted)
{
	(void)context;
	if (told.count < TOLD_MAX)
		told.counted[told.count++] = *counted;
}

static void on_learnt(
    void *context, uint32_t ifindex, const uint8_t *bytes, uint32_t captured, uint32_t length)
{
	(void)context;
	told.last_mac = bytes[11];
	told.learnt += ifindex == LOOPBACK;
	told.learnt_length = length > captured ? captured : length;
}

static void run_from(const struct bpf_counter *counter, int which, unsigned peer);

static const struct bpf_counter *receives_when_merged; /* a frame comes just then */

static void on_merged(void *context, int64_t end_s, int64_t until_ns)
{
	(void)context;
	told.merged += until_ns > end_s * CLOCK_SECOND_NS;
	if (receives_when_merged != NULL)
		run_from(receives_when_merged, 0, 1);
}

static struct bpf_counter *open_counter(uint32_t pairs_per_vif, const struct address *endpoint)
{
	const struct bpf_counter_options options = {.length_s = length_s,
	    .pairs = table_pairs,
	    .pairs_per_vif = pairs_per_vif,
	    .endpoints = endpoint,
	    .nendpoints = endpoint != NULL ? 1 : 0,
	    .counted = on_counted,
	    .learnt = on_learnt,
	    .merged = on_merged};
	struct bpf_counter *counter;
	char message[400];

	/* The table's period is one of the far future, but its boundary is that of the kernel's
	 * clock. */
	if (bpf_counter_open(&options, START_NS, clock_monotonic_ns(), &counter, message,
		sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "bpf_frames: %s\n", message);
		exit(EXIT_FAILURE);
	}
	return counter;
}

static struct bpf_port *open_port(struct bpf_counter *counter, int *number)
{
	struct bpf_port *port;
	struct mac mac;
	char message[400];

	(void)mac_parse(GUEST_MAC, &mac);
	if (bpf_counter_attach(counter, LOOPBACK, false, &port, message, sizeof message) !=
	    GRAPPE_OK) {
		fprintf(stderr, "bpf_frames: %s\n", message);
		exit(EXIT_FAILURE);
	}
	*number = bpf_counter_watch(counter, port, &mac, 1, HANDLE);
	return port;
}

/* Runs a program on one frame. gso_size, gso_segs: 0 for a frame as it is. */
static bool run(const struct bpf_counter *counter, int which, const uint8_t *bytes, size_t length,
    uint32_t gso_size, uint32_t gso_segs)
{
	struct __sk_buff context = {
	    .ifindex = LOOPBACK, .gso_size = gso_size, .gso_segs = gso_segs};
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.test.prog_fd = (uint32_t)bpf_counter_program(counter, which);
	attributes.test.data_in = (uint64_t)(uintptr_t)bytes;
	attributes.test.data_size_in = (uint32_t)length;
	attributes.test.ctx_in = (uint64_t)(uintptr_t)&context;
	attributes.test.ctx_size_in = sizeof context;
	attributes.test.repeat = 1;
	return syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes) == 0;
}

static void collect(struct bpf_counter *counter)
{
	told.count = 0;
	bpf_counter_collect(counter, true);
}

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
	const struct counted nothing = {0}, *got = told.count > 0 ? &told.counted[0] : &nothing;
	char a[ADDRESS_TEXT_SIZE], b[ADDRESS_TEXT_SIZE];

	printf("      %s cut to %zu: expected kind %d, %" PRIu64
	       " octets from %s; got %zu sums, kind %d, "
	       "%" PRIu64 " octets from %s\n",
	    name, length, expected->kind, expected->octets, address_format(&expected->peer, a),
	    told.count, got->kind, got->octets, address_format(&got->peer, b));
}

static unsigned compared, different;

static void compare(
    struct bpf_counter *counter, const char *name, const uint8_t *bytes, size_t length)
{
	const struct counted expected = expected_of(bytes, length);

	if (!run(counter, 0, bytes, length, 0, 0)) {
		if (errno == EINVAL && length < IP_LEAST)
			return;
		printf("FAIL  %s of %zu bytes: not run: %s\n", name, length, strerror(errno));
		failed++;
		return;
	}
	collect(counter);
	compared++;
	if (told.count == 1 && same(&told.counted[0], &expected))
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
	struct bpf_counter *counter = open_counter(64, NULL);
	int number;
	struct bpf_port *port = open_port(counter, &number);
	char text[160];

	compare_made(counter);
	check(compared > 200, "made frames were compared");
	compared = 0;
	compare_corpus(counter, corpus);
	check(compared > 500, "frames of the corpus were compared");
	snprintf(text, sizeof text,
	    "the program says of every frame what the decoder says (%u differ)", different);
	check(different == 0, text);
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
	struct bpf_counter *counter = open_counter(64, NULL);
	int number;
	struct bpf_port *port = open_port(counter, &number);

	for (size_t i = 0; i < sizeof segmentations / sizeof *segmentations; i++) {
		const struct segmentation *s = &segmentations[i];
		uint8_t bytes[FRAME_MOST];
		size_t length;
		const uint32_t headers = make_segmented(s, bytes, &length);

		(void)run(counter, 0, bytes, length, s->gso_size, s->gso_segs);
		collect(counter);
		check(told.count == 1 && told.counted[0].packets == s->packets &&
			  told.counted[0].octets == (uint64_t)s->packets * headers + s->payload,
		    s->what);
	}
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- limits ---- */

static void run_from(const struct bpf_counter *counter, int which, unsigned peer)
{
	struct made_frame frame;
	char source[32];

	snprintf(source, sizeof source, "198.18.%u.%u", peer / 256, peer % 256);
	frame_make_udp(&frame, which == 0 ? GUEST_MAC : OTHER_MAC,
	    which == 0 ? OTHER_MAC : GUEST_MAC, source, "192.0.2.1", 0);
	(void)run(counter, which, frame.bytes, frame.length, 0, 0);
}

static void sums(uint64_t *received, uint64_t *other, size_t *rows)
{
	*received = *other = *rows = 0;
	for (size_t i = 0; i < told.count; i++) {
		if (told.counted[i].kind == COUNTED_RECEIVED) {
			*received += told.counted[i].packets;
			++*rows;
		} else if (told.counted[i].kind == COUNTED_OTHER) {
			*other += told.counted[i].packets;
		}
	}
}

static void test_limits(void)
{
	struct bpf_counter *counter = open_counter(20, NULL);
	uint64_t received, other;
	size_t rows;
	int number;
	struct bpf_port *port = open_port(counter, &number);

	for (unsigned i = 0; i < 100; i++)
		run_from(counter, 0, i % 50);
	collect(counter);
	sums(&received, &other, &rows);
	check(rows == 20 && received == 40 && other == 60,
	    "more pairs than a virtual NIC may have are counted together");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);

	counter = open_counter(100000, NULL);
	port = open_port(counter, &number);
	for (unsigned i = 0; i < 1000; i++)
		run_from(counter, 0, i);
	collect(counter);
	sums(&received, &other, &rows);
	check(rows <= 128 && rows >= 64 && received + other == 1000 && other > 0,
	    "a full table counts the rest together, and loses nothing");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

#define CHOSEN_BITS 6

/* Address number `i` of those that a guest could choose without knowing the secret of the hash, if
 * that were one multiplication of each half: the highest bits of the later half pass it without
 * touching others, and the earlier half can take them back. 64 families of 64 addresses each. */
static void choose_address(unsigned i, uint8_t out[16])
{
	const unsigned flips = i >> CHOSEN_BITS, back = i & ((1u << CHOSEN_BITS) - 1);
	static const uint8_t base[16] = {
	    0x20, 0x01, 0x0d, 0xb8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

	memcpy(out, base, 16);
	out[15] ^= (uint8_t)(flips << 2);
	out[7] ^= (uint8_t)(back << 2);
	out[3] ^= (uint8_t)(back << 5);
	out[4] ^= (uint8_t)(back >> 3);
}

static void test_chosen_addresses(void)
{
	struct bpf_counter *counter;
	int number;
	struct bpf_port *port;
	uint64_t received, other;
	size_t rows;

	table_pairs = 16384;
	counter = open_counter(100000, NULL);
	table_pairs = 64;
	port = open_port(counter, &number);
	for (unsigned i = 0; i < 1u << 2 * CHOSEN_BITS; i++) {
		struct made_frame frame;

		frame_ethernet(&frame, GUEST_MAC, OTHER_MAC, 0x86dd);
		frame_ipv6(&frame, "2001:db8::2", "2001:db8::1", 17, 24, 64);
		frame_put_zeros(&frame, 24);
		choose_address(i, frame.bytes + 14 + 8);
		(void)run(counter, 0, frame.bytes, frame.length, 0, 0);
	}
	collect(counter);
	sums(&received, &other, &rows);
	check(received == 1u << 2 * CHOSEN_BITS && other == 0,
	    "addresses that a guest chose find room like any others");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* A frame to or from no MAC at all, which a bridge floods. */
static void test_no_mac(void)
{
	struct bpf_counter *counter = open_counter(64, NULL);
	int number;
	struct bpf_port *port = open_port(counter, &number);
	struct made_frame frame;

	frame_make_udp(&frame, "00:00:00:00:00:00", OTHER_MAC, "192.0.2.2", "192.0.2.1", 0);
	(void)run(counter, 0, frame.bytes, frame.length, 0, 0);
	collect(counter);
	check(told.count == 1 && told.counted[0].kind == COUNTED_UNMATCHED,
	    "a frame to the MAC of zeros is nobody's");
	frame_make_udp(&frame, OTHER_MAC, "00:00:00:00:00:00", "192.0.2.2", "192.0.2.1", 0);
	(void)run(counter, 1, frame.bytes, frame.length, 0, 0);
	told.learnt = 0;
	bpf_counter_learn(counter);
	check(told.learnt == 0, "nor is one from it");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* What goes to named endpoints takes no room from what is received. */
static void test_limits_sent(void)
{
	struct address endpoint;
	struct bpf_counter *counter;
	struct bpf_port *port;
	uint64_t received, other;
	size_t rows;
	int number;

	(void)address_parse("192.0.2.1", &endpoint);
	counter = open_counter(4, &endpoint);
	port = open_port(counter, &number);
	run_from(counter, 1, 1);
	for (unsigned i = 0; i < 4; i++)
		run_from(counter, 0, i);
	collect(counter);
	sums(&received, &other, &rows);
	check(rows == 4 && other == 0, "what is sent takes no room from what is received");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- beside others ---- */

/* A program that ends the way of a frame at its place: 0 is TCX_PASS, after which no other runs. */
static int attach_another(int which)
{
	static const char licence[] = "GPL";
	const struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attributes;
	int program;

	memset(&attributes, 0, sizeof attributes);
	attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attributes.insns = (uint64_t)(uintptr_t)code;
	attributes.insn_cnt = 2;
	attributes.license = (uint64_t)(uintptr_t)licence;
	program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
	return kernel_bpf_attach_tcx(program, LOOPBACK, which == 0);
}

static bool send_over_loopback(void)
{
	const struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool sent;

	sent = ioctl(fd, SIOCSIFFLAGS, &request) == 0 &&
	       sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof to) == 1;
	close(fd);
	return sent;
}

static void test_beside_others(void)
{
	const int another = attach_another(1);
	struct bpf_counter *counter = open_counter(64, NULL);
	int number;
	struct bpf_port *port = open_port(counter, &number);

	if (another < 0) {
		printf("      this kernel has no TCX\n");
	} else {
		check(send_over_loopback(), "a datagram is sent over the loopback");
		collect(counter);
		check(told.count == 1 && told.counted[0].kind == COUNTED_UNMATCHED &&
			  told.counted[0].packets >= 1,
		    "a program that was there before and lets none after it run is no obstacle");
		close(another);
	}
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- what the guest sends ---- */

static void test_learning(void)
{
	struct made_frame frame;
	struct address endpoint;
	struct bpf_counter *counter;
	struct bpf_port *port;
	int number;

	(void)address_parse("192.0.2.1", &endpoint);
	counter = open_counter(64, &endpoint);
	port = open_port(counter, &number);
	told.learnt = 0;
	run_from(counter, 1, 1);
	run_from(counter, 1, 1);
	bpf_counter_learn(counter);
	check(told.learnt == 1, "a source address is told once");
	run_from(counter, 1, 2);
	bpf_counter_learn(counter);
	check(told.learnt == 2 && told.learnt_length == 42, "another one too, with its headers");
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", GUEST_MAC, "192.0.2.9", "192.0.2.1");
	(void)run(counter, 1, frame.bytes, frame.length, 0, 0);
	(void)run(counter, 1, frame.bytes, frame.length, 0, 0);
	bpf_counter_learn(counter);
	check(told.learnt == 4, "a claim is told each time");
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", OTHER_MAC, "192.0.2.9", "192.0.2.1");
	(void)run(counter, 1, frame.bytes, frame.length, 0, 0);
	bpf_counter_learn(counter);
	check(told.learnt == 4, "what a stranger's MAC sends is not");
	for (unsigned i = 0; i < 5000; i++)
		run_from(counter, 1, i + 100);
	bpf_counter_learn(counter);
	check(
	    told.learnt == 4 + BPF_TOLD_MAX, "of a flood of addresses so many as one NIC may tell");
	run_from(counter, 1, 60000);
	bpf_counter_learn(counter);
	check(told.learnt_length == 42, "and the ring goes on afterwards");
	collect(counter);
	check(told.count > 0 && told.counted[0].kind == COUNTED_SENT &&
		  told.counted[0].packets == 5004 &&
		  address_compare(&told.counted[0].peer, &endpoint) == 0,
	    "what is sent to a named endpoint is counted");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

static unsigned learnt_now(struct bpf_counter *counter)
{
	told.learnt = 0;
	bpf_counter_learn(counter);
	return told.learnt;
}

/* Many NICs and addresses at once, none of them hostile; then one that is. */
static void test_learning_crowd(void)
{
	struct bpf_counter *counter = open_counter(64, NULL);
	int number;
	struct bpf_port *port = open_port(counter, &number);
	struct made_frame frame;
	struct mac mac;
	unsigned first = 0, again = 0;

	(void)mac_parse(OTHER_MAC, &mac);
	(void)bpf_counter_watch(counter, port, &mac, 1, HANDLE + 1);
	for (unsigned i = 0; i < 400; i++) {
		run_from(counter, 1, i);
		if (i % 16 == 15)
			first += learnt_now(counter);
	}
	for (unsigned i = 0; i < 4000; i++) {
		run_from(counter, 1, i % 400);
		if (i % 16 == 15)
			again += learnt_now(counter);
	}
	check(first >= 396, "four hundred addresses are told");
	check(again <= 40, "and not again with each frame");
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", GUEST_MAC, "192.0.2.9", "192.0.2.1");
	for (unsigned i = 0; i < 20000; i++)
		(void)run(counter, 1, frame.bytes, frame.length, 0, 0);
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", OTHER_MAC, "192.0.2.9", "192.0.2.1");
	(void)run(counter, 1, frame.bytes, frame.length, 0, 0);
	told.last_mac = 0;
	bpf_counter_learn(counter);
	check(told.last_mac == 2, "a flood of claims of one NIC does not silence another");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

#define FLOODERS 200

static void test_learning_ring(void)
{
	struct bpf_counter *counter = open_counter(64, NULL);
	int number;
	struct bpf_port *port = open_port(counter, &number);
	struct made_frame frame;
	struct mac mac;
	unsigned first;

	for (unsigned nic = 0; nic < FLOODERS; nic++) {
		char text[MAC_TEXT_SIZE];

		snprintf(text, sizeof text, "02:00:00:00:01:%02x", nic);
		(void)mac_parse(text, &mac);
		(void)bpf_counter_watch(counter, port, &mac, 1, HANDLE + 1);
		frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", text, "192.0.2.9", "192.0.2.1");
		for (unsigned i = 0; i < BPF_TOLD_MAX; i++)
			(void)run(counter, 1, frame.bytes, frame.length, 0, 0);
	}
	first = learnt_now(counter);
	check(first > 1000 && first < FLOODERS * BPF_TOLD_MAX,
	    "many NICs that flood fill the ring and no more");
	run_from(counter, 1, 1);
	check(learnt_now(counter) == 1, "and it goes on afterwards");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- time ---- */

/* The sum of the packets told for a period. */
static uint64_t of_period(int64_t end_s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < told.count; i++)
		if (told.counted[i].end_s == end_s)
			sum += told.counted[i].packets;
	return sum;
}

#define END_S (START_NS / CLOCK_SECOND_NS + LENGTH_S)

/* A counter whose present period ends after_ns from now by the kernel's clock. */
static struct bpf_counter *open_ending(int64_t after_ns, int64_t *monotonic_ns)
{
	struct bpf_counter *counter = open_counter(64, NULL);

	*monotonic_ns = clock_monotonic_ns();
	bpf_counter_tick(counter, END_S * CLOCK_SECOND_NS - after_ns, *monotonic_ns);
	return counter;
}

static void test_boundary(void)
{
	int64_t start_ns;
	int number;
	struct bpf_counter *counter = open_ending(300 * CLOCK_MILLISECOND_NS, &start_ns);
	struct bpf_port *port = open_port(counter, &number);
	int64_t now_ns;

	run_from(counter, 0, 1);
	while ((now_ns = clock_monotonic_ns()) < start_ns + 300 * CLOCK_MILLISECOND_NS)
		sched_yield();
	run_from(counter, 0, 1);
	run_from(counter, 0, 1);
	bpf_counter_tick(counter,
	    END_S * CLOCK_SECOND_NS + (now_ns - start_ns) - 300 * CLOCK_MILLISECOND_NS, now_ns);
	told.count = 0;
	bpf_counter_collect(counter, false);
	check(told.count == 0, "a table that ended just now rests");
	now_ns += BPF_COUNTER_MARGIN_NS;
	bpf_counter_tick(counter,
	    END_S * CLOCK_SECOND_NS + (now_ns - start_ns) - 300 * CLOCK_MILLISECOND_NS, now_ns);
	bpf_counter_collect(counter, false);
	check(told.count == 1 && of_period(END_S) == 1,
	    "packets before the boundary are of the period before, however late it is read");
	collect(counter);
	check(told.count == 1 && of_period(END_S + LENGTH_S) == 2, "those after it of the next");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

static void test_clock_set(int64_t by_ns, const char *what)
{
	int64_t now_ns;
	int number;
	struct bpf_counter *counter = open_ending(10 * CLOCK_SECOND_NS, &now_ns);
	struct bpf_port *port = open_port(counter, &number);
	const int64_t wall_ns = END_S * CLOCK_SECOND_NS - 10 * CLOCK_SECOND_NS + by_ns;
	const int64_t end_s = clock_period_end(wall_ns, LENGTH_S);
	uint64_t before;

	run_from(counter, 0, 1);
	told.count = 0;
	bpf_counter_tick(counter, wall_ns, now_ns);
	before = of_period(END_S);
	run_from(counter, 0, 1);
	run_from(counter, 0, 1);
	collect(counter);
	check(before == 1 && told.count == 1 && of_period(end_s) == 2, what);
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

static void test_held_up(void)
{
	int64_t now_ns;
	int number;
	struct bpf_counter *counter = open_ending(0, &now_ns);
	struct bpf_port *port = open_port(counter, &number);
	const int64_t late_ns = 95 * CLOCK_SECOND_NS;

	run_from(counter, 0, 1);
	told.count = told.merged = 0;
	bpf_counter_tick(counter, END_S * CLOCK_SECOND_NS + late_ns, now_ns + late_ns);
	bpf_counter_collect(counter, false);
	check(told.merged == 1 && told.count == 1,
	    "a program that was held up for periods says so, and loses nothing");
	bpf_counter_stop(counter);
	run_from(counter, 0, 1);
	collect(counter);
	check(told.count == 0, "after the end nothing is counted");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* What comes while a program that was held up sorts it out belongs to what it sorts out. */
static void test_held_up_under_load(void)
{
	const int64_t wall_ns = START_NS + 900 * CLOCK_MILLISECOND_NS;
	const int64_t end_s = START_NS / CLOCK_SECOND_NS + 2,
		      waited_ns = 2200 * CLOCK_MILLISECOND_NS;
	struct bpf_counter *counter;
	struct bpf_port *port;
	int64_t now_ns;
	int number;

	length_s = 1;
	counter = open_counter(64, NULL);
	length_s = LENGTH_S;
	now_ns = clock_monotonic_ns();
	bpf_counter_tick(counter, wall_ns, now_ns);
	port = open_port(counter, &number);
	while (clock_monotonic_ns() < now_ns + waited_ns)
		sched_yield();
	run_from(counter, 0, 1);
	told.count = 0;
	receives_when_merged = counter;
	bpf_counter_tick(counter, wall_ns + waited_ns, now_ns + waited_ns);
	bpf_counter_collect(counter, false);
	receives_when_merged = NULL;
	check(of_period(end_s) == 2, "what comes meanwhile is in the period that has too much");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* The boundary is passed, the table not read yet, and the clock is set: what is in the next table
 * belongs to the old time too. */
static void test_set_at_boundary(void)
{
	int64_t now_ns;
	int number;
	struct bpf_counter *counter = open_ending(10 * CLOCK_MILLISECOND_NS, &now_ns);
	struct bpf_port *port = open_port(counter, &number);

	while (clock_monotonic_ns() < now_ns + 10 * CLOCK_MILLISECOND_NS)
		sched_yield();
	run_from(counter, 0, 1);
	told.count = 0;
	bpf_counter_tick(counter, END_S * CLOCK_SECOND_NS + 3600 * CLOCK_SECOND_NS,
	    now_ns + 20 * CLOCK_MILLISECOND_NS);
	check(told.count == 1 && of_period(END_S + LENGTH_S) == 1,
	    "the clock is set just after a boundary: all is collected for the old time");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- numbers of virtual NICs ---- */

static void test_numbers(void)
{
	struct bpf_counter *counter = open_counter(64, NULL);
	int number, next;
	struct bpf_port *port = open_port(counter, &number);
	struct mac mac;

	(void)mac_parse(GUEST_MAC, &mac);
	run_from(counter, 0, 1);
	bpf_counter_unwatch(counter, port, number);
	run_from(counter, 0, 1);
	next = bpf_counter_watch(counter, port, &mac, 1, HANDLE + 1);
	run_from(counter, 0, 1);
	collect(counter);
	check(next != number && told.count == 3 && of_period(END_S) == 3,
	    "the counts of a NIC that went, of nobody, and of the next one stay apart");
	bpf_counter_detach(counter, port);
	run_from(counter, 0, 1);
	collect(counter);
	check(told.count == 1 && told.counted[0].kind == COUNTED_UNMATCHED,
	    "an interface that is detached has no NICs");
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
	test_limits();
	test_limits_sent();
	test_chosen_addresses();
	test_no_mac();
	test_beside_others();
	test_learning();
	test_learning_crowd();
	test_learning_ring();
	test_boundary();
	test_clock_set(3600 * CLOCK_SECOND_NS, "the clock is set forward by an hour");
	test_clock_set(-3600 * CLOCK_SECOND_NS, "the clock is set back by an hour");
	test_clock_set(-5 * CLOCK_SECOND_NS, "the clock is set back inside the period");
	test_set_at_boundary();
	test_held_up();
	test_held_up_under_load();
	test_numbers();
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
