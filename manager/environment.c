/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/environment.h"

#include "common/error.h"
#include "common/file.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read, and where an error is told. */
struct document {
	struct environments *out;
	size_t nhosts;
	char *message;
	size_t size;
};

struct number_key {
	const char *key;
	size_t offset;
	double max;
};

static const struct number_key host_numbers[] = {
    {"vcpu", offsetof(struct environment_host, vcpu), 1e6},
    {"mem_GiB", offsetof(struct environment_host, mem_GiB), 1e7},
    {"max_vms", offsetof(struct environment_host, max_vms), 1e6},
};

static const struct number_key link_numbers[] = {
    {"latency_ms", offsetof(struct environment_link, latency_ms), 1e6},
    {"bandwidth_MBps", offsetof(struct environment_link, bandwidth_MBps), 1e9},
    {"price_per_GB", offsetof(struct environment_link, price_per_GB), 1e9},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static int fail(const struct document *d, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(const struct document *d, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(d->message, d->size, format, arguments);
	va_end(arguments);
	return code;
}

/* keys: NULL-terminated; every key of the object must be among them. */
static int check_keys(
    const struct document *d, const json_t *object, const char *path, const char *const *keys)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return fail(d, GRAPPE_EFORMAT, "%s: must be an object", path);
	json_object_foreach((json_t *)object, key, value)
	{
		size_t i = 0;

		while (keys[i] != NULL && strcmp(keys[i], key) != 0)
			i++;
		if (keys[i] == NULL)
			return fail(d, GRAPPE_EFORMAT, "%s.%.40s: unknown key", path, key);
	}
	return GRAPPE_OK;
}

/* An array, or NULL when the key is missing and optional. */
static int get_array(const struct document *d, const json_t *object, const char *path,
    const char *key, bool required, size_t limit, const json_t **array)
{
	*array = json_object_get(object, key);
	if (*array == NULL && !required)
		return GRAPPE_OK;
	if (!json_is_array(*array))
		return fail(d, GRAPPE_EFORMAT, "%s%s%s: %s", path, path[0] != '\0' ? "." : "", key,
		    *array == NULL ? "missing" : "must be an array");
	if (json_array_size(*array) > limit)
		return fail(d, GRAPPE_ELIMIT, "%s%s%s: more than %zu entries", path,
		    path[0] != '\0' ? "." : "", key, limit);
	return GRAPPE_OK;
}

static int get_name(const struct document *d, const json_t *object, const char *path,
    const char *key, bool required, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	out[0] = '\0';
	if (value == NULL && !required)
		return GRAPPE_OK;
	if (value == NULL)
		return fail(d, GRAPPE_EFORMAT, "%s.%s: missing", path, key);
	if (text == NULL || text[0] == '\0' || json_string_length(value) >= size ||
	    strlen(text) != json_string_length(value))
		return fail(d, GRAPPE_EFORMAT, "%s.%s: must be a text of 1 to %zu bytes", path, key,
		    size - 1);
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return fail(
			    d, GRAPPE_EFORMAT, "%s.%s: holds a control character", path, key);
	memcpy(out, text, strlen(text) + 1);
	return GRAPPE_OK;
}

static int get_numbers(const struct document *d, const json_t *object, const char *path,
    const struct number_key *keys, size_t count, void *out)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_object_get(object, keys[i].key);
		double *number = (double *)((char *)out + keys[i].offset);

		*number = NAN;
		if (value == NULL || json_is_null(value))
			continue;
		if (!json_is_number(value))
			return fail(
			    d, GRAPPE_EFORMAT, "%s.%s: must be a number", path, keys[i].key);
		*number = json_number_value(value);
		if (!(*number >= 0 && *number <= keys[i].max))
			return fail(d, GRAPPE_EFORMAT, "%s.%s: must be between 0 and %g", path,
			    keys[i].key, keys[i].max);
	}
	return GRAPPE_OK;
}

static int read_host(
    struct document *d, const json_t *object, const char *path, struct environment *environment)
{
	static const char *const keys[] = {"name", "vcpu", "mem_GiB", "max_vms", NULL};
	struct environment_host *host = &environment->hosts[environment->nhosts];
	int rc = check_keys(d, object, path, keys);

	if (rc == GRAPPE_OK)
		rc = get_name(d, object, path, "name", true, host->name, sizeof host->name);
	if (rc == GRAPPE_OK)
		rc = get_numbers(d, object, path, host_numbers, COUNT(host_numbers), host);
	if (rc != GRAPPE_OK)
		return rc;
	for (size_t i = 0; i < environment->nhosts; i++)
		if (strcmp(environment->hosts[i].name, host->name) == 0)
			return fail(
			    d, GRAPPE_EFORMAT, "%s.name: '%s' appears twice", path, host->name);
	environment->nhosts++;
	return GRAPPE_OK;
}

