/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What clouds' APIs know, put into the environment document where the operator left it out: hosts
 * of an environment's group, their capacity, hosts that take nobody; and where VMs are that no
 * sensor tells. What the operator wrote always counts. Pure.
 */
#ifndef GRAPPE_MANAGER_ENVIRONMENT_FEED_H
#define GRAPPE_MANAGER_ENVIRONMENT_FEED_H

#include "manager/cloud.h"
#include "manager/observation.h"

#include <jansson.h>

/* environment_feed - changes the document (one that environments_parse() takes) by the survey of
 * the cloud of this name: environments whose `api` it is. Of one with `api_group` all hosts of that
 * group or set, else those listed. Capacities that are not told are filled in; a host that is
 * closed may hold as many VMs as it has now, so that nobody comes and nobody must leave. Returns 0
 * or GRAPPE_EMEMORY. */
int environment_feed(json_t *document, const char *cloud, const struct cloud_survey *survey);

/* environment_feed_places - adds to `places` a {"id", "name", "environment", "host"} for each VM of
 * the survey that is on a host of the (fed) document. Returns 0 or GRAPPE_EMEMORY. */
int environment_feed_places(
    const json_t *document, const char *cloud, const struct cloud_survey *survey, json_t *places);

/* environment_place_vms - gives VMs of the observation without a known place theirs, by id, else by
 * a name that only one has. */
void environment_place_vms(struct observation *observation, const json_t *places);

#endif
