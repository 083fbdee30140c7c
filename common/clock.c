/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/clock.h"

#include "common/error.h"

#include <sys/timex.h>
#include <time.h>

static struct {
	bool active;
	int64_t wall_ns, monotonic_ns;
} fake;

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * CLOCK_SECOND_NS + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
	return fake.active ? fake.wall_ns : read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
	return fake.active ? fake.monotonic_ns : read_clock(CLOCK_MONOTONIC);
}

#define APART_NS 20000 /* readings of the clocks this near are good enough */
#define READINGS_MAX 16

void clock_read_both(int64_t *wall_ns, int64_t *monotonic_ns)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < READINGS_MAX && best > APART_NS; i++) {
		const int64_t before = clock_monotonic_ns(), wall = clock_wall_ns(),
			      apart = clock_monotonic_ns() - before;

		if (apart >= best)
			continue;
		best = apart;
		*wall_ns = wall;
		*monotonic_ns = before + apart / 2;
	}
}

void clock_fake(int64_t wall_ns, int64_t monotonic_ns)
{
	fake.active = true;
	fake.wall_ns = wall_ns;
	fake.monotonic_ns = monotonic_ns;
}

void clock_real(void)
{
	fake.active = false;
}

int clock_read_sync(struct clock_sync *sync)
{
	struct timex t = {.modes = 0};
	const int state = adjtimex(&t);

	*sync = (struct clock_sync){0};
	if (state < 0)
		return GRAPPE_EIO;
	sync->synchronised = state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
	sync->offset_ns = (int64_t)t.offset * ((t.status & STA_NANO) ? 1 : 1000);
	sync->max_error_ns = (int64_t)t.maxerror * 1000;
	return GRAPPE_OK;
}

int64_t clock_period_end(int64_t wall_ns, int64_t length_s)
{
	const int64_t length_ns = length_s * CLOCK_SECOND_NS;

	return (wall_ns / length_ns + 1) * length_s;
}
