/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets of the operator: files that nobody else may read, with a community or with the two pass
 * phrases of an SNMPv3 user. No message ever quotes what is in them. Any thread.
 *
 * A file of pass phrases has lines "authentication = PASS PHRASE" and "privacy = PASS PHRASE";
 * blank lines and lines that begin with # do not count. A pass phrase goes from the first to the
 * last character of its line that is no blank; double quotes around all of it are taken away.
 */
#ifndef GRAPPE_COLLECTOR_KEYS_H
#define GRAPPE_COLLECTOR_KEYS_H

#include "common/buffer.h"

#define KEYS_PHRASE_MIN 8 /* RFC 3414, section 11.2 */
#define KEYS_PHRASE_SIZE 256

struct keys {
	char authentication[KEYS_PHRASE_SIZE]; /* "": not given */
	char privacy[KEYS_PHRASE_SIZE];
};

/* keys_read_secret - the file into *out (initialised here; to be given to keys_wipe_secret(), also
 * after an error). It must belong to root or to this process's user, and nobody else may have any
 * right to it. Returns 0, GRAPPE_EINVALID (its permissions), GRAPPE_EIO, GRAPPE_ELIMIT or
 * GRAPPE_EMEMORY with "FILE: why, and what to do" in message. */
int keys_read_secret(const char *path, struct buffer *out, char *message, size_t size);
/* keys_wipe_secret - forgets the bytes and frees them. */
void keys_wipe_secret(struct buffer *secret);

/* keys_parse - what a file of pass phrases says. Returns 0, or GRAPPE_EFORMAT with "line N: why" in
 * message. */
int keys_parse(const void *bytes, size_t length, struct keys *keys, char *message, size_t size);

#endif
