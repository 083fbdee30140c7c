/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ganeti through its remote API (RAPI, version 2): a move is judged by its job, never by the code
 * of the answer that took it. */
#include "manager/cloud_kind.h"

#include "common/error.h"
#include "common/identity.h"
#include "common/log.h"
#include "common/secret.h"
#include "manager/cloud_ganeti_answer.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_SIZE 2048
#define ANSWER_MAX (1u << 20) /* bytes about one thing */
#define SEARCHES 3            /* for an order that may still be on its way */

/* What is asked next about a move: the instance (by name, else by id), the target, the newest job;
 * then it is ordered, and if the answer got lost the newer jobs are searched. */
enum step { FIND, LOCATE, TARGET, MARK, ORDER, SEARCH, FOLLOW, VERIFY, CANCEL };

struct ganeti_job {
	enum step step;
	struct http_exchange *exchange;
	char name[CLOUD_NAME_SIZE]; /* of the instance */
	char from[CLOUD_NAME_SIZE]; /* where it was found */
	double mem_MiB;
	int64_t id;   /* of its job, 0 none yet */
	int64_t mark; /* of the newest job before it */
	int searches;
	bool cancel; /* once there is a job to cancel */
};

static void ask(struct cloud_job *job, enum step step);

/* ---- requests ---- */

/* Every octet that is not unreserved becomes %XX (RFC 3986 section 2.3). */
static void escape(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 4 < size; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
			out[n++] = *text;
		else
			n += (size_t)snprintf(out + n, size - n, "%%%02X", (unsigned char)*text);
	out[n] = '\0';
}

/* Sends one request with the login; a fault of ours is told in message. */
static int request(struct cloud *cloud, const char *method, const char *path, const char *body,
    size_t answer_max, http_done *done, void *context, struct http_exchange **out, char *message,
    size_t size)
{
	static const char *const headers[] = {
	    "Content-Type: application/json", "Accept: application/json", NULL};
	const struct cloud_settings *settings = cloud->settings;
	const size_t length = strlen(settings->url);
	char url[URL_SIZE], login[SECRET_SIZE];
	struct http_request wish = {.url = url,
	    .method = method,
	    .address = settings->address,
	    .ca_file = settings->ca_file,
	    .login = login,
	    .headers = headers,
	    .body = body,
	    .length = body != NULL ? strlen(body) : 0,
	    .connect_ms = settings->connect_timeout_ms,
	    .total_ms = settings->timeout_ms,
	    .answer_max = answer_max};
	int rc = secret_read_line(settings->login_file, login, message, size);

	if (rc != GRAPPE_OK)
		return rc;
	snprintf(url, sizeof url, "%.*s%s",
	    (int)(length > 0 && settings->url[length - 1] == '/' ? length - 1 : length),
	    settings->url, path);
	rc = http_send(cloud->http, &wish, done, context, out);
	explicit_bzero(login, sizeof login);
	if (rc != GRAPPE_OK)
		snprintf(message, size, "%s", error_text(rc));
	return rc;
}

/* What an answer that is no success means for people. */
static void explain_refusal(const struct http_result *result, char *text, size_t size)
{
	json_t *answer = json_loadb(result->answer, result->length, JSON_DECODE_ANY, NULL);
	const char *words = ganeti_explain(answer);

	if (result->code == 401)
		snprintf(text, size, "the RAPI refuses the login (401)");
	else if (result->code == 403)
		snprintf(text, size, "the login may not do this (403)");
	else if (words[0] != '\0')
		snprintf(text, size, "the RAPI answered %ld: %s", result->code, words);
	else
		snprintf(text, size, "the RAPI: %s", result->reason);
	json_decref(answer);
}

/* ---- steps of a move ---- */

static void refuse(struct cloud_job *job, const char *text)
{
	cloud_job_end(job, CLOUD_FAILED, NULL, "%s", text);
}

static bool is_running(const struct ganeti_instance *instance)
{
	return strcmp(instance->status, "running") == 0;
}

