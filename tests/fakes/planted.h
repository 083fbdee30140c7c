/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traffic with known groups: virtual clusters of 1 to 64 VMs whose sizes follow a power law, each
 * with a pattern of its own (all-to-all, chain, grid, star, tiers, random) and an intensity of its
 * own; pairs inside are heavy-tailed. Between clusters there is noise, a share of all traffic, and
 * hubs that talk lightly to up to 500 VMs anywhere. The same seed gives the same traffic.
 */
#ifndef GRAPPE_TESTS_FAKES_PLANTED_H
#define GRAPPE_TESTS_FAKES_PLANTED_H

#include "common/matrix.h"

#include <stdint.h>

struct planted_wish {
	uint32_t vms;
	double noise;  /* share of the traffic that is between clusters, hubs included */
	uint32_t hubs; /* how many VMs are shared services */
	unsigned short seed;
};

struct planted {
	struct matrix *matrix; /* of 30 s; node i is "vm<i>" */
	uint32_t *group_of;    /* per VM; hubs are groups 0 … hubs - 1, each alone */
};

/* planted_make - ends the program when memory is short. */
struct planted planted_make(const struct planted_wish *wish);
void planted_free(struct planted *planted);

/* planted_agreement - adjusted Rand index of two partitions of count nodes: 1 the same, 0 as good
 * as chance. Values are below count. */
double planted_agreement(const uint32_t *one, const uint32_t *other, uint32_t count);

#endif
