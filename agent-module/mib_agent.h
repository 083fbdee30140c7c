/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The MIB in net-snmp's agent: one raw handler for the whole subtree, which looks each
 * variable up in the present snapshot. No table helper of net-snmp is used: all that
 * walk lists are quadratic, and the sorted snapshot needs none.
 *
 * Life-cycle: mib_agent_register() once after init_agent(), mib_agent_show() with each
 * new snapshot. One per process, since net-snmp's agent is. One thread.
 */
#ifndef GRAPPE_AGENT_MIB_AGENT_H
#define GRAPPE_AGENT_MIB_AGENT_H

#include "agent-module/snapshot.h"

/* mib_agent_register - serves the subtree. Returns 0 or GRAPPE_EPEER when net-snmp refuses. */
int mib_agent_register(void);
/* mib_agent_unregister - withdraws it, also from the master. */
void mib_agent_unregister(void);

/* mib_agent_show - from now on answers come from snapshot, which is taken over; the former one is
 * freed. NULL at the end. */
void mib_agent_show(struct snapshot *snapshot);

#endif
