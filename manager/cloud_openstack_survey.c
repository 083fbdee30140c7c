/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What OpenStack knows of hosts and servers: Nova's services, hypervisors, aggregates and servers,
 * Placement's inventories, one question after another. */
#include "manager/cloud_openstack.h"

#include "common/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB_PER_GIB 1024
#define PAGES_MAX 4000 /* of one list */

enum part { SERVICES, HYPERVISORS, INVENTORY, AGGREGATES, SERVERS, PARTS };

struct openstack_survey {
	struct cloud *cloud;
	struct openstack_session *session;
	struct openstack_survey **slot;
	struct openstack_call *call;
	struct cloud_survey found;
	char (*providers)[VM_ID_SIZE]; /* per host of found, "" none */
	enum part part;
	size_t host;           /* whose inventory is asked for */
	char last[VM_ID_SIZE]; /* where the next page begins, "" the first */
	unsigned pages;
};

static void ask(struct openstack_survey *survey);

void openstack_survey_free(struct openstack_survey *survey)
{
	if (survey == NULL)
		return;
	openstack_cancel(survey->call);
	cloud_survey_deinit(&survey->found);
	free(survey->providers);
	free(survey);
}

static void end(struct openstack_survey *survey, const char *error)
{
	*survey->slot = NULL;
	cloud_survey_end(survey->cloud, error[0] == '\0' ? &survey->found : NULL, "%s", error);
	openstack_survey_free(survey);
}

/* ---- what comes in ---- */

static int note_service(const struct openstack_host *host, void *context)
{
	struct openstack_survey *survey = context;
	struct cloud_host *known = cloud_survey_host(&survey->found);

	if (known == NULL)
		return GRAPPE_ELIMIT;
	snprintf(known->name, sizeof known->name, "%s", host->name);
	snprintf(known->group, sizeof known->group, "%s", host->zone);
	known->closed = !host->enabled || !host->up;
	return GRAPPE_OK;
}

static int note_hypervisor(const struct openstack_host *host, void *context)
{
	struct openstack_survey *survey = context;

	for (size_t i = 0; i < survey->found.nhosts; i++)
		if (strcmp(survey->found.hosts[i].name, host->name) == 0)
			memcpy(survey->providers[i], host->id, sizeof survey->providers[i]);
	return GRAPPE_OK;
}

static int note_member(const char *aggregate, const char *host, void *context)
{
	struct openstack_survey *survey = context;
	struct cloud_set *set = cloud_survey_set(&survey->found);

	if (set == NULL)
		return GRAPPE_ELIMIT;
	snprintf(set->name, sizeof set->name, "%s", aggregate);
	snprintf(set->host, sizeof set->host, "%s", host);
	return GRAPPE_OK;
}

static int note_server(const struct openstack_server *server, void *context)
{
	struct openstack_survey *survey = context;
	struct cloud_vm *vm = cloud_survey_vm(&survey->found);

	if (vm == NULL)
		return GRAPPE_ELIMIT;
	snprintf(vm->id, sizeof vm->id, "%s", server->id);
	snprintf(vm->name, sizeof vm->name, "%s", server->name);
	snprintf(vm->host, sizeof vm->host, "%s", server->host);
	vm->vcpu = server->vcpu;
	vm->mem_GiB = server->mem_MiB / MIB_PER_GIB;
	vm->running = strcmp(server->status, "ACTIVE") == 0;
	return GRAPPE_OK;
}

/* Returns whether there is another page to ask for. */
static bool turn(struct openstack_survey *survey, const struct openstack_page *page)
{
	if (!page->more || page->count == 0 || ++survey->pages >= PAGES_MAX)
		return false;
	memcpy(survey->last, page->last, sizeof survey->last);
	return true;
}

