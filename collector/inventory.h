/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which VMs there are, where each lives and what it is, as the agents' periods tell. Kept on disk
 * so that names outlive a restart; a VM that nobody sees any more stays for a while, because
 * archives still hold it.
 *
 * inventory_update() and the look-ups are pure; inventory_load() and inventory_save() touch one
 * file. One thread. Life-cycle: inventory_new(), inventory_load(), use, inventory_save(),
 * inventory_free().
 */
#ifndef GRAPPE_COLLECTOR_INVENTORY_H
#define GRAPPE_COLLECTOR_INVENTORY_H

#include "common/identity.h"
#include "common/period.h"
#include "common/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INVENTORY_VMS_MAX 1000000
#define INVENTORY_ADDRESSES_MAX 32  /* kept of one VM, best evidence first */
#define INVENTORY_SEGMENTS_SIZE 128 /* segments of one VM, separated by spaces */
#define INVENTORY_FILE_MAX (512u << 20)

struct inventory_vm {
	char id[VM_ID_SIZE];
	char name[VM_NAME_SIZE];
	struct place place;
	char segments[INVENTORY_SEGMENTS_SIZE];
	char application[PERIOD_LABEL_SIZE]; /* it belongs to; "" = unknown */
	uint32_t vcpu;                       /* 0 = unknown */
	uint64_t memory_bytes;               /* 0 = unknown */
	int64_t since_s;                     /* end of its first period on this host */
	int64_t seen_s;                      /* end of the newest period it was in */
	double share;                        /* of that period, watched by this host */
	uint32_t naddresses;
	struct period_address addresses[INVENTORY_ADDRESSES_MAX];
};

struct inventory; /* opaque */

/* inventory_new - empty, or NULL without memory. */
struct inventory *inventory_new(void);
/* inventory_free - NULL is allowed. */
void inventory_free(struct inventory *inventory);

/* inventory_update - what an agent at `place` saw in a period. A period older than what is known
 * of a VM changes nothing of it; of two hosts in one period the one that watched the VM longer
 * has it. Returns 0, GRAPPE_EMEMORY, or GRAPPE_ELIMIT (some VMs found no room). */
int inventory_update(
    struct inventory *inventory, const struct place *place, const struct period *period);
/* inventory_forget - drops VMs not seen since before_s. */
void inventory_forget(struct inventory *inventory, int64_t before_s);

size_t inventory_count(const struct inventory *inventory);
/* inventory_at - in the order of ids, i < inventory_count(). Valid until the next change. */
const struct inventory_vm *inventory_at(const struct inventory *inventory, size_t i);
/* inventory_find - by id, or NULL. */
const struct inventory_vm *inventory_find(const struct inventory *inventory, const char *id);
/* inventory_find_name - by id or display name; *several says that more than one VM has that name.
 * NULL: none. */
const struct inventory_vm *inventory_find_name(
    const struct inventory *inventory, const char *text, bool *several);
/* inventory_is_changed - since it was last loaded or saved. */
bool inventory_is_changed(const struct inventory *inventory);

/* inventory_load - adds what the file holds. No file: nothing, and no error. Entries that make no
 * sense are skipped and counted in *skipped. Returns 0, GRAPPE_EFORMAT (not our format: nothing
 * was added), GRAPPE_EIO, GRAPPE_ELIMIT, GRAPPE_EMEMORY. */
int inventory_load(struct inventory *inventory, const char *path, size_t *skipped);
/* inventory_parse - the same from bytes, which may be hostile. */
int inventory_parse(struct inventory *inventory, const void *bytes, size_t length, size_t *skipped);
/* inventory_save - crash-safe. Returns 0, GRAPPE_EIO (errno) or GRAPPE_EMEMORY. */
int inventory_save(struct inventory *inventory, const char *path);

#endif
