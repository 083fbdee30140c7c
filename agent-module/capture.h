/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon grappe-capture: a thin shell around the cores. rtnetlink feeds discover, whose plan
 * says what to capture; sources feed the accounting, single frames by libpcap or sums by bpf;
 * closed periods go to the period store.
 *
 *     netlink -> discover -> plan -> source_pcap -> decode -> account -> period_store
 *                                 -> source_bpf -> bpf_counter ->
 *
 * Ending in good order (SIGTERM, SIGINT): counting stops at that instant, the rings are emptied, a
 * period whose end has passed is published, and the open one is kept as "unfinished", which the
 * next start completes. If no start follows before its end, the next start publishes it as partial.
 * After a kill the open period is lost, published ones stay, and the period of the new start is
 * partial.
 */
#ifndef GRAPPE_AGENT_MODULE_CAPTURE_H
#define GRAPPE_AGENT_MODULE_CAPTURE_H

#include "agent-module/capture_settings.h"

/* capture_run - serves until a signal ends it. Logs what goes wrong. Returns the exit code of the
 * program. */
int capture_run(const struct capture_settings *settings);

/* capture_read - accounts a capture file and prints it (agent-module/savefile.h); the VMs are those
 * of the settings, or all when there are none. format, mtu: texts of the command line or NULL.
 * Returns the exit code of the program. */
int capture_read(
    const struct capture_settings *settings, const char *path, const char *format, const char *mtu);

#endif
