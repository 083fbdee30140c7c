/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cloud_survey.h"

#include "common/error.h"
#include "manager/cloud_kind.h"
#include "manager/json_fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing ---- */

/* The list with room for one more, or NULL. Lists double at powers of two. */
static void *grow(void *items, size_t count, size_t limit, size_t size)
{
	if (count >= limit)
		return NULL;
	if (count > 0 && (count & (count - 1)) != 0)
		return items;
	return realloc(items, (count > 0 ? count * 2 : 1) * size);
}

struct cloud_host *cloud_survey_host(struct cloud_survey *survey)
{
	struct cloud_host *hosts =
	    grow(survey->hosts, survey->nhosts, CLOUD_HOSTS_MAX, sizeof *hosts);

	if (hosts == NULL)
		return NULL;
	survey->hosts = hosts;
	hosts[survey->nhosts] = (struct cloud_host){.vcpu = NAN, .mem_GiB = NAN};
	return &hosts[survey->nhosts++];
}

struct cloud_vm *cloud_survey_vm(struct cloud_survey *survey)
{
	struct cloud_vm *vms = grow(survey->vms, survey->nvms, CLOUD_VMS_MAX, sizeof *vms);

	if (vms == NULL)
		return NULL;
	survey->vms = vms;
	vms[survey->nvms] = (struct cloud_vm){.vcpu = NAN, .mem_GiB = NAN};
	return &vms[survey->nvms++];
}

struct cloud_set *cloud_survey_set(struct cloud_survey *survey)
{
	struct cloud_set *sets = grow(survey->sets, survey->nsets, CLOUD_HOSTS_MAX, sizeof *sets);

	if (sets == NULL)
		return NULL;
	survey->sets = sets;
	sets[survey->nsets] = (struct cloud_set){0};
	return &sets[survey->nsets++];
}

void cloud_survey_deinit(struct cloud_survey *survey)
{
	free(survey->hosts);
	free(survey->vms);
	free(survey->sets);
	*survey = (struct cloud_survey){0};
}

/* ---- reading ---- */

static int read_host(
    const struct json_fault *fault, const json_t *object, const char *path, void *out)
{
	static const char *const keys[] = {"name", "group", "vcpu", "mem_GiB", "closed", NULL};
	static const struct json_number numbers[] = {
	    {"vcpu", offsetof(struct cloud_host, vcpu), 1e9},
	    {"mem_GiB", offsetof(struct cloud_host, mem_GiB), 1e9}};
	struct cloud_host *host = cloud_survey_host(out);
	enum truth closed;
	int rc;

	if (host == NULL)
		return json_fail(fault, GRAPPE_ELIMIT, "%s: too many hosts", path);
	rc = json_check_keys(fault, object, path, keys);
	if (rc == GRAPPE_OK)
		rc =
		    json_get_text(fault, object, path, "name", true, host->name, sizeof host->name);
	if (rc == GRAPPE_OK)
		rc = json_get_text(
		    fault, object, path, "group", false, host->group, sizeof host->group);
	if (rc == GRAPPE_OK)
		rc = json_get_numbers(fault, object, path, numbers, JSON_COUNT(numbers), host);
	if (rc == GRAPPE_OK)
		rc = json_get_truth(fault, object, path, "closed", &closed);
	host->closed = rc == GRAPPE_OK && closed == TRUTH_YES;
	return rc;
}

static int read_vm(
    const struct json_fault *fault, const json_t *object, const char *path, void *out)
{
	static const char *const keys[] = {
	    "id", "name", "host", "vcpu", "mem_GiB", "running", NULL};
	static const struct json_number numbers[] = {{"vcpu", offsetof(struct cloud_vm, vcpu), 1e9},
	    {"mem_GiB", offsetof(struct cloud_vm, mem_GiB), 1e9}};
	struct cloud_vm *vm = cloud_survey_vm(out);
	enum truth running;
	int rc;

	if (vm == NULL)
		return json_fail(fault, GRAPPE_ELIMIT, "%s: too many VMs", path);
	rc = json_check_keys(fault, object, path, keys);
	if (rc == GRAPPE_OK)
		rc = json_get_text(fault, object, path, "id", false, vm->id, sizeof vm->id);
	if (rc == GRAPPE_OK)
		rc = json_get_text(fault, object, path, "name", true, vm->name, sizeof vm->name);
	if (rc == GRAPPE_OK)
		rc = json_get_text(fault, object, path, "host", false, vm->host, sizeof vm->host);
	if (rc == GRAPPE_OK)
		rc = json_get_numbers(fault, object, path, numbers, JSON_COUNT(numbers), vm);
	if (rc == GRAPPE_OK)
		rc = json_get_truth(fault, object, path, "running", &running);
	vm->running = rc == GRAPPE_OK && running != TRUTH_NO;
	return rc;
}

