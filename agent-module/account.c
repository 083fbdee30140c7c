/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/account.h"

#include "agent-module/counts.h"
#include "agent-module/issued.h"
#include "agent-module/mss.h"
#include "agent-module/vifs.h"
#include "common/error.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one vif has in one open period beside its pairs. */
struct vif_counts {
	uint64_t multicast_packets, multicast_octets;
	uint64_t other_packets, other_octets;
	uint64_t nonip_packets;
	int64_t covered_ns; /* watches that ended inside the period; the present one is added at the
			       close */
	uint32_t pairs;
	bool touched; /* anything above, or pairs, or coverage */
};

/* One open period. */
struct epoch {
	struct period_header header; /* end, flags and the counters of the header */
	struct counts pairs;
	struct vif_counts *vifs; /* owned; by slot */
	uint32_t nvifs;
};

struct account {
	struct account_options options;
	int64_t length_ns;
	struct address *endpoints; /* owned, sorted */
	struct vifs vifs;
	struct mss_table *mss;
	struct issued issued;
	struct epoch epochs[ACCOUNT_OPEN_MAX]; /* ascending ends; the first nopen are open */
	uint32_t nopen;
	uint32_t overdue; /* so many of the first epochs are closed whatever the time says */
	int64_t wall_ns, monotonic_ns; /* of the last tick */
	uint32_t backends;
	char backend_reason[PERIOD_REASON_SIZE];
	struct account_statistics statistics;
};

static int compare_addresses(const void *left, const void *right)
{
	return address_compare(left, right);
}

/* ---- epochs ---- */

static int64_t epoch_start_ns(const struct account *account, const struct epoch *epoch)
{
	return epoch->header.end_s * CLOCK_SECOND_NS - account->length_ns;
}

static void note_backends(const struct account *account, struct epoch *epoch)
{
	epoch->header.backends |= account->backends;
	memcpy(epoch->header.backend_reason, account->backend_reason,
	    sizeof epoch->header.backend_reason);
}

/* Opens the period of this end behind the others. There must be room. */
static struct epoch *open_epoch(struct account *account, int64_t end_s)
{
	struct epoch *epoch = &account->epochs[account->nopen++];

	/* A closed epoch leaves its tables behind for the next one. */
	epoch->header =
	    (struct period_header){.end_s = end_s, .length_s = account->options.length_s};
	memcpy(epoch->header.boot_id, account->options.boot_id, sizeof epoch->header.boot_id);
	if (account->options.test_length)
		epoch->header.flags |= PERIOD_TEST_LENGTH;
	note_backends(account, epoch);
	return epoch;
}

/* Removes the first epoch, keeping its memory for later ones. */
static void drop_first_epoch(struct account *account)
{
	struct epoch first = account->epochs[0];

	counts_clear(&first.pairs);
	if (first.nvifs > 0)
		memset(first.vifs, 0, first.nvifs * sizeof *first.vifs);
	account->nopen--;
	memmove(&account->epochs[0], &account->epochs[1], account->nopen * sizeof first);
	account->epochs[account->nopen] = first;
	if (account->overdue > 0)
		account->overdue--;
}

static void open_through(struct account *account, int64_t end_s)
{
	const int64_t length_s = account->options.length_s;

	while (account->nopen < ACCOUNT_OPEN_MAX &&
	       (account->nopen == 0 || account->epochs[account->nopen - 1].header.end_s < end_s)) {
		const int64_t after =
		    account->nopen > 0 ? account->epochs[account->nopen - 1].header.end_s + length_s
				       : end_s;

		open_epoch(account, issued_next(&account->issued, after, length_s));
	}
}

/* The vif's counters in the epoch, or NULL without memory. */
static struct vif_counts *vif_counts(struct account *account, struct epoch *epoch, uint32_t slot)
{
	if (slot >= epoch->nvifs) {
		const uint32_t wanted = account->vifs.capacity;
		struct vif_counts *bigger = reallocarray(epoch->vifs, wanted, sizeof *epoch->vifs);

		if (bigger == NULL)
			return NULL;
		memset(bigger + epoch->nvifs, 0, (wanted - epoch->nvifs) * sizeof *bigger);
		epoch->vifs = bigger;
		epoch->nvifs = wanted;
	}
	epoch->vifs[slot].touched = true;
	return &epoch->vifs[slot];
}

