/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets of the operator: files that nobody else may read, with a community or with the two pass
 * phrases of an SNMPv3 user. No message ever quotes what is in them. Any thread.
 *
 * A file of pass phrases has lines "authentication = PASS PHRASE" and "privacy = PASS PHRASE";
 * blank lines and lines that begin with # do not count. A pass phrase goes from the first to the
 * last character of its line that is no blank; double quotes around all of it are taken away.
 *
 * A file of a whole login has the same lines and those of who logs in how: "user = NAME",
 * "security", "authentication_protocol" and "privacy_protocol", each with one of the names below.
 */
#ifndef GRAPPE_COMMON_KEYS_H
#define GRAPPE_COMMON_KEYS_H

#include "common/buffer.h"

#define KEYS_PHRASE_MIN 8 /* RFC 3414, section 11.2 */
#define KEYS_PHRASE_SIZE 256

#define KEYS_USER_SIZE 33 /* RFC 3411: 32 octets at most */

enum keys_security { KEYS_NO_AUTHENTICATION, KEYS_NO_PRIVACY, KEYS_PRIVACY };

/* Names, NULL at the end; the first ones in the order of enum keys_security. */
extern const char *const keys_securities[];
extern const char *const keys_authentications[];
extern const char *const keys_privacies[];

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

/* A user of SNMPv3 as a file of a whole login tells. */
struct keys_login {
	char user[KEYS_USER_SIZE];
	int security;                /* enum keys_security; authPriv if not told */
	int authentication, privacy; /* index of the name; the first one if not told */
	struct keys keys;            /* those that security needs are there */
};

/* keys_parse_login - the same for a file of a whole login. To be wiped with keys_wipe_login(). */
int keys_parse_login(
    const void *bytes, size_t length, struct keys_login *login, char *message, size_t size);
/* keys_wipe_login - forgets it. */
void keys_wipe_login(struct keys_login *login);

#endif
