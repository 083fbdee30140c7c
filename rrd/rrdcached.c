/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/rrdcached.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define ADDRESS_MAX 256
#define LINE_MAX_OUT 4000 /* a command; rrdcached takes 4096 bytes */
#define LINE_MAX_IN 8192  /* an answer's line may hold a path and a reason */
#define LINES_MAX 64      /* of the answer to a single command */
#define QUEUE_NAP_NS 20000000
#define QUEUE_PATIENCE_NS (60 * CLOCK_SECOND_NS) /* without progress */

struct rrdcached {
	char address[ADDRESS_MAX];
	int64_t timeout_ms;
	int fd; /* -1: none */
	int64_t deadline_ns;
	/* what came and was not read yet */
	char in[LINE_MAX_IN];
	size_t begin, end;
	/* the next batch */
	struct buffer out;
	uint32_t *tags; /* by line */
	size_t lines, capacity;
	char *message; /* of the caller, while a function runs */
	size_t size;
};

static int64_t elapsed_ns(void)
{
	struct timespec now;

	/* Waiting is real, whatever clock a test shows to the rest. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CLOCK_SECOND_NS + now.tv_nsec;
}

/* ---- addresses ---- */

static const char *unix_path(const char *address)
{
	if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return address + strlen(UNIX_PREFIX);
	return address[0] == '/' ? address : NULL;
}

/* HOST, HOST:PORT, [IPv6], [IPv6]:PORT. Returns 0 or GRAPPE_EINVALID. */
static int split_address(const char *address, char host[ADDRESS_MAX], char port[ADDRESS_MAX])
{
	const bool bracket = address[0] == '[';
	const char *rest;
	size_t length;

	if (strlen(address) >= ADDRESS_MAX)
		return GRAPPE_EINVALID;
	if (bracket) {
		rest = strchr(address, ']');
		if (rest == NULL)
			return GRAPPE_EINVALID;
		length = (size_t)(rest - address) - 1;
		snprintf(host, ADDRESS_MAX, "%.*s", (int)length, address + 1);
		rest++;
	} else {
		rest = address + strcspn(address, ":");
		length = (size_t)(rest - address);
		snprintf(host, ADDRESS_MAX, "%.*s", (int)length, address);
	}
	if (length == 0 || (*rest != '\0' && (*rest != ':' || rest[1] == '\0')) ||
	    (*rest == ':' && strchr(rest + 1, ':') != NULL))
		return GRAPPE_EINVALID;
	snprintf(port, ADDRESS_MAX, "%s", *rest == ':' ? rest + 1 : RRDCACHED_PORT);
	return GRAPPE_OK;
}

int rrdcached_check_address(const char *address, char *message, size_t size)
{
	const char *path = unix_path(address);
	char host[ADDRESS_MAX], port[ADDRESS_MAX];

	if (path != NULL && path[0] == '/' &&
	    strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path)
		return GRAPPE_OK;
	if (path == NULL && split_address(address, host, port) == GRAPPE_OK)
		return GRAPPE_OK;
	snprintf(message, size,
	    "'%.100s' is no address of rrdcached: unix:/PATH (up to 107 bytes) or HOST:PORT",
	    address);
	return GRAPPE_EINVALID;
}

/* ---- the connection ---- */

struct rrdcached *rrdcached_new(const char *address, int64_t timeout_ms)
{
	struct rrdcached *client = calloc(1, sizeof *client);

	if (client == NULL)
		return NULL;
	snprintf(client->address, sizeof client->address, "%s", address);
	client->timeout_ms = timeout_ms;
	client->fd = -1;
	buffer_init(&client->out);
	return client;
}

void rrdcached_disconnect(struct rrdcached *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->begin = client->end = 0;
}

void rrdcached_free(struct rrdcached *client)
{
	if (client == NULL)
		return;
	rrdcached_disconnect(client);
	buffer_deinit(&client->out);
	free(client->tags);
	free(client);
}

void rrdcached_adopt(struct rrdcached *client, int fd)
{
	rrdcached_disconnect(client);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	client->fd = fd;
}

bool rrdcached_is_connected(const struct rrdcached *client)
{
	return client->fd >= 0;
}

/* The end of the connection; says why. */
__attribute__((format(printf, 2, 3))) static int give_up(
    struct rrdcached *client, const char *format, ...)
{
	char reason[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	rrdcached_disconnect(client);
	snprintf(client->message, client->size,
	    "rrdcached at %s %s: is it running, and does this user have access?", client->address,
	    reason);
	return GRAPPE_ETIMEOUT;
}

static void begin(struct rrdcached *client, char *message, size_t size)
{
	client->message = message;
	client->size = size;
	client->deadline_ns = elapsed_ns() + client->timeout_ms * CLOCK_MILLISECOND_NS;
}

/* Waits for the socket; what: POLLIN or POLLOUT. */
static int await(struct rrdcached *client, short what)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = client->fd, .events = what};
		const int64_t left_ns = client->deadline_ns - elapsed_ns();
		int n;

		if (left_ns <= 0)
			return give_up(client, "does not answer within %lld s",
			    (long long)(client->timeout_ms / 1000));
		n = poll(&poll_fd, 1, (int)(left_ns / CLOCK_MILLISECOND_NS) + 1);
		if (n > 0)
			return GRAPPE_OK;
		if (n < 0 && errno != EINTR)
			return give_up(client, "cannot be waited for (%s)", strerror(errno));
	}
}

