/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/dashboard_queue.h"

#include "common/error.h"
#include "common/file.h"
#include "manager/state_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MODE 0600
#define TIME_MAX_MS INT64_C(253402300799000) /* the end of the year 9999 */
#define TTL_MAX_S 31536000
#define LEVEL_NONE (-1)

struct dashboard_service {
	char host[DASHBOARD_HOST_SIZE];
	char name[DASHBOARD_SERVICE_SIZE];
	int64_t last_ms; /* of the newest result ever pushed */
	int last_level;  /* of it, or LEVEL_NONE */
	bool held;
	struct dashboard_result **results; /* oldest first */
	size_t count, capacity;
};

struct dashboard_queue {
	char *path; /* NULL: of a parser */
	struct dashboard_service **services;
	size_t nservices;
	size_t waiting;
	uint64_t merged;
	bool changed;
};

/* ---- services ---- */

static void free_service(struct dashboard_service *service)
{
	for (size_t i = 0; i < service->count; i++)
		free(service->results[i]);
	free(service->results);
	free(service);
}

static struct dashboard_service *find_service(
    const struct dashboard_queue *queue, const char *host, const char *name)
{
	for (size_t i = 0; i < queue->nservices; i++)
		if (strcmp(queue->services[i]->name, name) == 0 &&
		    strcmp(queue->services[i]->host, host) == 0)
			return queue->services[i];
	return NULL;
}

/* Makes room for one more: the service without anything waiting that is not heard of for longest.
 */
static void forget_one(struct dashboard_queue *queue)
{
	size_t oldest = queue->nservices;

	for (size_t i = 0; i < queue->nservices; i++)
		if (queue->services[i]->count == 0 &&
		    (oldest == queue->nservices ||
			queue->services[i]->last_ms < queue->services[oldest]->last_ms))
			oldest = i;
	if (oldest == queue->nservices)
		return;
	free_service(queue->services[oldest]);
	memmove(&queue->services[oldest], &queue->services[oldest + 1],
	    (queue->nservices - oldest - 1) * sizeof(struct dashboard_service *));
	queue->nservices--;
}

/* NULL without memory, or when everything is full of what waits. */
static struct dashboard_service *add_service(
    struct dashboard_queue *queue, const char *host, const char *name)
{
	struct dashboard_service *service;

	if (queue->nservices == DASHBOARD_QUEUE_SERVICES)
		forget_one(queue);
	if (queue->nservices == DASHBOARD_QUEUE_SERVICES)
		return NULL;
	service = calloc(1, sizeof *service);
	if (service == NULL)
		return NULL;
	snprintf(service->host, sizeof service->host, "%s", host);
	snprintf(service->name, sizeof service->name, "%s", name);
	service->last_level = LEVEL_NONE;
	queue->services[queue->nservices++] = service;
	return service;
}

/* Takes one result out of a service. */
static void drop_result(
    struct dashboard_queue *queue, struct dashboard_service *service, size_t place)
{
	free(service->results[place]);
	memmove(&service->results[place], &service->results[place + 1],
	    (service->count - place - 1) * sizeof(struct dashboard_result *));
	service->count--;
	queue->waiting--;
	queue->changed = true;
}

static int append_result(struct dashboard_queue *queue, struct dashboard_service *service,
    const struct dashboard_result *result)
{
	struct dashboard_result *copy = malloc(sizeof *copy);

	if (copy == NULL)
		return GRAPPE_EMEMORY;
	if (service->count == service->capacity) {
		const size_t capacity = service->capacity * 2 + 4;
		struct dashboard_result **results =
		    realloc(service->results, capacity * sizeof *results);

		if (results == NULL) {
			free(copy);
			return GRAPPE_EMEMORY;
		}
		service->results = results;
		service->capacity = capacity;
	}
	*copy = *result;
	service->results[service->count++] = copy;
	queue->waiting++;
	queue->changed = true;
	return GRAPPE_OK;
}

