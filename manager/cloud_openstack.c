/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nova's live migration, step by step: a move is judged by its migration and by where the server is
 * then; that Nova accepted the order (202) is no success. */
#include "manager/cloud_openstack.h"

#include "common/error.h"
#include "common/identity.h"
#include "common/log.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNCERTAIN_POLLS 5 /* looks for a migration after an order whose answer got lost */

/* Of one cloud. */
struct openstack_state {
	struct openstack_session *session;
	struct openstack_survey *survey; /* under way, or NULL */
};

/* What is asked next about a move. */
enum step {
	BY_ID,
	BY_NAME,
	SERVICE,
	PROVIDER,
	HOLDS,
	ROOM,
	BASE,
	ORDER,
	FOLLOW,
	ACTION,
	VERIFY,
	CANCEL
};

struct openstack_job {
	enum step step;
	struct openstack_call *call;
	char server[VM_ID_SIZE], provider[VM_ID_SIZE];
	char resources[OPENSTACK_RESOURCES_SIZE], request[OPENSTACK_REQUEST_SIZE];
	int64_t base, migration; /* newest before the order; this one, 0 not known */
	size_t named;            /* servers of this name */
	bool ordered, uncertain; /* Nova may have it; nobody said so */
	bool failed;             /* the migration did; its reason is asked for */
	bool stopping;           /* Nova took the word to call it off */
	int looks;
};

static void ask(struct cloud_job *job, enum step step);

static void refuse(struct cloud_job *job, const char *text)
{
	const struct openstack_job *state = job->state;

	cloud_job_end(job, state->ordered ? CLOUD_LOST : CLOUD_FAILED, NULL, "%s", text);
}

/* ---- before the order ---- */

static void check_server(struct cloud_job *job, const struct openstack_server *server)
{
	struct openstack_job *state = job->state;
	const struct cloud_order *order = &job->order;

	memcpy(state->server, server->id, sizeof state->server);
	if (server->host[0] == '\0')
		refuse(job,
		    "Nova does not tell this user where servers are: it needs the rights of "
		    "an administrator");
	else if (strcmp(server->host, order->to_host) == 0)
		cloud_job_end(job, CLOUD_MOVED, server->host, "%s", "");
	else if (order->from_host[0] != '\0' && strcmp(server->host, order->from_host) != 0)
		cloud_job_end(job, CLOUD_FAILED, server->host, "it is on %s, not on %s",
		    server->host, order->from_host);
	else if (strcmp(server->status, "ACTIVE") != 0)
		cloud_job_end(job, CLOUD_FAILED, server->host,
		    "its status is %s: only an active server is moved", server->status);
	else if (server->task[0] != '\0')
		cloud_job_end(
		    job, CLOUD_FAILED, server->host, "Nova is at it already: %s", server->task);
	else
		ask(job, order->to_host[0] != '\0' ? SERVICE : BASE);
}

static int take_by_id(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_server server;
	const int rc = openstack_read_server(result->answer, result->length, &server);

	if (rc == GRAPPE_OK)
		check_server(job, &server);
	return rc;
}

struct named {
	const char *name;
	struct openstack_server server;
	size_t count;
};

static int note_named(const struct openstack_server *server, void *context)
{
	struct named *named = context;

	if (strcmp(server->name, named->name) == 0) {
		named->server = *server;
		named->count++;
	}
	return GRAPPE_OK;
}

static int take_by_name(struct cloud_job *job, const struct openstack_result *result)
{
	struct named named = {.name = job->order.vm_name};
	struct openstack_page page;
	const int rc =
	    openstack_read_servers(result->answer, result->length, note_named, &named, &page);

	if (rc != GRAPPE_OK)
		return rc;
	if (named.count == 0)
		cloud_job_end(job, CLOUD_FAILED, NULL,
		    "there is no server %s, or this user may not see it", job->order.vm_name);
	else if (named.count > 1 || page.more)
		cloud_job_end(
		    job, CLOUD_FAILED, NULL, "several servers are called %s", job->order.vm_name);
	else
		check_server(job, &named.server);
	return rc;
}

static int keep_host(const struct openstack_host *host, void *context)
{
	*(struct openstack_host *)context = *host;
	return GRAPPE_OK;
}

