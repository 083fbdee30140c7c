/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cloud_openstack_answer.h"

#include "common/error.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 300 /* bytes of a text that are looked at to be shown */

/* ---- fields ---- */

/* Control characters become spaces; runs of spaces one, none at the ends. */
static void flatten(char *text)
{
	char *out = text;

	for (const char *in = text; *in != '\0'; in++) {
		const char c = (unsigned char)*in < ' ' || *in == 127 ? ' ' : *in;

		if (c != ' ' || (out > text && out[-1] != ' '))
			*out++ = c;
	}
	while (out > text && out[-1] == ' ')
		out--;
	*out = '\0';
}

/* A text to be shown: cut where it is too long, never in the middle of a character. */
static void show(const char *from, char *text, size_t size)
{
	size_t length = strnlen(from, size - 1);

	while (from[length] != '\0' && length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80)
		length--;
	memcpy(text, from, length);
	text[length] = '\0';
	flatten(text);
}

/* A text that means something: whole, or not at all. null and a missing key are "". */
static int get_text(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	out[0] = '\0';
	if (value == NULL || json_is_null(value))
		return GRAPPE_OK;
	if (text == NULL || json_string_length(value) >= size ||
	    strlen(text) != json_string_length(value))
		return GRAPPE_EFORMAT;
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return GRAPPE_EFORMAT;
	memcpy(out, text, strlen(text) + 1);
	return GRAPPE_OK;
}

/* One of the texts that must be there. */
static int need_text(const json_t *object, const char *key, char *out, size_t size)
{
	const int rc = get_text(object, key, out, size);

	return rc == GRAPPE_OK && out[0] == '\0' ? GRAPPE_EFORMAT : rc;
}

static int need_uuid(const json_t *object, const char *key, char out[VM_ID_SIZE])
{
	const char *text = json_string_value(json_object_get(object, key));

	out[0] = '\0';
	return text != NULL ? identity_from_uuid(text, out) : GRAPPE_EFORMAT;
}

static double get_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	const double number = json_is_number(value) ? json_number_value(value) : NAN;

	return number >= 0 && number <= 1e15 ? number : NAN;
}

/* The document, an object, and in it the array, or NULL with a code. */
static json_t *load(
    const char *bytes, size_t length, const char *key, const json_t **array, int *rc)
{
	json_t *document = json_loadb(bytes, length, 0, NULL);

	*rc = GRAPPE_OK;
	*array = json_object_get(document, key);
	if (json_is_array(*array))
		return document;
	*rc = GRAPPE_EFORMAT;
	json_decref(document);
	return NULL;
}

static const json_t *get_object(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_object(value) ? value : NULL;
}

/* ---- errors ---- */

/* {"forbidden": {"code": 403, "message": "…"}} of Nova and Keystone, {"errors": [{"detail": "…"}]}
 * of Placement. */
static const char *find_message(const json_t *document)
{
	const json_t *errors = json_object_get(document, "errors");
	const char *key,
	    *text = json_string_value(json_object_get(json_array_get(errors, 0), "detail"));
	json_t *value;

	json_object_foreach((json_t *)document, key, value)
	{
		if (text == NULL)
			text = json_string_value(json_object_get(value, "message"));
	}
	return text;
}

void openstack_error_text(const char *bytes, size_t length, char *text, size_t size)
{
	json_t *document = json_loadb(bytes, length, 0, NULL);
	const char *message = find_message(document);
	char shown[SHOWN_MAX];

	show(message != NULL ? message : "", shown, sizeof shown);
	snprintf(text, size, "%s", shown);
	json_decref(document);
}

bool openstack_is_request(const char *id)
{
	char uuid[VM_ID_SIZE];

	return strncmp(id, "req-", 4) == 0 && identity_from_uuid(id + 4, uuid) == GRAPPE_OK;
}

/* ---- Keystone ---- */

/* "2026-11-26T23:45:30.000000Z" as epoch seconds, or -1. */
static int64_t read_time(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key)), *end;
	struct tm parts = {0};

	end = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
	return end != NULL && (*end == '.' || *end == 'Z') ? timegm(&parts) : -1;
}

