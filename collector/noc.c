/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/noc.h"

#include "collector/ask.h"
#include "collector/mib_collector.h"
#include "common/agentx.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mib_serve.h"
#include "common/subagent.h"
#include "common/subagent_rights.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

static const struct agentx_part parts[] = {{&mib_collector_view, NULL}};

struct noc {
	struct subagent subagent;
	struct event *due; /* the next question */
	struct ask *ask;
	struct standing standing;
	struct told *told; /* owned; what standing shows */
	struct log_complaint silence;
};

static void on_answer(void *context, struct told *told, const char *why)
{
	struct noc *noc = context;
	struct standing *standing = &noc->standing;

	standing->up = told != NULL;
	snprintf(standing->error, sizeof standing->error, "%s", why);
	if (told == NULL) {
		log_complain(&noc->silence, "%s", why);
		return;
	}
	log_recovered(&noc->silence, "the collector answers");
	told_free(noc->told);
	noc->told = told;
	standing->told = told;
	standing->answered_s = clock_wall_ns() / CLOCK_SECOND_NS;
	standing->answered_cs = mib_serve_uptime_cs();
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	struct noc *noc = context;

	(void)fd;
	(void)what;
	ask_begin(noc->ask);
}

/* The rows are the daemon's own, and stay. */
static void keep_rows(void *rows)
{
	(void)rows;
}

static int begin_asking(struct noc *noc, const struct noc_settings *settings)
{
	const struct timeval interval = {
	    .tv_sec = settings->interval_ms / 1000, .tv_usec = settings->interval_ms % 1000 * 1000};
	struct event_base *base = noc->subagent.base;

	noc->ask = ask_new(base, settings->collector_socket, settings->timeout_ms, on_answer, noc);
	noc->due = event_new(base, -1, EV_PERSIST, on_due, noc);
	if (noc->ask == NULL || noc->due == NULL || event_add(noc->due, &interval) != 0)
		return GRAPPE_EMEMORY;
	noc->standing = (struct standing){
	    .error = "the collector has not answered yet", .answered_cs = mib_serve_uptime_cs()};
	mib_serve_show(&noc->standing, keep_rows);
	ask_begin(noc->ask);
	return GRAPPE_OK;
}

static int start(struct noc *noc, const struct noc_settings *settings)
{
	const struct confine_rights rights = subagent_rights(false);
	const struct agentx_options options = {.program = "grappe-collector-agent",
	    .socket = settings->agentx_socket,
	    .parts = parts,
	    .nparts = 1};
	int rc = subagent_open(&noc->subagent, settings->confine ? &rights : NULL, settings->user);

	if (rc == GRAPPE_OK)
		rc = begin_asking(noc, settings);
	if (rc == GRAPPE_OK)
		rc = agentx_start(noc->subagent.base, &options);
	return rc;
}

int noc_run(const struct noc_settings *settings)
{
	struct noc noc = {0};
	int rc = start(&noc, settings);

	if (rc == GRAPPE_OK)
		rc = subagent_loop(&noc.subagent);
	if (rc != GRAPPE_OK)
		log_error("cannot go on: %s", error_text(rc));
	agentx_stop();
	mib_serve_show(NULL, NULL);
	ask_free(noc.ask);
	if (noc.due != NULL)
		event_free(noc.due);
	subagent_close(&noc.subagent);
	told_free(noc.told);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
