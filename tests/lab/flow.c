/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traffic of tests whose every byte is checked, made so that it runs in a guest without anything
 * else.
 *
 *     flow listen PORT
 *     flow stream ADDRESS PORT INTERVAL-MS OCTETS
 *     flow datagrams ADDRESS PORT COUNT INTERVAL-US OCTETS
 *
 * stream sends numbered records over one TCP connection, one each INTERVAL-MS by its own monotonic
 * clock (late ones are made up for), until SIGTERM. listen accepts one connection, and never
 * another one, and sends each record back. Both know what every octet must be: a lost, doubled or
 * changed one ends them with status 1. SIGUSR1 makes stream print what happened since the last such
 * line:
 *
 *     part records N rtt-ms MIN MEAN MAX silence-ms MS
 *
 * silence is the longest time between two echoes. At the end both print
 *
 *     flow ROLE port PORT records N silence-ms MS retransmitted N
 *
 * (port: of the connecting side) and end with 0 if all records came through and the connection was
 * closed in order. datagrams sends COUNT UDP datagrams and prints "sent N".
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECORD_MAX 4096
#define OPEN_MAX 65536 /* records without an echo: half a minute of silence at 2000 a second */
#define END_WAIT_MS 30000

static volatile sig_atomic_t want_end, want_part;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		want_part = 1;
	else
		want_end = 1;
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	const int error = errno;
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "flow: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, error != 0 ? ": %s\n" : "\n", strerror(error));
	va_end(arguments);
	exit(EXIT_FAILURE);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- records: number and length, then octets that follow from the number ---- */

struct record_head {
	uint64_t number;
	uint32_t octets;
};

static uint8_t record_octet(uint64_t number, size_t at)
{
	return (uint8_t)((number * 31 + at * 7) ^ (number >> 8));
}

static void make_record(uint8_t *record, uint64_t number, uint32_t octets)
{
	const struct record_head head = {.number = htobe64(number), .octets = htonl(octets)};

	memcpy(record, &head, sizeof head);
	for (size_t i = sizeof head; i < octets; i++)
		record[i] = record_octet(number, i);
}

/* Octets that arrive, put together to records that must come in order. */
struct reader {
	uint8_t bytes[RECORD_MAX];
	size_t length, wanted; /* octets there, and of the record as far as that is known */
	size_t octets;         /* of the record that read_record() gave */
	uint64_t next;         /* number of the record that must come */
	int64_t last_us, silence_us;
};

static void reader_init(struct reader *reader)
{
	memset(reader, 0, sizeof *reader);
	reader->wanted = sizeof(struct record_head);
}

/* Checks what is complete; true when it is a whole record. */
static bool check_octets(struct reader *reader)
{
	struct record_head head;

	memcpy(&head, reader->bytes, sizeof head);
	errno = 0;
	if (be64toh(head.number) != reader->next)
		die("record %" PRIu64 " came in place of %" PRIu64, be64toh(head.number),
		    reader->next);
	if (ntohl(head.octets) < sizeof head || ntohl(head.octets) > RECORD_MAX)
		die("record %" PRIu64 " has a wrong length", reader->next);
	reader->wanted = ntohl(head.octets);
	if (reader->length < reader->wanted)
		return false;
	for (size_t i = sizeof head; i < reader->length; i++)
		if (reader->bytes[i] != record_octet(reader->next, i))
			die("octet %zu of record %" PRIu64 " is wrong", i, reader->next);
	return true;
}

static void take_record(struct reader *reader)
{
	const int64_t now = now_us();

	if (reader->last_us != 0 && now - reader->last_us > reader->silence_us)
		reader->silence_us = now - reader->last_us;
	reader->last_us = now;
	reader->next++;
	reader->octets = reader->length;
	reader->length = 0;
	reader->wanted = sizeof(struct record_head);
}

enum reading { READING_WAITS, READING_RECORD, READING_END };

/* Reads on until a record is whole (its octets stay in bytes until the next call), nothing waits on
 * a descriptor that does not block, or the other side has closed. */
static enum reading read_record(struct reader *reader, int fd)
{
	for (;;) {
		const ssize_t got =
		    read(fd, reader->bytes + reader->length, reader->wanted - reader->length);

		if (got < 0 && errno == EAGAIN)
			return READING_WAITS;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die("the connection broke");
		errno = 0;
		if (got == 0 && reader->length != 0)
			die("the connection ended within a record");
		if (got == 0)
			return READING_END;
		reader->length += (size_t)got;
		if (reader->length == reader->wanted && check_octets(reader)) {
			take_record(reader);
			return READING_RECORD;
		}
	}
}

/* ---- sockets ---- */

static uint32_t number_of(const char *text, uint32_t least, uint32_t most)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	errno = 0;
	if (*text == '\0' || *end != '\0' || value < least || value > most)
		die("%s is not a number from %u to %u", text, least, most);
	return (uint32_t)value;
}