static int read_environment(struct document *d, const json_t *object, const char *path)
{
	static const char *const keys[] = {"name", "kind", "hosts", NULL};
	struct environment *environment = &d->out->items[d->out->count];
	char host_path[96];
	const json_t *hosts;
	int rc = check_keys(d, object, path, keys);

	if (rc == GRAPPE_OK)
		rc = get_name(
		    d, object, path, "name", true, environment->name, sizeof environment->name);
	if (rc == GRAPPE_OK)
		rc = get_name(
		    d, object, path, "kind", false, environment->kind, sizeof environment->kind);
	if (rc == GRAPPE_OK)
		rc = get_array(
		    d, object, path, "hosts", true, ENVIRONMENT_HOSTS_MAX - d->nhosts, &hosts);
	if (rc != GRAPPE_OK)
		return rc;
	if (environments_find(d->out, environment->name) >= 0)
		return fail(
		    d, GRAPPE_EFORMAT, "%s.name: '%s' appears twice", path, environment->name);
	environment->hosts = calloc(json_array_size(hosts) + 1, sizeof *environment->hosts);
	if (environment->hosts == NULL)
		return GRAPPE_EMEMORY;
	d->out->count++;
	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(hosts); i++) {
		snprintf(host_path, sizeof host_path, "%s.hosts[%zu]", path, i);
		rc = read_host(d, json_array_get(hosts, i), host_path, environment);
	}
	d->nhosts += environment->nhosts;
	return rc;
}

static int get_end(const struct document *d, const json_t *object, const char *path,
    const char *key, size_t *index)
{
	char name[PLACE_NAME_SIZE];
	int rc = get_name(d, object, path, key, true, name, sizeof name);

	if (rc != GRAPPE_OK)
		return rc;
	rc = environments_find(d->out, name);
	if (rc < 0)
		return fail(
		    d, GRAPPE_EFORMAT, "%s.%s: no environment is called '%s'", path, key, name);
	*index = (size_t)rc;
	return GRAPPE_OK;
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
		rc = check_keys(d, object, path, keys);
		if (rc == GRAPPE_OK)
			rc = get_end(d, object, path, "from", &link->from);
		if (rc == GRAPPE_OK)
			rc = get_end(d, object, path, "to", &link->to);
		if (rc == GRAPPE_OK)
			rc = get_numbers(d, object, path, link_numbers, COUNT(link_numbers), link);
		out->nlinks += rc == GRAPPE_OK;
	}
	if (rc != GRAPPE_OK)
		return rc;
	qsort(out->links, out->nlinks, sizeof *out->links, compare_links);
	for (size_t i = 1; i < out->nlinks; i++)
		if (compare_links(&out->links[i - 1], &out->links[i]) == 0)
			return fail(d, GRAPPE_EFORMAT, "links: from '%s' to '%s' appears twice",
			    out->items[out->links[i].from].name, out->items[out->links[i].to].name);
	return GRAPPE_OK;
}

static int read_document(struct document *d, const json_t *root)
{
	static const char *const keys[] = {"version", "environments", "links", NULL};
	const json_t *environments, *links, *version = json_object_get(root, "version");
	char path[64];
	int rc = check_keys(d, root, "document", keys);

	if (rc != GRAPPE_OK)
		return rc;
	if (!json_is_integer(version))
		return fail(d, GRAPPE_EFORMAT, "version: missing or not an integer");
	if (json_integer_value(version) != 1)
		return fail(d, GRAPPE_EVERSION, "version: only 1 is known here");
	rc = get_array(d, root, "", "environments", true, ENVIRONMENTS_MAX, &environments);
	if (rc == GRAPPE_OK)
		rc = get_array(d, root, "", "links", false,
		    (size_t)ENVIRONMENTS_MAX * ENVIRONMENTS_MAX, &links);
	if (rc != GRAPPE_OK)
		return rc;
	d->out->items = calloc(json_array_size(environments) + 1, sizeof *d->out->items);
	if (d->out->items == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(environments); i++) {
		snprintf(path, sizeof path, "environments[%zu]", i);
		rc = read_environment(d, json_array_get(environments, i), path);
	}
	return rc == GRAPPE_OK ? read_links(d, links) : rc;
}

int environments_parse(
    const char *bytes, size_t length, struct environments *out, char *message, size_t size)
{
	struct environments found = {0};
	struct document document = {.out = &found, .message = message, .size = size};
	json_error_t error;
	json_t *root;
	int rc;

	message[0] = '\0';
	if (length > ENVIRONMENT_DOCUMENT_MAX)
		return fail(
		    &document, GRAPPE_ELIMIT, "longer than %u bytes", ENVIRONMENT_DOCUMENT_MAX);
	root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		return fail(&document, GRAPPE_EFORMAT, "line %d: %s", error.line, error.text);
	rc = read_document(&document, root);
	json_decref(root);
	if (rc == GRAPPE_OK)
		*out = found;
	else
		environments_deinit(&found);
	if (rc != GRAPPE_OK && message[0] == '\0')
		fail(&document, rc, "%s", error_text(rc));
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

void environments_deinit(struct environments *environments)
{
	for (size_t i = 0; environments->items != NULL && i < environments->count; i++)
		free(environments->items[i].hosts);
	free(environments->items);
	free(environments->links);
	*environments = (struct environments){0};
}

int environments_find(const struct environments *environments, const char *name)
{
	for (size_t i = 0; i < environments->count; i++)
		if (strcmp(environments->items[i].name, name) == 0)
			return (int)i;
	return GRAPPE_ENOTFOUND;
}
