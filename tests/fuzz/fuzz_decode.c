/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of a hostile guest through decoder, MSS table and accounting. The input is a row of
 * records: flags (1 byte: sent by the guest), what the wire length exceeds the captured one by (2
 * bytes), captured length (2 bytes), the frame. Whatever comes, lengths must agree with each other,
 * and every packet that was delivered must come out in one counter of the period.
 */
#include "agent-module/account.h"
#include "agent-module/mss.h"
#include "common/buffer.h"
#include "common/error.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define WALL_NS (INT64_C(1000000025) * CLOCK_SECOND_NS)
#define MTU 1500
#define CONNECTIONS 64

static void check_frame(const struct frame *frame)
{
	if (frame->kind == FRAME_MALFORMED)
		return;
	if (frame->link_length > frame->wire_length ||
	    frame->network_length > frame->wire_length - frame->link_length)
		abort();
	if (frame->kind == FRAME_IP && frame->network_header > frame->network_length)
		abort();
	if (frame->has_transport &&
	    frame->network_header + frame->transport_header + frame->payload !=
		frame->network_length)
		abort();
	if (frame->kind == FRAME_IP && (address_size(&frame->ip_source) == 0 ||
					   frame->ip_source.type != frame->ip_destination.type))
		abort();
}

/* Wire packets of the frame by a second table that sees the same frames. */
static uint64_t wire_packets(struct mss_table *mss, const struct frame *frame)
{
	struct wire_count wire;

	if (frame->kind != FRAME_IP)
		return 1;
	wire = mss_count(mss, 1, frame, MTU);
	if (wire.packets == 0 || wire.octets < frame->network_length)
		abort();
	return wire.packets;
}

static uint64_t packets_of(const struct period *period)
{
	uint64_t sum = period->header.unmatched_packets + period->header.dropped_packets +
		       period->header.malformed_packets;

	for (size_t i = 0; i < period->nvifs; i++)
		sum += period->vifs[i].multicast_packets + period->vifs[i].other_packets +
		       period->vifs[i].nonip_packets;
	for (size_t i = 0; i < period->nrows; i++)
		if (period->rows[i].direction == ROW_RECEIVED)
			sum += period->rows[i].packets;
	return sum;
}

static void finish(struct account *account, uint64_t delivered)
{
	struct period *period, *again;
	struct buffer encoded;

	if (account_finish(account, WALL_NS + CLOCK_SECOND_NS, &period) != 1)
		abort();
	if (packets_of(period) != delivered)
		abort();
	buffer_init(&encoded);
	if (period_encode(period, &encoded) != GRAPPE_OK ||
	    period_decode(encoded.bytes, encoded.length, &again) != GRAPPE_OK)
		abort();
	period_free(again);
	buffer_deinit(&encoded);
	period_free(period);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct address endpoint = {.type = ADDRESS_IPV4, .bytes = {10, 0, 0, 9}};
	const struct account_options options = {.length_s = 30,
	    .pairs_per_vif = 3,
	    .endpoints = &endpoint,
	    .nendpoints = 1,
	    .connections = CONNECTIONS};
	struct account *account = account_new(&options, WALL_NS, 0);
	struct mss_table *mss = mss_new(CONNECTIONS);
	struct period_vif vif = {.nmacs = 1, .macs = {{{2, 0, 0, 0, 0, 1}}}, .segment = "default"};
	struct reader reader;
	uint64_t delivered = 0;

	identity_from_mac(&vif.macs[0], vif.vm_id);
	if (account == NULL || mss == NULL || account_watch(account, 1, &vif, WALL_NS) < 0)
		abort();
	reader_init(&reader, bytes, length);
	while (reader_left(&reader) >= 5) {
		const bool sent = (reader_u8(&reader) & 1) != 0;
		const size_t more = reader_u16(&reader), wanted = reader_u16(&reader);
		const size_t captured =
		    wanted < reader_left(&reader) ? wanted : reader_left(&reader);
		const uint8_t *frame_bytes = reader_take(&reader, captured);
		struct frame frame;
		uint64_t packets;

		frame_decode(frame_bytes, captured, captured + more, &frame);
		check_frame(&frame);
		/* A sent frame teaches the accounting only when it is the vif's own. */
		if (sent && (frame.kind != FRAME_IP || !mac_equal(&frame.source, &vif.macs[0])))
			continue;
		account_frame(account, 1, &frame, WALL_NS, sent, MTU);
		packets = wire_packets(mss, &frame);
		delivered += sent ? 0 : packets;
	}
	finish(account, delivered);
	mss_free(mss);
	account_free(account);
	return 0;
}
