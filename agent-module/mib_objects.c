/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/mib_objects.h"

#include "agent-module/snapshot.h"

#include "common/mib.h"

#include <stdio.h>
#include <string.h>

/* Appends a word to value->text, with a space before it unless it is the first. */
static void add_word(struct mib_value *value, const char *word)
{
	const size_t length = strlen(value->text);

	snprintf(
	    value->text + length, sizeof value->text - length, "%s%s", length > 0 ? " " : "", word);
}

/* ---- scalars: one row, index 0 ---- */

static void read_scalar(const struct snapshot *snapshot, mib_number object,
    const struct mib_moment *now, struct mib_value *value)
{
	switch ((enum mib_agent_scalar)object) {
	case MIB_AGENT_VERSION:
		mib_set_text(value, PACKAGE_VERSION);
		break;
	case MIB_AGENT_PERIOD_LENGTH:
		mib_set_number(value, snapshot->length_s);
		break;
	case MIB_AGENT_LAST_END:
		mib_set_number(value, snapshot->last_end);
		break;
	case MIB_AGENT_HISTORY_DEPTH:
		mib_set_number(value, snapshot->history);
		break;
	case MIB_AGENT_START_TIME:
		mib_set_number(value, snapshot->start_s);
		break;
	case MIB_AGENT_DROPS:
		mib_set_counter(value, snapshot->drops);
		break;
	case MIB_AGENT_OVERFLOW:
		mib_set_counter(value, snapshot->overflow);
		break;
	case MIB_AGENT_UNMATCHED:
		mib_set_counter(value, snapshot->unmatched);
		break;
	case MIB_AGENT_CLOCK_STATE:
		mib_set_integer(value, snapshot_clock_state(snapshot));
		break;
	case MIB_AGENT_CLOCK_OFFSET:
		mib_set_integer(value, snapshot->clock_offset_ns / 1000);
		break;
	case MIB_AGENT_PAIR_ROWS:
		mib_set_number(value, snapshot->pairs.count);
		break;
	case MIB_AGENT_VMS:
		mib_set_number(value, snapshot->nvms);
		break;
	case MIB_AGENT_VIFS:
		mib_set_number(value, snapshot->nvifs);
		break;
	case MIB_AGENT_CAPTURE_STATE:
		mib_set_integer(value, snapshot_capture_state(snapshot, now->wall_s));
		break;
	case MIB_AGENT_ESTIMATED:
		mib_set_counter(value, snapshot->estimated);
		break;
	case MIB_AGENT_MALFORMED:
		mib_set_counter(value, snapshot->malformed);
		break;
	case MIB_AGENT_BACKEND:
		mib_set_integer(value, snapshot->backend);
		break;
	case MIB_AGENT_BACKEND_REASON:
		mib_set_text(value, snapshot->backend_reason);
		break;
	case MIB_AGENT_UNMATCHED_OCTETS:
		mib_set_counter(value, snapshot->unmatched_octets);
		break;
	}
}

/* ---- grappePeriodInfoTable {end} ---- */

static void index_info(void *rows, struct mib_row row, struct mib_index *index)
{
	const struct snapshot *snapshot = rows;

	index->numbers[0] = sealed_end(snapshot->periods[row.item]);
	index->length = 1;
}

static bool seek_info(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	const struct snapshot *snapshot = rows;

	row->part = 0;
	return mib_seek_array(
	    rows, snapshot->nperiods, index_info, 0, numbers, length, after, &row->item);
}

static void read_info(const struct sealed *period, mib_number column, struct mib_value *value)
{
	switch ((enum mib_period_info_column)column) {
	case MIB_INFO_LENGTH:
		mib_set_number(value, period->header.length_s);
		break;
	case MIB_INFO_FLAGS:
		mib_set_number(value, period->header.flags);
		break;
	case MIB_INFO_ROWS:
		mib_set_number(value, period->nrows);
		break;
	case MIB_INFO_CHUNKS:
		mib_set_number(value, snapshot_block_count(period));
		break;
	case MIB_INFO_BYTES:
		mib_set_number(value, period->length);
		break;
	case MIB_INFO_CRC:
		mib_set_number(value, period->crc);
		break;
	case MIB_INFO_DROPS:
		mib_set_counter(value, period->header.dropped_packets);
		break;
	case MIB_INFO_UNMATCHED:
		mib_set_counter(value, period->header.unmatched_packets);
		break;
	case MIB_INFO_ESTIMATED:
		mib_set_counter(value, period->header.estimated_packets);
		break;
	case MIB_INFO_MALFORMED:
		mib_set_counter(value, period->header.malformed_packets);
		break;
	case MIB_INFO_BACKEND:
		mib_set_integer(value, snapshot_backend(&period->header));
		break;
	}
}

