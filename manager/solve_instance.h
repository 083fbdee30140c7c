/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A planning instance: VMs, environments, links and traffic as numbers, read from a folder of tab
 * separated files (doc/instances.md, "Instances"). What is read is foreign and checked: bounded,
 * every number in range, every fault told as FILE:LINE. Parsing is pure; only solve_instance_load()
 * reads files.
 *
 * Life-cycle: solve_instance_load() or solve_instance_parse(), use, solve_instance_deinit(). Any
 * thread, one at a time.
 */
#ifndef GRAPPE_MANAGER_SOLVE_INSTANCE_H
#define GRAPPE_MANAGER_SOLVE_INSTANCE_H

#include "manager/solve_load.h"

#include <stddef.h>
#include <stdint.h>

#define INSTANCE_VMS_MAX 200000
#define INSTANCE_ENVS_MAX 64 /* sets of environments are bits of a uint64_t */
#define INSTANCE_FLOWS_MAX 20000000
#define INSTANCE_FILE_MAX ((size_t)1 << 30) /* bytes */
#define INSTANCE_VALUE_MAX 1e12
#define INSTANCE_NOWHERE UINT32_MAX

struct instance_vm {
	struct load load;
	double dirty_MBps; /* how fast it writes to its memory */
	double work_h;     /* what is left to do on a core of power 1 */
	uint32_t env;      /* where it is */
	double reluctance; /* of the objective: what a move must save beside its own cost */
	uint32_t advised;  /* environment where half of that will do, or INSTANCE_NOWHERE */
};

struct instance_env {
	struct load limit;              /* capacity for VMs */
	double power;                   /* speed of a core, relative */
	double price;                   /* of one vcpu for an hour */
	double price_mem_GiB, price_vm; /* of one GiB, and of any VM, for an hour */
	double avail_h;                 /* how long it stays open; INFINITY without end */
};

struct instance_link {
	double latency_ms, bandwidth_MBps;
	double price_per_GB; /* of 10^9 bytes that leave `from` */
};

/* What `to` receives from `from`. Numbers from nvms on are endpoints. */
struct instance_flow {
	uint32_t from, to;
	double packets_s, bytes_s;
	double share; /* of the horizon that it goes on, 0 … 1 */
};

struct instance {
	size_t nvms, nenvs, nendpoints, nflows;
	struct instance_vm *vms;
	struct instance_env *envs;
	struct instance_link *links; /* nenvs x nenvs, [from * nenvs + to] */
	uint32_t *endpoints;         /* environment of each fixed node */
	struct instance_flow *flows;
	struct load typical;  /* the mean of the VMs; solve_instance_measure() */
	double horizon_h;     /* how long the traffic goes on */
	double sync_fraction; /* share of the packets that somebody waits for, 0 … 1 */
	double payback_h;     /* by when a move must save what it costs; 0: by the horizon */
	size_t bytes;         /* size of all files */
	/* What people call them; NULL: they go by their numbers. Borrowed. */
	const char *const *vm_names, *const *env_names;
};

enum instance_file {
	INSTANCE_META,
	INSTANCE_ENVS,
	INSTANCE_LINKS,
	INSTANCE_VMS,
	INSTANCE_ENDPOINTS, /* may be missing */
	INSTANCE_TRAFFIC,
	INSTANCE_FILES
};

extern const char *const solve_instance_file_names[INSTANCE_FILES];

struct instance_text {
	const char *bytes; /* NULL: no such file */
	size_t length;
};

/* solve_instance_parse - *out needs solve_instance_deinit() only after success. Returns 0,
 * GRAPPE_EMEMORY, GRAPPE_ELIMIT or GRAPPE_EFORMAT with "FILE:LINE: what" in message. */
int solve_instance_parse(const struct instance_text texts[INSTANCE_FILES], struct instance *out,
    char *message, size_t size);
/* solve_instance_load - the same from a folder; also GRAPPE_EIO. Messages begin with the path. */
int solve_instance_load(const char *folder, struct instance *out, char *message, size_t size);
#define INSTANCE_NAME_SIZE 256

/* solve_instance_vm_name, solve_instance_env_name - what to call them in messages; a number is
 * written into scratch. */
const char *solve_instance_vm_name(
    const struct instance *instance, uint32_t vm, char scratch[INSTANCE_NAME_SIZE]);
const char *solve_instance_env_name(
    const struct instance *instance, uint32_t env, char scratch[INSTANCE_NAME_SIZE]);

/* solve_instance_measure - after the VMs are filled in by hand. */
void solve_instance_measure(struct instance *instance);
void solve_instance_deinit(struct instance *instance);

#endif
