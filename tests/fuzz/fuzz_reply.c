/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers of the socket protocol, as a client reads them from a hostile daemon: whole, and as a
 * stream in pieces whose sizes the input itself gives. Both must find the same.
 */
#include "common/error.h"
#include "common/protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What the sink was told. */
struct told {
	size_t ncolumns, rows, octets;
	bool begun;
};

static int on_begin(void *context, const struct protocol_answer *answer, size_t ncolumns)
{
	struct told *told = context;

	if (told->begun || answer->known > answer->wanted ||
	    (answer->columns == NULL) != (ncolumns == 0))
		abort();
	told->begun = true;
	told->ncolumns = ncolumns;
	return GRAPPE_OK;
}

static int on_row(void *context, const char *const *fields)
{
	struct told *told = context;

	if (!told->begun || told->ncolumns < 2)
		abort();
	for (size_t i = 0; i < told->ncolumns; i++)
		told->octets += strlen(fields[i]);
	told->rows++;
	return GRAPPE_OK;
}

static int read_in_pieces(const uint8_t *bytes, size_t length, struct told *told)
{
	const struct protocol_sink sink = {on_begin, on_row, told};
	struct protocol_stream *stream;
	int rc = protocol_stream_new(&sink, &stream);

	for (size_t at = 0, n = 0; rc == GRAPPE_OK && at < length; at += n) {
		size_t size;
		char *room = protocol_stream_room(stream, &size);

		if (room == NULL)
			break;
		n = 1 + bytes[at] % 97;
		n = n < length - at ? n : length - at;
		n = n < size ? n : size;
		memcpy(room, bytes + at, n);
		rc = protocol_stream_take(stream, n);
		if (rc == PROTOCOL_STREAM_ENDED && at + n < length)
			rc = GRAPPE_EFORMAT;
	}
	protocol_stream_free(stream);
	return rc == GRAPPE_OK ? GRAPPE_ETRUNCATED : rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct protocol_reply reply;
	const int rc = protocol_reply_parse((const char *)bytes, length, &reply);
	struct told told = {0};
	const int streamed = read_in_pieces(bytes, length, &told);
	size_t total = 0;

	if ((rc != GRAPPE_OK && reply.nrows != 0) ||
	    (rc == GRAPPE_OK) != (streamed == PROTOCOL_STREAM_ENDED))
		abort();
	for (size_t row = 0; row < reply.nrows; row++)
		for (size_t column = 0; column < reply.ncolumns; column++)
			total += strlen(protocol_reply_field(&reply, row, column));
	if (total > length || reply.answer.known > reply.answer.wanted)
		abort();
	if (rc == GRAPPE_OK && (told.rows != reply.nrows || told.octets != total))
		abort();
	protocol_reply_deinit(&reply);
	return 0;
}
