/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_instance.h"

#include "common/error.h"
#include "common/file.h"
#include "manager/solve_table.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 4096

const char *const solve_instance_file_names[INSTANCE_FILES] = {
    [INSTANCE_META] = "meta.tsv",
    [INSTANCE_ENVS] = "envs.tsv",
    [INSTANCE_LINKS] = "links.tsv",
    [INSTANCE_VMS] = "vms.tsv",
    [INSTANCE_ENDPOINTS] = "endpoints.tsv",
    [INSTANCE_TRAFFIC] = "traffic.tsv",
};

static const char *const headers[INSTANCE_FILES] = {
    [INSTANCE_META] = "key\tvalue",
    [INSTANCE_ENVS] = "env\tkind\tcap_vcpu\tcap_mem_gb\tpower\tprice_vcpu_h\tavail_h",
    [INSTANCE_LINKS] = "from\tto\tlatency_ms\tbandwidth_MBps\tprice_per_GB",
    [INSTANCE_VMS] = "vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_env",
    [INSTANCE_ENDPOINTS] = "endpoint\tenv",
    [INSTANCE_TRAFFIC] = "src\tdst\tpackets_s\tbytes_s",
};

/* ---- the files, each into its part of the instance; faults stay in the table ---- */

static void read_meta(struct table *t, struct instance *in)
{
	static const struct {
		const char *key;
		size_t offset;
		double lowest, highest;
	} keys[] = {
	    {"horizon_h", offsetof(struct instance, horizon_h), 1e-6, 1e6},
	    {"sync_fraction", offsetof(struct instance, sync_fraction), 0, 1},
	};
	bool seen[sizeof keys / sizeof *keys] = {false};

	while (solve_table_next(t)) {
		char key[TABLE_WORD_SIZE];
		size_t i = 0;

		solve_table_word(t, "key", key);
		while (i < sizeof keys / sizeof *keys && strcmp(keys[i].key, key) != 0)
			i++;
		if (i == sizeof keys / sizeof *keys) {
			solve_table_skip(t);
			continue;
		}
		if (seen[i])
			solve_table_fail(t, GRAPPE_EFORMAT, "%s stands there twice", key);
		*(double *)((char *)in + keys[i].offset) =
		    solve_table_number(t, key, keys[i].lowest, keys[i].highest);
		seen[i] = true;
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!seen[i])
			solve_table_fail(t, GRAPPE_EFORMAT, "key %s is missing", keys[i].key);
}

