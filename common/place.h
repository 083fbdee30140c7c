/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a VM may live: a host inside an environment (a site, cloud or grid). An
 * empty host means "somewhere in the environment". The collector knows the
 * environment of each agent's host; plans and recommendations name places.
 */
#ifndef GRAPPE_COMMON_PLACE_H
#define GRAPPE_COMMON_PLACE_H

#define PLACE_NAME_SIZE 64

struct place {
	char environment[PLACE_NAME_SIZE];
	char host[PLACE_NAME_SIZE];
};

#endif
