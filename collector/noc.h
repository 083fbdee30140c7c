/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon grappe-collector-agent: the collector's state by SNMP, for the people who watch it. A
 * process of its own, because a master that was stopped holds up its subagents for seconds, and the
 * collector must not be. It asks the collector every few seconds and serves what it was told.
 */
#ifndef GRAPPE_COLLECTOR_NOC_H
#define GRAPPE_COLLECTOR_NOC_H

#include "collector/noc_settings.h"

/* noc_run - until SIGTERM or SIGINT. Logs everything worth saying, "READY" when the master has
 * accepted it. Returns the exit code of the program. Once per process. */
int noc_run(const struct noc_settings *settings);

#endif
