/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/source_bpf.h"

#include "common/error.h"

#include <stdio.h>
#include <stdlib.h>

struct source_bpf {
	struct source base;
	struct bpf_counter *counter;
	struct bpf_port *port; /* owned */
};

static void close_bpf(struct source *base)
{
	struct source_bpf *source = (struct source_bpf *)base;

	bpf_counter_detach(source->counter, source->port);
	free(source);
}

static bool works_bpf(const struct source *base)
{
	const struct source_bpf *source = (const struct source_bpf *)base;

	return bpf_counter_is_attached(source->counter, source->port);
}

static int watch_bpf(struct source *base, const struct period_vif *vif, int handle)
{
	const struct source_bpf *source = (const struct source_bpf *)base;

	return bpf_counter_watch(source->counter, source->port, vif->macs, vif->nmacs, handle);
}

static void unwatch_bpf(struct source *base, int number)
{
	const struct source_bpf *source = (const struct source_bpf *)base;

	bpf_counter_unwatch(source->counter, source->port, number);
}

static const struct source_class bpf_class = {.name = "bpf",
    .close = close_bpf,
    .works = works_bpf,
    .watch = watch_bpf,
    .unwatch = unwatch_bpf};

int source_bpf_open(struct bpf_counter *counter, uint32_t ifindex, bool reversed,
    struct source **out, char *message, size_t size)
{
	struct source_bpf *source = calloc(1, sizeof *source);
	int rc = GRAPPE_EMEMORY;

	*out = NULL;
	snprintf(message, size, "%s", error_text(rc));
	if (source == NULL)
		return rc;
	source->base.class = &bpf_class;
	source->counter = counter;
	rc = bpf_counter_attach(counter, ifindex, reversed, &source->port, message, size);
	if (rc != GRAPPE_OK) {
		free(source);
		return rc;
	}
	*out = &source->base;
	return GRAPPE_OK;
}
