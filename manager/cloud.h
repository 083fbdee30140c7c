/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The APIs through which VMs are moved (doc/clouds.md): one section `cloud "NAME" { kind = … }` of
 * the configuration each. Environments name theirs by `api` in the environment document.
 *
 * A move is an order that is followed until the API says how it ended; that the API took it is no
 * success. A survey tells what the API knows of hosts and VMs. What an API answers is hostile:
 * bounded and checked, and every fault is told in words. Everything runs in the loop; nothing
 * blocks. One thread.
 *
 * Life-cycle: cloud_new() for each section, cloud_move()/cloud_resume()/cloud_survey(),
 * cloud_free().
 */
#ifndef GRAPPE_MANAGER_CLOUD_H
#define GRAPPE_MANAGER_CLOUD_H

#include "common/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOUDS_MAX 64
#define CLOUD_NAME_SIZE 256   /* of hosts, VMs and groups of hosts */
#define CLOUD_HANDLE_SIZE 256 /* of a move under way */
#define CLOUD_TEXT_SIZE 512
#define CLOUD_HOSTS_MAX 100000
#define CLOUD_VMS_MAX 1000000
#define CLOUD_ANSWER_MAX (64u << 20) /* bytes of one answer */

/* In the order of cloud_kinds[] (manager/cloud_kind.h). */
enum cloud_kind_number { CLOUD_OPENSTACK, CLOUD_GANETI, CLOUD_COMMAND };

/* One section `cloud "NAME" { … }`. Texts are "" when not told. */
struct cloud_settings {
	char *title;
	int kind;      /* enum cloud_kind_number */
	char *url;     /* openstack: of Keystone, ending in /v3; ganeti: of the RAPI */
	char *address; /* "HOST:PORT" to connect to in place of the URL's */
	char *ca_file;
	char *login_file; /* "user:password"; openstack also "id:secret" of an application
			     credential */
	int auth;         /* openstack: password, application_credential */
	char *domain, *project, *project_domain, *region; /* openstack */
	char *microversion;                               /* openstack, of Nova */
	int block_migration;                              /* openstack: auto, yes, no */
	struct settings_list command; /* command: what moves a VM; its words may hold {vm} … */
	struct settings_list abort_command;  /* command: what ends such a move; empty: SIGTERM */
	struct settings_list survey_command; /* command: prints the survey as JSON; empty: none */
	int64_t timeout_ms, connect_timeout_ms; /* of one exchange */
	int64_t move_timeout_ms;                /* of a whole move */
	int64_t poll_ms;                        /* between two looks at a move under way */
};

#define CLOUD_NSETTINGS 19
extern const struct setting cloud_setting_table[CLOUD_NSETTINGS];

/* The section for a program's schema, as PUBLISH_WEBHOOK_SECTION(). */
#define CLOUD_SECTION(type, member)                                                                \
	{                                                                                          \
		.name = "cloud", .text = "An API through which VMs are moved.",                    \
		.settings = cloud_setting_table, .nsettings = CLOUD_NSETTINGS,                     \
		.size = sizeof(struct cloud_settings), .offset = offsetof(type, member),           \
		.limit = CLOUDS_MAX                                                                \
	}

/* cloud_check - what a table cannot say: a kind's own keys are there, no others are, URLs make
 * sense, credentials do not travel in the clear. Returns 0, or GRAPPE_EINVALID with the reason. */
int cloud_check(const struct settings_sections *clouds, char *message, size_t size);

struct event_base;
struct cloud;     /* opaque */
struct cloud_job; /* opaque: one move under way */

/* cloud_new - settings: borrowed until cloud_free(). Asks nothing yet. Returns 0 or GRAPPE_EMEMORY.
 */
int cloud_new(struct event_base *base, const struct cloud_settings *settings, struct cloud **out);
/* cloud_free - forgets jobs and surveys under way; nobody is called back. NULL is allowed. */
void cloud_free(struct cloud *cloud);
const char *cloud_title(const struct cloud *cloud);

