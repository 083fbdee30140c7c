/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/tc_filter.h"

#include "agent-module/tc_answer.h"
#include "common/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 32768
#define ANSWER_WAIT_S 5
#define PRIORITY_ALONE                                                                             \
	16 /* of a filter beside which there is none: others may still come before                 \
	    */

struct tc {
	int fd;
	uint32_t sequence;
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_BYTES];
};

/* A request under construction. */
struct request {
	struct nlmsghdr head;
	struct tcmsg message;
	uint8_t attributes[256];
};

int tc_open(struct tc **out)
{
	const struct timeval wait = {.tv_sec = ANSWER_WAIT_S};
	struct tc *tc = calloc(1, sizeof *tc);

	*out = tc;
	if (tc == NULL)
		return GRAPPE_EMEMORY;
	tc->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (tc->fd >= 0 && setsockopt(tc->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0)
		return GRAPPE_OK;
	tc_close(tc);
	*out = NULL;
	return GRAPPE_EIO;
}

void tc_close(struct tc *tc)
{
	if (tc == NULL)
		return;
	if (tc->fd >= 0)
		close(tc->fd);
	free(tc);
}

/* ---- requests ---- */

static struct request request_for(uint16_t type, uint16_t flags, uint32_t ifindex)
{
	return (struct request){.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct tcmsg)),
				    .nlmsg_type = type,
				    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
	    .message = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex}};
}

static size_t put_attribute(struct request *request, uint16_t type, const void *value, size_t size)
{
	uint8_t *at = (uint8_t *)request + NLMSG_ALIGN(request->head.nlmsg_len);
	const struct rtattr attribute = {
	    .rta_type = type, .rta_len = (unsigned short)RTA_LENGTH(size)};
	const size_t place = (size_t)(at - (uint8_t *)request);

	memcpy(at, &attribute, sizeof attribute);
	if (size > 0)
		memcpy(at + RTA_LENGTH(0), value, size);
	request->head.nlmsg_len = (uint32_t)(place + RTA_SPACE(size));
	return place;
}

static void end_nested(struct request *request, size_t place)
{
	const unsigned short length = (unsigned short)(request->head.nlmsg_len - place);

	memcpy((uint8_t *)request + place, &length, sizeof length);
}

