/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/archive_update.h"

#include "common/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(code, ...) (snprintf(message, size, __VA_ARGS__), (code))

struct archive_update *archive_update_new(
    const char *receiver, int64_t end_s, double known, size_t nsenders)
{
	struct archive_update *update = calloc(1, sizeof *update);

	if (update == NULL)
		return NULL;
	update->senders = calloc(nsenders > 0 ? nsenders : 1, sizeof *update->senders);
	if (update->senders == NULL) {
		free(update);
		return NULL;
	}
	snprintf(update->receiver, sizeof update->receiver, "%s", receiver);
	update->end_s = end_s;
	update->known = known;
	update->nsenders = nsenders;
	return update;
}

void archive_update_free(struct archive_update *update)
{
	if (update == NULL)
		return;
	free(update->senders);
	free(update);
}

/* ---- what makes no sense ---- */

static int compare_senders(const void *left, const void *right)
{
	const struct archive_sender *x = left, *y = right;

	return strcmp(x->sender, y->sender);
}

static bool is_count(double value)
{
	return isfinite(value) && value >= 0;
}

static int check_senders(const struct archive_update *update, char *message, size_t size)
{
	for (size_t i = 0; i < update->nsenders; i++) {
		const struct archive_sender *sender = &update->senders[i];

		if (!identity_is_valid(sender->sender))
			return FAIL(GRAPPE_EINVALID, "'%.63s' is no sender's id", sender->sender);
		if (!is_count(sender->packets) || !is_count(sender->octets))
			return FAIL(GRAPPE_EINVALID, "counts of %s from %s are no counts",
			    update->receiver, sender->sender);
		if (i > 0 && strcmp(sender[-1].sender, sender->sender) == 0)
			return FAIL(GRAPPE_EINVALID, "sender %s twice in a period of %s",
			    sender->sender, update->receiver);
	}
	return GRAPPE_OK;
}

int archive_update_check(
    struct archive_update *update, uint32_t length_s, int64_t now_s, char *message, size_t size)
{
	qsort(update->senders, update->nsenders, sizeof *update->senders, compare_senders);
	if (!identity_is_valid(update->receiver))
		return FAIL(GRAPPE_EINVALID, "'%.63s' is no receiver's id", update->receiver);
	if (!(update->known >= 0 && update->known <= 1) ||
	    (update->known == 0 && update->nsenders > 0))
		return FAIL(GRAPPE_EINVALID, "known share %g of %s makes no sense", update->known,
		    update->receiver);
	if (update->end_s <= 0 || update->end_s % length_s != 0)
		return FAIL(GRAPPE_ERANGE, "period end %lld of %s is no multiple of %us",
		    (long long)update->end_s, update->receiver, length_s);
	if (update->end_s > now_s + length_s)
		return FAIL(GRAPPE_ERANGE, "period end %lld of %s lies in the future",
		    (long long)update->end_s, update->receiver);
	return check_senders(update, message, size);
}

/* ---- bytes ---- */

static void put_double(struct buffer *buffer, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	buffer_put_varint(buffer, bits);
}

static double take_double(struct reader *reader)
{
	const uint64_t bits = reader_varint(reader);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

void archive_update_put(struct buffer *buffer, const struct archive_update *update)
{
	buffer_put_text(buffer, update->receiver);
	buffer_put_signed(buffer, update->end_s);
	put_double(buffer, update->known);
	buffer_put_varint(buffer, update->nsenders);
	for (size_t i = 0; i < update->nsenders; i++) {
		buffer_put_text(buffer, update->senders[i].sender);
		put_double(buffer, update->senders[i].packets);
		put_double(buffer, update->senders[i].octets);
	}
	buffer_put_varint(buffer, update->flags);
}

int archive_update_take(struct reader *reader, struct archive_update **out)
{
	char receiver[VM_ID_SIZE];
	struct archive_update *update;
	int64_t end_s;
	uint64_t count;
	double known;

	*out = NULL;
	reader_text(reader, receiver, sizeof receiver);
	end_s = reader_signed(reader);
	known = take_double(reader);
	count = reader_varint(reader);
	if (reader->error != GRAPPE_OK || count > reader_left(reader))
		return GRAPPE_EFORMAT;
	update = archive_update_new(receiver, end_s, known, count);
	if (update == NULL)
		return GRAPPE_EMEMORY;
	for (size_t i = 0; i < count; i++) {
		reader_text(reader, update->senders[i].sender, VM_ID_SIZE);
		update->senders[i].packets = take_double(reader);
		update->senders[i].octets = take_double(reader);
	}
	if (reader_left(reader) > 0) /* the journal of an older version ends here */
		update->flags = (uint32_t)reader_varint(reader);
	if (reader->error != GRAPPE_OK) {
		archive_update_free(update);
		return GRAPPE_EFORMAT;
	}
	*out = update;
	return GRAPPE_OK;
}
