/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attaches bpf programs to an interface as filters of a clsact queueing discipline (tc-bpf(8)): the
 * way of kernels before 6.6, which know no TCX. Unlike a TCX link such a filter outlives the
 * process that made it, so each carries a name that tells its owner, and what a dead owner left can
 * be found and removed.
 *
 * Life-cycle: tc_open(), the rest as wanted, tc_close(), which removes nothing. Speaks rtnetlink
 * and waits for the kernel's answer each time. One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_TC_FILTER_H
#define GRAPPE_AGENT_MODULE_TC_FILTER_H

#include "agent-module/tc_answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tc; /* opaque */

/* tc_open - returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int tc_open(struct tc **out);
/* tc_close - NULL is allowed. */
void tc_close(struct tc *tc);

/*
 * tc_make_room - makes the interface's clsact discipline unless it is there. *made: it was not.
 * Returns 0 or GRAPPE_EIO (errno; EBUSY: an "ingress" discipline is in its place, which has no room
 * for what is sent).
 */
int tc_make_room(struct tc *tc, uint32_t ifindex, bool *made);
/* tc_remove_room - takes the discipline away if no filter is left in it. */
void tc_remove_room(struct tc *tc, uint32_t ifindex);

/* tc_attach - a filter before all others of that direction: each of them may be the last that sees
 * a frame. Returns 0 or GRAPPE_EIO (errno; EBUSY: there is one before which there can be none). */
int tc_attach(struct tc *tc, uint32_t ifindex, bool ingress, int program, const char *name);

/* Whether the filter of this name is meant. */
typedef bool tc_wanted(void *context, const char *name);

/* tc_count - how many bpf filters of both directions wanted() says to be meant, or GRAPPE_EIO. */
int tc_count(struct tc *tc, uint32_t ifindex, tc_wanted *wanted, void *context);
/* tc_detach - removes those bpf filters of both directions that wanted() says to be meant. Returns
 * how many, or GRAPPE_EIO. */
int tc_detach(struct tc *tc, uint32_t ifindex, tc_wanted *wanted, void *context);
/* tc_sweep - tc_detach() on every interface that has a clsact discipline, and takes away those that
 * are empty thereby. Returns how many filters, or GRAPPE_EIO. */
int tc_sweep(struct tc *tc, tc_wanted *wanted, void *context);

#endif