static uint32_t parent_of(bool ingress)
{
	return TC_H_MAKE(TC_H_CLSACT, ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

/* ---- answers ---- */

/* Sends the request and reads its answer to the end. */
static int ask(struct tc *tc, struct request *request, struct tc_found_list *list)
{
	int state = 0;

	request->head.nlmsg_seq = ++tc->sequence;
	if (send(tc->fd, request, request->head.nlmsg_len, 0) < 0)
		return GRAPPE_EIO;
	while (state == 0) {
		const ssize_t n = recv(tc->fd, tc->answer, sizeof tc->answer, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return GRAPPE_EIO;
		state = tc_answer_parse(tc->answer, (size_t)n, tc->sequence, list);
	}
	return state > 0 ? GRAPPE_OK : GRAPPE_EIO;
}

/* list is overwritten; its items are the caller's, also after an error. */
static int list_filters(struct tc *tc, uint32_t ifindex, bool ingress, struct tc_found_list *list)
{
	struct request request = request_for(RTM_GETTFILTER, NLM_F_DUMP, ifindex);

	*list = (struct tc_found_list){0};
	request.message.tcm_parent = parent_of(ingress);
	return ask(tc, &request, list);
}

/* ---- the discipline ---- */

/* Whether the interface has a clsact discipline; an "ingress" one has the same handle. */
static bool has_room(struct tc *tc, uint32_t ifindex)
{
	struct request request = request_for(RTM_GETQDISC, NLM_F_DUMP, ifindex);
	struct tc_found_list list = {0};
	bool any = false;

	if (ask(tc, &request, &list) == GRAPPE_OK)
		for (size_t i = 0; i < list.count && !any; i++)
			any = list.items[i].ifindex == ifindex;
	free(list.items);
	return any;
}

int tc_make_room(struct tc *tc, uint32_t ifindex, bool *made)
{
	struct request request =
	    request_for(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifindex);

	request.message.tcm_parent = TC_H_CLSACT;
	request.message.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	put_attribute(&request, TCA_KIND, "clsact", sizeof "clsact");
	*made = ask(tc, &request, NULL) == GRAPPE_OK;
	if (*made)
		return GRAPPE_OK;
	if (errno != EEXIST)
		return GRAPPE_EIO;
	if (has_room(tc, ifindex))
		return GRAPPE_OK;
	errno = EBUSY;
	return GRAPPE_EIO;
}

/* Whether there is any filter, or it cannot be told. */
static bool has_filters(struct tc *tc, uint32_t ifindex)
{
	bool any = false;

	for (int ingress = 0; ingress < 2 && !any; ingress++) {
		struct tc_found_list list;

		any = list_filters(tc, ifindex, ingress != 0, &list) != GRAPPE_OK || list.count > 0;
		free(list.items);
	}
	return any;
}

void tc_remove_room(struct tc *tc, uint32_t ifindex)
{
	struct request request = request_for(RTM_DELQDISC, NLM_F_ACK, ifindex);

	if (has_filters(tc, ifindex))
		return;
	request.message.tcm_parent = TC_H_CLSACT;
	request.message.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	put_attribute(&request, TCA_KIND, "clsact", sizeof "clsact");
	(void)ask(tc, &request, NULL);
}

/* ---- filters ---- */

/* A priority (1 is the first) before all that are there, or 0 when there is none. */
static uint32_t first_priority(struct tc *tc, uint32_t ifindex, bool ingress)
{
	uint32_t first = PRIORITY_ALONE + 1;
	struct tc_found_list list;

	if (list_filters(tc, ifindex, ingress, &list) != GRAPPE_OK)
		first = 0;
	for (size_t i = 0; i < list.count; i++) {
		const uint32_t priority = TC_H_MAJ(list.items[i].info) >> 16;

		first = priority < first ? priority : first;
	}
	free(list.items);
	return first > 0 ? first - 1 : 0;
}

int tc_attach(struct tc *tc, uint32_t ifindex, bool ingress, int program, const char *name)
{
	struct request request =
	    request_for(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifindex);
	const uint32_t fd = (uint32_t)program, flags = TCA_BPF_FLAG_ACT_DIRECT,
		       priority = first_priority(tc, ifindex, ingress);
	size_t options;

	if (priority == 0) {
		errno = EBUSY;
		return GRAPPE_EIO;
	}
	request.message.tcm_parent = parent_of(ingress);
	request.message.tcm_info = TC_H_MAKE(priority << 16, htons(ETH_P_ALL));
	put_attribute(&request, TCA_KIND, "bpf", sizeof "bpf");
	options = put_attribute(&request, TCA_OPTIONS, NULL, 0);
	put_attribute(&request, TCA_BPF_FD, &fd, sizeof fd);
	put_attribute(&request, TCA_BPF_NAME, name, strnlen(name, TC_NAME_SIZE - 1) + 1);
	put_attribute(&request, TCA_BPF_FLAGS, &flags, sizeof flags);
	end_nested(&request, options);
	return ask(tc, &request, NULL);
}

static int delete_filter(struct tc *tc, const struct tc_found *found)
{
	struct request request = request_for(RTM_DELTFILTER, NLM_F_ACK, found->ifindex);

	request.message.tcm_parent = found->parent;
	request.message.tcm_handle = found->handle;
	request.message.tcm_info = found->info;
	put_attribute(&request, TCA_KIND, "bpf", sizeof "bpf");
	return ask(tc, &request, NULL);
}

static int detach_direction(
    struct tc *tc, uint32_t ifindex, bool ingress, tc_wanted *wanted, void *context)
{
	struct tc_found_list list;
	int removed = list_filters(tc, ifindex, ingress, &list) == GRAPPE_OK ? 0 : GRAPPE_EIO;

	for (size_t i = 0; i < list.count && removed >= 0; i++)
		if (list.items[i].is_bpf && list.items[i].handle != 0 &&
		    wanted(context, list.items[i].name) &&
		    delete_filter(tc, &list.items[i]) == GRAPPE_OK)
			removed++;
	free(list.items);
	return removed;
}

int tc_count(struct tc *tc, uint32_t ifindex, tc_wanted *wanted, void *context)
{
	int count = 0;

	for (int ingress = 0; ingress < 2 && count >= 0; ingress++) {
		struct tc_found_list list;

		if (list_filters(tc, ifindex, ingress != 0, &list) != GRAPPE_OK)
			count = GRAPPE_EIO;
		for (size_t i = 0; i < list.count && count >= 0; i++)
			count += list.items[i].is_bpf && list.items[i].handle != 0 &&
				 wanted(context, list.items[i].name);
		free(list.items);
	}
	return count;
}

int tc_detach(struct tc *tc, uint32_t ifindex, tc_wanted *wanted, void *context)
{
	const int in = detach_direction(tc, ifindex, true, wanted, context);
	const int out = detach_direction(tc, ifindex, false, wanted, context);

	return in < 0 || out < 0 ? GRAPPE_EIO : in + out;
}

int tc_sweep(struct tc *tc, tc_wanted *wanted, void *context)
{
	struct request request = request_for(RTM_GETQDISC, NLM_F_DUMP, 0);
	struct tc_found_list rooms = {0};
	int removed = ask(tc, &request, &rooms);

	for (size_t i = 0; i < rooms.count && removed >= 0; i++) {
		const uint32_t ifindex = rooms.items[i].ifindex;
		const int n = tc_detach(tc, ifindex, wanted, context);

		if (n > 0)
			tc_remove_room(tc, ifindex);
		removed += n > 0 ? n : 0;
	}
	free(rooms.items);
	return removed;
}
