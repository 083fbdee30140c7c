/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inventory follows VMs over hosts and survives restarts and garbage on disk. */
#include "collector/inventory.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/fakes/make_period.h"
#include "tests/unit/unit.h"

#define END 1800000000

static const struct place host_a = {"site-1", "hostA"}, host_b = {"site-2", "hostB"};
static struct inventory *inventory;
static char folder[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16];

static void setup(void)
{
	inventory = inventory_new();
	unit_make_folder(folder);
	snprintf(path, sizeof path, "%s/inventory", folder);
}

static void teardown(void)
{
	inventory_free(inventory);
	unit_remove_folder(folder);
}

static void see(const struct place *place, unsigned n, int64_t end_s, uint32_t covered_ms)
{
	struct period *period = make_period(end_s);
	const uint32_t vif = make_vif(period, n, "t1", covered_ms);

	snprintf(period->vifs[vif].application, sizeof period->vifs[vif].application, "app%u", n);
	make_claim(period, vif, "10.0.0.200", EVIDENCE_SOURCE);
	make_claim(period, vif, make_address(n), EVIDENCE_CLAIMED);
	make_vif(period, n, "t2", covered_ms);
	ck_assert_int_eq(inventory_update(inventory, place, period), GRAPPE_OK);
	period_free(period);
}

START_TEST(a_vm_is_followed_over_hosts)
{
	const struct inventory_vm *vm;

	see(&host_a, 1, END, 30000);
	see(&host_a, 1, END + 30, 20000);
	see(&host_b, 1, END + 30, 10000);
	vm = inventory_find(inventory, make_id(1));
	ck_assert_str_eq(vm->place.host, "hostA");
	ck_assert_int_eq(vm->since_s, END);
	ck_assert_int_eq(vm->seen_s, END + 30);
	see(&host_b, 1, END + 60, 30000);
	ck_assert_str_eq(vm->place.host, "hostB");
	ck_assert_str_eq(vm->place.environment, "site-2");
	ck_assert_int_eq(vm->since_s, END + 60);
	/* Late news changes nothing. */
	see(&host_a, 1, END + 30, 30000);
	ck_assert_str_eq(vm->place.host, "hostB");
	ck_assert_str_eq(vm->segments, "t1 t2");
	ck_assert_uint_eq(vm->naddresses, 2);
	ck_assert_uint_eq(vm->addresses[0].evidence, EVIDENCE_CLAIMED);
	ck_assert_uint_eq(inventory_count(inventory), 1);
}
END_TEST

START_TEST(the_host_that_watched_longer_has_it)
{
	see(&host_a, 1, END, 10000);
	see(&host_b, 1, END, 20000);
	ck_assert_str_eq(inventory_find(inventory, make_id(1))->place.host, "hostB");
	see(&host_a, 1, END, 10000);
	ck_assert_str_eq(inventory_find(inventory, make_id(1))->place.host, "hostB");
}
END_TEST

START_TEST(names_find_ids)
{
	bool several;

	see(&host_a, 1, END, 30000);
	see(&host_a, 2, END, 30000);
	ck_assert_str_eq(inventory_find_name(inventory, "vm2", &several)->id, make_id(2));
	ck_assert(!several);
	ck_assert_str_eq(inventory_find_name(inventory, make_id(1), &several)->name, "vm1");
	ck_assert_ptr_null(inventory_find_name(inventory, "vm3", &several));
}
END_TEST

START_TEST(what_was_saved_is_loaded)
{
	struct inventory *other = inventory_new();
	const struct inventory_vm *vm;
	size_t skipped;

	see(&host_a, 1, END, 30000);
	see(&host_b, 2, END, 30000);
	ck_assert(inventory_is_changed(inventory));
	ck_assert_int_eq(inventory_save(inventory, path), GRAPPE_OK);
	ck_assert(!inventory_is_changed(inventory));
	ck_assert_int_eq(inventory_load(other, path, &skipped), GRAPPE_OK);
	ck_assert_uint_eq(skipped, 0);
	ck_assert_uint_eq(inventory_count(other), 2);
	vm = inventory_find(other, make_id(2));
	ck_assert_str_eq(vm->name, "vm2");
	ck_assert_str_eq(vm->place.environment, "site-2");
	ck_assert_str_eq(vm->segments, "t1 t2");
	ck_assert_str_eq(vm->application, "app2");
	ck_assert_uint_eq(vm->memory_bytes, 512u << 20);
	ck_assert_uint_eq(vm->naddresses, 2);
	ck_assert_int_eq(vm->since_s, END);
	inventory_forget(other, END + 1);
	ck_assert_uint_eq(inventory_count(other), 0);
	inventory_free(other);
}
END_TEST

