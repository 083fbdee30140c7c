/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of pass phrases, whatever it holds: read or refused, and never repeated in a message. */
#include "common/keys.h"
#include "common/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_phrase(const char *phrase)
{
	const size_t length = strnlen(phrase, KEYS_PHRASE_SIZE);

	if (length == KEYS_PHRASE_SIZE || (length > 0 && length < KEYS_PHRASE_MIN))
		abort();
}

static void check_login(const uint8_t *data, size_t size)
{
	char message[160] = "";
	struct keys_login login;

	if (keys_parse_login(data, size, &login, message, sizeof message) != GRAPPE_OK) {
		if ((strncmp(message, "line ", 5) != 0 && strncmp(message, "no line ", 8) != 0) ||
		    login.user[0] != '\0' || login.keys.authentication[0] != '\0')
			abort();
		return;
	}
	if (strnlen(login.user, KEYS_USER_SIZE) == KEYS_USER_SIZE || login.user[0] == '\0' ||
	    login.security < KEYS_NO_AUTHENTICATION || login.security > KEYS_PRIVACY ||
	    (login.security == KEYS_PRIVACY && login.keys.privacy[0] == '\0'))
		abort();
	check_phrase(login.keys.authentication);
	check_phrase(login.keys.privacy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[160] = "";
	struct keys keys;

	if (keys_parse(data, size, &keys, message, sizeof message) != GRAPPE_OK &&
	    (strncmp(message, "line ", 5) != 0 || keys.authentication[0] != '\0' ||
		keys.privacy[0] != '\0'))
		abort();
	check_phrase(keys.authentication);
	check_phrase(keys.privacy);
	check_login(data, size);
	return 0;
}
