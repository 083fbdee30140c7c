/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/identity.h"

#include "common/error.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UUID_LENGTH 36
#define MAC_PREFIX "mac-"
#define MAC_DIGITS 12
#define LOWER_DIGITS "0123456789abcdef"

/* digits: the hexadecimal digits allowed. */
static bool is_uuid(const char *text, const char *digits)
{
	if (strlen(text) != UUID_LENGTH)
		return false;
	for (int i = 0; i < UUID_LENGTH; i++) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : strchr(digits, text[i]) == NULL)
			return false;
	}
	return true;
}

static bool is_mac_id(const char *text)
{
	const size_t prefix = strlen(MAC_PREFIX);

	return strncmp(text, MAC_PREFIX, prefix) == 0 && strlen(text) == prefix + MAC_DIGITS &&
	       strspn(text + prefix, LOWER_DIGITS) == MAC_DIGITS;
}

int identity_from_uuid(const char *uuid, char id[VM_ID_SIZE])
{
	if (!is_uuid(uuid, LOWER_DIGITS "ABCDEF"))
		return GRAPPE_EFORMAT;
	for (int i = 0; i <= UUID_LENGTH; i++)
		id[i] = (char)tolower((unsigned char)uuid[i]);
	return GRAPPE_OK;
}

void identity_from_mac(const struct mac *mac, char id[VM_ID_SIZE])
{
	const uint8_t *b = mac->bytes;

	snprintf(id, VM_ID_SIZE, MAC_PREFIX "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
	    b[4], b[5]);
}

int identity_mac(const char *id, struct mac *mac)
{
	const char *digits = id + strlen(MAC_PREFIX);

	if (!is_mac_id(id))
		return GRAPPE_ENOTFOUND;
	for (size_t i = 0; i < sizeof mac->bytes; i++) {
		const char octet[] = {digits[2 * i], digits[2 * i + 1], '\0'};

		mac->bytes[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return GRAPPE_OK;
}

bool identity_is_vm(const char *id)
{
	return is_uuid(id, LOWER_DIGITS) || is_mac_id(id);
}

static bool is_endpoint(const char *id)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const size_t prefix = strlen(SENDER_ENDPOINT);

	return strncmp(id, SENDER_ENDPOINT, prefix) == 0 && id[prefix] != '\0' &&
	       strspn(id + prefix, allowed) == strlen(id + prefix);
}

bool identity_is_valid(const char *id)
{
	return strlen(id) < VM_ID_SIZE &&
	       (identity_is_vm(id) || is_endpoint(id) || strcmp(id, SENDER_EXTERNAL) == 0 ||
		   strcmp(id, SENDER_OTHER) == 0 || strcmp(id, SENDER_MULTICAST) == 0);
}
