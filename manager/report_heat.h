/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The matrix of a report: who received how much from whom, in an order that shows groups as blocks.
 * More VMs than a page can show are summed by application, by group, or but for those with most
 * traffic; what was summed is said. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_REPORT_HEAT_H
#define GRAPPE_MANAGER_REPORT_HEAT_H

#include "manager/groups.h"
#include "manager/report_input.h"

#include <jansson.h>
#include <stdbool.h>

#define REPORT_HEAT_MAX 60 /* rows and columns */

/* report_heat_json - {"of": "vms" | "applications" | "groups", "cells": [{"name", "vms",
 * "environment", "host", "group", "known"}], "octets_per_s": [[…]], "summed_vms"}: rows receive,
 * columns send; null where nothing is known of the receivers. A new reference, NULL without
 * memory. */
json_t *report_heat_json(const struct report_input *input, const struct groups *groups);

/* report_heat_group - number of the group, from 0, that a node of the matrix is in, or -1. */
int report_heat_group(const struct groups *groups, uint32_t node);
/* report_heat_is_vm - whether a node of the matrix is a VM. */
bool report_heat_is_vm(const struct report_input *input, uint32_t node);

#endif
