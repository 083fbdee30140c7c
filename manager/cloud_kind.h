/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between manager/cloud.c and the kinds of APIs: what each kind does, what all share. Internal to
 * the clouds.
 *
 * A job goes: start (or resume), any number of polls, then cloud_job_end() exactly once; `drop` is
 * called before the job is freed, however it ended. Everything that a kind waits for must end by
 * itself or by `drop`: the deadline of a move ends it as lost at any time.
 */
#ifndef GRAPPE_MANAGER_CLOUD_KIND_H
#define GRAPPE_MANAGER_CLOUD_KIND_H

#include "manager/cloud.h"
#include "manager/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;

struct cloud_job {
	struct cloud *cloud;
	struct cloud_job *previous, *next;
	struct cloud_order order;
	struct cloud_move_events events;
	char handle[CLOUD_HANDLE_SIZE]; /* "": not accepted yet */
	bool aborting;                  /* cloud_abort() was called */
	bool looking; /* nothing was ordered yet: set by the kind's start, cleared by it before it
			 orders anything; meanwhile calling it off needs no abort */
	void *state;  /* of the kind */
	/* of manager/cloud.c */
	struct event *timer, *deadline, *ender;
	int64_t pause_ms;
	char trouble[200]; /* why the API was asked again, "" */
	bool over;
	struct cloud_result result;
};

struct cloud_kind {
	const char *name;
	/* What the settings must have; all other keys of other kinds are refused before. */
	int (*check)(const struct cloud_settings *settings, char *message, size_t size);
	/* State of the whole cloud; may be NULL both. open returns 0 or GRAPPE_EMEMORY. */
	int (*open)(struct cloud *cloud);
	void (*close)(struct cloud *cloud);
	/* Both begin something that ends in the loop, or call cloud_job_end() at once. */
	void (*start)(struct cloud_job *job);
	void (*resume)(struct cloud_job *job);
	void (*poll)(struct cloud_job *job);  /* the time of cloud_job_poll() has come */
	void (*abort)(struct cloud_job *job); /* once; never for a job that is over */
	void (*drop)(struct cloud_job *job);  /* frees job->state, cancels what is under way */
	/* Begins; ends with cloud_survey_end(). Returns 0, GRAPPE_ENOTFOUND or GRAPPE_EMEMORY. */
	int (*survey)(struct cloud *cloud);
	void (*drop_survey)(struct cloud *cloud); /* cancels what is under way; may be NULL */
	/* What a move may take beyond move_timeout, for a kind that keeps that limit itself; NULL:
	 * nothing. */
	int64_t (*grace_ms)(const struct cloud_settings *settings);
};

/* In the order of enum cloud_kind_number. */
extern const struct cloud_kind *const cloud_kinds[];
extern const struct cloud_kind cloud_ganeti, cloud_command, cloud_openstack;

struct cloud {
	struct event_base *base;               /* not owned */
	const struct cloud_settings *settings; /* not owned */
	const struct cloud_kind *kind;
	struct http_client *http;
	struct cloud_job *jobs;
	cloud_surveyed *surveyed; /* NULL: none under way */
	void *survey_context;
	struct event *refusal; /* cloud_survey_refuse() */
	char refused[CLOUD_TEXT_SIZE];
	void *state; /* of the kind */
};

/* cloud_job_accept - the API took the order. */
void cloud_job_accept(struct cloud_job *job, const char *handle);
/* cloud_job_poll - calls the kind's poll after poll_ms, from the first pause again. */
void cloud_job_poll(struct cloud_job *job);
/* cloud_job_pause - the same after a pause that grows with each call, because the API was not
 * there; its reason is logged. */
void cloud_job_pause(struct cloud_job *job, const char *reason);
/* cloud_job_hold - forgets a poll that was asked for. */
void cloud_job_hold(struct cloud_job *job);
/* cloud_job_end - host may be NULL. The job stays valid until the loop comes round. */
void cloud_job_end(struct cloud_job *job, enum cloud_outcome outcome, const char *host,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* cloud_survey_end - survey NULL: format tells why. */
void cloud_survey_end(struct cloud *cloud, const struct cloud_survey *survey, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* cloud_survey_refuse - the same for a survey that cannot begin: from inside of the kind's
 * `survey`, which then returns 0. Returns 0 or GRAPPE_EMEMORY. */
int cloud_survey_refuse(struct cloud *cloud, const char *reason);

/* Growing lists of a survey that is being made; a full one or one without memory is not extended.
 * Return the new entry, zeroed, numbers NAN, or NULL. */
struct cloud_host *cloud_survey_host(struct cloud_survey *survey);
struct cloud_vm *cloud_survey_vm(struct cloud_survey *survey);
struct cloud_set *cloud_survey_set(struct cloud_survey *survey);
void cloud_survey_deinit(struct cloud_survey *survey);

#endif
