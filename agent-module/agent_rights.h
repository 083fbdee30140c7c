/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What grappe-agent may do: see agent_rights.c for each and why. */
#ifndef GRAPPE_AGENT_MODULE_AGENT_RIGHTS_H
#define GRAPPE_AGENT_MODULE_AGENT_RIGHTS_H

#include "agent-module/confine.h"

/* agent_rights - no capability. */
struct confine_rights agent_rights(void);

#endif
