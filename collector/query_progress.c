/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query_progress.h"

#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_NS CLOCK_SECOND_NS
#define EVERY_NS (CLOCK_SECOND_NS / 5)
#define ROWS_BETWEEN 4096 /* looks at the clock */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * CLOCK_SECOND_NS + now.tv_nsec;
}

void query_progress_start(struct query_progress *progress, bool quiet)
{
	*progress = (struct query_progress){
	    .wanted = !quiet && isatty(STDERR_FILENO), .next_ns = now_ns() + FIRST_NS};
}

static bool is_due(struct query_progress *progress)
{
	const int64_t now = now_ns();

	if (!progress->wanted || now < progress->next_ns)
		return false;
	progress->next_ns = now + EVERY_NS;
	progress->shown = true;
	return true;
}

void query_progress_part(
    struct query_progress *progress, uint64_t done, uint64_t all, const char *things)
{
	if (is_due(progress))
		fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " %s\033[K", done, all, things);
}

void query_progress_row(struct query_progress *progress)
{
	if (++progress->rows % ROWS_BETWEEN == 0 && is_due(progress))
		fprintf(stderr, "\r%" PRIu64 " rows\033[K", progress->rows);
}

void query_progress_end(struct query_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
