/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The programs and maps of the bpf back end as they lie in the kernel, and their memory as it is
 * seen here. What they mean: bpf_layout.h. For bpf_counter.c only, which owns one.
 *
 * Life-cycle: bpf_object_open(), use, bpf_object_close(). One thread, beside the programs
 * themselves.
 */
#ifndef GRAPPE_AGENT_MODULE_BPF_OBJECT_H
#define GRAPPE_AGENT_MODULE_BPF_OBJECT_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent-module/bpf_layout.h"

#define BPF_SEEN_BYTES (BPF_SEEN_MAX * sizeof(uint64_t))

enum bpf_map_number {
	BPF_MAP_SETTINGS,
	BPF_MAP_ROWS,
	BPF_MAP_VIF_COUNTS,
	BPF_MAP_STATIONS,
	BPF_MAP_ENDPOINTS,
	BPF_MAP_SEEN,
	BPF_MAP_LEARNT,
	BPF_MAPS
};

enum bpf_program_number { BPF_PROGRAM_COUNT, BPF_PROGRAM_LEARN, BPF_PROGRAMS };

struct bpf_object {
	int maps[BPF_MAPS], programs[BPF_PROGRAMS]; /* descriptors; -1: none */
	size_t table_rows;                          /* of each of the BPF_TABLES tables */
	size_t memory;                              /* bytes of all maps */
	/* mapped */
	struct bpf_settings *settings;
	struct bpf_row *rows;
	struct bpf_vif_counts *vif_counts;
	uint64_t *seen;
	uint8_t *ring_consumer;       /* the page of the ring that is written here */
	const uint8_t *ring_producer; /* the kernel's page of it and what it holds */
};

/* A record that was taken from the ring: `captured` of `length` bytes of a frame. */
typedef void bpf_object_learnt(void *context, const struct bpf_learnt *record);

/* bpf_object_open - pairs: room in each table at least; endpoints: what the programs count as sent.
 * Counting begins when settings->boundary is set. Returns 0, GRAPPE_EIO or GRAPPE_EMEMORY with the
 * reason in message[size]; bpf_object_close() in any case. */
int bpf_object_open(struct bpf_object *object, uint32_t pairs, uint32_t pairs_per_vif,
    const struct address *endpoints, size_t nendpoints, char *message, size_t size);
void bpf_object_close(struct bpf_object *object);

/* bpf_object_read_ring - takes all records that are complete. */
void bpf_object_read_ring(
    const struct bpf_object *object, bpf_object_learnt *learnt, void *context);

#endif