/* ---- life ---- */

struct account *account_new(
    const struct account_options *options, int64_t wall_ns, int64_t monotonic_ns)
{
	struct account *account = calloc(1, sizeof *account);
	struct epoch *first;

	if (account == NULL)
		return NULL;
	account->options = *options;
	account->length_ns = options->length_s * CLOCK_SECOND_NS;
	account->wall_ns = wall_ns;
	account->monotonic_ns = monotonic_ns;
	vifs_init(&account->vifs);
	for (uint32_t i = 0; i < ACCOUNT_OPEN_MAX; i++)
		counts_init(&account->epochs[i].pairs, ACCOUNT_ROWS_MAX);
	account->mss =
	    mss_new(options->connections > 0 ? options->connections : MSS_CONNECTIONS_DEFAULT);
	account->endpoints = calloc(options->nendpoints + 1, sizeof *account->endpoints);
	if (account->mss == NULL || account->endpoints == NULL) {
		account_free(account);
		return NULL;
	}
	if (options->nendpoints > 0)
		memcpy(account->endpoints, options->endpoints,
		    options->nendpoints * sizeof *account->endpoints);
	qsort(
	    account->endpoints, options->nendpoints, sizeof *account->endpoints, compare_addresses);
	first = open_epoch(account, clock_period_end(wall_ns, options->length_s));
	if (wall_ns > epoch_start_ns(account, first))
		first->header.flags |= PERIOD_PARTIAL;
	return account;
}

void account_free(struct account *account)
{
	if (account == NULL)
		return;
	for (uint32_t i = 0; i < ACCOUNT_OPEN_MAX; i++) {
		counts_deinit(&account->epochs[i].pairs);
		free(account->epochs[i].vifs);
	}
	mss_free(account->mss);
	vifs_deinit(&account->vifs);
	free(account->endpoints);
	free(account);
}

/* ---- vifs ---- */

static void note_configured(struct vif_slot *slot, const struct period_vif *vif, int64_t now_s)
{
	for (uint32_t i = 0; i < vif->naddresses && i < PERIOD_ADDRESSES_MAX; i++)
		learnt_note(&slot->learnt, &vif->addresses[i].address, EVIDENCE_CONFIGURED, now_s);
}

int account_watch(
    struct account *account, uint32_t port, const struct period_vif *vif, int64_t since_ns)
{
	int64_t number = vifs_same(&account->vifs, vif);
	struct vif_slot *slot;
	int rc;

	if (number == VIFS_NONE)
		number = vifs_take(&account->vifs, vif);
	else if (account->vifs.slots[number].watched)
		return GRAPPE_EEXISTS;
	if (number < 0)
		return (int)number;
	slot = &account->vifs.slots[number];
	slot->identity = *vif;
	note_configured(slot, vif, account->wall_ns / CLOCK_SECOND_NS);
	rc = vifs_start(&account->vifs, (uint32_t)number, port, since_ns);
	return rc != GRAPPE_OK ? rc : (int)number;
}

/* How much of the epoch lies in [from_ns, to_ns). */
static int64_t overlap_ns(
    const struct account *account, const struct epoch *epoch, int64_t from_ns, int64_t to_ns)
{
	const int64_t start = epoch_start_ns(account, epoch), end = start + account->length_ns;
	const int64_t from = from_ns > start ? from_ns : start, to = to_ns < end ? to_ns : end;

	return to > from ? to - from : 0;
}

static bool slot_needed(const struct account *account, uint32_t slot)
{
	if (account->vifs.slots[slot].watched)
		return true;
	for (uint32_t i = 0; i < account->nopen; i++)
		if (slot < account->epochs[i].nvifs && account->epochs[i].vifs[slot].touched)
			return true;
	return false;
}

static void release_unneeded(struct account *account)
{
	for (uint32_t i = 0; i < account->vifs.nslots; i++)
		if (account->vifs.slots[i].used && !slot_needed(account, i))
			vifs_release(&account->vifs, i);
}

