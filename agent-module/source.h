/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One interface that is being watched, whichever back end does it. source_pcap.c hands over frames;
 * source_bpf.c counts in the kernel and hands over only sums, by way of its counter.
 *
 * Life-cycle: source_pcap_open() or source_bpf_open(); source_watch() per virtual NIC;
 * source_read() whenever the descriptor is readable, if there is one; source_close(). One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_SOURCE_H
#define GRAPPE_AGENT_MODULE_SOURCE_H

#include "common/period.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One frame: `captured` of its `length` bytes, when the kernel saw it, and whether the guest sent
 * it. */
typedef void source_handler(void *context, const uint8_t *bytes, uint32_t captured, uint32_t length,
    int64_t stamp_ns, bool sent);

struct source;

/* A back end's answer to the functions below; NULL: it has nothing to do. */
struct source_class {
	const char *name;
	void (*close)(struct source *source);
	int (*fd)(const struct source *source);
	int64_t (*since_ns)(const struct source *source);
	int (*read)(struct source *source, int limit, source_handler *handler, void *context,
	    char *message, size_t size);
	uint64_t (*drops)(struct source *source);
	bool (*works)(const struct source *source);
	int (*watch)(struct source *source, const struct period_vif *vif, int handle);
	void (*unwatch)(struct source *source, int number);
};

/* The first member of each back end's own struct. */
struct source {
	const struct source_class *class;
};

/* source_close - NULL is allowed. */
void source_close(struct source *source);
/* source_fd - to be waited for, or -1: nothing ever comes to be read. */
int source_fd(const struct source *source);
/* source_since_ns - wall clock time from which on everything is seen. */
int64_t source_since_ns(const struct source *source);
/* source_read - hands waiting frames to the handler, at most about `limit` (> 0). Returns how many,
 * or GRAPPE_EIO when the source is dead; message[size] says why. */
int source_read(struct source *source, int limit, source_handler *handler, void *context,
    char *message, size_t size);
/* source_drops - frames the kernel lost since the last call because there was no room for them. */
uint64_t source_drops(struct source *source);
/* source_works - false when the interface is not watched any more, because others took away what
 * watched it; a source with a descriptor tells it by source_read(). */
bool source_works(const struct source *source);
/* source_watch - frames for the vif's MACs are its own from now on; handle: of account_watch().
 * Returns a number (>= 0) for source_unwatch(), GRAPPE_ELIMIT or GRAPPE_EIO. */
int source_watch(struct source *source, const struct period_vif *vif, int handle);
void source_unwatch(struct source *source, int number);

#endif
