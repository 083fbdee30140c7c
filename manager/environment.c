/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/environment.h"

#include "common/error.h"
#include "common/file.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read. */
struct document {
	struct json_fault fault;
	struct environments *out;
	size_t nhosts;
};

#define CAPACITY(type, member)                                                                     \
	{"vcpu", offsetof(type, member.vcpu), 1e6},                                                \
	    {"mem_GiB", offsetof(type, member.mem_GiB), 1e7},                                      \
	{                                                                                          \
		"max_vms", offsetof(type, member.max_vms), 1e6                                     \
	}

static const struct json_number host_numbers[] = {
    CAPACITY(struct environment_host, capacity),
    {"power", offsetof(struct environment_host, power), 1e6},
};

static const struct json_number capacity_numbers[] = {CAPACITY(struct environment, capacity)};
static const struct json_number quota_numbers[] = {CAPACITY(struct environment, quota)};
static const char *const capacity_keys[] = {"vcpu", "mem_GiB", "max_vms", NULL};

static const struct json_number environment_numbers[] = {
    {"power", offsetof(struct environment, power), 1e6},
    {"price_vcpu_hour", offsetof(struct environment, price_vcpu_hour), 1e9},
    {"price_mem_GiB_hour", offsetof(struct environment, price_mem_GiB_hour), 1e9},
    {"price_vm_hour", offsetof(struct environment, price_vm_hour), 1e9},
};

static const struct json_number network_numbers[] = {
    {"layer", offsetof(struct environment_network, layer), 3},
};

static const struct json_number link_numbers[] = {
    {"latency_ms", offsetof(struct environment_link, latency_ms), 1e6},
    {"bandwidth_MBps", offsetof(struct environment_link, bandwidth_MBps), 1e9},
    {"price_per_GB", offsetof(struct environment_link, price_per_GB), 1e9},
};

/* ---- hosts ---- */

static int read_host(
    struct document *d, const json_t *object, const char *path, struct environment_host *host)
{
	static const char *const keys[] = {
	    "name", "api_name", "vcpu", "mem_GiB", "max_vms", "power", "drain", NULL};
	int rc = json_check_keys(&d->fault, object, path, keys);

	if (rc == GRAPPE_OK)
		rc = json_get_text(
		    &d->fault, object, path, "name", true, host->name, sizeof host->name);
	if (rc == GRAPPE_OK)
		rc = json_get_text(&d->fault, object, path, "api_name", false, host->api_name,
		    sizeof host->api_name);
	if (rc == GRAPPE_OK)
		rc = json_get_numbers(
		    &d->fault, object, path, host_numbers, JSON_COUNT(host_numbers), host);
	if (rc == GRAPPE_OK)
		rc = json_get_truth(&d->fault, object, path, "drain", &host->drain);
	return rc;
}

static int compare_hosts(const void *left, const void *right)
{
	const struct environment_host *x = left, *y = right;

	return strcmp(x->name, y->name);
}

/* Names are unique. */
static int check_hosts(struct document *d, const char *path, const struct environment *environment)
{
	struct environment_host *sorted = calloc(environment->nhosts + 1, sizeof *sorted);
	int rc = GRAPPE_OK;

	if (sorted == NULL)
		return GRAPPE_EMEMORY;
	if (environment->nhosts > 0)
		memcpy(sorted, environment->hosts, environment->nhosts * sizeof *sorted);
	qsort(sorted, environment->nhosts, sizeof *sorted, compare_hosts);
	for (size_t i = 1; i < environment->nhosts && rc == GRAPPE_OK; i++)
		if (strcmp(sorted[i - 1].name, sorted[i].name) == 0)
			rc = json_fail(&d->fault, GRAPPE_EFORMAT, "%s.hosts: '%s' appears twice",
			    path, sorted[i].name);
	free(sorted);
	return rc;
}

static int read_hosts(
    struct document *d, const json_t *object, const char *path, struct environment *environment)
{
	const json_t *hosts;
	char host_path[96];
	int rc = json_get_array(&d->fault, object, path, "hosts",
	    json_object_get(object, "capacity") == NULL &&
		json_object_get(object, "api_group") == NULL,
	    ENVIRONMENT_HOSTS_MAX - d->nhosts, &hosts);

