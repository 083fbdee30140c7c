/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MIBs in net-snmp's agent: one raw handler for each whole subtree, which looks each
 * variable up in the rows that are shown at present. No table helper of net-snmp is used: all that
 * walk lists are quadratic, and sorted rows need none.
 *
 * Life-cycle: mib_serve_register() once a view after init_agent(), mib_serve_show() with
 * each new state. One per process, since net-snmp's agent is. One thread.
 */
#ifndef GRAPPE_COMMON_MIB_SERVE_H
#define GRAPPE_COMMON_MIB_SERVE_H

#include "common/mib_value.h"

#include <stddef.h>
#include <stdint.h>

#define MIB_SERVE_VIEWS_MAX 4

/* mib_serve_register - serves the subtree of a view, which must stay. Returns 0, GRAPPE_EPEER when
 * net-snmp refuses, or GRAPPE_ELIMIT. */
int mib_serve_register(const struct mib_view *view);
/* mib_serve_unregister - withdraws all of them, also from the master. */
void mib_serve_unregister(void);
/* mib_serve_find - the view that is registered at exactly this OID; NULL: none. */
const struct mib_view *mib_serve_find(const mib_number *name, size_t length);
/* mib_serve_detach - marks a view as not registered at the master; register_mib_reattach()
 * registers it again then. Says nothing to the master. */
void mib_serve_detach(const struct mib_view *view);

/* mib_serve_show - from now on answers come from rows, what all registered views read. It is taken
 * over: release() is called with it when the next one is shown. NULL at the end. */
void mib_serve_show(void *rows, void (*release)(void *rows));
/* mib_serve_uptime_cs - since the host started, 1/100 s. */
uint64_t mib_serve_uptime_cs(void);

#endif
