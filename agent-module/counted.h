/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sum that a back end which counts by itself hands to the accounting, in place of single frames.
 */
#ifndef GRAPPE_AGENT_MODULE_COUNTED_H
#define GRAPPE_AGENT_MODULE_COUNTED_H

#include "common/address.h"

#include <stdint.h>

enum counted_kind {
	COUNTED_RECEIVED,  /* from a peer */
	COUNTED_SENT,      /* to a named endpoint */
	COUNTED_MULTICAST, /* group MAC or group address */
	COUNTED_OTHER,     /* from peers that found no room in the table */
	COUNTED_NONIP,
	COUNTED_UNMATCHED, /* for no virtual NIC that is watched */
	COUNTED_MALFORMED,
};

struct counted {
	enum counted_kind kind;
	int handle;               /* of account_watch(); -1: no virtual NIC */
	struct address peer;      /* COUNTED_RECEIVED, COUNTED_SENT */
	uint64_t packets, octets; /* wire packets, IP-level bytes */
	int64_t end_s;            /* of the period they belong to, epoch seconds */
};

#endif
