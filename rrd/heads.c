/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/heads.h"

#include "common/error.h"
#include "common/identity.h"
#include "rrd/records.h"

#include <stdlib.h>
#include <string.h>

struct heads {
	struct records *records;
	struct buffer payload; /* scratch */
};

int heads_open(const char *folder, struct heads **out)
{
	struct heads *heads = calloc(1, sizeof *heads);
	int rc;

	*out = NULL;
	if (heads == NULL)
		return GRAPPE_EMEMORY;
	buffer_init(&heads->payload);
	rc = records_open(folder, "heads", &heads->records);
	if (rc == GRAPPE_OK)
		*out = heads;
	else
		heads_close(heads);
	return rc;
}

void heads_close(struct heads *heads)
{
	if (heads == NULL)
		return;
	records_close(heads->records);
	buffer_deinit(&heads->payload);
	free(heads);
}

int heads_clear(struct heads *heads)
{
	return records_clear(heads->records);
}

static const struct buffer *encode(
    struct heads *heads, const char *receiver, const char *sender, const struct rrdfile_head *head)
{
	struct buffer *payload = &heads->payload;

	payload->length = 0;
	payload->error = GRAPPE_OK;
	buffer_put_text(payload, receiver);
	buffer_put_text(payload, sender);
	buffer_put_varint(payload, head->live_at);
	buffer_put(payload, head->bytes + head->live_at, head->size - head->live_at);
	return payload;
}

int heads_keep(
    struct heads *heads, const char *receiver, const char *sender, const struct rrdfile_head *head)
{
	return records_append(heads->records, encode(heads, receiver, sender, head));
}

int heads_begin(struct heads *heads)
{
	return records_begin(heads->records);
}

int heads_add(
    struct heads *heads, const char *receiver, const char *sender, const struct rrdfile_head *head)
{
	return records_add(heads->records, encode(heads, receiver, sender, head));
}

int heads_end(struct heads *heads)
{
	const int rc = records_end(heads->records);

	if (rc != GRAPPE_OK)
		records_cancel(heads->records);
	return rc;
}

struct visit {
	heads_visitor *visitor;
	void *context;
};

static int visit_one(void *context, struct reader *payload)
{
	const struct visit *visit = context;
	char receiver[VM_ID_SIZE], sender[VM_ID_SIZE];
	struct rrdfile_live live;

	reader_text(payload, receiver, sizeof receiver);
	reader_text(payload, sender, sizeof sender);
	live.at = reader_varint(payload);
	live.length = reader_left(payload);
	live.bytes = reader_take(payload, live.length);
	if (payload->error != GRAPPE_OK)
		return GRAPPE_EFORMAT;
	return visit->visitor(visit->context, receiver, sender, &live);
}

int heads_visit(struct heads *heads, heads_visitor *visitor, void *context)
{
	struct visit visit = {visitor, context};

	return records_visit(heads->records, visit_one, &visit);
}
