/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment document: what is read, and that every fault names its place. */
#include "common/error.h"
#include "manager/environment.h"
#include "manager/environment_change.h"
#include "tests/unit/unit.h"

#include <math.h>

static const char good[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"site-1\",\"kind\":\"cluster\",\"hosts\":[{\"name\":\"a\",\"vcpu\":16,\"mem_GiB\":"
    "64.5},"
    "{\"name\":\"b\",\"max_vms\":8,\"vcpu\":null}]},"
    "{\"name\":\"site-2\",\"hosts\":[{\"name\":\"a\"}]}],"
    "\"links\":[{\"from\":\"site-2\",\"to\":\"site-1\",\"latency_ms\":12},"
    "{\"from\":\"site-1\",\"to\":\"site-2\",\"bandwidth_MBps\":100,\"price_per_GB\":0.02}]}";

START_TEST(a_document_is_read)
{
	struct environments e;
	char message[256];

	ck_assert_int_eq(environments_parse(good, strlen(good), &e, message, sizeof message), 0);
	ck_assert_uint_eq(e.count, 2);
	ck_assert_str_eq(e.items[0].name, "site-1");
	ck_assert_str_eq(e.items[0].kind, "cluster");
	ck_assert_str_eq(e.items[1].kind, "");
	ck_assert_uint_eq(e.items[0].nhosts, 2);
	ck_assert_double_eq_tol(e.items[0].hosts[0].capacity.vcpu, 16, 1e-9);
	ck_assert_double_eq_tol(e.items[0].hosts[0].capacity.mem_GiB, 64.5, 1e-9);
	ck_assert(isnan(e.items[0].hosts[0].capacity.max_vms));
	ck_assert(isnan(e.items[0].hosts[1].capacity.vcpu));
	ck_assert_double_eq_tol(e.items[0].hosts[1].capacity.max_vms, 8, 1e-9);
	ck_assert_uint_eq(e.nlinks, 2);
	ck_assert_uint_eq(e.links[0].from, 0);
	ck_assert_double_eq_tol(e.links[0].price_per_GB, 0.02, 1e-9);
	ck_assert(isnan(e.links[0].latency_ms));
	ck_assert_int_eq(environments_find(&e, "site-2"), 1);
	ck_assert_int_eq(environments_find(&e, "site-3"), GRAPPE_ENOTFOUND);
	environments_deinit(&e);
}
END_TEST

static const char whole[] =
    "{\"version\":1,\"as_of\":\"2026-11-20T08:00:00Z\",\"currency\":\"EUR\",\"environments\":["
    "{\"name\":\"grid\",\"kind\":\"grid\",\"api\":\"batch\",\"power\":1.5,"
    "\"hosts\":[{\"name\":\"g1\",\"vcpu\":8,\"power\":2,\"drain\":true}],"
    "\"quota\":{\"vcpu\":4},\"available_from\":\"2026-11-20T00:00:00Z\","
    "\"available_until\":\"2026-11-21T00:00:00Z\",\"networks\":[{\"segment\":\"default\",\"layer\":"
    "3,"
    "\"overlay\":true,\"router\":false,\"subnets\":[\"10.0.0.0/24\",\"2001:db8::/64\"],"
    "\"used_addresses\":[\"10.0.0.7\"]}]},"
    "{\"name\":\"cloud\",\"capacity\":{\"vcpu\":1000,\"mem_GiB\":4000},\"price_vcpu_hour\":0.1,"
    "\"price_mem_GiB_hour\":0.01,\"price_vm_hour\":0}],"
    "\"endpoints\":[{\"name\":\"nfs\",\"environment\":\"grid\"},"
    "{\"name\":\"external\",\"environment\":\"cloud\"}]}";

START_TEST(all_that_may_be_told)
{
	const struct environment_network *network;
	const struct environment *grid, *cloud;
	struct environments e;
	char message[256];

	ck_assert_int_eq(environments_parse(whole, strlen(whole), &e, message, sizeof message), 0);
	grid = &e.items[0];
	cloud = &e.items[1];
	ck_assert_int_eq(e.as_of_s, 1795161600);
	ck_assert_str_eq(e.currency, "EUR");
	ck_assert_str_eq(grid->api, "batch");
	ck_assert_double_eq(grid->power, 1.5);
	ck_assert_double_eq(grid->hosts[0].power, 2);
	ck_assert_int_eq(grid->hosts[0].drain, TRUTH_YES);
	ck_assert_int_eq(grid->drain, TRUTH_UNKNOWN);
	ck_assert_double_eq(grid->quota.vcpu, 4);
	ck_assert(isnan(grid->quota.mem_GiB) && isnan(grid->capacity.vcpu));
	ck_assert_int_eq(grid->available_until_s - grid->available_from_s, 86400);
	ck_assert_uint_eq(grid->nnetworks, 1);
	network = &grid->networks[0];
	ck_assert_double_eq(network->layer, 3);
	ck_assert_int_eq(network->overlay, TRUTH_YES);
	ck_assert_int_eq(network->router, TRUTH_NO);
	ck_assert_uint_eq(network->nsubnets, 2);
	ck_assert_uint_eq(network->subnets[1].length, 64);
	ck_assert_uint_eq(network->nused, 1);
	ck_assert_uint_eq(cloud->nhosts, 0);
	ck_assert_double_eq(cloud->capacity.mem_GiB, 4000);
	ck_assert(isnan(grid->price_vcpu_hour));
	ck_assert_double_eq(cloud->price_mem_GiB_hour, 0.01);
	ck_assert_double_eq(cloud->price_vm_hour, 0);
	ck_assert_uint_eq(e.nendpoints, 2);
	ck_assert_uint_eq(e.endpoints[1].environment, 1);
	environments_deinit(&e);
}
END_TEST

#define ENV "{\"version\":1,\"environments\":["

static const struct {
	const char *text, *message;
	int code;
} faults[] = {
    {"", "line 1", GRAPPE_EFORMAT},
    {"[]", "document: must be an object", GRAPPE_EFORMAT},
    {"{}", "version: missing", GRAPPE_EFORMAT},
    {"{\"version\":2,\"environments\":[]}", "version: only 1", GRAPPE_EVERSION},
    {"{\"version\":1}", "environments: missing", GRAPPE_EFORMAT},
    {"{\"version\":1,\"version\":1,\"environments\":[]}", "duplicate", GRAPPE_EFORMAT},
    {"{\"version\":1,\"environments\":{}}", "environments: must be an array", GRAPPE_EFORMAT},
    {"{\"version\":1,\"environments\":[],\"hosts\":[]}", "document.hosts: unknown key",
	GRAPPE_EFORMAT},
    {ENV "3]}", "environments[0]: must be an object", GRAPPE_EFORMAT},
    {ENV "{\"hosts\":[]}]}", "environments[0].name: missing", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"\",\"hosts\":[]}]}", "environments[0].name: must be a text", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\\u0000b\",\"hosts\":[]}]}", "line 1", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\\nb\",\"hosts\":[]}]}", "control character", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\"}]}", "environments[0].hosts: missing", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[]},{\"name\":\"a\",\"hosts\":[]}]}",
	"environments[1].name: 'a' appears twice", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[{\"name\":\"h\",\"cpu\":1}]}]}",
	"environments[0].hosts[0].cpu: unknown key", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[{\"name\":\"h\",\"vcpu\":\"8\"}]}]}",
	"environments[0].hosts[0].vcpu: must be a number", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[{\"name\":\"h\",\"vcpu\":-1}]}]}",
	"environments[0].hosts[0].vcpu: must be between 0", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[{\"name\":\"h\",\"mem_GiB\":1e300}]}]}",
	"environments[0].hosts[0].mem_GiB: must be between 0", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[{\"name\":\"h\"},{\"name\":\"h\"}]}]}",
	"environments[0].hosts: 'h' appears twice", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[]}],\"links\":[{\"from\":\"a\",\"to\":\"b\"}]}",
	"links[0].to: no environment is called 'b'", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[]}],\"links\":[{\"from\":\"a\",\"to\":\"a\"},{\"from\":\"a\","
	 "\"to\":\"a\"}]}",
	"appears twice", GRAPPE_EFORMAT},
    {"{\"version\":1,\"as_of\":\"yesterday\",\"environments\":[]}", "as_of: must be a time such as",
	GRAPPE_EFORMAT},
    {"{\"version\":1,\"currency\":\"crowns of Norway\",\"environments\":[]}",
	"currency: must be a text of 1 to 7 bytes", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"capacity\":{\"cpus\":1}}]}",
	"environments[0].capacity.cpus: unknown key", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"quota\":{\"vcpu\":-1}}]}",
	"environments[0].quota.vcpu: must be between", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"drain\":1}]}",
	"environments[0].drain: must be true or false", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"available_from\":\"2026-01-02T00:00:00Z\","
	 "\"available_until\":\"2026-01-01T00:00:00Z\"}]}",
	"environments[0].available_until: lies before", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"networks\":[{\"segment\":\"s\",\"layer\":4}]}]}",
	"environments[0].networks[0].layer: must be", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"networks\":[{\"segment\":\"s\",\"subnets\":[\"10.0.0.0/"
	 "33\"]}]}]}",
	"environments[0].networks[0].subnets[0]: must be a subnet", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"networks\":[{\"segment\":\"s\",\"used_macs\":[\"52:54\"]}]}"
	 "]}",
	"environments[0].networks[0].used_macs[0]: must be a MAC", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"networks\":[{\"segment\":\"s\",\"used_addresses\":[7]}]}"
	 "]}",
	"environments[0].networks[0].used_addresses[0]: must be an IP", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[],\"networks\":[{\"segment\":\"s\"},{\"segment\":\"s\"}]}]}",
	"environments[0].networks[1].segment: 's' appears twice", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[]}],\"endpoints\":[{\"name\":\"nfs\",\"environment\":\"b\"}]}",
	"endpoints[0].environment: no environment is called 'b'", GRAPPE_EFORMAT},
};

START_TEST(a_fault_names_its_place)
{
	struct environments e;
	char message[256];
	const char *text = faults[_i].text;

	ck_assert_int_eq(
	    environments_parse(text, strlen(text), &e, message, sizeof message), faults[_i].code);
	ck_assert_msg(strstr(message, faults[_i].message) != NULL, "%s: %s", text, message);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
	struct environments e;
	char message[256];

	ck_assert_int_eq(
	    environments_load("/nonexistent/e.json", &e, message, sizeof message), GRAPPE_EIO);
	ck_assert_msg(strstr(message, "/nonexistent/e.json: No such file") != NULL, "%s", message);
}
END_TEST

/* ---- changes ---- */

static char told[32][ENVIRONMENT_CHANGE_SIZE];
static size_t ntold;

static void tell(const char *text, void *context)
{
	(void)context;
	ck_assert_uint_lt(ntold, 32);
	snprintf(told[ntold++], sizeof told[0], "%s", text);
}

static bool was_told(const char *text)
{
	for (size_t i = 0; i < ntold; i++)
		if (strcmp(told[i], text) == 0)
			return true;
	return false;
}

static void compare(const char *before, const char *after)
{
	struct environments old, new;
	char message[256];

	ntold = 0;
	ck_assert_int_eq(
	    environments_parse(before, strlen(before), &old, message, sizeof message), 0);
	ck_assert_int_eq(
	    environments_parse(after, strlen(after), &new, message, sizeof message), 0);
	ck_assert_uint_eq(environment_compare(&old, &new, tell, NULL), ntold);
	environments_deinit(&old);
	environments_deinit(&new);
}

START_TEST(the_same_is_no_change)
{
	compare(whole, whole);
	ck_assert_uint_eq(ntold, 0);
	compare(good, good);
	ck_assert_uint_eq(ntold, 0);
}
END_TEST

#define TWO(a, b) ENV "{\"name\":\"a\"" a "},{\"name\":\"b\"" b "}]"
#define A ",\"hosts\":[{\"name\":\"h1\",\"vcpu\":4},{\"name\":\"h2\"}],\"price_vcpu_hour\":0.2"
#define B ",\"hosts\":[],\"quota\":{\"vcpu\":10},\"available_until\":\"2026-11-20T00:00:00Z\""

START_TEST(changes_in_words)
{
	compare(TWO(A, B) ",\"links\":[{\"from\":\"a\",\"to\":\"b\",\"latency_ms\":10},"
			  "{\"from\":\"b\",\"to\":\"a\"}]}",
	    TWO(",\"hosts\":[{\"name\":\"h3\"},{\"name\":\"h1\",\"vcpu\":8,\"drain\":true}],"
		"\"price_vcpu_hour\":0.3",
		",\"hosts\":[],\"drain\":true,\"networks\":[{\"segment\":\"s\"}]") ",\"links\":[{"
										   "\"from\":\"a\","
										   "\"to\":\"b\","
										   "\"latency_ms\":"
										   "5},"
										   "{\"from\":"
										   "\"a\",\"to\":"
										   "\"a\"}],"
										   "\"endpoints\":["
										   "{\"name\":"
										   "\"nfs\","
										   "\"environment\""
										   ":\"a\"}]}");
	ck_assert(was_told("a: price_vcpu_hour rose by 50 %, from 0.2 to 0.3"));
	ck_assert(was_told("a, host h1: vcpu rose by 100 %, from 4 to 8"));
	ck_assert(was_told("a, host h1: is to be drained"));
	ck_assert(was_told("a, host h2: is gone"));
	ck_assert(was_told("a, host h3: is new"));
	ck_assert(was_told("b: quota.vcpu is not told any more (it was 10)"));
	ck_assert(was_told("b: available_until changed from 2026-11-20 00:00:00 UTC to no limit"));
	ck_assert(was_told("b: is to be drained"));
	ck_assert(was_told("b: its networks changed"));
	ck_assert(was_told("a to b: latency_ms fell by 50 %, from 10 to 5"));
	ck_assert(was_told("b to a: the link is not told any more"));
	ck_assert(was_told("a to a: the link is new"));
	ck_assert(was_told("endpoints are placed differently"));
	ck_assert_uint_eq(ntold, 13);
	compare(whole, good);
	ck_assert(was_told("grid: is gone"));
	ck_assert(was_told("site-1: is new"));
	ck_assert(was_told("prices are in '' now, they were in 'EUR'"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("environment");
	TCase *cases = tcase_create("environment");

	tcase_add_test(cases, a_document_is_read);
	tcase_add_test(cases, all_that_may_be_told);
	tcase_add_loop_test(cases, a_fault_names_its_place, 0, sizeof faults / sizeof *faults);
	tcase_add_test(cases, a_file_that_cannot_be_read_is_named);
	tcase_add_test(cases, the_same_is_no_change);
	tcase_add_test(cases, changes_in_words);
	suite_add_tcase(suite, cases);
	return unit_run(suite);
}
