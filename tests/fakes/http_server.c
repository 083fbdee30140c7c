/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakes/http_server.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define SEEN_MAX 256
#define PLAY_MAX 128
#define HUGE_BYTES (4u << 20)

struct http_server {
	struct evhttp *http;
	struct evhttp_bound_socket *bound;
	int port;
	char url[128];
	struct http_seen seen[SEEN_MAX];
	size_t nseen;
	unsigned long flaky; /* requests to /flaky so far */
	const char *document, *etag;
	const struct http_recorded *recorded; /* NULL: paths say how it behaves */
	int used[PLAY_MAX];
	size_t unexpected;
};

static const char *method_name(struct evhttp_request *request)
{
	static const struct {
		enum evhttp_cmd_type command;
		const char *name;
	} names[] = {{EVHTTP_REQ_GET, "GET"}, {EVHTTP_REQ_POST, "POST"}, {EVHTTP_REQ_PUT, "PUT"},
	    {EVHTTP_REQ_DELETE, "DELETE"}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].command == evhttp_request_get_command(request))
			return names[i].name;
	abort();
}

static char *copy_headers(struct evhttp_request *request)
{
	struct evbuffer *text = evbuffer_new();
	const struct evkeyval *header;
	char *copy;
	size_t length;

	TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next)
	evbuffer_add_printf(text, "%s: %s\n", header->key, header->value);
	length = evbuffer_get_length(text);
	copy = calloc(1, length + 1);
	if (copy == NULL)
		abort();
	evbuffer_remove(text, copy, length);
	evbuffer_free(text);
	return copy;
}

static void copy_header(struct evhttp_request *request, const char *name, char *out, size_t size)
{
	const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), name);

	snprintf(out, size, "%s", value != NULL ? value : "");
}

static void remember(struct http_server *server, struct evhttp_request *request)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	const size_t length = evbuffer_get_length(body);
	struct http_seen *seen;

	if (server->nseen == SEEN_MAX)
		abort();
	seen = &server->seen[server->nseen++];
	snprintf(seen->method, sizeof seen->method, "%s", method_name(request));
	snprintf(seen->path, sizeof seen->path, "%s", evhttp_request_get_uri(request));
	copy_header(request, "Authorization", seen->authorization, sizeof seen->authorization);
	copy_header(request, "Content-Type", seen->content_type, sizeof seen->content_type);
	copy_header(
	    request, "Grappe-Recommendation", seen->recommendation, sizeof seen->recommendation);
	copy_header(request, "If-None-Match", seen->if_none_match, sizeof seen->if_none_match);
	seen->headers = copy_headers(request);
	seen->body = malloc(length + 1);
	if (seen->body == NULL)
		abort();
	evbuffer_copyout(body, seen->body, length);
	seen->body[length] = '\0';
}

static void answer_many(struct evhttp_request *request, int body_bytes, int headers)
{
	struct evbuffer *body = evbuffer_new();
	static char block[1024];

	memset(block, 'x', sizeof block - 1);
	for (int i = 0; i < headers; i++) {
		char name[32];

		snprintf(name, sizeof name, "X-Filler-%d", i);
		evhttp_add_header(evhttp_request_get_output_headers(request), name, block);
	}
	for (int n = 0; n < body_bytes; n += (int)sizeof block)
		evbuffer_add(body, block, sizeof block);
	evhttp_send_reply(request, 200, "OK", body);
	evbuffer_free(body);
}

static void answer_document(struct http_server *server, struct evhttp_request *request)
{
	struct evbuffer *body = evbuffer_new();

	evhttp_add_header(evhttp_request_get_output_headers(request), "ETag", server->etag);
	evbuffer_add(body, server->document, strlen(server->document));
	if (strcmp(server->seen[server->nseen - 1].if_none_match, server->etag) == 0)
		evhttp_send_reply(request, 304, "Not Modified", NULL);
	else
		evhttp_send_reply(request, 200, "OK", body);
	evbuffer_free(body);
}

void http_server_serve(struct http_server *server, const char *text, const char *etag)
{
	server->document = text;
	server->etag = etag;
}

/* "Name: value" lines into the headers of the answer. */
static void add_lines(struct evkeyvalq *headers, const char *lines)
{
	char name[64], value[1024];

	while (lines != NULL && sscanf(lines, "%63[^:]: %1023[^\n]", name, value) == 2) {
		evhttp_add_header(headers, name, value);
		lines = strchr(lines, '\n');
		lines = lines != NULL && lines[1] != '\0' ? lines + 1 : NULL;
	}
}

static bool fits(const struct http_recorded *one, const struct http_seen *seen)
{
	return strcmp(one->method, seen->method) == 0 &&
	       strncmp(one->path, seen->path, strlen(one->path)) == 0 &&
	       (one->needle == NULL || strstr(seen->body, one->needle) != NULL);
}

