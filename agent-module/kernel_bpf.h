/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bpf(2) as far as the sensor uses it: maps, programs and their attachment to an interface by a TCX
 * link. The system call itself, because Debian 12's libbpf knows no TCX and nothing more is needed.
 * All functions set errno on failure. Descriptors are closed on exec. Any thread.
 */
#ifndef GRAPPE_AGENT_MODULE_KERNEL_BPF_H
#define GRAPPE_AGENT_MODULE_KERNEL_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_bpf_map {
	enum bpf_map_type type;
	uint32_t key_size, value_size, entries, flags;
	const char *name; /* at most 15 letters, digits and underscores; shown by bpftool */
};

/* kernel_bpf_map_new - a map; returns its descriptor or -1. */
int kernel_bpf_map_new(const struct kernel_bpf_map *map);
/* kernel_bpf_map_put / kernel_bpf_map_remove - set or delete one entry. Return 0 or -1. */
int kernel_bpf_map_put(int fd, const void *key, const void *value);
int kernel_bpf_map_remove(int fd, const void *key);

/* kernel_bpf_program_new - loads a program for tc hooks (BPF_PROG_TYPE_SCHED_CLS). When the
 * verifier refuses it, the end of what it says is in log[size]. Returns its descriptor or -1. */
int kernel_bpf_program_new(
    const struct bpf_insn *code, size_t count, const char *name, char *log, size_t size);

/* kernel_bpf_attach_tcx - attaches to frames that the interface receives (ingress) or sends, before
 * all other programs: each of them may be the last that sees a frame.
 * Returns the descriptor of the link, which detaches when it is closed, or -1; EINVAL: a kernel
 * before 6.6. */
int kernel_bpf_attach_tcx(int program, uint32_t ifindex, bool ingress);
/* kernel_bpf_is_attached - whether a link of kernel_bpf_attach_tcx() still has its interface. */
bool kernel_bpf_is_attached(int link);

#endif
