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
#ifndef GRAPPE_AGENT_AGENTX_H
#define GRAPPE_AGENT_AGENTX_H

#include <event2/event.h>
#include <stdbool.h>

#define AGENTX_PING_S 2 /* how soon a lost or new master is noticed */

/* agentx_start - connects to the master at socket (path or tcp:HOST:PORT) and registers GRAPPE-MIB,
 * and VM-MIB if wanted; a master that is not there is tried again. A snapshot must be shown before
 * (mib_agent.h). Returns 0, GRAPPE_EPEER or GRAPPE_EMEMORY. */
int agentx_start(struct event_base *base, const char *socket, bool vm_mib);
/* agentx_prepare - before a turn of the loop: watches net-snmp's descriptors and time-out.
 * Returns 0 or GRAPPE_EMEMORY. */
int agentx_prepare(void);
/* agentx_work - after a turn: handles what came in and what is due, says when the master was lost
 * or found. */
void agentx_work(void);
/* agentx_stop - unregisters and closes. */
void agentx_stop(void);

#endif
