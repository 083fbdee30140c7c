/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/decode.h"

#include "common/buffer.h"
#include "common/error.h"

#include <netinet/in.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_SERVICE_VLAN 0x88a8
#define ETHERTYPE_OLD_VLAN 0x9100
#define VLAN_TAGS_MAX 4
#define MACS 12

#define IPV4_HEADER_MIN 20
#define IPV6_HEADER 40
#define EXTENSION_HEADERS_MAX 8
#define TCP_HEADER_MIN 20
#define UDP_HEADER 8

#define OPTION_JUMBO 0xc2
#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_MSS 2

#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136

static bool is_vlan(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN ||
	       ethertype == ETHERTYPE_OLD_VLAN;
}

/*
 * What every frame has is taken in whole headers, one check of bounds for each: this is paid per
 * packet.
 */
static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The rest of *address is zero. Written as the words that it is hashed and compared as: the
 * processor then hands them on without waiting for memory. */
static void set_ipv4(struct address *address, const uint8_t *bytes)
{
	uint64_t word = 0;

	memcpy(&word, bytes, 4);
	memcpy(address->bytes, &word, sizeof word);
	address->type = ADDRESS_IPV4;
}

/* Leaves the reader behind the Ethernet header; returns the EtherType, 0 for 802.3 lengths. */
static uint16_t decode_link(struct reader *reader, struct frame *frame)
{
	const uint8_t *macs = reader_take(reader, MACS);
	uint16_t ethertype = reader_u16(reader);

	if (macs != NULL) {
		memcpy(frame->destination.bytes, macs, sizeof frame->destination.bytes);
		memcpy(frame->source.bytes, macs + MACS / 2, sizeof frame->source.bytes);
	}
	for (int tags = 0; is_vlan(ethertype) && tags < VLAN_TAGS_MAX; tags++) {
		reader_skip(reader, 2);
		ethertype = reader_u16(reader);
	}
	frame->has_macs = macs != NULL;
	frame->link_length = (uint32_t)reader->position;
	return ethertype >= 0x0600 ? ethertype : 0;
}

static void decode_arp(struct reader *reader, struct frame *frame)
{
	const uint16_t hardware = reader_u16(reader), protocol = reader_u16(reader);
	const uint8_t hardware_size = reader_u8(reader), protocol_size = reader_u8(reader);
	const uint16_t operation = reader_u16(reader);
	static const uint8_t unspecified[4];
	struct mac mac;
	uint8_t sender[4];

	reader_copy(reader, mac.bytes, sizeof mac.bytes);
	reader_copy(reader, sender, sizeof sender);
	if (reader->error != GRAPPE_OK || hardware != 1 || protocol != ETHERTYPE_IPV4 ||
	    hardware_size != 6 || protocol_size != 4 || operation < 1 || operation > 2)
		return;
	if (memcmp(sender, unspecified, sizeof sender) == 0)
		return; /* a probe (RFC 5227): asks, claims nothing yet */
	frame->claim = address_from_ipv4(sender);
	frame->claim_mac = mac;
}

static void decode_tcp_options(struct reader *reader, size_t length, struct frame *frame)
{
	const size_t end = reader->position + length;

	while (reader->error == GRAPPE_OK && reader->position < end) {
		const uint8_t kind = reader_u8(reader);
		uint8_t size;

		if (kind == TCP_OPTION_END)
			return;
		if (kind == TCP_OPTION_NOP)
			continue;
		size = reader_u8(reader);
		if (size < 2 || reader->position + size - 2 > end)
			return;
		if (kind == TCP_OPTION_MSS && size == 4) {
			frame->mss = reader_u16(reader);
			frame->has_mss = reader->error == GRAPPE_OK && frame->mss > 0;
			return;
		}
		reader_skip(reader, size - 2u);
	}
}

