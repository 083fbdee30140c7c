/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of pass phrases, whatever it holds: read or refused, and never repeated in a message. */
#include "collector/keys.h"
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
	return 0;
}