static int read_set(
    const struct json_fault *fault, const json_t *object, const char *path, void *out)
{
	static const char *const keys[] = {"name", "host", NULL};
	struct cloud_set *set = cloud_survey_set(out);
	int rc;

	if (set == NULL)
		return json_fail(fault, GRAPPE_ELIMIT, "%s: too many members of sets", path);
	rc = json_check_keys(fault, object, path, keys);
	if (rc == GRAPPE_OK)
		rc = json_get_text(fault, object, path, "name", true, set->name, sizeof set->name);
	if (rc == GRAPPE_OK)
		rc = json_get_text(fault, object, path, "host", true, set->host, sizeof set->host);
	return rc;
}

static const struct list {
	const char *key;
	bool required;
	size_t limit;
	int (*read)(const struct json_fault *, const json_t *, const char *, void *);
} lists[] = {{"hosts", true, CLOUD_HOSTS_MAX, read_host}, {"vms", true, CLOUD_VMS_MAX, read_vm},
    {"sets", false, CLOUD_HOSTS_MAX, read_set}};

static int read_list(const struct json_fault *fault, const json_t *document,
    const struct list *list, struct cloud_survey *out)
{
	const json_t *array;
	char path[64];
	int rc =
	    json_get_array(fault, document, "", list->key, list->required, list->limit, &array);

	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(array); i++) {
		snprintf(path, sizeof path, "%s[%zu]", list->key, i);
		rc = list->read(fault, json_array_get(array, i), path, out);
	}
	return rc;
}

int cloud_survey_parse(
    const char *bytes, size_t length, struct cloud_survey *out, char *message, size_t size)
{
	static const char *const keys[] = {"hosts", "vms", "sets", NULL};
	const struct json_fault fault = {message, size};
	json_error_t error;
	json_t *document;
	int rc;

	*out = (struct cloud_survey){0};
	document = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL)
		return json_fail(&fault, GRAPPE_EFORMAT, "line %d: %s", error.line, error.text);
	rc = json_check_keys(&fault, document, "", keys);
	for (size_t i = 0; rc == GRAPPE_OK && i < sizeof lists / sizeof *lists; i++)
		rc = read_list(&fault, document, &lists[i], out);
	json_decref(document);
	if (rc != GRAPPE_OK)
		cloud_survey_deinit(out);
	return rc;
}

/* ---- writing, looking ---- */

/* What is not told is left out. */
static void set_text(json_t *object, const char *key, const char *text)
{
	if (text[0] != '\0')
		json_object_set_new(object, key, json_text(text));
}

static void set_number(json_t *object, const char *key, double value)
{
	if (isfinite(value))
		json_object_set_new(object, key, json_real(value));
}

static json_t *host_json(const struct cloud_host *host)
{
	json_t *object = json_pack("{s:b}", "closed", host->closed);

	set_text(object, "name", host->name);
	set_text(object, "group", host->group);
	set_number(object, "vcpu", host->vcpu);
	set_number(object, "mem_GiB", host->mem_GiB);
	return object;
}

static json_t *vm_json(const struct cloud_vm *vm)
{
	json_t *object = json_pack("{s:b}", "running", vm->running);

	set_text(object, "id", vm->id);
	set_text(object, "name", vm->name);
	set_text(object, "host", vm->host);
	set_number(object, "vcpu", vm->vcpu);
	set_number(object, "mem_GiB", vm->mem_GiB);
	return object;
}

json_t *cloud_survey_json(const struct cloud_survey *survey)
{
	json_t *hosts = json_array(), *vms = json_array(), *sets = json_array();

	for (size_t i = 0; i < survey->nhosts; i++)
		json_array_append_new(hosts, host_json(&survey->hosts[i]));
	for (size_t i = 0; i < survey->nvms; i++)
		json_array_append_new(vms, vm_json(&survey->vms[i]));
	for (size_t i = 0; i < survey->nsets; i++)
		json_array_append_new(
		    sets, json_pack("{s:o, s:o}", "name", json_text(survey->sets[i].name), "host",
			      json_text(survey->sets[i].host)));
	return json_pack("{s:o, s:o, s:o}", "hosts", hosts, "vms", vms, "sets", sets);
}

const struct cloud_vm *cloud_survey_find(
    const struct cloud_survey *survey, const char *id, const char *name)
{
	const struct cloud_vm *named = NULL;
	size_t count = 0;

	for (size_t i = 0; i < survey->nvms; i++) {
		const struct cloud_vm *vm = &survey->vms[i];

		if (id[0] != '\0' && strcasecmp(vm->id, id) == 0)
			return vm;
		if (strcmp(vm->name, name) == 0) {
			named = vm;
			count++;
		}
	}
	return count == 1 ? named : NULL;
}
