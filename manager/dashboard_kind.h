/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kinds of dashboards are made of; internal to manager/dashboard*.c. A job is one exchange
 * with a server: the results of some services, one of each. Its kind's start() sends it and ends it
 * by dashboard_job_done(), at once or later from the loop.
 */
#ifndef GRAPPE_MANAGER_DASHBOARD_KIND_H
#define GRAPPE_MANAGER_DASHBOARD_KIND_H

#include "common/log.h"
#include "manager/dashboard.h"
#include "manager/dashboard_format.h"
#include "manager/dashboard_queue.h"
#include "manager/http.h"

#include <stdbool.h>
#include <stdint.h>

#define DASHBOARD_JOBS_MAX 4
#define DASHBOARD_BATCH_MAX 200
#define DASHBOARD_REASON_SIZE 512

struct child;
struct dashboard_lane;
struct event;

struct dashboard_job {
	struct dashboard_lane *lane;
	struct dashboard_service *services[DASHBOARD_BATCH_MAX];
	size_t count;                   /* 0: free */
	bool again;                     /* the form id was renewed for it */
	struct http_exchange *exchange; /* under way, or NULL */
	struct child *child;            /* the same */
};

struct dashboard_kind {
	size_t parallel;    /* jobs at once */
	size_t batch;       /* services in a job */
	int64_t spacing_ms; /* between the end of a job and the next */
	/* NULL or says what is missing: a constant */
	const char *(*check)(const struct dashboard_settings *settings);
	void (*start)(struct dashboard_job *job);
};

/* One dashboard. */
struct dashboard_lane {
	struct dashboards *owner;
	const struct dashboard_settings *settings;
	const struct dashboard_kind *kind;
	struct event_base *base; /* not owned, as http */
	struct http_client *http;
	struct dashboard_queue *queue;
	struct event *wake, *save;
	struct dashboard_job jobs[DASHBOARD_JOBS_MAX];
	size_t cursor;                        /* service that is looked at first */
	bool paused;                          /* wake ends it */
	bool starting;                        /* jobs are being started */
	int64_t pause_ms;                     /* the next pause */
	int64_t free_ms;                      /* monotonic: no job before */
	char form_id[DASHBOARD_FORM_ID_SIZE]; /* of cmd.cgi, "" none yet */
	bool form_known;
	uint64_t refused, delivered;
	uint64_t refused_now; /* since the last cycle */
	int64_t delivered_s;  /* epoch; 0 never */
	struct log_complaint trouble, refusal, unsaved;
	char error[DASHBOARD_REASON_SIZE]; /* "" when all goes well */
};

extern const struct dashboard_kind dashboard_kind_fifo, dashboard_kind_cgi, dashboard_kind_nrdp,
    dashboard_kind_icinga2, dashboard_kind_webhook, dashboard_kind_command;

/* dashboard_job_result - what the place-th service of a job sends. */
const struct dashboard_result *dashboard_job_result(const struct dashboard_job *job, size_t place);
/* dashboard_job_done - reason: one line, "" when delivered. The job is free afterwards. */
void dashboard_job_done(
    struct dashboard_job *job, enum dashboard_outcome outcome, const char *reason);

#endif
