/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/feed.h"

#include "agent-module/snapshot.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/mib_serve.h"

#include <inttypes.h>
#include <net/if.h>

static void release_snapshot(void *rows)
{
	snapshot_free(rows);
}

static int show_snapshot(struct feed *feed)
{
	const struct agent_settings *settings = feed->settings;
	struct snapshot *snapshot = snapshot_new(intake_ledger(feed->intake),
	    intake_ring(feed->intake), (uint32_t)(settings->linger_ms / 1000));

	if (snapshot == NULL) {
		log_complain(&feed->memory, "no memory for new tables: the old ones stay");
		return GRAPPE_EMEMORY;
	}
	log_recovered(&feed->memory, "tables are made again");
	snapshot_follow(
	    snapshot, feed->shown, mib_serve_uptime_cs(), settings->vm_mib ? if_nametoindex : NULL);
	mib_serve_show(snapshot, release_snapshot);
	feed->shown = snapshot;
	return GRAPPE_OK;
}

void feed_scan(struct feed *feed)
{
	const struct ledger *ledger = intake_ledger(feed->intake);
	const uint32_t before = ledger->last_end;
	const int64_t now_s = clock_wall_ns() / CLOCK_SECOND_NS;
	const int taken = intake_scan(feed->intake, now_s, clock_monotonic_ns());

	if (taken <= 0 && ledger->last_end == before)
		return;
	log_debug("took in %d period(s); newest %" PRIu32 ", %zu pairs", taken, ledger->last_end,
	    ledger->rows.count);
	show_snapshot(feed);
}

int feed_open(struct feed *feed, const struct agent_settings *settings)
{
	*feed = (struct feed){.settings = settings};
	feed->intake = intake_new(
	    settings->periods_directory, settings->state_directory, (size_t)settings->history);
	if (feed->intake == NULL)
		return GRAPPE_EMEMORY;
	feed_scan(feed);
	return feed->shown != NULL ? GRAPPE_OK : show_snapshot(feed);
}

int feed_save(struct feed *feed)
{
	return feed->intake != NULL ? intake_save(feed->intake) : GRAPPE_OK;
}

void feed_close(struct feed *feed)
{
	mib_serve_show(NULL, NULL);
	feed->shown = NULL;
	intake_free(feed->intake);
	feed->intake = NULL;
}