static int take_service(struct cloud_job *job, const struct openstack_result *result)
{
	const char *to = job->order.to_host;
	struct openstack_host host = {.name = ""};
	const int rc = openstack_read_services(result->answer, result->length, keep_host, &host);

	if (rc != GRAPPE_OK)
		return rc;
	if (host.name[0] == '\0')
		cloud_job_end(job, CLOUD_FAILED, NULL, "there is no compute host %s", to);
	else if (!host.enabled)
		cloud_job_end(job, CLOUD_FAILED, NULL, "nova-compute of %s is disabled%s%s", to,
		    host.reason[0] != '\0' ? ": " : "", host.reason);
	else if (!host.up)
		cloud_job_end(job, CLOUD_FAILED, NULL, "nova-compute of %s is down", to);
	else
		ask(job, PROVIDER);
	return rc;
}

/* Room is asked of Placement. Where it cannot be, Nova looks itself. */
static int take_provider(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;
	struct openstack_host host = {.id = ""};
	struct openstack_page page;
	const int rc =
	    openstack_read_hypervisors(result->answer, result->length, keep_host, &host, &page);

	if (rc != GRAPPE_OK)
		return rc;
	memcpy(state->provider, host.id, sizeof state->provider);
	ask(job, page.count == 1 && host.id[0] != '\0' ? HOLDS : BASE);
	return rc;
}

static int take_holds(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;
	const int rc = openstack_read_allocations(result->answer, result->length, state->resources);

	if (rc == GRAPPE_OK)
		ask(job, state->resources[0] != '\0' ? ROOM : BASE);
	return rc;
}

static int take_room(struct cloud_job *job, const struct openstack_result *result)
{
	const struct openstack_job *state = job->state;
	size_t count;
	const int rc = openstack_read_candidates(result->answer, result->length, &count);

	if (rc != GRAPPE_OK)
		return rc;
	if (count == 0)
		cloud_job_end(job, CLOUD_FAILED, NULL, "host %s has no room for %s",
		    job->order.to_host, state->resources);
	else
		ask(job, BASE);
	return rc;
}

/* ---- the migration ---- */

/* The newest of the server's live migrations, and the one after `base`. */
struct found {
	int64_t base, newest;
	struct openstack_migration migration; /* id 0: none */
};

static int note_migration(const struct openstack_migration *migration, void *context)
{
	struct found *found = context;

	if (migration->id > found->newest)
		found->newest = migration->id;
	if (migration->id > found->base && strcmp(migration->type, "live-migration") == 0 &&
	    (found->migration.id == 0 || migration->id < found->migration.id))
		found->migration = *migration;
	return GRAPPE_OK;
}

static int take_base(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;
	struct found found = {.base = INT64_MAX};
	const int rc =
	    openstack_read_migrations(result->answer, result->length, note_migration, &found);

	if (rc == GRAPPE_OK) {
		state->base = found.newest;
		ask(job, ORDER);
	}
	return rc;
}

static void accept(struct cloud_job *job)
{
	const struct openstack_job *state = job->state;
	char handle[CLOUD_HANDLE_SIZE];

	snprintf(handle, sizeof handle, "%s %" PRId64 " %s", state->server, state->base,
	    state->request[0] != '\0' ? state->request : "-");
	cloud_job_accept(job, handle);
}

static int take_order(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;

	snprintf(state->request, sizeof state->request, "%s", result->request_id);
	state->ordered = true;
	accept(job);
	state->step = FOLLOW;
	cloud_job_poll(job);
	return GRAPPE_OK;
}

/* Not there yet: the action may have failed before there was any. */
static void look_again(struct cloud_job *job)
{
	struct openstack_job *state = job->state;

	if (state->uncertain && ++state->looks >= UNCERTAIN_POLLS)
		cloud_job_end(job, CLOUD_FAILED, NULL,
		    "the order did not get through: there is no migration");
	else if (state->request[0] != '\0')
		ask(job, ACTION);
	else
		cloud_job_poll(job);
}

