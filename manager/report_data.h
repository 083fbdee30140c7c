/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A report as one JSON document (doc/report.md): everything that its text and its page show. Names
 * of strangers are made harmless here; whoever prints them still escapes them as the format wants.
 * Pure, takes time as an argument; one thread.
 */
#ifndef GRAPPE_MANAGER_REPORT_DATA_H
#define GRAPPE_MANAGER_REPORT_DATA_H

#include "manager/environment.h"
#include "manager/groups.h"
#include "manager/history.h"
#include "manager/report_input.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_VERSION 1
#define REPORT_TOP 20         /* pairs that are listed */
#define REPORT_EVENTS_MAX 200 /* newest events of recommendations */
#define REPORT_GAPS_MAX 20    /* receivers that are named because some of their time is missing */

struct report_sources {
	const struct report_input *input;
	const struct groups *groups;
	const struct environments *environments; /* may be empty */
	const json_t *recommendation;            /* checked, or NULL: none */
	const struct history *history;           /* or NULL: nobody knows */
	const char *source;                      /* where the traffic was read */
	const char *state; /* why recommendations are not known; "" they are */
	size_t top;        /* pairs that are listed */
	int64_t now_s;
};

/* report_data - the document, a new reference; NULL without memory. */
json_t *report_data(const struct report_sources *sources);

#endif
