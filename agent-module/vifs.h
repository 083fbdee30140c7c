/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The virtual NICs the sensor knows: which vif a MAC on a port is, since when each has
 * been watched, and the addresses it showed. A slot keeps its number as long as any open period
 * counts for it.
 *
 * Life-cycle: vifs_init(), vifs_take() and vifs_release() per vif, vifs_deinit(). One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_VIFS_H
#define GRAPPE_AGENT_MODULE_VIFS_H

#include "agent-module/learnt.h"
#include "common/period.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIFS_NONE UINT32_MAX

struct vif_slot {
	struct period_vif identity; /* counters unused */
	struct learnt learnt;
	uint32_t port;
	int64_t since_ns; /* wall clock; start of the present watch */
	bool used, watched;
};

struct vifs_lookup; /* opaque */

struct vifs {
	struct vif_slot *slots; /* owned */
	uint32_t nslots, capacity;
	struct vifs_lookup *lookup; /* owned; (port, MAC) -> slot; rebuilt when vifs change */
	uint32_t lookup_size;       /* a power of two or 0 */
};

void vifs_init(struct vifs *vifs);
void vifs_deinit(struct vifs *vifs);

/* vifs_same - the slot in use with this VM id, segment and first MAC, or VIFS_NONE. */
uint32_t vifs_same(const struct vifs *vifs, const struct period_vif *identity);
/* vifs_take - a free slot for this identity, in use, not watched. Returns its number,
 * GRAPPE_ELIMIT or GRAPPE_EMEMORY. */
int64_t vifs_take(struct vifs *vifs, const struct period_vif *identity);
/* vifs_start / vifs_stop - begin and end watching. vifs_start returns 0 or GRAPPE_EMEMORY (then the
 * slot is not watched). */
int vifs_start(struct vifs *vifs, uint32_t slot, uint32_t port, int64_t since_ns);
void vifs_stop(struct vifs *vifs, uint32_t slot);
/* vifs_release - the slot is free again. */
void vifs_release(struct vifs *vifs, uint32_t slot);

/* vifs_find - the watched vif with this MAC on the port, the one watched last if several; VIFS_NONE
 * without. */
uint32_t vifs_find(const struct vifs *vifs, uint32_t port, const struct mac *mac);
/* vifs_first - the first watched vif of the port or VIFS_NONE. */
uint32_t vifs_first(const struct vifs *vifs, uint32_t port);

#endif
