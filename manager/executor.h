/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carries recommendations out through the clouds' APIs, one at a time (doc/execution.md). What is
 * under way is stored before and after each order (execution.json in the state folder), so that a
 * restart goes on following it and orders nothing twice. While the stop file exists nothing is
 * ordered, and what is under way is called off where its API can. In the loop, one thread.
 *
 * Life-cycle: executor_new() (goes on with what an earlier run left), executor_begin(),
 * executor_free().
 */
#ifndef GRAPPE_MANAGER_EXECUTOR_H
#define GRAPPE_MANAGER_EXECUTOR_H

#include "common/settings.h"
#include "manager/execution.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct executor; /* opaque */

/* Called from the loop after each change. move: which one, or EXECUTION_NONE: the whole began or
 * ended. */
typedef void executor_changed(const struct execution *execution, size_t move, void *context);

struct executor_options {
	const struct settings_sections *clouds; /* struct cloud_settings; borrowed */
	const char *folder;                     /* of execution.json; exists */
	const char *stop_file;                  /* "" none */
	size_t moves_per_host;                  /* at once, > 0 */
	executor_changed *changed;
	void *context;
};

/* executor_new - strings of options are borrowed. A stored execution that cannot be read is set
 * aside with a warning. Returns 0, GRAPPE_EMEMORY or, with words, GRAPPE_EIO. */
int executor_new(struct event_base *base, const struct executor_options *options,
    struct executor **out, char *message, size_t size);
/* executor_free - what is under way goes on at its API; the next run follows it. NULL is allowed.
 */
void executor_free(struct executor *executor);

/* executor_begin - carries out the moves of a document that passed recommendation_check().
 * Returns 0, GRAPPE_EEXISTS (one is under way), GRAPPE_EINVALID (the stop file exists),
 * GRAPPE_ENOTFOUND (no API can make any of the moves; executor_execution() says why for each) or
 * GRAPPE_EMEMORY. */
int executor_begin(
    struct executor *executor, const json_t *document, const struct environments *environments);
/* executor_busy - a recommendation is being carried out. */
bool executor_busy(const struct executor *executor);
/* executor_execution - the present or last one; its id is "" when there was none. */
const struct execution *executor_execution(const struct executor *executor);
bool executor_is_stopped(const struct executor *executor);
/* executor_clouds - all of them, in the order of the configuration. */
struct cloud *const *executor_clouds(const struct executor *executor, size_t *count);

#endif