static void decode_tcp(struct reader *reader, uint32_t available, struct frame *frame)
{
	const uint8_t *tcp = reader_take(reader, TCP_HEADER_MIN);
	uint32_t header;

	if (tcp == NULL)
		return;
	frame->source_port = get16(tcp);
	frame->destination_port = get16(tcp + 2);
	header = (uint32_t)(tcp[12] >> 4) * 4;
	frame->tcp_flags = tcp[13];
	if (header < TCP_HEADER_MIN || header > available)
		return;
	frame->has_transport = true;
	frame->transport_header = header;
	frame->payload = available - header;
	if ((frame->tcp_flags & TCP_FLAG_SYN) != 0)
		decode_tcp_options(reader, header - TCP_HEADER_MIN, frame);
}

static void decode_udp(struct reader *reader, uint32_t available, struct frame *frame)
{
	const uint8_t *ports = reader_take(reader, 4);

	if (ports == NULL || available < UDP_HEADER)
		return;
	frame->source_port = get16(ports);
	frame->destination_port = get16(ports + 2);
	frame->has_transport = true;
	frame->transport_header = UDP_HEADER;
	frame->payload = available - UDP_HEADER;
}

/* Neighbour discovery: an advertisement claims its target, a solicitation claims its own source,
 * or, during duplicate address detection, its target. */
static void decode_neighbour(struct reader *reader, uint8_t hop_limit, struct frame *frame)
{
	static const uint8_t unspecified[16];
	const uint8_t type = reader_u8(reader), code = reader_u8(reader);
	uint8_t target[16];

	if ((type != ND_SOLICITATION && type != ND_ADVERTISEMENT) || code != 0 || hop_limit != 255)
		return;
	reader_skip(reader, 6);
	reader_copy(reader, target, sizeof target);
	if (reader->error != GRAPPE_OK || target[0] == 0xff)
		return;
	frame->claim_mac = frame->source;
	if (type == ND_ADVERTISEMENT ||
	    memcmp(frame->ip_source.bytes, unspecified, sizeof unspecified) == 0)
		frame->claim = address_from_ipv6(target);
	else
		frame->claim = frame->ip_source;
}

static void decode_transport(struct reader *reader, uint8_t hop_limit, struct frame *frame)
{
	const uint32_t available = frame->network_length - frame->network_header;

	if (frame->fragment)
		return;
	if (frame->protocol == IPPROTO_TCP)
		decode_tcp(reader, available, frame);
	else if (frame->protocol == IPPROTO_UDP)
		decode_udp(reader, available, frame);
	else if (frame->protocol == IPPROTO_ICMPV6 && frame->ip_source.type == ADDRESS_IPV6)
		decode_neighbour(reader, hop_limit, frame);
}

static void decode_ipv4(struct reader *reader, struct frame *frame)
{
	const uint32_t room = frame->wire_length - frame->link_length;
	const uint8_t *ip = reader_take(reader, IPV4_HEADER_MIN);
	uint32_t total;

	if (ip == NULL)
		return;
	frame->protocol = ip[9];
	frame->network_header = (ip[0] & 0x0fu) * 4;
	total = get16(ip + 2);
	if (total == 0)
		total = room;
	if (ip[0] >> 4 != 4 || frame->network_header < IPV4_HEADER_MIN ||
	    total < frame->network_header || total > room)
		return;
	frame->kind = FRAME_IP;
	frame->network_length = total;
	set_ipv4(&frame->ip_source, ip + 12);
	set_ipv4(&frame->ip_destination, ip + 16);
	frame->fragment = (get16(ip + 6) & 0x3fff) != 0; /* more fragments, or an offset */
	reader_skip(reader, frame->network_header - IPV4_HEADER_MIN);
	decode_transport(reader, 0, frame);
}

/* The jumbo payload option among hop-by-hop options, or 0. */
static uint32_t decode_jumbo(const uint8_t *options, size_t length)
{
	struct reader reader;

	reader_init(&reader, options, length);
	while (reader_left(&reader) > 0) {
		const uint8_t kind = reader_u8(&reader);
		uint8_t size;

		if (kind == 0)
			continue;
		size = reader_u8(&reader);
		if (kind == OPTION_JUMBO && size == 4)
			return reader_u32(&reader);
		reader_skip(&reader, size);
		if (reader.error != GRAPPE_OK)
			return 0;
	}
	return 0;
}

