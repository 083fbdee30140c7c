/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far long work has got, as one line on a terminal that is gone at the end. It appears after a
 * second, a few times in a second, and only when standard error is a terminal. One thread.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_PROGRESS_H
#define GRAPPE_COLLECTOR_QUERY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct query_progress {
	bool wanted, shown;
	int64_t next_ns; /* by CLOCK_MONOTONIC */
	uint64_t rows;
};

/* query_progress_start - quiet: never show anything. */
void query_progress_start(struct query_progress *progress, bool quiet);
/* query_progress_part - `done` of `all` things of a kind ("receivers"). */
void query_progress_part(
    struct query_progress *progress, uint64_t done, uint64_t all, const char *things);
/* query_progress_row - one more row. Not to be called while rows themselves go to the terminal. */
void query_progress_row(struct query_progress *progress);
/* query_progress_end - takes the line away; before anything else is said there. */
void query_progress_end(struct query_progress *progress);

#endif