static bool is_in_region(const json_t *endpoint, const char *region)
{
	const char *id = json_string_value(json_object_get(endpoint, "region_id"));
	const char *name = json_string_value(json_object_get(endpoint, "region"));

	return region[0] == '\0' || (id != NULL && strcmp(id, region) == 0) ||
	       (name != NULL && strcmp(name, region) == 0);
}

/* The public endpoint of a service in this region; NULL: none. */
static const json_t *find_endpoint(const json_t *catalog, const char *type, const char *region)
{
	const json_t *service, *endpoint;
	size_t i, j;

	json_array_foreach((json_t *)catalog, i, service)
	{
		const char *is = json_string_value(json_object_get(service, "type"));

		if (is == NULL || strcmp(is, type) != 0)
			continue;
		json_array_foreach(json_object_get(service, "endpoints"), j, endpoint)
		{
			const char *side =
			    json_string_value(json_object_get(endpoint, "interface"));

			if (side != NULL && strcmp(side, "public") == 0 &&
			    is_in_region(endpoint, region))
				return endpoint;
		}
	}
	return NULL;
}

static int read_endpoint(const json_t *endpoint, char url[OPENSTACK_URL_SIZE])
{
	size_t length;

	url[0] = '\0';
	if (endpoint == NULL)
		return GRAPPE_OK;
	if (need_text(endpoint, "url", url, OPENSTACK_URL_SIZE) != GRAPPE_OK ||
	    strpbrk(url, "?# ") != NULL)
		return GRAPPE_EFORMAT;
	length = strlen(url);
	while (length > 0 && url[length - 1] == '/')
		url[--length] = '\0';
	return GRAPPE_OK;
}

static int read_catalog(const json_t *catalog, const char *region, struct openstack_grant *out)
{
	const json_t *compute = find_endpoint(catalog, "compute", region);
	int rc = read_endpoint(compute, out->compute);

	snprintf(out->region, sizeof out->region, "%s", region);
	if (rc == GRAPPE_OK && region[0] == '\0')
		rc = get_text(compute, "region_id", out->region, sizeof out->region);
	if (rc == GRAPPE_OK)
		rc =
		    read_endpoint(find_endpoint(catalog, "placement", out->region), out->placement);
	return rc;
}

int openstack_read_grant(
    const char *bytes, size_t length, const char *region, struct openstack_grant *out)
{
	json_t *document = json_loadb(bytes, length, 0, NULL);
	const json_t *token = get_object(document, "token");
	const int64_t from = read_time(token, "issued_at"), to = read_time(token, "expires_at");
	int rc = GRAPPE_EFORMAT;

	*out = (struct openstack_grant){0};
	if (from >= 0 && to > from) {
		out->life_s = to - from;
		rc = read_catalog(json_object_get(token, "catalog"), region, out);
	}
	json_decref(document);
	return rc;
}

/* ---- servers ---- */

static int read_server(const json_t *object, struct openstack_server *out)
{
	const json_t *flavor = json_object_get(object, "flavor");
	int rc = need_uuid(object, "id", out->id);

	if (rc == GRAPPE_OK)
		rc = need_text(object, "name", out->name, sizeof out->name);
	if (rc == GRAPPE_OK)
		rc = need_text(object, "status", out->status, sizeof out->status);
	if (rc == GRAPPE_OK)
		rc = get_text(object, "OS-EXT-STS:task_state", out->task, sizeof out->task);
	if (rc == GRAPPE_OK)
		rc = get_text(object, "OS-EXT-SRV-ATTR:host", out->host, sizeof out->host);
	out->vcpu = get_number(flavor, "vcpus");
	out->mem_MiB = get_number(flavor, "ram");
	return rc;
}

