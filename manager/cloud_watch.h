/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks the clouds' APIs for what they know, again and again, and feeds it to plans
 * (manager/environment_feed.h). A cloud that does not answer keeps its last survey, with its age
 * told. In the loop, one thread.
 *
 * Life-cycle: cloud_watch_new(), cloud_watch_start(), cloud_watch_feed() for each plan,
 * cloud_watch_free() before the clouds.
 */
#ifndef GRAPPE_MANAGER_CLOUD_WATCH_H
#define GRAPPE_MANAGER_CLOUD_WATCH_H

#include "manager/cloud.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct cloud_watch; /* opaque */

/* cloud_watch_new - clouds: borrowed. refresh_ms: between two surveys of each. Returns 0 or
 * GRAPPE_EMEMORY. */
int cloud_watch_new(struct event_base *base, struct cloud *const *clouds, size_t count,
    int64_t refresh_ms, struct cloud_watch **out);
void cloud_watch_free(struct cloud_watch *watch);
/* cloud_watch_start - the first surveys begin now. */
void cloud_watch_start(struct cloud_watch *watch);

/* cloud_watch_feed - the document (text of length bytes) with all that is known put in, a heap text
 * that the caller frees, and *places (new reference): where VMs are. Without anything known, or of
 * a text that is no JSON, a copy. Returns NULL without memory. */
char *cloud_watch_feed(
    const struct cloud_watch *watch, const char *text, size_t length, json_t **places);

/* cloud_watch_json - [{"name", "surveyed", "silent", "hosts", "vms", "error"}]. A new reference,
 * NULL without memory. */
json_t *cloud_watch_json(const struct cloud_watch *watch);

#endif
