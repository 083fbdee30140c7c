/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/ledger.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

/*
 * State file: "GRPL", version, numbers and sums as varints, then for each vif its numbers, then the
 * vifs and rows themselves as one period of common/period.h whose counters are the cumulative ones,
 * then for each row its last period; the CRC-32 of all that.
 */
static const uint8_t magic[4] = {'G', 'R', 'P', 'L'};
#define STATE_VERSION 1

struct ledger *ledger_new(void)
{
	struct ledger *ledger = calloc(1, sizeof *ledger);

	if (ledger != NULL)
		ledger->next_vif = ledger->next_vm = 1;
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	free(ledger->vifs);
	free(ledger->order);
	tally_free(&ledger->rows);
	free(ledger);
}

void ledger_reset(struct ledger *ledger)
{
	tally_free(&ledger->rows);
	ledger->start_s = ledger->last_end = ledger->length_s = 0;
	ledger->drops = ledger->overflow = ledger->unmatched = ledger->unmatched_octets = 0;
	ledger->estimated = ledger->malformed = 0;
	for (size_t i = 0; i < ledger->nvifs; i++) {
		struct period_vif *vif = &ledger->vifs[i].vif;

		vif->multicast_packets = vif->multicast_octets = 0;
		vif->other_packets = vif->other_octets = 0;
		vif->nonip_packets = 0;
	}
}

/* ---- numbers ---- */

static bool same_segment(const struct period_vif *a, const struct period_vif *b)
{
	return strcmp(a->vm_id, b->vm_id) == 0 && strcmp(a->segment, b->segment) == 0;
}

/* Order of identity: VM, segment, first MAC (none is zeros). */
static int compare_identity(const struct period_vif *a, const struct period_vif *b)
{
	static const struct mac none;
	const struct mac *left = a->nmacs > 0 ? &a->macs[0] : &none;
	const struct mac *right = b->nmacs > 0 ? &b->macs[0] : &none;
	int order = strcmp(a->vm_id, b->vm_id);

	if (order == 0)
		order = strcmp(a->segment, b->segment);
	if (order == 0)
		order = memcmp(left->bytes, right->bytes, sizeof left->bytes);
	return order;
}

/* First place in the order of identity that is not before vif. */
static size_t identity_place(const struct ledger *ledger, const struct period_vif *vif)
{
	size_t low = 0, high = ledger->nvifs;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare_identity(&ledger->vifs[ledger->order[middle]].vif, vif) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int make_room(struct ledger *ledger)
{
	const size_t wanted = ledger->vifs_capacity ? ledger->vifs_capacity * 2 : 16;
	struct ledger_vif *vifs;
	uint32_t *order;

	if (ledger->nvifs < ledger->vifs_capacity)
		return GRAPPE_OK;
	vifs = reallocarray(ledger->vifs, wanted, sizeof *vifs);
	if (vifs == NULL)
		return GRAPPE_EMEMORY;
	ledger->vifs = vifs;
	order = reallocarray(ledger->order, wanted, sizeof *order);
	if (order == NULL)
		return GRAPPE_EMEMORY;
	ledger->order = order;
	ledger->vifs_capacity = wanted;
	return GRAPPE_OK;
}

/* Appends a vif at `place` of the order of identity. Its neighbours there tell whether its VM has a
 * number already and whether the VM has another vif on the segment. */
static int insert_vif(struct ledger *ledger, const struct ledger_vif *vif, size_t place)
{
	const int rc = make_room(ledger);

	if (rc != GRAPPE_OK)
		return rc;
	memmove(&ledger->order[place + 1], &ledger->order[place],
	    (ledger->nvifs - place) * sizeof *ledger->order);
	ledger->order[place] = (uint32_t)ledger->nvifs;
	ledger->vifs[ledger->nvifs++] = *vif;
	return GRAPPE_OK;
}

static int add_vif(
    struct ledger *ledger, const struct period_vif *vif, uint32_t last_end, size_t place)
{
	struct ledger_vif added = {
	    .number = ledger->next_vif, .vm_number = ledger->next_vm, .last_end = last_end};
	bool new_vm = true;
	int rc;

	if (ledger->nvifs >= PERIOD_VIFS_MAX || ledger->next_vif == UINT32_MAX ||
	    ledger->next_vm == UINT32_MAX)
		return GRAPPE_ELIMIT;
	for (size_t i = place > 0 ? place - 1 : 0; i <= place && i < ledger->nvifs; i++) {
		const struct ledger_vif *neighbour = &ledger->vifs[ledger->order[i]];

		if (strcmp(neighbour->vif.vm_id, vif->vm_id) == 0) {
			added.vm_number = neighbour->vm_number;
			new_vm = false;
		}
		if (same_segment(&neighbour->vif, vif))
			added.key_with_mac = true;
	}
	added.vif = *vif;
	added.vif.multicast_packets = added.vif.multicast_octets = 0;
	added.vif.other_packets = added.vif.other_octets = added.vif.nonip_packets = 0;
	rc = insert_vif(ledger, &added, place);
	if (rc != GRAPPE_OK)
		return rc;
	ledger->next_vif++;
	ledger->next_vm += new_vm;
	return GRAPPE_OK;
}

/* Forgets vifs that were in no period for idle_s seconds before now. */
static void forget_vifs(struct ledger *ledger, uint32_t now, uint32_t idle_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < ledger->nvifs; i++)
		if ((uint64_t)ledger->vifs[i].last_end + idle_s >= now)
			ledger->vifs[kept++] = ledger->vifs[i];
	if (kept == ledger->nvifs)
		return;
	ledger->nvifs = 0;
	for (size_t i = 0; i < kept; i++) {
		const size_t place = identity_place(ledger, &ledger->vifs[i].vif);

		memmove(&ledger->order[place + 1], &ledger->order[place],
		    (i - place) * sizeof *ledger->order);
		ledger->order[place] = (uint32_t)i;
		ledger->nvifs++;
	}
}

