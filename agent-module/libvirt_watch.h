/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What grappe-libvirt does: watches libvirt and tells of its domains by records (domain.h). The
 * whole list is told when it is first known, after each event (a domain starts, stops, migrates, a
 * NIC is plugged or unplugged, metadata change), and once a minute. While libvirtd is away it is
 * asked for again with growing pauses; what was told last stays true until then.
 *
 * Two processes: one waits for libvirtd to be there and starts the other anew should it crash. Both
 * end with the program that started the first, and run without privileges.
 */
#ifndef GRAPPE_AGENT_MODULE_LIBVIRT_WATCH_H
#define GRAPPE_AGENT_MODULE_LIBVIRT_WATCH_H

#include "agent-module/libvirt_child.h"

/* libvirt_watch_run - serves until the other end of fd (a socket of datagrams) is closed. Returns 0
 * then, or GRAPPE_EIO (errno) when privileges cannot be dropped. */
int libvirt_watch_run(const struct libvirt_options *options, int fd);

#endif
