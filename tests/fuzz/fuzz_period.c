/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The period codec: as the bytes are, and once more with a checksum that fits, so that the fuzzer
 * gets behind it. */
#include "common/error.h"
#include "common/period.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What was accepted is encoded, decoded and encoded again: both encodings must be the same. */
static void go_round(const struct period *period)
{
	struct buffer first, second;
	struct period *again;

	buffer_init(&first);
	buffer_init(&second);
	if (period_encode(period, &first) != GRAPPE_OK ||
	    period_decode(first.bytes, first.length, &again) != GRAPPE_OK ||
	    period_encode(again, &second) != GRAPPE_OK || first.length != second.length ||
	    memcmp(first.bytes, second.bytes, first.length) != 0)
		abort();
	period_free(again);
	buffer_deinit(&first);
	buffer_deinit(&second);
}

static void try(const uint8_t *bytes, size_t length)
{
	struct period *period;

	if (period_decode(bytes, length, &period) == GRAPPE_OK)
		go_round(period);
	else if (period != NULL)
		abort();
	period_free(period);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t *sealed;
	uint32_t sum;

	try(bytes, length);
	if (length < 4)
		return 0;
	sealed = malloc(length);
	if (sealed == NULL)
		return 0;
	memcpy(sealed, bytes, length);
	sum = period_checksum(sealed, length - 4);
	for (int i = 0; i < 4; i++)
		sealed[length - 4 + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
	try(sealed, length);
	free(sealed);
	return 0;
}