static void take_instance(struct cloud_job *job, const json_t *answer)
{
	struct ganeti_job *state = job->state;
	const struct cloud_order *order = &job->order;
	struct ganeti_instance instance;
	char obstacle[2 * CLOUD_NAME_SIZE + 100];

	if (!ganeti_read_instance(answer, &instance) || instance.node[0] == '\0') {
		refuse(job, "the RAPI's answer about the instance makes no sense");
		return;
	}
	ganeti_obstacle(&instance, order->to_host, obstacle, sizeof obstacle);
	if (!ganeti_is_vm(&instance, order->vm_id))
		cloud_job_end(job, CLOUD_FAILED, instance.node, "instance %s is another VM than %s",
		    instance.name, order->vm_id);
	else if (strcmp(instance.node, order->to_host) == 0)
		cloud_job_end(job, CLOUD_MOVED, instance.node, "%s", "");
	else if (order->from_host[0] != '\0' && strcmp(instance.node, order->from_host) != 0)
		cloud_job_end(job, CLOUD_FAILED, instance.node, "it is on %s, not on %s",
		    instance.node, order->from_host);
	else if (!is_running(&instance))
		cloud_job_end(job, CLOUD_FAILED, instance.node,
		    "it does not run (%s): only a running instance is moved", instance.status);
	else if (obstacle[0] != '\0')
		cloud_job_end(job, CLOUD_FAILED, instance.node, "%s", obstacle);
	else {
		memcpy(state->name, instance.name, sizeof state->name);
		memcpy(state->from, instance.node, sizeof state->from);
		state->mem_MiB = instance.mem_MiB;
		ask(job, order->to_host[0] != '\0' ? TARGET : MARK);
	}
}

/* No instance has the VM's name: one may have its id. */
static void take_instances(struct cloud_job *job, const json_t *answer)
{
	const json_t *instance = ganeti_find_instance(answer, job->order.vm_id);

	if (instance != NULL)
		take_instance(job, instance);
	else
		cloud_job_end(job, CLOUD_FAILED, NULL, "there is no instance %s, and none is %s",
		    job->order.vm_name, job->order.vm_id);
}

static void take_target(struct cloud_job *job, const json_t *answer)
{
	const struct ganeti_job *state = job->state;
	const char *to = job->order.to_host;
	struct ganeti_node node;

	if (!ganeti_read_node(answer, &node))
		refuse(job, "the RAPI's answer about the node makes no sense");
	else if (node.offline || node.drained)
		cloud_job_end(job, CLOUD_FAILED, NULL, "node %s is %s", to,
		    node.offline ? "offline" : "drained");
	else if (node.no_vms)
		cloud_job_end(job, CLOUD_FAILED, NULL,
		    "node %s is not for instances (vm_capable is off)", to);
	else if (node.free_MiB < state->mem_MiB)
		cloud_job_end(job, CLOUD_FAILED, NULL,
		    "node %s has %.0f MiB free, the instance needs %.0f", to, node.free_MiB,
		    state->mem_MiB);
	else
		ask(job, MARK);
}

/* Whatever is newer than this may be the order, should its answer get lost. */
static void take_mark(struct cloud_job *job, const json_t *answer)
{
	struct ganeti_job *state = job->state;

	state->mark = ganeti_newest_job(answer);
	if (state->mark >= 0)
		ask(job, ORDER);
	else
		refuse(job, "the RAPI's list of jobs makes no sense");
}

static void accept(struct cloud_job *job, int64_t id)
{
	struct ganeti_job *state = job->state;
	char handle[64];

	state->id = id;
	snprintf(handle, sizeof handle, "job %" PRId64, id);
	cloud_job_accept(job, handle);
	state->step = FOLLOW;
	if (state->cancel)
		ask(job, CANCEL);
	else
		cloud_job_poll(job);
}

static void take_order(struct cloud_job *job, const json_t *answer)
{
	int64_t id;

	if (ganeti_read_job_id(answer, &id))
		accept(job, id);
	else
		/* It may have been taken all the same. */
		ask(job, SEARCH);
}

static void take_jobs(struct cloud_job *job, const json_t *answer)
{
	struct ganeti_job *state = job->state;
	const int64_t id = ganeti_find_migration(answer, state->name, state->mark);

	if (id > 0)
		accept(job, id);
	else if (++state->searches < SEARCHES)
		cloud_job_poll(job);
	else
		refuse(job, "the order did not get through: there is no such job");
}

