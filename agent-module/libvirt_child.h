/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keeps grappe-libvirt running, the program that asks libvirt: libvirt's library, its socket and
 * its XML stay out of the process that holds capabilities, and a libvirtd that hangs holds up
 * nobody.
 *
 *     grappe-capture --- child: no privilege, waits for libvirtd --- grappe-libvirt (exec)
 *                 \______________ records (domain.h), one way ______________/
 *
 * The child is a fork of this program, small, which starts grappe-libvirt as soon as there is a
 * libvirtd, and anew when it ends; so the library takes memory only where libvirt is. Both end with
 * this process. To be called before descriptors are opened that they should not have.
 */
#ifndef GRAPPE_AGENT_MODULE_LIBVIRT_CHILD_H
#define GRAPPE_AGENT_MODULE_LIBVIRT_CHILD_H

#include <stdbool.h>

#define LIBVIRT_DEFAULT_URI "qemu:///system"
#define LIBVIRT_DEFAULT_PROGRAM GRAPPE_LIBEXECDIR "/grappe-libvirt"

struct libvirt_options {
	const char *uri;
	const char *user; /* whom they run as, when started by root */
	int interval_s;   /* between lists when nothing happens */
	bool wait;        /* until libvirtd is there, without a word */
};

/* libvirt_expected - whether a list is to be expected soon: libvirtd is there, or demanded. */
bool libvirt_expected(const struct libvirt_options *options);
/*
 * libvirt_start - starts the child. *fd: where records come, one datagram each, non-blocking; the
 * end of file tells that it ended. Returns 0, GRAPPE_ENOTFOUND (no such program) or GRAPPE_EIO
 * (errno).
 */
int libvirt_start(const char *program, const struct libvirt_options *options, int *fd);

#endif
