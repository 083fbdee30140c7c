/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds Ethernet frames for tests of the sensor, field by field, into a buffer of its own.
 */
#ifndef GRAPPE_TESTS_UNIT_FRAMES_H
#define GRAPPE_TESTS_UNIT_FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct made_frame {
	uint8_t bytes[2048];
	size_t length; /* bytes made; what a capture may cut */
	size_t
	    wire; /* length on the interface: bytes made and the payload that is not in `bytes` */
};

/* Texts are addresses as in common/address.h. */
void frame_ethernet(
    struct made_frame *frame, const char *destination, const char *source, uint16_t ethertype);
/* A VLAN tag after the addresses: replaces the EtherType and appends the old one. */
void frame_vlan(struct made_frame *frame, uint16_t tag, uint16_t vlan);
/* options: bytes of (padding) options; total: the length field. */
void frame_ipv4(struct made_frame *frame, const char *source, const char *destination,
    uint8_t protocol, unsigned options, uint16_t total, uint16_t fragment);
void frame_ipv6(struct made_frame *frame, const char *source, const char *destination, uint8_t next,
    uint16_t payload, uint8_t hop_limit);
/* options: filled with NOPs behind an MSS option when mss is not 0; multiple of 4. */
void frame_tcp(struct made_frame *frame, uint16_t source, uint16_t destination, uint8_t flags,
    unsigned options, uint16_t mss);
void frame_put(struct made_frame *frame, const void *bytes, size_t length);
void frame_put_zeros(struct made_frame *frame, size_t length);

/* A whole TCP frame over IPv4 with `payload` bytes, all headers in `bytes`, payload only in `wire`.
 */
void frame_make_tcp(struct made_frame *frame, const char *destination_mac, const char *source_mac,
    const char *source, const char *destination, uint16_t source_port, uint16_t destination_port,
    uint8_t flags, unsigned options, uint16_t mss, uint32_t payload);
/* A whole UDP frame over IPv4 between the port 5000 of both. */
void frame_make_udp(struct made_frame *frame, const char *destination_mac, const char *source_mac,
    const char *source, const char *destination, uint32_t payload);
/* ARP from `mac`, `address` asking for `target`. */
void frame_make_arp(struct made_frame *frame, const char *destination_mac, const char *mac,
    const char *address, const char *target);

#endif