/* ---- tables of arrays of arrays: blocks and rows of each period ---- */

/*
 * The first row not before (behind) an index whose first number is the period's end: in that period
 * by seek_part(), else the first of the next period that has any.
 */
static bool seek_in_periods(struct snapshot *snapshot, const mib_number *numbers, size_t length,
    bool after, struct mib_row *row, size_t (*count)(struct snapshot *, size_t period),
    void (*index)(void *, struct mib_row, struct mib_index *))
{
	const mib_number wanted = length > 0 ? numbers[0] : 0;

	if (wanted > UINT32_MAX)
		return false;
	row->part = snapshot_find_period(snapshot, (uint32_t)wanted);
	if (length > 0 && row->part < snapshot->nperiods &&
	    sealed_end(snapshot->periods[row->part]) == wanted) {
		if (mib_seek_array(snapshot, count(snapshot, row->part), index, row->part, numbers,
			length, after, &row->item))
			return true;
		row->part++;
	}
	for (; row->part < snapshot->nperiods; row->part++)
		if (count(snapshot, row->part) > 0) {
			row->item = 0;
			return true;
		}
	return false;
}

/* ---- grappePeriodBlockTable {end, chunk} ---- */

static size_t count_blocks(struct snapshot *snapshot, size_t period)
{
	return snapshot_block_count(snapshot->periods[period]);
}

static void index_block(void *rows, struct mib_row row, struct mib_index *index)
{
	const struct snapshot *snapshot = rows;

	index->numbers[0] = sealed_end(snapshot->periods[row.part]);
	index->numbers[1] = row.item + 1;
	index->length = 2;
}

static bool seek_block(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	return seek_in_periods(rows, numbers, length, after, row, count_blocks, index_block);
}

static void read_block(const struct sealed *period, size_t block, struct mib_value *value)
{
	const size_t start = block * MIB_BLOCK_BYTES, left = period->length - start;

	mib_set_octets(
	    value, period->bytes + start, left < MIB_BLOCK_BYTES ? left : MIB_BLOCK_BYTES);
}

/* ---- grappeVmTable {vmIndex} ---- */

static void index_vm(void *rows, struct mib_row row, struct mib_index *index)
{
	const struct snapshot *snapshot = rows;

	index->numbers[0] = snapshot->vms[row.item].number;
	index->length = 1;
}

static bool seek_vm(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	const struct snapshot *snapshot = rows;

	row->part = 0;
	return mib_seek_array(
	    rows, snapshot->nvms, index_vm, 0, numbers, length, after, &row->item);
}

static void read_vm(const struct snapshot_vm *vm, mib_number column, struct mib_value *value)
{
	switch ((enum mib_vm_column)column) {
	case MIB_VM_ID:
		mib_set_text(value, vm->facts->vm_id);
		break;
	case MIB_VM_NAME:
		mib_set_text(value, vm->facts->vm_name);
		break;
	case MIB_VM_VCPUS:
		mib_set_number(value, vm->facts->vcpu);
		break;
	case MIB_VM_MEMORY:
		mib_set_number(value, vm->facts->memory_bytes >> 20);
		break;
	case MIB_VM_VIFS:
		mib_set_number(value, vm->nvifs);
		break;
	case MIB_VM_APPLICATION:
		mib_set_text(value, vm->facts->application);
		break;
	case MIB_VM_LAST_END:
		mib_set_number(value, vm->last_end);
		break;
	}
}

/* ---- grappeVifTable {vifIndex} ---- */

static void index_vif(void *rows, struct mib_row row, struct mib_index *index)
{
	const struct snapshot *snapshot = rows;

	index->numbers[0] = snapshot->vifs[row.item].number;
	index->length = 1;
}

static bool seek_vif(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	const struct snapshot *snapshot = rows;

	row->part = 0;
	return mib_seek_array(
	    rows, snapshot->nvifs, index_vif, 0, numbers, length, after, &row->item);
}

static void read_macs(const struct period_vif *vif, struct mib_value *value)
{
	char text[MAC_TEXT_SIZE];

	value->text[0] = '\0';
	for (uint32_t i = 0; i < vif->nmacs; i++)
		add_word(value, mac_format(&vif->macs[i], text));
	mib_set_text(value, value->text);
}