int ledger_number(
    struct ledger *ledger, const struct period *period, uint32_t *numbers, bool *added)
{
	const uint32_t last_end = period->header.end_s < ledger->last_end
				      ? (uint32_t)period->header.end_s
				      : ledger->last_end;

	*added = false;
	if (ledger->nvifs + period->nvifs > PERIOD_VIFS_MAX)
		forget_vifs(ledger, ledger->last_end, LEDGER_ROW_IDLE_S);
	for (size_t i = 0; i < period->nvifs; i++) {
		const struct period_vif *vif = &period->vifs[i];
		const size_t place = identity_place(ledger, vif);

		if (place == ledger->nvifs ||
		    compare_identity(&ledger->vifs[ledger->order[place]].vif, vif) != 0) {
			const int rc = add_vif(ledger, vif, last_end, place);

			if (rc != GRAPPE_OK)
				return rc;
			*added = true;
		}
		numbers[i] = ledger->vifs[ledger->order[place]].number;
	}
	return GRAPPE_OK;
}

static struct ledger_vif *find_vif(const struct ledger *ledger, uint32_t number)
{
	size_t low = 0, high = ledger->nvifs;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ledger->vifs[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == ledger->nvifs || ledger->vifs[low].number != number)
		return NULL;
	return &ledger->vifs[low];
}

const struct ledger_vif *ledger_find_vif(const struct ledger *ledger, uint32_t number)
{
	return find_vif(ledger, number);
}

/* ---- accounting ---- */

static int compare_ends(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* The end before which rows must go so that about LEDGER_ROWS_MAX stay; never the newest period. */
static uint32_t crowded_before(const struct tally_set *rows, uint32_t newest)
{
	uint32_t *ends, before = 0;

	if (rows->count <= LEDGER_ROWS_MAX)
		return 0;
	ends = calloc(rows->count, sizeof *ends);
	if (ends == NULL)
		return newest;
	for (size_t i = 0; i < rows->count; i++)
		ends[i] = rows->items[i].last_end;
	qsort(ends, rows->count, sizeof *ends, compare_ends);
	/* All rows as old as this one go, so that room is left for the next period as well. */
	before = ends[rows->count - LEDGER_ROWS_MAX] + 1;
	free(ends);
	return before < newest ? before : newest;
}

/* Drops idle rows in place. */
static size_t drop_rows(struct tally_set *rows, uint32_t newest)
{
	const uint32_t idle = newest > LEDGER_ROW_IDLE_S ? newest - LEDGER_ROW_IDLE_S : 0;
	const uint32_t crowded = crowded_before(rows, newest);
	size_t kept = 0, forgotten = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->items[i].last_end >= idle && rows->items[i].last_end >= crowded)
			rows->items[kept++] = rows->items[i];
		else
			forgotten += rows->items[i].last_end >= idle;
	}
	rows->count = kept;
	return forgotten;
}

