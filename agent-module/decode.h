/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the bytes of an Ethernet frame to what the sensor needs to know of it: who sent
 * it to whom, how long it is at the IP level, where its payload starts, and what it
 * says about its sender (ARP and neighbour discovery claims, the MSS of a SYN).
 *
 * Frames come from guests and savefiles and are hostile: every byte is read through
 * common/buffer.h. A frame cut by the capture length is normal; what lies behind the cut
 * is simply unknown. Pure, no allocation, any thread.
 */
#ifndef GRAPPE_AGENT_MODULE_DECODE_H
#define GRAPPE_AGENT_MODULE_DECODE_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_kind {
	FRAME_MALFORMED, /* no Ethernet header, or an IP header that is cut or contradicts the frame
			  */
	FRAME_NONIP,     /* ARP, LLDP, spanning tree… */
	FRAME_IP,        /* IPv4 or IPv6: the addresses and lengths below are known */
};

#define TCP_FLAG_FIN 0x01
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_PSH 0x08
#define TCP_FLAG_ACK 0x10

struct frame {
	uint8_t kind;  /* enum frame_kind */
	bool has_macs; /* the two fields below were there */
	struct mac destination, source;
	uint32_t link_length;    /* Ethernet header with its VLAN tags */
	uint32_t wire_length;    /* whole frame as it was on the interface */
	uint32_t network_length; /* IP-level bytes: from the IP header; of other frames all behind
				    the Ethernet header */
	/* FRAME_IP */
	struct address ip_source, ip_destination;
	uint32_t network_header; /* IP header with options and extension headers */
	uint8_t protocol;        /* after the extension headers (IANA protocol numbers) */
	bool fragment;           /* any fragment: more to come, or not the first */
	bool has_transport;      /* the transport header was readable: the fields below are known */
	uint32_t transport_header; /* bytes of the TCP (with options) or UDP header */
	uint32_t payload;          /* network_length - network_header - transport_header */
	uint16_t source_port, destination_port;
	uint8_t tcp_flags;
	bool has_mss; /* a SYN with the MSS option */
	uint16_t mss;
	/* What the sender says is its own address (RFC 826, RFC 4861); ADDRESS_NONE: nothing. */
	struct address claim;
	struct mac claim_mac; /* for ARP the hardware address named in the packet, else `source` */
};

/*
 * frame_decode - reads an Ethernet II or 802.3 frame with up to four VLAN tags.
 * bytes, captured: what was captured; wire_length: length of the frame on the interface, >=
 * captured (a smaller value is taken as `captured`). Fills *frame completely; frame->kind is the
 * verdict. An IPv4 total length of 0 (a frame on its way to segmentation offload) and an IPv6
 * payload length of 0 without jumbo payload option (RFC 2675) mean "all of the frame".
 */
void frame_decode(const uint8_t *bytes, size_t captured, size_t wire_length, struct frame *frame);

/* frame_is_group - sent to many: group MAC, or an IP destination that is multicast or the limited
 * broadcast. */
bool frame_is_group(const struct frame *frame);

#endif
