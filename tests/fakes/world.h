/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Worlds for tests of plans: an environment document, VMs with places and sizes, and who talks to
 * whom, as a window of an hour shows it.
 *
 * Life-cycle: world_begin(), world_vm() each, world_talk(), world_end(), world_plan() any number of
 * times, world_deinit(). Whatever goes wrong aborts.
 */
#ifndef GRAPPE_TESTS_FAKES_WORLD_H
#define GRAPPE_TESTS_FAKES_WORLD_H

#include "manager/advise.h"

struct world {
	struct observation observation;
	struct environments environments;
	struct manager_settings settings; /* those of a fresh installation; to be changed at will */
	const char *application;          /* only its VMs may move; NULL: all */
	const json_t *standing;           /* advice that stands, or NULL */
	const struct residence *residence; /* who moved a short while ago, or NULL */
	int64_t now_s;
};

/* world_begin - document: JSON of the environments. */
void world_begin(struct world *world, const char *document);
/* world_vm - vcpu, mem_GiB: NAN unknown; application: "" none. Names are ids. */
void world_vm(struct world *world, const char *name, const char *environment, const char *host,
    double vcpu, double mem_GiB, const char *application);
/* world_talk - so much both ways together, half each way; also with "external" and
 * "endpoint:NAME". */
void world_talk(
    struct world *world, const char *a, const char *b, double bytes_s, double packets_s);
void world_end(struct world *world);
/* world_move - the VM is somewhere else now. */
void world_move(struct world *world, const char *name, const char *environment, const char *host);
/* world_plan - *out needs advice_deinit(). Returns what advise_plan() does; message: 1024 bytes. */
int world_plan(struct world *world, struct advice *out, char *message);
/* world_document - the same as a document; a new reference. */
json_t *world_document(struct world *world);
void world_deinit(struct world *world);

#endif