static void take_job(struct cloud_job *job, const json_t *answer)
{
	enum ganeti_job_state state;
	char text[300];

	if (!ganeti_read_job(answer, &state, text, sizeof text)) {
		cloud_job_pause(job, "the RAPI's answer about the job makes no sense");
		return;
	}
	switch (state) {
	case GANETI_RUNNING:
		cloud_job_poll(job);
		break;
	case GANETI_SUCCESS:
		ask(job, VERIFY);
		break;
	case GANETI_CANCELED:
		cloud_job_end(job, CLOUD_CANCELLED, NULL, "job %s was cancelled", job->handle + 4);
		break;
	case GANETI_ERROR:
		cloud_job_end(job, CLOUD_FAILED, NULL, "job %s: %s", job->handle + 4,
		    text[0] != '\0' ? text : "it failed");
		break;
	}
}

static void take_place(struct cloud_job *job, const json_t *answer)
{
	const struct ganeti_job *state = job->state;
	const char *to = job->order.to_host;
	struct ganeti_instance instance;

	if (!ganeti_read_instance(answer, &instance) || instance.node[0] == '\0')
		cloud_job_end(job, CLOUD_LOST, NULL,
		    "the job succeeded, but the RAPI does not tell where the instance is");
	else if (to[0] == '\0' ? strcmp(instance.node, state->from) != 0
			       : strcmp(instance.node, to) == 0)
		cloud_job_end(job, CLOUD_MOVED, instance.node, "%s", "");
	else
		cloud_job_end(job, CLOUD_FAILED, instance.node,
		    "the job ended, but the instance is on %s", instance.node);
}

/* [true, "Job 14 has been cancelled"]; the job itself tells how it ends. */
static void take_cancel(struct cloud_job *job, const json_t *answer)
{
	struct ganeti_job *state = job->state;

	if (!json_is_true(json_array_get(answer, 0)))
		log_warning("cloud %s: %s is not called off: it is running already",
		    cloud_title(job->cloud), job->handle);
	state->step = FOLLOW;
	cloud_job_poll(job);
}

/* 404 to these. */
static void unknown_instance(struct cloud_job *job)
{
	const struct ganeti_job *state = job->state;

	if (state->step == FIND && identity_is_vm(job->order.vm_id))
		ask(job, LOCATE);
	else
		cloud_job_end(
		    job, CLOUD_FAILED, NULL, "there is no instance %s", job->order.vm_name);
}

static void unknown_node(struct cloud_job *job)
{
	cloud_job_end(job, CLOUD_FAILED, NULL, "there is no node %s", job->order.to_host);
}

/* An old job may be archived away: the place tells. */
static void unknown_job(struct cloud_job *job)
{
	ask(job, VERIFY);
}

static const struct {
	const char *method, *path; /* %s: the escaped subject */
	size_t answer_max;
	void (*take)(struct cloud_job *job, const json_t *answer);
	void (*missing)(struct cloud_job *job); /* 404; NULL: as any refusal */
} steps[] = {
    [FIND] = {"GET", "/2/instances/%s", ANSWER_MAX, take_instance, unknown_instance},
    [LOCATE] = {"GET", "/2/instances?bulk=1%.0s", CLOUD_ANSWER_MAX, take_instances, NULL},
    [TARGET] = {"GET", "/2/nodes/%s", ANSWER_MAX, take_target, unknown_node},
    [MARK] = {"GET", "/2/jobs%.0s", CLOUD_ANSWER_MAX, take_mark, NULL},
    [ORDER] = {"PUT", "/2/instances/%s/migrate", ANSWER_MAX, take_order, unknown_instance},
    [SEARCH] = {"GET", "/2/jobs?bulk=1%.0s", CLOUD_ANSWER_MAX, take_jobs, NULL},
    [FOLLOW] = {"GET", "/2/jobs/%s", ANSWER_MAX, take_job, unknown_job},
    [VERIFY] = {"GET", "/2/instances/%s", ANSWER_MAX, take_place, NULL},
    [CANCEL] = {"DELETE", "/2/jobs/%s", ANSWER_MAX, take_cancel, unknown_job},
};

/* An order that was refused in so many words did nothing; what was ordered before is lost from
 * sight, not undone. */
static void take_refusal(struct cloud_job *job, const struct http_result *result)
{
	struct ganeti_job *state = job->state;
	const enum step step = state->step;
	char text[CLOUD_TEXT_SIZE - 100];

	explain_refusal(result, text, sizeof text);
	if (result->code == 404 && steps[step].missing != NULL)
		steps[step].missing(job);
	else if (step == CANCEL) {
		log_warning("cloud %s: %s is not called off: %s", cloud_title(job->cloud),
		    job->handle, text);
		state->step = FOLLOW;
		cloud_job_poll(job);
	} else if (step == ORDER && (result->code < 300 || result->code > 499)) {
		/* It came to the server, or may have. */
		state->step = SEARCH;
		cloud_job_pause(job, text);
	} else
		cloud_job_end(job, job->looking || step == ORDER ? CLOUD_FAILED : CLOUD_LOST, NULL,
		    "%s", text);
}

