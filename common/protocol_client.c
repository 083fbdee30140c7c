/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/protocol.h"

#include "common/clock.h"
#include "common/error.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct call {
	int fd;
	int64_t patience_ns;
	int64_t
	    deadline_ns; /* by CLOCK_MONOTONIC itself: it must pass also where tests fake time */
	bool streams;    /* each part of the answer has the patience for itself */
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * CLOCK_SECOND_NS + t.tv_nsec;
}

static int wait_for(const struct call *call, short events)
{
	for (;;) {
		struct pollfd item = {.fd = call->fd, .events = events};
		const int64_t left_ns = call->deadline_ns - now_ns();
		const int64_t left_ms = left_ns / CLOCK_MILLISECOND_NS + 1;
		int n;

		if (left_ns <= 0)
			return GRAPPE_ETIMEOUT;
		n = poll(&item, 1, left_ms < 60000 ? (int)left_ms : 60000);
		if (n > 0)
			return GRAPPE_OK;
		if (n < 0 && errno != EINTR)
			return GRAPPE_EIO;
	}
}

/* A full backlog is EAGAIN on UNIX sockets and cannot be polled for. */
static int connect_to(struct call *call, const char *path)
{
	static const struct timespec pause = {.tv_nsec = 10 * CLOCK_MILLISECOND_NS};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return GRAPPE_EIO;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (call->fd < 0)
		return GRAPPE_EIO;
	while (connect(call->fd, (struct sockaddr *)&address, sizeof address) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return GRAPPE_EIO;
		if (now_ns() >= call->deadline_ns)
			return GRAPPE_ETIMEOUT;
		nanosleep(&pause, NULL);
	}
	return GRAPPE_OK;
}

static int send_line(const struct call *call, const char *line)
{
	size_t left = strlen(line);

	while (left > 0) {
		const ssize_t n = send(call->fd, line, left, MSG_NOSIGNAL);
		int rc;

		if (n > 0) {
			line += n;
			left -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE) /* it may have said why before it left */
			return GRAPPE_OK;
		if (n < 0 && errno != EAGAIN)
			return GRAPPE_EIO;
		rc = wait_for(call, POLLOUT);
		if (rc != GRAPPE_OK)
			return rc;
	}
	return GRAPPE_OK;
}

/* One block of the answer. Returns 0: more must come. */
static int receive_block(struct call *call, struct protocol_stream *stream)
{
	size_t size;
	char *room = protocol_stream_room(stream, &size);
	ssize_t n;

	if (room == NULL)
		return GRAPPE_EMEMORY;
	n = recv(call->fd, room, size, 0);
	if (n < 0 && errno == EAGAIN)
		return wait_for(call, POLLIN);
	if (n < 0 && errno == EINTR)
		return GRAPPE_OK;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return GRAPPE_ETRUNCATED;
	if (n < 0)
		return GRAPPE_EIO;
	n = protocol_stream_take(stream, (size_t)n);
	if (call->streams)
		call->deadline_ns = now_ns() + call->patience_ns;
	else if (n == GRAPPE_OK && now_ns() >= call->deadline_ns)
		return GRAPPE_ETIMEOUT;
	return (int)n;
}

static int exchange(
    struct call *call, const char *path, const char *line, const struct protocol_sink *sink)
{
	struct protocol_stream *stream;
	int rc = protocol_stream_new(sink, &stream), saved;

	if (rc == GRAPPE_OK)
		rc = connect_to(call, path);
	if (rc == GRAPPE_OK)
		rc = send_line(call, line);
	while (rc == GRAPPE_OK)
		rc = receive_block(call, stream);
	saved = errno;
	protocol_stream_free(stream);
	if (call->fd >= 0)
		close(call->fd);
	errno = saved;
	return rc == PROTOCOL_STREAM_ENDED ? GRAPPE_OK : rc;
}

static int call_sink(const char *path, const struct protocol_request *request, int timeout_ms,
    bool streams, const struct protocol_sink *sink)
{
	const int64_t patience_ns = (int64_t)timeout_ms * CLOCK_MILLISECOND_NS;
	struct call call = {.fd = -1,
	    .patience_ns = patience_ns,
	    .deadline_ns = now_ns() + patience_ns,
	    .streams = streams};
	char *line = protocol_request_format(request);
	int rc;

	if (line == NULL)
		return GRAPPE_EMEMORY;
	rc = exchange(&call, path, line, sink);
	free(line);
	return rc;
}

int protocol_call(const char *path, const struct protocol_request *request, int timeout_ms,
    struct protocol_reply *reply)
{
	const struct protocol_sink sink = protocol_reply_sink(reply);
	const int rc = call_sink(path, request, timeout_ms, false, &sink);

	return rc == GRAPPE_OK ? protocol_reply_complete(reply) : rc;
}

int protocol_call_stream(const char *path, const struct protocol_request *request, int timeout_ms,
    const struct protocol_sink *sink)
{
	return call_sink(path, request, timeout_ms, true, sink);
}
