/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the attributes of netlink messages (struct rtattr), one after the other, never beyond the
 * end. Pure.
 */
#ifndef GRAPPE_AGENT_MODULE_ATTRIBUTES_H
#define GRAPPE_AGENT_MODULE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attributes {
	const uint8_t *bytes; /* what is left to read; borrowed */
	size_t left;
};

/* attributes_next - the next attribute, its value borrowed; false at the end or at the first broken
 * one. */
bool attributes_next(
    struct attributes *attributes, uint16_t *type, const uint8_t **value, size_t *length);
/* attributes_u32 - a value of at least four bytes in host order; of a shorter one 0. */
uint32_t attributes_u32(const uint8_t *value, size_t length);

#endif
