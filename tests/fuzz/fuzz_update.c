/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A period as it lies in the journal and in the spool, read from a damaged file. */
#include "common/error.h"
#include "rrd/archive_update.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct archive_update *update, *again;
	struct buffer buffer;
	struct reader reader;
	char message[512];

	reader_init(&reader, bytes, length);
	if (archive_update_take(&reader, &update) != GRAPPE_OK) {
		if (update != NULL)
			abort();
		return 0;
	}
	/* What was read is written as what reads the same. */
	buffer_init(&buffer);
	archive_update_put(&buffer, update);
	reader_init(&reader, buffer.bytes, buffer.length);
	if (archive_update_take(&reader, &again) != GRAPPE_OK ||
	    strcmp(again->receiver, update->receiver) != 0 || again->end_s != update->end_s ||
	    again->nsenders != update->nsenders || again->flags != update->flags)
		abort();
	if (archive_update_check(update, 30, update->end_s, message, sizeof message) != GRAPPE_OK &&
	    message[0] == '\0')
		abort();
	buffer_deinit(&buffer);
	archive_update_free(update);
	archive_update_free(again);
	return 0;
}
