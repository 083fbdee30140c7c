/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The collector's inventory file, damaged or foreign: it is read or refused, and what was read
 * can be searched. */
#include "collector/inventory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inventory *inventory = inventory_new();
	size_t skipped;

	if (inventory == NULL)
		return 0;
	inventory_parse(inventory, data, size, &skipped);
	for (size_t i = 0; i < inventory_count(inventory); i++) {
		const struct inventory_vm *vm = inventory_at(inventory, i);

		if (!identity_is_vm(vm->id) || inventory_find(inventory, vm->id) != vm)
			abort();
	}
	inventory_forget(inventory, 1);
	inventory_free(inventory);
	return 0;
}