static int take(struct openstack_survey *survey, const struct openstack_result *result, bool *again)
{
	const char *bytes = result->answer;
	const size_t length = result->length;
	struct openstack_page page = {.more = false};
	double vcpu = NAN, mem_MiB = NAN;
	int rc = GRAPPE_OK;

	switch (survey->part) {
	case SERVICES:
		rc = openstack_read_services(bytes, length, note_service, survey);
		if (rc == GRAPPE_OK)
			survey->providers =
			    calloc(survey->found.nhosts + 1, sizeof *survey->providers);
		return rc == GRAPPE_OK && survey->providers == NULL ? GRAPPE_EMEMORY : rc;
	case HYPERVISORS:
		rc = openstack_read_hypervisors(bytes, length, note_hypervisor, survey, &page);
		break;
	case INVENTORY:
		rc = openstack_read_inventories(bytes, length, &vcpu, &mem_MiB);
		survey->found.hosts[survey->host].vcpu = vcpu;
		survey->found.hosts[survey->host].mem_GiB = mem_MiB / MIB_PER_GIB;
		return rc;
	case AGGREGATES:
		return openstack_read_aggregates(bytes, length, note_member, survey);
	case SERVERS:
	case PARTS:
		rc = openstack_read_servers(bytes, length, note_server, survey, &page);
		break;
	}
	*again = rc == GRAPPE_OK && turn(survey, &page);
	return rc;
}

/* ---- questions ---- */

/* The next host with a provider, or the next part. */
static void next(struct openstack_survey *survey)
{
	survey->last[0] = '\0';
	survey->pages = 0;
	if (survey->part == INVENTORY)
		survey->host++;
	else
		survey->part++;
	while (survey->part == INVENTORY && survey->host < survey->found.nhosts &&
	       survey->providers[survey->host][0] == '\0')
		survey->host++;
	if (survey->part == INVENTORY && survey->host >= survey->found.nhosts)
		survey->part = AGGREGATES;
}

/* Capacities and aggregates may be for others to know: then they are not told. */
static bool is_optional(enum part part)
{
	return part == INVENTORY || part == AGGREGATES;
}

static void on_result(const struct openstack_result *result, void *context)
{
	struct openstack_survey *survey = context;
	bool again = false;
	int rc = GRAPPE_OK;

	survey->call = NULL;
	if (result->verdict == HTTP_DONE) {
		rc = take(survey, result, &again);
	} else if (!is_optional(survey->part)) {
		end(survey, result->reason);
		return;
	}
	if (rc != GRAPPE_OK) {
		end(survey, rc == GRAPPE_EFORMAT ? "an answer makes no sense" : error_text(rc));
		return;
	}
	if (!again)
		next(survey);
	if (survey->part == PARTS)
		end(survey, "");
	else
		ask(survey);
}

static void path_of(const struct openstack_survey *survey, char path[OPENSTACK_PATH_SIZE])
{
	const char *marker = survey->last[0] != '\0' ? "&marker=" : "";

	switch (survey->part) {
	case SERVICES:
		snprintf(path, OPENSTACK_PATH_SIZE, "/os-services?binary=nova-compute");
		break;
	case HYPERVISORS:
		snprintf(path, OPENSTACK_PATH_SIZE, "/os-hypervisors/detail?limit=%d%s%s",
		    OPENSTACK_PAGE, marker, survey->last);
		break;
	case INVENTORY:
		snprintf(path, OPENSTACK_PATH_SIZE, "/resource_providers/%s/inventories",
		    survey->providers[survey->host]);
		break;
	case AGGREGATES:
		snprintf(path, OPENSTACK_PATH_SIZE, "/os-aggregates");
		break;
	case SERVERS:
	case PARTS:
		snprintf(path, OPENSTACK_PATH_SIZE, "/servers/detail?all_tenants=1&limit=%d%s%s",
		    OPENSTACK_PAGE, marker, survey->last);
		break;
	}
}

static void ask(struct openstack_survey *survey)
{
	char path[OPENSTACK_PATH_SIZE];
	const struct openstack_request request = {
	    .service = survey->part == INVENTORY ? OPENSTACK_PLACEMENT : OPENSTACK_COMPUTE,
	    .path = path,
	    .answer_max = CLOUD_ANSWER_MAX};

	path_of(survey, path);
	if (openstack_send(survey->session, &request, on_result, survey, &survey->call) !=
	    GRAPPE_OK)
		end(survey, error_text(GRAPPE_EMEMORY));
}

int openstack_survey_start(
    struct cloud *cloud, struct openstack_session *session, struct openstack_survey **slot)
{
	struct openstack_survey *survey = calloc(1, sizeof *survey);

	if (survey == NULL)
		return GRAPPE_EMEMORY;
	survey->cloud = cloud;
	survey->session = session;
	survey->slot = slot;
	*slot = survey;
	ask(survey);
	return GRAPPE_OK;
}
