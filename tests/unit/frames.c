/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/frames.h"

#include "common/address.h"

#include <stdlib.h>
#include <string.h>

void frame_put(struct made_frame *frame, const void *bytes, size_t length)
{
	if (length > sizeof frame->bytes - frame->length)
		abort();
	if (length > 0)
		memcpy(frame->bytes + frame->length, bytes, length);
	frame->length += length;
	frame->wire += length;
}

void frame_put_zeros(struct made_frame *frame, size_t length)
{
	static const uint8_t zeros[2048];

	frame_put(frame, zeros, length);
}

static void put_u8(struct made_frame *frame, uint8_t value)
{
	frame_put(frame, &value, 1);
}

static void put_u16(struct made_frame *frame, uint16_t value)
{
	put_u8(frame, (uint8_t)(value >> 8));
	put_u8(frame, (uint8_t)value);
}

static void put_mac(struct made_frame *frame, const char *text)
{
	struct mac mac;

	if (mac_parse(text, &mac) != 0)
		abort();
	frame_put(frame, mac.bytes, sizeof mac.bytes);
}

static void put_address(struct made_frame *frame, const char *text)
{
	struct address address;

	if (address_parse(text, &address) != 0)
		abort();
	frame_put(frame, address.bytes, address_size(&address));
}

void frame_ethernet(
    struct made_frame *frame, const char *destination, const char *source, uint16_t ethertype)
{
	frame->length = frame->wire = 0;
	put_mac(frame, destination);
	put_mac(frame, source);
	put_u16(frame, ethertype);
}

void frame_vlan(struct made_frame *frame, uint16_t tag, uint16_t vlan)
{
	const uint8_t inner[2] = {frame->bytes[frame->length - 2], frame->bytes[frame->length - 1]};

	frame->length -= 2;
	frame->wire -= 2;
	put_u16(frame, tag);
	put_u16(frame, vlan);
	frame_put(frame, inner, 2);
}

void frame_ipv4(struct made_frame *frame, const char *source, const char *destination,
    uint8_t protocol, unsigned options, uint16_t total, uint16_t fragment)
{
	put_u8(frame, (uint8_t)(0x40 | (5 + options / 4)));
	put_u8(frame, 0);
	put_u16(frame, total);
	put_u16(frame, 0);
	put_u16(frame, fragment);
	put_u8(frame, 64);
	put_u8(frame, protocol);
	put_u16(frame, 0);
	put_address(frame, source);
	put_address(frame, destination);
	for (unsigned i = 0; i < options; i++)
		put_u8(frame, 1);
}

void frame_ipv6(struct made_frame *frame, const char *source, const char *destination, uint8_t next,
    uint16_t payload, uint8_t hop_limit)
{
	put_u8(frame, 0x60);
	frame_put_zeros(frame, 3);
	put_u16(frame, payload);
	put_u8(frame, next);
	put_u8(frame, hop_limit);
	put_address(frame, source);
	put_address(frame, destination);
}

void frame_tcp(struct made_frame *frame, uint16_t source, uint16_t destination, uint8_t flags,
    unsigned options, uint16_t mss)
{
	put_u16(frame, source);
	put_u16(frame, destination);
	frame_put_zeros(frame, 8);
	put_u8(frame, (uint8_t)((5 + options / 4) << 4));
	put_u8(frame, flags);
	frame_put_zeros(frame, 6);
	if (mss != 0) {
		put_u8(frame, 2);
		put_u8(frame, 4);
		put_u16(frame, mss);
	}
	for (unsigned i = mss != 0 ? 4 : 0; i < options; i++)
		put_u8(frame, 1);
}

void frame_make_tcp(struct made_frame *frame, const char *destination_mac, const char *source_mac,
    const char *source, const char *destination, uint16_t source_port, uint16_t destination_port,
    uint8_t flags, unsigned options, uint16_t mss, uint32_t payload)
{
	const uint32_t total = 40 + options + payload;

	frame_ethernet(frame, destination_mac, source_mac, 0x0800);
	/* As Linux does: a length that does not fit is left 0. */
	frame_ipv4(frame, source, destination, 6, 0, (uint16_t)(total > 0xffff ? 0 : total), 0);
	frame_tcp(frame, source_port, destination_port, flags, options, mss);
	frame->wire += payload;
}

void frame_make_udp(struct made_frame *frame, const char *destination_mac, const char *source_mac,
    const char *source, const char *destination, uint32_t payload)
{
	frame_ethernet(frame, destination_mac, source_mac, 0x0800);
	frame_ipv4(frame, source, destination, 17, 0, (uint16_t)(28 + payload), 0);
	put_u16(frame, 5000);
	put_u16(frame, 5000);
	put_u16(frame, (uint16_t)(8 + payload));
	put_u16(frame, 0);
	frame->wire += payload;
}

void frame_make_arp(struct made_frame *frame, const char *destination_mac, const char *mac,
    const char *address, const char *target)
{
	frame_ethernet(frame, destination_mac, mac, 0x0806);
	put_u16(frame, 1);
	put_u16(frame, 0x0800);
	put_u8(frame, 6);
	put_u8(frame, 4);
	put_u16(frame, 1);
	put_mac(frame, mac);
	put_address(frame, address);
	frame_put_zeros(frame, 6);
	put_address(frame, target);
}
