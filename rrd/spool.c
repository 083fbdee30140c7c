/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/spool.h"

#include "common/error.h"
#include "rrd/archive_update.h"
#include "rrd/records.h"

#include <stdlib.h>

struct spool {
	struct records *records;
	struct buffer payload; /* scratch */
};

int spool_open(const char *folder, struct spool **out)
{
	struct spool *spool = calloc(1, sizeof *spool);
	int rc;

	*out = NULL;
	if (spool == NULL)
		return GRAPPE_EMEMORY;
	buffer_init(&spool->payload);
	rc = records_open(folder, "spool", &spool->records);
	if (rc == GRAPPE_OK)
		*out = spool;
	else
		spool_close(spool);
	return rc;
}

void spool_close(struct spool *spool)
{
	if (spool == NULL)
		return;
	records_close(spool->records);
	buffer_deinit(&spool->payload);
	free(spool);
}

bool spool_is_empty(const struct spool *spool)
{
	return records_are_none(spool->records);
}

static const struct buffer *encode(struct spool *spool, const struct archive_update *update)
{
	spool->payload.length = 0;
	spool->payload.error = GRAPPE_OK;
	archive_update_put(&spool->payload, update);
	return &spool->payload;
}

int spool_append(struct spool *spool, const struct archive_update *update)
{
	return records_append(spool->records, encode(spool, update));
}

int spool_clear(struct spool *spool)
{
	return records_clear(spool->records);
}

struct visit {
	spool_visitor *visitor;
	void *context;
};

static int visit_one(void *context, struct reader *payload)
{
	const struct visit *visit = context;
	struct archive_update *update;
	const int rc = archive_update_take(payload, &update);

	return rc == GRAPPE_OK ? visit->visitor(visit->context, update) : rc;
}

int spool_visit(struct spool *spool, spool_visitor *visitor, void *context)
{
	struct visit visit = {visitor, context};

	return records_visit(spool->records, visit_one, &visit);
}

struct keeping {
	struct spool *spool;
	bool (*wanted)(void *context, const struct archive_update *update);
	void *context;
};

static int keep_one(void *context, struct archive_update *update)
{
	const struct keeping *keeping = context;
	int rc = GRAPPE_OK;

	if (keeping->wanted(keeping->context, update))
		rc = records_add(keeping->spool->records, encode(keeping->spool, update));
	archive_update_free(update);
	return rc;
}

int spool_keep(struct spool *spool,
    bool (*wanted)(void *context, const struct archive_update *update), void *context)
{
	struct keeping keeping = {spool, wanted, context};
	int rc = records_begin(spool->records);

	if (rc == GRAPPE_OK)
		rc = spool_visit(spool, keep_one, &keeping);
	if (rc == GRAPPE_OK)
		rc = records_end(spool->records);
	if (rc != GRAPPE_OK)
		records_cancel(spool->records);
	return rc;
}
