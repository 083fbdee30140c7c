/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends an exact number of UDP packets of an exact number of pairs through an interface and writes
 * how many of each were handed to the kernel, so that a sensor's table can be checked to the
 * packet. Pairs come in a permutation (a step that shares no factor with their number), the worst
 * order for a sensor's table. Says what it cost per packet, work that the kernel does in its
 * context included.
 */
#include "tests/bench/generate/inject.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 9014
#define BATCH 64
#define SECOND_NS 1000000000.0

struct options {
	const char *interface, *expected;
	uint64_t packets, sources, destinations, rate, train, length;
	int64_t vlan, cpu;
	bool ipv6, fragments, extension, inject;
};

static const char help[] =
    "usage: generate --interface IF [OPTION]...\n"
    "Sends UDP packets of many pairs and says what it cost.\n\n"
    "  --interface IF     send on IF; with --inject: IF receives\n"
    "  --packets N        how many (default 1000000)\n"
    "  --sources N        source addresses 10.x.x.x or fd00:5::x (default 16)\n"
    "  --destinations N   destination addresses 172.16.x.x or fd00:d::x, with the MACs\n"
    "                     02:d0:00:00:xx:xx (default 1)\n"
    "  --length N         bytes of a frame without checksum (default 64)\n"
    "  --rate N           packets a second (default: as fast as possible)\n"
    "  --train N          packets in a row of one pair (default 1)\n"
    "  --ipv6             IPv6\n"
    "  --extension        IPv6 with a hop-by-hop header\n"
    "  --fragments        IPv4 fragments without UDP header\n"
    "  --vlan N           an 802.1Q tag\n"
    "  --inject           inject into IF as if it had received them: IPv4, one destination, "
    "untagged;\n"
    "                     needs Linux 5.18 and gro on IF\n"
    "  --cpu N            run on this processor\n"
    "  --expected FILE    write \"source destination packets bytes\" for each pair; bytes from IP "
    "on\n";

/* ---- options ---- */

static uint64_t number(const char *text, uint64_t least, uint64_t most, const char *name)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || value < least || value > most) {
		fprintf(stderr,
		    "generate: --%s %s is not a number from %" PRIu64 " to %" PRIu64 "\n", name,
		    text, least, most);
		exit(2);
	}
	return value;
}

static void set_option(struct options *options, const char *name, const char *value)
{
	const struct {
		const char *name;
		uint64_t *target;
		uint64_t least, most;
	} numbers[] = {{"packets", &options->packets, 1, UINT32_MAX},
	    {"sources", &options->sources, 1, 1 << 24},
	    {"destinations", &options->destinations, 1, 65536},
	    {"length", &options->length, 64, FRAME_MAX}, {"rate", &options->rate, 1, 100000000},
	    {"train", &options->train, 1, 1000000}, {"vlan", (uint64_t *)&options->vlan, 1, 4094},
	    {"cpu", (uint64_t *)&options->cpu, 0, 1023}};
	const struct {
		const char *name;
		bool *target;
	} flags[] = {{"ipv6", &options->ipv6}, {"fragments", &options->fragments},
	    {"extension", &options->extension}, {"inject", &options->inject}};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(name, numbers[i].name) == 0)
			*numbers[i].target = number(value, numbers[i].least, numbers[i].most, name);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strcmp(name, flags[i].name) == 0)
			*flags[i].target = true;
	if (strcmp(name, "interface") == 0)
		options->interface = value;
	else if (strcmp(name, "expected") == 0)
		options->expected = value;
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {{"interface", 1, NULL, 'o'},
	    {"packets", 1, NULL, 'o'}, {"sources", 1, NULL, 'o'}, {"destinations", 1, NULL, 'o'},
	    {"length", 1, NULL, 'o'}, {"rate", 1, NULL, 'o'}, {"train", 1, NULL, 'o'},
	    {"ipv6", 0, NULL, 'o'}, {"extension", 0, NULL, 'o'}, {"fragments", 0, NULL, 'o'},
	    {"vlan", 1, NULL, 'o'}, {"inject", 0, NULL, 'o'}, {"cpu", 1, NULL, 'o'},
	    {"expected", 1, NULL, 'o'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int index, got;

	while ((got = getopt_long(argc, argv, "h", known, &index)) != -1) {
		if (got == 'h') {
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		}
		if (got != 'o')
			exit(2);
		set_option(options, known[index].name, optarg);
	}
	if (options->interface == NULL || if_nametoindex(options->interface) == 0) {
		fprintf(stderr, "generate: --interface wants one that is there\n");
		exit(2);
	}
	if (options->inject && (options->ipv6 || options->vlan >= 0 || options->fragments ||
				   options->destinations != 1)) {
		fprintf(stderr, "generate: --inject is for IPv4, one destination, untagged\n");
		exit(2);
	}
}

/* ---- frames ---- */

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t sum16(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static uint32_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static size_t link_length(const struct options *options)
{
	return options->vlan >= 0 ? 18 : 14;
}

static void address_of(const struct options *options, bool source, uint64_t n, uint8_t out[16])
{
	memset(out, 0, 16);
	if (options->ipv6) {
		out[0] = 0xfd;
		out[3] = source ? 0x05 : 0x0d;
		put32(out + 12, (uint32_t)n);
	} else {
		put32(out, (source ? 0x0a000000u : 0xac100000u) | (uint32_t)n);
	}
}

/* ip6: the IPv6 header before it, whose checksum is not optional, or NULL. */
static void make_udp(uint8_t *udp, size_t length, const uint8_t *ip6)
{
	memset(udp, 0, 8);
	put16(udp, 20000);
	put16(udp + 2, 9);
	put16(udp + 4, (uint32_t)length);
	if (ip6 != NULL) {
		const uint32_t sum = sum16(udp, 8, sum16(ip6 + 8, 32, 17 + (uint32_t)length));
		const uint32_t checksum = fold(sum);

		put16(udp + 6, checksum != 0 ? checksum : 0xffff);
	}
}

static void make_ipv4(const struct options *options, uint8_t *ip, size_t length)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)length);
	if (options->fragments)
		put16(ip + 6, 0x2000 + 100);
	ip[8] = 64;
	ip[9] = 17;
	make_udp(ip + 20, length - 20, NULL);
}