/* Adds what the vif's present watch covers until until_ns to the open periods. */
static void settle_coverage(struct account *account, uint32_t number, int64_t until_ns)
{
	const int64_t since_ns = account->vifs.slots[number].since_ns;

	for (uint32_t i = 0; i < account->nopen; i++) {
		struct epoch *epoch = &account->epochs[i];
		const int64_t covered = overlap_ns(account, epoch, since_ns, until_ns);
		struct vif_counts *counts = covered > 0 ? vif_counts(account, epoch, number) : NULL;

		if (counts != NULL)
			counts->covered_ns += covered;
	}
}

bool account_identify(struct account *account, int handle, const char *vm_id)
{
	struct period_vif *identity = &account->vifs.slots[handle].identity;
	struct period_vif known = *identity;

	snprintf(known.vm_id, sizeof known.vm_id, "%s", vm_id);
	if (vifs_same(&account->vifs, &known) != VIFS_NONE)
		return false;
	*identity = known;
	return true;
}

void account_describe(struct account *account, int handle, const struct period_vif *vif)
{
	struct vif_slot *slot = &account->vifs.slots[handle];
	struct period_vif *identity = &slot->identity;
	struct period_vif described = *vif;

	/* Identity, and what is learnt, stay. */
	memcpy(described.vm_id, identity->vm_id, sizeof described.vm_id);
	memcpy(described.segment, identity->segment, sizeof described.segment);
	memcpy(described.interface, identity->interface, sizeof described.interface);
	memcpy(described.macs, identity->macs, sizeof described.macs);
	described.nmacs = identity->nmacs;
	*identity = described;
	note_configured(slot, vif, account->wall_ns / CLOCK_SECOND_NS);
}

void account_unwatch(struct account *account, int handle, int64_t until_ns)
{
	/* A period may have begun since the time was told last: sums of it are still to come. */
	if (until_ns - account->wall_ns < account->length_ns)
		open_through(account, clock_period_end(until_ns, account->options.length_s));
	settle_coverage(account, (uint32_t)handle, until_ns);
	vifs_stop(&account->vifs, (uint32_t)handle);
	release_unneeded(account);
}

/* ---- time ---- */

static void mark_open(struct account *account, uint32_t flags)
{
	for (uint32_t i = 0; i < account->nopen; i++)
		account->epochs[i].header.flags |= flags;
}

/* All that is open will be closed at the next account_close(); a new period begins at the present
 * time. */
static void start_over(struct account *account, int64_t wall_ns)
{
	const int64_t length_s = account->options.length_s;
	int64_t end_s;

	mark_open(account, PERIOD_PARTIAL);
	for (uint32_t i = 0; i < account->nopen; i++)
		issued_add(&account->issued, account->epochs[i].header.end_s, length_s);
	account->overdue = account->nopen;
	if (account->nopen == ACCOUNT_OPEN_MAX)
		return; /* opened as soon as one is taken out */
	end_s = issued_next(&account->issued, clock_period_end(wall_ns, length_s), length_s);
	open_epoch(account, end_s)->header.flags |= PERIOD_PARTIAL;
}

static void step_forward(struct account *account, int64_t to_ns)
{
	const int64_t end_s = clock_period_end(to_ns, account->options.length_s);
	struct epoch *newest = &account->epochs[account->nopen - 1];

	if (end_s <= newest->header.end_s)
		return;
	newest->header.flags |= PERIOD_PARTIAL;
	if (account->nopen == ACCOUNT_OPEN_MAX)
		return;
	newest =
	    open_epoch(account, issued_next(&account->issued, end_s, account->options.length_s));
	newest->header.flags |= PERIOD_PARTIAL;
}

/* The clock says to_ns where it should say from_ns. */
static void step(struct account *account, int64_t from_ns, int64_t to_ns)
{
	const struct epoch *newest = &account->epochs[account->nopen - 1];

	account->statistics.steps++;
	mark_open(account, PERIOD_CLOCK_STEPPED);
	/* Coverage is measured on the wall clock: what was before the step is settled, the rest
	 * starts anew. */
	for (uint32_t i = 0; i < account->vifs.nslots; i++)
		if (account->vifs.slots[i].watched) {
			settle_coverage(account, i, from_ns);
			account->vifs.slots[i].since_ns = to_ns;
		}
	if (to_ns > from_ns)
		step_forward(account, to_ns);
	else if (to_ns < epoch_start_ns(account, newest) - account->length_ns)
		start_over(account, to_ns);
	account->epochs[account->nopen - 1].header.flags |= PERIOD_CLOCK_STEPPED;
}

