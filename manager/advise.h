/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole way from an observation to a recommendation: groups, problem, plan, document. The
 * daemon and the command take this one way. Pure; any thread, one at a time per observation.
 */
#ifndef GRAPPE_MANAGER_ADVISE_H
#define GRAPPE_MANAGER_ADVISE_H

#include "manager/environment.h"
#include "manager/manager_settings.h"
#include "manager/observation.h"

#include <jansson.h>
#include <stdint.h>

/* advise - standing: the current document, whose advice is kept among about equals, or NULL.
 * *document: a new reference. Returns 0, GRAPPE_EMEMORY or GRAPPE_EINVALID. */
int advise(const struct observation *observation, const struct environments *environments,
    const struct manager_settings *settings, const json_t *standing, int64_t now_s,
    json_t **document);

#endif
