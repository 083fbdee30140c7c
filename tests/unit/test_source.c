/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the manager takes from the collector's answers and from files. */
#include "common/error.h"
#include "manager/source.h"
#include "tests/unit/unit.h"

#include <math.h>

#define A "mac-020000000001"
#define B "mac-020000000002"
#define C "mac-020000000003"
#define MEAN "\"columns\":[\"receiver\",\"sender\",\"packets\",\"octets\",\"known\"]}\n"
#define HEAD                                                                                       \
	"{\"status\":\"ok\",\"exact\":true,\"approximate\":false,\"periods\":[3,4],\"from\":1000," \
	"\"to\":1120,\"length\":30,\"caveats\":{\"periods\":4,\"stepped\":1},"
#define LIST                                                                                       \
	"{\"status\":\"ok\",\"columns\":[\"id\",\"name\",\"host\",\"environment\",\"segment\","    \
	"\"vcpu\",\"memory_bytes\",\"addresses\",\"since\",\"seen\",\"application\"]}\n"

static int parse(const char *text, struct observation *observation, char *message,
    int (*parser)(const struct protocol_reply *, struct observation *, char *, size_t))
{
	struct protocol_reply reply;
	int rc = protocol_reply_parse(text, strlen(text), &reply);

	ck_assert_int_eq(rc, 0);
	rc = parser(&reply, observation, message, 256);
	protocol_reply_deinit(&reply);
	return rc;
}

START_TEST(means_become_totals_of_the_whole_window)
{
	struct observation o;
	char message[256];
	const struct matrix_pair *pair;

	ck_assert_int_eq(observation_init(&o), 0);
	ck_assert_msg(parse(HEAD MEAN A "\t" B "\t10.5\t9000\t2\n" A "\texternal\t1\t60\t2\n" C
					"\t-\t0\t0\t4\n" B "\t" A "\t-\t-\t0\n.end 4\n",
			  &o, message, source_parse_matrix) == 0,
	    "%s", message);
	ck_assert_uint_eq(matrix_nodes(o.matrix), 4); /* the silent VM is known too */
	pair = matrix_get(
	    o.matrix, (uint32_t)matrix_find(o.matrix, B), (uint32_t)matrix_find(o.matrix, A));
	ck_assert_double_eq_tol(
	    pair->packets, 42, 1e-9); /* four periods, also where two are known */
	ck_assert_double_eq_tol(pair->octets, 36000, 1e-9);
	ck_assert_ptr_null(matrix_get(
	    o.matrix, (uint32_t)matrix_find(o.matrix, A), (uint32_t)matrix_find(o.matrix, B)));
	ck_assert_double_eq_tol(matrix_window(o.matrix)->length_s, 120, 1e-9);
	ck_assert_uint_eq(matrix_window(o.matrix)->known, 3);
	ck_assert_uint_eq(matrix_window(o.matrix)->wanted, 4);
	ck_assert_uint_eq(matrix_window(o.matrix)->caveats.marked[CAVEAT_STEPPED], 1);
	observation_deinit(&o);
}
END_TEST

static const char *const bad_means[] = {
    "{\"status\":\"ok\",\"columns\":[\"a\",\"b\"]}\n.end 0\n",
    "{\"status\":\"ok\"}\n.end 0\n",
    "{\"status\":\"ok\"," MEAN ".end 0\n",
    "{\"status\":\"ok\",\"periods\":[1,1],\"from\":2,\"to\":2,\"length\":30," MEAN ".end 0\n",
    HEAD MEAN "../etc\t" B "\t1\t1\t1\n.end 1\n",
    HEAD MEAN A "\tsomebody\t1\t1\t1\n.end 1\n",
    HEAD MEAN A "\t" B "\tmany\t1\t1\n.end 1\n",
    HEAD MEAN A "\t" B "\t-5\t1\t1\n.end 1\n",
    HEAD MEAN A "\t" B "\t1\tnan\t1\n.end 1\n",
    HEAD MEAN A "\t" B "\t1\t1e999\t1\n.end 1\n",
};

START_TEST(nonsense_from_the_collector_is_refused)
{
	struct observation o;
	char message[256] = "";

	ck_assert_int_eq(observation_init(&o), 0);
	ck_assert_int_eq(parse(bad_means[_i], &o, message, source_parse_matrix), GRAPPE_EFORMAT);
	ck_assert_str_ne(message, "");
	observation_deinit(&o);
}
END_TEST