	if (rc != GRAPPE_OK)
		return rc;
	environment->hosts = calloc(json_array_size(hosts) + 1, sizeof *environment->hosts);
	if (environment->hosts == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(hosts); i++) {
		snprintf(host_path, sizeof host_path, "%s.hosts[%zu]", path, i);
		rc = read_host(d, json_array_get(hosts, i), host_path,
		    &environment->hosts[environment->nhosts++]);
	}
	d->nhosts += environment->nhosts;
	return rc == GRAPPE_OK ? check_hosts(d, path, environment) : rc;
}

/* ---- networks ---- */

/* What lists of texts hold: readers of one text into one item. */
struct list_kind {
	const char *key, *wanted;
	size_t size; /* of an item */
	bool (*parse)(const char *text, void *item);
};

/* "192.0.2.0/24" */
static bool parse_subnet(const char *text, void *item)
{
	struct environment_subnet *subnet = item;
	const char *slash = strchr(text, '/');
	char address[ADDRESS_TEXT_SIZE];
	size_t digits;

	if (slash == NULL || (size_t)(slash - text) >= sizeof address)
		return false;
	digits = strspn(slash + 1, "0123456789");
	if (digits == 0 || digits > 3 || slash[1 + digits] != '\0')
		return false;
	snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
	subnet->length = (unsigned)strtoul(slash + 1, NULL, 10);
	return address_parse(address, &subnet->address) == GRAPPE_OK &&
	       subnet->length <= 8 * address_size(&subnet->address);
}

static bool parse_address(const char *text, void *item)
{
	return address_parse(text, item) == GRAPPE_OK;
}

static bool parse_mac(const char *text, void *item)
{
	return mac_parse(text, item) == GRAPPE_OK;
}

static const struct list_kind subnet_list = {"subnets", "a subnet such as 192.0.2.0/24",
				  sizeof(struct environment_subnet), parse_subnet},
			      address_list = {"used_addresses", "an IP address",
				  sizeof(struct address), parse_address},
			      mac_list = {"used_macs", "a MAC such as 52:54:00:12:34:56",
				  sizeof(struct mac), parse_mac};

/* Sets *items, also on failure, to a heap array of *count items. */
static int read_list(struct document *d, const json_t *object, const char *path,
    const struct list_kind *kind, void *items, size_t *count)
{
	const json_t *list;
	char *array;
	int rc = json_get_array(
	    &d->fault, object, path, kind->key, false, ENVIRONMENT_ADDRESSES_MAX, &list);

	if (rc != GRAPPE_OK)
		return rc;
	array = calloc(json_array_size(list) + 1, kind->size);
	if (array == NULL)
		return GRAPPE_EMEMORY;
	memcpy(items, &array, sizeof array);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text == NULL || !kind->parse(text, array + i * kind->size))
			return json_fail(&d->fault, GRAPPE_EFORMAT, "%s.%s[%zu]: must be %s", path,
			    kind->key, i, kind->wanted);
		(*count)++;
	}
	return GRAPPE_OK;
}

static int read_network(
    struct document *d, const json_t *object, const char *path, struct environment_network *network)
{
	static const char *const keys[] = {"segment", "layer", "overlay", "router", "subnets",
	    "used_addresses", "used_macs", NULL};
	int rc = json_check_keys(&d->fault, object, path, keys);

	if (rc == GRAPPE_OK)
		rc = json_get_text(&d->fault, object, path, "segment", true, network->segment,
		    sizeof network->segment);
	if (rc == GRAPPE_OK)
		rc = json_get_numbers(
		    &d->fault, object, path, network_numbers, JSON_COUNT(network_numbers), network);
	if (rc == GRAPPE_OK && !isnan(network->layer) && network->layer != 2 && network->layer != 3)
		rc = json_fail(&d->fault, GRAPPE_EFORMAT, "%s.layer: must be 2 or 3", path);
	if (rc == GRAPPE_OK)
		rc = json_get_truth(&d->fault, object, path, "overlay", &network->overlay);
	if (rc == GRAPPE_OK)
		rc = json_get_truth(&d->fault, object, path, "router", &network->router);
	if (rc == GRAPPE_OK)
		rc =
		    read_list(d, object, path, &subnet_list, &network->subnets, &network->nsubnets);
	if (rc == GRAPPE_OK)
		rc = read_list(d, object, path, &address_list, &network->used, &network->nused);
	if (rc == GRAPPE_OK)
		rc = read_list(
		    d, object, path, &mac_list, &network->used_macs, &network->nused_macs);
	return rc;
}