void account_tick(
    struct account *account, int64_t wall_ns, int64_t monotonic_ns, const struct clock_sync *sync)
{
	const int64_t expected_ns = account->wall_ns + (monotonic_ns - account->monotonic_ns);
	const int64_t difference = wall_ns - expected_ns;
	struct epoch *newest;

	if (difference > ACCOUNT_STEP_NS || difference < -ACCOUNT_STEP_NS)
		step(account, expected_ns, wall_ns);
	account->wall_ns = wall_ns;
	account->monotonic_ns = monotonic_ns;
	open_through(account, clock_period_end(wall_ns, account->options.length_s));
	newest = &account->epochs[account->nopen - 1];
	if (sync == NULL || !sync->synchronised)
		newest->header.flags |= PERIOD_CLOCK_UNSYNCED;
	newest->header.clock_offset_ns = sync != NULL ? sync->offset_ns : 0;
}

/* ---- frames ---- */

static bool lies_in(const struct account *account, const struct epoch *epoch, int64_t stamp_ns)
{
	const int64_t since_start_ns = stamp_ns - epoch_start_ns(account, epoch);

	return since_start_ns >= 0 && since_start_ns < account->length_ns;
}

/* The open period of this time stamp. *drop: the frame is too old, it only counts as dropped there.
 */
static struct epoch *epoch_of(struct account *account, int64_t stamp_ns, bool *drop)
{
	struct epoch *oldest =
	    &account->epochs[account->overdue < account->nopen ? account->overdue : 0];
	int64_t end_s;

	*drop = false;
	/* Nearly every frame, and without a division. */
	if (account->nopen > 0 && lies_in(account, &account->epochs[account->nopen - 1], stamp_ns))
		return &account->epochs[account->nopen - 1];
	if (stamp_ns < epoch_start_ns(account, oldest)) {
		*drop = epoch_start_ns(account, oldest) - stamp_ns > account->length_ns;
		if (!*drop)
			account->statistics.late++;
		return oldest;
	}
	end_s = clock_period_end(stamp_ns, account->options.length_s);
	if (stamp_ns - account->wall_ns < account->length_ns)
		open_through(account, end_s);
	for (uint32_t i = account->nopen; i-- > 0;)
		if (account->epochs[i].header.end_s <= end_s) {
			account->statistics.late += account->epochs[i].header.end_s < end_s;
			return &account->epochs[i];
		}
	account->statistics.late++; /* in a hole between periods that the clock left */
	return oldest;
}

/* A new entry, or NULL: what is received is limited per vif (S-11), what is sent only by the few
 * named endpoints. */
static struct counts_entry *new_pair(struct account *account, struct epoch *epoch, uint32_t slot,
    enum period_direction direction, const struct address *peer)
{
	struct vif_counts *vif = vif_counts(account, epoch, slot);
	struct counts_entry *entry;

	if (vif == NULL ||
	    (direction == ROW_RECEIVED && vif->pairs >= account->options.pairs_per_vif))
		return NULL;
	entry = counts_insert(&epoch->pairs, slot, direction, peer);
	if (entry != NULL && direction == ROW_RECEIVED)
		vif->pairs++;
	return entry;
}

static void count_pair(struct account *account, struct epoch *epoch, uint32_t slot,
    enum period_direction direction, const struct address *peer, const struct wire_count *wire)
{
	struct counts_entry *entry = counts_find(&epoch->pairs, slot, direction, peer);
	struct vif_counts *vif;

	if (entry == NULL)
		entry = new_pair(account, epoch, slot, direction, peer);
	if (entry != NULL) {
		entry->packets += wire->packets;
		entry->octets += wire->octets;
		return;
	}
	vif = direction == ROW_RECEIVED ? vif_counts(account, epoch, slot) : NULL;
	if (vif == NULL) {
		epoch->header.dropped_packets += wire->packets;
		return;
	}
	vif->other_packets += wire->packets;
	vif->other_octets += wire->octets;
}

static bool is_endpoint(const struct account *account, const struct address *address)
{
	return account->options.nendpoints > 0 &&
	       bsearch(address, account->endpoints, account->options.nendpoints,
		   sizeof *account->endpoints, compare_addresses) != NULL;
}

