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

#include "common/address.h"
#include "common/place.h"
#include "manager/json_fields.h"

#include <stddef.h>
#include <stdint.h>

#define ENVIRONMENT_DOCUMENT_MAX (8u << 20) /* bytes */
#define ENVIRONMENTS_MAX 1024
#define ENVIRONMENT_HOSTS_MAX 100000     /* over all environments */
#define ENVIRONMENT_NETWORKS_MAX 256     /* of one environment */
#define ENVIRONMENT_ADDRESSES_MAX 100000 /* subnets or used addresses of one network */
#define ENVIRONMENT_ENDPOINTS_MAX 1000
#define ENVIRONMENT_KIND_SIZE 32
#define ENVIRONMENT_CURRENCY_SIZE 8

/* How much something holds; each NAN when unknown. */
struct environment_capacity {
	double vcpu;    /* virtual processors it can give to VMs */
	double mem_GiB; /* memory it can give to VMs */
	double max_vms; /* VMs at most */
};

struct environment_host {
	char name[PLACE_NAME_SIZE];
	char api_name[PLACE_NAME_SIZE]; /* what its API calls it; "": the same */
	struct environment_capacity capacity;
	double power;     /* speed of a core relative to 1; NAN: that of the environment */
	enum truth drain; /* yes: nothing may stay on it */
};

struct environment_subnet {
	struct address address;
	unsigned length; /* of the prefix, bits */
};

/* What a segment (the collector's name of it) is like there. */
struct environment_network {
	char segment[PLACE_NAME_SIZE];
	double layer;       /* 2 or 3; NAN unknown */
	enum truth overlay; /* a virtual network that spans environments */
	enum truth router;  /* a router passes its traffic on */
	struct environment_subnet *subnets;
	size_t nsubnets;
	struct address *used; /* taken there by somebody Grappe does not see */
	size_t nused;
	struct mac *used_macs; /* the same */
	size_t nused_macs;
};

struct environment {
	char name[PLACE_NAME_SIZE];
	char kind[ENVIRONMENT_KIND_SIZE]; /* "cloud", "grid", "cluster", "site" or "" */
	char api[PLACE_NAME_SIZE];        /* through which VMs are moved there; "" none */
	char api_group[PLACE_NAME_SIZE];  /* its hosts there are this group's; "": those listed */
	struct environment_capacity capacity,
	    quota;    /* of the whole; NAN: that of its hosts; none */
	double power; /* of its cores, relative to 1; NAN unknown */
	double price_vcpu_hour, price_mem_GiB_hour, price_vm_hour; /* NAN unknown */
	int64_t available_from_s, available_until_s; /* epoch seconds; 0: no limit told */
	enum truth drain;                            /* yes: nothing may stay in it */
	struct environment_host *hosts;
	size_t nhosts;
	struct environment_network *networks;
	size_t nnetworks;
};

struct environment_link {
	size_t from, to;       /* indices of environments */
	double latency_ms;     /* one way; NAN unknown */
	double bandwidth_MBps; /* 10^6 bytes per second; NAN unknown */
	double price_per_GB;   /* of 10^9 bytes leaving `from`; NAN unknown */
};

/* Where a fixed node is: a named endpoint of the collector, or "external", the outside users. */
struct environment_endpoint {
	char name[PLACE_NAME_SIZE];
	size_t environment; /* index */
};

struct environments {
	struct environment *items;
	size_t count;
	struct environment_link *links; /* by from, then to */
	size_t nlinks;
	struct environment_endpoint *endpoints;
	size_t nendpoints;
	char currency[ENVIRONMENT_CURRENCY_SIZE]; /* of all prices; "" not told */
	int64_t as_of_s; /* when these facts were true, epoch seconds; 0 not told */
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
