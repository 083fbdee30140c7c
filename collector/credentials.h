/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who asks an agent: a community of SNMPv2c, or a user of SNMPv3 with its keys. Pass phrases become
 * keys when they are read, once for all agents that share them; they are nowhere kept. In the
 * loop's thread, after session_start_library().
 */
#ifndef GRAPPE_COLLECTOR_CREDENTIALS_H
#define GRAPPE_COLLECTOR_CREDENTIALS_H

#include "common/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CREDENTIALS_COMMUNITY_SIZE 256
#define CREDENTIALS_KEY_MAX 64

enum credentials_version { CREDENTIALS_V2C, CREDENTIALS_V3 };
/* Names in the order of the numbers above, NULL at the end. */
extern const char *const credentials_versions[];

struct credentials {
	int version; /* enum credentials_version */
	char community[CREDENTIALS_COMMUNITY_SIZE];
	/* of SNMPv3 */
	char user[KEYS_USER_SIZE];
	int security;                /* enum keys_security */
	int authentication, privacy; /* index of the name */
	uint8_t authentication_key[CREDENTIALS_KEY_MAX], privacy_key[CREDENTIALS_KEY_MAX];
	size_t authentication_length, privacy_length;
};

/* credentials_set_community - of SNMPv2c: community, or the first line of file unless that is "".
 * Returns 0 or a code with the reason in message. */
int credentials_set_community(struct credentials *credentials, const char *community,
    const char *file, char *message, size_t size);

/* What is said of a user; all borrowed. */
struct credentials_user {
	const char *name;
	int security, authentication, privacy;
	const char *keys_file; /* see common/keys.h */
};

/* credentials_set_user - of SNMPv3. Reads the pass phrases and makes keys of them, which takes some
 * milliseconds. Returns 0 or a code with the reason in message. */
int credentials_set_user(struct credentials *credentials, const struct credentials_user *user,
    char *message, size_t size);

bool credentials_equal(const struct credentials *a, const struct credentials *b);
/* credentials_wipe - forgets them. */
void credentials_wipe(struct credentials *credentials);

#endif
