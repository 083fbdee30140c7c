/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The branch grappeCollector of GRAPPE-MIB over what the collector told last: which objects there
 * are and what each shows, also while the collector does not answer. Pure; one thread.
 */
#ifndef GRAPPE_COLLECTOR_MIB_COLLECTOR_H
#define GRAPPE_COLLECTOR_MIB_COLLECTOR_H

#include "collector/told.h"
#include "common/mib_value.h"

/* The rows of the view. */
struct standing {
	bool up;                    /* it answered when it was asked last */
	char error[TOLD_TEXT_SIZE]; /* why it is not up */
	int64_t answered_s;         /* wall clock of the last answer, 0 = none yet */
	uint64_t answered_cs; /* the same as time since the host's start, 1/100 s; before the first
				 answer: since when it is asked */
	const struct told *told; /* of the last answer, NULL = none yet */
};

extern const struct mib_view mib_collector_view;

#endif