/* A claim moves the address here from any other vif of the segment. */
static void note_claim(struct account *account, uint32_t number, const struct address *claim)
{
	const struct vif_slot *claimer = &account->vifs.slots[number];

	for (uint32_t i = 0; i < account->vifs.nslots; i++) {
		struct vif_slot *slot = &account->vifs.slots[i];

		if (i != number && slot->used &&
		    strcmp(slot->identity.segment, claimer->identity.segment) == 0)
			learnt_drop_claim(&slot->learnt, claim);
	}
}

/* What a guest sends teaches its addresses and the MSS of its connections. */
static void learn(struct account *account, uint32_t slot, const struct frame *frame)
{
	struct learnt *learnt = &account->vifs.slots[slot].learnt;
	const int64_t now_s = account->wall_ns / CLOCK_SECOND_NS;

	if (frame->claim.type != ADDRESS_NONE && mac_equal(&frame->claim_mac, &frame->source)) {
		note_claim(account, slot, &frame->claim);
		learnt_note(learnt, &frame->claim, EVIDENCE_CLAIMED, now_s);
	} else if (frame->kind == FRAME_IP) {
		learnt_note(learnt, &frame->ip_source, EVIDENCE_SOURCE, now_s);
	}
}

static void count_sent(struct account *account, struct epoch *epoch, uint32_t port,
    const struct frame *frame, uint32_t mtu)
{
	const uint32_t slot = vifs_find(&account->vifs, port, &frame->source);
	struct wire_count wire;

	if (slot == VIFS_NONE || frame->kind == FRAME_MALFORMED)
		return;
	learn(account, slot, frame);
	if (frame->kind != FRAME_IP)
		return;
	wire = mss_count(account->mss, port, frame, mtu);
	if (!frame_is_group(frame) && is_endpoint(account, &frame->ip_destination)) {
		if (wire.estimated)
			epoch->header.estimated_packets += wire.packets;
		count_pair(account, epoch, slot, ROW_SENT, &frame->ip_destination, &wire);
	}
}

static void count_received(struct account *account, struct epoch *epoch, uint32_t slot,
    const struct frame *frame, const struct wire_count *wire)
{
	struct vif_counts *vif;

	if (wire->estimated)
		epoch->header.estimated_packets += wire->packets;
	if (slot == VIFS_NONE) {
		epoch->header.unmatched_packets += wire->packets;
		epoch->header.unmatched_octets += wire->octets;
		return;
	}
	if (frame->kind == FRAME_IP && !frame_is_group(frame)) {
		count_pair(account, epoch, slot, ROW_RECEIVED, &frame->ip_source, wire);
		return;
	}
	vif = vif_counts(account, epoch, slot);
	if (vif == NULL) {
		epoch->header.dropped_packets += wire->packets;
	} else if (frame_is_group(frame)) {
		vif->multicast_packets += wire->packets;
		vif->multicast_octets += wire->octets;
	} else {
		vif->nonip_packets += wire->packets;
	}
}

void account_frame(struct account *account, uint32_t port, const struct frame *frame,
    int64_t stamp_ns, bool sent, uint32_t mtu)
{
	bool drop;
	struct epoch *epoch = epoch_of(account, stamp_ns, &drop);
	struct wire_count wire = {.packets = 1, .octets = frame->network_length};
	uint32_t slot;

	account->statistics.frames++;
	if (sent && !drop) {
		count_sent(account, epoch, port, frame, mtu);
		return;
	}
	if (sent)
		return;
	if (frame->kind == FRAME_IP)
		wire = mss_count(account->mss, port, frame, mtu);
	if (drop) {
		account->statistics.dropped++;
		epoch->header.dropped_packets += wire.packets;
	} else if (frame->kind == FRAME_MALFORMED) {
		epoch->header.malformed_packets++;
	} else {
		slot = mac_is_group(&frame->destination)
			   ? vifs_first(&account->vifs, port)
			   : vifs_find(&account->vifs, port, &frame->destination);
		count_received(account, epoch, slot, frame, &wire);
	}
}

void account_learn(struct account *account, uint32_t port, const struct frame *frame)
{
	const uint32_t slot = vifs_find(&account->vifs, port, &frame->source);

	if (slot != VIFS_NONE && frame->kind != FRAME_MALFORMED)
		learn(account, slot, frame);
}

