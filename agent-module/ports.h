/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interfaces grappe-capture reads now, and the vifs watched on them: brings both in line
 * with a plan of discovery, hands frames to the accounting, gives each ring its share of the
 * memory. When an interface is gone its ring may still hold frames in a block that the kernel hands
 * over a little later: it is read once more after PORTS_LINGER_MS, then closed. An interface that
 * comes back is opened anew.
 *
 * Life-cycle: ports_new(), ports_follow() after each change of the plan, ports_drain() before a
 * period is closed, ports_free(). Lives in one libevent loop.
 */
#ifndef GRAPPE_AGENT_MODULE_PORTS_H
#define GRAPPE_AGENT_MODULE_PORTS_H

#include "agent-module/account.h"
#include "agent-module/discover.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORTS_LINGER_MS 300

struct backend;
struct event_base;

struct ports_options {
	struct event_base *base;
	struct account *account;
	struct backend *backend; /* borrowed; must outlive the ports */
	uint64_t buffer_total;
	/* Called before frames are read, so that the accounting knows the time. */
	void (*before_read)(void *context);
	void *context;
};

struct ports; /* opaque */

/* ports_new - NULL without memory. */
struct ports *ports_new(const struct ports_options *options);
/* ports_free - closes everything. NULL is allowed. */
void ports_free(struct ports *ports);

/* ports_follow - opens, closes, watches and unwatches until everything is as the plan says. Returns
 * true when all of it could be done; else (logged) call again later. */
bool ports_follow(struct ports *ports, const struct discover_plan *plan);
/* ports_drain - reads what waits on all interfaces and tells the accounting what the kernel
 * dropped. */
void ports_drain(struct ports *ports);
/* ports_stop_at - frames from this instant (wall clock) on are no longer counted. */
void ports_stop_at(struct ports *ports, int64_t stop_ns);
/* ports_lost - whether a source died since the last ports_follow(). */
bool ports_lost(const struct ports *ports);

size_t ports_count(const struct ports *ports);
size_t ports_vifs(const struct ports *ports);

#endif
