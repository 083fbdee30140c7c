/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/group.h"

#include "common/error.h"

#include <stdlib.h>

int group_number(uint32_t *group_of, size_t nnodes, uint32_t least)
{
	uint32_t *size = calloc(nnodes + 1, sizeof *size);
	uint32_t *number = malloc((nnodes + 1) * sizeof *number);
	uint32_t count = 0;

	if (size == NULL || number == NULL) {
		free(size);
		free(number);
		return GRAPPE_EMEMORY;
	}
	for (size_t i = 0; i < nnodes; i++) {
		number[i] = GROUP_ALONE;
		if (group_of[i] != GROUP_ALONE)
			size[group_of[i]]++;
	}
	for (size_t i = 0; i < nnodes; i++) {
		const uint32_t group = group_of[i];

		if (group == GROUP_ALONE)
			continue;
		if (size[group] >= least && number[group] == GROUP_ALONE)
			number[group] = count++;
		group_of[i] = number[group];
	}
	free(size);
	free(number);
	return (int)count;
}
