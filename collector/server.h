/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The collector's socket (doc/protocol.md): hands requests to the cores and their answers back;
 * keeps those that wait; reads old windows from the archives in threads of their own, so that
 * polling goes on meanwhile. In the loop's thread.
 *
 * Life-cycle: server_new(), server_poke() when something came and several times a second,
 * server_free().
 */
#ifndef GRAPPE_COLLECTOR_SERVER_H
#define GRAPPE_COLLECTOR_SERVER_H

#include "collector/agents.h"
#include "collector/answer.h"
#include "collector/writer.h"

struct event_base;
struct server; /* opaque */

/* What the server shows; all borrowed. */
struct server_options {
	const char *socket;
	unsigned clients_max;
	struct answer_source source;
	const struct agents *agents;
	struct writer *writer;
	const char *archive_directory, *state_directory;
	const char *const
	    *state_error; /* points to the present fault of the state directory, "" = none */
	int64_t started_s;
};

/* server_new - listens. Returns 0, GRAPPE_EIO (errno), GRAPPE_EEXISTS (somebody serves there) or
 * GRAPPE_EMEMORY. */
int server_new(struct event_base *base, const struct server_options *options, struct server **out);
/* server_free - closes all connections; waits for threads that read archives. NULL is allowed. */
void server_free(struct server *server);
/* server_poke - answers the waiting whose answer has become possible. */
void server_poke(struct server *server);

#endif
