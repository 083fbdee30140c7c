/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP for the manager: the only module that includes libcurl. Every exchange runs
 * asynchronously in the libevent loop of its client (libcurl's multi interface),
 * under time limits and with a bounded answer. TLS is verified, certificate and name,
 * always. Only http and https; redirects are not followed; proxies of the
 * environment are not used. Nothing is sent twice, but a GET whose old connection turns out to be
 * dead.
 *
 * Life-cycle: http_client_new(), any number of http_send() (each calls its `done`
 * exactly once, from the loop, unless cancelled), http_client_free(). One thread, the loop's.
 */
#ifndef GRAPPE_MANAGER_HTTP_H
#define GRAPPE_MANAGER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEADERS_MAX 8 /* headers a request may add */

struct event_base;
struct http_client;   /* opaque */
struct http_exchange; /* opaque: one request and its answer */

struct http_request {
	const char *url;
	const char *method;  /* NULL or "": POST with a body, else GET */
	const char *address; /* "HOST:PORT" to connect to in place of the URL's; the name in the URL
				is the one that is verified and sent. NULL or "": the URL's own */
	const char *ca_file; /* PEM file of the authorities to trust; NULL or "": the system's */
	const char *token;   /* sent as "Authorization: Bearer …"; NULL or "": none */
	const char *login;   /* "user:password" for Basic authentication; NULL or "": none */
	const char *const *headers; /* further "Name: value" lines, NULL-terminated, or NULL */
	const void *body;           /* NULL: none */
	size_t length;              /* of the body, bytes */
	int64_t connect_ms;         /* limit until the connection stands, TLS included; > 0 */
	int64_t total_ms;           /* limit of the whole exchange; > 0 */
	size_t answer_max; /* longest answer that is read, bytes; a longer one is refused */
};

/* What became of an exchange. */
enum http_verdict {
	HTTP_DONE,   /* an answer of 200 … 299 */
	HTTP_AGAIN,  /* nobody there, cut, too slow, 408, 429 or 5xx, or our ca_file cannot be read:
			worth  another try later */
	HTTP_REFUSED /* anything else: other answers, redirects, certificates, too long an answer */
};

struct http_result {
	enum http_verdict verdict;
	long code;          /* of the answer, 0 = none came */
	const char *reason; /* for people, one line without final stop; "" when HTTP_DONE */
	const char *answer; /* body of the answer, zero-terminated; valid during `done` only */
	size_t length;      /* of the answer, bytes */
	const struct http_exchange
	    *exchange; /* for http_answer_header(); valid during `done` only */
};

typedef void http_done(const struct http_result *result, void *context);

/* http_client_new - a client in this loop. Ignores SIGPIPE from now on. Returns 0 or
 * GRAPPE_EMEMORY. */
int http_client_new(struct event_base *base, struct http_client **out);
/* http_client_free - cancels what is under way. Not from inside a `done`. NULL is allowed. */
void http_client_free(struct http_client *client);

/* http_send - starts an exchange; everything in *request is copied. *out (may be NULL) stays valid
 * until `done` was called. `done` is never called from inside http_send().
 * Returns 0, GRAPPE_EINVALID (http_check_url() says why), GRAPPE_ERANGE (a limit that is not
 * positive, too many headers) or GRAPPE_EMEMORY. */
int http_send(struct http_client *client, const struct http_request *request, http_done *done,
    void *context, struct http_exchange **out);
/* http_cancel - ends an exchange whose `done` was not called yet; it will not be. NULL is allowed.
 */
void http_cancel(struct http_exchange *exchange);

/* http_answer_header - the value of a header of the answer, the last one if it came several times,
 * or
 * ""; valid during `done`. */
const char *http_answer_header(const struct http_result *result, const char *name);

/* http_check_address - true for "HOST:PORT", "192.0.2.1:5080", "[2001:db8::1]:443". */
bool http_check_address(const char *address);

/* http_check_url - true for an http or https URL with a host and without user or password in it;
 * *reason says what is wrong otherwise (a constant). RFC 3986 as libcurl reads it. */
bool http_check_url(const char *url, const char **reason);

/* http_is_private - true for an https URL and for one whose host is this machine (localhost, 127.…,
 * [::1]): credentials may be sent there. */
bool http_is_private(const char *url);

#endif
