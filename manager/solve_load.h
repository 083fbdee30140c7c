/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What VMs take up and what environments and hosts have room for. Pure. */
#ifndef GRAPPE_MANAGER_SOLVE_LOAD_H
#define GRAPPE_MANAGER_SOLVE_LOAD_H

#include <stdbool.h>

#define LOAD_ROUNDING 1e-9 /* sums in another order differ by less */

struct load {
	double vcpu, mem_GiB;
	double vms; /* how many; as a limit INFINITY where nobody told one, like the others */
};

static inline void load_add(struct load *sum, const struct load *more)
{
	sum->vcpu += more->vcpu;
	sum->mem_GiB += more->mem_GiB;
	sum->vms += more->vms;
}

static inline void load_take(struct load *sum, const struct load *less)
{
	sum->vcpu -= less->vcpu;
	sum->mem_GiB -= less->mem_GiB;
	sum->vms -= less->vms;
}

static inline bool load_is_within(double value, double limit)
{
	return value <= limit + LOAD_ROUNDING * (1 + limit);
}

/* load_is_over - whether a limit is exceeded. */
static inline bool load_is_over(const struct load *used, const struct load *limit)
{
	return !load_is_within(used->vcpu, limit->vcpu) ||
	       !load_is_within(used->mem_GiB, limit->mem_GiB) ||
	       !load_is_within(used->vms, limit->vms);
}

/* load_fits - whether so much more keeps the limits; what does not grow may be over already. */
static inline bool load_fits(
    const struct load *used, const struct load *more, const struct load *limit)
{
	return (more->vcpu <= 0 || load_is_within(used->vcpu + more->vcpu, limit->vcpu)) &&
	       (more->mem_GiB <= 0 ||
		   load_is_within(used->mem_GiB + more->mem_GiB, limit->mem_GiB)) &&
	       (more->vms <= 0 || load_is_within(used->vms + more->vms, limit->vms));
}

#endif