/* ---- merging ---- */

/* The oldest that is not under way goes; what came after it tells the rest. */
static bool merge_oldest(struct dashboard_queue *queue, struct dashboard_service *service)
{
	const size_t place = service->held ? 1 : 0;

	if (service->count < place + 2)
		return false;
	drop_result(queue, service, place);
	queue->merged++;
	return true;
}

static void keep_bounds(struct dashboard_queue *queue, struct dashboard_service *service)
{
	while (service->count > DASHBOARD_QUEUE_CHANGES && merge_oldest(queue, service))
		;
	while (queue->waiting > DASHBOARD_QUEUE_RESULTS) {
		struct dashboard_service *most = queue->services[0];

		for (size_t i = 1; i < queue->nservices; i++)
			if (queue->services[i]->count > most->count)
				most = queue->services[i];
		if (!merge_oldest(queue, most))
			break;
	}
}

int dashboard_queue_push(struct dashboard_queue *queue, const struct dashboard_result *result,
    int64_t now_ms, bool changes_only)
{
	struct dashboard_service *service = find_service(queue, result->host, result->service);
	struct dashboard_result fresh = *result;
	const struct dashboard_result *newest;
	int last_level, rc;

	if (service == NULL)
		service = add_service(queue, result->host, result->service);
	if (service == NULL)
		return GRAPPE_EMEMORY;
	last_level = service->last_level;
	fresh.time_ms = now_ms > service->last_ms ? now_ms : service->last_ms + 1;
	if (fresh.time_ms > TIME_MAX_MS)
		fresh.time_ms = TIME_MAX_MS;
	service->last_ms = fresh.time_ms;
	service->last_level = (int)fresh.level;
	queue->changed = true;
	if (changes_only &&
	    (last_level == LEVEL_NONE ? SERVICE_OK : last_level) == (int)fresh.level)
		return GRAPPE_OK;
	newest = service->count > 0 ? service->results[service->count - 1] : NULL;
	if (newest != NULL && newest->level == fresh.level &&
	    !(service->held && service->count == 1)) {
		*service->results[service->count - 1] = fresh;
		queue->merged++;
		return GRAPPE_OK;
	}
	rc = append_result(queue, service, &fresh);
	if (rc == GRAPPE_OK)
		keep_bounds(queue, service);
	return rc;
}

/* ---- what goes out ---- */

size_t dashboard_queue_services(const struct dashboard_queue *queue)
{
	return queue->nservices;
}

struct dashboard_service *dashboard_queue_service(struct dashboard_queue *queue, size_t place)
{
	return queue->services[place];
}

const struct dashboard_result *dashboard_queue_oldest(const struct dashboard_service *service)
{
	return service->count > 0 ? service->results[0] : NULL;
}

void dashboard_queue_hold(struct dashboard_service *service)
{
	service->held = true;
}

bool dashboard_queue_held(const struct dashboard_service *service)
{
	return service->held;
}

void dashboard_queue_release(struct dashboard_service *service)
{
	service->held = false;
}

void dashboard_queue_pop(struct dashboard_queue *queue, struct dashboard_service *service)
{
	service->held = false;
	if (service->count > 0)
		drop_result(queue, service, 0);
}

size_t dashboard_queue_waiting(const struct dashboard_queue *queue)
{
	return queue->waiting;
}

uint64_t dashboard_queue_merged(const struct dashboard_queue *queue)
{
	return queue->merged;
}

/* ---- the file ---- */

static json_t *result_json(const struct dashboard_result *result)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:I, s:I}", "state", (int)result->level, "text",
	    result->text, "perfdata", result->perfdata, "details", result->details, "time_ms",
	    (json_int_t)result->time_ms, "ttl_s", (json_int_t)result->ttl_s);
}

