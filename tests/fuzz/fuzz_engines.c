/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of engine IDs, damaged or foreign: what is read is valid, and is read again after it was
 * written. The checksum of the input is made to fit, so that more than checksums is tried. */
#include "collector/engines.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_bytes(const void *bytes, size_t size)
{
	struct engines *engines = engines_new();
	struct engine_id id;

	if (engines == NULL)
		return;
	if (engines_parse(engines, bytes, size) == GRAPPE_OK &&
	    engines_get(engines, "192.0.2.1:161", &id) &&
	    (id.length < ENGINE_ID_MIN || id.length > ENGINE_ID_MAX))
		abort();
	engines_twin(engines, "192.0.2.1:161");
	engines_free(engines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer fitting;
	char tail[64];
	size_t lines = 0;

	try_bytes(data, size);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	buffer_init(&fitting);
	buffer_put(&fitting, "grappe-engines 1\n", 17);
	buffer_put(&fitting, data, size);
	snprintf(tail, sizeof tail, "end %zu %08x\n", lines,
	    (unsigned)period_checksum(fitting.bytes, fitting.length));
	buffer_put(&fitting, tail, strlen(tail));
	if (fitting.error == GRAPPE_OK)
		try_bytes(fitting.bytes, fitting.length);
	buffer_deinit(&fitting);
	return 0;
}