static int read_networks(
    struct document *d, const json_t *object, const char *path, struct environment *environment)
{
	const json_t *networks;
	char network_path[96];
	int rc = json_get_array(
	    &d->fault, object, path, "networks", false, ENVIRONMENT_NETWORKS_MAX, &networks);

	if (rc != GRAPPE_OK)
		return rc;
	environment->networks =
	    calloc(json_array_size(networks) + 1, sizeof *environment->networks);
	if (environment->networks == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(networks); i++) {
		struct environment_network *network = &environment->networks[i];

		snprintf(network_path, sizeof network_path, "%s.networks[%zu]", path, i);
		environment->nnetworks++;
		rc = read_network(d, json_array_get(networks, i), network_path, network);
		for (size_t j = 0; rc == GRAPPE_OK && j < i; j++)
			if (strcmp(environment->networks[j].segment, network->segment) == 0)
				rc = json_fail(&d->fault, GRAPPE_EFORMAT,
				    "%s.segment: '%s' appears twice", network_path,
				    network->segment);
	}
	return rc;
}

/* ---- environments ---- */

/* An object of capacity numbers, left out: all unknown. */
static int read_capacity(struct document *d, const json_t *object, const char *path,
    const char *key, const struct json_number *numbers, struct environment *environment)
{
	const json_t *value = json_object_get(object, key);
	char inner[96];
	int rc = GRAPPE_OK;

	snprintf(inner, sizeof inner, "%s.%s", path, key);
	if (value != NULL)
		rc = json_check_keys(&d->fault, value, inner, capacity_keys);
	return rc == GRAPPE_OK ? json_get_numbers(&d->fault, value, inner, numbers,
				     JSON_COUNT(capacity_numbers), environment)
			       : rc;
}

static int read_availability(
    struct document *d, const json_t *object, const char *path, struct environment *environment)
{
	int rc = json_get_time(
	    &d->fault, object, path, "available_from", &environment->available_from_s);

	if (rc == GRAPPE_OK)
		rc = json_get_time(
		    &d->fault, object, path, "available_until", &environment->available_until_s);
	if (rc == GRAPPE_OK && environment->available_until_s != 0 &&
	    environment->available_until_s <= environment->available_from_s)
		rc = json_fail(&d->fault, GRAPPE_EFORMAT,
		    "%s.available_until: lies before available_from", path);
	return rc;
}

static int read_words(
    struct document *d, const json_t *object, const char *path, struct environment *environment)
{
	static const char *const keys[] = {"name", "kind", "api", "api_group", "hosts", "capacity",
	    "quota", "power", "price_vcpu_hour", "price_mem_GiB_hour", "price_vm_hour",
	    "available_from", "available_until", "drain", "networks", NULL};
	const struct json_fault *fault = &d->fault;
	int rc = json_check_keys(fault, object, path, keys);

	if (rc == GRAPPE_OK)
		rc = json_get_text(
		    fault, object, path, "name", true, environment->name, sizeof environment->name);
	if (rc == GRAPPE_OK && environments_find(d->out, environment->name) >= 0)
		rc = json_fail(
		    fault, GRAPPE_EFORMAT, "%s.name: '%s' appears twice", path, environment->name);
	if (rc == GRAPPE_OK)
		rc = json_get_text(fault, object, path, "kind", false, environment->kind,
		    sizeof environment->kind);
	if (rc == GRAPPE_OK)
		rc = json_get_text(
		    fault, object, path, "api", false, environment->api, sizeof environment->api);
	if (rc == GRAPPE_OK)
		rc = json_get_text(fault, object, path, "api_group", false, environment->api_group,
		    sizeof environment->api_group);
	return rc;
}

