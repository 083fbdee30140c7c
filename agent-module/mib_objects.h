/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects of GRAPPE-MIB over a snapshot: which tables there are, how their rows
 * are ordered and what each column shows. Pure; one thread.
 */
#ifndef GRAPPE_AGENT_MIB_OBJECTS_H
#define GRAPPE_AGENT_MIB_OBJECTS_H

#include "common/mib_value.h"

extern const struct mib_view mib_objects_view;

#endif
