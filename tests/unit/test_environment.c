/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment document: what is read, and that every fault names its place. */
#include "common/error.h"
#include "manager/environment.h"
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
	ck_assert_double_eq_tol(e.items[0].hosts[0].vcpu, 16, 1e-9);
	ck_assert_double_eq_tol(e.items[0].hosts[0].mem_GiB, 64.5, 1e-9);
	ck_assert(isnan(e.items[0].hosts[0].max_vms));
	ck_assert(isnan(e.items[0].hosts[1].vcpu));
	ck_assert_double_eq_tol(e.items[0].hosts[1].max_vms, 8, 1e-9);
	ck_assert_uint_eq(e.nlinks, 2);
	ck_assert_uint_eq(e.links[0].from, 0);
	ck_assert_double_eq_tol(e.links[0].price_per_GB, 0.02, 1e-9);
	ck_assert(isnan(e.links[0].latency_ms));
	ck_assert_int_eq(environments_find(&e, "site-2"), 1);
	ck_assert_int_eq(environments_find(&e, "site-3"), GRAPPE_ENOTFOUND);
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
	"environments[0].hosts[1].name: 'h' appears twice", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[]}],\"links\":[{\"from\":\"a\",\"to\":\"b\"}]}",
	"links[0].to: no environment is called 'b'", GRAPPE_EFORMAT},
    {ENV "{\"name\":\"a\",\"hosts\":[]}],\"links\":[{\"from\":\"a\",\"to\":\"a\"},{\"from\":\"a\","
	 "\"to\":\"a\"}]}",
	"appears twice", GRAPPE_EFORMAT},
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

int main(void)
{
	Suite *suite = suite_create("environment");
	TCase *cases = tcase_create("environment");

	tcase_add_test(cases, a_document_is_read);
	tcase_add_loop_test(cases, a_fault_names_its_place, 0, sizeof faults / sizeof *faults);
	tcase_add_test(cases, a_file_that_cannot_be_read_is_named);
	suite_add_tcase(suite, cases);
	return unit_run(suite);
}
