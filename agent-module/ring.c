/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/ring.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

struct sealed *sealed_new(
    struct buffer *bytes, const struct period *period, const uint32_t *numbers, size_t ntallies)
{
	struct sealed *sealed = calloc(1, sizeof *sealed);

	if (sealed == NULL)
		return NULL;
	sealed->numbers = calloc(period->nvifs + 1, sizeof *numbers);
	if (sealed->numbers == NULL) {
		free(sealed);
		return NULL;
	}
	if (period->nvifs > 0)
		memcpy(sealed->numbers, numbers, period->nvifs * sizeof *numbers);
	sealed->references = 1;
	sealed->header = period->header;
	sealed->nrows = period->nrows;
	sealed->nvifs = period->nvifs;
	sealed->ntallies = ntallies;
	sealed->length = bytes->length;
	sealed->crc = period_checksum(bytes->bytes, bytes->length);
	sealed->bytes = realloc(bytes->bytes, bytes->length);
	if (sealed->bytes == NULL)
		sealed->bytes = bytes->bytes;
	buffer_init(bytes);
	return sealed;
}

struct sealed *sealed_hold(struct sealed *sealed)
{
	sealed->references++;
	return sealed;
}

void sealed_release(struct sealed *sealed)
{
	if (sealed == NULL || --sealed->references > 0)
		return;
	free(sealed->bytes);
	free(sealed->numbers);
	free(sealed);
}

int sealed_decode(const struct sealed *sealed, struct tally_set *out)
{
	struct period *period;
	int rc;

	*out = (struct tally_set){0};
	rc = period_decode(sealed->bytes, sealed->length, &period);
	if (rc != GRAPPE_OK)
		return rc;
	rc = tally_from_period(period, sealed->numbers, out);
	period_free(period);
	return rc;
}

uint32_t sealed_end(const struct sealed *sealed)
{
	return (uint32_t)sealed->header.end_s;
}

void ring_init(struct ring *ring, size_t limit)
{
	*ring = (struct ring){.limit = limit};
}

void ring_deinit(struct ring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		sealed_release(ring->items[i]);
	ring_init(ring, ring->limit);
}

size_t ring_find(const struct ring *ring, uint32_t end)
{
	size_t i = 0;

	while (i < ring->count && sealed_end(ring->items[i]) < end)
		i++;
	return i;
}

static void drop_oldest(struct ring *ring)
{
	ring->bytes -= ring->items[0]->length;
	sealed_release(ring->items[0]);
	ring->count--;
	memmove(&ring->items[0], &ring->items[1], ring->count * sizeof ring->items[0]);
}

int ring_add(struct ring *ring, struct sealed *sealed)
{
	size_t place = ring_find(ring, sealed_end(sealed));

	if (place < ring->count && sealed_end(ring->items[place]) == sealed_end(sealed)) {
		sealed_release(sealed);
		return GRAPPE_EEXISTS;
	}
	if (ring->count == ring->limit) {
		if (place == 0) {
			sealed_release(sealed);
			return GRAPPE_OK;
		}
		drop_oldest(ring);
		place--;
	}
	memmove(&ring->items[place + 1], &ring->items[place],
	    (ring->count - place) * sizeof ring->items[0]);
	ring->items[place] = sealed;
	ring->count++;
	ring->bytes += sealed->length;
	while (ring->count > 1 && ring->bytes > RING_BYTES_MAX)
		drop_oldest(ring);
	return GRAPPE_OK;
}
