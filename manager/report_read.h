/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what a report is made from, from the collector or from archives. Blocks while it reads. One
 * thread. */
#ifndef GRAPPE_MANAGER_REPORT_READ_H
#define GRAPPE_MANAGER_REPORT_READ_H

#include "manager/report_input.h"

#define REPORT_PAIRS_MAX 20000 /* pairs between environments that are followed over time */

struct report_wish {
	const char *socket;    /* of the collector; NULL: archive */
	const char *archive;   /* folder; NULL: the collector */
	const char *placement; /* file that says where VMs are, with archive; NULL: nobody knows */
	int64_t from_s, to_s;  /* epoch seconds; to_s 0: up to the newest period */
	int64_t wait_ms;       /* for the newest period */
	bool approximate;      /* whether its estimate is accepted */
	void (*progress)(void *context, const char *what, size_t done, size_t all); /* or NULL */
	void *progress_context;
};

/* report_read - *out needs report_input_deinit() only after success. Returns 0 or a negative code
 * with words in message. */
int report_read(
    const struct report_wish *wish, struct report_input *out, char *message, size_t size);

#endif