static int read_environment(struct document *d, const json_t *object, const char *path)
{
	struct environment *environment = &d->out->items[d->out->count];
	int rc = read_words(d, object, path, environment);

	if (rc != GRAPPE_OK)
		return rc;
	d->out->count++;
	rc = json_get_numbers(&d->fault, object, path, environment_numbers,
	    JSON_COUNT(environment_numbers), environment);
	if (rc == GRAPPE_OK)
		rc = read_capacity(d, object, path, "capacity", capacity_numbers, environment);
	if (rc == GRAPPE_OK)
		rc = read_capacity(d, object, path, "quota", quota_numbers, environment);
	if (rc == GRAPPE_OK)
		rc = read_availability(d, object, path, environment);
	if (rc == GRAPPE_OK)
		rc = json_get_truth(&d->fault, object, path, "drain", &environment->drain);
	if (rc == GRAPPE_OK)
		rc = read_hosts(d, object, path, environment);
	return rc == GRAPPE_OK ? read_networks(d, object, path, environment) : rc;
}

/* ---- between environments ---- */

static int get_end(const struct document *d, const json_t *object, const char *path,
    const char *key, size_t *index)
{
	char name[PLACE_NAME_SIZE];
	int rc = json_get_text(&d->fault, object, path, key, true, name, sizeof name);

	if (rc != GRAPPE_OK)
		return rc;
	rc = environments_find(d->out, name);
	if (rc < 0)
		return json_fail(&d->fault, GRAPPE_EFORMAT, "%s.%s: no environment is called '%s'",
		    path, key, name);
	*index = (size_t)rc;
	return GRAPPE_OK;
}

static int read_endpoints(struct document *d, const json_t *endpoints)
{
	static const char *const keys[] = {"name", "environment", NULL};
	struct environments *out = d->out;
	char path[64];
	int rc = GRAPPE_OK;

	out->endpoints = calloc(json_array_size(endpoints) + 1, sizeof *out->endpoints);
	if (out->endpoints == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(endpoints); i++) {
		const json_t *object = json_array_get(endpoints, i);
		struct environment_endpoint *endpoint = &out->endpoints[out->nendpoints++];

		snprintf(path, sizeof path, "endpoints[%zu]", i);
		rc = json_check_keys(&d->fault, object, path, keys);
		if (rc == GRAPPE_OK)
			rc = json_get_text(&d->fault, object, path, "name", true, endpoint->name,
			    sizeof endpoint->name);
		if (rc == GRAPPE_OK)
			rc = get_end(d, object, path, "environment", &endpoint->environment);
		for (size_t j = 0; rc == GRAPPE_OK && j < i; j++)
			if (strcmp(out->endpoints[j].name, endpoint->name) == 0)
				rc = json_fail(&d->fault, GRAPPE_EFORMAT,
				    "%s.name: '%s' appears twice", path, endpoint->name);
	}
	return rc;
}

