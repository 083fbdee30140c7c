/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lab/bpf_rig.h"

#include "common/error.h"
#include "tests/unit/frames.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int rig_passed, rig_failed;
uint32_t rig_pairs = 64;
uint32_t rig_length_s = LENGTH_S;

void rig_check(bool good, const char *what)
{
	printf("%s  %s\n", good ? "ok  " : "FAIL", what);
	*(good ? &rig_passed : &rig_failed) += 1;
}

struct rig_told rig_told;

static void on_counted(void *context, const struct counted *counted)
{
	(void)context;
	if (rig_told.count < TOLD_MAX)
		rig_told.counted[rig_told.count++] = *counted;
}

static void on_learnt(
    void *context, uint32_t ifindex, const uint8_t *bytes, uint32_t captured, uint32_t length)
{
	(void)context;
	rig_told.last_mac = bytes[11];
	rig_told.learnt += ifindex == LOOPBACK;
	rig_told.learnt_length = length > captured ? captured : length;
}

const struct bpf_counter *rig_receives_when_merged;

static void on_merged(void *context, int64_t end_s, int64_t until_ns)
{
	(void)context;
	rig_told.merged += until_ns > end_s * CLOCK_SECOND_NS;
	if (rig_receives_when_merged != NULL)
		rig_run_from(rig_receives_when_merged, 0, 1);
}

struct bpf_counter *rig_open(uint32_t pairs_per_vif, const struct address *endpoint)
{
	const struct bpf_counter_options options = {.length_s = rig_length_s,
	    .pairs = rig_pairs,
	    .pairs_per_vif = pairs_per_vif,
	    .endpoints = endpoint,
	    .nendpoints = endpoint != NULL ? 1 : 0,
	    .counted = on_counted,
	    .learnt = on_learnt,
	    .merged = on_merged};
	struct bpf_counter *counter;
	char message[400];

	/* The table's period is one of the far future, but its boundary is that of the kernel's
	 * clock. */
	if (bpf_counter_open(&options, START_NS, clock_monotonic_ns(), &counter, message,
		sizeof message) != GRAPPE_OK) {
		fprintf(stderr, "bpf_frames: %s\n", message);
		exit(EXIT_FAILURE);
	}
	return counter;
}

struct bpf_port *rig_attach(struct bpf_counter *counter, int *number)
{
	struct bpf_port *port;
	struct mac mac;
	char message[400];

	(void)mac_parse(GUEST_MAC, &mac);
	if (bpf_counter_attach(counter, LOOPBACK, false, &port, message, sizeof message) !=
	    GRAPPE_OK) {
		fprintf(stderr, "bpf_frames: %s\n", message);
		exit(EXIT_FAILURE);
	}
	*number = bpf_counter_watch(counter, port, &mac, 1, HANDLE);
	return port;
}

bool rig_run(const struct bpf_counter *counter, int which, const uint8_t *bytes, size_t length,
    uint32_t gso_size, uint32_t gso_segs)
{
	struct __sk_buff context = {
	    .ifindex = LOOPBACK, .gso_size = gso_size, .gso_segs = gso_segs};
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.test.prog_fd = (uint32_t)bpf_counter_program(counter, which);
	attributes.test.data_in = (uint64_t)(uintptr_t)bytes;
	attributes.test.data_size_in = (uint32_t)length;
	attributes.test.ctx_in = (uint64_t)(uintptr_t)&context;
	attributes.test.ctx_size_in = sizeof context;
	attributes.test.repeat = 1;
	return syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes) == 0;
}

void rig_collect(struct bpf_counter *counter)
{
	rig_told.count = 0;
	bpf_counter_collect(counter, true);
}

void rig_run_from(const struct bpf_counter *counter, int which, unsigned peer)
{
	struct made_frame frame;
	char source[32];

	snprintf(source, sizeof source, "198.18.%u.%u", peer / 256, peer % 256);
	frame_make_udp(&frame, which == 0 ? GUEST_MAC : OTHER_MAC,
	    which == 0 ? OTHER_MAC : GUEST_MAC, source, "192.0.2.1", 0);
	(void)rig_run(counter, which, frame.bytes, frame.length, 0, 0);
}
