/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/subagent.h"

#include "common/agentx.h"
#include "common/error.h"
#include "common/log.h"

#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>

static void on_signal(evutil_socket_t number, short what, void *argument)
{
	struct subagent *subagent = argument;

	(void)what;
	log_info("ending: %s", strsignal((int)number));
	subagent->stopping = true;
}

/* Arrays of rows come and go with each new state: as mappings of their own they leave no holes,
 * which the C library would make of them as soon as it has seen them freed. A little free heap
 * stays, since answers take and give back as much each time. */
static void bound_heap(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

static int confine(const struct confine_rights *rights, const char *user)
{
	char message[200];
	int rc;

	if (rights == NULL) {
		log_warning("not confined, by configuration");
		return GRAPPE_OK;
	}
	rc = confine_enter(rights, user, message, sizeof message);
	if (rc != GRAPPE_OK)
		log_error("cannot be confined: %s", message);
	return rc;
}

static int add_signals(struct subagent *subagent)
{
	subagent->terminate = evsignal_new(subagent->base, SIGTERM, on_signal, subagent);
	subagent->interrupt = evsignal_new(subagent->base, SIGINT, on_signal, subagent);
	if (subagent->terminate == NULL || subagent->interrupt == NULL ||
	    evsignal_add(subagent->terminate, NULL) != 0 ||
	    evsignal_add(subagent->interrupt, NULL) != 0)
		return GRAPPE_EMEMORY;
	return GRAPPE_OK;
}

int subagent_open(struct subagent *subagent, const struct confine_rights *rights, const char *user)
{
	int rc;

	*subagent = (struct subagent){0};
	signal(SIGPIPE, SIG_IGN);
	bound_heap();
	rc = confine(rights, user);
	if (rc != GRAPPE_OK)
		return rc;
	subagent->base = event_base_new();
	return subagent->base != NULL ? add_signals(subagent) : GRAPPE_EMEMORY;
}

int subagent_loop(struct subagent *subagent)
{
	while (!subagent->stopping) {
		int rc;

		agentx_work();
		rc = agentx_prepare();
		if (rc != GRAPPE_OK)
			return rc;
		if (event_base_loop(subagent->base, EVLOOP_ONCE) < 0)
			return GRAPPE_EIO;
	}
	return GRAPPE_OK;
}

void subagent_close(struct subagent *subagent)
{
	agentx_stop();
	if (subagent->terminate != NULL)
		event_free(subagent->terminate);
	if (subagent->interrupt != NULL)
		event_free(subagent->interrupt);
	if (subagent->base != NULL)
		event_base_free(subagent->base);
	*subagent = (struct subagent){0};
}
