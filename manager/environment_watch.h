/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The environment document as it is now (M-8): from a file or an http(s) URL, read again and again,
 * the URL with conditional requests (RFC 9110 section 13.1). While it cannot be had the last one
 * stays, with its age; it also outlives a restart (a copy in the state folder). One that makes no
 * sense is none: what its writer meant is not known. What changed is told in words.
 *
 * In the loop's thread. Life-cycle: environment_watch_new(), environment_watch_start(),
 * environment_watch_document(), environment_watch_free().
 */
#ifndef GRAPPE_MANAGER_ENVIRONMENT_WATCH_H
#define GRAPPE_MANAGER_ENVIRONMENT_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENVIRONMENT_WATCH_COPY "environments.json" /* in the state folder */

struct event_base;
struct environment_watch; /* opaque */

struct environment_watch_options {
	const char *source;     /* a path, or http:// or https://; "" = none */
	const char *ca_file;    /* for https; "" = the system's */
	const char *token_file; /* bearer token; "" = none */
	const char *folder;     /* of the copy */
	int64_t refresh_ms;     /* between two looks, > 0 */
	int64_t timeout_ms;     /* of one look, > 0 */
	int64_t stale_ms;       /* a document older than this is told to be stale, > 0 */
	/* A document that differs came in; text: one of the changes, count: of all. */
	void (*changed)(void *context, const char *text, size_t count);
	/* The first look is over, well or not. */
	void (*ready)(void *context);
	void *context;
};

/* environment_watch_new - reads the copy of the last document, if there is one. Texts are copied.
 * Returns 0, GRAPPE_EINVALID (URL; words in message) or GRAPPE_EMEMORY. */
int environment_watch_new(struct event_base *base, const struct environment_watch_options *options,
    struct environment_watch **out, char *message, size_t size);
/* environment_watch_free - NULL is allowed. */
void environment_watch_free(struct environment_watch *watch);

/* environment_watch_start - looks now, and from now on. */
void environment_watch_start(struct environment_watch *watch);

/* environment_watch_refresh - looks at a file now; a URL has its own times. */
void environment_watch_refresh(struct environment_watch *watch);

/* environment_watch_document - the document's text, or NULL when there is none: then error says why
 * ("" when no source is configured). Borrowed until the loop goes on. */
const char *environment_watch_document(
    const struct environment_watch *watch, size_t *length, const char **error);

/* environment_watch_status - for status answers: source, state (none, ok, stale, failing), as_of
 * (the document's own time, else when it was had), fetched (when it was last seen to be current),
 * error. A new reference, NULL without memory. */
json_t *environment_watch_status(const struct environment_watch *watch, int64_t now_s);

#endif
