/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A slow cable between two interfaces, for kernels without the netem queueing discipline:
 *
 *     wan_relay DEVICE1 DEVICE2 DELAY-MS MBIT
 *
 * Each frame leaves the other side DELAY-MS after the line of MBIT/s was free for it. What would
 * wait longer than QUEUE_MS for the line, or finds QUEUE_FRAMES on the way, is lost, as in a
 * router's queue. Both devices' offloads must be off: longer frames than their MTU cannot leave.
 * Says READY when it relays; SIGTERM ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 65536
#define QUEUE_FRAMES 8192
#define QUEUE_MS 200
#define RING_OCTETS (16 << 20)

struct frame {
	int64_t due_ns;
	size_t length;
	uint8_t octets[];
};

/* One direction: frames in the order in which they leave. */
struct line {
	int from, to;
	int64_t delay_ns, free_ns; /* free_ns: when the line is free for the next frame */
	double ns_per_octet;
	struct frame *queue[QUEUE_FRAMES];
	unsigned head, tail; /* head == tail: empty; counted on without end */
};

static void die(const char *what)
{
	fprintf(stderr, "wan_relay: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int open_device(const char *name)
{
	const int yes = 1, ring = RING_OCTETS;
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)if_nametoindex(name)};
	struct packet_mreq all = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};

	if (fd < 0 || address.sll_ifindex == 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &ring, sizeof ring) != 0)
		die(name);
	return fd;
}

static void enqueue(struct line *line, const uint8_t *octets, size_t length, int64_t now)
{
	const int64_t start = line->free_ns > now ? line->free_ns : now;
	struct frame *frame;

	if (line->tail - line->head == QUEUE_FRAMES || start - now > QUEUE_MS * INT64_C(1000000))
		return;
	frame = malloc(sizeof *frame + length);
	if (frame == NULL)
		die("no memory");
	line->free_ns = start + (int64_t)((double)length * line->ns_per_octet);
	frame->due_ns = line->free_ns + line->delay_ns;
	frame->length = length;
	memcpy(frame->octets, octets, length);
	line->queue[line->tail++ % QUEUE_FRAMES] = frame;
}

static void take_in(struct line *line)
{
	static uint8_t octets[FRAME_MAX];
	ssize_t length;

	while ((length = recv(line->from, octets, sizeof octets, 0)) > 0)
		enqueue(line, octets, (size_t)length, now_ns());
}

/* Sends what is due; returns when the next frame is, or a second from now. */
static int64_t let_out(struct line *line)
{
	const int64_t now = now_ns();

	while (line->head != line->tail) {
		struct frame *frame = line->queue[line->head % QUEUE_FRAMES];

		if (frame->due_ns > now)
			return frame->due_ns;
		/* a device that takes no more loses the frame, as a line does */
		(void)!send(line->to, frame->octets, frame->length, 0);
		free(frame);
		line->head++;
	}
	return now + INT64_C(1000000000);
}

__attribute__((noreturn)) static void run(struct line *lines)
{
	struct pollfd wait[2] = {
	    {.fd = lines[0].from, .events = POLLIN}, {.fd = lines[1].from, .events = POLLIN}};

	for (;;) {
		const int64_t first = let_out(&lines[0]), second = let_out(&lines[1]);
		const int64_t rest = (first < second ? first : second) - now_ns();
		const struct timespec until = {.tv_nsec = rest > 0 ? rest % 1000000000 : 0};

		if (ppoll(wait, 2, &until, NULL) < 0 && errno != EINTR)
			die("poll");
		take_in(&lines[0]);
		take_in(&lines[1]);
	}
}

static double number(const char *text, double least)
{
	char *end;
	const double value = strtod(text, &end);

	errno = EINVAL;
	if (*text == '\0' || *end != '\0' || !(value >= least && value <= 1e6))
		die(text);
	return value;
}

int main(int argc, char **argv)
{
	static struct line lines[2];

	errno = EINVAL;
	if (argc != 5)
		die("wants DEVICE1 DEVICE2 DELAY-MS MBIT");
	lines[0].from = lines[1].to = open_device(argv[1]);
	lines[1].from = lines[0].to = open_device(argv[2]);
	for (int i = 0; i < 2; i++) {
		lines[i].delay_ns = (int64_t)(number(argv[3], 0) * 1e6);
		lines[i].ns_per_octet = 8e3 / number(argv[4], 0.001);
	}
	printf("READY\n");
	fflush(stdout);
	run(lines);
}