/* What a vif received beside its pairs. */
static void add_apart(struct account *account, struct epoch *epoch, const struct counted *counted)
{
	struct vif_counts *vif = vif_counts(account, epoch, (uint32_t)counted->handle);

	if (vif == NULL) {
		epoch->header.dropped_packets += counted->packets;
	} else if (counted->kind == COUNTED_MULTICAST) {
		vif->multicast_packets += counted->packets;
		vif->multicast_octets += counted->octets;
	} else if (counted->kind == COUNTED_OTHER) {
		vif->other_packets += counted->packets;
		vif->other_octets += counted->octets;
	} else {
		vif->nonip_packets += counted->packets;
	}
}

void account_counted(struct account *account, const struct counted *counted)
{
	bool drop;
	struct epoch *epoch = epoch_of(account, counted->end_s * CLOCK_SECOND_NS - 1, &drop);
	const struct wire_count wire = {.packets = counted->packets, .octets = counted->octets};
	const bool known = counted->handle >= 0 &&
			   (uint32_t)counted->handle < account->vifs.nslots &&
			   account->vifs.slots[counted->handle].used;

	account->statistics.frames += counted->packets;
	if (drop) {
		account->statistics.dropped += counted->packets;
		epoch->header.dropped_packets += counted->packets;
	} else if (counted->kind == COUNTED_MALFORMED) {
		epoch->header.malformed_packets += counted->packets;
	} else if (counted->kind == COUNTED_UNMATCHED || !known) {
		epoch->header.unmatched_packets += counted->packets;
		epoch->header.unmatched_octets += counted->octets;
	} else if (counted->kind == COUNTED_RECEIVED || counted->kind == COUNTED_SENT) {
		count_pair(account, epoch, (uint32_t)counted->handle,
		    counted->kind == COUNTED_SENT ? ROW_SENT : ROW_RECEIVED, &counted->peer, &wire);
	} else {
		add_apart(account, epoch, counted);
	}
}

void account_set_backends(struct account *account, uint32_t backends, const char *reason)
{
	account->backends = backends;
	snprintf(account->backend_reason, sizeof account->backend_reason, "%s", reason);
	for (uint32_t i = 0; i < account->nopen; i++)
		note_backends(account, &account->epochs[i]);
}

void account_merged(struct account *account, int64_t end_s, int64_t until_ns)
{
	for (uint32_t i = 0; i < account->vifs.nslots; i++) {
		struct vif_slot *slot = &account->vifs.slots[i];

		if (!slot->watched || slot->since_ns >= until_ns)
			continue;
		settle_coverage(account, i, end_s * CLOCK_SECOND_NS);
		slot->since_ns = until_ns;
	}
	for (uint32_t i = 0; i < account->nopen; i++) {
		struct epoch *epoch = &account->epochs[i];

		if (epoch->header.end_s == end_s)
			epoch->header.flags |= PERIOD_MERGED;
		else if (epoch->header.end_s > end_s && epoch_start_ns(account, epoch) < until_ns)
			epoch->header.flags |= PERIOD_PARTIAL;
	}
}

void account_drops(struct account *account, uint64_t frames)
{
	account->epochs[0].header.dropped_packets += frames;
}

/* ---- closing ---- */

void account_mark_issued(struct account *account, int64_t end_s)
{
	issued_add(&account->issued, end_s, account->options.length_s);
	/* Only right after account_new(): the open period is one of an earlier run. */
	if (account->nopen == 1 && account->epochs[0].header.end_s == end_s) {
		account->epochs[0].header.end_s =
		    issued_next(&account->issued, end_s, account->options.length_s);
		account->epochs[0].header.flags &= ~(uint32_t)PERIOD_PARTIAL;
	}
}