/* What the period says of a vif replaces what was known; its counters add up. */
static void account_vif(struct ledger_vif *known, const struct period_vif *now, uint32_t end)
{
	const struct period_vif before = known->vif;

	known->vif = *now;
	known->vif.multicast_packets += before.multicast_packets;
	known->vif.multicast_octets += before.multicast_octets;
	known->vif.other_packets += before.other_packets;
	known->vif.other_octets += before.other_octets;
	known->vif.nonip_packets += before.nonip_packets;
	known->last_end = end;
}

int ledger_account(struct ledger *ledger, const struct period *period, const uint32_t *numbers,
    const struct tally_set *rows)
{
	const struct period_header *header = &period->header;
	struct tally_set merged;
	int rc;

	if (header->end_s <= ledger->last_end || header->end_s >= UINT32_MAX ||
	    header->length_s > header->end_s)
		return GRAPPE_ERANGE;
	rc = tally_merge(&ledger->rows, rows, &merged);
	if (rc != GRAPPE_OK)
		return rc;
	tally_free(&ledger->rows);
	ledger->rows = merged;
	ledger->last_end = (uint32_t)header->end_s;
	ledger->length_s = header->length_s;
	if (ledger->start_s == 0)
		ledger->start_s = ledger->last_end - header->length_s;
	ledger->drops += header->dropped_packets;
	ledger->unmatched += header->unmatched_packets;
	ledger->unmatched_octets += header->unmatched_octets;
	ledger->estimated += header->estimated_packets;
	ledger->malformed += header->malformed_packets;
	/* Only after the clock was set back and the counters were reset can a vif be of later. */
	for (size_t i = 0; i < ledger->nvifs; i++)
		if (ledger->vifs[i].last_end > ledger->last_end)
			ledger->vifs[i].last_end = ledger->last_end;
	for (size_t i = 0; i < period->nvifs; i++) {
		ledger->overflow += period->vifs[i].other_packets;
		account_vif(find_vif(ledger, numbers[i]), &period->vifs[i], ledger->last_end);
	}
	ledger->forgotten_rows += drop_rows(&ledger->rows, ledger->last_end);
	forget_vifs(ledger, ledger->last_end, LEDGER_VIF_IDLE_S);
	return GRAPPE_OK;
}

/* ---- state file: writing ---- */

/* A tally as one or two rows of a period; the first also when all is zero, so that none is lost. */
static int add_rows(struct period *period, uint32_t vif, const struct tally *tally)
{
	struct period_row row = {.vif = vif,
	    .direction = ROW_RECEIVED,
	    .peer = tally->peer,
	    .packets = tally->packets,
	    .octets = tally->octets};
	const bool sent = tally->sent_packets != 0 || tally->sent_octets != 0;
	int rc = 0;

	if (!sent || row.packets != 0 || row.octets != 0)
		rc = period_add_row(period, &row);
	if (rc < 0 || !sent)
		return rc;
	row.direction = ROW_SENT;
	row.packets = tally->sent_packets;
	row.octets = tally->sent_octets;
	return period_add_row(period, &row);
}

static int fill_period(const struct ledger *ledger, struct period *period)
{
	uint32_t vif = 0;
	int rc = 0;

	period->header = (struct period_header){.end_s = ledger->last_end,
	    .length_s = ledger->length_s,
	    .dropped_packets = ledger->drops,
	    .unmatched_packets = ledger->unmatched,
	    .unmatched_octets = ledger->unmatched_octets,
	    .estimated_packets = ledger->estimated,
	    .malformed_packets = ledger->malformed};
	for (size_t i = 0; i < ledger->nvifs && rc >= 0; i++)
		rc = period_add_vif(period, &ledger->vifs[i].vif);
	for (size_t i = 0; i < ledger->rows.count && rc >= 0; i++) {
		while (vif < ledger->nvifs && ledger->vifs[vif].number < ledger->rows.items[i].vif)
			vif++;
		rc = add_rows(period, vif, &ledger->rows.items[i]);
	}
	period_sort(period);
	return rc < 0 ? rc : GRAPPE_OK;
}

