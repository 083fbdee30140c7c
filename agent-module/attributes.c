/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/attributes.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

bool attributes_next(
    struct attributes *attributes, uint16_t *type, const uint8_t **value, size_t *length)
{
	struct rtattr head;
	size_t step;

	if (attributes->left < sizeof head)
		return false;
	memcpy(&head, attributes->bytes, sizeof head);
	if (head.rta_len < sizeof head || head.rta_len > attributes->left)
		return false;
	*type = head.rta_type & NLA_TYPE_MASK;
	*value = attributes->bytes + sizeof head;
	*length = head.rta_len - sizeof head;
	step = RTA_ALIGN(head.rta_len);
	attributes->bytes += step < attributes->left ? step : attributes->left;
	attributes->left -= step < attributes->left ? step : attributes->left;
	return true;
}

uint32_t attributes_u32(const uint8_t *value, size_t length)
{
	uint32_t number = 0;

	if (length >= sizeof number)
		memcpy(&number, value, sizeof number);
	return number;
}
