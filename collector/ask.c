/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/ask.h"

#include "common/error.h"
#include "common/protocol.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

struct ask {
	struct event_base *base;
	const char *path;
	struct timeval timeout;
	ask_done *done;
	void *context;
	struct event *expiry;
	struct bufferevent *connection; /* NULL: no question is out */
	struct protocol_stream *stream; /* of the answer */
	struct protocol_sink sink;
	struct told *told; /* of an answer that has not ended yet; NULL: none to use */
	char why[300];     /* there is none */
};

/* The question is no longer out; what was told goes to done() or is freed. */
static void forget(struct ask *ask)
{
	if (ask->connection != NULL)
		bufferevent_free(ask->connection);
	ask->connection = NULL;
	protocol_stream_free(ask->stream);
	ask->stream = NULL;
	event_del(ask->expiry);
}

static void finish(struct ask *ask)
{
	struct told *told = ask->told;

	ask->told = NULL;
	forget(ask);
	ask->done(ask->context, told, told != NULL ? "" : ask->why);
}

/* finish_why - without an answer that can be used. */
static void finish_why(struct ask *ask, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void finish_why(struct ask *ask, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ask->why, sizeof ask->why, format, arguments);
	va_end(arguments);
	told_free(ask->told);
	ask->told = NULL;
	finish(ask);
}

/* ---- the answer ---- */

static int take_header(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct ask *ask = context;
	int rc;

	(void)ncolumns;
	if (answer->status != STATUS_OK) {
		snprintf(ask->why, sizeof ask->why, "the collector refuses: %s", answer->error);
		return GRAPPE_OK;
	}
	rc = told_parse(answer->data, &ask->told);
	if (rc != GRAPPE_EFORMAT)
		return rc;
	snprintf(ask->why, sizeof ask->why, "what answers is not grappe-collector");
	return GRAPPE_OK;
}

/* A status has none. */
static int refuse_row(void *context, const char *const *fields)
{
	(void)context;
	(void)fields;
	return GRAPPE_EFORMAT;
}

/* What has come since. Returns as protocol_stream_take(). */
static int take_bytes(struct ask *ask)
{
	int rc = GRAPPE_OK;

	while (rc == GRAPPE_OK) {
		size_t size;
		char *room = protocol_stream_room(ask->stream, &size);

		if (room == NULL)
			return GRAPPE_EMEMORY;
		size = bufferevent_read(ask->connection, room, size);
		if (size == 0)
			break;
		rc = protocol_stream_take(ask->stream, size);
	}
	return rc;
}

static void on_read(struct bufferevent *connection, void *context)
{
	struct ask *ask = context;
	const int rc = take_bytes(ask);

	(void)connection;
	if (rc == PROTOCOL_STREAM_ENDED)
		finish(ask);
	else if (rc != GRAPPE_OK)
		finish_why(ask, "the answer of the collector cannot be read: %s", error_text(rc));
}

/* ---- the connection ---- */

static void on_event(struct bufferevent *connection, short what, void *context)
{
	const int error = errno;
	struct ask *ask = context;

	(void)connection;
	if (what & BEV_EVENT_CONNECTED)
		return;
	if (what & BEV_EVENT_EOF)
		finish_why(ask, "the collector closed the connection at %s", ask->path);
	else
		finish_why(ask, "no collector answers at %s: %s", ask->path, strerror(error));
}

static void on_expiry(evutil_socket_t fd, short what, void *context)
{
	struct ask *ask = context;

	(void)fd;
	(void)what;
	finish_why(ask, "the collector at %s does not answer in time", ask->path);
}

static void connect_to(struct ask *ask, const char *request)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (snprintf(address.sun_path, sizeof address.sun_path, "%s", ask->path) >=
	    (int)sizeof address.sun_path) {
		finish_why(ask, "the path of the collector's socket is too long: %s", ask->path);
		return;
	}
	bufferevent_setcb(ask->connection, on_read, NULL, on_event, ask);
	bufferevent_write(ask->connection, request, strlen(request));
	bufferevent_enable(ask->connection, EV_READ | EV_WRITE);
	/* A failure is told to on_event(), or only here: then the question is still out. */
	if (bufferevent_socket_connect(
		ask->connection, (const struct sockaddr *)&address, sizeof address) != 0 &&
	    ask->connection != NULL)
		finish_why(ask, "no collector answers at %s: %s", ask->path, strerror(errno));
}

void ask_begin(struct ask *ask)
{
	const struct protocol_request request = {.op = OP_STATUS};
	char *line;

	if (ask->connection != NULL)
		return;
	line = protocol_request_format(&request);
	ask->connection = bufferevent_socket_new(ask->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (line == NULL || ask->connection == NULL ||
	    protocol_stream_new(&ask->sink, &ask->stream) != GRAPPE_OK ||
	    event_add(ask->expiry, &ask->timeout) != 0)
		finish_why(ask, "%s", error_text(GRAPPE_EMEMORY));
	else
		connect_to(ask, line);
	free(line);
}

/* ---- life ---- */

struct ask *ask_new(
    struct event_base *base, const char *path, int64_t timeout_ms, ask_done *done, void *context)
{
	struct ask *ask = calloc(1, sizeof *ask);

	if (ask == NULL)
		return NULL;
	*ask = (struct ask){.base = base,
	    .path = path,
	    .timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000},
	    .done = done,
	    .context = context,
	    .sink = {take_header, refuse_row, ask}};
	ask->expiry = evtimer_new(base, on_expiry, ask);
	if (ask->expiry == NULL) {
		free(ask);
		return NULL;
	}
	return ask;
}

void ask_free(struct ask *ask)
{
	if (ask == NULL)
		return;
	forget(ask);
	told_free(ask->told);
	event_free(ask->expiry);
	free(ask);
}
