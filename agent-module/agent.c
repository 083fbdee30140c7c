/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/agent.h"

#include "agent-module/agent_rights.h"
#include "agent-module/agentx.h"
#include "agent-module/feed.h"
#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define RESCAN_S 2 /* should a notice be lost, or the folder come and go */
#define WATCHED (IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct agent {
	const struct agent_settings *settings;
	struct event_base *base;
	struct event *terminate, *interrupt, *notice, *rescan;
	int inotify; /* descriptor, -1: none */
	int watch;   /* of the folder, -1: none */
	struct feed feed;
	bool stopping;
};

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

static void on_signal(evutil_socket_t number, short what, void *argument)
{
	struct agent *agent = argument;

	(void)what;
	log_info("ending: %s", strsignal((int)number));
	agent->stopping = true;
}

static int add_events(struct agent *agent)
{
	const struct timeval interval = {.tv_sec = RESCAN_S};

	agent->base = event_base_new();
	if (agent->base == NULL)
		return GRAPPE_EMEMORY;
	agent->terminate = evsignal_new(agent->base, SIGTERM, on_signal, agent);
	agent->interrupt = evsignal_new(agent->base, SIGINT, on_signal, agent);
	agent->rescan = event_new(agent->base, -1, EV_PERSIST, on_rescan, agent);
	agent->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (agent->inotify < 0)
		log_warning(
		    "no notices of new files: %s; looking every %d s", strerror(errno), RESCAN_S);
	else
		agent->notice =
		    event_new(agent->base, agent->inotify, EV_READ | EV_PERSIST, on_notice, agent);
	if (agent->terminate == NULL || agent->interrupt == NULL || agent->rescan == NULL ||
	    (agent->inotify >= 0 && agent->notice == NULL))
		return GRAPPE_EMEMORY;
	if (evsignal_add(agent->terminate, NULL) != 0 ||
	    evsignal_add(agent->interrupt, NULL) != 0 || event_add(agent->rescan, &interval) != 0 ||
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
	free_event(agent->terminate);
	free_event(agent->interrupt);
	free_event(agent->notice);
	free_event(agent->rescan);
	if (agent->inotify >= 0)
		close(agent->inotify);
	if (agent->base != NULL)
		event_base_free(agent->base);
}

/* Arrays of rows come and go once a period: as mappings of their own they leave no holes, which the
 * C library would make of them as soon as it has seen them freed. A little free heap stays, since
 * answers take and give back as much each time. */
static void bound_heap(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

/* Before anything is read that others wrote. */
static int confine(const struct agent_settings *settings)
{
	const struct confine_rights rights = agent_rights();
	char message[200];
	int rc;

	if (!settings->confine) {
		log_warning("not confined, by configuration");
		return GRAPPE_OK;
	}
	rc = confine_enter(&rights, settings->user, message, sizeof message);
	if (rc != GRAPPE_OK)
		log_error("cannot be confined: %s", message);
	return rc;
}

static int start(struct agent *agent)
{
	const struct agent_settings *settings = agent->settings;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	bound_heap();
	rc = confine(settings);
	if (rc != GRAPPE_OK)
		return rc;
	rc = add_events(agent);
	if (rc != GRAPPE_OK)
		return rc;
	watch_folder(agent);
	rc = feed_open(&agent->feed, settings);
	if (rc == GRAPPE_OK)
		rc = agentx_start(agent->base, settings->agentx_socket, settings->vm_mib);
	return rc;
}

static int loop(struct agent *agent)
{
	while (!agent->stopping) {
		int rc;

		agentx_work();
		rc = agentx_prepare();
		if (rc != GRAPPE_OK)
			return rc;
		if (event_base_loop(agent->base, EVLOOP_ONCE) < 0)
			return GRAPPE_EIO;
	}
	return GRAPPE_OK;
}

int agent_run(const struct agent_settings *settings)
{
	struct agent agent = {.settings = settings, .inotify = -1, .watch = -1};
	int rc = start(&agent);

	if (rc == GRAPPE_OK)
		rc = loop(&agent);
	if (rc != GRAPPE_OK)
		log_error("cannot go on: %s", error_text(rc));
	/* First: a master that does not answer may hold up the rest. */
	if (feed_save(&agent.feed) != GRAPPE_OK)
		rc = GRAPPE_EIO;
	if (agent.base != NULL)
		agentx_stop();
	feed_close(&agent.feed);
	clean_up(&agent);
	return rc == GRAPPE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