START_TEST(the_inventory_gives_places_and_sizes)
{
	const struct observed_vm *vm;
	struct observation o;
	char message[256];

	ck_assert_int_eq(observation_init(&o), 0);
	matrix_window(o.matrix)->from_s = 1000;
	ck_assert_int_eq(
	    parse(LIST A
		"\tweb\thostA\tsite-1\tdefault\t4\t8589934592\t192.0.2.1\t900\t1120\tshop\n" B
		"\tweb\thostB\tsite-2\tdefault\t-\t-\t-\t900\t1120\t-\n" B
		"\tweb\thostA\tsite-1\tdefault\t-\t-\t-\t900\t1090\t-\n" C
		"\tgone\thostA\tsite-1\tdefault\t1\t1\t-\t10\t1000\t-\n.end 4\n",
		&o, message, source_parse_inventory),
	    0);
	ck_assert_int_eq(observation_finish(&o), 0);
	ck_assert_uint_eq(o.nvms, 2); /* one moved within the window, one is gone */
	vm = observation_find(&o, A);
	ck_assert_double_eq_tol(vm->vcpu, 4, 1e-9);
	ck_assert_double_eq_tol(vm->mem_GiB, 8, 1e-9);
	ck_assert_str_eq(vm->application, "shop");
	vm = observation_find(&o, B);
	ck_assert(isnan(vm->vcpu) && isnan(vm->mem_GiB));
	ck_assert_str_eq(vm->place.host, "hostB");
	/* Two VMs share a name: their ids tell them apart. */
	ck_assert_str_eq(observation_label(A, &o), A);
	ck_assert_int_eq(parse(LIST "external\tx\th\te\ts\t1\t1\t-\t1\t1\t-\n.end 1\n", &o, message,
			     source_parse_inventory),
	    GRAPPE_EFORMAT);
	observation_deinit(&o);
}
END_TEST

static const struct {
	const char *text, *message; /* message NULL: it is fine */
} placements[] = {
    {"vm,environment,host\n# comment\n a , site-1 , h1 \n\nb,site-2,\n", NULL},
    {"", "line 1: the first line must be"},
    {"a,site-1,h1\n", "line 1: the first line must be"},
    {"vm,environment,host\na,site-1\n", "line 2: another number of fields"},
    {"vm,environment,host\na,site-1,h,more\n", "line 2: another number of fields"},
    {"vm,environment,host,vcpu\na,site-1,h,4\n", "line 1: the first line must be"},
    {"vm,environment,host,vcpu,mem_GiB\na,site-1,h,many,1\n", "line 2: vcpu and mem_GiB must be"},
    {"vm,environment,host,vcpu,mem_GiB\na,site-1,h,4,0.5\nb,site-2,,-,-\n", NULL},
    {"vm,environment,host\n,site-1,h\n", "line 2: a name is empty"},
    {"vm,environment,host\na,,h\n", "line 2: a name is empty"},
};

START_TEST(placement_files_are_checked)
{
	char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16], message[512];
	struct observation o;
	FILE *file;
	int rc;

	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/p.csv", folder);
	file = fopen(path, "w");
	fputs(placements[_i].text, file);
	fclose(file);
	ck_assert_int_eq(observation_init(&o), 0);
	rc = source_read_placement(path, &o, message, sizeof message);
	if (placements[_i].message == NULL) {
		ck_assert_int_eq(rc, 0);
		ck_assert_uint_eq(o.nvms, 2);
		ck_assert_str_eq(o.vms[0].place.environment, "site-1");
		ck_assert_str_eq(o.vms[1].place.host, "");
	} else {
		ck_assert_int_eq(rc, GRAPPE_EFORMAT);
		ck_assert_msg(strstr(message, placements[_i].message) != NULL, "%s", message);
		ck_assert_ptr_eq(strstr(message, path), message);
	}
	observation_deinit(&o);
	unit_remove_folder(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source");
	TCase *cases = tcase_create("source");

	tcase_add_test(cases, means_become_totals_of_the_whole_window);
	tcase_add_loop_test(
	    cases, nonsense_from_the_collector_is_refused, 0, sizeof bad_means / sizeof *bad_means);
	tcase_add_test(cases, the_inventory_gives_places_and_sizes);
	tcase_add_loop_test(
	    cases, placement_files_are_checked, 0, sizeof placements / sizeof *placements);
	suite_add_tcase(suite, cases);
	return unit_run(suite);
}
