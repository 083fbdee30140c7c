/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injects one IPv4 frame many times into an interface as if it had received it (BPF_PROG_TEST_RUN
 * with live frames, Linux 5.18), each time with the source address of the next pair: three times as
 * fast as sending, because neither a system call nor a crossing of a veth is paid per packet.
 *
 * The interface needs "ethtool -K IF gro on"; the caller needs root.
 */
#ifndef GRAPPE_TESTS_BENCH_INJECT_H
#define GRAPPE_TESTS_BENCH_INJECT_H

#include <stddef.h>
#include <stdint.h>

struct inject_state {
	uint64_t pair, pairs; /* the present one; how many */
	uint64_t step;        /* to the next one */
	uint64_t train;       /* packets in a row of one pair */
	uint64_t sent;
	uint32_t checksum; /* sum of the IP header's words without source and checksum */
	uint32_t reserved;
};

/* inject_frames - injects `count` copies of frame[length] into ifindex; *state is where it begins,
 * and where it ended. Returns 0 or -1 (errno). */
int inject_frames(const uint8_t *frame, size_t length, uint32_t ifindex, uint64_t count,
    struct inject_state *state);

#endif
