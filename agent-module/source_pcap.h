/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of one interface through libpcap, live. The socket's filter is attached with
 * SO_ATTACH_FILTER, not pcap_setfilter(), which would lose the first block of the ring, and what
 * was captured before the filter stood is skipped by its time stamp. Never promiscuous: all that is
 * delivered to a guest passes the host's end of its NIC anyway.
 *
 * Life-cycle: source_pcap_open(), source_pcap_read() whenever the descriptor is readable, until it
 * fails: the interface is gone, the source is dead; source_pcap_close(). One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_SOURCE_PCAP_H
#define GRAPPE_AGENT_MODULE_SOURCE_PCAP_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_BUFFER_MIN (512u << 10) /* two blocks of libpcap's ring */
#define SOURCE_BLOCK_MS 100            /* a block that is not full is handed over after this time */

struct source_options {
	const char *interface;
	uint32_t snaplen;
	uint32_t buffer_bytes;           /* SOURCE_BUFFER_MIN or more */
	bool reversed;                   /* see capture_filter.h */
	const struct address *endpoints; /* named endpoints */
	size_t nendpoints;
};

/* One frame: `captured` of its `length` bytes, when the kernel saw it, and whether the guest sent
 * it. */
typedef void source_handler(void *context, const uint8_t *bytes, uint32_t captured, uint32_t length,
    int64_t stamp_ns, bool sent);

struct source_pcap; /* opaque */

/* source_pcap_open - starts capturing. Returns 0, GRAPPE_EIO, GRAPPE_EUNSUPPORTED (no Ethernet) or
 * GRAPPE_EMEMORY, with the reason in message[size]. */
int source_pcap_open(
    const struct source_options *options, struct source_pcap **out, char *message, size_t size);
/* source_pcap_close - NULL is allowed. */
void source_pcap_close(struct source_pcap *source);
int source_pcap_fd(const struct source_pcap *source);
/* source_pcap_since_ns - wall clock time from which on everything is captured. */
int64_t source_pcap_since_ns(const struct source_pcap *source);
/* source_pcap_read - hands waiting frames to the handler, at most about `limit` (> 0). Returns how
 * many, or GRAPPE_EIO when the source is dead; message[size] says why. */
int source_pcap_read(struct source_pcap *source, int limit, source_handler *handler, void *context,
    char *message, size_t size);
/* source_pcap_drops - frames the kernel lost since the last call because the ring was full. */
uint64_t source_pcap_drops(struct source_pcap *source);

#endif
