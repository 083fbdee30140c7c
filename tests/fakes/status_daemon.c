/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A daemon that only has a status: the JSON object in a file, read anew for each request.
 *
 *     status_daemon SOCKET FILE     answers every request with the file as `data`; without the
 *                                   file with an error
 *     status_daemon SOCKET silent   takes requests and never answers
 *     status_daemon SOCKET garbage  answers with bytes that are no answer and hangs up
 *     status_daemon SOCKET endless  answers with a line without end
 *
 * Says READY on standard error when it serves and ends on SIGTERM.
 */
#include "common/error.h"
#include "common/protocol.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void on_request(
    struct protocol_exchange *exchange, const struct protocol_request *request, void *context)
{
	const char *file = context;
	struct protocol_answer answer = {.status = STATUS_OK, .exact = true};
	json_t *data;

	(void)request;
	if (strcmp(file, "silent") == 0)
		return;
	data = json_load_file(file, 0, NULL);
	if (data == NULL) {
		protocol_answer_error(exchange, "no %s", file);
		return;
	}
	answer.data = data;
	protocol_answer_begin(exchange, &answer);
	protocol_answer_end(exchange);
	json_decref(data);
}

static void send_more(struct bufferevent *connection, void *context)
{
	(void)context;
	for (int i = 0; i < 4096; i++)
		bufferevent_write(connection, "xxxxxxxxxxxxxxxx", 16);
}

static void close_connection(struct bufferevent *connection, void *context)
{
	(void)context;
	bufferevent_free(connection);
}

static void on_event(struct bufferevent *connection, short what, void *context)
{
	(void)what;
	(void)context;
	bufferevent_free(connection);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *context)
{
	static const char garbage[] = "\x80\xff{\"status\":[1\n\n\t.end -1\n";
	struct bufferevent *connection =
	    bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
	const bool endless = strcmp(context, "endless") == 0;

	(void)address;
	(void)length;
	bufferevent_setcb(connection, NULL, endless ? send_more : close_connection, on_event, NULL);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
	if (endless)
		send_more(connection, NULL);
	else
		bufferevent_write(connection, garbage, sizeof garbage - 1);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	(void)number;
	(void)what;
	event_base_loopbreak(context);
}

/* Returns true when it serves. */
static bool serve(struct event_base *base, const char *path, const char *what,
    struct protocol_server **server, struct evconnlistener **listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strcmp(what, "garbage") != 0 && strcmp(what, "endless") != 0)
		return protocol_server_new(
			   base, path, 0600, 16, on_request, (void *)what, server) == GRAPPE_OK;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	unlink(path);
	*listener = evconnlistener_new_bind(base, on_connection, (void *)what,
	    LEV_OPT_CLOSE_ON_FREE, 16, (struct sockaddr *)&address, sizeof address);
	return *listener != NULL;
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct event *end = evsignal_new(base, SIGTERM, on_signal, base);
	struct protocol_server *server = NULL;
	struct evconnlistener *listener = NULL;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 3 || event_add(end, NULL) != 0 ||
	    !serve(base, argv[1], argv[2], &server, &listener)) {
		fprintf(stderr, "status_daemon SOCKET FILE|silent|garbage|endless: %s\n",
		    strerror(errno));
		return 1;
	}
	fputs("READY\n", stderr);
	event_base_dispatch(base);
	protocol_server_free(server);
	if (listener != NULL)
		evconnlistener_free(listener);
	event_free(end);
	event_base_free(base);
	return 0;
}
