/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/period.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * "GRPE", version, then chunks: type (1 byte), length (varint), payload. The last
 * chunk is the checksum of all bytes before it. See doc/period-format.md.
 */
static const uint8_t magic[4] = {'G', 'R', 'P', 'E'};
#define FORMAT_VERSION 1

enum chunk { CHUNK_END = 0, CHUNK_HEADER = 1, CHUNK_VIFS = 2, CHUNK_ROWS = 3, CHUNK_DETAILS = 4 };

struct period *period_new(void)
{
	return calloc(1, sizeof(struct period));
}

void period_free(struct period *period)
{
	if (period == NULL)
		return;
	free(period->vifs);
	free(period->rows);
	free(period);
}

void period_drop_rows(struct period *period)
{
	free(period->rows);
	period->rows = NULL;
	period->nrows = period->rows_capacity = 0;
}

/* Room for one more element of `size` bytes; returns the (moved) array or NULL. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
	const size_t wanted = *capacity ? *capacity * 2 : 16;
	void *bigger;

	if (count < *capacity)
		return array;
	bigger = reallocarray(array, wanted, size);
	if (bigger != NULL)
		*capacity = wanted;
	return bigger;
}

static void clean_text(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

int period_add_vif(struct period *period, const struct period_vif *vif)
{
	struct period_vif *added;
	void *vifs;

	if (period->nvifs >= PERIOD_VIFS_MAX)
		return GRAPPE_ELIMIT;
	vifs = grow(period->vifs, period->nvifs, &period->vifs_capacity, sizeof *vif);
	if (vifs == NULL)
		return GRAPPE_EMEMORY;
	period->vifs = vifs;
	added = &period->vifs[period->nvifs];
	*added = *vif;
	clean_text(added->vm_id, sizeof added->vm_id);
	clean_text(added->vm_name, sizeof added->vm_name);
	clean_text(added->segment, sizeof added->segment);
	clean_text(added->interface, sizeof added->interface);
	clean_text(added->application, sizeof added->application);
	clean_text(added->os_type, sizeof added->os_type);
	return (int)period->nvifs++;
}

int period_add_row(struct period *period, const struct period_row *row)
{
	void *rows;

	if (period->nrows >= PERIOD_ROWS_MAX)
		return GRAPPE_ELIMIT;
	rows = grow(period->rows, period->nrows, &period->rows_capacity, sizeof *row);
	if (rows == NULL)
		return GRAPPE_EMEMORY;
	period->rows = rows;
	period->rows[period->nrows] = *row;
	return (int)period->nrows++;
}

static int compare_rows(const void *left, const void *right)
{
	const struct period_row *a = left, *b = right;

	if (a->vif != b->vif)
		return a->vif < b->vif ? -1 : 1;
	if (a->direction != b->direction)
		return a->direction < b->direction ? -1 : 1;
	return address_compare(&a->peer, &b->peer);
}

void period_sort(struct period *period)
{
	if (period->nrows > 1)
		qsort(period->rows, period->nrows, sizeof *period->rows, compare_rows);
}

uint32_t period_checksum(const void *bytes, size_t length)
{
	return (uint32_t)crc32_z(0, bytes, length);
}

/* ---- what both sides demand ---- */

static bool is_header_valid(const struct period_header *header)
{
	return header->length_s > 0 && header->length_s <= PERIOD_LENGTH_MAX_S &&
	       header->end_s > 0 && header->end_s <= PERIOD_END_MAX_S &&
	       header->end_s % header->length_s == 0;
}

static bool are_details_valid(const struct period_vif *vif)
{
	return vif->oper_state <= OPER_STATE_CRASHED && vif->persistent <= TRUTH_FALSE &&
	       vif->autostart <= TRUTH_FALSE;
}

static bool is_vif_valid(const struct period_vif *vif)
{
	if (!identity_is_vm(vif->vm_id) || vif->nmacs > PERIOD_MACS_MAX ||
	    vif->naddresses > PERIOD_ADDRESSES_MAX || !are_details_valid(vif))
		return false;
	for (uint32_t i = 0; i < vif->naddresses; i++)
		if (address_size(&vif->addresses[i].address) == 0)
			return false;
	return true;
}

static bool are_rows_valid(const struct period *period)
{
	for (size_t i = 0; i < period->nrows; i++) {
		const struct period_row *row = &period->rows[i];

		if (row->vif >= period->nvifs || row->direction > ROW_SENT ||
		    address_size(&row->peer) == 0)
			return false;
		if (i > 0 && compare_rows(row - 1, row) >= 0)
			return false;
	}
	return true;
}

