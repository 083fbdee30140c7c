/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starts grappe-libvirt, the program that asks libvirt: libvirt's library, its socket and its XML
 * stay out of the process that holds capabilities, and a libvirtd that hangs holds up nobody.
 */
#ifndef GRAPPE_AGENT_MODULE_LIBVIRT_CHILD_H
#define GRAPPE_AGENT_MODULE_LIBVIRT_CHILD_H

#include <stdbool.h>

#define LIBVIRT_DEFAULT_URI "qemu:///system"
#define LIBVIRT_DEFAULT_PROGRAM GRAPPE_LIBEXECDIR "/grappe-libvirt"

struct libvirt_options {
	const char *uri;
	const char *user; /* whom it runs as, when started by root */
	bool wait;        /* until libvirtd is there, without a word */
};

/* libvirt_expected - whether a list is to be expected soon: libvirtd is there, or demanded. */
bool libvirt_expected(const struct libvirt_options *options);
/*
 * libvirt_start - starts the program. *fd: where records come, one datagram each, non-blocking; the
 * end of file tells that it ended. Returns 0, GRAPPE_ENOTFOUND (no such program) or GRAPPE_EIO
 * (errno).
 */
int libvirt_start(const char *program, const struct libvirt_options *options, int *fd);

#endif
