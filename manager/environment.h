/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the environments offer: the environment document (doc/environment.md), a JSON file of the
 * operator. Keys carry their units. A fact that is not listed is unknown (NAN here), never free.
 * The document is checked as hostile input: bounded, every key known, every number in range.
 *
 * Life-cycle: environments_load() or environments_parse(), use, environments_deinit(). Any thread,
 * one at a time.
 */
#ifndef GRAPPE_MANAGER_ENVIRONMENT_H
#define GRAPPE_MANAGER_ENVIRONMENT_H

#include "common/place.h"

#include <stddef.h>
#include <stdint.h>

#define ENVIRONMENT_DOCUMENT_MAX (8u << 20) /* bytes */
#define ENVIRONMENTS_MAX 1024
#define ENVIRONMENT_HOSTS_MAX 100000 /* over all environments */
#define ENVIRONMENT_KIND_SIZE 32

struct environment_host {
	char name[PLACE_NAME_SIZE];
	double vcpu;    /* virtual processors it can give to VMs; NAN unknown */
	double mem_GiB; /* memory it can give to VMs; NAN unknown */
	double max_vms; /* VMs at most; NAN unknown */
};

struct environment {
	char name[PLACE_NAME_SIZE];
	char kind[ENVIRONMENT_KIND_SIZE]; /* "cloud", "grid", "cluster", "site" or "" */
	struct environment_host *hosts;
	size_t nhosts;
};

struct environment_link {
	size_t from, to;       /* indices of environments */
	double latency_ms;     /* one way; NAN unknown */
	double bandwidth_MBps; /* 10^6 bytes per second; NAN unknown */
	double price_per_GB;   /* of 10^9 bytes leaving `from`; NAN unknown */
};

struct environments {
	struct environment *items;
	size_t count;
	struct environment_link *links;
	size_t nlinks;
};

/* environments_parse - reads a document of length bytes. *out needs environments_deinit() only
 * after success. Returns 0, GRAPPE_EMEMORY, GRAPPE_ELIMIT, GRAPPE_EVERSION, or GRAPPE_EFORMAT with
 * the JSON path and the reason in message ("environments[1].hosts[0].vcpu: …"). */
int environments_parse(
    const char *bytes, size_t length, struct environments *out, char *message, size_t size);
/* environments_load - the same from a file; also GRAPPE_EIO. The message begins with the path. */
int environments_load(const char *path, struct environments *out, char *message, size_t size);
void environments_deinit(struct environments *environments);

/* environments_find - index of the environment, or GRAPPE_ENOTFOUND. */
int environments_find(const struct environments *environments, const char *name);

#endif
