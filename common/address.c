/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/address.h"

#include "common/error.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

struct address address_from_ipv4(const uint8_t bytes[4])
{
	struct address address = {.type = ADDRESS_IPV4};

	memcpy(address.bytes, bytes, 4);
	return address;
}

struct address address_from_ipv6(const uint8_t bytes[16])
{
	struct address address = {.type = ADDRESS_IPV6};

	memcpy(address.bytes, bytes, 16);
	return address;
}

size_t address_size(const struct address *address)
{
	switch (address->type) {
	case ADDRESS_IPV4:
		return 4;
	case ADDRESS_IPV6:
		return 16;
	default:
		return 0;
	}
}

int address_parse(const char *text, struct address *address)
{
	*address = (struct address){0};
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		address->type = ADDRESS_IPV4;
	else if (inet_pton(AF_INET6, text, address->bytes) == 1)
		address->type = ADDRESS_IPV6;
	else
		return GRAPPE_EFORMAT;
	return GRAPPE_OK;
}

const char *address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	const int family = address->type == ADDRESS_IPV6 ? AF_INET6 : AF_INET;

	if (address->type == ADDRESS_NONE ||
	    inet_ntop(family, address->bytes, out, ADDRESS_TEXT_SIZE) == NULL)
		snprintf(out, ADDRESS_TEXT_SIZE, "-");
	return out;
}

int address_compare(const struct address *a, const struct address *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool address_is_multicast(const struct address *address)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (address->type == ADDRESS_IPV6)
		return address->bytes[0] == 0xff;
	return address->type == ADDRESS_IPV4 &&
	       ((address->bytes[0] & 0xf0) == 0xe0 || memcmp(address->bytes, broadcast, 4) == 0);
}

uint64_t address_hash(const struct address *address)
{
	return address_hash_keyed(address, 0);
}

uint64_t address_hash_keyed(const struct address *address, uint64_t key)
{
	uint64_t low, high;

	/* Two multiply-and-fold steps: enough for table buckets, not for cryptography. */
	memcpy(&low, address->bytes, 8);
	memcpy(&high, address->bytes + 8, 8);
	low = (low ^ address->type ^ key) * UINT64_C(0x9e3779b97f4a7c15);
	high = (high ^ (low >> 29) ^ (key >> 7)) * UINT64_C(0xbf58476d1ce4e5b9);
	low ^= high;
	return low ^ (low >> 32);
}

uint64_t address_hash_key(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM); /* 16 bytes from the kernel */
	uint64_t key = 0;

	if (random != NULL)
		memcpy(&key, random, sizeof key);
	return key | 1;
}

int mac_parse(const char *text, struct mac *mac)
{
	for (int i = 0; i < 6; i++, text += 3) {
		char digits[3] = {text[0], text[0] ? text[1] : '\0', '\0'};
		const char end = digits[1] ? text[2] : '\0';

		if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
			return GRAPPE_EFORMAT;
		if (i < 5 ? end != ':' && end != '-' : end != '\0')
			return GRAPPE_EFORMAT;
		mac->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return GRAPPE_OK;
}

const char *mac_format(const struct mac *mac, char out[MAC_TEXT_SIZE])
{
	const uint8_t *b = mac->bytes;

	snprintf(out, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
	    b[5]);
	return out;
}

bool mac_is_group(const struct mac *mac)
{
	return (mac->bytes[0] & 1) != 0;
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
