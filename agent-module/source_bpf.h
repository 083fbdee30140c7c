/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An interface under the bpf back end: the programs of a bpf_counter attached to it. What they
 * count comes through the counter (bpf_counter.h), not through source_read(). See source.h.
 */
#ifndef GRAPPE_AGENT_MODULE_SOURCE_BPF_H
#define GRAPPE_AGENT_MODULE_SOURCE_BPF_H

#include "agent-module/bpf_counter.h"
#include "agent-module/source.h"

/* source_bpf_open - attaches; the counter is borrowed and must outlive the source. reversed: as in
 * bpf_counter_attach(). Returns 0, GRAPPE_EIO or GRAPPE_EMEMORY, with the reason in message[size].
 */
int source_bpf_open(struct bpf_counter *counter, uint32_t ifindex, bool reversed,
    struct source **out, char *message, size_t size);

#endif