static int connect_to(const char *address, const char *port, int type)
{
	const struct addrinfo hints = {
	    .ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;
	int fd;

	if (getaddrinfo(address, port, &hints, &found) != 0)
		die("%s port %s is no address", address, port);
	fd = socket(found->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
		die("cannot connect to %s port %s", address, port);
	freeaddrinfo(found);
	return fd;
}

/* Records are sent at once, not gathered. */
static void set_no_delay(int fd)
{
	const int yes = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0)
		die("TCP_NODELAY");
}

static unsigned port_of(const struct sockaddr_in6 *address)
{
	/* in the same place in sockaddr_in */
	return ntohs(address->sin6_port);
}

static void print_end(const char *role, unsigned port, const struct reader *reader, int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof info;

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length);
	printf("flow %s port %u records %" PRIu64 " silence-ms %" PRId64 " retransmitted %u\n",
	    role, port, reader->next, reader->silence_us / 1000, info.tcpi_total_retrans);
}

/* ---- listen ---- */

static int listen_on(uint32_t port)
{
	const struct sockaddr_in6 six = {
	    .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (fd >= 0) {
		rc = bind(fd, (const struct sockaddr *)&six, sizeof six);
	} else { /* a guest may run without IPv6 */
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		rc = bind(fd, (const struct sockaddr *)&four, sizeof four);
	}
	if (rc != 0 || listen(fd, 1) != 0)
		die("cannot listen on port %u", port);
	return fd;
}

static int accept_one(uint32_t port, unsigned *peer_port)
{
	struct sockaddr_in6 peer = {0};
	socklen_t length = sizeof peer;
	const int listener = listen_on(port);
	int fd;

	printf("flow listens on port %u\n", port);
	fflush(stdout);
	fd = accept(listener, (struct sockaddr *)&peer, &length);
	if (fd < 0)
		die("accept");
	close(listener);
	*peer_port = port_of(&peer);
	return fd;
}

static void write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		const ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno != EINTR)
			die("the connection broke");
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
}

static int run_listen(char **arguments)
{
	static struct reader reader;
	unsigned peer_port;
	const int fd = accept_one(number_of(arguments[0], 1, 65535), &peer_port);

	set_no_delay(fd);
	reader_init(&reader);
	while (read_record(&reader, fd) == READING_RECORD)
		write_all(fd, reader.bytes, reader.octets);
	print_end("listen", peer_port, &reader, fd);
	return EXIT_SUCCESS;
}

/* ---- stream ---- */

/* What happened since the last line that told. */
struct part {
	uint64_t records;
	int64_t rtt_sum_us, rtt_least_us, rtt_most_us, silence_us;
};

struct stream {
	int fd;
	int64_t interval_us, due_us;
	uint32_t octets;
	uint64_t sent;              /* records begun */
	int64_t sent_us[OPEN_MAX];  /* when, by number modulo OPEN_MAX */
	uint8_t record[RECORD_MAX]; /* the one being sent */
	size_t unsent;              /* octets of it */
	struct reader reader;
	struct part part;
};

static void print_part(struct part *part)
{
	const int64_t mean = part->records != 0 ? part->rtt_sum_us / (int64_t)part->records : 0;

	printf("part records %" PRIu64 " rtt-ms %.2f %.2f %.2f silence-ms %" PRId64 "\n",
	    part->records, (double)part->rtt_least_us / 1000, (double)mean / 1000,
	    (double)part->rtt_most_us / 1000, part->silence_us / 1000);
	fflush(stdout);
	memset(part, 0, sizeof *part);
	want_part = 0;
}

static void write_some(struct stream *stream)
{
	const ssize_t n =
	    write(stream->fd, stream->record + stream->octets - stream->unsent, stream->unsent);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("the connection broke");
	if (n > 0)
		stream->unsent -= (size_t)n;
}

/* Sends the records whose time has come, as far as the connection takes them. */
static void send_due(struct stream *stream)
{
	if (stream->unsent != 0)
		write_some(stream);
	while (!want_end && stream->unsent == 0 && stream->due_us <= now_us() &&
	       stream->sent - stream->reader.next < OPEN_MAX) {
		make_record(stream->record, stream->sent, stream->octets);
		stream->sent_us[stream->sent % OPEN_MAX] = now_us();
		stream->sent++;
		stream->due_us += stream->interval_us;
		stream->unsent = stream->octets;
		write_some(stream);
	}
}