int openstack_read_server(const char *bytes, size_t length, struct openstack_server *out)
{
	json_t *document = json_loadb(bytes, length, 0, NULL);
	int rc;

	*out = (struct openstack_server){.vcpu = NAN, .mem_MiB = NAN};
	rc = read_server(get_object(document, "server"), out);
	json_decref(document);
	return rc;
}

/* The link to a next page is only a sign that there is one: where it points is not followed. */
static void read_page(const json_t *document, const char *key, const char *last, size_t count,
    struct openstack_page *page)
{
	const json_t *link;
	size_t i;

	*page = (struct openstack_page){.count = count};
	snprintf(page->last, sizeof page->last, "%s", last);
	json_array_foreach(json_object_get(document, key), i, link)
	{
		const char *relation = json_string_value(json_object_get(link, "rel"));

		if (relation != NULL && strcmp(relation, "next") == 0 && count > 0)
			page->more = true;
	}
}

int openstack_read_servers(const char *bytes, size_t length, openstack_each_server *each,
    void *context, struct openstack_page *page)
{
	struct openstack_server server = {.id = ""};
	const json_t *array, *entry;
	size_t i;
	int rc;
	json_t *document = load(bytes, length, "servers", &array, &rc);

	*page = (struct openstack_page){0};
	json_array_foreach((json_t *)array, i, entry)
	{
		if (rc == GRAPPE_OK)
			rc = read_server(entry, &server);
		if (rc == GRAPPE_OK)
			rc = each(&server, context);
	}
	if (rc == GRAPPE_OK)
		read_page(document, "servers_links", server.id, json_array_size(array), page);
	json_decref(document);
	return rc;
}

/* ---- hosts ---- */

static bool says(const json_t *object, const char *key, const char *wanted)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && strcmp(text, wanted) == 0;
}

static void read_state(const json_t *object, const json_t *service, struct openstack_host *out)
{
	const char *reason = json_string_value(json_object_get(service, "disabled_reason"));

	out->enabled = says(object, "status", "enabled");
	out->up = says(object, "state", "up");
	show(reason != NULL ? reason : "", out->reason, sizeof out->reason);
}

static int read_service(const json_t *object, struct openstack_host *out)
{
	int rc = need_text(object, "host", out->name, sizeof out->name);

	out->id[0] = '\0';
	if (rc == GRAPPE_OK)
		rc = get_text(object, "zone", out->zone, sizeof out->zone);
	read_state(object, object, out);
	return rc;
}

static int read_hypervisor(const json_t *object, struct openstack_host *out)
{
	const json_t *service = json_object_get(object, "service");
	int rc = need_uuid(object, "id", out->id);

	out->zone[0] = '\0';
	if (rc == GRAPPE_OK)
		rc = need_text(service, "host", out->name, sizeof out->name);
	read_state(object, service, out);
	return rc;
}

static int read_hosts(const json_t *array, int (*read)(const json_t *, struct openstack_host *),
    openstack_each_host *each, void *context, char last[VM_ID_SIZE])
{
	struct openstack_host host = {.id = ""};
	const json_t *entry;
	int rc = GRAPPE_OK;
	size_t i;

	json_array_foreach((json_t *)array, i, entry)
	{
		if (rc == GRAPPE_OK)
			rc = read(entry, &host);
		if (rc == GRAPPE_OK)
			rc = each(&host, context);
	}
	snprintf(last, VM_ID_SIZE, "%s", host.id);
	return rc;
}

int openstack_read_services(
    const char *bytes, size_t length, openstack_each_host *each, void *context)
{
	char last[VM_ID_SIZE];
	const json_t *array;
	int rc;
	json_t *document = load(bytes, length, "services", &array, &rc);

	if (rc == GRAPPE_OK)
		rc = read_hosts(array, read_service, each, context, last);
	json_decref(document);
	return rc;
}

int openstack_read_hypervisors(const char *bytes, size_t length, openstack_each_host *each,
    void *context, struct openstack_page *page)
{
	char last[VM_ID_SIZE];
	const json_t *array;
	int rc;
	json_t *document = load(bytes, length, "hypervisors", &array, &rc);

	*page = (struct openstack_page){0};
	if (rc == GRAPPE_OK)
		rc = read_hosts(array, read_hypervisor, each, context, last);
	if (rc == GRAPPE_OK)
		read_page(document, "hypervisors_links", last, json_array_size(array), page);
	json_decref(document);
	return rc;
}

