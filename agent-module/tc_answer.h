/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel answers to requests about queueing disciplines and filters (rtnetlink(7)): finds
 * those of interest in one datagram. Pure; tc_filter.c asks.
 */
#ifndef GRAPPE_AGENT_MODULE_TC_ANSWER_H
#define GRAPPE_AGENT_MODULE_TC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TC_NAME_SIZE 48

/* A filter, or a clsact discipline; numbers as in struct tcmsg. */
struct tc_found {
	uint32_t ifindex, handle, parent, info;
	bool is_bpf, is_clsact;
	char name[TC_NAME_SIZE]; /* of a bpf filter, cut to its length; "" = none */
};

struct tc_found_list {
	struct tc_found *items; /* owned by who began with {0}: free() */
	size_t count, capacity;
};

/*
 * tc_answer_parse - takes what the messages with this sequence number say; those of earlier
 * requests, which timed out, are passed over. list: filters of all kinds and clsact disciplines are
 * added as far as memory allows; NULL when only the verdict is wanted. Returns 1 when the answer is
 * complete, 0 when more is to come, -1 (errno) for an error that the kernel reports, EBADMSG for a
 * cut message.
 */
int tc_answer_parse(
    const void *bytes, size_t length, uint32_t sequence, struct tc_found_list *list);

#endif
