/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shell of a subagent of snmpd: a process without privilege around one libevent loop that also
 * speaks AgentX, until SIGTERM or SIGINT.
 *
 * Life-cycle: subagent_open() before anything is read that others wrote, agentx_start()
 * (common/agentx.h) when there are rows to show, subagent_loop(), subagent_close(). One per
 * process. One thread.
 */
#ifndef GRAPPE_COMMON_SUBAGENT_H
#define GRAPPE_COMMON_SUBAGENT_H

#include "common/confine.h"

struct event;
struct event_base;

struct subagent {
	struct event_base *base; /* for the events of the program; NULL: could not be opened */
	/* private */
	struct event *terminate, *interrupt;
	bool stopping;
};

/* subagent_open - gives up all that `rights` do not name and becomes `user` ("": stays who it is),
 * NULL rights: stays unconfined, which is said; then makes the loop. Says what goes wrong. Returns
 * 0, GRAPPE_EIO, GRAPPE_ENOTFOUND or GRAPPE_EMEMORY; subagent_close() is due in any case. */
int subagent_open(struct subagent *subagent, const struct confine_rights *rights, const char *user);
/* subagent_loop - until a signal ends it. Returns 0, GRAPPE_EMEMORY or GRAPPE_EIO. */
int subagent_loop(struct subagent *subagent);
/* subagent_close - withdraws from snmpd; the events of the program must be gone. */
void subagent_close(struct subagent *subagent);

#endif
