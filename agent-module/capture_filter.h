/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The classic BPF program of a capture socket: everything delivered to the guest passes; of what
 * the guest sends only what is needed to learn from: ARP, neighbour discovery, TCP SYNs, all that
 * goes to named endpoints, and a random share of the rest.
 *
 * libpcap does not tell the direction of an Ethernet frame, so the program writes it into the
 * captured length: of a frame that the guest sent at least one byte is cut off and no more than
 * snaplen - FILTER_SENT_CUT is kept. A frame delivered to the guest is kept whole or to snaplen
 * bytes. See capture_filter_is_sent(). The direction itself is the kernel's packet type; on macvtap
 * it means the opposite. Pure.
 */
#ifndef GRAPPE_AGENT_MODULE_CAPTURE_FILTER_H
#define GRAPPE_AGENT_MODULE_CAPTURE_FILTER_H

#include "common/address.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_SENT_CUT 16 /* more than the VLAN tag that libpcap puts back */
#define FILTER_SNAPLEN_MIN 128
#define FILTER_SAMPLE_MASK 63 /* one of 64 other frames is looked at; a power of two less one */
#define FILTER_ENDPOINTS_MAX 64
#define FILTER_LENGTH_MAX 1024 /* instructions */

/*
 * capture_filter_build - writes the program into out. snaplen: FILTER_SNAPLEN_MIN or more;
 * reversed: see above; endpoints: at most FILTER_ENDPOINTS_MAX are used. Returns the number of
 * instructions.
 */
size_t capture_filter_build(uint32_t snaplen, bool reversed, const struct address *endpoints,
    size_t nendpoints, struct sock_filter out[FILTER_LENGTH_MAX]);

/* capture_filter_is_sent - whether the guest sent a frame captured through that program. */
static inline bool capture_filter_is_sent(uint32_t captured, uint32_t length, uint32_t snaplen)
{
	return captured < length && captured < snaplen;
}

#endif
