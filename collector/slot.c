/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/slot.h"

#include "collector/picture.h"
#include "common/error.h"

#include <stdlib.h>

int slot_reserve(struct slot *slot, uint32_t capacity)
{
	if (slot->states != NULL)
		return GRAPPE_OK;
	slot->states = calloc(capacity + 1, sizeof *slot->states);
	slot->deliveries = calloc(capacity + 1, sizeof *slot->deliveries);
	return slot->states != NULL && slot->deliveries != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

void slot_clear(struct slot *slot, uint32_t agents)
{
	for (uint32_t a = 0; a < agents && slot->deliveries != NULL; a++)
		delivery_let_go(&slot->deliveries[a]);
	resolve_free(slot->view);
	slot->view = NULL;
	slot->end_s = 0;
	slot->handed = slot->packed = slot->closed = slot->empty = false;
	slot->flags = 0;
	slot->delivered = slot->pending = slot->expected = 0;
}

void slot_deinit(struct slot *slot, uint32_t agents)
{
	slot_clear(slot, agents);
	free(slot->states);
	free(slot->deliveries);
}

bool slot_is_missing(const struct slot *slot)
{
	return slot->delivered < slot->expected;
}

void slot_reopen(struct slot *slot, const uint8_t *removed, uint32_t agents)
{
	for (uint32_t a = 0; a < agents && !slot->closed; a++) {
		if (slot->states[a] != PICTURE_LOST || removed[a])
			continue;
		slot->states[a] = PICTURE_PENDING;
		slot->pending++;
	}
}