static bool is_valid(const struct period *period)
{
	for (size_t i = 0; i < period->nvifs; i++)
		if (!is_vif_valid(&period->vifs[i]))
			return false;
	return is_header_valid(&period->header) && are_rows_valid(period);
}

/* ---- writing ---- */

static void put_chunk(struct buffer *out, enum chunk type, struct buffer *payload)
{
	if (payload->error != GRAPPE_OK)
		out->error = payload->error;
	buffer_put_u8(out, (uint8_t)type);
	buffer_put_varint(out, payload->length);
	buffer_put(out, payload->bytes, payload->length);
	payload->length = 0;
}

static void put_header(struct buffer *out, const struct period_header *header)
{
	char reason[PERIOD_REASON_SIZE];

	memcpy(reason, header->backend_reason, sizeof reason);
	clean_text(reason, sizeof reason);
	buffer_put_signed(out, header->end_s);
	buffer_put_varint(out, header->length_s);
	buffer_put(out, header->boot_id, sizeof header->boot_id);
	buffer_put_varint(out, header->flags);
	buffer_put_signed(out, header->clock_offset_ns);
	buffer_put_varint(out, header->dropped_packets);
	buffer_put_varint(out, header->unmatched_packets);
	buffer_put_varint(out, header->unmatched_octets);
	buffer_put_varint(out, header->estimated_packets);
	buffer_put_varint(out, header->malformed_packets);
	buffer_put_varint(out, header->backends);
	buffer_put_text(out, reason);
}

static void put_address(struct buffer *out, const struct address *address)
{
	buffer_put_u8(out, address->type);
	buffer_put(out, address->bytes, address_size(address));
}

static void put_vif(struct buffer *out, const struct period_vif *vif)
{
	buffer_put_text(out, vif->vm_id);
	buffer_put_text(out, vif->vm_name);
	buffer_put_text(out, vif->segment);
	buffer_put_text(out, vif->interface);
	buffer_put_varint(out, vif->flags);
	buffer_put_varint(out, vif->covered_ms);
	buffer_put_varint(out, vif->vcpu);
	buffer_put_varint(out, vif->memory_bytes);
	buffer_put_varint(out, vif->nmacs);
	for (uint32_t i = 0; i < vif->nmacs; i++)
		buffer_put(out, vif->macs[i].bytes, sizeof vif->macs[i].bytes);
	buffer_put_varint(out, vif->naddresses);
	for (uint32_t i = 0; i < vif->naddresses; i++) {
		put_address(out, &vif->addresses[i].address);
		buffer_put_u8(out, vif->addresses[i].evidence);
	}
	buffer_put_varint(out, vif->multicast_packets);
	buffer_put_varint(out, vif->multicast_octets);
	buffer_put_varint(out, vif->other_packets);
	buffer_put_varint(out, vif->other_octets);
	buffer_put_varint(out, vif->nonip_packets);
}

static bool has_details(const struct period_vif *vif)
{
	return vif->application[0] != '\0' || vif->os_type[0] != '\0' || vif->oper_state != 0 ||
	       vif->persistent != 0 || vif->autostart != 0 || vif->vcpu_max != 0 ||
	       vif->memory_max_bytes != 0 || vif->cpu_time_us != 0;
}

/* One virtual NIC's details, with their length before them. */
static void put_details(struct buffer *out, const struct period_vif *vif)
{
	struct buffer details;

	buffer_init(&details);
	buffer_put_text(&details, vif->application);
	buffer_put_text(&details, vif->os_type);
	buffer_put_u8(&details, vif->oper_state);
	buffer_put_u8(&details, vif->persistent);
	buffer_put_u8(&details, vif->autostart);
	buffer_put_varint(&details, vif->vcpu_max);
	buffer_put_varint(&details, vif->memory_max_bytes);
	buffer_put_varint(&details, vif->cpu_time_us);
	if (details.error != GRAPPE_OK)
		out->error = details.error;
	buffer_put_varint(out, details.length);
	buffer_put(out, details.bytes, details.length);
	buffer_deinit(&details);
}

/* Details of those vifs that have some; false without any. */
static bool put_all_details(struct buffer *out, const struct period *period)
{
	size_t count = 0, next = 0;

	for (size_t i = 0; i < period->nvifs; i++)
		count += has_details(&period->vifs[i]);
	buffer_put_varint(out, count);
	for (size_t i = 0; i < period->nvifs; i++) {
		if (!has_details(&period->vifs[i]))
			continue;
		buffer_put_varint(out, i - next);
		put_details(out, &period->vifs[i]);
		next = i + 1;
	}
	return count > 0;
}