/* Length of the extension header that starts with `next`, `size`; 0 = `protocol` is none of them.
 */
static uint32_t extension_length(uint8_t protocol, uint8_t size)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case 139: /* HIP */
	case 140: /* Shim6 */
		return (size + 1u) * 8;
	case IPPROTO_FRAGMENT:
		return 8;
	case IPPROTO_AH:
		return (size + 2u) * 4;
	default:
		return 0;
	}
}

/* Walks over the extension headers as far as they were captured. Returns the jumbo payload length
 * or 0. */
static uint32_t decode_extensions(struct reader *reader, struct frame *frame)
{
	uint32_t jumbo = 0;

	for (int i = 0; i < EXTENSION_HEADERS_MAX && !frame->fragment; i++) {
		struct reader ahead = *reader;
		const uint8_t next = reader_u8(&ahead), size = reader_u8(&ahead);
		const uint32_t length = extension_length(frame->protocol, size);
		const uint8_t *body;

		if (length == 0)
			break;
		body = reader_take(reader, length);
		frame->network_header += length;
		if (body == NULL) {
			frame->fragment = frame->protocol == IPPROTO_FRAGMENT;
			frame->protocol = IPPROTO_NONE; /* unknown: behind the cut */
			break;
		}
		if (frame->protocol == IPPROTO_HOPOPTS && jumbo == 0)
			jumbo = decode_jumbo(body + 2, length - 2);
		if (frame->protocol == IPPROTO_FRAGMENT)
			frame->fragment = ((body[2] << 8 | body[3]) & 0xfff9) != 0;
		frame->protocol = next;
	}
	return jumbo;
}

static void decode_ipv6(struct reader *reader, struct frame *frame)
{
	const uint32_t room = frame->wire_length - frame->link_length;
	const uint8_t *ip = reader_take(reader, IPV6_HEADER);
	uint32_t payload, jumbo;

	if (ip == NULL || ip[0] >> 4 != 6 || room < IPV6_HEADER)
		return;
	payload = get16(ip + 4);
	frame->protocol = ip[6];
	frame->ip_source = address_from_ipv6(ip + 8);
	frame->ip_destination = address_from_ipv6(ip + 24);
	frame->network_header = IPV6_HEADER;
	jumbo = decode_extensions(reader, frame);
	if (payload == 0)
		payload = jumbo != 0 ? jumbo : room - IPV6_HEADER;
	if (payload > room - IPV6_HEADER || frame->network_header > payload + IPV6_HEADER)
		return;
	frame->kind = FRAME_IP;
	frame->network_length = payload + IPV6_HEADER;
	decode_transport(reader, ip[7], frame);
}

void frame_decode(const uint8_t *bytes, size_t captured, size_t wire_length, struct frame *frame)
{
	struct reader reader;
	uint16_t ethertype;

	*frame = (struct frame){.kind = FRAME_MALFORMED};
	if (wire_length < captured)
		wire_length = captured;
	frame->wire_length = wire_length > UINT32_MAX ? UINT32_MAX : (uint32_t)wire_length;
	reader_init(&reader, bytes, captured);
	ethertype = decode_link(&reader, frame);
	if (reader.error != GRAPPE_OK)
		return;
	frame->network_length = frame->wire_length - frame->link_length;
	if (ethertype == ETHERTYPE_IPV4) {
		decode_ipv4(&reader, frame);
	} else if (ethertype == ETHERTYPE_IPV6) {
		decode_ipv6(&reader, frame);
	} else {
		frame->kind = FRAME_NONIP;
		if (ethertype == ETHERTYPE_ARP)
			decode_arp(&reader, frame);
	}
}

bool frame_is_group(const struct frame *frame)
{
	return mac_is_group(&frame->destination) ||
	       (frame->kind == FRAME_IP && address_is_multicast(&frame->ip_destination));
}
