/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs of the operator, run from the loop: an argument vector, never a shell; an environment of
 * PATH and LC_ALL=C alone; no open files but the standard ones; a session of its own, so that all
 * it started can be ended; what it prints is kept up to a limit. Nothing blocks. One thread, the
 * loop's.
 *
 * Life-cycle: child_start(), then either its `done` is called once, or child_free().
 */
#ifndef GRAPPE_MANAGER_CHILD_H
#define GRAPPE_MANAGER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHILD_REASON_SIZE 400
#define CHILD_GRACE_MS 2000
#define CHILD_IDENTITY_SIZE 64

struct event_base;
struct child; /* opaque */

struct child_request {
	char *const *words; /* NULL-terminated; the first is the program, with its path or found in
			       /usr/local/sbin … /bin */
	const char *input;  /* zero-terminated, for its standard input; NULL: none */
	int64_t limit_ms;   /* then SIGTERM, CHILD_GRACE_MS later SIGKILL, to its process group */
	size_t output_max;  /* bytes of its output that are kept */
	bool errors_apart;  /* standard error is no part of the output: of it only the last line
			       counts, for the reason, within the first 4096 bytes */
};

struct child_result {
	int exit_code;      /* -1: it did not end by itself */
	const char *reason; /* for people, one line; "" when exit_code is 0: "it ended with 2: LAST
			       LINE OF OUTPUT" */
	const char *output; /* zero-terminated; valid during `done` */
	size_t length;
	bool cut; /* it printed more than output_max */
};

typedef void child_done(const struct child_result *result, void *context);

/* child_start - ignores SIGPIPE from now on. `done` is never called from inside. *out is valid
 * until `done` has returned. Returns 0, GRAPPE_EIO (errno: no such program, not executable …) or
 * GRAPPE_EMEMORY. */
int child_start(struct event_base *base, const struct child_request *request, child_done *done,
    void *context, struct child **out);
/* child_stop - ends it as if its time were over; `done` still comes. */
void child_stop(struct child *child);
/* child_identify - a word by which child_runs() knows this very process, also in a later run of the
 * manager: it may outlive one that is killed. */
void child_identify(const struct child *child, char word[CHILD_IDENTITY_SIZE]);
/* child_runs - by a word of child_identify(); false for any other text. */
bool child_runs(const char *word);
/* child_free - kills it; `done` will not be called. NULL is allowed. */
void child_free(struct child *child);

#endif