static int connect_to(struct rrdcached *client, const struct sockaddr *address, socklen_t length)
{
	int error = 0;
	socklen_t size = sizeof error;

	client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->fd < 0)
		return give_up(client, "needs a socket (%s)", strerror(errno));
	if (connect(client->fd, address, length) == 0)
		return GRAPPE_OK;
	if (errno != EINPROGRESS && errno != EAGAIN)
		return give_up(client, "cannot be reached (%s)", strerror(errno));
	if (errno == EAGAIN) /* a UNIX socket whose queue of connections is full */
		return give_up(client, "takes no connections");
	if (await(client, POLLOUT) != GRAPPE_OK)
		return GRAPPE_ETIMEOUT;
	if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
		return give_up(client, "cannot be reached (%s)", strerror(error));
	return GRAPPE_OK;
}

static int connect_unix(struct rrdcached *client, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%.*s",
	    (int)sizeof address.sun_path - 1, path);
	return connect_to(client, (const struct sockaddr *)&address, sizeof address);
}

static int connect_host(struct rrdcached *client)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char host[ADDRESS_MAX], port[ADDRESS_MAX];
	struct addrinfo *found;
	int rc = split_address(client->address, host, port);

	if (rc != GRAPPE_OK)
		return give_up(client, "has no address that can be used");
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		return give_up(client, "is not found (%s)", gai_strerror(rc));
	for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		rc = connect_to(client, a->ai_addr, a->ai_addrlen);
		if (rc == GRAPPE_OK)
			break;
	}
	freeaddrinfo(found);
	return rc;
}

int rrdcached_connect(struct rrdcached *client, char *message, size_t size)
{
	const char *path = unix_path(client->address);

	if (client->fd >= 0)
		return GRAPPE_OK;
	begin(client, message, size);
	return path != NULL ? connect_unix(client, path) : connect_host(client);
}

/* ---- bytes ---- */

static int write_all(struct rrdcached *client, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length > 0) {
		const ssize_t n = send(client->fd, at, length, MSG_NOSIGNAL);

		if (n > 0) {
			at += n;
			length -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (await(client, POLLOUT) != GRAPPE_OK)
				return GRAPPE_ETIMEOUT;
		} else if (n == 0 || errno != EINTR) {
			return give_up(client, "closed the connection (%s)", strerror(errno));
		}
	}
	return GRAPPE_OK;
}

static int fill(struct rrdcached *client)
{
	ssize_t n;

	if (client->begin > 0) {
		memmove(client->in, client->in + client->begin, client->end - client->begin);
		client->end -= client->begin;
		client->begin = 0;
	}
	if (client->end == sizeof client->in)
		return give_up(client, "sends lines without end");
	for (;;) {
		n = recv(client->fd, client->in + client->end, sizeof client->in - client->end, 0);
		if (n > 0) {
			client->end += (size_t)n;
			return GRAPPE_OK;
		}
		if (n == 0)
			return give_up(client, "closed the connection");
		if (errno == EAGAIN && await(client, POLLIN) != GRAPPE_OK)
			return GRAPPE_ETIMEOUT;
		if (errno != EAGAIN && errno != EINTR)
			return give_up(client, "cannot be read from (%s)", strerror(errno));
	}
}

