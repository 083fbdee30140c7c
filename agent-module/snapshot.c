/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/snapshot.h"

#include "common/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A period is there this long after its end at the latest, when all is well. */
#define PUBLISHING_S 10

/* calloc(3) that gives something for a count of zero as well. */
static void *new_array(size_t count, size_t size)
{
	return calloc(count + 1, size);
}

static bool lingers(const struct ledger *ledger, uint32_t last_end, uint32_t linger_s)
{
	return (uint64_t)last_end + linger_s >= ledger->last_end && last_end != 0;
}

static void copy_scalars(
    struct snapshot *snapshot, const struct ledger *ledger, const struct ring *ring)
{
	snapshot->start_s = ledger->start_s;
	snapshot->last_end = ledger->last_end;
	snapshot->length_s = ledger->length_s;
	snapshot->drops = ledger->drops;
	snapshot->overflow = ledger->overflow;
	snapshot->unmatched = ledger->unmatched;
	snapshot->unmatched_octets = ledger->unmatched_octets;
	snapshot->estimated = ledger->estimated;
	snapshot->malformed = ledger->malformed;
	snapshot->backend = MIB_BACKEND_UNKNOWN;
	snapshot->history = ring->limit;
	if (ring->count > 0) {
		const struct period_header *newest = &ring->items[ring->count - 1]->header;

		snapshot->flags = newest->flags;
		snapshot->clock_offset_ns = newest->clock_offset_ns;
		snapshot->backend = snapshot_backend(newest);
		memcpy(snapshot->backend_reason, newest->backend_reason,
		    sizeof snapshot->backend_reason);
	}
}

static int copy_periods(struct snapshot *snapshot, const struct ring *ring)
{
	snapshot->periods = new_array(ring->count, sizeof(struct sealed *));
	if (snapshot->periods == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < ring->count; i++)
		snapshot->periods[i] = sealed_hold(ring->items[i]);
	snapshot->nperiods = ring->count;
	return GRAPPE_OK;
}

static int copy_vifs(struct snapshot *snapshot, const struct ledger *ledger, uint32_t linger_s)
{
	snapshot->vifs = new_array(ledger->nvifs, sizeof *snapshot->vifs);
	if (snapshot->vifs == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < ledger->nvifs; i++) {
		struct ledger_vif *vif = &snapshot->vifs[snapshot->nvifs];

		if (!lingers(ledger, ledger->vifs[i].last_end, linger_s))
			continue;
		*vif = ledger->vifs[i];
		if (vif->last_end != ledger->last_end)
			vif->vif.covered_ms = 0;
		snapshot->nvifs++;
	}
	return GRAPPE_OK;
}

static int copy_pairs(struct snapshot *snapshot, const struct ledger *ledger, uint32_t linger_s)
{
	const struct tally_set *rows = &ledger->rows;
	struct tally_set *pairs = &snapshot->pairs;
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++)
		count += lingers(ledger, rows->items[i].last_end, linger_s);
	pairs->items = new_array(count, sizeof *pairs->items);
	if (pairs->items == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < rows->count; i++)
		if (lingers(ledger, rows->items[i].last_end, linger_s))
			pairs->items[pairs->count++] = rows->items[i];
	return GRAPPE_OK;
}