static int take_migrations(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;
	struct found found = {.base = state->base};
	const int rc =
	    openstack_read_migrations(result->answer, result->length, note_migration, &found);

	if (rc != GRAPPE_OK)
		return rc;
	if (found.migration.id == 0) {
		look_again(job);
		return rc;
	}
	if (state->uncertain)
		accept(job);
	state->uncertain = false;
	state->migration = found.migration.id;
	switch (openstack_phase(found.migration.status)) {
	case OPENSTACK_RUNNING:
		/* Nova refuses that until the migration runs: it is said again at each look. */
		if (job->aborting && !state->stopping)
			ask(job, CANCEL);
		else
			cloud_job_poll(job);
		break;
	case OPENSTACK_COMPLETED:
		ask(job, VERIFY);
		break;
	case OPENSTACK_CANCELLED:
		cloud_job_end(job, CLOUD_CANCELLED, NULL, "migration %" PRId64 " was cancelled",
		    state->migration);
		break;
	case OPENSTACK_FAILED:
		state->failed = true;
		if (state->request[0] != '\0')
			ask(job, ACTION);
		else
			cloud_job_end(job, CLOUD_FAILED, NULL, "migration %" PRId64 " failed: %s",
			    state->migration, found.migration.status);
		break;
	}
	return rc;
}

static int take_action(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;
	char reason[300];
	bool failed;
	const int rc =
	    openstack_read_action(result->answer, result->length, &failed, reason, sizeof reason);

	if (rc != GRAPPE_OK)
		return rc;
	/* The event may be finished a moment after the migration. */
	if (state->failed && reason[0] == '\0' && ++state->looks < UNCERTAIN_POLLS) {
		cloud_job_poll(job);
		return rc;
	}
	state->step = FOLLOW;
	if (failed || state->failed)
		cloud_job_end(job, CLOUD_FAILED, NULL, "Nova did not move it: %s",
		    reason[0] != '\0' ? reason : "it does not say why");
	else
		cloud_job_poll(job);
	return rc;
}

static int take_place(struct cloud_job *job, const struct openstack_result *result)
{
	const struct cloud_order *order = &job->order;
	struct openstack_server server;
	const int rc = openstack_read_server(result->answer, result->length, &server);

	if (rc != GRAPPE_OK)
		return rc;
	if (order->to_host[0] == '\0' ? strcmp(server.host, order->from_host) != 0
				      : strcmp(server.host, order->to_host) == 0)
		cloud_job_end(job, CLOUD_MOVED, server.host, "%s", "");
	else
		cloud_job_end(job, CLOUD_FAILED, server.host,
		    "the migration completed, but the server is on %s", server.host);
	return rc;
}

static int take_cancel(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;

	(void)result;
	state->stopping = true;
	state->step = FOLLOW;
	cloud_job_poll(job);
	return GRAPPE_OK;
}

/* ---- questions ---- */

static void missing_server(struct cloud_job *job)
{
	ask(job, BY_NAME);
}

static void missing_host(struct cloud_job *job)
{
	cloud_job_end(job, CLOUD_FAILED, NULL, "there is no compute host %s", job->order.to_host);
}

/* What need not be known before the order. */
static void go_on(struct cloud_job *job)
{
	ask(job, BASE);
}

/* It does not run yet, or has ended. */
static void follow_on(struct cloud_job *job)
{
	struct openstack_job *state = job->state;

	state->step = FOLLOW;
	cloud_job_poll(job);
}

static const struct {
	enum openstack_service service;
	const char *method;
	int (*take)(struct cloud_job *job, const struct openstack_result *result);
	void (*missing)(
	    struct cloud_job *job); /* 404 and other 4xx of no weight; NULL: a refusal */
	bool optional;              /* any refusal goes there */
} steps[] = {
    [BY_ID] = {OPENSTACK_COMPUTE, "GET", take_by_id, missing_server, false},
    [BY_NAME] = {OPENSTACK_COMPUTE, "GET", take_by_name, NULL, false},
    [SERVICE] = {OPENSTACK_COMPUTE, "GET", take_service, missing_host, false},
    [PROVIDER] = {OPENSTACK_COMPUTE, "GET", take_provider, go_on, true},
    [HOLDS] = {OPENSTACK_PLACEMENT, "GET", take_holds, go_on, true},
    [ROOM] = {OPENSTACK_PLACEMENT, "GET", take_room, go_on, true},
    [BASE] = {OPENSTACK_COMPUTE, "GET", take_base, NULL, false},
    [ORDER] = {OPENSTACK_COMPUTE, "POST", take_order, NULL, false},
    [FOLLOW] = {OPENSTACK_COMPUTE, "GET", take_migrations, NULL, false},
    [ACTION] = {OPENSTACK_COMPUTE, "GET", take_action, NULL, false},
    [VERIFY] = {OPENSTACK_COMPUTE, "GET", take_place, NULL, false},
    [CANCEL] = {OPENSTACK_COMPUTE, "DELETE", take_cancel, follow_on, true},
};