/* Room for as many items as there can be lines, at most `most`. */
static void *make_room(struct table *t, size_t most, size_t item)
{
	const size_t lines = solve_table_lines(t);
	void *room = calloc((lines < most ? lines : most) + 1, item);

	if (room == NULL)
		solve_table_fail(t, GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	return room;
}

/* The next line's number, which counts from `first` up. */
static void expect_number(
    struct table *t, const char *column, size_t first, size_t count, size_t most)
{
	if (count == most)
		solve_table_fail(t, GRAPPE_ELIMIT, "more than %zu lines", most);
	else if (solve_table_index(t, column, first + most) != first + count)
		solve_table_fail(t, GRAPPE_EFORMAT, "%s %zu must come here", column, first + count);
}

static void read_envs(struct table *t, struct instance *in)
{
	in->envs = make_room(t, INSTANCE_ENVS_MAX, sizeof *in->envs);
	while (solve_table_next(t)) {
		struct instance_env env = {.limit.vms = INFINITY};

		expect_number(t, "env", 0, in->nenvs, INSTANCE_ENVS_MAX);
		solve_table_skip(t);
		env.limit.vcpu = solve_table_number(t, "cap_vcpu", 0, INSTANCE_VALUE_MAX);
		env.limit.mem_GiB = solve_table_number(t, "cap_mem_gb", 0, INSTANCE_VALUE_MAX);
		env.power = solve_table_number(t, "power", 1e-6, 1e6);
		env.price = solve_table_number(t, "price_vcpu_h", 0, 1e6);
		env.avail_h = solve_table_number(t, "avail_h", -1, INSTANCE_VALUE_MAX);
		env.avail_h = env.avail_h < 0 ? INFINITY : env.avail_h;
		if (t->code == GRAPPE_OK)
			in->envs[in->nenvs++] = env;
	}
	if (in->nenvs == 0)
		solve_table_fail(t, GRAPPE_EFORMAT, "no environment");
}

static void read_links(struct table *t, struct instance *in)
{
	size_t count = 0;

	in->links = calloc(in->nenvs * in->nenvs, sizeof *in->links);
	if (in->links == NULL)
		solve_table_fail(t, GRAPPE_EMEMORY, "%s", error_text(GRAPPE_EMEMORY));
	while (solve_table_next(t)) {
		const uint32_t from = solve_table_index(t, "from", in->nenvs);
		const uint32_t to = solve_table_index(t, "to", in->nenvs);
		struct instance_link *link = &in->links[from * in->nenvs + to];

		if (link->bandwidth_MBps > 0)
			solve_table_fail(
			    t, GRAPPE_EFORMAT, "the link %u to %u stands there twice", from, to);
		link->latency_ms = solve_table_number(t, "latency_ms", 0, 1e6);
		link->bandwidth_MBps = solve_table_number(t, "bandwidth_MBps", 1e-6, 1e9);
		link->price_per_GB = solve_table_number(t, "price_per_GB", 0, 1e6);
		count++;
	}
	for (size_t i = 0; t->code == GRAPPE_OK && i < in->nenvs * in->nenvs; i++)
		if (in->links[i].bandwidth_MBps <= 0)
			solve_table_fail(t, GRAPPE_EFORMAT, "the link %zu to %zu is missing",
			    i / in->nenvs, i % in->nenvs);
}

static void read_vms(struct table *t, struct instance *in)
{
	in->vms = make_room(t, INSTANCE_VMS_MAX, sizeof *in->vms);
	while (solve_table_next(t)) {
		struct instance_vm vm = {.load.vms = 1, .advised = INSTANCE_NOWHERE};

		expect_number(t, "vm", 0, in->nvms, INSTANCE_VMS_MAX);
		vm.load.vcpu = solve_table_number(t, "vcpu", 0, INSTANCE_VALUE_MAX);
		vm.load.mem_GiB = solve_table_number(t, "mem_gb", 0, INSTANCE_VALUE_MAX);
		vm.dirty_MBps = solve_table_number(t, "dirty_MBps", 0, INSTANCE_VALUE_MAX);
		vm.work_h = solve_table_number(t, "work_h", 0, 1e9);
		vm.env = solve_table_index(t, "cur_env", in->nenvs);
		/* One more column, the group that a generator planted, is left aside. */
		if (t->code == GRAPPE_OK && t->at < t->end && *t->at != '\n')
			solve_table_skip(t);
		if (t->code == GRAPPE_OK)
			in->vms[in->nvms++] = vm;
	}
	if (in->nvms == 0)
		solve_table_fail(t, GRAPPE_EFORMAT, "no VM");
}

static void read_endpoints(struct table *t, struct instance *in)
{
	in->endpoints = make_room(t, INSTANCE_VMS_MAX, sizeof *in->endpoints);
	while (solve_table_next(t)) {
		uint32_t env;

		expect_number(t, "endpoint", in->nvms, in->nendpoints, INSTANCE_VMS_MAX);
		env = solve_table_index(t, "env", in->nenvs);
		if (t->code == GRAPPE_OK)
			in->endpoints[in->nendpoints++] = env;
	}
}

static void read_traffic(struct table *t, struct instance *in)
{
	const size_t nodes = in->nvms + in->nendpoints;

	in->flows = make_room(t, INSTANCE_FLOWS_MAX, sizeof *in->flows);
	while (solve_table_next(t)) {
		struct instance_flow flow = {.share = 1};

		flow.from = solve_table_index(t, "src", nodes);
		flow.to = solve_table_index(t, "dst", nodes);
		flow.packets_s = solve_table_number(t, "packets_s", 0, INSTANCE_VALUE_MAX);
		flow.bytes_s = solve_table_number(t, "bytes_s", 0, INSTANCE_VALUE_MAX);
		if (flow.from == flow.to)
			solve_table_fail(t, GRAPPE_EFORMAT, "%u sends to itself", flow.from);
		if (in->nflows == INSTANCE_FLOWS_MAX)
			solve_table_fail(
			    t, GRAPPE_ELIMIT, "more than %d lines", INSTANCE_FLOWS_MAX);
		if (t->code == GRAPPE_OK)
			in->flows[in->nflows++] = flow;
	}
}

static void (*const readers[INSTANCE_FILES])(struct table *, struct instance *) = {
    [INSTANCE_META] = read_meta,
    [INSTANCE_ENVS] = read_envs,
    [INSTANCE_LINKS] = read_links,
    [INSTANCE_VMS] = read_vms,
    [INSTANCE_ENDPOINTS] = read_endpoints,
    [INSTANCE_TRAFFIC] = read_traffic,
};

int solve_instance_parse(const struct instance_text texts[INSTANCE_FILES], struct instance *out,
    char *message, size_t size)
{
	struct instance in = {0};

	for (int file = 0; file < INSTANCE_FILES; file++) {
		struct table t;

		if (texts[file].bytes == NULL && file == INSTANCE_ENDPOINTS)
			continue;
		solve_table_open(&t, solve_instance_file_names[file],
		    texts[file].bytes != NULL ? texts[file].bytes : "", texts[file].length,
		    headers[file], message, size);
		if (t.code == GRAPPE_OK)
			readers[file](&t, &in);
		if (t.code != GRAPPE_OK) {
			solve_instance_deinit(&in);
			return t.code;
		}
		in.bytes += texts[file].length;
	}
	solve_instance_measure(&in);
	*out = in;
	return GRAPPE_OK;
}

void solve_instance_measure(struct instance *instance)
{
	const double count = instance->nvms > 0 ? (double)instance->nvms : 1;

	instance->typical = (struct load){0};
	for (size_t vm = 0; vm < instance->nvms; vm++)
		load_add(&instance->typical, &instance->vms[vm].load);
	instance->typical.vcpu /= count;
	instance->typical.mem_GiB /= count;
	instance->typical.vms /= count;
}

static const char *name_or_number(
    const char *const *names, uint32_t number, char scratch[INSTANCE_NAME_SIZE])
{
	if (names != NULL)
		return names[number];
	snprintf(scratch, INSTANCE_NAME_SIZE, "%u", number);
	return scratch;
}

const char *solve_instance_vm_name(
    const struct instance *instance, uint32_t vm, char scratch[INSTANCE_NAME_SIZE])
{
	return name_or_number(instance->vm_names, vm, scratch);
}

const char *solve_instance_env_name(
    const struct instance *instance, uint32_t env, char scratch[INSTANCE_NAME_SIZE])
{
	return name_or_number(instance->env_names, env, scratch);
}

void solve_instance_deinit(struct instance *instance)
{
	free(instance->vms);
	free(instance->envs);
	free(instance->links);
	free(instance->endpoints);
	free(instance->flows);
	*instance = (struct instance){0};
}

/* ---- files ---- */

/* Reads the files; those that may be missing stay NULL. */
static int read_files(const char *folder, struct buffer buffers[INSTANCE_FILES],
    struct instance_text texts[INSTANCE_FILES], char *message, size_t size)
{
	for (int file = 0; file < INSTANCE_FILES; file++) {
		char path[PATH_SIZE];
		int rc;

		snprintf(path, sizeof path, "%.4000s/%s", folder, solve_instance_file_names[file]);
		rc = file_read(path, INSTANCE_FILE_MAX, &buffers[file]);
		if (rc == GRAPPE_EIO && errno == ENOENT && file == INSTANCE_ENDPOINTS)
			continue;
		if (rc != GRAPPE_OK) {
			snprintf(message, size, "%s: %s", path, error_text(rc));
			return rc;
		}
		texts[file] = (struct instance_text){
		    buffers[file].bytes != NULL ? (const char *)buffers[file].bytes : "",
		    buffers[file].length};
	}
	return GRAPPE_OK;
}

int solve_instance_load(const char *folder, struct instance *out, char *message, size_t size)
{
	struct buffer buffers[INSTANCE_FILES];
	struct instance_text texts[INSTANCE_FILES] = {{0}};
	char fault[512] = "";
	int rc;

	for (int file = 0; file < INSTANCE_FILES; file++)
		buffer_init(&buffers[file]);
	rc = read_files(folder, buffers, texts, message, size);
	if (rc == GRAPPE_OK) {
		rc = solve_instance_parse(texts, out, fault, sizeof fault);
		if (rc != GRAPPE_OK)
			snprintf(message, size, "%s/%s", folder, fault);
	}
	for (int file = 0; file < INSTANCE_FILES; file++)
		buffer_deinit(&buffers[file]);
	return rc;
}