/* How many leading bytes two addresses of one type share. */
static size_t shared_prefix(const struct address *a, const struct address *b)
{
	const size_t size = address_size(b);
	size_t n = 0;

	if (a == NULL || a->type != b->type)
		return 0;
	while (n < size && a->bytes[n] == b->bytes[n])
		n++;
	return n;
}

/* One row: how far the vif advances, direction and type and length of the prefix shared with
 * the row before in one byte, the rest of the address, the two counts. */
static void put_row(
    struct buffer *out, const struct period_row *row, const struct period_row *before)
{
	const size_t prefix = shared_prefix(before != NULL ? &before->peer : NULL, &row->peer);

	buffer_put_varint(out, row->vif - (before != NULL ? before->vif : 0));
	buffer_put_u8(
	    out, (uint8_t)(row->direction << 7 | (row->peer.type & 3) << 5 | (uint8_t)prefix));
	buffer_put(out, row->peer.bytes + prefix, address_size(&row->peer) - prefix);
	buffer_put_varint(out, row->packets);
	buffer_put_varint(out, row->octets);
}

int period_encode(const struct period *period, struct buffer *out)
{
	const size_t start = out->length;
	struct buffer payload;

	if (!is_valid(period))
		return GRAPPE_EINVALID;
	buffer_init(&payload);
	buffer_put(out, magic, sizeof magic);
	buffer_put_u8(out, FORMAT_VERSION);
	put_header(&payload, &period->header);
	put_chunk(out, CHUNK_HEADER, &payload);
	buffer_put_varint(&payload, period->nvifs);
	for (size_t i = 0; i < period->nvifs; i++)
		put_vif(&payload, &period->vifs[i]);
	put_chunk(out, CHUNK_VIFS, &payload);
	if (put_all_details(&payload, period))
		put_chunk(out, CHUNK_DETAILS, &payload);
	payload.length = 0;
	buffer_put_varint(&payload, period->nrows);
	for (size_t i = 0; i < period->nrows; i++)
		put_row(&payload, &period->rows[i], i > 0 ? &period->rows[i - 1] : NULL);
	put_chunk(out, CHUNK_ROWS, &payload);
	buffer_put_u8(out, CHUNK_END);
	buffer_put_varint(out, 4);
	if (out->error == GRAPPE_OK)
		buffer_put_u32(out, period_checksum(out->bytes + start, out->length - start));
	buffer_deinit(&payload);
	return out->error;
}

/* ---- reading ---- */

static uint32_t reader_varint32(struct reader *reader)
{
	const uint64_t value = reader_varint(reader);

	if (value > UINT32_MAX && reader->error == GRAPPE_OK)
		reader->error = GRAPPE_EFORMAT;
	return (uint32_t)value;
}

/* A count of things that each take at least one byte of what is left. */
static size_t reader_count(struct reader *reader, size_t limit)
{
	const uint64_t count = reader_varint(reader);

	if (reader->error != GRAPPE_OK)
		return 0;
	if (count > limit || count > reader_left(reader)) {
		reader->error = count > limit ? GRAPPE_ELIMIT : GRAPPE_ETRUNCATED;
		return 0;
	}
	return (size_t)count;
}

static void take_header(struct reader *reader, struct period_header *header)
{
	header->end_s = reader_signed(reader);
	header->length_s = reader_varint32(reader);
	reader_copy(reader, header->boot_id, sizeof header->boot_id);
	header->flags = reader_varint32(reader);
	header->clock_offset_ns = reader_signed(reader);
	header->dropped_packets = reader_varint(reader);
	header->unmatched_packets = reader_varint(reader);
	header->unmatched_octets = reader_varint(reader);
	header->estimated_packets = reader_varint(reader);
	header->malformed_packets = reader_varint(reader);
	if (reader_left(reader) > 0) { /* not written by the first sensors */
		header->backends = reader_varint32(reader);
		reader_text(reader, header->backend_reason, sizeof header->backend_reason);
	}
	if (reader->error == GRAPPE_OK && !is_header_valid(header))
		reader->error = GRAPPE_EFORMAT;
}

