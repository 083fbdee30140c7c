/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/credentials.h"

#include "collector/v3.h"
#include "common/error.h"
#include "common/keys.h"

#include <stdio.h>
#include <string.h>

const char *const credentials_versions[] = {"2c", "3", NULL};

_Static_assert(CREDENTIALS_KEY_MAX >= USM_AUTH_KU_LEN, "a key of net-snmp fits");

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

static int take_first_line(const struct buffer *file, char community[CREDENTIALS_COMMUNITY_SIZE])
{
	size_t length = 0;

	while (length < file->length && file->bytes[length] != '\n' && file->bytes[length] != '\r')
		length++;
	if (length == 0 || length >= CREDENTIALS_COMMUNITY_SIZE ||
	    memchr(file->bytes, '\0', length) != NULL)
		return GRAPPE_EFORMAT;
	memcpy(community, file->bytes, length);
	community[length] = '\0';
	return GRAPPE_OK;
}

int credentials_set_community(struct credentials *credentials, const char *community,
    const char *file, char *message, size_t size)
{
	struct buffer secret;
	int rc;

	*credentials = (struct credentials){.version = CREDENTIALS_V2C};
	if (file[0] == '\0') {
		if (strlen(community) >= sizeof credentials->community)
			return FAIL(GRAPPE_EINVALID, "a community has at most %zu characters",
			    sizeof credentials->community - 1);
		snprintf(credentials->community, sizeof credentials->community, "%s", community);
		return GRAPPE_OK;
	}
	rc = keys_read_secret(file, &secret, message, size);
	if (rc == GRAPPE_OK && take_first_line(&secret, credentials->community) != GRAPPE_OK)
		rc = FAIL(GRAPPE_EFORMAT,
		    "%s: its first line is no community of 1 to %zu characters", file,
		    sizeof credentials->community - 1);
	keys_wipe_secret(&secret);
	return rc;
}

/* The two keys of a pass phrase file that was read. */
static int derive_keys(struct credentials *credentials, const struct keys *keys, const char *file,
    char *message, size_t size)
{
	const bool privacy = credentials->security == KEYS_PRIVACY;
	int rc;

	if (keys->authentication[0] == '\0')
		return FAIL(GRAPPE_EFORMAT, "%s: no line \"authentication = PASS PHRASE\"", file);
	if (privacy && keys->privacy[0] == '\0')
		return FAIL(GRAPPE_EFORMAT, "%s: no line \"privacy = PASS PHRASE\"", file);
	if (privacy && !v3_has_privacy(credentials->privacy))
		return FAIL(GRAPPE_EUNSUPPORTED, "this net-snmp was built without %s",
		    keys_privacies[credentials->privacy]);
	rc = v3_derive_key(credentials->authentication, keys->authentication,
	    credentials->authentication_key, &credentials->authentication_length);
	if (rc == GRAPPE_OK && privacy)
		rc = v3_derive_key(credentials->authentication, keys->privacy,
		    credentials->privacy_key, &credentials->privacy_length);
	if (rc != GRAPPE_OK)
		snprintf(message, size, "no key can be made by %s: %s",
		    keys_authentications[credentials->authentication], error_text(rc));
	return rc;
}

static int read_keys(struct credentials *credentials, const char *file, char *message, size_t size)
{
	struct buffer secret;
	struct keys keys;
	char why[160];
	int rc = keys_read_secret(file, &secret, message, size);

	if (rc == GRAPPE_OK) {
		rc = keys_parse(secret.bytes, secret.length, &keys, why, sizeof why);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "%s: %s", file, why);
		else
			rc = derive_keys(credentials, &keys, file, message, size);
		explicit_bzero(&keys, sizeof keys);
	}
	keys_wipe_secret(&secret);
	return rc;
}

int credentials_set_user(struct credentials *credentials, const struct credentials_user *user,
    char *message, size_t size)
{
	*credentials = (struct credentials){.version = CREDENTIALS_V3,
	    .security = user->security,
	    .authentication = user->authentication,
	    .privacy = user->privacy};
	snprintf(credentials->user, sizeof credentials->user, "%s", user->name);
	if (user->security == KEYS_NO_AUTHENTICATION)
		return GRAPPE_OK;
	return read_keys(credentials, user->keys_file, message, size);
}

static bool same_key(const uint8_t *a, size_t alength, const uint8_t *b, size_t blength)
{
	return alength == blength && memcmp(a, b, alength) == 0;
}

bool credentials_equal(const struct credentials *a, const struct credentials *b)
{
	return a->version == b->version && strcmp(a->community, b->community) == 0 &&
	       strcmp(a->user, b->user) == 0 && a->security == b->security &&
	       a->authentication == b->authentication && a->privacy == b->privacy &&
	       same_key(a->authentication_key, a->authentication_length, b->authentication_key,
		   b->authentication_length) &&
	       same_key(a->privacy_key, a->privacy_length, b->privacy_key, b->privacy_length);
}

void credentials_wipe(struct credentials *credentials)
{
	explicit_bzero(credentials, sizeof *credentials);
}
