/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cloud_ganeti_answer.h"

#include "common/error.h"
#include "common/identity.h"
#include "manager/cloud_kind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB_PER_GIB 1024

static bool take_text(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);

	out[0] = '\0';
	if (!json_is_string(value) || json_string_length(value) >= size)
		return false;
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return out[0] != '\0';
}

/* Numbers that make no sense are not told. */
static double take_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	const double number = json_number_value(value);

	return json_is_number(value) && number >= 0 && number < 1e15 ? number : NAN;
}

bool ganeti_read_instance(const json_t *answer, struct ganeti_instance *out)
{
	const json_t *parameters = json_object_get(answer, "beparams");

	*out = (struct ganeti_instance){.macs = json_object_get(answer, "nic.macs"),
	    .mirrors = json_object_get(answer, "snodes"),
	    .fails_over = json_is_true(json_object_get(parameters, "always_failover"))};
	take_text(answer, "uuid", out->uuid, sizeof out->uuid);
	take_text(answer, "pnode", out->node, sizeof out->node);
	take_text(answer, "status", out->status, sizeof out->status);
	take_text(answer, "disk_template", out->disks, sizeof out->disks);
	out->mem_MiB = take_number(answer, "oper_ram");
	if (isnan(out->mem_MiB))
		out->mem_MiB = take_number(parameters, "memory");
	if (isnan(out->mem_MiB))
		out->mem_MiB = take_number(parameters, "maxmem");
	out->vcpu = take_number(parameters, "vcpus");
	if (!json_is_array(out->macs))
		out->macs = NULL;
	if (!json_is_array(out->mirrors))
		out->mirrors = NULL;
	return take_text(answer, "name", out->name, sizeof out->name);
}

bool ganeti_read_node(const json_t *answer, struct ganeti_node *out)
{
	*out = (struct ganeti_node){.offline = json_is_true(json_object_get(answer, "offline")),
	    .drained = json_is_true(json_object_get(answer, "drained")),
	    .no_vms = json_is_false(json_object_get(answer, "vm_capable")),
	    .free_MiB = take_number(answer, "mfree"),
	    .total_MiB = take_number(answer, "mtotal"),
	    .cpus = take_number(answer, "ctotal")};
	/* Numbers that the node itself could not tell are 0 there. */
	if (out->total_MiB == 0)
		out->total_MiB = out->free_MiB = NAN;
	if (out->cpus == 0)
		out->cpus = NAN;
	take_text(answer, "group.uuid", out->group, sizeof out->group);
	return take_text(answer, "name", out->name, sizeof out->name);
}

/* The words of ["OpPrereqError", ["Node 'x' not known", "unknown_entity"]], however deep. */
static const char *find_words(const json_t *value, int depth)
{
	const char *words = "";

	if (json_is_string(value))
		return json_string_value(value);
	for (size_t i = json_array_size(value); depth > 0 && i-- > 0;) {
		const char *inner = find_words(json_array_get(value, i), depth - 1);

		if (strlen(inner) >= strlen(words))
			words = inner;
	}
	return words;
}

bool ganeti_read_job(const json_t *answer, enum ganeti_job_state *state, char *text, size_t size)
{
	static const struct {
		const char *name;
		enum ganeti_job_state state;
	} states[] = {{"queued", GANETI_RUNNING}, {"waiting", GANETI_RUNNING},
	    {"running", GANETI_RUNNING}, {"canceling", GANETI_RUNNING}, {"success", GANETI_SUCCESS},
	    {"error", GANETI_ERROR}, {"canceled", GANETI_CANCELED}};
	char status[32];

	snprintf(text, size, "%s", find_words(json_object_get(answer, "opresult"), 4));
	if (!take_text(answer, "status", status, sizeof status))
		return false;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		if (strcmp(states[i].name, status) != 0)
			continue;
		*state = states[i].state;
		return true;
	}
	return false;
}

bool ganeti_read_job_id(const json_t *answer, int64_t *id)
{
	const char *text = json_string_value(answer);
	char *end;

	if (json_is_integer(answer)) {
		*id = json_integer_value(answer);
		return *id > 0;
	}
	if (text == NULL || text[0] < '1' || text[0] > '9')
		return false;
	*id = strtoll(text, &end, 10);
	return *end == '\0' && *id > 0;
}

/* Whether one of the job's operations moves the instance. */
static bool moves(const json_t *job, const char *instance)
{
	const json_t *ops = json_object_get(job, "ops");

	for (size_t i = 0; i < json_array_size(ops); i++) {
		const json_t *op = json_array_get(ops, i);
		const char *kind = json_string_value(json_object_get(op, "OP_ID"));
		const char *name = json_string_value(json_object_get(op, "instance_name"));

		if (kind != NULL && name != NULL && strcmp(name, instance) == 0 &&
		    (strcmp(kind, "OP_INSTANCE_MIGRATE") == 0 ||
			strcmp(kind, "OP_INSTANCE_FAILOVER") == 0))
			return true;
	}
	return false;
}

int64_t ganeti_newest_job(const json_t *jobs)
{
	int64_t newest = 0, id;

	for (size_t i = 0; i < json_array_size(jobs); i++) {
		if (!ganeti_read_job_id(json_object_get(json_array_get(jobs, i), "id"), &id))
			return -1;
		if (id > newest)
			newest = id;
	}
	return json_is_array(jobs) ? newest : -1;
}