static int compare_vms(const void *left, const void *right)
{
	const struct snapshot_vm *a = left, *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

/* VMs are what the vifs say: sorts one entry a vif by VM and unites them. */
static int gather_vms(struct snapshot *snapshot)
{
	struct snapshot_vm *vms = new_array(snapshot->nvifs, sizeof *vms);

	if (vms == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < snapshot->nvifs; i++) {
		const struct ledger_vif *vif = &snapshot->vifs[i];

		vms[i] = (struct snapshot_vm){.number = vif->vm_number,
		    .facts = &vif->vif,
		    .last_end = vif->last_end,
		    .nvifs = 1};
	}
	if (snapshot->nvifs > 1)
		qsort(vms, snapshot->nvifs, sizeof *vms, compare_vms);
	for (size_t i = 0; i < snapshot->nvifs; i++) {
		struct snapshot_vm *vm = snapshot->nvms > 0 ? &vms[snapshot->nvms - 1] : NULL;

		if (vm == NULL || vm->number != vms[i].number) {
			vms[snapshot->nvms++] = vms[i];
			continue;
		}
		vm->nvifs++;
		if (vms[i].last_end > vm->last_end) {
			vm->facts = vms[i].facts;
			vm->last_end = vms[i].last_end;
		}
	}
	snapshot->vms = vms;
	return GRAPPE_OK;
}

static int compare_nics(const void *left, const void *right)
{
	const struct snapshot_nic *a = left, *b = right;

	if (a->vm_number != b->vm_number)
		return a->vm_number < b->vm_number ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

/* What is here now: in the newest period, with numbers that VM-MIB can show. */
static int gather_present(struct snapshot *snapshot)
{
	snapshot->present = new_array(snapshot->nvms, sizeof *snapshot->present);
	snapshot->nics = new_array(snapshot->nvifs, sizeof *snapshot->nics);
	if (snapshot->present == NULL || snapshot->nics == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < snapshot->nvms; i++)
		if (snapshot->vms[i].last_end == snapshot->last_end &&
		    snapshot->vms[i].number <= INT32_MAX)
			snapshot->present[snapshot->npresent++] = (uint32_t)i;
	for (size_t i = 0; i < snapshot->nvifs; i++)
		if (snapshot->vifs[i].last_end == snapshot->last_end &&
		    snapshot->vifs[i].vm_number <= INT32_MAX &&
		    snapshot->vifs[i].number <= INT32_MAX)
			snapshot->nics[snapshot->nnics++] = (struct snapshot_nic){
			    .vm_number = snapshot->vifs[i].vm_number, .place = (uint32_t)i};
	if (snapshot->nnics > 1)
		qsort(snapshot->nics, snapshot->nnics, sizeof *snapshot->nics, compare_nics);
	return GRAPPE_OK;
}

struct snapshot *snapshot_new(
    const struct ledger *ledger, const struct ring *ring, uint32_t linger_s)
{
	struct snapshot *snapshot = calloc(1, sizeof *snapshot);

	if (snapshot == NULL)
		return NULL;
	copy_scalars(snapshot, ledger, ring);
	if (copy_periods(snapshot, ring) != GRAPPE_OK ||
	    copy_vifs(snapshot, ledger, linger_s) != GRAPPE_OK ||
	    copy_pairs(snapshot, ledger, linger_s) != GRAPPE_OK ||
	    gather_vms(snapshot) != GRAPPE_OK || gather_present(snapshot) != GRAPPE_OK) {
		snapshot_free(snapshot);
		return NULL;
	}
	return snapshot;
}

static bool same_vms(const struct snapshot *a, const struct snapshot *b)
{
	if (a->npresent != b->npresent)
		return false;
	for (size_t i = 0; i < a->npresent; i++)
		if (a->vms[a->present[i]].number != b->vms[b->present[i]].number)
			return false;
	return true;
}

void snapshot_follow(struct snapshot *snapshot, const struct snapshot *before, uint64_t uptime_cs,
    unsigned (*ifindex_of)(const char *interface))
{
	const bool same = before != NULL && same_vms(snapshot, before);

	snapshot->vms_changed_cs = same ? before->vms_changed_cs : uptime_cs;
	for (size_t i = 0; i < snapshot->nnics && ifindex_of != NULL; i++) {
		struct snapshot_nic *nic = &snapshot->nics[i];

		nic->ifindex = ifindex_of(snapshot->vifs[nic->place].vif.interface);
	}
}

void snapshot_free(struct snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	for (size_t i = 0; i < snapshot->nperiods; i++)
		sealed_release(snapshot->periods[i]);
	for (size_t i = 0; i < SNAPSHOT_CACHE; i++)
		tally_free(&snapshot->cache[i].rows);
	free(snapshot->periods);
	free(snapshot->vms);
	free(snapshot->vifs);
	free(snapshot->present);
	free(snapshot->nics);
	tally_free(&snapshot->pairs);
	free(snapshot);
}

size_t snapshot_find_period(const struct snapshot *snapshot, uint32_t end)
{
	size_t i = 0;

	while (i < snapshot->nperiods && sealed_end(snapshot->periods[i]) < end)
		i++;
	return i;
}

const struct tally_set *snapshot_period_rows(struct snapshot *snapshot, size_t period)
{
	const struct sealed *wanted = snapshot->periods[period];
	struct snapshot_cached *slot = &snapshot->cache[0];

	for (size_t i = 0; i < SNAPSHOT_CACHE; i++) {
		struct snapshot_cached *candidate = &snapshot->cache[i];

		if (candidate->period == wanted) {
			candidate->used = ++snapshot->uses;
			return &candidate->rows;
		}
		if (candidate->used < slot->used)
			slot = candidate;
	}
	tally_free(&slot->rows);
	slot->period = sealed_decode(wanted, &slot->rows) == GRAPPE_OK ? wanted : NULL;
	slot->used = ++snapshot->uses;
	return &slot->rows;
}

const struct ledger_vif *snapshot_vif(const struct snapshot *snapshot, uint32_t number)
{
	size_t low = 0, high = snapshot->nvifs;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (snapshot->vifs[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == snapshot->nvifs || snapshot->vifs[low].number != number)
		return NULL;
	return &snapshot->vifs[low];
}

const char *snapshot_format_key(
    const struct snapshot *snapshot, const struct tally *row, char out[SNAPSHOT_KEY_SIZE])
{
	const struct ledger_vif *vif = snapshot_vif(snapshot, row->vif);
	char peer[ADDRESS_TEXT_SIZE], mac[MAC_TEXT_SIZE] = "";

	if (vif == NULL) {
		out[0] = '\0';
		return out;
	}
	if (vif->key_with_mac && vif->vif.nmacs > 0)
		mac_format(&vif->vif.macs[0], mac);
	snprintf(out, SNAPSHOT_KEY_SIZE, "%s/%s%s%s/%s", vif->vif.vm_id, vif->vif.segment,
	    mac[0] != '\0' ? "+" : "", mac, address_format(&row->peer, peer));
	return out;
}

enum mib_capture_state snapshot_capture_state(const struct snapshot *snapshot, int64_t now_s)
{
	const int64_t age = now_s - (int64_t)snapshot->last_end;

	if (snapshot->last_end == 0)
		return MIB_CAPTURE_ABSENT;
	if (age < -(int64_t)snapshot->length_s ||
	    age > 2 * (int64_t)snapshot->length_s + PUBLISHING_S)
		return MIB_CAPTURE_STALE;
	return MIB_CAPTURE_RUNNING;
}

enum mib_clock_state snapshot_clock_state(const struct snapshot *snapshot)
{
	if (snapshot->flags & PERIOD_CLOCK_STEPPED)
		return MIB_CLOCK_STEPPED;
	if (snapshot->flags & PERIOD_CLOCK_UNSYNCED || snapshot->last_end == 0)
		return MIB_CLOCK_UNSYNCHRONISED;
	return MIB_CLOCK_SYNCHRONISED;
}

enum mib_backend snapshot_backend(const struct period_header *header)
{
	switch (header->backends) {
	case BACKEND_PCAP:
		return MIB_BACKEND_PCAP;
	case BACKEND_BPF:
		return MIB_BACKEND_BPF;
	case BACKEND_PCAP | BACKEND_BPF:
		return MIB_BACKEND_MIXED;
	default:
		return MIB_BACKEND_UNKNOWN;
	}
}

size_t snapshot_block_count(const struct sealed *period)
{
	return (period->length + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES;
}
