/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of the socket protocol, as a client reads them from a hostile daemon. */
#include "common/error.h"
#include "common/protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct protocol_reply reply;
	const int rc = protocol_reply_parse((const char *)bytes, length, &reply);
	size_t total = 0;

	if (rc != GRAPPE_OK && reply.nrows != 0)
		abort();
	for (size_t row = 0; row < reply.nrows; row++)
		for (size_t column = 0; column < reply.ncolumns; column++)
			total += strlen(protocol_reply_field(&reply, row, column));
	if (total > length || reply.answer.known > reply.answer.wanted)
		abort();
	protocol_reply_deinit(&reply);
	return 0;
}
