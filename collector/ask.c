/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/ask.h"

#include "common/error.h"
#include "common/protocol.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* A status has no rows. Its JSON holds no newline of its own, so nothing else ends like this. */
static const char trailer[] = "\n.end 0\n";
#define ANSWER_MAX (PROTOCOL_HEADER_MAX + sizeof trailer)

struct ask {
	struct event_base *base;
	const char *path;
	struct timeval timeout;
	ask_done *done;
	void *context;
	struct event *expiry;
	struct bufferevent *connection; /* NULL: no question is out */
};

static void finish(struct ask *ask, struct told *told, const char *why)
{
	bufferevent_free(ask->connection);
	ask->connection = NULL;
	event_del(ask->expiry);
	ask->done(ask->context, told, why);
}

/* ---- the answer ---- */

static void take_reply(struct ask *ask, const struct protocol_reply *reply)
{
	struct told *told = NULL;
	char why[300];
	int rc;

	if (reply->answer.status != STATUS_OK) {
		snprintf(why, sizeof why, "the collector refuses: %s", reply->answer.error);
		finish(ask, NULL, why);
		return;
	}
	rc = told_parse(reply->answer.data, &told);
	if (rc == GRAPPE_EFORMAT)
		finish(ask, NULL, "what answers is not grappe-collector");
	else
		finish(ask, told, rc != GRAPPE_OK ? error_text(rc) : "");
}

static void take_answer(struct ask *ask, struct evbuffer *input)
{
	const size_t length = evbuffer_get_length(input);
	const unsigned char *bytes = evbuffer_pullup(input, -1);
	struct protocol_reply reply = {0};
	char why[200];
	int rc = GRAPPE_EMEMORY;

	if (bytes != NULL)
		rc = protocol_reply_parse((const char *)bytes, length, &reply);
	if (rc == GRAPPE_OK) {
		take_reply(ask, &reply);
	} else {
		snprintf(why, sizeof why, "the answer of the collector cannot be read: %s",
		    error_text(rc));
		finish(ask, NULL, why);
	}
	protocol_reply_deinit(&reply);
}

static bool is_whole(struct evbuffer *input)
{
	const size_t tail = sizeof trailer - 1, length = evbuffer_get_length(input);
	struct evbuffer_ptr at;
	char end[sizeof trailer];

	if (length < tail || evbuffer_ptr_set(input, &at, length - tail, EVBUFFER_PTR_SET) != 0)
		return false;
	return evbuffer_copyout_from(input, &at, end, tail) == (ssize_t)tail &&
	       memcmp(end, trailer, tail) == 0;
}

static void on_read(struct bufferevent *connection, void *context)
{
	struct evbuffer *input = bufferevent_get_input(connection);
	struct ask *ask = context;

	if (is_whole(input))
		take_answer(ask, input);
	else if (evbuffer_get_length(input) > ANSWER_MAX)
		finish(ask, NULL, "the answer of the collector has no end");
}

/* ---- the connection ---- */

static void on_event(struct bufferevent *connection, short what, void *context)
{
	const int error = errno;
	struct ask *ask = context;
	char why[300];

	(void)connection;
	if (what & BEV_EVENT_CONNECTED)
		return;
	if (what & BEV_EVENT_EOF)
		snprintf(why, sizeof why, "the collector closed the connection at %s", ask->path);
	else
		snprintf(
		    why, sizeof why, "no collector answers at %s: %s", ask->path, strerror(error));
	finish(ask, NULL, why);
}

static void on_expiry(evutil_socket_t fd, short what, void *context)
{
	struct ask *ask = context;
	char why[300];

	(void)fd;
	(void)what;
	snprintf(why, sizeof why, "the collector at %s does not answer in time", ask->path);
	finish(ask, NULL, why);
}

static bool connect_to(struct ask *ask, const char *request)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	ask->connection = bufferevent_socket_new(ask->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (ask->connection == NULL)
		return false;
	bufferevent_setcb(ask->connection, on_read, NULL, on_event, ask);
	/* More is not read than an answer may have. */
	bufferevent_setwatermark(ask->connection, EV_READ, 0, ANSWER_MAX + 1);
	if (snprintf(address.sun_path, sizeof address.sun_path, "%s", ask->path) >=
	    (int)sizeof address.sun_path) {
		finish(ask, NULL, "the path of the collector's socket is too long");
		return true;
	}
	event_add(ask->expiry, &ask->timeout);
	bufferevent_write(ask->connection, request, strlen(request));
	bufferevent_enable(ask->connection, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(
		ask->connection, (const struct sockaddr *)&address, sizeof address) != 0 &&
	    ask->connection != NULL)
		on_event(ask->connection, BEV_EVENT_ERROR, ask);
	return true;
}

void ask_begin(struct ask *ask)
{
	const struct protocol_request request = {.op = OP_STATUS};
	char *line;

	if (ask->connection != NULL)
		return;
	line = protocol_request_format(&request);
	if (line == NULL || !connect_to(ask, line))
		ask->done(ask->context, NULL, error_text(GRAPPE_EMEMORY));
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
	    .context = context};
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
	if (ask->connection != NULL)
		bufferevent_free(ask->connection);
	event_free(ask->expiry);
	free(ask);
}
