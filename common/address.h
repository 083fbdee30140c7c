/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Internet and Ethernet addresses as values: comparable, hashable, printable.
 * Pure functions, any thread.
 */
#ifndef GRAPPE_COMMON_ADDRESS_H
#define GRAPPE_COMMON_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are those of InetAddressType (RFC 4001), so that they need no translation in the MIB.
 */
enum address_type { ADDRESS_NONE = 0, ADDRESS_IPV4 = 1, ADDRESS_IPV6 = 2 };

struct address {
	uint8_t type;      /* enum address_type */
	uint8_t bytes[16]; /* network order; unused bytes are zero */
};

struct mac {
	uint8_t bytes[6];
};

#define ADDRESS_TEXT_SIZE 46 /* longest text of an address with its final zero */
#define MAC_TEXT_SIZE 18

struct address address_from_ipv4(const uint8_t bytes[4]);
struct address address_from_ipv6(const uint8_t bytes[16]);
/* address_size - 4, 16, or 0 for ADDRESS_NONE. */
size_t address_size(const struct address *address);
/* address_parse - dotted IPv4 or RFC 4291 IPv6 text. Returns 0 or GRAPPE_EFORMAT. */
int address_parse(const char *text, struct address *address);
/* address_format - RFC 5952 text into out; returns out. ADDRESS_NONE gives "-". */
const char *address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]);
/* address_compare - order of the SNMP index {InetAddressType, InetAddress}; <0, 0, >0. */
int address_compare(const struct address *a, const struct address *b);
/* address_is_multicast - multicast or the IPv4 limited broadcast. */
bool address_is_multicast(const struct address *address);
uint64_t address_hash(const struct address *address);
/* address_hash_keyed - the same for tables whose keys a stranger chooses: with a random key nobody outside
 * can make many addresses fall into one bucket. */
uint64_t address_hash_keyed(const struct address *address, uint64_t key);
/* address_hash_key - a random key, the same for the life of the process. */
uint64_t address_hash_key(void);

/* mac_parse - six hexadecimal octets separated by ':' or '-'. Returns 0 or GRAPPE_EFORMAT. */
int mac_parse(const char *text, struct mac *mac);
const char *mac_format(const struct mac *mac, char out[MAC_TEXT_SIZE]);
/* mac_is_group - multicast or broadcast (IEEE 802 I/G bit). */
bool mac_is_group(const struct mac *mac);
bool mac_equal(const struct mac *a, const struct mac *b);

#endif
