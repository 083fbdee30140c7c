/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A virtual machine's NIC on the real tun driver, without a hypervisor:
 *
 *     tap_guest [--offload on|off] [--queue FRAMES] [--lose N] HOST-SPACE HOST-TAP GUEST-SPACE
 * GUEST-TAP
 *
 * HOST-TAP in the network namespace HOST-SPACE is what a hypervisor opens for a guest. GUEST-TAP in
 * GUEST-SPACE is the guest's own NIC. Between them frames are relayed in both directions with their
 * virtio_net_hdr as it is, so that the TCP stack of GUEST-SPACE uses segmentation offload as a real
 * guest does through vhost: super-frames enter the host by tun_get_user() with gso_size set and
 * gso_segs 0. A space is a path (/run/netns/NAME); both interfaces are new, go with the program,
 * and are set up (address, MTU, bridge) by the caller after READY.
 *
 * --offload off: neither side has checksum or segmentation offload, each frame is as on a wire.
 * --queue: frames that wait in each tap at most (txqueuelen). --lose N: the guest loses every Nth
 * frame that the host delivered to its tap, as when its receive queue is full.
 *
 * SIGTERM ends it, with a line that tells what went through:
 *     to-guest FRAMES SUPER-FRAMES SEGMENTS LOST FAILED from-guest FRAMES SUPER-FRAMES SEGMENTS
 * LOST FAILED SEGMENTS: packets that the TCP frames, super or not, are on a wire, by their
 * gso_size.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_SIZE (256 * 1024)
#define BATCH 64 /* frames of one direction before the other has its turn */

struct settings {
	bool offload;
	int queue;
	uint64_t lose;
};

/* One direction. */
struct relay {
	int from, to;
	uint64_t lose; /* every so many frames; 0 = none */
	uint64_t frames, super, segments, lost, failed;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "tap_guest: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(arguments);
	exit(EXIT_FAILURE);
}

static void enter(const char *space)
{
	const int fd = open(space, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		die("cannot enter the network namespace %s", space);
	close(fd);
}

static void set_queue_length(const struct ifreq *tap, int frames)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = *tap;

	request.ifr_qlen = frames;
	if (fd < 0 || ioctl(fd, SIOCSIFTXQLEN, &request) != 0)
		die("cannot set the queue length of %s", tap->ifr_name);
	close(fd);
}

static int open_tap(const char *space, const char *name, const struct settings *settings)
{
	const unsigned long offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	struct ifreq tap = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL};
	int header = sizeof(struct virtio_net_hdr), fd;

	enter(space);
	if (snprintf(tap.ifr_name, sizeof tap.ifr_name, "%s", name) >= (int)sizeof tap.ifr_name) {
		errno = ENAMETOOLONG;
		die("%s", name);
	}
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &tap) != 0)
		die("cannot make the tap %s in %s", name, space);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) != 0 ||
	    ioctl(fd, TUNSETOFFLOAD, settings->offload ? offloads : 0) != 0)
		die("cannot set the offloads of %s", name);
	set_queue_length(&tap, settings->queue);
	return fd;
}

/* Length of all headers of a TCP frame without VLAN tag, fragments and extension headers; 0 = it is
 * none. */
static size_t tcp_headers(const uint8_t *frame, size_t length)
{
	const bool ipv6 = length > ETH_HLEN && frame[12] == 0x86 && frame[13] == 0xdd;
	const bool ipv4 = length > ETH_HLEN && frame[12] == 0x08 && frame[13] == 0x00;
	const size_t network = ipv6 ? 40 : (frame[ETH_HLEN] & 0x0fu) * 4;
	const uint8_t protocol = ipv6 ? frame[ETH_HLEN + 6] : frame[ETH_HLEN + 9];

	if ((!ipv4 && !ipv6) || length < ETH_HLEN + network + 20 || protocol != IPPROTO_TCP)
		return 0;
	return ETH_HLEN + network + (frame[ETH_HLEN + network + 12] >> 4) * 4u;
}