/* What is to be moved where. Hosts are called as the API calls them. */
struct cloud_order {
	char vm_id[CLOUD_NAME_SIZE];   /* Grappe's: a UUID, or mac-… */
	char vm_name[CLOUD_NAME_SIZE]; /* what people call it; may not be unique */
	char from_host[CLOUD_NAME_SIZE], to_host[CLOUD_NAME_SIZE]; /* to_host "": the API chooses */
	char from_environment[CLOUD_NAME_SIZE], to_environment[CLOUD_NAME_SIZE];
};

enum cloud_outcome {
	CLOUD_MOVED,     /* the API says that the VM runs on the target */
	CLOUD_FAILED,    /* it did not move, or the API refused it */
	CLOUD_CANCELLED, /* it was stopped, or never ordered, and runs where it was */
	CLOUD_LOST       /* ordered, and nobody knows: no final answer within move_timeout_ms */
};

struct cloud_result {
	enum cloud_outcome outcome;
	char host[CLOUD_NAME_SIZE]; /* where it is by the API, "" not told */
	char text[CLOUD_TEXT_SIZE]; /* for people: one line without final stop; "" when it MOVED */
};

struct cloud_move_events {
	/* The API took the order; handle: with it cloud_resume() finds it again after a restart. */
	void (*accepted)(const char *handle, void *context);
	/* Once, the last call. The job is gone when it returns. Never from inside cloud_move(). */
	void (*ended)(const struct cloud_result *result, void *context);
	void *context;
};

/* cloud_move - checks before it orders what can be checked (VM known, runs, is not there already,
 * room at the target); everything that goes wrong is told by `ended`. order and events are copied.
 * Returns 0 or GRAPPE_EMEMORY. */
int cloud_move(struct cloud *cloud, const struct cloud_order *order,
    const struct cloud_move_events *events, struct cloud_job **out);
/* cloud_resume - follows a move that an earlier run ordered; never orders anything itself. */
int cloud_resume(struct cloud *cloud, const struct cloud_order *order, const char *handle,
    const struct cloud_move_events *events, struct cloud_job **out);
/* cloud_abort - asks the API to stop it, if it can; `ended` tells how it came out. */
void cloud_abort(struct cloud_job *job);

/* ---- what the API knows ---- */

struct cloud_host {
	char name[CLOUD_NAME_SIZE];
	char group[CLOUD_NAME_SIZE]; /* zone or node group, "" none */
	double vcpu, mem_GiB;        /* it can give to VMs in all; NAN not told */
	bool closed;                 /* takes no VMs: disabled, drained, offline */
};

struct cloud_vm {
	char id[CLOUD_NAME_SIZE]; /* UUID, or "" */
	char name[CLOUD_NAME_SIZE];
	char host[CLOUD_NAME_SIZE]; /* "" not told */
	double vcpu, mem_GiB;       /* NAN not told */
	bool running;
};

/* A named set of hosts beside the hosts' own group (OpenStack's aggregates). */
struct cloud_set {
	char name[CLOUD_NAME_SIZE];
	char host[CLOUD_NAME_SIZE]; /* one of its hosts: as many entries as members */
};

struct cloud_survey {
	struct cloud_host *hosts;
	size_t nhosts;
	struct cloud_vm *vms;
	size_t nvms;
	struct cloud_set *sets;
	size_t nsets;
};

/* Once for each cloud_survey(): survey NULL with the reason in words, or survey, which is valid
 * during the call. */
typedef void cloud_surveyed(const struct cloud_survey *survey, const char *error, void *context);

/* cloud_survey - one at a time for each cloud. Returns 0, GRAPPE_EEXISTS (one is under way),
 * GRAPPE_ENOTFOUND (this kind, as configured, knows nothing to tell) or GRAPPE_EMEMORY. */
int cloud_survey(struct cloud *cloud, cloud_surveyed *surveyed, void *context);

#endif
