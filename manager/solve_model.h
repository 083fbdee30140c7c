/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a placement costs: the only place that knows how run time, money, the use of
 * resources and traffic come about (doc/instances.md, "Cost model"). The search sees costs as a sum
 * of what a VM costs in an environment and of what a flow costs between two environments; another
 * model replaces the functions of this header. Pure.
 *
 * Units: hours of VMs, money of the instance, vcpu of open environments, bytes per second.
 */
#ifndef GRAPPE_MANAGER_SOLVE_MODEL_H
#define GRAPPE_MANAGER_SOLVE_MODEL_H

#include "manager/solve_instance.h"

#define COST_TERMS 3

enum cost_objective { COST_TIME, COST_MONEY, COST_RESOURCES, COST_TRAFFIC };

extern const char *const cost_names[]; /* by enum cost_objective; NULL-terminated */

struct cost_totals {
	double time_h;     /* sum over VMs */
	double money;      /* of the VMs' hours and of what leaves environments */
	double resources;  /* vcpu of environments with VMs, and COST_PER_MOVE for each VM moved */
	double makespan_h; /* the longest of all VMs */
	double traffic_Bps, traffic_packets_s; /* between environments, of VMs */
	double moving_h, moving_money; /* of time_h and money: what the moves themselves cost */
	size_t moved;                  /* VMs that are not where they were */
};

/* What one VM has of it. */
struct cost_vm {
	double compute_h, waiting_h, moving_h; /* hours */
	double hosting, transfer;              /* money: for its hours; for what it sends away */
	double moving_money;                   /* of both: what its move costs */
	double traffic_Bps;                    /* that it exchanges with other environments */
};

/* A flow between environments f and e costs the sum over t of weight[t] * table[t][f * nenvs + e].
 */
struct cost_tables {
	unsigned terms;            /* 0: traffic does not count */
	double *table[COST_TERMS]; /* nenvs x nenvs, [from * nenvs + to] */
};

#define COST_PER_MOVE 0.001 /* of the resources objective */

/* solve_model_totals_of - of a whole placement (an environment per VM). Returns 0 or
 * GRAPPE_EMEMORY. */
int solve_model_totals_of(
    const struct instance *instance, const uint32_t *place, struct cost_totals *out);
/* solve_model_vms - the same VM by VM; out[nvms]. */
void solve_model_vms(const struct instance *instance, const uint32_t *place, struct cost_vm *out);
/* solve_model_around - the part of the totals that one VM has a share in: its own and that of the
 * flows (indices, each one with the VM at an end) and of those who receive them. resources,
 * makespan_h and moved stay 0. */
struct cost_totals solve_model_around(const struct instance *instance, const uint32_t *place,
    uint32_t vm, const uint32_t *flows, size_t count);
/* solve_model_value - the number that the objective minimises. */
double solve_model_value(enum cost_objective objective, const struct cost_totals *totals);

/* solve_model_of_vm - what the VM costs in an environment, its reluctance to move there and the
 * move itself included (so that it pays back in time), without traffic. */
double solve_model_of_vm(
    const struct instance *instance, enum cost_objective objective, uint32_t vm, uint32_t env);
/* solve_model_of_open - what it costs that there are VMs in an environment, however many. */
double solve_model_of_open(
    const struct instance *instance, enum cost_objective objective, uint32_t env);
/* solve_model_of_endpoint_flow - what a flow with an endpoint costs while its VM is in an
 * environment. */
double solve_model_of_endpoint_flow(const struct instance *instance, enum cost_objective objective,
    const struct instance_flow *flow, uint32_t env);
/* solve_model_of_flow - the weights of a flow between two VMs. */
void solve_model_of_flow(const struct instance *instance, enum cost_objective objective,
    const struct instance_flow *flow, double weight[COST_TERMS]);
/* solve_model_tables_init - returns 0 or GRAPPE_EMEMORY; deinit it in both cases. */
int solve_model_tables_init(
    const struct instance *instance, enum cost_objective objective, struct cost_tables *out);
void solve_model_tables_deinit(struct cost_tables *tables);

/* cost_migration_MB - what a live migration by pre-copy sends, in 10^6 bytes of 1,024 MB a GiB. */
double cost_migration_MB(const struct instance_vm *vm, double bandwidth_MBps);

#endif
