/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules that the bpf programs and their counter follow, whatever the frames. */
#include "tests/lab/bpf_rig.h"

#include "agent-module/bpf_layout.h"
#include "agent-module/kernel_bpf.h"
#include "tests/unit/frames.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- limits ---- */

static void sums(uint64_t *received, uint64_t *other, size_t *rows)
{
	*received = *other = *rows = 0;
	for (size_t i = 0; i < rig_told.count; i++) {
		if (rig_told.counted[i].kind == COUNTED_RECEIVED) {
			*received += rig_told.counted[i].packets;
			++*rows;
		} else if (rig_told.counted[i].kind == COUNTED_OTHER) {
			*other += rig_told.counted[i].packets;
		}
	}
}

static void test_limits(void)
{
	struct bpf_counter *counter = rig_open(20, NULL);
	uint64_t received, other;
	size_t rows;
	int number;
	struct bpf_port *port = rig_attach(counter, &number);

	for (unsigned i = 0; i < 100; i++)
		rig_run_from(counter, 0, i % 50);
	rig_collect(counter);
	sums(&received, &other, &rows);
	rig_check(rows == 20 && received == 40 && other == 60,
	    "more pairs than a virtual NIC may have are counted together");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);

	counter = rig_open(100000, NULL);
	port = rig_attach(counter, &number);
	for (unsigned i = 0; i < 1000; i++)
		rig_run_from(counter, 0, i);
	rig_collect(counter);
	sums(&received, &other, &rows);
	rig_check(rows <= 128 && rows >= 64 && received + other == 1000 && other > 0,
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

	rig_pairs = 16384;
	counter = rig_open(100000, NULL);
	rig_pairs = 64;
	port = rig_attach(counter, &number);
	for (unsigned i = 0; i < 1u << 2 * CHOSEN_BITS; i++) {
		struct made_frame frame;

		frame_ethernet(&frame, GUEST_MAC, OTHER_MAC, 0x86dd);
		frame_ipv6(&frame, "2001:db8::2", "2001:db8::1", 17, 24, 64);
		frame_put_zeros(&frame, 24);
		choose_address(i, frame.bytes + 14 + 8);
		(void)rig_run(counter, 0, frame.bytes, frame.length, 0, 0);
	}
	rig_collect(counter);
	sums(&received, &other, &rows);
	rig_check(received == 1u << 2 * CHOSEN_BITS && other == 0,
	    "addresses that a guest chose find room like any others");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* A frame to or from no MAC at all, which a bridge floods. */
static void test_no_mac(void)
{
	struct bpf_counter *counter = rig_open(64, NULL);
	int number;
	struct bpf_port *port = rig_attach(counter, &number);
	struct made_frame frame;

	frame_make_udp(&frame, "00:00:00:00:00:00", OTHER_MAC, "192.0.2.2", "192.0.2.1", 0);
	(void)rig_run(counter, 0, frame.bytes, frame.length, 0, 0);
	rig_collect(counter);
	rig_check(rig_told.count == 1 && rig_told.counted[0].kind == COUNTED_UNMATCHED,
	    "a frame to the MAC of zeros is nobody's");
	frame_make_udp(&frame, OTHER_MAC, "00:00:00:00:00:00", "192.0.2.2", "192.0.2.1", 0);
	(void)rig_run(counter, 1, frame.bytes, frame.length, 0, 0);
	rig_told.learnt = 0;
	bpf_counter_learn(counter);
	rig_check(rig_told.learnt == 0, "nor is one from it");
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
	counter = rig_open(4, &endpoint);
	port = rig_attach(counter, &number);
	rig_run_from(counter, 1, 1);
	for (unsigned i = 0; i < 4; i++)
		rig_run_from(counter, 0, i);
	rig_collect(counter);
	sums(&received, &other, &rows);
	rig_check(rows == 4 && other == 0, "what is sent takes no room from what is received");
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
	struct bpf_counter *counter = rig_open(64, NULL);
	int number;
	struct bpf_port *port = rig_attach(counter, &number);

	if (another < 0) {
		printf("      this kernel has no TCX\n");
	} else {
		rig_check(send_over_loopback(), "a datagram is sent over the loopback");
		rig_collect(counter);
		rig_check(rig_told.count == 1 && rig_told.counted[0].kind == COUNTED_UNMATCHED &&
			      rig_told.counted[0].packets >= 1,
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
	counter = rig_open(64, &endpoint);
	port = rig_attach(counter, &number);
	rig_told.learnt = 0;
	rig_run_from(counter, 1, 1);
	rig_run_from(counter, 1, 1);
	bpf_counter_learn(counter);
	rig_check(rig_told.learnt == 1, "a source address is told once");
	rig_run_from(counter, 1, 2);
	bpf_counter_learn(counter);
	rig_check(rig_told.learnt == 2 && rig_told.learnt_length == 42,
	    "another one too, with its headers");
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", GUEST_MAC, "192.0.2.9", "192.0.2.1");
	(void)rig_run(counter, 1, frame.bytes, frame.length, 0, 0);
	(void)rig_run(counter, 1, frame.bytes, frame.length, 0, 0);
	bpf_counter_learn(counter);
	rig_check(rig_told.learnt == 4, "a claim is told each time");
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", OTHER_MAC, "192.0.2.9", "192.0.2.1");
	(void)rig_run(counter, 1, frame.bytes, frame.length, 0, 0);
	bpf_counter_learn(counter);
	rig_check(rig_told.learnt == 4, "what a stranger's MAC sends is not");
	for (unsigned i = 0; i < 5000; i++)
		rig_run_from(counter, 1, i + 100);
	bpf_counter_learn(counter);
	rig_check(rig_told.learnt == 4 + BPF_TOLD_MAX,
	    "of a flood of addresses so many as one NIC may tell");
	rig_run_from(counter, 1, 60000);
	bpf_counter_learn(counter);
	rig_check(rig_told.learnt_length == 42, "and the ring goes on afterwards");
	rig_collect(counter);
	rig_check(rig_told.count > 0 && rig_told.counted[0].kind == COUNTED_SENT &&
		      rig_told.counted[0].packets == 5004 &&
		      address_compare(&rig_told.counted[0].peer, &endpoint) == 0,
	    "what is sent to a named endpoint is counted");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

static unsigned learnt_now(struct bpf_counter *counter)
{
	rig_told.learnt = 0;
	bpf_counter_learn(counter);
	return rig_told.learnt;
}

/* Many NICs and addresses at once, none of them hostile; then one that is. */
static void test_learning_crowd(void)
{
	struct bpf_counter *counter = rig_open(64, NULL);
	int number;
	struct bpf_port *port = rig_attach(counter, &number);
	struct made_frame frame;
	struct mac mac;
	unsigned first = 0, again = 0;

	(void)mac_parse(OTHER_MAC, &mac);
	(void)bpf_counter_watch(counter, port, &mac, 1, HANDLE + 1);
	for (unsigned i = 0; i < 400; i++) {
		rig_run_from(counter, 1, i);
		if (i % 16 == 15)
			first += learnt_now(counter);
	}
	for (unsigned i = 0; i < 4000; i++) {
		rig_run_from(counter, 1, i % 400);
		if (i % 16 == 15)
			again += learnt_now(counter);
	}
	rig_check(first >= 396, "four hundred addresses are told");
	rig_check(again <= 40, "and not again with each frame");
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", GUEST_MAC, "192.0.2.9", "192.0.2.1");
	for (unsigned i = 0; i < 20000; i++)
		(void)rig_run(counter, 1, frame.bytes, frame.length, 0, 0);
	frame_make_arp(&frame, "ff:ff:ff:ff:ff:ff", OTHER_MAC, "192.0.2.9", "192.0.2.1");
	(void)rig_run(counter, 1, frame.bytes, frame.length, 0, 0);
	rig_told.last_mac = 0;
	bpf_counter_learn(counter);
	rig_check(rig_told.last_mac == 2, "a flood of claims of one NIC does not silence another");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

#define FLOODERS 200

static void test_learning_ring(void)
{
	struct bpf_counter *counter = rig_open(64, NULL);
	int number;
	struct bpf_port *port = rig_attach(counter, &number);
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
			(void)rig_run(counter, 1, frame.bytes, frame.length, 0, 0);
	}
	first = learnt_now(counter);
	rig_check(first > 1000 && first < FLOODERS * BPF_TOLD_MAX,
	    "many NICs that flood fill the ring and no more");
	rig_run_from(counter, 1, 1);
	rig_check(learnt_now(counter) == 1, "and it goes on afterwards");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- time ---- */

/* The sum of the packets told for a period. */
static uint64_t of_period(int64_t end_s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rig_told.count; i++)
		if (rig_told.counted[i].end_s == end_s)
			sum += rig_told.counted[i].packets;
	return sum;
}

#define END_S (START_NS / CLOCK_SECOND_NS + LENGTH_S)

/* A counter whose present period ends after_ns from now by the kernel's clock. */
static struct bpf_counter *open_ending(int64_t after_ns, int64_t *monotonic_ns)
{
	struct bpf_counter *counter = rig_open(64, NULL);

	*monotonic_ns = clock_monotonic_ns();
	bpf_counter_tick(counter, END_S * CLOCK_SECOND_NS - after_ns, *monotonic_ns);
	return counter;
}

static void test_boundary(void)
{
	int64_t start_ns;
	int number;
	struct bpf_counter *counter = open_ending(300 * CLOCK_MILLISECOND_NS, &start_ns);
	struct bpf_port *port = rig_attach(counter, &number);
	int64_t now_ns;

	rig_run_from(counter, 0, 1);
	while ((now_ns = clock_monotonic_ns()) < start_ns + 300 * CLOCK_MILLISECOND_NS)
		sched_yield();
	rig_run_from(counter, 0, 1);
	rig_run_from(counter, 0, 1);
	bpf_counter_tick(counter,
	    END_S * CLOCK_SECOND_NS + (now_ns - start_ns) - 300 * CLOCK_MILLISECOND_NS, now_ns);
	rig_told.count = 0;
	bpf_counter_collect(counter, false);
	rig_check(rig_told.count == 0, "a table that ended just now rests");
	now_ns += BPF_COUNTER_MARGIN_NS;
	bpf_counter_tick(counter,
	    END_S * CLOCK_SECOND_NS + (now_ns - start_ns) - 300 * CLOCK_MILLISECOND_NS, now_ns);
	bpf_counter_collect(counter, false);
	rig_check(rig_told.count == 1 && of_period(END_S) == 1,
	    "packets before the boundary are of the period before, however late it is read");
	rig_collect(counter);
	rig_check(
	    rig_told.count == 1 && of_period(END_S + LENGTH_S) == 2, "those after it of the next");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

static void test_clock_set(int64_t by_ns, const char *what)
{
	int64_t now_ns;
	int number;
	struct bpf_counter *counter = open_ending(10 * CLOCK_SECOND_NS, &now_ns);
	struct bpf_port *port = rig_attach(counter, &number);
	const int64_t wall_ns = END_S * CLOCK_SECOND_NS - 10 * CLOCK_SECOND_NS + by_ns;
	const int64_t end_s = clock_period_end(wall_ns, LENGTH_S);
	uint64_t before;

	rig_run_from(counter, 0, 1);
	rig_told.count = 0;
	bpf_counter_tick(counter, wall_ns, now_ns);
	before = of_period(END_S);
	rig_run_from(counter, 0, 1);
	rig_run_from(counter, 0, 1);
	rig_collect(counter);
	rig_check(before == 1 && rig_told.count == 1 && of_period(end_s) == 2, what);
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

static void test_held_up(void)
{
	int64_t now_ns;
	int number;
	struct bpf_counter *counter = open_ending(0, &now_ns);
	struct bpf_port *port = rig_attach(counter, &number);
	const int64_t late_ns = 95 * CLOCK_SECOND_NS;

	rig_run_from(counter, 0, 1);
	rig_told.count = rig_told.merged = 0;
	bpf_counter_tick(counter, END_S * CLOCK_SECOND_NS + late_ns, now_ns + late_ns);
	bpf_counter_collect(counter, false);
	rig_check(rig_told.merged == 1 && rig_told.count == 1,
	    "a program that was held up for periods says so, and loses nothing");
	bpf_counter_stop(counter);
	rig_run_from(counter, 0, 1);
	rig_collect(counter);
	rig_check(rig_told.count == 0, "after the end nothing is counted");
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

	rig_length_s = 1;
	counter = rig_open(64, NULL);
	rig_length_s = LENGTH_S;
	now_ns = clock_monotonic_ns();
	bpf_counter_tick(counter, wall_ns, now_ns);
	port = rig_attach(counter, &number);
	while (clock_monotonic_ns() < now_ns + waited_ns)
		sched_yield();
	rig_run_from(counter, 0, 1);
	rig_told.count = 0;
	rig_receives_when_merged = counter;
	bpf_counter_tick(counter, wall_ns + waited_ns, now_ns + waited_ns);
	bpf_counter_collect(counter, false);
	rig_receives_when_merged = NULL;
	rig_check(of_period(end_s) == 2, "what comes meanwhile is in the period that has too much");
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
	struct bpf_port *port = rig_attach(counter, &number);

	while (clock_monotonic_ns() < now_ns + 10 * CLOCK_MILLISECOND_NS)
		sched_yield();
	rig_run_from(counter, 0, 1);
	rig_told.count = 0;
	bpf_counter_tick(counter, END_S * CLOCK_SECOND_NS + 3600 * CLOCK_SECOND_NS,
	    now_ns + 20 * CLOCK_MILLISECOND_NS);
	rig_check(rig_told.count == 1 && of_period(END_S + LENGTH_S) == 1,
	    "the clock is set just after a boundary: all is collected for the old time");
	bpf_counter_detach(counter, port);
	bpf_counter_close(counter);
}

/* ---- numbers of virtual NICs ---- */

static void test_numbers(void)
{
	struct bpf_counter *counter = rig_open(64, NULL);
	int number, next;
	struct bpf_port *port = rig_attach(counter, &number);
	struct mac mac;

	(void)mac_parse(GUEST_MAC, &mac);
	rig_run_from(counter, 0, 1);
	bpf_counter_unwatch(counter, port, number);
	rig_run_from(counter, 0, 1);
	next = bpf_counter_watch(counter, port, &mac, 1, HANDLE + 1);
	rig_run_from(counter, 0, 1);
	rig_collect(counter);
	rig_check(next != number && rig_told.count == 3 && of_period(END_S) == 3,
	    "the counts of a NIC that went, of nobody, and of the next one stay apart");
	bpf_counter_detach(counter, port);
	rig_run_from(counter, 0, 1);
	rig_collect(counter);
	rig_check(rig_told.count == 1 && rig_told.counted[0].kind == COUNTED_UNMATCHED,
	    "an interface that is detached has no NICs");
	bpf_counter_close(counter);
}

void bpf_rules_test(void)
{
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
}
