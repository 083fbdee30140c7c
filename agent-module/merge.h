/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is who (S-9): brings what libvirt tells of its domains and what the vm sections of the
 * configuration say together. Libvirt wins on identity, name, size and place; a section that names
 * the same VM or one of its MACs adds addresses and further MACs, and its segment and application
 * hold where it gives them. Pure.
 */
#ifndef GRAPPE_AGENT_MODULE_MERGE_H
#define GRAPPE_AGENT_MODULE_MERGE_H

#include "agent-module/discover.h"
#include "agent-module/domain.h"

#include <stddef.h>

/* merge_vms - one entry per virtual NIC into *out, a heap array of the caller's, libvirt's first;
 * *count: how many. Returns 0 or GRAPPE_EMEMORY. */
int merge_vms(const struct discover_vm *sections, size_t nsections, const struct domain *domains,
    size_t ndomains, struct discover_vm **out, size_t *count);

#endif
