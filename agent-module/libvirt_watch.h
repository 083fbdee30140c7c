/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What grappe-libvirt does: watches libvirt and tells of its domains by records (domain.h). The
 * whole list is told when it is first known, after each event (a domain starts, stops, migrates, a
 * NIC is plugged or unplugged, metadata change), and when nothing happened for an interval. While
 * libvirtd is away it is asked for again with growing pauses; what was told last stays true until
 * then. A call that hangs ends the process by SIGALRM; it is started again (libvirt_child.h).
 */
#ifndef GRAPPE_AGENT_MODULE_LIBVIRT_WATCH_H
#define GRAPPE_AGENT_MODULE_LIBVIRT_WATCH_H

/* libvirt_watch_run - serves until the other end of fd (a socket of datagrams) is closed and ends
 * the process with EXIT_SUCCESS then. Returns only when it cannot start, GRAPPE_EIO. */
int libvirt_watch_run(const char *uri, int interval_s, int fd);

#endif
