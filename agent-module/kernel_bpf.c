/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/kernel_bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not in the headers of Linux 6.1 (enum bpf_attach_type of 6.6). */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1u << 3) /* BPF_F_BEFORE; without another program named: before all */

#define VERIFIER_LOG_BYTES (1u << 18)

static int call(enum bpf_cmd command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void set_name(char out[BPF_OBJ_NAME_LEN], const char *name)
{
	snprintf(out, BPF_OBJ_NAME_LEN, "%s", name);
}

int kernel_bpf_map_new(const struct kernel_bpf_map *map)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.map_type = map->type;
	attributes.key_size = map->key_size;
	attributes.value_size = map->value_size;
	attributes.max_entries = map->entries;
	attributes.map_flags = map->flags;
	set_name(attributes.map_name, map->name);
	return call(BPF_MAP_CREATE, &attributes);
}

int kernel_bpf_map_put(int fd, const void *key, const void *value)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.map_fd = (uint32_t)fd;
	attributes.key = pointer(key);
	attributes.value = pointer(value);
	attributes.flags = BPF_ANY;
	return call(BPF_MAP_UPDATE_ELEM, &attributes);
}

int kernel_bpf_map_remove(int fd, const void *key)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.map_fd = (uint32_t)fd;
	attributes.key = pointer(key);
	return call(BPF_MAP_DELETE_ELEM, &attributes);
}

/* The last lines of the verifier's log say what it refused. */
static void keep_end(char *log, size_t size, const char *text)
{
	const size_t length = strlen(text);

	snprintf(log, size, "%s", length >= size ? text + length - size + 1 : text);
}

int kernel_bpf_program_new(
    const struct bpf_insn *code, size_t count, const char *name, char *log, size_t size)
{
	static const char licence[] = "GPL";
	union bpf_attr attributes;
	char *text;
	int fd, saved;

	log[0] = '\0';
	memset(&attributes, 0, sizeof attributes);
	attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attributes.insns = pointer(code);
	attributes.insn_cnt = (uint32_t)count;
	attributes.license = pointer(licence);
	set_name(attributes.prog_name, name);
	fd = call(BPF_PROG_LOAD, &attributes);
	if (fd >= 0 || errno == EPERM)
		return fd;
	text = calloc(1, VERIFIER_LOG_BYTES);
	if (text == NULL)
		return -1;
	attributes.log_level = 1;
	attributes.log_buf = pointer(text);
	attributes.log_size = VERIFIER_LOG_BYTES;
	fd = call(BPF_PROG_LOAD, &attributes);
	saved = errno;
	keep_end(log, size, text);
	free(text);
	errno = saved;
	return fd;
}

int kernel_bpf_attach_tcx(int program, uint32_t ifindex, bool ingress)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.link_create.prog_fd = (uint32_t)program;
	attributes.link_create.target_ifindex = ifindex;
	attributes.link_create.attach_type = ingress ? TCX_INGRESS : TCX_EGRESS;
	attributes.link_create.flags = TCX_BEFORE;
	return call(BPF_LINK_CREATE, &attributes);
}

bool kernel_bpf_is_attached(int link)
{
	/* struct bpf_link_info of Linux 6.6, as far as it is wanted here. */
	struct {
		uint32_t type, id, program, pad, ifindex, attach_type;
	} info = {0};
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof attributes);
	attributes.info.bpf_fd = (uint32_t)link;
	attributes.info.info_len = sizeof info;
	attributes.info.info = pointer(&info);
	/* An interface that is gone, or in another namespace, has let go of it: 0. */
	return call(BPF_OBJ_GET_INFO_BY_FD, &attributes) == 0 && info.ifindex != 0;
}
