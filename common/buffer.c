/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/buffer.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *buffer)
{
	*buffer = (struct buffer){0};
}

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}

static int make_room(struct buffer *buffer, size_t length)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	uint8_t *bytes;

	if (buffer->error != GRAPPE_OK)
		return buffer->error;
	if (length <= buffer->capacity - buffer->length)
		return GRAPPE_OK;
	while (capacity - buffer->length < length) {
		if (capacity > SIZE_MAX / 2)
			return buffer->error = GRAPPE_EMEMORY;
		capacity *= 2;
	}
	bytes = realloc(buffer->bytes, capacity);
	if (bytes == NULL)
		return buffer->error = GRAPPE_EMEMORY;
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return GRAPPE_OK;
}

void buffer_put(struct buffer *buffer, const void *bytes, size_t length)
{
	if (length == 0 || make_room(buffer, length) != GRAPPE_OK)
		return;
	memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
}

void buffer_put_u8(struct buffer *buffer, uint8_t value)
{
	buffer_put(buffer, &value, 1);
}

void buffer_put_u32(struct buffer *buffer, uint32_t value)
{
	const uint8_t bytes[4] = {
	    (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

	buffer_put(buffer, bytes, sizeof bytes);
}

void buffer_put_varint(struct buffer *buffer, uint64_t value)
{
	uint8_t bytes[10];
	size_t length = 0;

	while (value >= 0x80) {
		bytes[length++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[length++] = (uint8_t)value;
	buffer_put(buffer, bytes, length);
}

void buffer_put_signed(struct buffer *buffer, int64_t value)
{
	const uint64_t sign = value < 0 ? UINT64_MAX : 0;

	buffer_put_varint(buffer, ((uint64_t)value << 1) ^ sign);
}

void buffer_put_text(struct buffer *buffer, const char *text)
{
	const size_t length = strlen(text);

	buffer_put_varint(buffer, length);
	buffer_put(buffer, text, length);
}

void reader_init(struct reader *reader, const void *bytes, size_t length)
{
	*reader = (struct reader){.bytes = bytes, .length = length};
}

size_t reader_left(const struct reader *reader)
{
	return reader->error == GRAPPE_OK ? reader->length - reader->position : 0;
}

const uint8_t *reader_take(struct reader *reader, size_t length)
{
	const uint8_t *bytes;

	if (reader->error != GRAPPE_OK)
		return NULL;
	if (length > reader->length - reader->position) {
		reader->error = GRAPPE_ETRUNCATED;
		return NULL;
	}
	bytes = reader->bytes + reader->position;
	reader->position += length;
	return bytes;
}

void reader_skip(struct reader *reader, size_t length)
{
	(void)reader_take(reader, length);
}

void reader_copy(struct reader *reader, void *out, size_t length)
{
	const uint8_t *bytes = reader_take(reader, length);

	if (bytes != NULL)
		memcpy(out, bytes, length);
	else
		memset(out, 0, length);
}

static uint64_t read_big_endian(struct reader *reader, size_t length)
{
	const uint8_t *bytes = reader_take(reader, length);
	uint64_t value = 0;

	for (size_t i = 0; bytes != NULL && i < length; i++)
		value = value << 8 | bytes[i];
	return value;
}

uint8_t reader_u8(struct reader *reader)
{
	return (uint8_t)read_big_endian(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
	return (uint16_t)read_big_endian(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
	return (uint32_t)read_big_endian(reader, 4);
}

uint64_t reader_varint(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t byte = reader_u8(reader);

		if (reader->error != GRAPPE_OK)
			return 0;
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	reader->error = GRAPPE_EFORMAT;
	return 0;
}

int64_t reader_signed(struct reader *reader)
{
	const uint64_t value = reader_varint(reader);

	return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

void reader_text(struct reader *reader, char *out, size_t size)
{
	const uint64_t length = reader_varint(reader);
	const uint8_t *bytes;

	out[0] = '\0';
	if (reader->error == GRAPPE_OK && length >= size) {
		reader->error = GRAPPE_EFORMAT;
		return;
	}
	bytes = reader_take(reader, (size_t)length);
	if (bytes == NULL)
		return;
	for (size_t i = 0; i < length; i++)
		if (bytes[i] < 0x20 || bytes[i] == 0x7f) {
			reader->error = GRAPPE_EFORMAT;
			return;
		}
	memcpy(out, bytes, (size_t)length);
	out[length] = '\0';
}