/* A line; it stays until the next one is read. */
static int read_text(struct rrdcached *client, char **line)
{
	char *newline;
	size_t searched = 0;

	for (;;) {
		*line = client->in + client->begin;
		newline = memchr(*line + searched, '\n', client->end - client->begin - searched);
		if (newline != NULL)
			break;
		searched = client->end - client->begin;
		if (fill(client) != GRAPPE_OK)
			return GRAPPE_ETIMEOUT;
	}
	*newline = '\0';
	client->begin = (size_t)(newline + 1 - client->in);
	for (char *c = *line; c < newline; c++)
		if ((unsigned char)*c < ' ') /* goes into messages */
			*c = '?';
	return GRAPPE_OK;
}

/* A line "NUMBER TEXT". */
static int read_line(struct rrdcached *client, long *number, const char **text)
{
	char *line, *rest;

	if (read_text(client, &line) != GRAPPE_OK)
		return GRAPPE_ETIMEOUT;
	errno = 0;
	*number = strtol(line, &rest, 10);
	if (rest == line || errno != 0 || (*rest != ' ' && *rest != '\0'))
		return give_up(client, "sends what is not its protocol ('%.60s')", line);
	*text = *rest == ' ' ? rest + 1 : rest;
	return GRAPPE_OK;
}

/* Only rrdcached_connect() connects: the caller must know that it may be another process. */
static int begin_exchange(struct rrdcached *client, char *message, size_t size)
{
	begin(client, message, size);
	return client->fd >= 0 ? GRAPPE_OK : give_up(client, "is not connected");
}

/* ---- batches ---- */

/* The words of a command are separated by blanks; a backslash takes the next byte as it is. */
static void put_path(struct buffer *buffer, const char *path)
{
	for (; *path != '\0'; path++) {
		if (*path == ' ' || *path == '\\')
			buffer_put(buffer, "\\", 1);
		buffer_put(buffer, path, 1);
	}
}

static int new_line(struct rrdcached *client, uint32_t tag, const char *command, const char *path)
{
	const size_t capacity = client->capacity > 0 ? 2 * client->capacity : 256;
	uint32_t *bigger;

	if (client->lines == client->capacity) {
		bigger = reallocarray(client->tags, capacity, sizeof *bigger);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		client->tags = bigger;
		client->capacity = capacity;
	}
	client->tags[client->lines++] = tag;
	if (client->out.length == 0)
		buffer_put(&client->out, "BATCH\n", 6);
	buffer_put(&client->out, command, strlen(command));
	put_path(&client->out, path);
	return GRAPPE_OK;
}

int rrdcached_add(struct rrdcached *client, uint32_t tag, const char *path,
    const struct rrdfile_point *points, size_t count)
{
	char text[RRDFILE_POINT_TEXT];
	size_t line = 0;
	bool open = false;
	int rc = GRAPPE_OK;

	for (size_t i = 0; i < count && rc == GRAPPE_OK; i++) {
		const size_t length = rrdfile_format_point(&points[i], text);

		if (open && client->out.length - line + length + 2 > LINE_MAX_OUT) {
			buffer_put(&client->out, "\n", 1);
			open = false;
		}
		if (!open) {
			line = client->out.length;
			rc = new_line(client, tag, "UPDATE ", path);
			open = true;
		}
		buffer_put(&client->out, " ", 1);
		buffer_put(&client->out, text, length);
	}
	buffer_put(&client->out, "\n", 1);
	return rc == GRAPPE_OK ? client->out.error : rc;
}

int rrdcached_add_forget(struct rrdcached *client, uint32_t tag, const char *path)
{
	const int rc = new_line(client, tag, "FORGET ", path);

	buffer_put(&client->out, "\n", 1);
	return rc == GRAPPE_OK ? client->out.error : rc;
}

static enum rrdcached_refusal kind_of(const char *reason)
{
	if (strncmp(reason, "illegal attempt to update", 25) == 0)
		return RRDCACHED_STORED;
	return strncmp(reason, "No such file", 12) == 0 ? RRDCACHED_MISSING : RRDCACHED_OTHER;
}

/* After "BATCH", the lines and the dot: "0 Go ahead …", "N errors", and N lines "LINE REASON". */
static int read_refusals(struct rrdcached *client, rrdcached_refused *refused, void *context)
{
	const char *text;
	long number, errors;

	if (read_line(client, &number, &text) != GRAPPE_OK)
		return GRAPPE_ETIMEOUT;
	if (number != 0)
		return give_up(client, "takes no updates ('%.60s')", text);
	if (read_line(client, &errors, &text) != GRAPPE_OK)
		return GRAPPE_ETIMEOUT;
	if (errors < 0 || (size_t)errors > client->lines)
		return give_up(client, "tells %ld errors in %zu updates", errors, client->lines);
	while (errors-- > 0) {
		if (read_line(client, &number, &text) != GRAPPE_OK)
			return GRAPPE_ETIMEOUT;
		if (number < 1 || (size_t)number > client->lines)
			return give_up(client, "refuses an update that was not sent");
		refused(context, client->tags[number - 1], kind_of(text), text);
	}
	return GRAPPE_OK;
}