static json_t *service_json(const struct dashboard_service *service)
{
	json_t *results = json_array();

	for (size_t i = 0; results != NULL && i < service->count; i++)
		if (json_array_append_new(results, result_json(service->results[i])) != 0) {
			json_decref(results);
			return NULL;
		}
	return json_pack("{s:s, s:s, s:I, s:i, s:o}", "host", service->host, "service",
	    service->name, "last_ms", (json_int_t)service->last_ms, "last_state",
	    service->last_level, "results", results);
}

char *dashboard_queue_format(const struct dashboard_queue *queue)
{
	json_t *services = json_array(), *file;
	char *text = NULL;

	for (size_t i = 0; services != NULL && i < queue->nservices; i++)
		if (json_array_append_new(services, service_json(queue->services[i])) != 0) {
			json_decref(services);
			return NULL;
		}
	file = json_pack("{s:i, s:o}", "version", 1, "services", services);
	if (file != NULL)
		text = json_dumps(file, JSON_COMPACT);
	json_decref(file);
	return text;
}

int dashboard_queue_save(struct dashboard_queue *queue)
{
	char *text;
	int rc, saved;

	if (!queue->changed)
		return GRAPPE_OK;
	text = dashboard_queue_format(queue);
	if (text == NULL)
		return GRAPPE_EMEMORY;
	rc = file_replace(queue->path, text, strlen(text), FILE_MODE);
	saved = errno;
	free(text);
	errno = saved;
	if (rc == GRAPPE_OK)
		queue->changed = false;
	return rc;
}

/* ---- reading ---- */

struct parser {
	struct dashboard_queue *queue;
	char *message;
	size_t size;
};

static int refuse(const struct parser *parser, int code, const char *what)
{
	snprintf(parser->message, parser->size, "%s", what);
	return code;
}

/* Lines may hold newlines, nothing else that is no character. */
static bool read_text(const json_t *object, const char *key, bool lines, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	if (text == NULL || json_string_length(value) >= size ||
	    strlen(text) != json_string_length(value))
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if (((unsigned char)*c < ' ' && !(lines && *c == '\n')) || *c == 127)
			return false;
	snprintf(out, size, "%s", text);
	return true;
}

static bool read_integer(
    const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(object, key);

	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= min && *out <= max;
}

static int parse_result(
    const struct parser *parser, const json_t *object, struct dashboard_service *service)
{
	struct dashboard_result result = {0};
	int64_t level;

	if (!read_integer(object, "state", SERVICE_OK, SERVICE_UNKNOWN, &level) ||
	    !read_text(object, "text", false, result.text, sizeof result.text) ||
	    !read_text(object, "perfdata", false, result.perfdata, sizeof result.perfdata) ||
	    !read_text(object, "details", true, result.details, sizeof result.details) ||
	    !read_integer(object, "time_ms", 0, TIME_MAX_MS, &result.time_ms) ||
	    !read_integer(object, "ttl_s", 0, TTL_MAX_S, &result.ttl_s))
		return refuse(parser, GRAPPE_EFORMAT, "a result is not as it should be");
	if (result.time_ms > service->last_ms ||
	    (service->count > 0 && result.time_ms < service->results[service->count - 1]->time_ms))
		return refuse(parser, GRAPPE_EFORMAT, "times of a service are out of order");
	result.level = (enum service_level)level;
	memcpy(result.host, service->host, sizeof result.host);
	memcpy(result.service, service->name, sizeof result.service);
	return append_result(parser->queue, service, &result);
}

