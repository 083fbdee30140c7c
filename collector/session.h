/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SNMP to one agent, without blocking: a request goes out, and its answer, an error or the
 * time-out comes back in a callback. One UDP socket a session, connected, so that only the
 * agent's own address is heard. net-snmp's single-session calls in a libevent loop; no file of
 * the user's net-snmp configuration is read or written.
 *
 * Life-cycle: session_start_library() once; session_open(), session_send() …, session_close(). In
 * the loop's thread.
 */
#ifndef GRAPPE_COLLECTOR_SESSION_H
#define GRAPPE_COLLECTOR_SESSION_H

#include "collector/poller.h"

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct session; /* opaque */

enum session_version {
	SESSION_V2C, /* community */
};

/* Who asks. A later version 3 adds its user, its keys and the engine id that must be known before,
 * because net-snmp would wait for it inside the send. */
struct session_credentials {
	enum session_version version;
	const char *community;
};

struct session_options {
	const char *address; /* "192.0.2.1:161", "[2001:db8::1]:161" or "name:161"; names are looked
				up by session_open() */
	struct session_credentials credentials;
	int64_t timeout_ms; /* of a request */
};

/* Called in the loop, exactly once for each request that was sent, but not after session_close().
 * What the reply points to is valid during the call. */
typedef void session_reply(void *context, const struct poller_reply *reply);

/* session_start_library - prepares net-snmp for this process. */
void session_start_library(void);

/* session_check_address - whether the text has the form of an address. Returns 0 or
 * GRAPPE_EFORMAT. */
int session_check_address(const char *address);

/* session_open - Returns 0, or GRAPPE_EFORMAT (address), GRAPPE_ENOTFOUND (name), GRAPPE_EIO,
 * GRAPPE_EMEMORY with the reason in message. */
int session_open(struct event_base *base, const struct session_options *options,
    session_reply *replied, void *context, struct session **out, char *message, size_t size);
/* session_close - forgets what is out. NULL is allowed; also inside a callback of another
 * session. */
void session_close(struct session *session);

/* session_send - at most POLLER_IN_FLIGHT_MAX requests at a time. When it cannot be sent the
 * callback is not called. Returns 0, GRAPPE_ELIMIT, GRAPPE_EIO or GRAPPE_EMEMORY. */
int session_send(struct session *session, const struct poller_request *request);

#endif