static void note_echo(struct stream *stream, int64_t before_us)
{
	struct part *part = &stream->part;
	const int64_t now = stream->reader.last_us;
	const int64_t rtt = now - stream->sent_us[(stream->reader.next - 1) % OPEN_MAX];

	if (part->records == 0 || rtt < part->rtt_least_us)
		part->rtt_least_us = rtt;
	if (rtt > part->rtt_most_us)
		part->rtt_most_us = rtt;
	if (before_us != 0 && now - before_us > part->silence_us)
		part->silence_us = now - before_us;
	part->rtt_sum_us += rtt;
	part->records++;
}

/* True while the other side has not closed. */
static bool read_echoes(struct stream *stream)
{
	int64_t before_us = stream->reader.last_us;
	enum reading reading;

	while ((reading = read_record(&stream->reader, stream->fd)) == READING_RECORD) {
		errno = 0;
		if (stream->reader.next > stream->sent)
			die("an echo of what was not sent");
		note_echo(stream, before_us);
		before_us = stream->reader.last_us;
	}
	return reading != READING_END;
}

static void wait_for_work(const struct stream *stream, int64_t until_us)
{
	const int64_t rest_us = until_us - now_us();
	const struct timespec rest = {.tv_sec = rest_us > 0 ? rest_us / 1000000 : 0,
	    .tv_nsec = rest_us > 0 ? rest_us % 1000000 * 1000 : 0};
	struct pollfd wait = {
	    .fd = stream->fd, .events = (short)(POLLIN | (stream->unsent != 0 ? POLLOUT : 0))};

	if (ppoll(&wait, 1, &rest, NULL) < 0 && errno != EINTR)
		die("poll");
}

/* Waits for the echoes that are still to come, then closes in order. */
static void end_stream(struct stream *stream)
{
	const int64_t until = now_us() + END_WAIT_MS * 1000;

	while (stream->unsent != 0 || stream->reader.next < stream->sent) {
		errno = 0;
		if (now_us() > until)
			die("%" PRIu64 " of %" PRIu64 " records came back", stream->reader.next,
			    stream->sent);
		wait_for_work(stream, until);
		send_due(stream);
		read_echoes(stream);
	}
	shutdown(stream->fd, SHUT_WR);
	while (read_echoes(stream)) {
		errno = 0;
		if (now_us() > until)
			die("the other side does not close");
		wait_for_work(stream, until);
	}
}

static int run_stream(char **arguments)
{
	static struct stream stream;
	struct sockaddr_in6 own;
	socklen_t length = sizeof own;

	stream.interval_us = (int64_t)number_of(arguments[2], 1, 60000) * 1000;
	stream.octets = number_of(arguments[3], sizeof(struct record_head), RECORD_MAX);
	stream.fd = connect_to(arguments[0], arguments[1], SOCK_STREAM);
	set_no_delay(stream.fd);
	if (fcntl(stream.fd, F_SETFL, O_NONBLOCK) != 0 ||
	    getsockname(stream.fd, (struct sockaddr *)&own, &length) != 0)
		die("socket");
	reader_init(&stream.reader);
	printf("flow streams from port %u\n", port_of(&own));
	fflush(stdout);
	for (stream.due_us = now_us(); !want_end;) {
		send_due(&stream);
		errno = 0;
		if (!read_echoes(&stream))
			die("the other side closed");
		if (want_part)
			print_part(&stream.part);
		wait_for_work(&stream, stream.due_us);
	}
	end_stream(&stream);
	print_end("stream", port_of(&own), &stream.reader, stream.fd);
	return EXIT_SUCCESS;
}

/* ---- datagrams ---- */

static void sleep_until(int64_t until_us)
{
	const struct timespec until = {
	    .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};

	while (!want_end && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static int run_datagrams(char **arguments)
{
	static uint8_t octets[RECORD_MAX];
	const int fd = connect_to(arguments[0], arguments[1], SOCK_DGRAM);
	const uint32_t count = number_of(arguments[2], 1, UINT32_MAX);
	const int64_t interval_us = number_of(arguments[3], 0, 60000000);
	const uint32_t length = number_of(arguments[4], 1, RECORD_MAX);
	int64_t due_us = now_us();
	uint32_t sent = 0;

	while (sent < count && !want_end) {
		/* nobody need listen: what comes back as an ICMP error is no concern */
		if (send(fd, octets, length, 0) == (ssize_t)length)
			sent++;
		else if (errno != ECONNREFUSED && errno != EINTR)
			die("send");
		sleep_until(due_us += interval_us);
	}
	printf("sent %u\n", sent);
	return EXIT_SUCCESS;
}

/* ---- main ---- */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **arguments);
	} roles[] = {
	    {"listen", 1, run_listen}, {"stream", 4, run_stream}, {"datagrams", 5, run_datagrams}};
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		if (argc == roles[i].arguments + 2 && strcmp(argv[1], roles[i].name) == 0)
			return roles[i].run(argv + 2);
	fprintf(stderr, "flow: wants listen, stream or datagrams and their arguments\n");
	return EXIT_FAILURE;
}
