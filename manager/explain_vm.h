/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a VM moves, or stays: what each environment would mean for it, its group, what could go
 * wrong, who gains, and how good the input is. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_EXPLAIN_VM_H
#define GRAPPE_MANAGER_EXPLAIN_VM_H

#include "manager/advise.h"

#include <jansson.h>
#include <stdio.h>

/*
 * explain_vm - {"vm", "place", "application", "group", "objective", "input", "environments",
 * "moves", "applications"}: environments in the order of the document, each with what the parts of
 * the objectives that the VM has a share in come to if it were there and all others where the plan
 * leaves them, and whether it may be there. A new reference, NULL without memory.
 */
json_t *explain_vm(const struct advise_input *input, const struct advice *advice, uint32_t vm);

/* explain_vm_print - the same for people. */
void explain_vm_print(const json_t *document, FILE *out);

#endif
