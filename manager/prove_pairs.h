/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pairs of units cost each other, in the form that prove.c needs: per pair a matrix over the
 * environments of both, and the same split into what each unit pays on its own and what the pair
 * saves by its places. Pure.
 *
 * Life-cycle: prove_pairs_build(), prove_pairs_split() for each, prove_pairs_deinit().
 */
#ifndef GRAPPE_MANAGER_PROVE_PAIRS_H
#define GRAPPE_MANAGER_PROVE_PAIRS_H

#include "manager/solve_graph.h"

struct prove_pair {
	uint32_t u, w; /* units, u < w */
	double *cost;  /* [place of u * envs + place of w], both directions together */
};

struct prove_pairs {
	struct prove_pair *items;
	size_t count;
	uint32_t envs;
};

/* prove_pairs_build - every two units between which there are flows that cost something. Returns 0
 * or GRAPPE_EMEMORY; deinit it in both cases. */
int prove_pairs_build(const struct instance *instance, const struct bounds *bounds,
    enum cost_objective objective, struct prove_pairs *out);
void prove_pairs_deinit(struct prove_pairs *pairs);

/* prove_pairs_split - finds alone_u[e] and alone_w[f] (envs each) whose sum is nowhere below the
 * cost, and leaves the difference in the pair's matrix: at most 0 for places that both units are
 * allowed (bits), and 0 itself for as many as make a tree of them. Returns how many are below 0. */
size_t prove_pairs_split(const struct prove_pairs *pairs, struct prove_pair *pair,
    uint64_t allowed_u, uint64_t allowed_w, double *alone_u, double *alone_w);

#endif