static int read_members(const json_t *aggregate, openstack_each_member *each, void *context)
{
	char name[CLOUD_NAME_SIZE], host[CLOUD_NAME_SIZE];
	int rc = need_text(aggregate, "name", name, sizeof name);
	const json_t *hosts = json_object_get(aggregate, "hosts");
	json_t *shell;

	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(hosts); i++) {
		shell = json_pack("{s:O}", "host", json_array_get(hosts, i));
		rc = shell != NULL ? need_text(shell, "host", host, sizeof host) : GRAPPE_EMEMORY;
		json_decref(shell);
		if (rc == GRAPPE_OK)
			rc = each(name, host, context);
	}
	return rc;
}

int openstack_read_aggregates(
    const char *bytes, size_t length, openstack_each_member *each, void *context)
{
	const json_t *array, *entry;
	size_t i;
	int rc;
	json_t *document = load(bytes, length, "aggregates", &array, &rc);

	json_array_foreach((json_t *)array, i, entry)
	{
		if (rc == GRAPPE_OK)
			rc = read_members(entry, each, context);
	}
	json_decref(document);
	return rc;
}

/* ---- Placement ---- */

static double read_capacity(const json_t *inventories, const char *name)
{
	const json_t *one = json_object_get(inventories, name);
	const double total = get_number(one, "total"), reserved = get_number(one, "reserved");
	const double ratio = get_number(one, "allocation_ratio");
	const double capacity =
	    (total - (isnan(reserved) ? 0 : reserved)) * (isnan(ratio) ? 1 : ratio);

	return capacity < 0 ? 0 : capacity > 1e15 ? NAN : capacity;
}

int openstack_read_inventories(const char *bytes, size_t length, double *vcpu, double *mem_MiB)
{
	json_t *document = json_loadb(bytes, length, 0, NULL);
	const json_t *inventories = get_object(document, "inventories");

	*vcpu = read_capacity(inventories, "VCPU");
	*mem_MiB = read_capacity(inventories, "MEMORY_MB");
	/* Hosts with pinned processors only tell these. */
	if (isnan(*vcpu))
		*vcpu = read_capacity(inventories, "PCPU");
	json_decref(document);
	return inventories != NULL ? GRAPPE_OK : GRAPPE_EFORMAT;
}

/* Names of resources are upper case, digits and "_" (Placement's own rule). */
static bool is_resource(const char *name)
{
	return name[0] != '\0' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name);
}

static int write_resources(const json_t *resources, char out[OPENSTACK_RESOURCES_SIZE])
{
	size_t used = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)resources, name, value)
	{
		int n;

		if (!is_resource(name) || !json_is_integer(value) || json_integer_value(value) <= 0)
			return GRAPPE_EFORMAT;
		n = snprintf(out + used, OPENSTACK_RESOURCES_SIZE - used, "%s%s:%lld",
		    used > 0 ? "," : "", name, (long long)json_integer_value(value));
		if (n < 0 || (size_t)n >= OPENSTACK_RESOURCES_SIZE - used)
			return GRAPPE_EFORMAT;
		used += (size_t)n;
	}
	return GRAPPE_OK;
}

/* The provider that gives memory is the host; disks may come from elsewhere. */
int openstack_read_allocations(
    const char *bytes, size_t length, char resources[OPENSTACK_RESOURCES_SIZE])
{
	json_t *document = json_loadb(bytes, length, 0, NULL);
	const json_t *allocations = get_object(document, "allocations");
	int rc = allocations != NULL ? GRAPPE_OK : GRAPPE_EFORMAT;
	const char *provider;
	json_t *value;

	resources[0] = '\0';
	json_object_foreach((json_t *)allocations, provider, value)
	{
		const json_t *held = get_object(value, "resources");

		if (rc == GRAPPE_OK && resources[0] == '\0' &&
		    json_object_get(held, "MEMORY_MB") != NULL)
			rc = write_resources(held, resources);
	}
	if (rc != GRAPPE_OK)
		resources[0] = '\0';
	json_decref(document);
	return rc;
}