/* An order that Nova may have taken. Returns whether it is one. */
static bool is_uncertain(struct cloud_job *job, const struct openstack_result *result)
{
	struct openstack_job *state = job->state;

	if (state->step != ORDER || !result->sent || (result->code >= 400 && result->code < 500) ||
	    (result->code >= 300 && result->code < 400))
		return false;
	state->ordered = state->uncertain = true;
	state->step = FOLLOW;
	cloud_job_pause(job, result->reason);
	return true;
}

static void on_result(const struct openstack_result *result, void *context)
{
	struct cloud_job *job = context;
	struct openstack_job *state = job->state;
	const enum step step = state->step;

	state->call = NULL;
	if (job->over)
		return;
	if (result->verdict == HTTP_DONE) {
		if (steps[step].take(job, result) != GRAPPE_OK)
			refuse(job, "the answer makes no sense");
		return;
	}
	if (is_uncertain(job, result))
		return;
	if (steps[step].missing != NULL &&
	    (result->code == 404 || (steps[step].optional && result->verdict == HTTP_REFUSED)))
		steps[step].missing(job);
	else if (result->verdict == HTTP_AGAIN && step != ORDER)
		cloud_job_pause(job, result->reason);
	else
		refuse(job, result->reason);
}

/* The name as a pattern that means itself. */
static int pattern_of(const char *name, char *out, size_t size)
{
	char quoted[2 * CLOUD_NAME_SIZE + 3], encoded[OPENSTACK_PATH_SIZE - 100];
	size_t n = 0;

	quoted[n++] = '^';
	for (; *name != '\0'; name++) {
		if (isascii((unsigned char)*name) && !isalnum((unsigned char)*name) &&
		    strchr("-_ ", *name) == NULL)
			quoted[n++] = '\\';
		quoted[n++] = *name;
	}
	quoted[n++] = '$';
	quoted[n] = '\0';
	if (openstack_encode(quoted, encoded, sizeof encoded) != GRAPPE_OK)
		return GRAPPE_ERANGE;
	snprintf(out, size, "/servers/detail?all_tenants=1&limit=3&name=%s", encoded);
	return GRAPPE_OK;
}

static int path_of(const struct cloud_job *job, enum step step, char *out, size_t size)
{
	const struct openstack_job *state = job->state;
	char host[3 * CLOUD_NAME_SIZE], resources[3 * OPENSTACK_RESOURCES_SIZE];

	if (openstack_encode(job->order.to_host, host, sizeof host) != GRAPPE_OK ||
	    openstack_encode(state->resources, resources, sizeof resources) != GRAPPE_OK)
		return GRAPPE_ERANGE;
	switch (step) {
	case BY_ID:
	case VERIFY:
		snprintf(out, size, "/servers/%s", state->server);
		break;
	case BY_NAME:
		return pattern_of(job->order.vm_name, out, size);
	case SERVICE:
		snprintf(out, size, "/os-services?binary=nova-compute&host=%s", host);
		break;
	case PROVIDER:
		snprintf(out, size, "/os-hypervisors/detail?hypervisor_hostname_pattern=%s", host);
		break;
	case HOLDS:
		snprintf(out, size, "/allocations/%s", state->server);
		break;
	case ROOM:
		snprintf(out, size, "/allocation_candidates?resources=%s&in_tree=%s", resources,
		    state->provider);
		break;
	case BASE:
	case FOLLOW:
		snprintf(out, size, "/os-migrations?instance_uuid=%s", state->server);
		break;
	case ORDER:
		snprintf(out, size, "/servers/%s/action", state->server);
		break;
	case ACTION:
		snprintf(
		    out, size, "/servers/%s/os-instance-actions/%s", state->server, state->request);
		break;
	case CANCEL:
		snprintf(
		    out, size, "/servers/%s/migrations/%" PRId64, state->server, state->migration);
		break;
	}
	return GRAPPE_OK;
}

