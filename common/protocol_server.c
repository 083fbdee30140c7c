/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/protocol.h"

#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64
#define AHEAD_MAX                                                                                  \
	(16 * PROTOCOL_REQUEST_MAX) /* bytes a client may send before it reads answers             \
				     */
#define OUTPUT_LOW (256u << 10)     /* unsent bytes below which the next request is looked at */
#define OUTPUT_HIGH (1u << 20)      /* unsent bytes at which an answer in pieces pauses */

/* One client. It is freed only from the loop's own callbacks, never inside an answer. */
struct connection {
	struct connection *next, **link;
	struct protocol_server *server;
	struct bufferevent *stream;
	struct event *idle;                 /* no whole request for too long */
	struct event *resume;               /* looks at further requests, or ends the connection */
	struct protocol_exchange *exchange; /* the one waiting for its answer, or NULL */
	size_t unsent;                      /* its share of server->unsent */
	bool handling;                      /* inside the handler */
	bool refused;                       /* no further request is looked at */
	bool finished;                      /* the client will send nothing more */
	bool broken;                        /* ends at once */
};

struct protocol_server {
	struct event_base *base; /* not owned */
	struct evconnlistener *listener;
	struct connection *connections;
	unsigned count, clients_max;
	int idle_ms;
	size_t unsent; /* bytes of answers in all connections */
	protocol_handler *handler;
	void *context;
	struct event *retry; /* accepts again after a failure */
	struct log_complaint crowded, overflowing, refusing;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

struct protocol_exchange {
	struct connection *connection; /* NULL: the client left */
	void (*gone)(struct protocol_exchange *exchange, void *context);
	void *gone_context;
	void (*room)(struct protocol_exchange *exchange, void *context); /* NULL: all at once */
	void *room_context;
	bool begun;
	size_t ncolumns, nrows;
};

/* ---- a connection's life ---- */

static void set_idle_timer(struct connection *connection)
{
	const int ms = connection->server->idle_ms;
	const struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(connection->idle, &after);
}

static void resume_soon(struct connection *connection)
{
	event_active(connection->resume, EV_TIMEOUT, 0);
}

static void count_unsent(struct connection *connection)
{
	const size_t unsent = evbuffer_get_length(bufferevent_get_output(connection->stream));

	connection->server->unsent += unsent - connection->unsent;
	connection->unsent = unsent;
}

/* The exchange ends without an answer. */
static void abandon(struct protocol_exchange *exchange)
{
	exchange->connection = NULL;
	if (exchange->gone == NULL)
		return; /* freed by protocol_answer_end() */
	exchange->gone(exchange, exchange->gone_context);
	free(exchange);
}

static void connection_free(struct connection *connection)
{
	struct protocol_server *server = connection->server;
	struct protocol_exchange *exchange = connection->exchange;

	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	server->count--;
	server->unsent -= connection->unsent;
	if (connection->idle != NULL)
		event_free(connection->idle);
	if (connection->resume != NULL)
		event_free(connection->resume);
	if (connection->stream != NULL)
		bufferevent_free(connection->stream);
	free(connection);
	if (exchange != NULL)
		abandon(exchange);
}

/* The answer in hand cannot be finished: the client must not take it for whole. */
static void break_off(struct connection *connection)
{
	connection->broken = true;
	resume_soon(connection);
}

/* ---- requests ---- */

static void say(struct connection *connection, const char *text)
{
	struct protocol_exchange exchange = {.connection = connection};
	struct protocol_answer answer = {.status = STATUS_ERROR};

	snprintf(answer.error, sizeof answer.error, "%s", text);
	protocol_answer_begin(&exchange, &answer);
	evbuffer_add_printf(bufferevent_get_output(connection->stream), ".end 0\n");
	count_unsent(connection);
}

static void take_request(struct connection *connection, const char *line, size_t length)
{
	struct protocol_server *server = connection->server;
	struct protocol_request request;
	struct protocol_exchange *exchange;
	char message[200];

	evtimer_del(connection->idle);
	if (protocol_request_parse(line, length, &request, message, sizeof message) != GRAPPE_OK) {
		say(connection, message);
		set_idle_timer(connection);
		return;
	}
	exchange = calloc(1, sizeof *exchange);
	if (exchange == NULL) {
		break_off(connection);
		return;
	}
	exchange->connection = connection;
	connection->exchange = exchange;
	connection->handling = true;
	server->handler(exchange, &request, server->context);
	connection->handling = false;
}

static bool may_take_request(const struct connection *connection)
{
	return connection->exchange == NULL && !connection->handling && !connection->broken &&
	       !connection->refused && connection->unsent < OUTPUT_LOW;
}

static void take_requests(struct connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->stream);

