/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakes/observed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int rc)
{
	if (rc < 0)
		abort();
}

static void talk(struct matrix *matrix, unsigned a, unsigned b, double octets)
{
	char id[2][VM_ID_SIZE];
	int node[2];

	snprintf(id[0], sizeof id[0], "mac-02000000000%u", a);
	snprintf(id[1], sizeof id[1], "mac-02000000000%u", b);
	must(node[0] = matrix_node(matrix, id[0]));
	must(node[1] = matrix_node(matrix, id[1]));
	must(matrix_add(matrix, (uint32_t)node[0], (uint32_t)node[1], octets / 1000, octets));
	must(matrix_add(matrix, (uint32_t)node[1], (uint32_t)node[0], octets / 1000, octets));
}

static void place(struct observation *observation, unsigned number, char host)
{
	struct observed_vm vm = {.vcpu = NAN, .mem_GiB = NAN, .seen_s = 600};

	snprintf(vm.id, sizeof vm.id, "mac-02000000000%u", number);
	snprintf(vm.name, sizeof vm.name, "vm%u", number);
	if (host != '-') {
		snprintf(vm.place.environment, sizeof vm.place.environment, "site-%d",
		    host == 'A' ? 1 : 2);
		snprintf(vm.place.host, sizeof vm.place.host, "host%c", host);
	}
	must(observation_add_vm(observation, &vm));
}

void observed_make(struct observation *observation, const char *hosts, double swing)
{
	must(observation_init(observation));
	*matrix_window(observation->matrix) = (struct matrix_window){
	    .from_s = 300, .to_s = 600, .length_s = 300, .known = 10, .wanted = 10};
	observation->length_s = 30;
	for (unsigned first = 1; first <= 4; first += 3)
		for (unsigned a = first; a < first + 3; a++)
			for (unsigned b = a + 1; b < first + 3; b++)
				talk(observation->matrix, a, b, 3e8 * (1 + swing));
	for (unsigned i = 0; i < OBSERVED_VMS; i++)
		place(observation, i + 1, hosts[i]);
	must(observation_finish(observation));
}
