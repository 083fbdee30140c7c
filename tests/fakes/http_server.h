/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An HTTP server that misbehaves on demand, in the loop of the test, on loopback and a
 * free port. The path of the URL says how it behaves:
 *   /ok      204           /slow    takes the request and never answers
 *   /huge    200 and a body without end in sight (4 MiB)
 *   /headers 200 and 128 kB of headers
 *   /flaky/N 503 to the first N requests, 200 from then on
 *   /code/N  answers N     /redirect  302 to /ok
 *   /cut     closes the connection without an answer
 *   /document  what http_server_serve() said, with its ETag; 304 to whoever has it
 * or it plays recorded answers, http_server_play().
 */
#ifndef GRAPPE_TESTS_FAKES_HTTP_SERVER_H
#define GRAPPE_TESTS_FAKES_HTTP_SERVER_H

#include <stddef.h>

struct event_base;
struct http_server; /* opaque */

/* One request as it came in. */
struct http_seen {
	char method[8];
	char path[512];
	char authorization[256]; /* "" when there was none, as the others */
	char content_type[64];
	char recommendation[128];
	char if_none_match[64];
	char *headers; /* all, as "Name: value\n" lines; owned by the server, as the body */
	char *body;    /* zero-terminated */
};

/* In place of a code: how a server misbehaves. */
enum { HTTP_PLAY_CUT = -1, HTTP_PLAY_SLOW = -2, HTTP_PLAY_HUGE = -3 };

/* One answer of a real server, as it was recorded. */
struct http_recorded {
	const char *method, *path; /* of the request it answers: the path must begin like this */
	const char *needle;        /* and the body must hold this; NULL: any */
	int code;                  /* or HTTP_PLAY_… */
	const char *headers;       /* "Name: value\n" lines or NULL */
	const char *body;          /* or NULL */
	int times;                 /* how often it may be used, 0: always */
};

/* http_server_new - a server that listens already; ends the test when it cannot. */
struct http_server *http_server_new(struct event_base *base);
void http_server_free(struct http_server *server);
/* http_server_url - "http://127.0.0.1:PORT/path" in a buffer that the next call overwrites. */
const char *http_server_url(struct http_server *server, const char *path);
/* http_server_serve - what /document is from now on; both are borrowed. text NULL: 503. */
void http_server_serve(struct http_server *server, const char *text, const char *etag);
/* http_server_play - from now on each request gets the first answer that fits and is not used up;
 * none: 599, which the test finds as http_server_unexpected(). answers: borrowed, ends with a NULL
 * method. Calling it again begins anew. */
void http_server_play(struct http_server *server, const struct http_recorded *answers);
/* http_server_unexpected - requests that no recorded answer fitted. */
size_t http_server_unexpected(const struct http_server *server);
/* http_server_stop - stops listening, so that connections are refused from now on. */
void http_server_stop(struct http_server *server);
size_t http_server_count(const struct http_server *server);
/* http_server_asked - how many of them had this method and a path that begins so. */
size_t http_server_asked(const struct http_server *server, const char *method, const char *path);
const struct http_seen *http_server_seen(const struct http_server *server, size_t place);

#endif
