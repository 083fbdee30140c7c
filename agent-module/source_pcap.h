/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of one interface through libpcap, live. The socket's filter is attached with
 * SO_ATTACH_FILTER, not pcap_setfilter(), which would lose the first block of the ring, and what
 * was captured before the filter stood is skipped by its time stamp. Never promiscuous: all that is
 * delivered to a guest passes the host's end of its NIC anyway.
 * See source.h.
 */
#ifndef GRAPPE_AGENT_MODULE_SOURCE_PCAP_H
#define GRAPPE_AGENT_MODULE_SOURCE_PCAP_H

#include "agent-module/source.h"
#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_BUFFER_MIN (512u << 10) /* about 2,000 frames */
#define SOURCE_BUFFER_BLOCKS (1u << 20) /* a smaller ring is no row of blocks but of frames */
#define SOURCE_BLOCK_MS 100            /* a block that is not full is handed over after this time */

struct source_options {
	const char *interface;
	uint32_t snaplen;
	uint32_t buffer_bytes;           /* SOURCE_BUFFER_MIN or more */
	bool reversed;                   /* see capture_filter.h */
	const struct address *endpoints; /* named endpoints */
	size_t nendpoints;
};

/* source_pcap_open - starts capturing. Returns 0, GRAPPE_EIO, GRAPPE_EUNSUPPORTED (no Ethernet) or
 * GRAPPE_EMEMORY, with the reason in message[size]. */
int source_pcap_open(
    const struct source_options *options, struct source **out, char *message, size_t size);

#endif
