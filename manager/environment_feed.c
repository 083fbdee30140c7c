/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/environment_feed.h"

#include "common/error.h"
#include "manager/json_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_of(const json_t *environment, const char *cloud)
{
	return strcmp(json_text_of(environment, "api"), cloud) == 0;
}

static const char *api_name(const json_t *host)
{
	const char *name = json_text_of(host, "api_name");

	return name[0] != '\0' ? name : json_text_of(host, "name");
}

static json_t *find_host(const json_t *environment, const char *name)
{
	const json_t *hosts = json_object_get(environment, "hosts");

	for (size_t i = 0; i < json_array_size(hosts); i++)
		if (strcmp(api_name(json_array_get(hosts, i)), name) == 0)
			return json_array_get(hosts, i);
	return NULL;
}

static bool is_in_group(
    const struct cloud_survey *survey, const struct cloud_host *host, const char *group)
{
	if (strcmp(host->group, group) == 0)
		return true;
	for (size_t i = 0; i < survey->nsets; i++)
		if (strcmp(survey->sets[i].name, group) == 0 &&
		    strcmp(survey->sets[i].host, host->name) == 0)
			return true;
	return false;
}

static int fill(json_t *host, const char *key, double value)
{
	if (!isfinite(value) || json_object_get(host, key) != NULL)
		return GRAPPE_OK;
	return json_object_set_new(host, key, json_real(value)) == 0 ? GRAPPE_OK : GRAPPE_EMEMORY;
}

static size_t count_vms(const struct cloud_survey *survey, const char *host)
{
	size_t count = 0;

	for (size_t i = 0; i < survey->nvms; i++)
		count += strcmp(survey->vms[i].host, host) == 0;
	return count;
}

static int feed_host(
    json_t *host, const struct cloud_survey *survey, const struct cloud_host *known)
{
	int rc = fill(host, "vcpu", known->vcpu);

	if (rc == GRAPPE_OK)
		rc = fill(host, "mem_GiB", known->mem_GiB);
	if (rc == GRAPPE_OK && known->closed &&
	    json_object_set_new(
		host, "max_vms", json_integer((json_int_t)count_vms(survey, known->name))) != 0)
		rc = GRAPPE_EMEMORY;
	return rc;
}

/* A host of the group that the document does not have yet; NULL when it cannot be there. */
static json_t *add_host(json_t *environment, const char *name)
{
	json_t *hosts = json_object_get(environment, "hosts"), *host;

	if (strlen(name) >= PLACE_NAME_SIZE)
		return NULL;
	if (hosts == NULL) {
		hosts = json_array();
		if (json_object_set_new(environment, "hosts", hosts) != 0)
			return NULL;
	}
	host = json_pack("{s:o}", "name", json_text(name));
	return json_array_append_new(hosts, host) == 0 ? host : NULL;
}

static int feed_environment(json_t *environment, const struct cloud_survey *survey)
{
	const char *group = json_text_of(environment, "api_group");
	int rc = GRAPPE_OK;

	for (size_t i = 0; rc == GRAPPE_OK && i < survey->nhosts; i++) {
		const struct cloud_host *known = &survey->hosts[i];
		json_t *host = find_host(environment, known->name);

		if (host == NULL && group[0] != '\0' && is_in_group(survey, known, group))
			host = add_host(environment, known->name);
		if (host != NULL)
			rc = feed_host(host, survey, known);
	}
	return rc;
}

int environment_feed(json_t *document, const char *cloud, const struct cloud_survey *survey)
{
	json_t *environments = json_object_get(document, "environments");
	int rc = GRAPPE_OK;

	for (size_t i = 0; rc == GRAPPE_OK && i < json_array_size(environments); i++)
		if (is_of(json_array_get(environments, i), cloud))
			rc = feed_environment(json_array_get(environments, i), survey);
	return rc;
}

/* ---- where VMs are ---- */

/* The environment of this API that has a host so called, and the host. */
static const json_t *find_place(
    const json_t *document, const char *cloud, const char *host, const json_t **found)
{
	const json_t *environments = json_object_get(document, "environments");

	for (size_t i = 0; i < json_array_size(environments); i++) {
		const json_t *environment = json_array_get(environments, i);

		*found = is_of(environment, cloud) ? find_host(environment, host) : NULL;
		if (*found != NULL)
			return environment;
	}
	return NULL;
}

int environment_feed_places(
    const json_t *document, const char *cloud, const struct cloud_survey *survey, json_t *places)
{
	for (size_t i = 0; i < survey->nvms; i++) {
		const struct cloud_vm *vm = &survey->vms[i];
		const json_t *host = NULL;
		const json_t *environment =
		    vm->host[0] != '\0' ? find_place(document, cloud, vm->host, &host) : NULL;

		if (environment == NULL)
			continue;
		if (json_array_append_new(
			places, json_pack("{s:o, s:o, s:o, s:o}", "id", json_text(vm->id), "name",
				    json_text(vm->name), "environment",
				    json_text(json_text_of(environment, "name")), "host",
				    json_text(json_text_of(host, "name")))) != 0)
			return GRAPPE_EMEMORY;
	}
	return GRAPPE_OK;
}

static const json_t *find_vm(const json_t *places, const struct observed_vm *vm)
{
	const json_t *named = NULL;
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(places); i++) {
		const json_t *place = json_array_get(places, i);

		if (strcasecmp(json_text_of(place, "id"), vm->id) == 0)
			return place;
		if (strcmp(json_text_of(place, "name"), vm->name) == 0) {
			named = place;
			count++;
		}
	}
	return count == 1 ? named : NULL;
}

void environment_place_vms(struct observation *observation, const json_t *places)
{
	for (size_t i = 0; i < observation->nvms; i++) {
		struct observed_vm *vm = &observation->vms[i];
		const json_t *place;

		if (vm->place.environment[0] != '\0' || (place = find_vm(places, vm)) == NULL)
			continue;
		snprintf(vm->place.environment, sizeof vm->place.environment, "%s",
		    json_text_of(place, "environment"));
		snprintf(vm->place.host, sizeof vm->place.host, "%s", json_text_of(place, "host"));
	}
}
