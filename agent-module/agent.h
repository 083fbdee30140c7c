/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon grappe-agent: one libevent loop that watches the folder of periods and
 * speaks AgentX with snmpd. It needs no privilege but to read the period files and to
 * connect to the master's socket; it reads none of net-snmp's configuration files and
 * writes none of its persistent ones.
 *
 * When snmpd goes away the agent stays, reads on, and registers again within about two
 * seconds of its return.
 */
#ifndef GRAPPE_AGENT_AGENT_H
#define GRAPPE_AGENT_AGENT_H

#include "agent-module/agent_settings.h"

/* agent_run - until SIGTERM or SIGINT. Logs everything worth saying, "READY" when the master has
 * accepted it. Returns the exit code of the program. Once per process. */
int agent_run(const struct agent_settings *settings);

#endif