static void put_numbers(struct buffer *out, const struct ledger *ledger)
{
	buffer_put(out, magic, sizeof magic);
	buffer_put_u8(out, STATE_VERSION);
	buffer_put_varint(out, ledger->start_s);
	buffer_put_varint(out, ledger->next_vif);
	buffer_put_varint(out, ledger->next_vm);
	buffer_put_varint(out, ledger->overflow);
	buffer_put_varint(out, ledger->nvifs);
	for (size_t i = 0; i < ledger->nvifs; i++) {
		const struct ledger_vif *vif = &ledger->vifs[i];

		buffer_put_varint(out, vif->number);
		buffer_put_varint(out, vif->vm_number);
		buffer_put_varint(out, vif->last_end);
		buffer_put_u8(out, vif->key_with_mac);
	}
}

int ledger_encode(const struct ledger *ledger, struct buffer *out)
{
	const size_t start = out->length;
	struct period *period;
	struct buffer encoded;
	int rc;

	if (ledger->last_end == 0)
		return GRAPPE_EINVALID;
	period = period_new();
	if (period == NULL)
		return GRAPPE_EMEMORY;
	buffer_init(&encoded);
	rc = fill_period(ledger, period);
	if (rc == GRAPPE_OK)
		rc = period_encode(period, &encoded);
	period_free(period);
	put_numbers(out, ledger);
	buffer_put_varint(out, encoded.length);
	buffer_put(out, encoded.bytes, encoded.length);
	buffer_deinit(&encoded);
	for (size_t i = 0; i < ledger->rows.count; i++)
		buffer_put_varint(out, ledger->last_end - ledger->rows.items[i].last_end);
	if (out->error == GRAPPE_OK)
		buffer_put_u32(out, period_checksum(out->bytes + start, out->length - start));
	return rc != GRAPPE_OK ? rc : out->error;
}

/* ---- state file: reading ---- */

static uint32_t take_u32(struct reader *reader)
{
	const uint64_t value = reader_varint(reader);

	if (value > UINT32_MAX && reader->error == GRAPPE_OK)
		reader->error = GRAPPE_EFORMAT;
	return (uint32_t)value;
}

/* Numbers of the vifs into an array that the caller frees; NULL on error. */
static struct ledger_vif *take_numbers(struct reader *reader, struct ledger *ledger, size_t *count)
{
	struct ledger_vif *vifs;

	ledger->start_s = take_u32(reader);
	ledger->next_vif = take_u32(reader);
	ledger->next_vm = take_u32(reader);
	ledger->overflow = reader_varint(reader);
	*count = take_u32(reader);
	if (reader->error == GRAPPE_OK &&
	    (*count > PERIOD_VIFS_MAX || *count > reader_left(reader)))
		reader->error = GRAPPE_ELIMIT;
	if (reader->error != GRAPPE_OK)
		return NULL;
	vifs = calloc(*count + 1, sizeof *vifs);
	for (size_t i = 0; vifs != NULL && i < *count; i++) {
		vifs[i].number = take_u32(reader);
		vifs[i].vm_number = take_u32(reader);
		vifs[i].last_end = take_u32(reader);
		vifs[i].key_with_mac = reader_u8(reader) != 0;
		if (vifs[i].number == 0 || vifs[i].number >= ledger->next_vif ||
		    vifs[i].vm_number == 0 || vifs[i].vm_number >= ledger->next_vm ||
		    (i > 0 && vifs[i].number <= vifs[i - 1].number))
			reader->error = reader->error != GRAPPE_OK ? reader->error : GRAPPE_EFORMAT;
	}
	if (vifs == NULL)
		reader->error = GRAPPE_EMEMORY;
	return vifs;
}

/* Puts the period's vifs with their numbers into the ledger. */
static int take_vifs(struct ledger *ledger, struct ledger_vif *vifs, const struct period *period)
{
	for (size_t i = 0; i < period->nvifs; i++) {
		const struct period_vif *vif = &period->vifs[i];
		const size_t place = identity_place(ledger, vif);
		int rc;

		if (vifs[i].last_end > ledger->last_end ||
		    (place < ledger->nvifs &&
			compare_identity(&ledger->vifs[ledger->order[place]].vif, vif) == 0))
			return GRAPPE_EFORMAT;
		vifs[i].vif = *vif;
		rc = insert_vif(ledger, &vifs[i], place);
		if (rc != GRAPPE_OK)
			return rc;
	}
	return GRAPPE_OK;
}

