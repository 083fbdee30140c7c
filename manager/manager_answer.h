/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the manager answers on its socket (doc/protocol.md): status, recommendation, approve,
 * history. Called in the daemon's loop.
 */
#ifndef GRAPPE_MANAGER_MANAGER_ANSWER_H
#define GRAPPE_MANAGER_MANAGER_ANSWER_H

#include "common/protocol.h"
#include "manager/advisor.h"
#include "manager/dashboard.h"
#include "manager/carry.h"
#include "manager/environment_watch.h"
#include "manager/publish.h"

#include <stdint.h>

/* How the manager is doing; times are epoch seconds, 0 = never. */
struct manager_state {
	int64_t started_s, last_run_s, next_run_s;
	const char *input_state; /* "ok", "waiting", "failing" */
	char input_error[1024];
	int64_t input_to_s, length_s; /* of the last window; length of a period */
	uint32_t known, wanted;
	const struct environment_watch *environments; /* NULL: not told */
	const struct carry *carry;                    /* the same */
	const struct dashboards *dashboards;          /* the same */
};

/* manager_answer - answers the request completely. */
void manager_answer(struct protocol_exchange *exchange, const struct protocol_request *request,
    struct advisor *advisor, const struct publisher *publisher, const struct manager_state *state,
    int64_t now_s);

/* manager_status_json - `data` of a status answer. A new reference, NULL without memory. publisher
 * may be NULL. */
json_t *manager_status_json(const struct advisor *advisor, const struct publisher *publisher,
    const struct manager_state *state);

#endif
