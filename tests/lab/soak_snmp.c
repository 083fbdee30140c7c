/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lab/soak_snmp.h"

#include "common/error.h"

#define TAG_INTEGER 0x02
#define TAG_OCTETS 0x04
#define TAG_NAME 0x06
#define TAG_SEQUENCE 0x30
#define TAG_UNSIGNED 0x42
#define TAG_NO_INSTANCE 0x81
#define TAG_GET 0xa0
#define TAG_RESPONSE 0xa2

/* ---- taking apart ---- */

/* The content of the next element, which must have this tag, as a reader of its own. */
static struct reader enter(struct reader *reader, uint8_t tag)
{
	struct reader inner;
	size_t length = 0;

	if (reader_u8(reader) != tag)
		reader->error = reader->error != GRAPPE_OK ? reader->error : GRAPPE_EFORMAT;
	length = reader_u8(reader);
	if (length & 0x80) {
		size_t bytes = length & 0x7f;

		for (length = 0; bytes > 0; bytes--)
			length = length << 8 | reader_u8(reader);
	}
	reader_init(&inner, reader_take(reader, length), length);
	inner.error = reader->error;
	return inner;
}

static void parse_name(struct reader reader, struct snmp_name *name)
{
	uint32_t id = 0;

	name->count = 0;
	while (reader_left(&reader) > 0 && name->count < SNMP_NAME_MAX) {
		const uint8_t byte = reader_u8(&reader);

		id = id << 7 | (byte & 0x7f);
		if (byte & 0x80)
			continue;
		if (name->count == 0) {
			name->ids[name->count++] = id / 40;
			id %= 40;
		}
		name->ids[name->count++] = id;
		id = 0;
	}
}

static bool parse_variable(struct reader *list, struct snmp_get *get)
{
	struct reader variable = enter(list, TAG_SEQUENCE);
	struct reader name;

	get->raw[get->count] = variable.bytes;
	name = enter(&variable, TAG_NAME);
	if (name.error != GRAPPE_OK || variable.error != GRAPPE_OK)
		return false;
	get->raw_size[get->count] = variable.position;
	parse_name(name, &get->names[get->count++]);
	return true;
}

bool snmp_parse_get(const uint8_t *message, size_t length, struct snmp_get *get)
{
	struct reader reader, body, part, pdu;

	reader_init(&reader, message, length);
	body = enter(&reader, TAG_SEQUENCE);
	part = enter(&body, TAG_INTEGER);
	if (reader_u8(&part) != 1) /* version 2c */
		return false;
	part = enter(&body, TAG_OCTETS);
	get->community = part.bytes;
	get->community_size = reader_left(&part);
	pdu = enter(&body, TAG_GET);
	part = enter(&pdu, TAG_INTEGER);
	get->request_id = part.bytes;
	get->request_id_size = reader_left(&part);
	enter(&pdu, TAG_INTEGER);
	enter(&pdu, TAG_INTEGER);
	part = enter(&pdu, TAG_SEQUENCE);
	get->count = 0;
	while (reader_left(&part) > 0 && part.error == GRAPPE_OK)
		if (get->count == SNMP_VARIABLES_MAX || !parse_variable(&part, get))
			return false;
	return part.error == GRAPPE_OK && get->count > 0;
}

/* ---- putting together ---- */

static void put_element(struct buffer *out, uint8_t tag, const void *bytes, size_t length)
{
	buffer_put_u8(out, tag);
	if (length >= 0x80) {
		buffer_put_u8(out, 0x82);
		buffer_put_u8(out, (uint8_t)(length >> 8));
	}
	buffer_put_u8(out, (uint8_t)length);
	buffer_put(out, bytes, length);
}

static void put_value(struct buffer *out, const struct snmp_value *value)
{
	const uint32_t number = value->number;
	/* Five bytes: the first keeps it positive. */
	const uint8_t bytes[] = {0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
	    (uint8_t)(number >> 8), (uint8_t)number};

	switch (value->kind) {
	case SNMP_ABSENT:
		put_element(out, TAG_NO_INSTANCE, NULL, 0);
		break;
	case SNMP_UNSIGNED:
		put_element(out, TAG_UNSIGNED, bytes, sizeof bytes);
		break;
	case SNMP_OCTETS:
		put_element(out, TAG_OCTETS, value->bytes, value->length);
		break;
	}
}

/* Moves what is in `inner` into `out` as one element. */
static void wrap(struct buffer *out, uint8_t tag, struct buffer *inner)
{
	put_element(out, tag, inner->bytes, inner->length);
	buffer_deinit(inner);
	buffer_init(inner);
}

void snmp_write_answer(
    const struct snmp_get *get, const struct snmp_value *values, struct buffer *out)
{
	static const uint8_t zero[] = {0}, version[] = {1};
	struct buffer variable, list, pdu, message;

	buffer_init(&variable);
	buffer_init(&list);
	buffer_init(&pdu);
	buffer_init(&message);
	for (size_t i = 0; i < get->count; i++) {
		buffer_put(&variable, get->raw[i], get->raw_size[i]);
		put_value(&variable, &values[i]);
		wrap(&list, TAG_SEQUENCE, &variable);
	}
	put_element(&pdu, TAG_INTEGER, get->request_id, get->request_id_size);
	put_element(&pdu, TAG_INTEGER, zero, sizeof zero);
	put_element(&pdu, TAG_INTEGER, zero, sizeof zero);
	wrap(&pdu, TAG_SEQUENCE, &list);
	put_element(&message, TAG_INTEGER, version, sizeof version);
	put_element(&message, TAG_OCTETS, get->community, get->community_size);
	wrap(&message, TAG_RESPONSE, &pdu);
	wrap(out, TAG_SEQUENCE, &message);
	buffer_deinit(&variable);
	buffer_deinit(&list);
	buffer_deinit(&pdu);
	buffer_deinit(&message);
}
