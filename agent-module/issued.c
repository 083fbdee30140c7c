/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/issued.h"

#include <string.h>

/* Joins run i with the one behind it. */
static void join(struct issued *issued, uint32_t i)
{
	issued->runs[i].last_s = issued->runs[i + 1].last_s;
	issued->nruns--;
	memmove(&issued->runs[i + 1], &issued->runs[i + 2],
	    (issued->nruns - i - 1) * sizeof *issued->runs);
}

static uint32_t nearest(const struct issued *issued)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i + 1 < issued->nruns; i++)
		if (issued->runs[i + 1].first_s - issued->runs[i].last_s <
		    issued->runs[best + 1].first_s - issued->runs[best].last_s)
			best = i;
	return best;
}

void issued_add(struct issued *issued, int64_t end_s, int64_t length_s)
{
	uint32_t i = 0;

	if (issued_has(issued, end_s))
		return;
	while (i < issued->nruns && issued->runs[i].first_s < end_s)
		i++;
	memmove(&issued->runs[i + 1], &issued->runs[i], (issued->nruns - i) * sizeof *issued->runs);
	issued->runs[i].first_s = issued->runs[i].last_s = end_s;
	issued->nruns++;
	if (i + 1 < issued->nruns && issued->runs[i + 1].first_s - end_s <= length_s)
		join(issued, i);
	if (i > 0 && end_s - issued->runs[i - 1].last_s <= length_s)
		join(issued, i - 1);
	if (issued->nruns > ISSUED_RUNS_MAX)
		join(issued, nearest(issued));
}

bool issued_has(const struct issued *issued, int64_t end_s)
{
	for (uint32_t i = 0; i < issued->nruns; i++)
		if (end_s >= issued->runs[i].first_s && end_s <= issued->runs[i].last_s)
			return true;
	return false;
}

int64_t issued_next(const struct issued *issued, int64_t end_s, int64_t length_s)
{
	for (uint32_t i = 0; i < issued->nruns; i++)
		if (end_s >= issued->runs[i].first_s && end_s <= issued->runs[i].last_s)
			end_s = issued->runs[i].last_s + length_s;
	return end_s;
}