	while (may_take_request(connection)) {
		size_t length;
		char *line = evbuffer_readln(input, &length, EVBUFFER_EOL_LF);

		if (line == NULL)
			break;
		take_request(connection, line, length);
		free(line);
	}
	if (may_take_request(connection) && evbuffer_get_length(input) > PROTOCOL_REQUEST_MAX) {
		say(connection, "a request line has at most 4096 bytes");
		connection->refused = true;
	} else if (evbuffer_get_length(input) > AHEAD_MAX) {
		connection->broken = true;
	}
}

/* ---- callbacks of the loop ---- */

/* An answer in pieces goes on when most of what was given is sent. */
static void give_room(struct connection *connection)
{
	struct protocol_exchange *exchange = connection->exchange;

	count_unsent(connection);
	if (exchange != NULL && exchange->room != NULL && !connection->broken &&
	    connection->unsent < OUTPUT_LOW)
		exchange->room(exchange, exchange->room_context);
}

/* What every callback does at its end; the connection may be gone afterwards. */
static void settle(struct connection *connection)
{
	give_room(connection);
	take_requests(connection);
	count_unsent(connection);
	/* Who said its last word waits for nothing but an answer that has begun. */
	if (connection->finished && connection->exchange != NULL && !connection->exchange->begun)
		connection->broken = true;
	if (connection->broken ||
	    ((connection->finished || connection->refused) && connection->unsent == 0))
		connection_free(connection);
}

static void on_readable(struct bufferevent *stream, void *context)
{
	(void)stream;
	settle(context);
}

static void on_written(struct bufferevent *stream, void *context)
{
	(void)stream;
	settle(context);
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	settle(context);
}

static void on_idle(evutil_socket_t fd, short what, void *context)
{
	struct connection *connection = context;

	(void)fd;
	(void)what;
	if (connection->unsent > 0)
		set_idle_timer(
		    connection); /* still reading; one that is not meets the write time-out */
	else
		connection->broken = true;
	settle(connection);
}

/* A client that shut down its sending half may still read: requests it sent before are
 * answered, but one that waits for data is taken for gone. */
static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct connection *connection = context;

	(void)stream;
	if (what & BEV_EVENT_EOF)
		connection->finished = true;
	else
		connection->broken = true;
	settle(connection);
}

static struct connection *connection_new(struct protocol_server *server, evutil_socket_t fd)
{
	struct connection *connection = calloc(1, sizeof *connection);

	if (connection == NULL) {
		evutil_closesocket(fd);
		return NULL;
	}
	connection->server = server;
	connection->next = server->connections;
	connection->link = &server->connections;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	server->connections = connection;
	server->count++;
	connection->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	connection->idle = evtimer_new(server->base, on_idle, connection);
	connection->resume = evtimer_new(server->base, on_resume, connection);
	if (connection->stream == NULL || connection->idle == NULL || connection->resume == NULL) {
		if (connection->stream == NULL)
			evutil_closesocket(fd);
		connection_free(connection);
		return NULL;
	}
	return connection;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
    int length, void *context)
{
	static const char crowded[] =
	    "{\"status\":\"error\",\"error\":\"too many clients\"}\n.end 0\n";
	const struct timeval unread = {.tv_sec = PROTOCOL_IDLE_MS / 1000};
	struct protocol_server *server = context;
	struct connection *connection;

	(void)listener;
	(void)address;
	(void)length;
	if (server->count >= server->clients_max) {
		log_complain(&server->crowded, "%s: more than %u clients at once", server->path,
		    server->clients_max);
		(void)!send(fd, crowded, sizeof crowded - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		evutil_closesocket(fd);
		return;
	}
	log_recovered(&server->refusing, "%s: accepts clients again", server->path);
	log_recovered(&server->crowded, "%s: room for clients again", server->path);
	connection = connection_new(server, fd);
	if (connection == NULL)
		return;
	bufferevent_setcb(connection->stream, on_readable, on_written, on_event, connection);
	bufferevent_setwatermark(connection->stream, EV_WRITE, OUTPUT_LOW - 1, 0);
	bufferevent_set_timeouts(connection->stream, NULL, &unread);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	set_idle_timer(connection);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct protocol_server *server = context;

	(void)fd;
	(void)what;
	evconnlistener_enable(server->listener);
}

/* Out of descriptors, say: accepting at once again would only burn time. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
	static const struct timeval pause = {.tv_sec = 1};
	struct protocol_server *server = context;

	log_complain(&server->refusing, "%s: cannot accept a client: %s", server->path,
	    evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	evconnlistener_disable(listener);
	evtimer_add(server->retry, &pause);
}

/* ---- the listening socket ---- */

/* Makes way for bind(2): removes a socket that nobody serves. */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat status;
	int fd, rc, saved;

	if (lstat(address->sun_path, &status) != 0)
		return errno == ENOENT ? GRAPPE_OK : GRAPPE_EIO;
	if (!S_ISSOCK(status.st_mode))
		return GRAPPE_EEXISTS;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return GRAPPE_EIO;
	rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
	saved = errno;
	close(fd);
	if (rc == 0 || saved == EAGAIN)
		return GRAPPE_EEXISTS;
	errno = saved;
	if (saved != ECONNREFUSED || unlink(address->sun_path) != 0)
		return GRAPPE_EIO;
	return GRAPPE_OK;
}