START_TEST(no_file_is_an_empty_inventory)
{
	size_t skipped;

	ck_assert_int_eq(inventory_load(inventory, path, &skipped), GRAPPE_OK);
	ck_assert_uint_eq(inventory_count(inventory), 0);
}
END_TEST

static const struct {
	const char *text;
	int rc;
	size_t skipped, count;
} garbage[] = {
    {"", GRAPPE_EFORMAT, 0, 0},
    {"\xff\xfe nonsense", GRAPPE_EFORMAT, 0, 0},
    {"[]", GRAPPE_EFORMAT, 0, 0},
    {"{\"version\":2,\"vms\":[]}", GRAPPE_EFORMAT, 0, 0},
    {"{\"version\":1,\"vms\":{}}", GRAPPE_EFORMAT, 0, 0},
    {"{\"version\":1,\"vms\":[]}", GRAPPE_OK, 0, 0},
    {"{\"version\":1,\"vms\":[7,{},{\"id\":\"../../x\"}]}", GRAPPE_OK, 3, 0},
    {"{\"version\":1,\"vms\":[{\"id\":\"mac-020000000001\",\"name\":\"a\",\"host\":\"h\","
     "\"environment\":\"\",\"segments\":\"\",\"seen\":30,\"addresses\":[{\"address\":\"x\"},3,"
     "{\"address\":\"10.0.0.1\",\"evidence\":9},{\"address\":\"10.0.0.1\",\"evidence\":2}]}]}",
	GRAPPE_OK, 0, 1},
    {"{\"version\":1,\"vms\":[{\"id\":\"mac-020000000001\",\"name\":\"a\",\"host\":\"h\","
     "\"environment\":\"\",\"segments\":\"\",\"seen\":-30}]}",
	GRAPPE_OK, 1, 0},
};

START_TEST(garbage_is_refused_or_skipped)
{
	size_t skipped;

	ck_assert_int_eq(
	    inventory_parse(inventory, garbage[_i].text, strlen(garbage[_i].text), &skipped),
	    garbage[_i].rc);
	ck_assert_uint_eq(skipped, garbage[_i].skipped);
	ck_assert_uint_eq(inventory_count(inventory), garbage[_i].count);
	if (garbage[_i].count > 0)
		ck_assert_uint_eq(inventory_at(inventory, 0)->naddresses, 1);
}
END_TEST

START_TEST(a_name_that_is_no_utf8_is_saved_without)
{
	struct period *period = make_period(END);
	size_t skipped;

	make_vm(period, 1);
	snprintf(period->vifs[0].vm_name, VM_NAME_SIZE, "\xff\xfe");
	ck_assert_int_eq(inventory_update(inventory, &host_a, period), GRAPPE_OK);
	ck_assert_int_eq(inventory_save(inventory, path), GRAPPE_OK);
	ck_assert_int_eq(inventory_load(inventory, path, &skipped), GRAPPE_OK);
	ck_assert_uint_eq(skipped, 0);
	ck_assert_str_eq(inventory_find(inventory, make_id(1))->name, "");
	period_free(period);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inventory");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_vm_is_followed_over_hosts);
	tcase_add_test(all, the_host_that_watched_longer_has_it);
	tcase_add_test(all, names_find_ids);
	tcase_add_test(all, what_was_saved_is_loaded);
	tcase_add_test(all, no_file_is_an_empty_inventory);
	tcase_add_loop_test(
	    all, garbage_is_refused_or_skipped, 0, (int)(sizeof garbage / sizeof *garbage));
	tcase_add_test(all, a_name_that_is_no_utf8_is_saved_without);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