static char *order_body(const struct cloud_job *job)
{
	json_t *host =
	    job->order.to_host[0] != '\0' ? json_string(job->order.to_host) : json_null();
	json_t *block = job->cloud->settings->block_migration == 0
			    ? json_string("auto")
			    : json_boolean(job->cloud->settings->block_migration == 1);
	json_t *body =
	    json_pack("{s:{s:o, s:o}}", "os-migrateLive", "host", host, "block_migration", block);
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	return text;
}

static void ask(struct cloud_job *job, enum step step)
{
	struct openstack_job *state = job->state;
	const struct openstack_state *shared = job->cloud->state;
	char path[OPENSTACK_PATH_SIZE], *body = NULL;
	struct openstack_request request = {
	    .service = steps[step].service, .method = steps[step].method, .path = path};
	int rc = path_of(job, step, path, sizeof path);

	state->step = step;
	if (rc == GRAPPE_OK && step == ORDER) {
		body = order_body(job);
		rc = body != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
	}
	request.body = body;
	if (rc == GRAPPE_OK)
		rc = openstack_send(shared->session, &request, on_result, job, &state->call);
	free(body);
	if (rc != GRAPPE_OK)
		refuse(job, rc == GRAPPE_ERANGE ? "a name is too long" : error_text(rc));
	else if (step == ORDER)
		job->looking = false;
}

/* ---- the kind ---- */

static int open_cloud(struct cloud *cloud)
{
	struct openstack_state *state = calloc(1, sizeof *state);

	if (state == NULL || openstack_session_new(cloud->base, cloud->http, cloud->settings,
				 &state->session) != GRAPPE_OK) {
		free(state);
		return GRAPPE_EMEMORY;
	}
	cloud->state = state;
	return GRAPPE_OK;
}

static void drop_survey(struct cloud *cloud)
{
	struct openstack_state *state = cloud->state;

	openstack_survey_free(state->survey);
	state->survey = NULL;
}

static void close_cloud(struct cloud *cloud)
{
	struct openstack_state *state = cloud->state;

	openstack_session_free(state->session);
	free(state);
}

static int survey(struct cloud *cloud)
{
	struct openstack_state *state = cloud->state;

	return openstack_survey_start(cloud, state->session, &state->survey);
}

static struct openstack_job *make_state(struct cloud_job *job)
{
	job->state = calloc(1, sizeof(struct openstack_job));
	if (job->state == NULL)
		cloud_job_end(job, CLOUD_FAILED, NULL, "%s", error_text(GRAPPE_EMEMORY));
	return job->state;
}

static void start(struct cloud_job *job)
{
	struct openstack_job *state = make_state(job);

	if (state == NULL)
		return;
	job->looking = true;
	/* Nova's servers have the UUIDs of their domains. */
	if (identity_from_uuid(job->order.vm_id, state->server) == GRAPPE_OK)
		ask(job, BY_ID);
	else
		ask(job, BY_NAME);
}

/* "SERVER BASE REQUEST" */
static bool read_handle(const char *handle, struct openstack_job *state)
{
	char server[VM_ID_SIZE], request[OPENSTACK_REQUEST_SIZE];

	if (sscanf(handle, "%63s %" SCNd64 " %63s", server, &state->base, request) != 3 ||
	    identity_from_uuid(server, state->server) != GRAPPE_OK)
		return false;
	if (openstack_is_request(request))
		memcpy(state->request, request, sizeof request);
	return true;
}

static void resume(struct cloud_job *job)
{
	struct openstack_job *state = make_state(job);

	if (state == NULL)
		return;
	state->ordered = true;
	if (read_handle(job->handle, state))
		ask(job, FOLLOW);
	else
		cloud_job_end(job, CLOUD_LOST, NULL, "\"%s\" is no migration", job->handle);
}

static void poll(struct cloud_job *job)
{
	struct openstack_job *state = job->state;

	ask(job, state->step);
}

/* The next look at the migration, which tells its number, calls it off. */
static void abort_job(struct cloud_job *job)
{
	(void)job;
}

static void drop(struct cloud_job *job)
{
	struct openstack_job *state = job->state;

	if (state == NULL)
		return;
	openstack_cancel(state->call);
	free(state);
}

const struct cloud_kind cloud_openstack = {.name = "openstack",
    .check = openstack_check,
    .open = open_cloud,
    .close = close_cloud,
    .start = start,
    .resume = resume,
    .poll = poll,
    .abort = abort_job,
    .drop = drop,
    .survey = survey,
    .drop_survey = drop_survey};