int rrdcached_send(
    struct rrdcached *client, rrdcached_refused *refused, void *context, char *message, size_t size)
{
	int rc = GRAPPE_OK;

	if (client->lines > 0) {
		buffer_put(&client->out, ".\n", 2);
		rc = begin_exchange(client, message, size);
		if (rc == GRAPPE_OK && client->out.error != GRAPPE_OK)
			rc = give_up(client, "is not asked: no memory");
		if (rc == GRAPPE_OK)
			rc = write_all(client, client->out.bytes, client->out.length);
		if (rc == GRAPPE_OK)
			rc = read_refusals(client, refused, context);
	}
	client->lines = 0;
	client->out.length = 0;
	client->out.error = GRAPPE_OK;
	return rc;
}

/* ---- single commands ---- */

/* Sends a command; *number and *text of the first line of the answer. */
static int ask(struct rrdcached *client, const char *command, const char *path, long *number,
    const char **text)
{
	struct buffer line;
	int rc;

	buffer_init(&line);
	buffer_put(&line, command, strlen(command));
	if (path != NULL) {
		buffer_put(&line, " ", 1);
		put_path(&line, path);
	}
	buffer_put(&line, "\n", 1);
	rc = line.error == GRAPPE_OK ? write_all(client, line.bytes, line.length)
				     : give_up(client, "is not asked: no memory");
	buffer_deinit(&line);
	return rc == GRAPPE_OK ? read_line(client, number, text) : rc;
}

/* How many files wait to be written: "QueueLength: N" among the statistics. */
static int queue_length(struct rrdcached *client, unsigned long long *length)
{
	static const char name[] = "QueueLength: ";
	const char *text;
	char *line;
	long lines;

	*length = 0;
	if (ask(client, "STATS", NULL, &lines, &text) != GRAPPE_OK)
		return GRAPPE_ETIMEOUT;
	if (lines < 1 || lines > LINES_MAX)
		return give_up(client, "tells no statistics ('%.60s')", text);
	while (lines-- > 0) {
		if (read_text(client, &line) != GRAPPE_OK)
			return GRAPPE_ETIMEOUT;
		if (strncmp(line, name, strlen(name)) == 0)
			*length = strtoull(line + strlen(name), NULL, 10);
	}
	return GRAPPE_OK;
}

int rrdcached_flush_all(struct rrdcached *client, char *message, size_t size)
{
	const struct timespec nap = {.tv_nsec = QUEUE_NAP_NS};
	unsigned long long length = 0, before = ULLONG_MAX;
	int64_t progress_ns = elapsed_ns();
	const char *text;
	long number;
	int rc = begin_exchange(client, message, size);

	if (rc == GRAPPE_OK)
		rc = ask(client, "FLUSHALL", NULL, &number, &text);
	if (rc == GRAPPE_OK && number < 0)
		return give_up(client, "does not write ('%.60s')", text);
	while (rc == GRAPPE_OK) {
		begin(client, message, size);
		rc = queue_length(client, &length);
		if (rc != GRAPPE_OK || length == 0)
			return rc;
		if (length < before) {
			before = length;
			progress_ns = elapsed_ns();
		} else if (elapsed_ns() - progress_ns > QUEUE_PATIENCE_NS) {
			return give_up(client, "does not get its files written");
		}
		nanosleep(&nap, NULL);
	}
	return rc;
}

static int ask_about(
    struct rrdcached *client, const char *command, const char *path, char *message, size_t size)
{
	const char *text;
	long number;
	int rc = begin_exchange(client, message, size);

	if (rc == GRAPPE_OK)
		rc = ask(client, command, path, &number, &text);
	if (rc == GRAPPE_OK && number > 0) /* lines that nobody asked for would follow */
		rc = give_up(client, "answers %s with a list", command);
	return rc;
}

int rrdcached_flush(struct rrdcached *client, const char *path, char *message, size_t size)
{
	return ask_about(client, "FLUSH", path, message, size);
}

int rrdcached_forget(struct rrdcached *client, const char *path, char *message, size_t size)
{
	return ask_about(client, "FORGET", path, message, size);
}
