/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakes/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_S 3600

static void must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "world: %s: %d\n", what, rc);
	abort();
}

void world_begin(struct world *world, const char *document)
{
	char message[256];
	int rc;

	*world = (struct world){.now_s = 1795000000};
	rc = environments_parse(
	    document, strlen(document), &world->environments, message, sizeof message);
	must(rc, message);
	must(settings_load(
		 &manager_settings_schema, NULL, &world->settings, message, sizeof message),
	    message);
	must(observation_init(&world->observation), "observation");
	*matrix_window(world->observation.matrix) = (struct matrix_window){.from_s = 0,
	    .to_s = WINDOW_S,
	    .length_s = WINDOW_S,
	    .known = WINDOW_S / 30,
	    .wanted = WINDOW_S / 30};
	world->observation.length_s = 30;
}

void world_vm(struct world *world, const char *name, const char *environment, const char *host,
    double vcpu, double mem_GiB, const char *application)
{
	struct observed_vm vm = {.vcpu = vcpu, .mem_GiB = mem_GiB, .seen_s = WINDOW_S};

	snprintf(vm.id, sizeof vm.id, "%s", name);
	snprintf(vm.name, sizeof vm.name, "%s", name);
	snprintf(vm.place.environment, sizeof vm.place.environment, "%s", environment);
	snprintf(vm.place.host, sizeof vm.place.host, "%s", host);
	snprintf(vm.application, sizeof vm.application, "%s", application);
	must(observation_add_vm(&world->observation, &vm), name);
}

void world_talk(struct world *world, const char *a, const char *b, double bytes_s, double packets_s)
{
	struct matrix *matrix = world->observation.matrix;
	const int x = matrix_node(matrix, a), y = matrix_node(matrix, b);
	const double half = WINDOW_S / 2.0;

	must(x, a);
	must(y, b);
	must(matrix_add(matrix, (uint32_t)x, (uint32_t)y, packets_s * half, bytes_s * half), a);
	must(matrix_add(matrix, (uint32_t)y, (uint32_t)x, packets_s * half, bytes_s * half), b);
}

void world_end(struct world *world)
{
	must(observation_finish(&world->observation), "observation");
}

void world_move(struct world *world, const char *name, const char *environment, const char *host)
{
	for (size_t i = 0; i < world->observation.nvms; i++) {
		struct observed_vm *vm = &world->observation.vms[i];

		if (strcmp(vm->name, name) != 0)
			continue;
		snprintf(vm->place.environment, sizeof vm->place.environment, "%s", environment);
		snprintf(vm->place.host, sizeof vm->place.host, "%s", host);
		return;
	}
	must(-1, name);
}

static struct advise_input input_of(const struct world *world)
{
	return (struct advise_input){.observation = &world->observation,
	    .environments = &world->environments,
	    .settings = &world->settings,
	    .application = world->application,
	    .standing = world->standing,
	    .residence = world->residence,
	    .now_s = world->now_s};
}

int world_plan(struct world *world, struct advice *out, char *message)
{
	const struct advise_input input = input_of(world);

	return advise_plan(&input, out, message, 1024);
}

json_t *world_document(struct world *world)
{
	const struct advise_input input = input_of(world);
	char message[1024];
	json_t *document;

	must(advise(&input, &document, message, sizeof message), message);
	return document;
}

void world_deinit(struct world *world)
{
	observation_deinit(&world->observation);
	environments_deinit(&world->environments);
	settings_free(&manager_settings_schema, &world->settings);
}