/* What a server of the way may have put in place of an answer. */
static void take_garbage(struct cloud_job *job)
{
	struct ganeti_job *state = job->state;

	if (job->looking) {
		refuse(job, "the RAPI's answer is no JSON");
		return;
	}
	if (state->step == ORDER)
		state->step = SEARCH;
	cloud_job_pause(job, "the RAPI's answer is no JSON");
}

static void on_answer(const struct http_result *result, void *context)
{
	struct cloud_job *job = context;
	struct ganeti_job *state = job->state;
	json_t *answer;

	state->exchange = NULL;
	if (job->over)
		return;
	if (result->verdict == HTTP_AGAIN) {
		/* Whether an order was taken is not known then. */
		if (state->step == ORDER)
			state->step = SEARCH;
		cloud_job_pause(job, result->reason);
		return;
	}
	if (result->verdict != HTTP_DONE) {
		take_refusal(job, result);
		return;
	}
	answer = json_loadb(result->answer, result->length, JSON_DECODE_ANY, NULL);
	if (answer != NULL)
		steps[state->step].take(job, answer);
	else
		take_garbage(job);
	json_decref(answer);
}

static const char *subject_of(const struct cloud_job *job, enum step step, char *id, size_t size)
{
	const struct ganeti_job *state = job->state;

	snprintf(id, size, "%" PRId64, state->id);
	switch (step) {
	case TARGET:
		return job->order.to_host;
	case FOLLOW:
	case CANCEL:
		return id;
	default:
		return state->name;
	}
}

static char *order_body(const struct cloud_job *job)
{
	json_t *body = job->order.to_host[0] != '\0' ? json_pack("{s:s, s:s}", "mode", "live",
							   "target_node", job->order.to_host)
						     : json_pack("{s:s}", "mode", "live");
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	return text;
}

