/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which periods were issued: a few runs of consecutive ends, enough to never issue a
 * period twice when the clock steps back. Bounded: when there are too many runs the two nearest
 * become one, which may keep a period from being issued, but never issues one twice. Pure.
 */
#ifndef GRAPPE_AGENT_MODULE_ISSUED_H
#define GRAPPE_AGENT_MODULE_ISSUED_H

#include <stdbool.h>
#include <stdint.h>

#define ISSUED_RUNS_MAX 8

struct issued {
	struct {
		int64_t first_s, last_s; /* ends, both included */
	} runs[ISSUED_RUNS_MAX + 1];     /* ascending, with gaps between */
	uint32_t nruns;
};

/* issued_add - the period that ends at end_s was issued; length_s: of a period. */
void issued_add(struct issued *issued, int64_t end_s, int64_t length_s);
bool issued_has(const struct issued *issued, int64_t end_s);
/* issued_next - the first end from end_s on that was not issued. */
int64_t issued_next(const struct issued *issued, int64_t end_s, int64_t length_s);

#endif
