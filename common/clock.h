/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All time of Grappe comes from here, so that tests can put a clock of their own
 * in its place and replay a day in a second. Also the arithmetic of periods: a
 * period of length L is named by its end, a multiple of L in seconds since the
 * epoch (UTC), and holds the instants t with end − L ≤ t < end. Any thread may read;
 * only a single-threaded test may fake.
 */
#ifndef GRAPPE_COMMON_CLOCK_H
#define GRAPPE_COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SECOND_NS INT64_C(1000000000)
#define CLOCK_MILLISECOND_NS INT64_C(1000000)

/* clock_wall_ns - CLOCK_REALTIME in ns since the epoch (clock_gettime(2)), or the fake one. */
int64_t clock_wall_ns(void);
/* clock_monotonic_ns - CLOCK_MONOTONIC in ns, or the fake one. Never steps back. */
int64_t clock_monotonic_ns(void);

/* clock_read_both - both clocks at one instant, as near as some microseconds even on a busy
 * machine: what tells a step of the wall clock from a pause of this process. */
void clock_read_both(int64_t *wall_ns, int64_t *monotonic_ns);

/* clock_fake - from now on both clocks show these values until clock_fake() or clock_real(). */
void clock_fake(int64_t wall_ns, int64_t monotonic_ns);
void clock_real(void);

struct clock_sync {
	bool synchronised;    /* the kernel's clock is disciplined (no STA_UNSYNC) */
	int64_t offset_ns;    /* estimated offset the kernel still has to slew */
	int64_t max_error_ns; /* the kernel's bound of the error */
};

/* clock_read_sync - state of clock synchronisation by adjtimex(2), without changing it.
 * Returns 0 or GRAPPE_EIO (then *sync says not synchronised). */
int clock_read_sync(struct clock_sync *sync);

/* clock_period_end - end (epoch seconds) of the period of length_s (> 0) that holds instant
 * wall_ns; wall_ns must not be negative. */
int64_t clock_period_end(int64_t wall_ns, int64_t length_s);

#endif
