/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one agent delivered of one period, kept until nothing can change the period any more: as it
 * is, or encoded, which takes a tenth of the memory. Pure; one thread.
 */
#ifndef GRAPPE_COLLECTOR_DELIVERY_H
#define GRAPPE_COLLECTOR_DELIVERY_H

#include "common/buffer.h"
#include "common/period.h"

#include <stdbool.h>

/* Zeroed: nothing was delivered, or it was let go. */
struct delivery {
	struct period *period; /* owned; NULL: packed, or nothing */
	struct buffer packed;
};

/* delivery_pack - encodes it; what cannot be encoded stays as it is. */
void delivery_pack(struct delivery *delivery);
/* delivery_open - the period, or NULL when there is none or no memory. *unpacked: what the caller
 * frees after use (period_free()), or NULL. */
const struct period *delivery_open(const struct delivery *delivery, struct period **unpacked);
bool delivery_is_held(const struct delivery *delivery);
void delivery_let_go(struct delivery *delivery);

#endif
