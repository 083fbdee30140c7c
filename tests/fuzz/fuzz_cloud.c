/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clouds answer: Ganeti's instances, nodes, jobs and lists, surveys of programs, and all that
 * Keystone, Nova and Placement are asked. */
#include "common/error.h"
#include "manager/cloud_ganeti_answer.h"
#include "manager/cloud_kind.h"
#include "manager/cloud_openstack_answer.h"
#include "manager/cloud_survey.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void use_answer(const json_t *answer)
{
	struct ganeti_instance instance;
	struct ganeti_node node;
	struct cloud_survey survey = {0};
	enum ganeti_job_state state;
	char text[64];
	int64_t id, newest;

	if (ganeti_read_instance(answer, &instance)) {
		if (instance.name[0] == '\0')
			abort();
		ganeti_is_vm(&instance, "mac-020000000001");
		ganeti_is_vm(&instance, "5b1f0d3c-7f5e-4e6b-9a55-0c4a7d8e9f00");
		ganeti_obstacle(&instance, "node2", text, sizeof text);
	}
	if (ganeti_read_node(answer, &node) && node.name[0] == '\0')
		abort();
	ganeti_read_job(answer, &state, text, sizeof text);
	if (ganeti_read_job_id(answer, &id) && id <= 0)
		abort();
	newest = ganeti_newest_job(answer);
	id = ganeti_find_migration(answer, "instance1", 1);
	if (id < 0 || id == 1 || (newest >= 0 && id > newest))
		abort();
	ganeti_find_instance(answer, "mac-020000000001");
	ganeti_find_instance(answer, "5b1f0d3c-7f5e-4e6b-9a55-0c4a7d8e9f00");
	ganeti_explain(answer);
	ganeti_survey(answer, answer, answer, &survey);
	if (survey.nhosts > json_array_size(answer))
		abort();
	json_decref(cloud_survey_json(&survey));
	cloud_survey_deinit(&survey);
}

static void use_survey(const char *bytes, size_t length)
{
	struct cloud_survey survey, again;
	char message[256] = "", *text;
	json_t *document;

	if (cloud_survey_parse(bytes, length, &survey, message, sizeof message) != GRAPPE_OK) {
		if (message[0] == '\0')
			abort();
		return;
	}
	cloud_survey_find(&survey, "mac-020000000001", "web1");
	document = cloud_survey_json(&survey);
	text = json_dumps(document, 0);
	if (text == NULL ||
	    cloud_survey_parse(text, strlen(text), &again, message, sizeof message) != GRAPPE_OK ||
	    again.nhosts != survey.nhosts || again.nvms != survey.nvms)
		abort();
	cloud_survey_deinit(&again);
	cloud_survey_deinit(&survey);
	json_decref(document);
	free(text);
}

/* ---- OpenStack: whatever is handed on is bounded and begins where it should ---- */

static int see_server(const struct openstack_server *server, void *context)
{
	(void)context;
	return identity_is_vm(server->id) ? GRAPPE_OK : (abort(), GRAPPE_EFORMAT);
}

static int see_host(const struct openstack_host *host, void *context)
{
	(void)context;
	return host->name[0] != '\0' ? GRAPPE_OK : (abort(), GRAPPE_EFORMAT);
}

static int see_member(const char *aggregate, const char *host, void *context)
{
	(void)context;
	return strlen(aggregate) + strlen(host) < 2 * CLOUD_NAME_SIZE ? GRAPPE_OK
								      : (abort(), GRAPPE_EFORMAT);
}

static int see_migration(const struct openstack_migration *migration, void *context)
{
	(void)context;
	openstack_phase(migration->status);
	return GRAPPE_OK;
}

static void use_openstack(const char *bytes, size_t length)
{
	struct openstack_grant grant;
	struct openstack_server server;
	struct openstack_page page;
	char text[256], resources[OPENSTACK_RESOURCES_SIZE], request[OPENSTACK_REQUEST_SIZE];
	double vcpu, mem_MiB;
	size_t count;
	bool failed;

	if (openstack_read_grant(bytes, length, "", &grant) == GRAPPE_OK && grant.life_s <= 0)
		abort();
	openstack_error_text(bytes, length, text, sizeof text);
	if (openstack_read_server(bytes, length, &server) == GRAPPE_OK)
		see_server(&server, NULL);
	openstack_read_servers(bytes, length, see_server, NULL, &page);
	openstack_read_services(bytes, length, see_host, NULL);
	openstack_read_hypervisors(bytes, length, see_host, NULL, &page);
	openstack_read_aggregates(bytes, length, see_member, NULL);
	openstack_read_inventories(bytes, length, &vcpu, &mem_MiB);
	openstack_read_allocations(bytes, length, resources);
	openstack_read_candidates(bytes, length, &count);
	openstack_read_migrations(bytes, length, see_migration, NULL);
	openstack_read_action(bytes, length, &failed, text, sizeof text);
	if (openstack_read_actions(bytes, length, request) == GRAPPE_OK && request[0] != '\0' &&
	    !openstack_is_request(request))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	json_t *answer = json_loadb((const char *)bytes, length, JSON_DECODE_ANY, NULL);

	if (answer != NULL)
		use_answer(answer);
	json_decref(answer);
	use_survey((const char *)bytes, length);
	use_openstack((const char *)bytes, length);
	return 0;
}
