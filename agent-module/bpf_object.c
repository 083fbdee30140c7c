/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/bpf_object.h"

#include "agent-module/kernel_bpf.h"
#include "common/error.h"

#include "agent-module/bpf_code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CODE_MAX 4096
#define STATIONS_MAX 65536
#define RING_BYTES (1u << 20)
#define RING_HEADER 8
#define LOG_SIZE 200

/* ---- maps and programs ---- */

static size_t page_ceiling(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static int new_maps(struct bpf_object *object, size_t nendpoints, char *message, size_t size)
{
	const struct kernel_bpf_map maps[BPF_MAPS] = {
	    [BPF_MAP_SETTINGS] = {BPF_MAP_TYPE_ARRAY, 4, sizeof(struct bpf_settings), 1,
		BPF_F_MMAPABLE, "settings"},
	    [BPF_MAP_ROWS] = {BPF_MAP_TYPE_ARRAY, 4, sizeof(struct bpf_row),
		(uint32_t)(BPF_TABLES * object->table_rows), BPF_F_MMAPABLE, "rows"},
	    [BPF_MAP_VIF_COUNTS] = {BPF_MAP_TYPE_ARRAY, 4, sizeof(struct bpf_vif_counts),
		BPF_TABLES * BPF_VIFS_MAX, BPF_F_MMAPABLE, "vif_counts"},
	    [BPF_MAP_STATIONS] = {BPF_MAP_TYPE_HASH, sizeof(struct bpf_station), 4, STATIONS_MAX,
		BPF_F_NO_PREALLOC, "stations"},
	    [BPF_MAP_ENDPOINTS] = {BPF_MAP_TYPE_HASH, sizeof(struct bpf_endpoint), 4,
		(uint32_t)nendpoints + 1, BPF_F_NO_PREALLOC, "endpoints"},
	    [BPF_MAP_SEEN] = {BPF_MAP_TYPE_ARRAY, 4, 8, BPF_SEEN_MAX, BPF_F_MMAPABLE, "seen"},
	    [BPF_MAP_LEARNT] = {BPF_MAP_TYPE_RINGBUF, 0, 0, RING_BYTES, 0, "learnt"},
	};

	for (size_t i = 0; i < BPF_MAPS; i++) {
		object->maps[i] = kernel_bpf_map_new(&maps[i]);
		if (object->maps[i] < 0) {
			snprintf(message, size, "bpf map %s: %s", maps[i].name, strerror(errno));
			return GRAPPE_EIO;
		}
		if (maps[i].type == BPF_MAP_TYPE_ARRAY)
			object->memory +=
			    page_ceiling((size_t)maps[i].entries * maps[i].value_size);
	}
	object->memory += RING_BYTES;
	return GRAPPE_OK;
}

static void *map_memory(const struct bpf_object *object, enum bpf_map_number map, size_t bytes)
{
	void *memory = mmap(
	    NULL, page_ceiling(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, object->maps[map], 0);

	return memory != MAP_FAILED ? memory : NULL;
}

static void unmap_memory(void *memory, size_t bytes)
{
	if (memory != NULL)
		munmap(memory, page_ceiling(bytes));
}

/* The ring: a page of ours, a page of the kernel's, then its bytes, twice in a row. */
static bool map_ring(struct bpf_object *object)
{
	const size_t page = page_ceiling(1);
	void *consumer =
	    mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, object->maps[BPF_MAP_LEARNT], 0);
	void *producer = mmap(NULL, page + 2 * RING_BYTES, PROT_READ, MAP_SHARED,
	    object->maps[BPF_MAP_LEARNT], (off_t)page);

	object->ring_consumer = consumer != MAP_FAILED ? consumer : NULL;
	object->ring_producer = producer != MAP_FAILED ? producer : NULL;
	return object->ring_consumer != NULL && object->ring_producer != NULL;
}

static size_t rows_bytes(const struct bpf_object *object)
{
	return BPF_TABLES * object->table_rows * sizeof(struct bpf_row);
}

#define VIF_COUNTS_BYTES (BPF_TABLES * BPF_VIFS_MAX * sizeof(struct bpf_vif_counts))

static int map_all(struct bpf_object *object, char *message, size_t size)
{
	object->settings = map_memory(object, BPF_MAP_SETTINGS, sizeof *object->settings);
	object->rows = map_memory(object, BPF_MAP_ROWS, rows_bytes(object));
	object->vif_counts = map_memory(object, BPF_MAP_VIF_COUNTS, VIF_COUNTS_BYTES);
	object->seen = map_memory(object, BPF_MAP_SEEN, BPF_SEEN_BYTES);
	if (map_ring(object) && object->settings != NULL && object->rows != NULL &&
	    object->vif_counts != NULL && object->seen != NULL)
		return GRAPPE_OK;
	snprintf(message, size, "mapping bpf memory: %s", strerror(errno));
	return GRAPPE_EIO;
}

static int map_by_name(const char *name)
{
	static const char *const names[BPF_MAPS] = {[BPF_MAP_SETTINGS] = "settings",
	    [BPF_MAP_ROWS] = "rows",
	    [BPF_MAP_VIF_COUNTS] = "vif_counts",
	    [BPF_MAP_STATIONS] = "stations",
	    [BPF_MAP_ENDPOINTS] = "endpoints",
	    [BPF_MAP_SEEN] = "seen",
	    [BPF_MAP_LEARNT] = "learnt"};
	int i = 0;

	while (i < BPF_MAPS - 1 && strcmp(names[i], name) != 0)
		i++;
	return i;
}

static int load(const struct bpf_object *object, const char *name, const uint64_t *words,
    size_t count, const struct bpf_reference *references, size_t nreferences, char *message,
    size_t size)
{
	struct bpf_insn code[CODE_MAX];
	char log[LOG_SIZE];
	int fd;

	_Static_assert(sizeof *code == sizeof *words, "an instruction has eight bytes");
	memcpy(code, words, count * sizeof *words);
	for (size_t i = 0; i < nreferences; i++) {
		code[references[i].place].src_reg = BPF_PSEUDO_MAP_FD;
		code[references[i].place].imm = object->maps[map_by_name(references[i].map)];
	}
	fd = kernel_bpf_program_new(code, count, name, log, sizeof log);
	if (fd < 0)
		/* Without CAP_PERFMON the verifier also follows paths that are never taken. */
		snprintf(message, size, "bpf program %s: %s%s%s%s", name, strerror(errno),
		    errno == EACCES ? " (CAP_PERFMON is needed to load it)" : "",
		    log[0] != '\0' ? ": ..." : "", log);
	return fd;
}

static int load_programs(struct bpf_object *object, char *message, size_t size)
{
	_Static_assert(COUNT(count_code) <= CODE_MAX && COUNT(learn_code) <= CODE_MAX, "room");
	object->programs[0] = load(object, "grappe_count", count_code, COUNT(count_code),
	    count_references, COUNT(count_references), message, size);
	if (object->programs[0] >= 0)
		object->programs[1] = load(object, "grappe_learn", learn_code, COUNT(learn_code),
		    learn_references, COUNT(learn_references), message, size);
	return object->programs[1] >= 0 ? GRAPPE_OK : GRAPPE_EIO;
}

/* An address as the programs see it. */
static uint32_t peer_from_address(const struct address *address, uint64_t peer[2])
{
	peer[0] = peer[1] = 0;
	if (address->type == ADDRESS_IPV6) {
		memcpy(peer, address->bytes, 16);
		return BPF_KEY_IPV6;
	}
	memcpy(&peer[1], address->bytes, 4);
	return 0;
}

static int put_endpoints(
    const struct bpf_object *object, const struct address *endpoints, size_t count)
{
	const uint32_t one = 1;

	for (size_t i = 0; i < count; i++) {
		struct bpf_endpoint endpoint = {0};

		endpoint.family = peer_from_address(&endpoints[i], endpoint.peer);
		if (kernel_bpf_map_put(object->maps[BPF_MAP_ENDPOINTS], &endpoint, &one) != 0)
			return GRAPPE_EIO;
	}
	return GRAPPE_OK;
}

/* ---- life ---- */

static int put_settings(const struct bpf_object *object, uint32_t pairs_per_vif,
    const struct address *endpoints, size_t nendpoints)
{
	object->settings->rows = (uint32_t)object->table_rows;
	object->settings->pairs_per_vif = pairs_per_vif;
	object->settings->endpoints = (uint32_t)nendpoints;
	if (getrandom(object->settings->secret, sizeof object->settings->secret, 0) !=
	    sizeof object->settings->secret)
		return GRAPPE_EIO;
	return put_endpoints(object, endpoints, nendpoints);
}

int bpf_object_open(struct bpf_object *object, uint32_t pairs, uint32_t pairs_per_vif,
    const struct address *endpoints, size_t nendpoints, char *message, size_t size)
{
	int rc;

	*object = (struct bpf_object){.table_rows = 2 * BPF_PROBES};
	memset(object->maps, -1, sizeof object->maps);
	memset(object->programs, -1, sizeof object->programs);
	/* Half empty, so that a pair is found after few looks. */
	while (object->table_rows < 2 * (size_t)pairs)
		object->table_rows *= 2;
	rc = new_maps(object, nendpoints, message, size);
	if (rc == GRAPPE_OK)
		rc = map_all(object, message, size);
	if (rc == GRAPPE_OK)
		rc = load_programs(object, message, size);
	if (rc != GRAPPE_OK)
		return rc;
	rc = put_settings(object, pairs_per_vif, endpoints, nendpoints);
	if (rc != GRAPPE_OK)
		snprintf(message, size, "bpf settings: %s", strerror(errno));
	return rc;
}

void bpf_object_close(struct bpf_object *object)
{
	const size_t page = page_ceiling(1);

	unmap_memory(object->settings, sizeof *object->settings);
	unmap_memory(object->rows, rows_bytes(object));
	unmap_memory(object->vif_counts, VIF_COUNTS_BYTES);
	unmap_memory(object->seen, BPF_SEEN_BYTES);
	unmap_memory(object->ring_consumer, page);
	unmap_memory((void *)(uintptr_t)object->ring_producer, page + 2 * RING_BYTES);
	for (size_t i = 0; i < BPF_MAPS; i++)
		if (object->maps[i] >= 0)
			close(object->maps[i]);
	for (size_t i = 0; i < BPF_PROGRAMS; i++)
		if (object->programs[i] >= 0)
			close(object->programs[i]);
}

/* ---- the ring ---- */

/* The record at this position; false when it is not complete yet. *advance: to the next one. */
static bool take_record(const struct bpf_object *object, uint64_t position,
    bpf_object_learnt *learnt, void *context, uint32_t *advance)
{
	const uint8_t *bytes = object->ring_producer + page_ceiling(1) + position % RING_BYTES;
	const uint32_t head =
	    __atomic_load_n((const uint32_t *)(const void *)bytes, __ATOMIC_ACQUIRE);
	const uint32_t length = head & ~(uint32_t)(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	struct bpf_learnt record;

	if ((head & BPF_RINGBUF_BUSY_BIT) != 0)
		return false;
	*advance = (length + RING_HEADER + 7) / 8 * 8;
	if ((head & BPF_RINGBUF_DISCARD_BIT) != 0 || length != sizeof record)
		return true;
	memcpy(&record, bytes + RING_HEADER, sizeof record);
	if (record.captured <= sizeof record.bytes)
		learnt(context, &record);
	return true;
}

void bpf_object_read_ring(const struct bpf_object *object, bpf_object_learnt *learnt, void *context)
{
	uint64_t *const consumer = (uint64_t *)(void *)object->ring_consumer;
	const uint64_t *const producer = (const uint64_t *)(const void *)object->ring_producer;
	const uint64_t until = __atomic_load_n(producer, __ATOMIC_ACQUIRE);
	uint64_t at = *consumer;
	uint32_t advance;

	while (at < until && take_record(object, at, learnt, context, &advance)) {
		at += advance;
		__atomic_store_n(consumer, at, __ATOMIC_RELEASE);
	}
}
