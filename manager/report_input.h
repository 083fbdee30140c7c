/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a report is made from: the traffic of a window, how much of it is known for each receiver,
 * and traffic between environments over time. Filled by manager/report_read.h. Pure; one thread.
 *
 * Life-cycle: report_read(), use, report_input_deinit().
 */
#ifndef GRAPPE_MANAGER_REPORT_INPUT_H
#define GRAPPE_MANAGER_REPORT_INPUT_H

#include "manager/observation.h"
#include "manager/report_series.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report_input {
	struct observation observation;
	double *known; /* by node of the matrix: share of the window that is known for it as a
			  receiver; < 0: it is none */
	size_t nknown;
	bool with_gaps;              /* counts of the matrix lack what is not known */
	struct report_series series; /* count 0: there is none */
	size_t pairs_left_out;       /* pairs between environments that the series lacks */
	size_t unreadable;           /* damaged archives that were left out */
};

void report_input_deinit(struct report_input *input);

/* report_input_note - remembers what is known for a receiver. Returns 0, GRAPPE_EMEMORY or what
 * matrix_node() does. */
int report_input_note(struct report_input *input, const char *receiver, double share);
/* report_input_known - what is known for a node of the matrix; < 0: it is no receiver. */
double report_input_known(const struct report_input *input, uint32_t node);
/* report_input_rate - octets or packets of a pair as a mean per second over what is known. */
double report_input_rate(
    const struct report_input *input, const struct matrix_pair *pair, double count);

#endif