static int parse_service(const struct parser *parser, const json_t *object)
{
	const json_t *results = json_object_get(object, "results"), *result;
	char host[DASHBOARD_HOST_SIZE], name[DASHBOARD_SERVICE_SIZE];
	struct dashboard_service *service;
	int64_t last_ms, level;
	size_t i;
	int rc = GRAPPE_OK;

	if (!read_text(object, "host", false, host, sizeof host) ||
	    !read_text(object, "service", false, name, sizeof name) || host[0] == '\0' ||
	    name[0] == '\0' || !read_integer(object, "last_ms", 0, TIME_MAX_MS, &last_ms) ||
	    !read_integer(object, "last_state", LEVEL_NONE, SERVICE_UNKNOWN, &level) ||
	    !json_is_array(results))
		return refuse(parser, GRAPPE_EFORMAT, "a service is not as it should be");
	if (find_service(parser->queue, host, name) != NULL)
		return refuse(parser, GRAPPE_EFORMAT, "a service is there twice");
	if (json_array_size(results) > DASHBOARD_QUEUE_CHANGES ||
	    parser->queue->waiting + json_array_size(results) > DASHBOARD_QUEUE_RESULTS)
		return refuse(parser, GRAPPE_ELIMIT, "too many results");
	service = add_service(parser->queue, host, name);
	if (service == NULL)
		return refuse(parser, GRAPPE_EMEMORY, error_text(GRAPPE_EMEMORY));
	service->last_ms = last_ms;
	service->last_level = (int)level;
	json_array_foreach(results, i, result)
	{
		rc = parse_result(parser, result, service);
		if (rc != GRAPPE_OK)
			break;
	}
	return rc;
}

static struct dashboard_queue *new_queue(void)
{
	struct dashboard_queue *queue = calloc(1, sizeof *queue);

	if (queue == NULL)
		return NULL;
	queue->services = calloc(DASHBOARD_QUEUE_SERVICES, sizeof(struct dashboard_service *));
	if (queue->services != NULL)
		return queue;
	free(queue);
	return NULL;
}

static int parse_services(const struct parser *parser, const json_t *services)
{
	const json_t *service;
	size_t i;
	int rc = GRAPPE_OK;

	if (!json_is_array(services))
		return refuse(parser, GRAPPE_EFORMAT, "services: must be a list");
	if (json_array_size(services) > DASHBOARD_QUEUE_SERVICES)
		return refuse(parser, GRAPPE_ELIMIT, "too many services");
	json_array_foreach(services, i, service)
	{
		rc = parse_service(parser, service);
		if (rc != GRAPPE_OK)
			break;
	}
	parser->queue->changed = false;
	return rc;
}

static int read_document(const json_t *document, void *out, char *message, size_t size)
{
	const struct parser parser = {.queue = new_queue(), .message = message, .size = size};
	int rc;

	if (parser.queue == NULL)
		return refuse(&parser, GRAPPE_EMEMORY, error_text(GRAPPE_EMEMORY));
	rc = parse_services(&parser, json_object_get(document, "services"));
	if (rc == GRAPPE_OK)
		*(struct dashboard_queue **)out = parser.queue;
	else
		dashboard_queue_close(parser.queue);
	return rc;
}

int dashboard_queue_parse(
    const char *bytes, size_t length, struct dashboard_queue **out, char *message, size_t size)
{
	*out = NULL;
	return state_file_parse(
	    bytes, length, DASHBOARD_QUEUE_MAX, read_document, out, message, size);
}

int dashboard_queue_open(const char *path, struct dashboard_queue **out, char *message, size_t size)
{
	struct dashboard_queue *queue = NULL;
	const int rc =
	    state_file_load(path, DASHBOARD_QUEUE_MAX, read_document, &queue, message, size);

	*out = NULL;
	if (rc != GRAPPE_OK)
		return rc;
	if (queue == NULL)
		queue = new_queue();
	if (queue != NULL)
		queue->path = strdup(path);
	if (queue == NULL || queue->path == NULL) {
		dashboard_queue_close(queue);
		snprintf(message, size, "%s: %s", path, error_text(GRAPPE_EMEMORY));
		return GRAPPE_EMEMORY;
	}
	*out = queue;
	return GRAPPE_OK;
}

void dashboard_queue_close(struct dashboard_queue *queue)
{
	if (queue == NULL)
		return;
	for (size_t i = 0; i < queue->nservices; i++)
		free_service(queue->services[i]);
	free(queue->services);
	free(queue->path);
	free(queue);
}
