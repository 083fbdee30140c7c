/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The groups of a report, with the links that make their shapes. Pure; one thread. */
#ifndef GRAPPE_MANAGER_REPORT_GROUPS_H
#define GRAPPE_MANAGER_REPORT_GROUPS_H

#include "manager/groups.h"
#include "manager/report_input.h"

#include <jansson.h>

#define REPORT_GROUPS_MAX 100       /* groups of which a report tells more than their number */
#define REPORT_GROUP_LINKS_MAX 200  /* of one group, the heaviest */
#define REPORT_GROUP_MEMBERS_MAX 64 /* of one group that are named */

/* report_groups_json - {"count", "shape", "items": [{"number", "shape", "application", "vms",
 * "members": [{"name", "environment", "host"}], "links": [[index, index, octets per s]],
 * "octets_per_s", "environments": [{"name", "vms"}]}], "alone": [names], "alone_vms", "hubs":
 * [names]}. A new reference, NULL without memory. */
json_t *report_groups_json(const struct report_input *input, const struct groups *groups);

#endif
