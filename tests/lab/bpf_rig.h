/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bpf counter on the loopback of a network namespace, whose programs are run on frames of a
 * test's own (BPF_PROG_TEST_RUN). For tests/lab/bpf_frames.c and bpf_rules.c, which count here what
 * passed and failed. Needs root; what cannot be made ends the program.
 */
#ifndef GRAPPE_TESTS_LAB_BPF_RIG_H
#define GRAPPE_TESTS_LAB_BPF_RIG_H

#include "agent-module/bpf_counter.h"
#include "common/clock.h"

#define LOOPBACK 1 /* ifindex in a new namespace */
#define HANDLE 7
#define GUEST_MAC "02:00:00:00:00:01"
#define OTHER_MAC "02:00:00:00:00:02"
#define LENGTH_S 30
#define START_NS (INT64_C(1800000000) * CLOCK_SECOND_NS) /* the start of a period */
#define TOLD_MAX 8192

extern int rig_passed, rig_failed;

/* What the counter told; zeroed by who looks at it. */
extern struct rig_told {
	struct counted counted[TOLD_MAX];
	size_t count;
	unsigned learnt, merged;
	uint32_t learnt_length;
	uint8_t last_mac; /* the last byte of the source */
} rig_told;

extern uint32_t rig_pairs;                                 /* room of the next counter's table */
extern uint32_t rig_length_s;                              /* of its periods */
extern const struct bpf_counter *rig_receives_when_merged; /* a frame comes just then */

/* rig_check - prints and counts one verdict. */
void rig_check(bool good, const char *what);
struct bpf_counter *rig_open(uint32_t pairs_per_vif, const struct address *endpoint);
/* rig_attach - watches GUEST_MAC as HANDLE. *number: of bpf_counter_watch(). */
struct bpf_port *rig_attach(struct bpf_counter *counter, int *number);
/* rig_run - a program (as of bpf_counter_program()) on one frame. gso_size, gso_segs: 0 for a frame
 * as it is. Returns false (errno) when the kernel does not take it. */
bool rig_run(const struct bpf_counter *counter, int which, const uint8_t *bytes, size_t length,
    uint32_t gso_size, uint32_t gso_segs);
/* rig_run_from - a datagram of this peer to the guest, or of the guest from this address. */
void rig_run_from(const struct bpf_counter *counter, int which, unsigned peer);
/* rig_collect - all that was counted is in rig_told, and nothing else. */
void rig_collect(struct bpf_counter *counter);

/* bpf_rules_test - limits, hashing, neighbours, learning, time, numbers of virtual NICs. */
void bpf_rules_test(void);

#endif