static int compare_links(const void *left, const void *right)
{
	const struct environment_link *x = left, *y = right;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static int read_links(struct document *d, const json_t *links)
{
	static const char *const keys[] = {
	    "from", "to", "latency_ms", "bandwidth_MBps", "price_per_GB", NULL};
	struct environments *out = d->out;
	char path[64];
	int rc = GRAPPE_OK;

	out->links = calloc(json_array_size(links) + 1, sizeof *out->links);
	if (out->links == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(links); i++) {
		const json_t *object = json_array_get(links, i);
		struct environment_link *link = &out->links[i];

		snprintf(path, sizeof path, "links[%zu]", i);
		rc = json_check_keys(&d->fault, object, path, keys);
		if (rc == GRAPPE_OK)
			rc = get_end(d, object, path, "from", &link->from);
		if (rc == GRAPPE_OK)
			rc = get_end(d, object, path, "to", &link->to);
		if (rc == GRAPPE_OK)
			rc = json_get_numbers(
			    &d->fault, object, path, link_numbers, JSON_COUNT(link_numbers), link);
		out->nlinks += rc == GRAPPE_OK;
	}
	if (rc != GRAPPE_OK)
		return rc;
	qsort(out->links, out->nlinks, sizeof *out->links, compare_links);
	for (size_t i = 1; i < out->nlinks; i++)
		if (compare_links(&out->links[i - 1], &out->links[i]) == 0)
			return json_fail(&d->fault, GRAPPE_EFORMAT,
			    "links: from '%s' to '%s' appears twice",
			    out->items[out->links[i].from].name, out->items[out->links[i].to].name);
	return GRAPPE_OK;
}

static int read_head(struct document *d, const json_t *root)
{
	static const char *const keys[] = {
	    "version", "as_of", "currency", "environments", "links", "endpoints", NULL};
	const json_t *version = json_object_get(root, "version");
	int rc = json_check_keys(&d->fault, root, "document", keys);

	if (rc != GRAPPE_OK)
		return rc;
	if (!json_is_integer(version))
		return json_fail(&d->fault, GRAPPE_EFORMAT, "version: missing or not an integer");
	if (json_integer_value(version) != 1)
		return json_fail(&d->fault, GRAPPE_EVERSION, "version: only 1 is known here");
	rc = json_get_time(&d->fault, root, "", "as_of", &d->out->as_of_s);
	return rc == GRAPPE_OK ? json_get_text(&d->fault, root, "", "currency", false,
				     d->out->currency, sizeof d->out->currency)
			       : rc;
}

static int read_document(struct document *d, const json_t *root)
{
	const json_t *environments, *links, *endpoints;
	char path[64];
	int rc = read_head(d, root);

	if (rc == GRAPPE_OK)
		rc = json_get_array(
		    &d->fault, root, "", "environments", true, ENVIRONMENTS_MAX, &environments);
	if (rc == GRAPPE_OK)
		rc = json_get_array(&d->fault, root, "", "links", false,
		    (size_t)ENVIRONMENTS_MAX * ENVIRONMENTS_MAX, &links);
	if (rc == GRAPPE_OK)
		rc = json_get_array(
		    &d->fault, root, "", "endpoints", false, ENVIRONMENT_ENDPOINTS_MAX, &endpoints);
	if (rc != GRAPPE_OK)
		return rc;
	d->out->items = calloc(json_array_size(environments) + 1, sizeof *d->out->items);
	if (d->out->items == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(environments); i++) {
		snprintf(path, sizeof path, "environments[%zu]", i);
		rc = read_environment(d, json_array_get(environments, i), path);
	}
	if (rc == GRAPPE_OK)
		rc = read_links(d, links);
	return rc == GRAPPE_OK ? read_endpoints(d, endpoints) : rc;
}

int environments_parse(
    const char *bytes, size_t length, struct environments *out, char *message, size_t size)
{
	struct environments found = {0};
	struct document document = {.fault = {message, size}, .out = &found};
	json_error_t error;
	json_t *root;
	int rc;

	message[0] = '\0';
	if (length > ENVIRONMENT_DOCUMENT_MAX)
		return json_fail(&document.fault, GRAPPE_ELIMIT, "longer than %u bytes",
		    ENVIRONMENT_DOCUMENT_MAX);
	root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		return json_fail(
		    &document.fault, GRAPPE_EFORMAT, "line %d: %s", error.line, error.text);
	rc = read_document(&document, root);
	json_decref(root);
	if (rc == GRAPPE_OK)
		*out = found;
	else
		environments_deinit(&found);
	if (rc != GRAPPE_OK && message[0] == '\0')
		json_fail(&document.fault, rc, "%s", error_text(rc));
	return rc;
}

int environments_load(const char *path, struct environments *out, char *message, size_t size)
{
	struct buffer bytes;
	char why[256];
	int rc = file_read(path, ENVIRONMENT_DOCUMENT_MAX, &bytes);

	if (rc == GRAPPE_OK)
		rc = environments_parse(
		    (const char *)bytes.bytes, bytes.length, out, why, sizeof why);
	else
		snprintf(why, sizeof why, "%s", error_text(rc));
	if (rc != GRAPPE_OK)
		snprintf(message, size, "%s: %s", path, why);
	buffer_deinit(&bytes);
	return rc;
}

static void deinit_environment(struct environment *environment)
{
	for (size_t i = 0; i < environment->nnetworks; i++) {
		free(environment->networks[i].subnets);
		free(environment->networks[i].used);
		free(environment->networks[i].used_macs);
	}
	free(environment->networks);
	free(environment->hosts);
}

void environments_deinit(struct environments *environments)
{
	for (size_t i = 0; environments->items != NULL && i < environments->count; i++)
		deinit_environment(&environments->items[i]);
	free(environments->items);
	free(environments->links);
	free(environments->endpoints);
	*environments = (struct environments){0};
}

int environments_find(const struct environments *environments, const char *name)
{
	for (size_t i = 0; i < environments->count; i++)
		if (strcmp(environments->items[i].name, name) == 0)
			return (int)i;
	return GRAPPE_ENOTFOUND;
}
