/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/source.h"

#include "common/clock.h"

void source_close(struct source *source)
{
	if (source != NULL)
		source->class->close(source);
}

int source_fd(const struct source *source)
{
	return source->class->fd != NULL ? source->class->fd(source) : -1;
}

int64_t source_since_ns(const struct source *source)
{
	return source->class->since_ns != NULL ? source->class->since_ns(source) : clock_wall_ns();
}

int source_read(struct source *source, int limit, source_handler *handler, void *context,
    char *message, size_t size)
{
	return source->class->read != NULL
		   ? source->class->read(source, limit, handler, context, message, size)
		   : 0;
}

uint64_t source_drops(struct source *source)
{
	return source->class->drops != NULL ? source->class->drops(source) : 0;
}

bool source_works(const struct source *source)
{
	return source->class->works == NULL || source->class->works(source);
}

int source_watch(struct source *source, const struct period_vif *vif, int handle)
{
	return source->class->watch != NULL ? source->class->watch(source, vif, handle) : 0;
}

void source_unwatch(struct source *source, int number)
{
	if (source->class->unwatch != NULL)
		source->class->unwatch(source, number);
}
