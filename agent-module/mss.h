/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wire packets of super-frames (S-8). Between guests of one host, segmentation offload
 * hands over frames of up to 64 kB and more; what counts is how many packets they would be on a
 * wire. A TCP sender fills segments up to the smaller of the two maximum segment sizes (MSS) that
 * both sides announced in their SYNs (RFC 9293, 3.7.1), less the TCP options it sends along (RFC
 * 6691). This table remembers the MSS of both directions per connection; a connection of which only
 * one SYN was seen is split by that one's MSS, one without by the interface's MTU; both are marked
 * estimated. So is a super-frame made of smaller segments than were announced, because its sender has
 * found a smaller path MTU (RFC 1191, RFC 8201): that shows in a segment that is shorter than the MSS
 * although the stream goes on behind it.
 *
 * Life-cycle: mss_new(), mss_count() for every frame in order, mss_free(). The table has a fixed
 * size: the connection not used for longest makes room. Pure; one thread at a time per table.
 */
#ifndef GRAPPE_AGENT_MODULE_MSS_H
#define GRAPPE_AGENT_MODULE_MSS_H

#include "agent-module/decode.h"

#include <stdbool.h>
#include <stdint.h>

#define MSS_CONNECTIONS_DEFAULT 65536
#define MSS_MTU_DEFAULT 1500
#define MSS_MTU_MIN 68 /* RFC 791 */
#define MSS_MTU_MAX 65535

struct mss_table; /* opaque */

/* What a frame is on the wire. */
struct wire_count {
	uint64_t packets;
	uint64_t octets; /* IP-level bytes of these packets: headers are repeated in each */
	bool estimated;  /* it was split without knowing the size of its segments for sure */
};

/* mss_new - table for at most `connections` (> 0). Returns NULL without memory. */
struct mss_table *mss_new(uint32_t connections);
/* mss_free - NULL is allowed. */
void mss_free(struct mss_table *table);

/*
 * mss_count - learns from a SYN and counts a frame of kind FRAME_IP.
 * scope: separates equal addresses and ports seen at different places (overlapping tenants).
 * mtu: of the interface, MSS_MTU_MIN…; frames of unknown MSS are split only above it.
 */
struct wire_count mss_count(
    struct mss_table *table, uint32_t scope, const struct frame *frame, uint32_t mtu);

#endif
