/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The MIBs in net-snmp's agent: one raw handler for each whole subtree, which looks each
 * variable up in the present snapshot. No table helper of net-snmp is used: all that
 * walk lists are quadratic, and the sorted snapshot needs none.
 *
 * Life-cycle: mib_agent_register() once a view after init_agent(), mib_agent_show() with
 * each new snapshot. One per process, since net-snmp's agent is. One thread.
 */
#ifndef GRAPPE_AGENT_MIB_AGENT_H
#define GRAPPE_AGENT_MIB_AGENT_H

#include "agent-module/mib_table.h"
#include "agent-module/snapshot.h"

#include <stddef.h>
#include <stdint.h>

enum mib_agent_view {
	MIB_AGENT_GRAPPE, /* GRAPPE-MIB */
	MIB_AGENT_VM,     /* VM-MIB, which other agents of the host may serve as well */
	MIB_AGENT_VIEWS
};

/* mib_agent_register - serves the subtree of a view. Returns 0 or GRAPPE_EPEER when net-snmp
 * refuses. */
int mib_agent_register(enum mib_agent_view view);
/* mib_agent_unregister - withdraws all of them, also from the master. */
void mib_agent_unregister(void);
/* mib_agent_name - of the view's MIB. */
const char *mib_agent_name(enum mib_agent_view view);
/* mib_agent_find - which view is registered at exactly this OID; -1: none. */
int mib_agent_find(const mib_number *name, size_t length);
/* mib_agent_detach - marks a view as not registered at the master; register_mib_reattach()
 * registers it again then. Says nothing to the master. */
void mib_agent_detach(enum mib_agent_view view);

/* mib_agent_show - from now on answers come from snapshot, which is taken over; the former one is
 * freed. NULL at the end. */
void mib_agent_show(struct snapshot *snapshot);
/* mib_agent_uptime_cs - since the host started, 1/100 s. */
uint64_t mib_agent_uptime_cs(void);

#endif
