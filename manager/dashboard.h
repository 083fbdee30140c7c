/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dashboards (doc/dashboards.md): the states of a few services, told to monitoring systems after
 * every cycle, also when nothing changed. Each dashboard has a queue of its own on disk, so that
 * what waits survives a restart and a server that is down holds up nobody else. Results of one
 * service go out one at a time, in order; a server that is down is tried again with growing pauses;
 * a result that is refused is given up, counted and told.
 *
 * Life-cycle: dashboard_new() (resumes what an earlier run left), dashboard_tell() after each
 * cycle, dashboard_free(). One thread, the loop's.
 */
#ifndef GRAPPE_MANAGER_DASHBOARD_H
#define GRAPPE_MANAGER_DASHBOARD_H

#include "common/settings.h"
#include "manager/service_state.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define DASHBOARDS_MAX 16

/* Which services a dashboard gets beside the one of the whole recommendation. */
enum dashboard_services { DASHBOARD_APPLICATIONS, DASHBOARD_SITES, DASHBOARD_BOTH };

/* One section `dashboard "NAME" { … }` of the configuration. */
struct dashboard_settings {
	char *title;   /* name: letters, digits, '.', '_', '-'; also the file of its queue */
	int kind;      /* index into dashboard_kind_names */
	char *url;     /* of cmd.cgi, NRDP, the Icinga API or a webhook */
	char *address; /* "HOST:PORT" to connect to in place of the url's; "" that */
	char *ca_file, *login_file, *token_file; /* "" none */
	char *path;                              /* of the FIFO */
	char *host;                              /* on which the services hang */
	char *service_prefix;
	struct settings_list command; /* program and arguments */
	int services;                 /* enum dashboard_services */
	int chat;                     /* enum chat_template, of a webhook */
	int64_t ttl_ms;               /* how long a result counts; 0: four periods */
	int64_t timeout_ms;           /* of one exchange */
	int64_t connect_timeout_ms;
};

#define DASHBOARD_NSETTINGS 15
extern const struct setting dashboard_settings[DASHBOARD_NSETTINGS];
extern const char *const dashboard_kind_names[]; /* NULL-terminated */

/* The section for a program's schema: `type` is the program's struct of values, `member` its struct
 * settings_sections for the dashboards. */
#define DASHBOARD_SECTION(type, member)                                                            \
	{                                                                                          \
		.name = "dashboard",                                                               \
		.text = "A monitoring system that is told the states of services in each period.", \
		.settings = dashboard_settings, .nsettings = DASHBOARD_NSETTINGS,                  \
		.size = sizeof(struct dashboard_settings), .offset = offsetof(type, member),       \
		.limit = DASHBOARDS_MAX                                                            \
	}

/* dashboard_check - what a table cannot say. For the check function of the program's schema.
 * Returns 0, or GRAPPE_EINVALID with the reason in message. */
int dashboard_check(const struct settings_sections *dashboards, char *message, size_t size);

struct event_base;
struct dashboards; /* opaque: all of them */

/* dashboard_new - sections: borrowed until dashboard_free(); folder: of the queues, is created. No
 * dashboards at all is fine. A queue that cannot be read is set aside with a warning. SIGPIPE is
 * ignored from now on. Returns 0, or with words in message GRAPPE_EIO, GRAPPE_ELIMIT or
 * GRAPPE_EMEMORY. */
int dashboard_new(struct event_base *base, const struct settings_sections *sections,
    const char *folder, struct dashboards **out, char *message, size_t size);
/* dashboard_free - what waits stays on disk. NULL is allowed. */
void dashboard_free(struct dashboards *dashboards);

/* dashboard_tell - makes the states of services out of input and puts them into every queue; what
 * is on disk then is not lost by a crash. ttl_s: how long a result counts unless a dashboard says
 * otherwise. Returns 0, or GRAPPE_EMEMORY when not everything could be queued. */
int dashboard_tell(struct dashboards *dashboards, const struct service_input *input, int64_t ttl_s);

/* dashboard_status_json - the array "dashboards" of the manager's status (doc/protocol.md). A new
 * reference, NULL without memory. */
json_t *dashboard_status_json(const struct dashboards *dashboards);

/* dashboard_drain - runs the loop until nothing waits or limit_ms has passed; for programs that end
 * after one run. Returns 0 or GRAPPE_ETIMEOUT (something still waits, on disk). */
int dashboard_drain(struct dashboards *dashboards, int64_t limit_ms);

#endif
