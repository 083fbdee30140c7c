/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bpf back end: counts in the kernel, without a copy of any frame. One table of pairs for all
 * virtual NICs of the host, filled by the programs of bpf_count.bpf.c, which are attached to each
 * interface by a TCX link (Linux 6.6) or as clsact filters; read here through shared memory.
 *
 * Time. There are two tables. The programs take the one of the period that the kernel's clock is
 * in; the boundary between the two is set ahead, so it does not matter when this side wakes up, as
 * long as it does within a period. bpf_counter_collect() empties the table of the period that has
 * ended and gives it to the one after the next. A boundary is an instant of the monotonic clock;
 * bpf_counter_tick() moves it when the wall clock was set.
 *
 * Life-cycle: bpf_counter_open(), then per interface bpf_counter_attach(), per virtual NIC
 * bpf_counter_watch() … bpf_counter_unwatch(), bpf_counter_detach(); bpf_counter_tick() when the
 * time is looked at, bpf_counter_collect() before periods are closed, bpf_counter_learn() now and
 * then; bpf_counter_close(). One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_BPF_COUNTER_H
#define GRAPPE_AGENT_MODULE_BPF_COUNTER_H

#include "agent-module/counted.h"
#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BPF_COUNTER_MARGIN_NS                                                                      \
	(100 * CLOCK_MILLISECOND_NS) /* a table rests so long before it is read */

/* How programs are attached to an interface. */
enum bpf_way {
	BPF_WAY_AUTO, /* the first of these that the kernel knows */
	BPF_WAY_TCX,
	BPF_WAY_CLSACT,
};

struct bpf_counter_options {
	uint32_t length_s; /* of a period */
	uint32_t pairs;    /* of all virtual NICs together that find room in a table at least */
	uint32_t pairs_per_vif;
	enum bpf_way way;
	const struct address *endpoints; /* named endpoints; copied */
	size_t nendpoints;
	void (*counted)(void *context, const struct counted *counted);
	/* A frame that the guest sent and that tells something of it. */
	void (*learnt)(void *context, uint32_t ifindex, const uint8_t *bytes, uint32_t captured,
	    uint32_t length);
	/* This side was held up for more than a period: what was counted between the end of the
	 * period end_s and until_ns (wall clock) could not be cut and is in that period. */
	void (*merged)(void *context, int64_t end_s, int64_t until_ns);
	void *context;
};

struct bpf_counter; /* opaque */
struct bpf_port;    /* opaque; an interface with the programs attached */

/* bpf_counter_open - loads programs and maps, and removes what dead predecessors left attached in
 * this network namespace. Returns 0, GRAPPE_EIO, GRAPPE_EMEMORY or GRAPPE_EUNSUPPORTED with the
 * reason in message[size]. wall_ns, monotonic_ns: the present time. */
int bpf_counter_open(const struct bpf_counter_options *options, int64_t wall_ns,
    int64_t monotonic_ns, struct bpf_counter **out, char *message, size_t size);
/* bpf_counter_close - all ports must be detached. NULL is allowed. */
void bpf_counter_close(struct bpf_counter *counter);
/* bpf_counter_way - how programs are attached; BPF_WAY_AUTO before the first. */
enum bpf_way bpf_counter_way(const struct bpf_counter *counter);

/* bpf_counter_attach - reversed: the interface receives what is delivered to the guest (macvtap).
 * Returns 0, GRAPPE_EIO or GRAPPE_EMEMORY with the reason in message[size]. */
int bpf_counter_attach(struct bpf_counter *counter, uint32_t ifindex, bool reversed,
    struct bpf_port **out, char *message, size_t size);
/* bpf_counter_is_attached - false when the programs were taken off by others, or with the
 * interface, as when it went to another network namespace: nothing is counted any more. */
bool bpf_counter_is_attached(struct bpf_counter *counter, struct bpf_port *port);
/* bpf_counter_detach - at once; what was counted stays to be collected. NULL is allowed. */
void bpf_counter_detach(struct bpf_counter *counter, struct bpf_port *port);

/* bpf_counter_watch - from now on frames on the port for one of the MACs count for `handle` (>= 0,
 * the caller's; it must stay the same NIC's until what was counted is collected twice after
 * bpf_counter_unwatch()). Returns a number for bpf_counter_unwatch(), GRAPPE_ELIMIT or GRAPPE_EIO.
 */
int bpf_counter_watch(struct bpf_counter *counter, struct bpf_port *port, const struct mac *macs,
    size_t nmacs, int handle);
void bpf_counter_unwatch(struct bpf_counter *counter, struct bpf_port *port, int number);

/* bpf_counter_tick - tells the time; when the wall clock was set, what was counted is collected for
 * the periods of the old time first. To be called before the accounting hears of the new time. */
void bpf_counter_tick(struct bpf_counter *counter, int64_t wall_ns, int64_t monotonic_ns);
/* bpf_counter_collect - empties the table of the period that ended at least BPF_COUNTER_MARGIN_NS
 * ago, if there is one; with `all` also what is being filled. */
void bpf_counter_collect(struct bpf_counter *counter, bool all);
/* bpf_counter_learn - hands over the frames that wait. */
void bpf_counter_learn(struct bpf_counter *counter);
/* bpf_counter_stop - from now on nothing is counted. */
void bpf_counter_stop(struct bpf_counter *counter);

/* bpf_counter_program - descriptor of a program, for tests that run it on frames of their own: 0
 * counts what is delivered to the guest, 1 learns from what the guest sends. */
int bpf_counter_program(const struct bpf_counter *counter, int which);
/* bpf_counter_memory - bytes of kernel memory that maps hold. */
size_t bpf_counter_memory(const struct bpf_counter *counter);

#endif
