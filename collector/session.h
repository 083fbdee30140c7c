/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SNMP to one agent, without blocking: a request goes out, and its answer, an error or the
 * time-out comes back in a callback. One UDP socket a session, connected, so that only the
 * agent's own address is heard. net-snmp's single-session calls in a libevent loop; no file of
 * the user's net-snmp configuration is read or written.
 *
 * SNMPv3: nothing can be asked before the agent's engine ID is known, and net-snmp would wait for
 * it inside its send. So the session asks itself, by a request without a user (RFC 3414, section
 * 4), while others wait their turn; and it asks again when the agent says that it is another
 * engine, or nothing at all several times in a row: a host may have been set up anew.
 *
 * Life-cycle: session_start_library() once; session_open(), session_send() …, session_close(). In
 * the loop's thread.
 */
#ifndef GRAPPE_COLLECTOR_SESSION_H
#define GRAPPE_COLLECTOR_SESSION_H

#include "collector/credentials.h"
#include "collector/engines.h"
#include "collector/poller.h"

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct session; /* opaque */

/* Called in the loop when the agent told its engine ID, and it is not the one known before. */
typedef void session_engine(void *context, const struct engine_id *engine);

struct session_options {
	const char *address; /* "192.0.2.1:161", "[2001:db8::1]:161" or "name:161"; names are looked
				up by session_open() */
	const struct credentials *credentials; /* not kept */
	struct engine_id engine;               /* of SNMPv3, as far as known */
	int64_t timeout_ms;                    /* of a request */
	session_engine *learned;
};

/* Called in the loop, exactly once for each request that was sent, but not after session_close().
 * What the reply points to is valid during the call. */
typedef void session_reply(void *context, const struct poller_reply *reply);

/* session_start_library - prepares net-snmp for this process. Returns 0 or GRAPPE_EMEMORY. */
int session_start_library(void);

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
