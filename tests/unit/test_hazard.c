/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What could go wrong with a move: each kind and state, and that what nobody tells is unknown. */
#include "manager/hazard.h"
#include "tests/fakes/world.h"
#include "tests/unit/unit.h"

#include <math.h>

/* Two sites; what the second one tells of networks and more is put in. */
static const char format[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"s1\",\"hosts\":[{\"name\":\"A\",\"vcpu\":8,\"mem_GiB\":32}]},"
    "{\"name\":\"s2\",\"hosts\":[{\"name\":\"B\",\"vcpu\":8,\"mem_GiB\":32%s}]%s}]%s}";

struct told {
	const char *host, *site, *document;      /* put into the format */
	const char *segment, *address;           /* of VM a, which moves; "": not known */
	const char *peer_segment, *peer_address; /* of VM b, which it moves to */
	bool outside;                            /* outside users send to a */
	bool sized;
	const char *id; /* of VM a; NULL: a name */
};

static void set_network(struct observed_vm *vm, const char *segment, const char *address)
{
	snprintf(vm->segment, sizeof vm->segment, "%s", segment);
	if (address[0] != '\0') {
		ck_assert_int_eq(address_parse(address, &vm->addresses[0]), 0);
		vm->naddresses = 1;
	}
}

/* The state of the kind of hazard, "" when it is not told, when a moves from s1 to b in s2. */
static const char *state_of(const struct told *told, const char *kind)
{
	static char state[32];
	char document[1024], message[1024];
	struct world world;
	struct advice advice;
	const double size = told->sized ? 1 : NAN;
	const char *a = told->id != NULL ? told->id : "a";
	const json_t *hazard;
	json_t *list;
	size_t i;

	snprintf(document, sizeof document, format, told->host, told->site, told->document);
	world_begin(&world, document);
	world_vm(&world, a, "s1", "A", size, size, "");
	world_vm(&world, "b", "s2", "B", size, size, "");
	world_vm(&world, "c", "s2", "B", size, size, "");
	world_talk(&world, a, "b", 1e6, 1000);
	world_talk(&world, "b", "c", 2e6, 1000);
	if (told->outside)
		world_talk(&world, "external", a, 1000, 10);
	world_end(&world);
	for (size_t vm = 0; vm < world.observation.nvms; vm++) {
		if (strcmp(world.observation.vms[vm].name, a) == 0)
			set_network(&world.observation.vms[vm], told->segment, told->address);
		else if (world.observation.vms[vm].name[0] == 'b')
			set_network(
			    &world.observation.vms[vm], told->peer_segment, told->peer_address);
		else
			set_network(&world.observation.vms[vm], told->segment, "");
	}
	ck_assert_msg(world_plan(&world, &advice, message) == 0, "%s", message);
	ck_assert_uint_eq(advice.plan.nsteps, 1);
	ck_assert_str_eq(advice.problem.vms[advice.plan.steps[0].vm]->name, a);
	list = hazard_list(&advice.problem, &world.observation, &advice.plan, 0);
	state[0] = '\0';
	json_array_foreach(list, i, hazard)
	{
		if (strcmp(json_string_value(json_object_get(hazard, "kind")), kind) == 0)
			snprintf(state, sizeof state, "%s",
			    json_string_value(json_object_get(hazard, "state")));
		ck_assert_str_ne(json_string_value(json_object_get(hazard, "text")), "");
	}
	json_decref(list);
	advice_deinit(&advice);
	world_deinit(&world);
	return state;
}

#define NET(more) ",\"networks\":[{\"segment\":\"lan\"" more "}]"

static const struct {
	const char *kind, *state;
	struct told told;
} cases[] = {
    /* Addresses. */
    {"address", "unknown", {"", "", "", "lan", "10.0.0.5", "lan", "10.0.0.6", false, true, NULL}},
    {"address", "unknown",
	{"", NET(""), "", "lan", "10.0.0.5", "lan", "10.0.0.6", false, true, NULL}},
    {"address", "clear",
	{"", NET(",\"used_addresses\":[\"10.0.0.9\"]"), "", "lan", "10.0.0.5", "lan", "10.0.0.6",
	    false, true, NULL}},
    {"address", "conflict",
	{"", NET(",\"used_addresses\":[\"10.0.0.5\"]"), "", "lan", "10.0.0.5", "lan", "10.0.0.6",
	    false, true, NULL}},
    {"address", "conflict",
	{"", NET(",\"used_addresses\":[\"10.0.0.9\"]"), "", "lan", "10.0.0.5", "lan", "10.0.0.5",
	    false, true, NULL}},
    /* Which network the other's is nobody knows. */
    {"address", "unknown",
	{"", NET(",\"used_addresses\":[\"10.0.0.9\"]"), "", "lan", "10.0.0.5", "", "10.0.0.5",
	    false, true, NULL}},
    {"address", "unknown",
	{"", NET(",\"used_addresses\":[\"10.0.0.9\"]"), "", "lan", "", "lan", "10.0.0.6", false,
	    true, NULL}},
    /* MACs: known where they are the id. */
    {"mac", "unknown", {"", NET(""), "", "lan", "", "lan", "", false, true, "mac-525400000001"}},
    {"mac", "unknown",
	{"", NET(",\"used_macs\":[\"52:54:00:00:00:01\"]"), "", "lan", "", "lan", "", false, true,
	    NULL}},
    {"mac", "clear",
	{"", NET(",\"used_macs\":[\"52:54:00:00:00:02\"]"), "", "lan", "", "lan", "", false, true,
	    "mac-525400000001"}},
    {"mac", "conflict",
	{"", NET(",\"used_macs\":[\"52:54:00:00:00:01\"]"), "", "lan", "", "lan", "", false, true,
	    "mac-525400000001"}},
    /* Networks. */
    {"network", "unknown", {"", "", "", "lan", "", "lan", "", false, true, NULL}},
    {"network", "unknown", {"", NET(""), "", "lan", "", "lan", "", false, true, NULL}},
    {"network", "unknown",
	{"", NET(",\"overlay\":true"), "", "", "", "lan", "", false, true, NULL}},
    {"network", "clear",
	{"", NET(",\"overlay\":true"), "", "lan", "", "lan", "", false, true, NULL}},
    {"network", "conflict",
	{"", NET(",\"overlay\":false"), "", "lan", "", "lan", "", false, true, NULL}},
    {"network", "conflict", {"", NET(""), "", "dmz", "", "lan", "", false, true, NULL}},
    /* Paths to other segments. */
    {"path", "", {"", NET(""), "", "lan", "", "lan", "", false, true, NULL}},
    {"path", "unknown", {"", NET(""), "", "lan", "", "dmz", "", false, true, NULL}},
    {"path", "unknown", {"", NET(",\"router\":true"), "", "lan", "", "", "", false, true, NULL}},
    {"path", "clear", {"", NET(",\"router\":true"), "", "lan", "", "dmz", "", false, true, NULL}},
    {"path", "conflict",
	{"", NET(",\"router\":false"), "", "lan", "", "dmz", "", false, true, NULL}},
    /* Outside users. */
    {"outside", "", {"", "", "", "lan", "", "lan", "", false, true, NULL}},
    {"outside", "unknown", {"", "", "", "lan", "", "lan", "", true, true, NULL}},
    {"outside", "clear",
	{"", "", ",\"endpoints\":[{\"name\":\"external\",\"environment\":\"s2\"}]", "lan", "",
	    "lan", "", true, true, NULL}},
    {"outside", "conflict",
	{"", "", ",\"endpoints\":[{\"name\":\"external\",\"environment\":\"s1\"}]", "lan", "",
	    "lan", "", true, true, NULL}},
    /* Room. */
    {"capacity", "", {"", "", "", "lan", "", "lan", "", false, true, NULL}},
    {"capacity", "unknown", {"", "", "", "lan", "", "lan", "", false, false, NULL}},
    {"capacity", "unknown", {",\"max_vms\":9", "", "", "lan", "", "lan", "", false, false, NULL}},
};

START_TEST(each_kind_has_its_states)
{
	ck_assert_str_eq(state_of(&cases[_i].told, cases[_i].kind), cases[_i].state);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hazard");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, each_kind_has_its_states, 0, sizeof cases / sizeof *cases);
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