static bool misbehave(struct evhttp_request *request, int how)
{
	if (how == HTTP_PLAY_CUT)
		evhttp_connection_free(evhttp_request_get_connection(request));
	else if (how == HTTP_PLAY_HUGE)
		answer_many(request, HUGE_BYTES, 0);
	return how < 0;
}

static void answer_recorded(struct http_server *server, struct evhttp_request *request)
{
	const struct http_seen *seen = &server->seen[server->nseen - 1];
	struct evbuffer *body;

	for (size_t i = 0; server->recorded[i].method != NULL; i++) {
		const struct http_recorded *one = &server->recorded[i];

		if (i >= PLAY_MAX)
			abort();
		if (!fits(one, seen) || (one->times > 0 && server->used[i] >= one->times))
			continue;
		server->used[i]++;
		if (misbehave(request, one->code))
			return;
		body = evbuffer_new();
		if (one->body != NULL)
			evbuffer_add(body, one->body, strlen(one->body));
		add_lines(evhttp_request_get_output_headers(request), one->headers);
		evhttp_send_reply(request, one->code, "As recorded", body);
		evbuffer_free(body);
		return;
	}
	server->unexpected++;
	fprintf(stderr, "no answer was recorded for %s %s\n", seen->method, seen->path);
	evhttp_send_reply(request, 599, "Unexpected", NULL);
}

void http_server_play(struct http_server *server, const struct http_recorded *answers)
{
	server->recorded = answers;
	memset(server->used, 0, sizeof server->used);
}

size_t http_server_unexpected(const struct http_server *server)
{
	return server->unexpected;
}

static void answer(struct evhttp_request *request, void *context)
{
	struct http_server *server = context;
	const char *path = evhttp_request_get_uri(request);
	unsigned long number;

	remember(server, request);
	if (server->recorded != NULL) {
		answer_recorded(server, request);
		return;
	}
	if (strcmp(path, "/slow") == 0)
		return;
	if (strcmp(path, "/document") == 0 && server->document != NULL)
		answer_document(server, request);
	else if (strcmp(path, "/document") == 0)
		evhttp_send_error(request, 503, "Not now");
	else if (strcmp(path, "/huge") == 0)
		answer_many(request, HUGE_BYTES, 0);
	else if (strcmp(path, "/headers") == 0)
		answer_many(request, 1, 128);
	else if (strcmp(path, "/cut") == 0)
		evhttp_connection_free(evhttp_request_get_connection(request));
	else if (strcmp(path, "/redirect") == 0) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Location",
		    http_server_url(server, "/ok"));
		evhttp_send_reply(request, 302, "Found", NULL);
	} else if (sscanf(path, "/flaky/%lu", &number) == 1) {
		if (server->flaky++ < number)
			evhttp_send_error(request, 503, "Not now");
		else
			evhttp_send_reply(request, 200, "OK", NULL);
	} else if (sscanf(path, "/code/%lu", &number) == 1)
		evhttp_send_reply(request, (int)number, "As wished", NULL);
	else
		evhttp_send_reply(request, 204, "No Content", NULL);
}

struct http_server *http_server_new(struct event_base *base)
{
	struct http_server *server = calloc(1, sizeof *server);
	struct sockaddr_in address;
	socklen_t length = sizeof address;

	if (server == NULL || (server->http = evhttp_new(base)) == NULL)
		abort();
	evhttp_set_allowed_methods(
	    server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
	evhttp_set_gencb(server->http, answer, server);
	server->bound = evhttp_bind_socket_with_handle(server->http, "127.0.0.1", 0);
	if (server->bound == NULL || getsockname(evhttp_bound_socket_get_fd(server->bound),
					 (struct sockaddr *)&address, &length) != 0) {
		perror("fake HTTP server");
		abort();
	}
	server->port = ntohs(address.sin_port);
	return server;
}

void http_server_stop(struct http_server *server)
{
	evhttp_del_accept_socket(server->http, server->bound);
	server->bound = NULL;
}

void http_server_free(struct http_server *server)
{
	for (size_t i = 0; i < server->nseen; i++) {
		free(server->seen[i].headers);
		free(server->seen[i].body);
	}
	evhttp_free(server->http);
	free(server);
}

const char *http_server_url(struct http_server *server, const char *path)
{
	snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d%s", server->port, path);
	return server->url;
}

size_t http_server_count(const struct http_server *server)
{
	return server->nseen;
}

size_t http_server_asked(const struct http_server *server, const char *method, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < http_server_count(server); i++)
		n += strcmp(http_server_seen(server, i)->method, method) == 0 &&
		     strncmp(http_server_seen(server, i)->path, path, strlen(path)) == 0;
	return n;
}

const struct http_seen *http_server_seen(const struct http_server *server, size_t place)
{
	if (place >= server->nseen)
		abort();
	return &server->seen[place];
}
