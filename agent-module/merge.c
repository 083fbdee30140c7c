/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/merge.h"

#include "common/error.h"

#include <stdlib.h>
#include <string.h>

static bool has_mac(const struct period_vif *vif, const struct mac *mac)
{
	for (uint32_t i = 0; i < vif->nmacs; i++)
		if (mac_equal(&vif->macs[i], mac))
			return true;
	return false;
}

static bool domain_has_mac(const struct domain *domain, const struct mac *mac)
{
	for (uint32_t i = 0; i < domain->nnics; i++)
		if (mac_equal(&domain->nics[i].mac, mac))
			return true;
	return false;
}

/* How well the section is of this NIC; 0 = not at all. Tenants may use one MAC twice: then its UUID
 * tells whose section it is. */
static int rank_section(
    const struct discover_vm *section, const struct domain *domain, const struct domain_nic *nic)
{
	const struct period_vif *vif = &section->vif, *facts = &domain->facts;
	const bool same_id = strcmp(vif->vm_id, facts->vm_id) == 0;

	if (vif->nmacs > 0)
		return !has_mac(vif, &nic->mac) ? 0 : same_id ? 3 : 2;
	if (vif->vm_id[0] != '\0')
		return same_id;
	return strcmp(vif->vm_name, facts->vm_name) == 0;
}

/* The section of the NIC, or NULL. */
static const struct discover_vm *section_of(const struct discover_vm *sections, size_t count,
    const struct domain *domain, const struct domain_nic *nic)
{
	const struct discover_vm *found = NULL;
	int best = 0;

	for (size_t i = 0; i < count; i++) {
		const int rank = rank_section(&sections[i], domain, nic);

		if (rank > best) {
			best = rank;
			found = &sections[i];
		}
	}
	return found;
}

/* Adds what the section says. Its MACs that are other NICs of the domain are not this one's. */
static void overlay(
    struct discover_vm *vm, const struct discover_vm *section, const struct domain *domain)
{
	const struct period_vif *said = &section->vif;
	struct period_vif *vif = &vm->vif;

	memcpy(vif->segment, said->segment, sizeof vif->segment);
	if (said->application[0] != '\0')
		memcpy(vif->application, said->application, sizeof vif->application);
	vif->naddresses = said->naddresses;
	memcpy(vif->addresses, said->addresses, sizeof vif->addresses);
	for (uint32_t i = 0; i < said->nmacs && vif->nmacs < PERIOD_MACS_MAX; i++)
		if (!domain_has_mac(domain, &said->macs[i]) && !has_mac(vif, &said->macs[i]))
			vif->macs[vif->nmacs++] = said->macs[i];
}

static void describe_nic(
    const struct domain *domain, const struct domain_nic *nic, struct discover_vm *vm)
{
	*vm = (struct discover_vm){.vif = domain->facts, .told = nic->place, .by_libvirt = true};
	vm->vif.nmacs = 1;
	vm->vif.macs[0] = nic->mac;
	memcpy(vm->interface, nic->interface, sizeof vm->interface);
}

/* A section that is a NIC of some domain is in that NIC's entry; one without a MAC is only in such
 * entries. */
static bool is_merged(
    const struct discover_vm *section, const struct domain *domains, size_t ndomains)
{
	if (section->vif.nmacs == 0)
		return true;
	for (size_t d = 0; d < ndomains; d++)
		for (uint32_t m = 0; m < section->vif.nmacs; m++)
			if (domain_has_mac(&domains[d], &section->vif.macs[m]))
				return true;
	return false;
}

int merge_vms(const struct discover_vm *sections, size_t nsections, const struct domain *domains,
    size_t ndomains, struct discover_vm **out, size_t *count)
{
	size_t room = nsections;
	struct discover_vm *vms;

	*count = 0;
	for (size_t d = 0; d < ndomains; d++)
		room += domains[d].nnics;
	*out = NULL;
	if (room > DISCOVER_VMS_MAX)
		return GRAPPE_ELIMIT;
	*out = vms = calloc(room + 1, sizeof *vms);
	if (vms == NULL)
		return GRAPPE_EMEMORY;
	for (size_t d = 0; d < ndomains; d++)
		for (uint32_t n = 0; n < domains[d].nnics; n++) {
			const struct domain_nic *nic = &domains[d].nics[n];
			const struct discover_vm *section =
			    section_of(sections, nsections, &domains[d], nic);

			describe_nic(&domains[d], nic, &vms[*count]);
			if (section != NULL)
				overlay(&vms[*count], section, &domains[d]);
			++*count;
		}
	for (size_t i = 0; i < nsections; i++)
		if (!is_merged(&sections[i], domains, ndomains))
			vms[(*count)++] = sections[i];
	return GRAPPE_OK;
}
