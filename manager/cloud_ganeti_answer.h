/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Ganeti's RAPI answers (Ganeti remote API, version 2), read as hostile input: unknown members
 * are passed over, known ones have their type or count as not told. Pure.
 */
#ifndef GRAPPE_MANAGER_CLOUD_GANETI_ANSWER_H
#define GRAPPE_MANAGER_CLOUD_GANETI_ANSWER_H

#include "manager/cloud.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ganeti_instance {
	char name[CLOUD_NAME_SIZE], uuid[CLOUD_NAME_SIZE], node[CLOUD_NAME_SIZE];
	char status[32];       /* "running", "ADMIN_down", … */
	char disks[32];        /* disk template: "drbd", "plain", …; "" not told */
	bool fails_over;       /* it would be stopped and started, not migrated */
	double mem_MiB, vcpu;  /* NAN not told */
	const json_t *macs;    /* borrowed from the answer; NULL not told */
	const json_t *mirrors; /* names of its secondary nodes, borrowed; NULL not told */
};

struct ganeti_node {
	char name[CLOUD_NAME_SIZE], group[CLOUD_NAME_SIZE];
	bool offline, drained;
	bool no_vms;                      /* it is not for instances (vm_capable is off) */
	double free_MiB, total_MiB, cpus; /* NAN not told */
};

enum ganeti_job_state { GANETI_RUNNING, GANETI_SUCCESS, GANETI_ERROR, GANETI_CANCELED };

/* All return whether the answer is what it should be. */
bool ganeti_read_instance(const json_t *answer, struct ganeti_instance *out);
bool ganeti_read_node(const json_t *answer, struct ganeti_node *out);
/* ganeti_read_job - text: why it failed, as the job tells it; "" nothing told. */
bool ganeti_read_job(const json_t *answer, enum ganeti_job_state *state, char *text, size_t size);
/* ganeti_read_job_id - the answer to an order: a number, alone or as a text. */
bool ganeti_read_job_id(const json_t *answer, int64_t *id);
/* ganeti_newest_job - in a list of jobs, plain or bulk. Returns its number, 0: there is none, -1:
 * it is no such list. */
int64_t ganeti_newest_job(const json_t *jobs);
/* ganeti_find_migration - in a bulk list of jobs: the newest that moves this instance and is newer
 * than job `after`. Returns its number, 0: there is none. */
int64_t ganeti_find_migration(const json_t *jobs, const char *instance, int64_t after);
/* ganeti_survey - bulk lists of nodes, node groups and instances; a host's group is told by name
 * where it is known. Returns whether all are lists. */
bool ganeti_survey(
    const json_t *nodes, const json_t *groups, const json_t *instances, struct cloud_survey *out);
/* ganeti_is_vm - whether this is the VM that Grappe calls vm_id: one of its MACs, or its UUID; what
 * cannot be compared is taken for it. */
bool ganeti_is_vm(const struct ganeti_instance *instance, const char *vm_id);
/* ganeti_find_instance - in a bulk list of instances: the only one that surely is this VM, or NULL.
 */
const json_t *ganeti_find_instance(const json_t *instances, const char *vm_id);
/* ganeti_obstacle - why Ganeti would not migrate this instance live to node `to` ("": the cluster
 * chooses), by its disks and parameters; "" nothing is known against it. */
void ganeti_obstacle(
    const struct ganeti_instance *instance, const char *to, char *text, size_t size);
/* ganeti_explain - what a refusal says ("explain", else "message"), or "". Borrowed. */
const char *ganeti_explain(const json_t *answer);

#endif
