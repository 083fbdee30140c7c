/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/agent.h"

#include "agent-module/feed.h"
#include "agent-module/mib_objects.h"
#include "agent-module/mib_vm.h"
#include "common/agentx.h"
#include "common/error.h"
#include "common/log.h"
#include "common/subagent.h"
#include "common/subagent_rights.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define RESCAN_S 2 /* should a notice be lost, or the folder come and go */
#define WATCHED (IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct agent {
	const struct agent_settings *settings;
	struct subagent subagent;
	struct event *notice, *rescan;
	int inotify; /* descriptor, -1: none */
	int watch;   /* of the folder, -1: none */
	struct feed feed;
};

static const struct agentx_part parts[] = {
    {&mib_objects_view, NULL}, {&mib_vm_view, "vm_mib = no"}};

/* ---- periods ---- */

static void watch_folder(struct agent *agent)
{
	if (agent->inotify < 0 || agent->watch >= 0)
		return;
	agent->watch =
	    inotify_add_watch(agent->inotify, agent->settings->periods_directory, WATCHED);
}

static void on_notice(evutil_socket_t fd, short what, void *argument)
{
	_Alignas(struct inotify_event) char bytes[4096];
	struct agent *agent = argument;
	ssize_t length;

	(void)what;
	while ((length = read(fd, bytes, sizeof bytes)) > 0) {
		const struct inotify_event *event;

		for (ssize_t at = 0; at < length; at += (ssize_t)(sizeof *event + event->len)) {
			event = (const struct inotify_event *)(bytes + at);
			if (event->wd != agent->watch)
				continue;
			if (event->mask & IN_MOVE_SELF)
				inotify_rm_watch(agent->inotify, agent->watch);
			if (event->mask & (IN_IGNORED | IN_MOVE_SELF))
				agent->watch = -1;
		}
	}
	feed_scan(&agent->feed);
}

static void on_rescan(evutil_socket_t fd, short what, void *argument)
{
	struct agent *agent = argument;

	(void)fd;
	(void)what;
	watch_folder(agent);
	feed_scan(&agent->feed);
}

/* ---- life ---- */

static int add_events(struct agent *agent)
{
	const struct timeval interval = {.tv_sec = RESCAN_S};
	struct event_base *base = agent->subagent.base;

	agent->rescan = event_new(base, -1, EV_PERSIST, on_rescan, agent);
	agent->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (agent->inotify < 0)
		log_warning(
		    "no notices of new files: %s; looking every %d s", strerror(errno), RESCAN_S);
	else
		agent->notice =
		    event_new(base, agent->inotify, EV_READ | EV_PERSIST, on_notice, agent);
	if (agent->rescan == NULL || (agent->inotify >= 0 && agent->notice == NULL))
		return GRAPPE_EMEMORY;
	if (event_add(agent->rescan, &interval) != 0 ||
	    (agent->notice != NULL && event_add(agent->notice, NULL) != 0))
		return GRAPPE_EMEMORY;
	return GRAPPE_OK;
}

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void clean_up(struct agent *agent)
{
	free_event(agent->notice);
	free_event(agent->rescan);
	if (agent->inotify >= 0)
		close(agent->inotify);
	subagent_close(&agent->subagent);
}

static int start(struct agent *agent)
{
	const struct agent_settings *settings = agent->settings;
	const struct confine_rights rights = subagent_rights(true);
	const struct agentx_options options = {.program = "grappe-agent",
	    .socket = settings->agentx_socket,
	    .parts = parts,
	    .nparts = settings->vm_mib ? 2 : 1};
	int rc =
	    subagent_open(&agent->subagent, settings->confine ? &rights : NULL, settings->user);

	if (rc == GRAPPE_OK)
		rc = add_events(agent);
	if (rc != GRAPPE_OK)
		return rc;
	watch_folder(agent);
	rc = feed_open(&agent->feed, settings);
	if (rc == GRAPPE_OK)
		rc = agentx_start(agent->subagent.base, &options);
	return rc;
}

int agent_run(const struct agent_settings *settings)
{
	struct agent agent = {.settings = settings, .inotify = -1, .watch = -1};
	int rc = start(&agent);

	if (rc == GRAPPE_OK)
		rc = subagent_loop(&agent.subagent);
	if (rc != GRAPPE_OK)
		log_error("cannot go on: %s", error_text(rc));
	/* First: a master that does not answer may hold up the rest. */
	if (feed_save(&agent.feed) != GRAPPE_OK)
		rc = GRAPPE_EIO;
	agentx_stop();
	feed_close(&agent.feed);
	clean_up(&agent);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