int64_t ganeti_find_migration(const json_t *jobs, const char *instance, int64_t after)
{
	int64_t newest = 0, id;

	for (size_t i = 0; i < json_array_size(jobs); i++) {
		const json_t *job = json_array_get(jobs, i);

		if (moves(job, instance) && ganeti_read_job_id(json_object_get(job, "id"), &id) &&
		    id > after && id > newest)
			newest = id;
	}
	return newest;
}

/* The name of the group with this UUID. */
static void name_group(const json_t *groups, char group[CLOUD_NAME_SIZE])
{
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *one = json_array_get(groups, i);
		const char *uuid = json_string_value(json_object_get(one, "uuid"));
		char name[CLOUD_NAME_SIZE];

		if (uuid == NULL || strcmp(uuid, group) != 0 ||
		    !take_text(one, "name", name, sizeof name))
			continue;
		memcpy(group, name, sizeof name);
		return;
	}
}

static void survey_node(const json_t *answer, const json_t *groups, struct cloud_survey *out)
{
	struct ganeti_node node;
	struct cloud_host *host;

	if (!ganeti_read_node(answer, &node) || (host = cloud_survey_host(out)) == NULL)
		return;
	memcpy(host->name, node.name, sizeof host->name);
	memcpy(host->group, node.group, sizeof host->group);
	name_group(groups, host->group);
	host->vcpu = node.cpus;
	host->mem_GiB = node.total_MiB / MIB_PER_GIB;
	host->closed = node.offline || node.drained || node.no_vms;
}

static void survey_instance(const json_t *answer, struct cloud_survey *out)
{
	struct ganeti_instance instance;
	struct mac mac;
	struct cloud_vm *vm;

	if (!ganeti_read_instance(answer, &instance) || (vm = cloud_survey_vm(out)) == NULL)
		return;
	memcpy(vm->name, instance.name, sizeof vm->name);
	memcpy(vm->host, instance.node, sizeof vm->host);
	vm->vcpu = instance.vcpu;
	vm->mem_GiB = instance.mem_MiB / MIB_PER_GIB;
	vm->running = strcmp(instance.status, "running") == 0;
	/* Its hosts' sensors know it by its first MAC. */
	if (json_is_string(json_array_get(instance.macs, 0)) &&
	    mac_parse(json_string_value(json_array_get(instance.macs, 0)), &mac) == GRAPPE_OK)
		identity_from_mac(&mac, vm->id);
	else
		memcpy(vm->id, instance.uuid, sizeof vm->id);
}

bool ganeti_survey(
    const json_t *nodes, const json_t *groups, const json_t *instances, struct cloud_survey *out)
{
	for (size_t i = 0; i < json_array_size(nodes); i++)
		survey_node(json_array_get(nodes, i), groups, out);
	for (size_t i = 0; i < json_array_size(instances); i++)
		survey_instance(json_array_get(instances, i), out);
	return json_is_array(nodes) && json_is_array(groups) && json_is_array(instances);
}

static bool has_mac(const struct ganeti_instance *instance, const struct mac *wanted)
{
	struct mac mac;

	for (size_t i = 0; i < json_array_size(instance->macs); i++) {
		const char *text = json_string_value(json_array_get(instance->macs, i));

		if (text != NULL && mac_parse(text, &mac) == GRAPPE_OK &&
		    memcmp(&mac, wanted, sizeof mac) == 0)
			return true;
	}
	return false;
}

bool ganeti_is_vm(const struct ganeti_instance *instance, const char *vm_id)
{
	struct mac wanted;

	if (identity_mac(vm_id, &wanted) != GRAPPE_OK)
		return instance->uuid[0] == '\0' || !identity_is_vm(vm_id) ||
		       strcasecmp(instance->uuid, vm_id) == 0;
	return has_mac(instance, &wanted) || json_array_size(instance->macs) == 0;
}

const json_t *ganeti_find_instance(const json_t *instances, const char *vm_id)
{
	const json_t *found = NULL;
	struct ganeti_instance instance;
	struct mac wanted;

	for (size_t i = 0; i < json_array_size(instances); i++) {
		const json_t *one = json_array_get(instances, i);

		if (!ganeti_read_instance(one, &instance) ||
		    !(identity_mac(vm_id, &wanted) == GRAPPE_OK
			    ? has_mac(&instance, &wanted)
			    : strcasecmp(instance.uuid, vm_id) == 0))
			continue;
		if (found != NULL)
			return NULL;
		found = one;
	}
	return found;
}

/* As Ganeti judges itself: cmdlib/instance_migration.py, DTS_MIRRORED of its constants. */
void ganeti_obstacle(
    const struct ganeti_instance *instance, const char *to, char *text, size_t size)
{
	const char *mirror = json_string_value(json_array_get(instance->mirrors, 0));

	text[0] = '\0';
	if (instance->fails_over)
		snprintf(text, size, "always_failover is set: Ganeti would stop and start it");
	else if (strcmp(instance->disks, "plain") == 0 || strcmp(instance->disks, "file") == 0)
		snprintf(
		    text, size, "its disks (%s) are on %s alone", instance->disks, instance->node);
	else if (strcmp(instance->disks, "drbd") == 0 && to[0] != '\0' && mirror != NULL &&
		 strcmp(mirror, to) != 0)
		snprintf(text, size, "its disks (drbd) are on %s and %s: it cannot run on %s",
		    instance->node, mirror, to);
}

const char *ganeti_explain(const json_t *answer)
{
	const char *explain = json_string_value(json_object_get(answer, "explain"));
	const char *message = json_string_value(json_object_get(answer, "message"));

	return explain != NULL ? explain : message != NULL ? message : "";
}
