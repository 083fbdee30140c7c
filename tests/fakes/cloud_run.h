/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moves and surveys of a cloud for tests: one at a time, run until they have ended. Ends the test
 * when they do not within 20 s.
 */
#ifndef GRAPPE_TESTS_FAKES_CLOUD_RUN_H
#define GRAPPE_TESTS_FAKES_CLOUD_RUN_H

#include "manager/cloud.h"

struct event_base;

/* What the last move told. */
struct cloud_told {
	int ended;
	char handle[CLOUD_HANDLE_SIZE]; /* "" never accepted */
	struct cloud_result result;
};

/* cloud_run_order - an order of this VM between these hosts. */
struct cloud_order cloud_run_order(
    const char *vm_id, const char *name, const char *from_host, const char *to_host);
/* cloud_run_start - handle NULL: cloud_move(), else cloud_resume(). */
struct cloud_job *cloud_run_start(struct cloud *cloud, const struct cloud_order *order,
    const char *handle, struct cloud_told *told);
/* cloud_run_wait - until the move has ended. */
void cloud_run_wait(struct event_base *base, struct cloud_told *told);
/* cloud_run_accepted - until it was accepted, or has ended. */
void cloud_run_accepted(struct event_base *base, struct cloud_told *told);
/* cloud_run_survey - the survey as JSON text, or "error: …". In a buffer that the next call
 * overwrites. */
const char *cloud_run_survey(struct event_base *base, struct cloud *cloud);

#endif
