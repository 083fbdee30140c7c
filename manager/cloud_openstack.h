/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The session of one cloud with OpenStack: a token of Keystone and the endpoints of its catalog,
 * and requests to Nova and Placement with it. Internal to manager/cloud_openstack*.c.
 *
 * A token is kept until shortly before its end. A request that is answered 401 is sent once more
 * with a new token. What only reads is tried again a few times, with growing pauses, when nobody is
 * there, or by 408, 429 and 5xx; what changes something is sent once, whatever becomes of it.
 * Credentials and tokens go by https or to this machine only, also where the catalog says
 * otherwise; redirects and links in answers are not followed.
 *
 * Life-cycle: openstack_session_new(), any number of openstack_send(), openstack_session_free().
 * One thread, the loop's.
 */
#ifndef GRAPPE_MANAGER_CLOUD_OPENSTACK_H
#define GRAPPE_MANAGER_CLOUD_OPENSTACK_H

#include "manager/cloud_kind.h"
#include "manager/cloud_openstack_answer.h"

#include <stdbool.h>
#include <stddef.h>

#define OPENSTACK_PATH_SIZE 1024
#define OPENSTACK_ANSWER_MAX (4u << 20) /* bytes of an answer about one thing */
#define OPENSTACK_PAGE 500              /* entries of a page that are asked for */

struct openstack_session; /* opaque */
struct openstack_call;    /* opaque: one request under way */

/* openstack_check - for struct cloud_kind. */
int openstack_check(const struct cloud_settings *settings, char *message, size_t size);

/* openstack_session_new - http, settings and base: borrowed. Asks nothing yet. Returns 0 or
 * GRAPPE_EMEMORY. */
int openstack_session_new(struct event_base *base, struct http_client *http,
    const struct cloud_settings *settings, struct openstack_session **out);
/* openstack_session_free - calls under way end without being told. NULL is allowed. */
void openstack_session_free(struct openstack_session *session);

enum openstack_service { OPENSTACK_COMPUTE, OPENSTACK_PLACEMENT };

struct openstack_request {
	enum openstack_service service;
	const char *method; /* NULL: GET */
	const char *path;   /* behind the endpoint: "/servers/detail?limit=1", encoded */
	const char *body;   /* JSON; NULL: none */
	size_t answer_max;  /* 0: OPENSTACK_ANSWER_MAX */
};

/* What became of a call. All texts are valid during `done` only. */
struct openstack_result {
	enum http_verdict verdict; /* HTTP_AGAIN: nothing is decided, also after some tries */
	long code;                 /* of the service's answer; 0: none came, or it was not asked */
	bool sent;                 /* the service may have seen the request */
	bool offered;       /* false: the catalog has no such service, or one that is refused */
	const char *reason; /* for people, one line without final stop; "" when HTTP_DONE */
	const char *answer; /* as http_result's */
	size_t length;
	const char *request_id; /* of Nova, "" none */
};

typedef void openstack_done(const struct openstack_result *result, void *context);

/* openstack_send - everything in *request is copied; `done` is called once, never from inside
 * this. *out stays valid until then. Returns 0 or GRAPPE_EMEMORY. */
int openstack_send(struct openstack_session *session, const struct openstack_request *request,
    openstack_done *done, void *context, struct openstack_call **out);
/* openstack_cancel - `done` will not be called. NULL is allowed. */
void openstack_cancel(struct openstack_call *call);

/* openstack_encode - text as a part of a URL: all but letters, digits, "-", "_", "." as %XX.
 * Returns 0 or GRAPPE_ERANGE. */
int openstack_encode(const char *text, char *out, size_t size);

/* ---- surveys: manager/cloud_openstack_survey.c ---- */

struct openstack_survey; /* opaque: one under way */

/* openstack_survey_start - ends with cloud_survey_end(); *slot is NULL from then on. Returns 0 or
 * GRAPPE_EMEMORY. */
int openstack_survey_start(
    struct cloud *cloud, struct openstack_session *session, struct openstack_survey **slot);
/* openstack_survey_free - NULL is allowed. */
void openstack_survey_free(struct openstack_survey *survey);

#endif