static void read_addresses(const struct period_vif *vif, struct mib_value *value)
{
	char text[ADDRESS_TEXT_SIZE];

	value->text[0] = '\0';
	for (uint32_t i = 0; i < vif->naddresses; i++)
		add_word(value, address_format(&vif->addresses[i].address, text));
	mib_set_text(value, value->text);
}

static void read_evidence(const struct period_vif *vif, struct mib_value *value)
{
	static const char *const words[] = {[EVIDENCE_CONFIGURED] = "configured",
	    [EVIDENCE_CLAIMED] = "claimed",
	    [EVIDENCE_SOURCE] = "source"};

	value->text[0] = '\0';
	for (uint32_t i = 0; i < vif->naddresses; i++) {
		const uint8_t evidence = vif->addresses[i].evidence;
		const bool is_known =
		    evidence < sizeof words / sizeof *words && words[evidence] != NULL;

		add_word(value, is_known ? words[evidence] : "unknown");
	}
	mib_set_text(value, value->text);
}

static void read_vif(const struct ledger_vif *known, mib_number column, struct mib_value *value)
{
	const struct period_vif *vif = &known->vif;

	switch ((enum mib_vif_column)column) {
	case MIB_VIF_VM:
		mib_set_number(value, known->vm_number);
		break;
	case MIB_VIF_SEGMENT:
		mib_set_text(value, vif->segment);
		break;
	case MIB_VIF_INTERFACE:
		mib_set_text(value, vif->interface);
		break;
	case MIB_VIF_MACS:
		read_macs(vif, value);
		break;
	case MIB_VIF_ADDRESSES:
		read_addresses(vif, value);
		break;
	case MIB_VIF_ROUTER:
		mib_set_integer(value, vif->flags & VIF_ROUTER ? 1 : 2);
		break;
	case MIB_VIF_COVERED:
		mib_set_number(value, vif->covered_ms);
		break;
	case MIB_VIF_MULTICAST_PACKETS:
		mib_set_counter(value, vif->multicast_packets);
		break;
	case MIB_VIF_MULTICAST_OCTETS:
		mib_set_counter(value, vif->multicast_octets);
		break;
	case MIB_VIF_OTHER_PACKETS:
		mib_set_counter(value, vif->other_packets);
		break;
	case MIB_VIF_OTHER_OCTETS:
		mib_set_counter(value, vif->other_octets);
		break;
	case MIB_VIF_NON_IP_PACKETS:
		mib_set_counter(value, vif->nonip_packets);
		break;
	case MIB_VIF_EVIDENCE:
		read_evidence(vif, value);
		break;
	}
}

/* ---- grappePairTable {vifIndex, type, address} ---- */

/* Appends vif, InetAddressType and InetAddress with its length. */
static void add_pair_index(struct mib_index *index, const struct tally *row)
{
	const size_t size = address_size(&row->peer);

	index->numbers[index->length++] = row->vif;
	index->numbers[index->length++] = row->peer.type;
	index->numbers[index->length++] = size;
	for (size_t i = 0; i < size; i++)
		index->numbers[index->length++] = row->peer.bytes[i];
}

static void index_pair(void *rows, struct mib_row row, struct mib_index *index)
{
	const struct snapshot *snapshot = rows;

	index->length = 0;
	add_pair_index(index, &snapshot->pairs.items[row.item]);
}

static bool seek_pair(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	const struct snapshot *snapshot = rows;

	row->part = 0;
	return mib_seek_array(
	    rows, snapshot->pairs.count, index_pair, 0, numbers, length, after, &row->item);
}

static const char *vm_name(const struct snapshot *snapshot, uint32_t vif)
{
	const struct ledger_vif *found = snapshot_vif(snapshot, vif);

	return found != NULL ? found->vif.vm_name : "";
}

static void read_pair(const struct snapshot *snapshot, const struct tally *row, mib_number column,
    struct mib_value *value)
{
	switch ((enum mib_pair_column)column) {
	case MIB_PAIR_PACKETS:
		mib_set_counter(value, row->packets);
		break;
	case MIB_PAIR_OCTETS:
		mib_set_counter(value, row->octets);
		break;
	case MIB_PAIR_SENT_PACKETS:
		mib_set_counter(value, row->sent_packets);
		break;
	case MIB_PAIR_SENT_OCTETS:
		mib_set_counter(value, row->sent_octets);
		break;
	case MIB_PAIR_KEY:
		mib_set_text(value, snapshot_format_key(snapshot, row, value->text));
		break;
	case MIB_PAIR_PEER:
		mib_set_text(value, address_format(&row->peer, value->text));
		break;
	case MIB_PAIR_LAST_END:
		mib_set_number(value, row->last_end);
		break;
	case MIB_PAIR_VM_NAME:
		mib_set_text(value, vm_name(snapshot, row->vif));
		break;
	}
}