static void note(struct relay *relay, const uint8_t *bytes, size_t length)
{
	struct virtio_net_hdr header;
	size_t headers;

	memcpy(&header, bytes, sizeof header);
	headers = tcp_headers(bytes + sizeof header, length - sizeof header);
	relay->frames++;
	relay->super += header.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	if (headers == 0)
		return;
	if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE || header.gso_size == 0)
		relay->segments++;
	else
		relay->segments +=
		    (length - sizeof header - headers + header.gso_size - 1) / header.gso_size;
}

/* Relays what waits, at most BATCH frames. */
static void relay_some(struct relay *relay)
{
	static uint8_t frame[FRAME_SIZE];

	for (int i = 0; i < BATCH; i++) {
		const ssize_t n = read(relay->from, frame, sizeof frame);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < (ssize_t)sizeof(struct virtio_net_hdr) + ETH_HLEN + 20) {
			relay->failed++;
			return;
		}
		note(relay, frame, (size_t)n);
		/* An interface that is down takes nothing: the frame is gone, as on a real NIC. */
		if (relay->lose != 0 && relay->frames % relay->lose == 0)
			relay->lost++;
		else if (write(relay->to, frame, (size_t)n) != n)
			relay->failed++;
	}
}

static int block_signals(void)
{
	sigset_t ends;
	int fd;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	fd = signalfd(-1, &ends, SFD_CLOEXEC);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &ends, NULL) != 0)
		die("signals");
	return fd;
}

static void run(struct relay *to_guest, struct relay *from_guest, int signals)
{
	struct pollfd wait[] = {{.fd = signals, .events = POLLIN},
	    {.fd = to_guest->from, .events = POLLIN}, {.fd = from_guest->from, .events = POLLIN}};

	for (;;) {
		if (poll(wait, 3, -1) < 0 && errno != EINTR)
			die("poll");
		if (wait[0].revents != 0)
			return;
		if (((wait[1].revents | wait[2].revents) & (POLLERR | POLLNVAL)) != 0) {
			errno = ENODEV; /* one of the interfaces was deleted */
			die("poll");
		}
		if (wait[1].revents != 0)
			relay_some(to_guest);
		if (wait[2].revents != 0)
			relay_some(from_guest);
	}
}

static long number(const char *text, long least)
{
	char *end;
	const long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < least || value > 1000000) {
		errno = EINVAL;
		die("%s", text);
	}
	return value;
}

static struct settings parse(int argc, char **argv)
{
	static const struct option options[] = {{"offload", required_argument, NULL, 'o'},
	    {"queue", required_argument, NULL, 'q'}, {"lose", required_argument, NULL, 'l'}, {0}};
	struct settings settings = {.offload = true, .queue = 10000};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'o')
			settings.offload = strcmp(optarg, "on") == 0;
		else if (option == 'q')
			settings.queue = (int)number(optarg, 1);
		else if (option == 'l')
			settings.lose = (uint64_t)number(optarg, 2);
		else
			exit(EXIT_FAILURE);
	}
	if (argc - optind != 4) {
		errno = EINVAL;
		die("wants HOST-SPACE HOST-TAP GUEST-SPACE GUEST-TAP");
	}
	return settings;
}

static void print(const char *name, const struct relay *relay, char end)
{
	printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "%c", name,
	    relay->frames, relay->super, relay->segments, relay->lost, relay->failed, end);
}

int main(int argc, char **argv)
{
	const struct settings settings = parse(argc, argv);
	const int signals = block_signals();
	const int host = open_tap(argv[optind], argv[optind + 1], &settings);
	const int guest = open_tap(argv[optind + 2], argv[optind + 3], &settings);
	struct relay to_guest = {.from = host, .to = guest, .lose = settings.lose};
	struct relay from_guest = {.from = guest, .to = host};

	printf("READY\n");
	fflush(stdout);
	run(&to_guest, &from_guest, signals);
	print("to-guest", &to_guest, ' ');
	print("from-guest", &from_guest, '\n');
	return EXIT_SUCCESS;
}