static void ask(struct cloud_job *job, enum step step)
{
	struct ganeti_job *state = job->state;
	char path[URL_SIZE / 2], subject[3 * CLOUD_NAME_SIZE + 4], id[32], message[300];
	char *body = NULL;
	int rc = GRAPPE_OK;

	/* One question at a time. */
	cloud_job_hold(job);
	http_cancel(state->exchange);
	state->exchange = NULL;
	state->step = step;
	escape(subject_of(job, step, id, sizeof id), subject, sizeof subject);
	/* The formats are this table's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof path, steps[step].path, subject);
#pragma GCC diagnostic pop
	if (step == ORDER) {
		body = order_body(job);
		rc = body != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
		snprintf(message, sizeof message, "a name that is no UTF-8, or no memory");
	}
	if (rc == GRAPPE_OK)
		rc = request(job->cloud, steps[step].method, path, body, steps[step].answer_max,
		    on_answer, job, &state->exchange, message, sizeof message);
	free(body);
	if (rc != GRAPPE_OK)
		cloud_job_end(job, job->looking ? CLOUD_FAILED : CLOUD_LOST, NULL, "%s", message);
	else if (step == ORDER)
		job->looking = false;
}

/* ---- the kind ---- */

static int check(const struct cloud_settings *settings, char *message, size_t size)
{
	(void)settings;
	(void)message;
	(void)size;
	return GRAPPE_OK;
}

static struct ganeti_job *make_state(struct cloud_job *job)
{
	struct ganeti_job *state = calloc(1, sizeof *state);

	job->state = state;
	if (state == NULL)
		refuse(job, error_text(GRAPPE_EMEMORY));
	else
		memcpy(state->name, job->order.vm_name, sizeof state->name);
	return state;
}

static void start(struct cloud_job *job)
{
	job->looking = true;
	if (make_state(job) != NULL)
		ask(job, FIND);
}

static void resume(struct cloud_job *job)
{
	struct ganeti_job *state = make_state(job);

	if (state == NULL)
		return;
	if (sscanf(job->handle, "job %" SCNd64, &state->id) == 1 && state->id > 0)
		ask(job, FOLLOW);
	else
		cloud_job_end(job, CLOUD_LOST, NULL, "\"%s\" is no job", job->handle);
}

static void poll(struct cloud_job *job)
{
	struct ganeti_job *state = job->state;

	ask(job, state->step);
}

static void abort_job(struct cloud_job *job)
{
	struct ganeti_job *state = job->state;

	/* While nobody knows its job there is nothing to cancel. */
	if (state->id == 0)
		state->cancel = true;
	else
		ask(job, CANCEL);
}

static void drop(struct cloud_job *job)
{
	struct ganeti_job *state = job->state;

	if (state == NULL)
		return;
	http_cancel(state->exchange);
	free(state);
}

/* ---- surveys: nodes, their groups, then instances ---- */

struct ganeti_look {
	struct http_exchange *exchange;
	json_t *nodes, *groups;
};

static void end_survey(struct cloud *cloud, const struct cloud_survey *survey, const char *text)
{
	struct ganeti_look *look = cloud->state;

	cloud->state = NULL;
	json_decref(look->nodes);
	json_decref(look->groups);
	free(look);
	cloud_survey_end(cloud, survey, "%s", text);
}

/* The JSON of an answer, or NULL after ending the survey. */
static json_t *take_list(struct cloud *cloud, const struct http_result *result)
{
	struct ganeti_look *look = cloud->state;
	char text[CLOUD_TEXT_SIZE];
	json_t *list;

	look->exchange = NULL;
	if (result->verdict != HTTP_DONE) {
		explain_refusal(result, text, sizeof text);
		end_survey(cloud, NULL, text);
		return NULL;
	}
	list = json_loadb(result->answer, result->length, 0, NULL);
	if (list == NULL)
		end_survey(cloud, NULL, "the RAPI's answer is no JSON");
	return list;
}

static void on_instances(const struct http_result *result, void *context)
{
	struct cloud *cloud = context;
	struct ganeti_look *look = cloud->state;
	json_t *instances = take_list(cloud, result);
	struct cloud_survey survey = {0};

	if (instances == NULL)
		return;
	if (ganeti_survey(look->nodes, look->groups, instances, &survey))
		end_survey(cloud, &survey, "");
	else
		end_survey(cloud, NULL, "the RAPI's lists make no sense");
	cloud_survey_deinit(&survey);
	json_decref(instances);
}

/* The next list, or the end. */
static void look_on(struct cloud *cloud, const char *path, http_done *done)
{
	struct ganeti_look *look = cloud->state;
	char message[300];

	if (request(cloud, "GET", path, NULL, CLOUD_ANSWER_MAX, done, cloud, &look->exchange,
		message, sizeof message) != GRAPPE_OK)
		end_survey(cloud, NULL, message);
}

static void on_groups(const struct http_result *result, void *context)
{
	struct cloud *cloud = context;
	struct ganeti_look *look = cloud->state;
	json_t *groups = take_list(cloud, result);

	if (groups == NULL)
		return;
	look->groups = groups;
	look_on(cloud, "/2/instances?bulk=1", on_instances);
}

static void on_nodes(const struct http_result *result, void *context)
{
	struct cloud *cloud = context;
	struct ganeti_look *look = cloud->state;
	json_t *nodes = take_list(cloud, result);

	if (nodes == NULL)
		return;
	look->nodes = nodes;
	look_on(cloud, "/2/groups?bulk=1", on_groups);
}

static int survey(struct cloud *cloud)
{
	struct ganeti_look *look = calloc(1, sizeof *look);
	char message[300];

	if (look == NULL)
		return GRAPPE_EMEMORY;
	cloud->state = look;
	if (request(cloud, "GET", "/2/nodes?bulk=1", NULL, CLOUD_ANSWER_MAX, on_nodes, cloud,
		&look->exchange, message, sizeof message) == GRAPPE_OK)
		return GRAPPE_OK;
	cloud->state = NULL;
	free(look);
	return cloud_survey_refuse(cloud, message);
}

static void drop_survey(struct cloud *cloud)
{
	struct ganeti_look *look = cloud->state;

	if (look == NULL)
		return;
	http_cancel(look->exchange);
	json_decref(look->nodes);
	json_decref(look->groups);
	free(look);
	cloud->state = NULL;
}

const struct cloud_kind cloud_ganeti = {.name = "ganeti",
    .check = check,
    .start = start,
    .resume = resume,
    .poll = poll,
    .abort = abort_job,
    .drop = drop,
    .survey = survey,
    .drop_survey = drop_survey};
