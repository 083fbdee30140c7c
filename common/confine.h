/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives up what a process does not need: another user, capabilities but a few (capabilities(7)),
 * the gain of any by exec (no_new_privs), and system calls but those of a list (seccomp(2), by
 * libseccomp). There is no way back. What the list lacks ends the process with a line that names
 * the call: silence would hide either an attack or a fault of the list.
 *
 * Called once, before the process reads what strangers wrote and while it has one thread.
 */
#ifndef GRAPPE_COMMON_CONFINE_H
#define GRAPPE_COMMON_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a process may still do. */
struct confine_rights {
	uint64_t capabilities; /* a bit for each CAP_ of linux/capability.h */
	const char *const
	    *calls; /* names of system calls, NULL-terminated groups one after another */
	size_t ncalls;
	const int *families; /* socket(2) only of these; one of -1 ends them */
};

#define CONFINE_CAPABILITY(number) (UINT64_C(1) << (number))

/*
 * confine_enter - user: whom to become when root, "" = stay. Returns 0, or GRAPPE_EIO or
 * GRAPPE_ENOTFOUND (no such user) with what could not be done in message[size].
 */
int confine_enter(
    const struct confine_rights *rights, const char *user, char *message, size_t size);

/* confine_missing - name of the first of the wanted capabilities that the process has not, or NULL.
 */
const char *confine_missing(uint64_t wanted);

/* confine_describe - what is left, in words, into out; returns out. */
const char *confine_describe(const struct confine_rights *rights, char *out, size_t size);

#endif