static void make_ipv6(const struct options *options, uint8_t *ip, size_t length)
{
	static const uint8_t extension[8] = {17, 0, 1, 4};

	memset(ip, 0, 40);
	ip[0] = 0x60;
	put16(ip + 4, (uint32_t)length - 40);
	ip[6] = options->extension ? 0 : 17;
	ip[7] = 64;
	if (options->extension)
		memcpy(ip + 40, extension, sizeof extension);
}

/* The frame as it is for every pair. */
static void make_frame(const struct options *options, uint8_t *frame)
{
	static const uint8_t macs[12] = {2, 0xd0, 0, 0, 0, 0, 2, 0x5c, 0, 0, 0, 1};
	uint8_t *ip = frame + link_length(options);

	memset(frame, 0, FRAME_MAX);
	memcpy(frame, macs, sizeof macs);
	if (options->vlan >= 0) {
		put16(frame + 12, 0x8100);
		put16(frame + 14, (uint32_t)options->vlan);
	}
	put16(ip - 2, options->ipv6 ? 0x86dd : 0x0800);
	if (options->ipv6)
		make_ipv6(options, ip, options->length - link_length(options));
	else
		make_ipv4(options, ip, options->length - link_length(options));
}

/* Its addresses and what depends on them. */
static void address_frame(const struct options *options, uint8_t *frame, uint64_t pair)
{
	const uint64_t source = pair % options->sources, destination = pair / options->sources;
	uint8_t *ip = frame + link_length(options), address[16];
	const size_t length = options->length - link_length(options);

	put16(frame + 4, (uint32_t)destination);
	address_of(options, true, source, address);
	memcpy(ip + (options->ipv6 ? 8 : 12), address, options->ipv6 ? 16 : 4);
	address_of(options, false, destination, address);
	memcpy(ip + (options->ipv6 ? 24 : 16), address, options->ipv6 ? 16 : 4);
	if (options->ipv6) {
		const size_t headers = options->extension ? 48 : 40;

		make_udp(ip + headers, length - headers, ip);
	} else {
		put16(ip + 10, 0);
		put16(ip + 10, fold(sum16(ip, 20, 0)));
	}
}

/* ---- the order of pairs ---- */

static uint64_t common_factor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		const uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static uint64_t step_of(uint64_t pairs)
{
	uint64_t step = pairs * 618 / 1000 | 1;

	while (common_factor(step, pairs) != 1)
		step += 2;
	return step % pairs;
}

/* ---- sending ---- */

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / SECOND_NS;
}

static int open_socket(const struct options *options)
{
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
	    .sll_ifindex = (int)if_nametoindex(options->interface),
	    .sll_halen = 6};
	const int room = 8 << 20, fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		perror("generate: packet socket");
		exit(EXIT_FAILURE);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
	return fd;
}

static void send_batch(int fd, struct mmsghdr *messages, unsigned count)
{
	const struct timespec pause = {.tv_nsec = 50000};

	while (count > 0) {
		const int n = sendmmsg(fd, messages, count, 0);

		if (n < 0 && errno != ENOBUFS && errno != EAGAIN) {
			perror("generate: sending");
			exit(EXIT_FAILURE);
		}
		if (n < 0)
			nanosleep(&pause, NULL);
		messages += n > 0 ? n : 0;
		count -= n > 0 ? (unsigned)n : 0;
	}
}

