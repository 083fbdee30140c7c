/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/observation.h"

#include "common/error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int observation_init(struct observation *observation)
{
	*observation = (struct observation){.matrix = matrix_new()};
	return observation->matrix != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;
}

void observation_deinit(struct observation *observation)
{
	matrix_free(observation->matrix);
	free(observation->vms);
	free(observation->by_id);
	*observation = (struct observation){0};
}

int observation_add_vm(struct observation *observation, const struct observed_vm *vm)
{
	if (observation->nvms >= OBSERVATION_VMS_MAX)
		return GRAPPE_ELIMIT;
	if (observation->nvms == observation->capacity) {
		const size_t wanted = observation->capacity ? 2 * observation->capacity : 16;
		struct observed_vm *more =
		    reallocarray(observation->vms, wanted, sizeof *observation->vms);

		if (more == NULL)
			return GRAPPE_EMEMORY;
		observation->vms = more;
		observation->capacity = wanted;
	}
	observation->vms[observation->nvms++] = *vm;
	return GRAPPE_OK;
}

/* By id; of the same id the one seen last first. */
static int compare_ids(const void *left, const void *right)
{
	const struct observed_vm *x = left, *y = right;
	const int order = strcmp(x->id, y->id);

	if (order != 0)
		return order;
	return x->seen_s > y->seen_s ? -1 : x->seen_s < y->seen_s;
}

static int compare_names(const void *left, const void *right)
{
	const struct observed_vm *x = left, *y = right;
	const int order = strverscmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->id, y->id);
}

static int compare_indices(const void *left, const void *right, void *context)
{
	const struct observed_vm *vms = context;

	return strcmp(vms[*(const uint32_t *)left].id, vms[*(const uint32_t *)right].id);
}

int observation_finish(struct observation *observation)
{
	struct observed_vm *vms = observation->vms;
	size_t kept = 0;

	if (observation->nvms > 0)
		qsort(vms, observation->nvms, sizeof *vms, compare_ids);
	for (size_t i = 0; i < observation->nvms; i++)
		if (kept == 0 || strcmp(vms[kept - 1].id, vms[i].id) != 0)
			vms[kept++] = vms[i];
	observation->nvms = kept;
	free(observation->by_id);
	observation->by_id = calloc(kept + 1, sizeof *observation->by_id);
	if (observation->by_id == NULL)
		return GRAPPE_EMEMORY;
	if (kept > 0)
		qsort(vms, kept, sizeof *vms, compare_names);
	for (uint32_t i = 0; i < kept; i++)
		observation->by_id[i] = i;
	qsort_r(observation->by_id, kept, sizeof *observation->by_id, compare_indices, vms);
	return GRAPPE_OK;
}

const struct observed_vm *observation_find(const struct observation *observation, const char *id)
{
	size_t low = 0, high = observation->by_id != NULL ? observation->nvms : 0;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const struct observed_vm *vm = &observation->vms[observation->by_id[middle]];
		const int order = strcmp(id, vm->id);

		if (order == 0)
			return vm;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *observation_label(const char *id, void *context)
{
	const struct observation *observation = context;
	const struct observed_vm *vm = observation_find(observation, id);
	size_t at;

	if (vm == NULL)
		return id;
	/* Equal names stand beside each other. */
	at = (size_t)(vm - observation->vms);
	if ((at > 0 && strcmp(vm[-1].name, vm->name) == 0) ||
	    (at + 1 < observation->nvms && strcmp(vm[1].name, vm->name) == 0))
		return id;
	return vm->name;
}
