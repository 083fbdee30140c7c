/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a subagent of snmpd may do: see subagent_rights.c for each and why. */
#ifndef GRAPPE_COMMON_SUBAGENT_RIGHTS_H
#define GRAPPE_COMMON_SUBAGENT_RIGHTS_H

#include "common/confine.h"

/* subagent_rights - no capability. keeps_state: it has files that it replaces. */
struct confine_rights subagent_rights(bool keeps_state);

#endif