static void keep_pace(const struct options *options, double start, uint64_t sent)
{
	const double wait = options->rate == 0 ? 0
					       : start + (double)sent / (double)options->rate -
						     now(CLOCK_MONOTONIC);
	struct timespec pause = {.tv_sec = (time_t)wait};

	if (wait <= 20e-6)
		return;
	pause.tv_nsec = (long)((wait - (double)pause.tv_sec) * SECOND_NS);
	nanosleep(&pause, NULL);
}

static void send_frames(const struct options *options, const uint8_t *frame, uint32_t *counts)
{
	static uint8_t frames[BATCH][FRAME_MAX];
	const uint64_t pairs = options->sources * options->destinations, step = step_of(pairs);
	const int fd = open_socket(options);
	const double start = now(CLOCK_MONOTONIC);
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	uint64_t pair = 0, sent = 0;

	for (int i = 0; i < BATCH; i++) {
		memcpy(frames[i], frame, options->length);
		parts[i] = (struct iovec){.iov_base = frames[i], .iov_len = options->length};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < options->packets) {
		const uint64_t left = options->packets - sent;
		const unsigned n = left < BATCH ? (unsigned)left : BATCH;

		for (unsigned i = 0; i < n; i++, sent++) {
			if (sent > 0 && sent % options->train == 0)
				pair = (pair + step) % pairs;
			address_frame(options, frames[i], pair);
			counts[pair]++;
		}
		send_batch(fd, messages, n);
		keep_pace(options, start, sent);
	}
	close(fd);
}

static void inject(const struct options *options, uint8_t *frame, uint32_t *counts)
{
	struct inject_state state = {
	    .pairs = options->sources, .step = step_of(options->sources), .train = options->train};
	uint64_t pair = 0;

	address_frame(options, frame, 0);
	memset(frame + 14 + 10, 0, 6); /* checksum and source are the program's */
	state.checksum = sum16(frame + 14, 20, 0);
	if (inject_frames(frame, options->length, if_nametoindex(options->interface),
		options->packets, &state) != 0 ||
	    state.sent != options->packets) {
		fprintf(stderr, "generate: injecting: %s, %" PRIu64 " of %" PRIu64 " packets\n",
		    strerror(errno), state.sent, options->packets);
		exit(EXIT_FAILURE);
	}
	for (uint64_t i = 0; i < options->packets; i++) {
		if (i > 0 && i % options->train == 0)
			pair = (pair + state.step) % state.pairs;
		counts[pair]++;
	}
}

/* ---- what was sent ---- */

static void write_expected(const struct options *options, const uint32_t *counts)
{
	FILE *file = fopen(options->expected, "we");
	const int family = options->ipv6 ? AF_INET6 : AF_INET;
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	uint8_t address[16];

	for (uint64_t i = 0; file != NULL && i < options->sources * options->destinations; i++) {
		if (counts[i] == 0)
			continue;
		address_of(options, true, i % options->sources, address);
		inet_ntop(family, address, source, sizeof source);
		address_of(options, false, i / options->sources, address);
		inet_ntop(family, address, destination, sizeof destination);
		fprintf(file, "%s %s %" PRIu32 " %" PRIu64 "\n", source, destination, counts[i],
		    (uint64_t)counts[i] * (options->length - link_length(options)));
	}
	if (file == NULL || fclose(file) != 0) {
		perror(options->expected);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	static uint8_t frame[FRAME_MAX];
	struct options options = {.packets = 1000000,
	    .sources = 16,
	    .destinations = 1,
	    .train = 1,
	    .length = 64,
	    .vlan = -1,
	    .cpu = -1};
	double wall, cpu;
	uint32_t *counts;
	cpu_set_t set;

	parse(argc, argv, &options);
	CPU_ZERO(&set);
	if (options.cpu >= 0) {
		CPU_SET((size_t)options.cpu, &set);
		(void)sched_setaffinity(0, sizeof set, &set);
	}
	counts = calloc(options.sources * options.destinations, sizeof *counts);
	if (counts == NULL)
		return EXIT_FAILURE;
	make_frame(&options, frame);
	wall = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	if (options.inject)
		inject(&options, frame, counts);
	else
		send_frames(&options, frame, counts);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = now(CLOCK_MONOTONIC) - wall;
	printf("sent=%" PRIu64 " wall_s=%.3f pps=%.0f cpu_ns_pkt=%.1f\n", options.packets, wall,
	    (double)options.packets / wall, cpu * SECOND_NS / (double)options.packets);
	if (options.expected != NULL)
		write_expected(&options, counts);
	free(counts);
	return EXIT_SUCCESS;
}
