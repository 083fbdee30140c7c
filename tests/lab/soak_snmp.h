/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * As much of SNMPv2c (RFC 3416, RFC 1901) as one needs to answer the GET requests of
 * grappe-collector for a fleet that is made up: the message is taken apart, each variable is asked
 * of the caller, the answer put together. Pure; the test's own requests only, so what it does not
 * know is an error rather than answered.
 */
#ifndef GRAPPE_TESTS_LAB_SOAK_SNMP_H
#define GRAPPE_TESTS_LAB_SOAK_SNMP_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define SNMP_NAME_MAX 32 /* sub-identifiers of one name */
#define SNMP_VARIABLES_MAX 32

struct snmp_name {
	uint32_t ids[SNMP_NAME_MAX];
	size_t count;
};

struct snmp_get {
	const uint8_t *community, *request_id; /* in the message */
	size_t community_size, request_id_size;
	size_t count;
	struct snmp_name names[SNMP_VARIABLES_MAX];
	const uint8_t *raw[SNMP_VARIABLES_MAX]; /* the encoded name, in the message */
	size_t raw_size[SNMP_VARIABLES_MAX];
};

enum snmp_kind { SNMP_ABSENT, SNMP_UNSIGNED, SNMP_OCTETS };

struct snmp_value {
	enum snmp_kind kind;
	uint32_t number;
	const uint8_t *bytes; /* borrowed */
	size_t length;
};

/* snmp_parse_get - a GET into *get, which points into the message. False: it is none. */
bool snmp_parse_get(const uint8_t *message, size_t length, struct snmp_get *get);

/* snmp_write_answer - appends the answer to out; values: one for each variable asked for. */
void snmp_write_answer(
    const struct snmp_get *get, const struct snmp_value *values, struct buffer *out);

#endif
