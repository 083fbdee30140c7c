/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the folder of periods to the tables that are shown: what grappe-agent and the
 * module for snmpd have in common. Each scan takes in new periods and, if there were
 * any, shows a new snapshot (common/mib_serve.h).
 *
 * Life-cycle: feed_open(), feed_scan() whenever something may have come, feed_close().
 * One per process, since what is shown is. One thread.
 */
#ifndef GRAPPE_AGENT_FEED_H
#define GRAPPE_AGENT_FEED_H

#include "agent-module/agent_settings.h"
#include "agent-module/intake.h"
#include "common/log.h"

struct feed {
	const struct agent_settings *settings; /* must stay */
	struct intake *intake;
	struct snapshot *shown; /* owned by mib_serve */
	struct log_complaint memory;
};

/* feed_open - takes in what is there and shows it. Returns 0 or GRAPPE_EMEMORY; feed_close() is due
 * in either case. */
int feed_open(struct feed *feed, const struct agent_settings *settings);
/* feed_scan - takes in what has come since. */
void feed_scan(struct feed *feed);
/* feed_save - writes the state file if it is not up to date. Returns 0 or an error of
 * intake_save(). A feed that is not open has nothing to save. */
int feed_save(struct feed *feed);
/* feed_close - shows nothing any more. What was not saved is in the period files. */
void feed_close(struct feed *feed);

#endif
