/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a plan is made from: the traffic of one window, the VMs and where they are. Filled by
 * manager/source.h, whatever it was read from. One owner, one thread at a time.
 *
 * Life-cycle: observation_init(), observation_add_vm() and the matrix, observation_finish(), use,
 * observation_deinit().
 */
#ifndef GRAPPE_MANAGER_OBSERVATION_H
#define GRAPPE_MANAGER_OBSERVATION_H

#include "common/address.h"
#include "common/identity.h"
#include "common/matrix.h"
#include "common/place.h"

#include <stddef.h>
#include <stdint.h>

#define OBSERVATION_ID_SIZE                                                                        \
	(MATRIX_NODE_NAME_MAX + 1) /* matrix files may name VMs as they like                       \
				    */
#define OBSERVATION_LABEL_SIZE 64
#define OBSERVATION_ADDRESSES_MAX 8 /* of one VM that are kept */
#define OBSERVATION_VMS_MAX 1000000

struct observed_vm {
	char id[OBSERVATION_ID_SIZE];             /* its node in the matrix */
	char name[OBSERVATION_ID_SIZE];           /* what people call it; the id when unknown */
	struct place place;                       /* empty texts: not known */
	char application[OBSERVATION_LABEL_SIZE]; /* it belongs to; "" = not known */
	double vcpu, mem_GiB;                     /* NAN unknown */
	int64_t seen_s;                /* end of the newest period it was in; 0 unknown */
	char segment[PLACE_NAME_SIZE]; /* network segment of its traffic; "" = not known */
	struct address addresses[OBSERVATION_ADDRESSES_MAX];
	size_t naddresses; /* 0 = none known */
};

struct observation {
	struct matrix *matrix; /* nodes are ids; counts are totals of the whole window, its gaps
				  filled with the mean of what is known */
	struct observed_vm
	    *vms; /* after observation_finish(): unique ids, in natural order of names */
	size_t nvms, capacity;
	uint32_t length_s; /* of an atomic period; 0 = not from periods */
	uint32_t *by_id;   /* index of vms[] in order of ids */
};

/* observation_init - returns 0 or GRAPPE_EMEMORY. */
int observation_init(struct observation *observation);
void observation_deinit(struct observation *observation);

/* observation_add_vm - copies *vm. Returns 0, GRAPPE_EMEMORY or GRAPPE_ELIMIT. */
int observation_add_vm(struct observation *observation, const struct observed_vm *vm);
/* observation_finish - sorts; of several entries with one id the one seen last stays. Returns 0 or
 * GRAPPE_EMEMORY. */
int observation_finish(struct observation *observation);
/* observation_find - the VM with this id, or NULL. */
const struct observed_vm *observation_find(const struct observation *observation, const char *id);
/* observation_label - a groups_label: the VM's name if no other VM has it too, else its id.
 * context: the observation. */
const char *observation_label(const char *id, void *context);

#endif
