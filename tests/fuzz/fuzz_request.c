/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Request lines of the socket protocol. What is accepted must survive being written and read again.
 */
#include "common/error.h"
#include "common/protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct protocol_request request, again;
	char message[200];
	char *line;

	if (protocol_request_parse(
		(const char *)bytes, length, &request, message, sizeof message) != GRAPPE_OK)
		return 0;
	line = protocol_request_format(&request);
	if (line == NULL || strchr(line, '\n') != line + strlen(line) - 1 ||
	    protocol_request_parse(line, strlen(line) - 1, &again, message, sizeof message) !=
		GRAPPE_OK ||
	    again.op != request.op || again.kind != request.kind ||
	    again.from_s != request.from_s || again.to_s != request.to_s ||
	    again.wait_ms != request.wait_ms || again.approximate != request.approximate ||
	    again.ratio != request.ratio || strcmp(again.select, request.select) != 0 ||
	    strcmp(again.id, request.id) != 0)
		abort();
	free(line);
	return 0;
}