/* The vif as it appears in the period, or false when it has nothing to do with it. */
static bool describe_vif(const struct account *account, const struct epoch *epoch, uint32_t number,
    int64_t until_ns, struct period_vif *vif)
{
	static const struct vif_counts nothing;
	const struct vif_slot *slot = &account->vifs.slots[number];
	const struct vif_counts *counts = number < epoch->nvifs ? &epoch->vifs[number] : &nothing;
	int64_t covered = counts->covered_ns;

	if (!slot->used)
		return false;
	if (slot->watched)
		covered += overlap_ns(account, epoch, slot->since_ns, until_ns);
	if (covered <= 0 && !counts->touched)
		return false;
	covered = covered < 0 ? 0 : covered > account->length_ns ? account->length_ns : covered;
	*vif = slot->identity;
	vif->covered_ms = (uint32_t)(covered / CLOCK_MILLISECOND_NS);
	vif->multicast_packets = counts->multicast_packets;
	vif->multicast_octets = counts->multicast_octets;
	vif->other_packets = counts->other_packets;
	vif->other_octets = counts->other_octets;
	vif->nonip_packets = counts->nonip_packets;
	learnt_export(&slot->learnt, vif);
	return true;
}

static int fill_vifs(const struct account *account, const struct epoch *epoch, int64_t until_ns,
    struct period *period, int *index_of)
{
	struct period_vif vif;

	for (uint32_t i = 0; i < account->vifs.nslots; i++) {
		index_of[i] = -1;
		if (!describe_vif(account, epoch, i, until_ns, &vif))
			continue;
		index_of[i] = period_add_vif(period, &vif);
		if (index_of[i] < 0)
			return index_of[i];
	}
	return GRAPPE_OK;
}

static int fill_rows(const struct epoch *epoch, struct period *period, const int *index_of)
{
	const struct counts_entry *entry;
	size_t position = 0;

	while ((entry = counts_next(&epoch->pairs, &position)) != NULL) {
		const struct period_row row = {.vif = (uint32_t)index_of[entry->owner],
		    .direction = entry->direction,
		    .peer = entry->peer,
		    .packets = entry->packets,
		    .octets = entry->octets};
		const int rc = period_add_row(period, &row);

		if (rc < 0)
			return rc;
	}
	period_sort(period);
	return GRAPPE_OK;
}

/* Takes out the first epoch as a period covered until until_ns. */
static int take(struct account *account, int64_t until_ns, struct period **out)
{
	struct epoch *epoch = &account->epochs[0];
	struct period *period = period_new();
	int *index_of = calloc(account->vifs.nslots + 1, sizeof *index_of);
	int rc = GRAPPE_EMEMORY;

	*out = NULL;
	for (uint32_t i = 0; i < account->vifs.nslots; i++)
		learnt_expire(&account->vifs.slots[i].learnt, account->wall_ns / CLOCK_SECOND_NS);
	if (period != NULL && index_of != NULL)
		rc = fill_vifs(account, epoch, until_ns, period, index_of);
	if (rc == GRAPPE_OK)
		rc = fill_rows(epoch, period, index_of);
	free(index_of);
	if (rc != GRAPPE_OK) {
		period_free(period);
		return rc;
	}
	period->header = epoch->header;
	if (epoch->header.estimated_packets > 0)
		period->header.flags |= PERIOD_ESTIMATED;
	issued_add(&account->issued, epoch->header.end_s, account->options.length_s);
	drop_first_epoch(account);
	release_unneeded(account);
	*out = period;
	return 1;
}

int64_t account_due_ns(const struct account *account)
{
	if (account->overdue > 0)
		return account->wall_ns;
	return account->epochs[0].header.end_s * CLOCK_SECOND_NS + ACCOUNT_MARGIN_NS;
}

int account_close(struct account *account, struct period **out)
{
	int rc;

	*out = NULL;
	if (account->nopen == 0 || account_due_ns(account) > account->wall_ns)
		return 0;
	/* Of an overdue period all coverage is settled already. */
	rc = take(account,
	    account->overdue > 0 ? 0 : account->epochs[0].header.end_s * CLOCK_SECOND_NS, out);
	/* There is always an open period for the present time. */
	if (account->nopen == 0)
		open_through(
		    account, clock_period_end(account->wall_ns, account->options.length_s));
	return rc;
}

int account_finish(struct account *account, int64_t until_ns, struct period **out)
{
	struct epoch *epoch = &account->epochs[0];

	*out = NULL;
	if (account->nopen == 0)
		return 0;
	if (until_ns < epoch->header.end_s * CLOCK_SECOND_NS)
		epoch->header.flags |= PERIOD_PARTIAL;
	return take(account, until_ns, out);
}

const struct account_statistics *account_statistics(const struct account *account)
{
	return &account->statistics;
}