static int take_rows(struct reader *reader, struct ledger *ledger, const struct period *period)
{
	uint32_t *numbers = calloc(period->nvifs + 1, sizeof *numbers);
	int rc;

	if (numbers == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < period->nvifs; i++)
		numbers[i] = ledger->vifs[i].number;
	rc = tally_from_period(period, numbers, &ledger->rows);
	free(numbers);
	for (size_t i = 0; i < ledger->rows.count && rc == GRAPPE_OK; i++) {
		struct tally *row = &ledger->rows.items[i];
		const uint32_t age = take_u32(reader);

		if (age > ledger->last_end)
			return GRAPPE_EFORMAT;
		row->last_end = ledger->last_end - age;
		if (row->last_end > find_vif(ledger, row->vif)->last_end)
			return GRAPPE_EFORMAT;
	}
	return rc;
}

static int take_period(
    struct reader *reader, struct ledger *ledger, struct ledger_vif *vifs, size_t count)
{
	const uint64_t length = reader_varint(reader);
	const uint8_t *bytes;
	struct period *period;
	int rc;

	if (reader->error != GRAPPE_OK || length > reader_left(reader))
		return reader->error != GRAPPE_OK ? reader->error : GRAPPE_ETRUNCATED;
	bytes = reader_take(reader, (size_t)length);
	rc = period_decode(bytes, (size_t)length, &period);
	if (rc != GRAPPE_OK)
		return rc;
	if (period->nvifs != count || period->header.end_s >= UINT32_MAX) {
		period_free(period);
		return GRAPPE_EFORMAT;
	}
	ledger->last_end = (uint32_t)period->header.end_s;
	ledger->length_s = period->header.length_s;
	ledger->drops = period->header.dropped_packets;
	ledger->unmatched = period->header.unmatched_packets;
	ledger->unmatched_octets = period->header.unmatched_octets;
	ledger->estimated = period->header.estimated_packets;
	ledger->malformed = period->header.malformed_packets;
	rc = take_vifs(ledger, vifs, period);
	if (rc == GRAPPE_OK)
		rc = take_rows(reader, ledger, period);
	period_free(period);
	return rc;
}

static int take_state(struct reader *reader, struct ledger *ledger)
{
	struct ledger_vif *vifs;
	size_t count = 0;
	int rc;

	vifs = take_numbers(reader, ledger, &count);
	rc = reader->error;
	if (rc == GRAPPE_OK)
		rc = take_period(reader, ledger, vifs, count);
	free(vifs);
	if (rc == GRAPPE_OK)
		rc = reader->error;
	if (rc == GRAPPE_OK && (reader_left(reader) != 0 || ledger->start_s >= ledger->last_end))
		rc = GRAPPE_EFORMAT;
	return rc;
}

int ledger_decode(const void *bytes, size_t length, struct ledger **out)
{
	const size_t lead = sizeof magic + 1, trailer = 4;
	struct reader reader, checksum;
	struct ledger *ledger;
	int rc;

	*out = NULL;
	if (length < lead + trailer)
		return GRAPPE_ETRUNCATED;
	if (memcmp(bytes, magic, sizeof magic) != 0)
		return GRAPPE_EFORMAT;
	if (((const uint8_t *)bytes)[sizeof magic] != STATE_VERSION)
		return GRAPPE_EVERSION;
	reader_init(&checksum, (const uint8_t *)bytes + length - trailer, trailer);
	if (reader_u32(&checksum) != period_checksum(bytes, length - trailer))
		return GRAPPE_ECHECKSUM;
	ledger = ledger_new();
	if (ledger == NULL)
		return GRAPPE_EMEMORY;
	reader_init(&reader, bytes, length - trailer);
	reader_skip(&reader, lead);
	rc = take_state(&reader, ledger);
	if (rc != GRAPPE_OK) {
		ledger_free(ledger);
		return rc;
	}
	*out = ledger;
	return GRAPPE_OK;
}