static int listen_at(const char *path, unsigned mode, int *out)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc, saved;

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return GRAPPE_EIO;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	rc = clear_path(&address);
	if (rc != GRAPPE_OK)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return GRAPPE_EIO;
	/* The first fchmod(2) keeps the socket from ever being more open than it should; the umask
	 * may take from it, so chmod(2) follows. */
	if (fchmod(fd, mode) == 0 &&
	    bind(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
		if (chmod(path, mode) == 0 && listen(fd, BACKLOG) == 0) {
			*out = fd;
			return GRAPPE_OK;
		}
		saved = errno;
		unlink(path);
		errno = saved;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return GRAPPE_EIO;
}

static struct protocol_server *server_new(struct event_base *base, const char *path, int fd)
{
	struct protocol_server *server = calloc(1, sizeof *server);

	if (server == NULL)
		return NULL;
	server->base = base;
	server->idle_ms = PROTOCOL_IDLE_MS;
	snprintf(server->path, sizeof server->path, "%s", path);
	server->retry = evtimer_new(base, on_retry, server);
	if (server->retry != NULL)
		server->listener = evconnlistener_new(
		    base, on_accept, server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (server->listener == NULL) {
		if (server->retry != NULL)
			event_free(server->retry);
		free(server);
		return NULL;
	}
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	return server;
}

int protocol_server_new(struct event_base *base, const char *path, unsigned mode,
    unsigned clients_max, protocol_handler *handler, void *context, struct protocol_server **out)
{
	int fd, rc;

	*out = NULL;
	signal(SIGPIPE, SIG_IGN);
	rc = listen_at(path, mode, &fd);
	if (rc != GRAPPE_OK)
		return rc;
	*out = server_new(base, path, fd);
	if (*out == NULL) {
		close(fd);
		unlink(path);
		return GRAPPE_EMEMORY;
	}
	(*out)->clients_max = clients_max;
	(*out)->handler = handler;
	(*out)->context = context;
	return GRAPPE_OK;
}

void protocol_server_set_idle(struct protocol_server *server, int milliseconds)
{
	server->idle_ms = milliseconds;
}

void protocol_server_free(struct protocol_server *server)
{
	if (server == NULL)
		return;
	while (server->connections != NULL)
		connection_free(server->connections);
	evconnlistener_free(server->listener);
	event_free(server->retry);
	unlink(server->path);
	free(server);
}

/* ---- answers ---- */

void protocol_on_gone(struct protocol_exchange *exchange,
    void (*gone)(struct protocol_exchange *exchange, void *context), void *context)
{
	exchange->gone = gone;
	exchange->gone_context = context;
}

void protocol_on_room(struct protocol_exchange *exchange,
    void (*room)(struct protocol_exchange *exchange, void *context), void *context)
{
	exchange->room = room;
	exchange->room_context = context;
	if (exchange->connection != NULL)
		resume_soon(exchange->connection);
}

bool protocol_answer_has_room(const struct protocol_exchange *exchange)
{
	const struct connection *connection = exchange->connection;

	return connection != NULL && !connection->broken &&
	       evbuffer_get_length(bufferevent_get_output(connection->stream)) < OUTPUT_HIGH;
}

/* json_string() refuses what is not UTF-8; an error must get through all the same. */
static json_t *text_or_substitute(const char *text)
{
	json_t *value = json_string(text);

	return value != NULL ? value : json_string("(a text that is not UTF-8)");
}

static json_t *describe_columns(const char *const *columns, size_t *count)
{
	json_t *names = json_array();

	for (*count = 0; columns[*count] != NULL; ++*count)
		json_array_append_new(names, json_string(columns[*count]));
	return names;
}

static json_t *describe_answer(const struct protocol_answer *answer, size_t *ncolumns)
{
	static const char *const names[] = {
	    [STATUS_OK] = "ok", [STATUS_LATER] = "later", [STATUS_ERROR] = "error"};
	json_t *header = json_pack("{s:s}", "status", names[answer->status]);

	*ncolumns = 0;
	if (answer->status != STATUS_OK)
		json_object_set_new(header, "error", text_or_substitute(answer->error));
	if (answer->status == STATUS_LATER)
		json_object_set_new(header, "retry_at", json_integer(answer->retry_at_s));
	if (answer->wanted > 0) {
		json_object_set_new(header, "exact", json_boolean(answer->exact));
		json_object_set_new(header, "approximate", json_boolean(answer->approximate));
		json_object_set_new(header, "periods",
		    json_pack("[I, I]", (json_int_t)answer->known, (json_int_t)answer->wanted));
		json_object_set_new(header, "from", json_integer(answer->from_s));
		json_object_set_new(header, "to", json_integer(answer->to_s));
		json_object_set_new(header, "length", json_integer(answer->length_s));
		json_object_set_new(header, "caveats", caveats_json(&answer->caveats));
	}
	if (answer->columns != NULL)
		json_object_set_new(header, "columns", describe_columns(answer->columns, ncolumns));
	if (answer->data != NULL)
		json_object_set(header, "data", answer->data);
	return header;
}

void protocol_answer_begin(struct protocol_exchange *exchange, const struct protocol_answer *answer)
{
	struct connection *connection = exchange->connection;
	json_t *header;
	char *text;

	exchange->begun = true;
	if (connection == NULL || connection->broken)
		return;
	header = describe_answer(answer, &exchange->ncolumns);
	text = json_dumps(header, JSON_COMPACT);
	json_decref(header);
	if (text == NULL || strlen(text) > PROTOCOL_HEADER_MAX || exchange->ncolumns == 1 ||
	    exchange->ncolumns > PROTOCOL_COLUMNS_MAX) {
		log_error("%s: an answer's first line breaks the protocol's limits",
		    connection->server->path);
		break_off(connection);
	} else {
		struct evbuffer *output = bufferevent_get_output(connection->stream);

		if (evbuffer_add(output, text, strlen(text)) != 0 ||
		    evbuffer_add(output, "\n", 1) != 0)
			break_off(connection);
	}
	free(text);
}

/* The row as one line; returns its length with the newline, or 0 when it is too long. */
static size_t format_row(const char *const *fields, size_t count, char line[PROTOCOL_ROW_MAX + 1])
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const char *field = fields[i] != NULL ? fields[i] : "-";

		for (; *field != '\0'; field++) {
			const unsigned char c = (unsigned char)*field;

			if (used >= PROTOCOL_ROW_MAX)
				return 0;
			line[used++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
		}
		if (used >= PROTOCOL_ROW_MAX)
			return 0;
		line[used++] = i + 1 < count ? '\t' : '\n';
	}
	return used;
}

void protocol_answer_row(struct protocol_exchange *exchange, const char *const *fields)
{
	struct connection *connection = exchange->connection;
	char line[PROTOCOL_ROW_MAX + 1];
	struct evbuffer *output;
	size_t length;

	if (connection == NULL || connection->broken)
		return;
	length = exchange->ncolumns > 0 ? format_row(fields, exchange->ncolumns, line) : 0;
	if (length == 0 || ++exchange->nrows > PROTOCOL_ROWS_MAX) {
		log_error("%s: a row of an answer breaks the protocol's limits",
		    connection->server->path);
		break_off(connection);
		return;
	}
	output = bufferevent_get_output(connection->stream);
	if (connection->server->unsent - connection->unsent + evbuffer_get_length(output) + length >
		PROTOCOL_UNSENT_MAX ||
	    evbuffer_add(output, line, length) != 0) {
		log_complain(&connection->server->overflowing,
		    "%s: answers of %u bytes wait for their readers; the last one is broken off",
		    connection->server->path, PROTOCOL_UNSENT_MAX);
		break_off(connection);
	}
}

void protocol_answer_end(struct protocol_exchange *exchange)
{
	struct connection *connection = exchange->connection;

	if (connection != NULL) {
		connection->exchange = NULL;
		if (!exchange->begun)
			connection->broken = true;
		if (!connection->broken)
			evbuffer_add_printf(bufferevent_get_output(connection->stream),
			    ".end %zu\n", exchange->nrows);
		count_unsent(connection);
		set_idle_timer(connection);
		if (!connection->handling)
			resume_soon(connection);
	}
	free(exchange);
}

void protocol_answer_error(struct protocol_exchange *exchange, const char *format, ...)
{
	struct protocol_answer answer = {.status = STATUS_ERROR};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(answer.error, sizeof answer.error, format, arguments);
	va_end(arguments);
	if (exchange->begun && exchange->connection != NULL)
		break_off(exchange->connection); /* what was begun must not look whole */
	protocol_answer_begin(exchange, &answer);
	protocol_answer_end(exchange);
}