static void take_address(struct reader *reader, struct address *address)
{
	*address = (struct address){.type = reader_u8(reader)};
	if (reader->error == GRAPPE_OK && address_size(address) == 0) {
		reader->error = GRAPPE_EFORMAT;
		return;
	}
	reader_copy(reader, address->bytes, address_size(address));
}

static void take_vif(struct reader *reader, struct period_vif *vif)
{
	*vif = (struct period_vif){0};
	reader_text(reader, vif->vm_id, sizeof vif->vm_id);
	reader_text(reader, vif->vm_name, sizeof vif->vm_name);
	reader_text(reader, vif->segment, sizeof vif->segment);
	reader_text(reader, vif->interface, sizeof vif->interface);
	vif->flags = reader_varint32(reader);
	vif->covered_ms = reader_varint32(reader);
	vif->vcpu = reader_varint32(reader);
	vif->memory_bytes = reader_varint(reader);
	vif->nmacs = (uint32_t)reader_count(reader, PERIOD_MACS_MAX);
	for (uint32_t i = 0; i < vif->nmacs; i++)
		reader_copy(reader, vif->macs[i].bytes, sizeof vif->macs[i].bytes);
	vif->naddresses = (uint32_t)reader_count(reader, PERIOD_ADDRESSES_MAX);
	for (uint32_t i = 0; i < vif->naddresses; i++) {
		take_address(reader, &vif->addresses[i].address);
		vif->addresses[i].evidence = reader_u8(reader);
	}
	vif->multicast_packets = reader_varint(reader);
	vif->multicast_octets = reader_varint(reader);
	vif->other_packets = reader_varint(reader);
	vif->other_octets = reader_varint(reader);
	vif->nonip_packets = reader_varint(reader);
	if (reader->error == GRAPPE_OK && !is_vif_valid(vif))
		reader->error = GRAPPE_EFORMAT;
}

static void take_vifs(struct reader *reader, struct period *period)
{
	const size_t count = reader_count(reader, PERIOD_VIFS_MAX);
	struct period_vif vif;

	for (size_t i = 0; i < count && reader->error == GRAPPE_OK; i++) {
		int rc;

		take_vif(reader, &vif);
		if (reader->error != GRAPPE_OK)
			return;
		rc = period_add_vif(period, &vif);
		if (rc < 0)
			reader->error = rc;
	}
}

static void take_details(struct reader *reader, struct period_vif *vif)
{
	const uint64_t length = reader_varint(reader);
	const uint8_t *bytes;
	struct reader details;

	if (reader->error == GRAPPE_OK && length > reader_left(reader))
		reader->error = GRAPPE_ETRUNCATED;
	bytes = reader_take(reader, (size_t)length);
	if (bytes == NULL)
		return;
	reader_init(&details, bytes, (size_t)length);
	reader_text(&details, vif->application, sizeof vif->application);
	reader_text(&details, vif->os_type, sizeof vif->os_type);
	vif->oper_state = reader_u8(&details);
	vif->persistent = reader_u8(&details);
	vif->autostart = reader_u8(&details);
	vif->vcpu_max = reader_varint32(&details);
	vif->memory_max_bytes = reader_varint(&details);
	vif->cpu_time_us = reader_varint(&details);
	if (details.error == GRAPPE_OK && !are_details_valid(vif))
		details.error = GRAPPE_EFORMAT;
	reader->error = details.error;
}

/* Comes after the vifs, so that each index can be checked at once. */
static void take_all_details(struct reader *reader, struct period *period)
{
	const size_t count = reader_count(reader, PERIOD_VIFS_MAX);
	uint64_t next = 0;

	for (size_t i = 0; i < count && reader->error == GRAPPE_OK; i++) {
		const uint64_t vif = next + reader_varint32(reader);

		if (reader->error != GRAPPE_OK)
			return;
		if (vif >= period->nvifs) {
			reader->error = GRAPPE_EFORMAT;
			return;
		}
		take_details(reader, &period->vifs[vif]);
		next = vif + 1;
	}
}

static void take_row(struct reader *reader, struct period_row *row, const struct period_row *before)
{
	const uint64_t vif = (before != NULL ? before->vif : 0) + (uint64_t)reader_varint32(reader);
	const uint8_t lead = reader_u8(reader);
	const size_t prefix = lead & 0x1f;

	*row = (struct period_row){.direction = lead >> 7, .peer.type = lead >> 5 & 3};
	if (reader->error != GRAPPE_OK)
		return;
	if (address_size(&row->peer) == 0 || prefix > address_size(&row->peer) ||
	    (prefix > 0 && (before == NULL || before->peer.type != row->peer.type)) ||
	    vif > UINT32_MAX) {
		reader->error = GRAPPE_EFORMAT;
		return;
	}
	row->vif = (uint32_t)vif;
	if (prefix > 0)
		memcpy(row->peer.bytes, before->peer.bytes, prefix);
	reader_copy(reader, row->peer.bytes + prefix, address_size(&row->peer) - prefix);
	row->packets = reader_varint(reader);
	row->octets = reader_varint(reader);
}

