/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What OpenStack answers, read into plain structs: Keystone (Identity API v3), Nova (Compute API,
 * microversions from 2.60 on) and Placement. Pure; every byte is hostile: sizes are bounded, ids
 * must be UUIDs, control characters in texts become spaces. One thread.
 *
 * Unless told otherwise a function returns 0, GRAPPE_EFORMAT (no JSON, or not of this form) or
 * GRAPPE_EMEMORY. `bytes` need not end with a zero. Sources: the API references of these services,
 * docs.openstack.org/api-ref, and their answers as recorded.
 */
#ifndef GRAPPE_MANAGER_CLOUD_OPENSTACK_ANSWER_H
#define GRAPPE_MANAGER_CLOUD_OPENSTACK_ANSWER_H

#include "common/identity.h"
#include "manager/cloud.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPENSTACK_URL_SIZE 512
#define OPENSTACK_STATUS_SIZE 64
#define OPENSTACK_REQUEST_SIZE 64 /* "req-" and a UUID */
#define OPENSTACK_RESOURCES_SIZE 256

/* What a token lets one do. */
struct openstack_grant {
	char compute[OPENSTACK_URL_SIZE];   /* public endpoint without final "/"; "" none */
	char placement[OPENSTACK_URL_SIZE]; /* as compute */
	char region[CLOUD_NAME_SIZE];       /* of compute */
	int64_t life_s; /* from its issue to its end, by the server's own clock; > 0 */
};

/* openstack_read_grant - the body of POST /v3/auth/tokens. region "": that of the first public
 * endpoint of Nova. */
int openstack_read_grant(
    const char *bytes, size_t length, const char *region, struct openstack_grant *out);

/* openstack_error_text - what an error answer says, one line into text; "" when it says nothing
 * that can be shown. */
void openstack_error_text(const char *bytes, size_t length, char *text, size_t size);

/* openstack_is_request - true for an id of a request, "req-" and a UUID. */
bool openstack_is_request(const char *id);

struct openstack_server {
	char id[VM_ID_SIZE];
	char name[CLOUD_NAME_SIZE];
	char host[CLOUD_NAME_SIZE];         /* "": not told, as to users without rights */
	char status[OPENSTACK_STATUS_SIZE]; /* "ACTIVE" */
	char task[OPENSTACK_STATUS_SIZE];   /* "": none */
	double vcpu, mem_MiB;               /* NAN not told */
};

/* Where the next page begins. */
struct openstack_page {
	size_t count;          /* of entries on this page */
	bool more;             /* the server says that there is another one */
	char last[VM_ID_SIZE]; /* id of the last entry: the marker of the next page */
};

/* Called for each entry of a list; what is not 0 ends the reading and is returned. */
typedef int openstack_each_server(const struct openstack_server *server, void *context);

/* openstack_read_server - the answer of GET /servers/ID. */
int openstack_read_server(const char *bytes, size_t length, struct openstack_server *out);
/* openstack_read_servers - a page of GET /servers/detail. */
int openstack_read_servers(const char *bytes, size_t length, openstack_each_server *each,
    void *context, struct openstack_page *page);

/* One nova-compute, from os-services or os-hypervisors. */
struct openstack_host {
	char id[VM_ID_SIZE];        /* of os-hypervisors: also its provider in Placement; else "" */
	char name[CLOUD_NAME_SIZE]; /* as os-migrateLive calls it */
	char zone[CLOUD_NAME_SIZE]; /* of os-services; else "" */
	char reason[CLOUD_NAME_SIZE]; /* why it is disabled; "" not told */
	bool enabled, up;
};

typedef int openstack_each_host(const struct openstack_host *host, void *context);

/* openstack_read_services - GET /os-services?binary=nova-compute. */
int openstack_read_services(
    const char *bytes, size_t length, openstack_each_host *each, void *context);
/* openstack_read_hypervisors - a page of GET /os-hypervisors/detail. */
int openstack_read_hypervisors(const char *bytes, size_t length, openstack_each_host *each,
    void *context, struct openstack_page *page);

typedef int openstack_each_member(const char *aggregate, const char *host, void *context);

/* openstack_read_aggregates - GET /os-aggregates: each host of each aggregate. */
int openstack_read_aggregates(
    const char *bytes, size_t length, openstack_each_member *each, void *context);

/* openstack_read_inventories - Placement's GET /resource_providers/ID/inventories: what the host
 * may give to VMs in all, (total - reserved) x allocation_ratio; NAN not told. */
int openstack_read_inventories(const char *bytes, size_t length, double *vcpu, double *mem_MiB);
/* openstack_read_allocations - Placement's GET /allocations/SERVER: what the server holds at its
 * host, as "VCPU:1,MEMORY_MB:512"; "" when it holds nothing that is told. */
int openstack_read_allocations(
    const char *bytes, size_t length, char resources[OPENSTACK_RESOURCES_SIZE]);
/* openstack_read_candidates - Placement's GET /allocation_candidates: how many there are. */
int openstack_read_candidates(const char *bytes, size_t length, size_t *count);

struct openstack_migration {
	int64_t id;
	char server[VM_ID_SIZE];
	char status[OPENSTACK_STATUS_SIZE];                    /* "running", "completed", … */
	char type[OPENSTACK_STATUS_SIZE];                      /* "live-migration", … */
	char source[CLOUD_NAME_SIZE], target[CLOUD_NAME_SIZE]; /* "": not told (yet) */
};

typedef int openstack_each_migration(const struct openstack_migration *migration, void *context);

/* openstack_read_migrations - a page of GET /os-migrations. */
int openstack_read_migrations(
    const char *bytes, size_t length, openstack_each_migration *each, void *context);

/* How a migration goes by its status. */
enum openstack_phase {
	OPENSTACK_RUNNING, /* under way, also by any status that is not known here */
	OPENSTACK_COMPLETED,
	OPENSTACK_FAILED,
	OPENSTACK_CANCELLED
};
enum openstack_phase openstack_phase(const char *status);

/* openstack_read_action - GET /servers/ID/os-instance-actions/REQUEST: *failed says whether a step
 * of it ended with an error; reason: what it says of that (from microversion 2.84 on), "" nothing.
 */
int openstack_read_action(
    const char *bytes, size_t length, bool *failed, char *reason, size_t size);
/* openstack_read_actions - GET /servers/ID/os-instance-actions: the request of the newest
 * live migration, "" none. */
int openstack_read_actions(const char *bytes, size_t length, char request[OPENSTACK_REQUEST_SIZE]);

#endif