/* ---- grappePeriodTable {end, vifIndex, type, address} ---- */

static size_t count_rows(struct snapshot *snapshot, size_t period)
{
	/* Known without decoding; what snapshot_period_rows() gives may be less, without memory. */
	return snapshot->periods[period]->ntallies;
}

static void index_row(void *rows, struct mib_row row, struct mib_index *index)
{
	struct snapshot *snapshot = rows;
	const struct tally_set *set = snapshot_period_rows(snapshot, row.part);

	index->numbers[0] = sealed_end(snapshot->periods[row.part]);
	index->length = 1;
	if (row.item < set->count)
		add_pair_index(index, &set->items[row.item]);
}

static bool seek_row(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	return seek_in_periods(rows, numbers, length, after, row, count_rows, index_row);
}

static void read_row(
    struct snapshot *snapshot, struct mib_row row, mib_number column, struct mib_value *value)
{
	static const struct tally nothing;
	const struct tally_set *set = snapshot_period_rows(snapshot, row.part);
	const struct tally *tally = row.item < set->count ? &set->items[row.item] : &nothing;

	switch ((enum mib_period_column)column) {
	case MIB_PERIOD_PACKETS:
		mib_set_counter(value, tally->packets);
		break;
	case MIB_PERIOD_OCTETS:
		mib_set_counter(value, tally->octets);
		break;
	case MIB_PERIOD_SENT_PACKETS:
		mib_set_counter(value, tally->sent_packets);
		break;
	case MIB_PERIOD_SENT_OCTETS:
		mib_set_counter(value, tally->sent_octets);
		break;
	}
}

/* ---- all tables ---- */

enum table { AGENT, PERIOD_INFO, PERIOD_BLOCK, VM, VIF, PAIR, PERIOD };

static const struct mib_table tables[] = {
    [AGENT] = {MIB_NUMBERS(node, MIB_AGENT), MIB_AGENT_VERSION, MIB_AGENT_UNMATCHED_OCTETS, 0,
	mib_seek_scalar, mib_index_scalar},
    [PERIOD_INFO] = {MIB_NUMBERS(node, MIB_PERIOD_INFO), MIB_INFO_LENGTH, MIB_INFO_BACKEND, 0,
	seek_info, index_info},
    [PERIOD_BLOCK] = {MIB_NUMBERS(node, MIB_PERIOD_BLOCK), MIB_BLOCK_DATA, MIB_BLOCK_DATA, 0,
	seek_block, index_block},
    [VM] = {MIB_NUMBERS(node, MIB_VM), MIB_VM_ID, MIB_VM_LAST_END, 0, seek_vm, index_vm},
    [VIF] = {MIB_NUMBERS(node, MIB_VIF), MIB_VIF_VM, MIB_VIF_EVIDENCE, 0, seek_vif, index_vif},
    [PAIR] = {MIB_NUMBERS(node, MIB_PAIR), MIB_PAIR_PACKETS, MIB_PAIR_VM_NAME, 0, seek_pair,
	index_pair},
    [PERIOD] = {MIB_NUMBERS(node, MIB_PERIOD), MIB_PERIOD_PACKETS, MIB_PERIOD_SENT_OCTETS, 0,
	seek_row, index_row},
};

static void read_object(void *rows, const struct mib_place *place, const struct mib_moment *now,
    struct mib_value *value)
{
	struct snapshot *snapshot = rows;
	const struct mib_row row = place->row;

	switch ((enum table)place->table) {
	case AGENT:
		read_scalar(snapshot, place->column, now, value);
		break;
	case PERIOD_INFO:
		read_info(snapshot->periods[row.item], place->column, value);
		break;
	case PERIOD_BLOCK:
		read_block(snapshot->periods[row.part], row.item, value);
		break;
	case VM:
		read_vm(&snapshot->vms[row.item], place->column, value);
		break;
	case VIF:
		read_vif(&snapshot->vifs[row.item], place->column, value);
		break;
	case PAIR:
		read_pair(snapshot, &snapshot->pairs.items[row.item], place->column, value);
		break;
	case PERIOD:
		read_row(snapshot, row, place->column, value);
		break;
	}
}

const struct mib_view mib_objects_view = {.name = "GRAPPE-MIB",
    MIB_NUMBERS(root, MIB_OBJECTS),
    .tables = tables,
    .ntables = sizeof tables / sizeof *tables,
    .read = read_object};
