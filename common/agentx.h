/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subagent's connection to snmpd (AgentX, RFC 2741) by net-snmp's agent library,
 * driven by a libevent loop: net-snmp tells its descriptors and its next time-out before
 * each turn, and gets what has become readable after it.
 *
 * Life-cycle: agentx_start(), then agentx_work(), agentx_prepare() and one turn of the
 * loop over and over, agentx_stop(). One per process: net-snmp's agent has
 * global state. The thread of the loop only.
 */
#ifndef GRAPPE_COMMON_AGENTX_H
#define GRAPPE_COMMON_AGENTX_H

#include "common/mib_value.h"

#include <event2/event.h>

#define AGENTX_PING_S 2 /* how soon a lost or new master is noticed */

/* One subtree to serve. */
struct agentx_part {
	const struct mib_view *view;
	/* NULL: what the program is for; a master that refuses it is asked again soon, and READY is
	 * said when it does not. Else another agent may serve it for good, and this is the line of
	 * our configuration that gives it up. */
	const char *give_up;
};

struct agentx_options {
	const char *program;             /* its name, for net-snmp */
	const char *socket;              /* of the master: a path or tcp:HOST:PORT */
	const struct agentx_part *parts; /* the first is what the program is for */
	size_t nparts;                   /* at most MIB_SERVE_VIEWS_MAX */
};

/* agentx_start - connects to the master and registers the parts; a master that is not there is
 * tried again. Rows must be shown before (common/mib_serve.h). What options point to must stay.
 * Returns 0, GRAPPE_EPEER, GRAPPE_ELIMIT or GRAPPE_EMEMORY. */
int agentx_start(struct event_base *base, const struct agentx_options *options);
/* agentx_prepare - before a turn of the loop: watches net-snmp's descriptors and time-out.
 * Returns 0 or GRAPPE_EMEMORY. */
int agentx_prepare(void);
/* agentx_work - after a turn: handles what came in and what is due, says when the master was lost
 * or found. */
void agentx_work(void);
/* agentx_stop - unregisters and closes. Without effect unless it was started. */
void agentx_stop(void);

#endif
