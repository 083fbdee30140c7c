/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The newest periods as the agent keeps them: encoded, as they were read, because
 * decoded ones would be five times as large. A sealed period never changes and is
 * shared by reference count between the ring and snapshots.
 * Pure; one thread.
 */
#ifndef GRAPPE_AGENT_RING_H
#define GRAPPE_AGENT_RING_H

#include "agent-module/tally.h"
#include "common/buffer.h"
#include "common/period.h"

#include <stddef.h>
#include <stdint.h>

#define RING_PERIODS_MAX 1000
#define RING_BYTES_MAX ((size_t)256 << 20) /* of all encodings together; the oldest go first */

struct sealed {
	unsigned references;
	struct period_header header;
	uint8_t *bytes; /* owned; the encoding */
	size_t length;
	uint32_t crc;    /* CRC-32 of the encoding */
	size_t nrows;    /* rows of the encoding */
	size_t ntallies; /* rows when both directions are one */
	size_t nvifs;
	uint32_t *numbers; /* owned; numbers of its vifs in the MIB */
};

/* sealed_new - takes over what bytes holds and leaves it empty; copies numbers[period->nvifs].
 * The caller holds the first reference. NULL without memory (bytes is untouched then). */
struct sealed *sealed_new(
    struct buffer *bytes, const struct period *period, const uint32_t *numbers, size_t ntallies);
/* sealed_hold - one more reference; returns sealed. */
struct sealed *sealed_hold(struct sealed *sealed);
/* sealed_release - one reference less; frees it with the last. NULL is allowed. */
void sealed_release(struct sealed *sealed);
/* sealed_decode - its counts as a set that the caller frees. Returns 0 or GRAPPE_EMEMORY. */
int sealed_decode(const struct sealed *sealed, struct tally_set *out);
/* sealed_end - its name. */
uint32_t sealed_end(const struct sealed *sealed);

struct ring {
	struct sealed *items[RING_PERIODS_MAX]; /* a reference each; ascending by end */
	size_t count;
	size_t limit;
	size_t bytes; /* of all encodings */
};

/* ring_init - limit: 1…RING_PERIODS_MAX periods. */
void ring_init(struct ring *ring, size_t limit);
void ring_deinit(struct ring *ring);
/* ring_add - takes over the caller's reference. Beyond a limit the oldest goes, which may be this
 * one. Returns 0, or GRAPPE_EEXISTS (the reference is released then as well). */
int ring_add(struct ring *ring, struct sealed *sealed);
/* ring_find - position of the period with this end, or of the first later one (count: none). */
size_t ring_find(const struct ring *ring, uint32_t end);

#endif
