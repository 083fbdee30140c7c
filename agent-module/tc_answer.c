/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/tc_answer.h"

#include "agent-module/attributes.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_MAX 65536 /* filters or disciplines of one answer */
#define ERRNO_MAX 4095  /* of the kernel */

static void parse_options(const uint8_t *value, size_t length, struct tc_found *found)
{
	struct attributes attributes = {.bytes = value, .left = length};
	uint16_t type;

	while (attributes_next(&attributes, &type, &value, &length))
		if (type == TCA_BPF_NAME)
			snprintf(found->name, sizeof found->name, "%.*s", (int)length,
			    (const char *)value);
}

static void keep_found(struct tc_found_list *list, const struct tc_found *found)
{
	struct tc_found *items = list->items;

	if (list->count == list->capacity) {
		const size_t wanted = list->capacity > 0 ? list->capacity * 2 : 16;

		items = wanted <= FOUND_MAX ? reallocarray(items, wanted, sizeof *items) : NULL;
		if (items == NULL)
			return;
		list->items = items;
		list->capacity = wanted;
	}
	list->items[list->count++] = *found;
}

/* Keeps bpf filters, clsact disciplines and filters of other kinds; not other disciplines. */
static void note_found(
    uint16_t answer, const uint8_t *body, size_t size, struct tc_found_list *list)
{
	const uint8_t *value, *options = NULL;
	size_t length, options_length = 0;
	struct attributes attributes;
	struct tc_found found = {0};
	struct tcmsg message;
	uint16_t type;

	if (size < NLMSG_ALIGN(sizeof message))
		return;
	memcpy(&message, body, sizeof message);
	found.ifindex = (uint32_t)message.tcm_ifindex;
	found.handle = message.tcm_handle;
	found.parent = message.tcm_parent;
	found.info = message.tcm_info;
	attributes = (struct attributes){.bytes = body + NLMSG_ALIGN(sizeof message),
	    .left = size - NLMSG_ALIGN(sizeof message)};
	while (attributes_next(&attributes, &type, &value, &length)) {
		if (type == TCA_KIND) {
			found.is_bpf = length >= 4 && memcmp(value, "bpf", 4) == 0;
			found.is_clsact = length >= 7 && memcmp(value, "clsact", 7) == 0;
		} else if (type == TCA_OPTIONS) {
			options = value;
			options_length = length;
		}
	}
	if (found.is_bpf && options != NULL)
		parse_options(options, options_length, &found);
	if (found.is_clsact || answer == RTM_NEWTFILTER)
		keep_found(list, &found);
}

/* The verdict that begins the body of an acknowledgement or the end of a dump. Returns 1 or -1. */
static int take_verdict(const uint8_t *body, size_t size)
{
	int error = -EBADMSG;

	if (size >= sizeof error)
		memcpy(&error, body, sizeof error);
	if (error >= 0)
		return 1;
	errno = error >= -ERRNO_MAX ? -error : EBADMSG;
	return -1;
}

static int take_message(
    const struct nlmsghdr *head, const uint8_t *body, struct tc_found_list *list)
{
	const size_t size = head->nlmsg_len - NLMSG_HDRLEN;

	if (head->nlmsg_type == NLMSG_DONE)
		return size > 0 ? take_verdict(body, size) : 1;
	if (head->nlmsg_type == NLMSG_ERROR)
		return take_verdict(body, size);
	if (list != NULL &&
	    (head->nlmsg_type == RTM_NEWTFILTER || head->nlmsg_type == RTM_NEWQDISC))
		note_found(head->nlmsg_type, body, size, list);
	return 0;
}

int tc_answer_parse(const void *bytes, size_t length, uint32_t sequence, struct tc_found_list *list)
{
	const uint8_t *at = bytes;
	int state = 0;

	while (length >= NLMSG_HDRLEN && state == 0) {
		struct nlmsghdr head;
		size_t step;

		memcpy(&head, at, sizeof head);
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > length) {
			errno = EBADMSG;
			return -1;
		}
		if (head.nlmsg_seq == sequence)
			state = take_message(&head, at + NLMSG_HDRLEN, list);
		step = NLMSG_ALIGN(head.nlmsg_len);
		at += step < length ? step : length;
		length -= step < length ? step : length;
	}
	return state;
}
