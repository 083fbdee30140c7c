/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recommendation as a report for people: window, groups, moves with their reasons, traffic before
 * and after. The document must have passed recommendation_check(). Pure but for the stream.
 */
#ifndef GRAPPE_MANAGER_REPORT_H
#define GRAPPE_MANAGER_REPORT_H

#include <jansson.h>
#include <stdio.h>

void report_print(const json_t *document, FILE *out);

#endif