int openstack_read_candidates(const char *bytes, size_t length, size_t *count)
{
	const json_t *array;
	int rc;
	json_t *document = load(bytes, length, "allocation_requests", &array, &rc);

	*count = json_array_size(array);
	json_decref(document);
	return rc;
}

/* ---- migrations ---- */

static int read_migration(const json_t *object, struct openstack_migration *out)
{
	const json_t *id = json_object_get(object, "id");
	int rc = need_uuid(object, "instance_uuid", out->server);

	out->id = json_integer_value(id);
	if (rc == GRAPPE_OK && (!json_is_integer(id) || out->id <= 0))
		rc = GRAPPE_EFORMAT;
	if (rc == GRAPPE_OK)
		rc = need_text(object, "status", out->status, sizeof out->status);
	if (rc == GRAPPE_OK)
		rc = get_text(object, "migration_type", out->type, sizeof out->type);
	if (rc == GRAPPE_OK)
		rc = get_text(object, "source_compute", out->source, sizeof out->source);
	if (rc == GRAPPE_OK)
		rc = get_text(object, "dest_compute", out->target, sizeof out->target);
	return rc;
}

int openstack_read_migrations(
    const char *bytes, size_t length, openstack_each_migration *each, void *context)
{
	struct openstack_migration migration;
	const json_t *array, *entry;
	size_t i;
	int rc;
	json_t *document = load(bytes, length, "migrations", &array, &rc);

	json_array_foreach((json_t *)array, i, entry)
	{
		if (rc == GRAPPE_OK)
			rc = read_migration(entry, &migration);
		if (rc == GRAPPE_OK)
			rc = each(&migration, context);
	}
	json_decref(document);
	return rc;
}

enum openstack_phase openstack_phase(const char *status)
{
	static const struct {
		const char *status;
		enum openstack_phase phase;
	} known[] = {{"completed", OPENSTACK_COMPLETED}, {"done", OPENSTACK_COMPLETED},
	    {"error", OPENSTACK_FAILED}, {"failed", OPENSTACK_FAILED},
	    {"cancelled", OPENSTACK_CANCELLED}};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i].status, status) == 0)
			return known[i].phase;
	return OPENSTACK_RUNNING;
}

/* ---- actions ---- */

int openstack_read_action(const char *bytes, size_t length, bool *failed, char *reason, size_t size)
{
	json_t *document = json_loadb(bytes, length, 0, NULL);
	const json_t *action = get_object(document, "instanceAction"), *event;
	const char *details;
	size_t i;

	*failed = false;
	reason[0] = '\0';
	json_array_foreach(json_object_get(action, "events"), i, event)
	{
		if (!says(event, "result", "Error"))
			continue;
		*failed = true;
		details = json_string_value(json_object_get(event, "details"));
		if (reason[0] == '\0' && details != NULL)
			show(details, reason, size);
	}
	json_decref(document);
	return action != NULL ? GRAPPE_OK : GRAPPE_EFORMAT;
}

int openstack_read_actions(const char *bytes, size_t length, char request[OPENSTACK_REQUEST_SIZE])
{
	const json_t *array, *entry;
	size_t i;
	int rc;
	json_t *document = load(bytes, length, "instanceActions", &array, &rc);

	request[0] = '\0';
	/* Newest first. */
	json_array_foreach((json_t *)array, i, entry)
	{
		const char *id = json_string_value(json_object_get(entry, "request_id"));

		if (request[0] == '\0' && says(entry, "action", "live-migration") && id != NULL &&
		    openstack_is_request(id))
			snprintf(request, OPENSTACK_REQUEST_SIZE, "%s", id);
	}
	json_decref(document);
	return rc;
}
