/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where answers come from: the collector, or the archives with no collector running. Both give a
 * sink the header and then rows whose form has been checked, so that what comes after may rely on
 * it. Says on standard error what went wrong. One thread.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_SOURCE_H
#define GRAPPE_COLLECTOR_QUERY_SOURCE_H

#include "collector/query_facts.h"
#include "collector/query_names.h"
#include "common/protocol.h"

#define QUERY_EXIT_LATER 2

/* query_fail - one line on standard error, "grappe-query: …". Returns GRAPPE_EINVALID. */
int query_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* query_ask_collector - request to the daemon at path; its rows must have the shape. An answer that
 * broke off, or has another form, is an error although rows went to the sink. Returns an exit code:
 * EXIT_SUCCESS, EXIT_FAILURE (it has been said why, unless the sink returned an error),
 * QUERY_EXIT_LATER. */
int query_ask_collector(const char *path, const struct protocol_request *request,
    const struct query_shape *shape, const struct protocol_sink *sink);
/* query_ask_status - *data gets a new reference. */
int query_ask_status(const char *path, json_t **data);

/* query_names_collector - display names into names; without all of them ids are shown, and it has
 * been said why. Returns 0 or an error. */
int query_names_collector(const char *path, struct query_names *names);

#endif
