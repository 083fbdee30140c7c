/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agents as the configuration has them, given to the poller and to the picture: at the start,
 * and again when the configuration changed (C-1). An agent is known by its name: under the same
 * name it keeps the periods that it still owes, whatever else changed. In the loop's thread.
 */
#ifndef GRAPPE_COLLECTOR_ROSTER_H
#define GRAPPE_COLLECTOR_ROSTER_H

#include "collector/agents.h"
#include "collector/collector_settings.h"
#include "collector/picture.h"

/* roster_fill - adds all agents. Returns 0 or a code; what is wrong is logged. */
int roster_fill(
    const struct collector_settings *settings, struct agents *agents, struct picture *picture);
/* roster_renew - adds, changes and takes away what differs in fresh. An agent whose keys cannot be
 * read stays as it was; what is wrong is logged. length_s: of a period. */
void roster_renew(const struct collector_settings *fresh, uint32_t length_s, struct agents *agents,
    struct picture *picture);

#endif
