/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/generate/inject.h"

#include "agent-module/kernel_bpf.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/generate/inject_code.h"

#define FRAMES_PER_CALL 32768
#define BATCH 64
#define COUNT(array) (sizeof(array) / sizeof *(array))

static int load(int map)
{
	struct bpf_insn code[COUNT(inject_code)];
	union bpf_attr attributes;

	memcpy(code, inject_code, sizeof inject_code);
	for (size_t i = 0; i < COUNT(inject_references); i++) {
		code[inject_references[i].place].src_reg = BPF_PSEUDO_MAP_FD;
		code[inject_references[i].place].imm = map;
	}
	memset(&attributes, 0, sizeof attributes);
	attributes.prog_type = BPF_PROG_TYPE_XDP;
	attributes.insns = (uint64_t)(uintptr_t)code;
	attributes.insn_cnt = COUNT(code);
	attributes.license = (uint64_t)(uintptr_t) "GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}

static int run(int program, const uint8_t *frame, size_t length, uint32_t ifindex, uint32_t count)
{
	struct xdp_md context = {.data_end = (uint32_t)length, .ingress_ifindex = ifindex};
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.test.prog_fd = (uint32_t)program;
	attributes.test.data_in = (uint64_t)(uintptr_t)frame;
	attributes.test.data_size_in = (uint32_t)length;
	attributes.test.ctx_in = (uint64_t)(uintptr_t)&context;
	attributes.test.ctx_size_in = sizeof context;
	attributes.test.repeat = count;
	attributes.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attributes.test.batch_size = count < BATCH ? count : BATCH;
	return (int)syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes);
}

int inject_frames(const uint8_t *frame, size_t length, uint32_t ifindex, uint64_t count,
    struct inject_state *state)
{
	const struct kernel_bpf_map wanted = {
	    BPF_MAP_TYPE_ARRAY, 4, sizeof *state, 1, BPF_F_MMAPABLE, "state"};
	const int map = kernel_bpf_map_new(&wanted);
	const int program = map >= 0 ? load(map) : -1;
	struct inject_state *shared = MAP_FAILED;
	int rc = -1;

	if (program >= 0)
		shared = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		    MAP_SHARED, map, 0);
	if (shared != MAP_FAILED) {
		*shared = *state;
		for (rc = 0; count > 0 && rc == 0;) {
			const uint32_t n =
			    count < FRAMES_PER_CALL ? (uint32_t)count : FRAMES_PER_CALL;

			rc = run(program, frame, length, ifindex, n) < 0 ? -1 : 0;
			count -= n;
		}
		*state = *shared;
	}
	close(program);
	close(map);
	return rc;
}
