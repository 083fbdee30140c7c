/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is who (S-9): brings what libvirt tells of its domains and what the vm sections of the
 * configuration say together. Libvirt wins on identity, name, size and place. A section belongs to
 * a domain when it has one of its MACs, else, without MACs, when it has its UUID, or neither and
 * its name; to all of the domain's NICs then. Its segment, application and addresses hold where it
 * gives them, its further MACs are added. A section without a MAC is nothing without its domain.
 * Pure.
 */
#ifndef GRAPPE_AGENT_MODULE_MERGE_H
#define GRAPPE_AGENT_MODULE_MERGE_H

#include "agent-module/discover.h"
#include "agent-module/domain.h"

#include <stddef.h>

/* merge_vms - one entry per virtual NIC into *out, a heap array of the caller's, libvirt's first;
 * *count: how many. Returns 0, GRAPPE_ELIMIT (more than DISCOVER_VMS_MAX) or GRAPPE_EMEMORY. */
int merge_vms(const struct discover_vm *sections, size_t nsections, const struct domain *domains,
    size_t ndomains, struct discover_vm **out, size_t *count);

#endif
