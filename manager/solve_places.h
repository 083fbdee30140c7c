/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Places inside environments: hosts. What VMs cost depends on their environment alone; whether
 * they fit depends on the host too. Pure.
 */
#ifndef GRAPPE_MANAGER_SOLVE_PLACES_H
#define GRAPPE_MANAGER_SOLVE_PLACES_H

#include "manager/solve_load.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct solve_place {
	uint32_t env;
	struct load limit;
	bool open;    /* may receive VMs */
	bool drained; /* VMs may not stay */
};

struct solve_places {
	size_t count;
	struct solve_place *items;
	/* VMs that are never in one place (anti-affinity), symmetric: apart[first[vm]] to
	 * apart[first[vm + 1] - 1]; first NULL: none. */
	size_t *apart_first;
	uint32_t *apart;
};

#endif