static void take_rows(struct reader *reader, struct period *period)
{
	const size_t count = reader_count(reader, PERIOD_ROWS_MAX);
	struct period_row row, before;

	for (size_t i = 0; i < count && reader->error == GRAPPE_OK; i++) {
		int rc;

		take_row(reader, &row, i > 0 ? &before : NULL);
		if (reader->error != GRAPPE_OK)
			return;
		rc = period_add_row(period, &row);
		if (rc < 0)
			reader->error = rc;
		before = row;
	}
}

/* The last chunk: its checksum covers everything before its own four bytes. */
static int check_end(
    const struct reader *reader, const uint8_t *start, size_t at, struct reader *chunk)
{
	const size_t covered = at + 2;

	if (chunk->length != 4 || reader->position != covered + 4)
		return GRAPPE_EFORMAT;
	if (reader_u32(chunk) != period_checksum(start, covered))
		return GRAPPE_ECHECKSUM;
	return reader_left(reader) == 0 ? GRAPPE_OK : GRAPPE_EFORMAT;
}

/* Reads the payload of one chunk. A later version may append fields to it; what is missing is an
 * error. */
static int take_payload(uint8_t type, struct reader *chunk, struct period *period)
{
	switch (type) {
	case CHUNK_HEADER:
		take_header(chunk, &period->header);
		break;
	case CHUNK_VIFS:
		take_vifs(chunk, period);
		break;
	case CHUNK_ROWS:
		take_rows(chunk, period);
		break;
	case CHUNK_DETAILS:
		take_all_details(chunk, period);
		break;
	default:
		break; /* written by a later version */
	}
	return chunk->error;
}

#define NEEDED (1u << CHUNK_HEADER | 1u << CHUNK_VIFS | 1u << CHUNK_ROWS)

/* Reads chunks until the checksum; each kind may come once. */
static int take_chunks(struct reader *reader, const uint8_t *start, struct period *period)
{
	unsigned seen = 0;

	for (;;) {
		const size_t at = reader->position;
		const uint8_t type = reader_u8(reader);
		const uint64_t length = reader_varint(reader);
		const uint8_t *payload;
		struct reader chunk;
		int rc;

		if (reader->error == GRAPPE_OK && length > reader_left(reader))
			return GRAPPE_ETRUNCATED;
		payload = reader_take(reader, (size_t)length);
		if (payload == NULL)
			return reader->error;
		reader_init(&chunk, payload, (size_t)length);
		if (type == CHUNK_END)
			return (seen & NEEDED) == NEEDED ? check_end(reader, start, at, &chunk)
							 : GRAPPE_EFORMAT;
		if (type <= CHUNK_DETAILS && seen & 1u << type)
			return GRAPPE_EFORMAT;
		if (type <= CHUNK_DETAILS)
			seen |= 1u << type;
		rc = take_payload(type, &chunk, period);
		if (rc != GRAPPE_OK)
			return rc;
	}
}

int period_decode(const void *bytes, size_t length, struct period **out)
{
	struct reader reader;
	struct period *period;
	const uint8_t *start;
	int rc;

	*out = NULL;
	if (length > PERIOD_BYTES_MAX)
		return GRAPPE_ELIMIT;
	reader_init(&reader, bytes, length);
	start = reader_take(&reader, sizeof magic);
	if (start == NULL)
		return GRAPPE_ETRUNCATED;
	if (memcmp(start, magic, sizeof magic) != 0)
		return GRAPPE_EFORMAT;
	if (reader_u8(&reader) != FORMAT_VERSION)
		return reader.error != GRAPPE_OK ? reader.error : GRAPPE_EVERSION;
	period = period_new();
	if (period == NULL)
		return GRAPPE_EMEMORY;
	rc = take_chunks(&reader, start, period);
	if (rc == GRAPPE_OK && !are_rows_valid(period))
		rc = GRAPPE_EFORMAT;
	if (rc != GRAPPE_OK) {
		period_free(period);
		return rc;
	}
	*out = period;
	return GRAPPE_OK;
}
