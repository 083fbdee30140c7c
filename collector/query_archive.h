/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers from the archives alone, with no collector running: by the same plan and the same code as
 * the collector's. Says on standard error what went wrong. One thread.
 */
#ifndef GRAPPE_COLLECTOR_QUERY_ARCHIVE_H
#define GRAPPE_COLLECTOR_QUERY_ARCHIVE_H

#include "collector/query_facts.h"
#include "collector/query_names.h"
#include "collector/query_progress.h"
#include "common/protocol.h"

struct query_archive {
	const char *folder;
	const char
	    *inventory; /* file of the collector's inventory; NULL: the usual place beside it */
	struct query_progress *progress;
};

/* query_ask_archive - the same request answered from the archives alone. */
int query_ask_archive(const struct query_archive *archive, const struct protocol_request *request,
    const struct query_shape *shape, const struct protocol_sink *sink);
/* query_list_archives - rows of QUERY_ARCHIVES: which receivers there are, and which time is held.
 */
int query_list_archives(const struct query_archive *archive, const struct query_names *names,
    const struct protocol_sink *sink);
/* query_archive_length - of the periods that the archives hold, in seconds; 0: they hold none, and
 * it has been said. */
int64_t query_archive_length(const struct query_archive *archive);

/* query_names_archive - display names from the inventory's file into names. Returns 0 (without
 * names when the usual file is not there), or an error, which has been said. */
int query_names_archive(const struct query_archive *archive, struct query_names *names);

#endif
