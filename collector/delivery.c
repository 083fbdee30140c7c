/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/delivery.h"

#include "common/error.h"

void delivery_let_go(struct delivery *delivery)
{
	period_free(delivery->period);
	delivery->period = NULL;
	buffer_deinit(&delivery->packed);
}

void delivery_pack(struct delivery *delivery)
{
	if (delivery->period == NULL)
		return;
	if (period_encode(delivery->period, &delivery->packed) != GRAPPE_OK) {
		buffer_deinit(&delivery->packed);
		return;
	}
	period_free(delivery->period);
	delivery->period = NULL;
}

bool delivery_is_held(const struct delivery *delivery)
{
	return delivery->period != NULL || delivery->packed.length > 0;
}

const struct period *delivery_open(const struct delivery *delivery, struct period **unpacked)
{
	*unpacked = NULL;
	if (delivery->period == NULL && delivery->packed.length > 0)
		period_decode(delivery->packed.bytes, delivery->packed.length, unpacked);
	return delivery->period != NULL ? delivery->period : *unpacked;
}
