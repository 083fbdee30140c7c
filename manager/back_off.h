/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long to wait until one that does not answer is tried again: twice as long each time.
 */
#ifndef GRAPPE_MANAGER_BACK_OFF_H
#define GRAPPE_MANAGER_BACK_OFF_H

#include <stdint.h>

/* Of receivers, which may be away for an hour. */
#define BACK_OFF_FIRST_MS 1000
#define BACK_OFF_LAST_MS (300 * 1000)

/* back_off_next - the pause after one of pause_ms, at most last_ms. */
static inline int64_t back_off_next(int64_t pause_ms, int64_t last_ms)
{
	return pause_ms * 2 < last_ms ? pause_ms * 2 : last_ms;
}

#endif
