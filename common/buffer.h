/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes in and out. `struct buffer` grows as it is written; `struct reader` walks
 * over bytes that may be hostile. Both keep a sticky error: after the first failure
 * further calls do nothing (reads give zeros), so code checks once, at the end.
 * Integers are big-endian or LEB128 varints (7 bits a byte, least first).
 * Not for sharing between threads.
 */
#ifndef GRAPPE_COMMON_BUFFER_H
#define GRAPPE_COMMON_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *bytes;  /* owned by the buffer */
	size_t length;   /* written so far */
	size_t capacity; /* allocated */
	int error;       /* sticky: GRAPPE_OK or GRAPPE_EMEMORY */
};

void buffer_init(struct buffer *buffer);
void buffer_deinit(struct buffer *buffer);
void buffer_put(struct buffer *buffer, const void *bytes, size_t length);
void buffer_put_u8(struct buffer *buffer, uint8_t value);
void buffer_put_u32(struct buffer *buffer, uint32_t value);
void buffer_put_varint(struct buffer *buffer, uint64_t value);
/* buffer_put_signed - zigzag varint, short for small magnitudes of either sign. */
void buffer_put_signed(struct buffer *buffer, int64_t value);
/* buffer_put_text - varint length, then the bytes without the final zero. */
void buffer_put_text(struct buffer *buffer, const char *text);

struct reader {
	const uint8_t *bytes; /* not owned */
	size_t length;
	size_t position;
	int error; /* sticky: GRAPPE_OK, GRAPPE_ETRUNCATED or GRAPPE_EFORMAT */
};

void reader_init(struct reader *reader, const void *bytes, size_t length);
size_t reader_left(const struct reader *reader);
/* reader_take - the next `length` bytes in place, or NULL when fewer are left (sticky error). */
const uint8_t *reader_take(struct reader *reader, size_t length);
void reader_skip(struct reader *reader, size_t length);
void reader_copy(struct reader *reader, void *out, size_t length);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_varint(struct reader *reader);
int64_t reader_signed(struct reader *reader);
/* reader_text - reads what buffer_put_text() wrote into out[size], always zero-terminated.
 * A text of `size` bytes or more, or with a control character, is GRAPPE_EFORMAT. */
void reader_text(struct reader *reader, char *out, size_t size);

#endif
