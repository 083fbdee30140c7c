/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What grappe-capture may do once it captures: see capture_rights.c for each and why. */
#ifndef GRAPPE_AGENT_MODULE_CAPTURE_RIGHTS_H
#define GRAPPE_AGENT_MODULE_CAPTURE_RIGHTS_H

#include "common/confine.h"

/* capture_rights - bpf, pcap: which back ends may still be wanted for new interfaces. */
struct confine_rights capture_rights(bool bpf, bool pcap);

#endif
