/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VM-MIB over snapshots: VMs that are here and gone, known and unknown facts, any OID. */
#include "agent-module/mib_vm.h"
#include "tests/unit/agent_world.h"
#include "tests/unit/mib_walk.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define START 1800000000
#define UUID "0a1b2c3d-4e5f-4789-8abc-def012345678"

static struct world world;
static struct snapshot *snapshot;
static const struct mib_moment now = {.wall_s = START + 100, .uptime_cs = 123456};

static unsigned ifindex_of(const char *interface)
{
	return strcmp(interface, "tap2") == 0 ? 42 : 0;
}

/* Shows what the world holds now; the uptime is part of what is told. */
static void show(uint64_t uptime_cs)
{
	struct snapshot *made = snapshot_new(world.ledger, &world.ring, 3600);

	ck_assert_ptr_nonnull(made);
	snapshot_follow(made, snapshot, uptime_cs, ifindex_of);
	snapshot_free(snapshot);
	snapshot = made;
}

static void set_up(void)
{
	world_init(&world, 5);
	snapshot = NULL;
}

static void tear_down(void)
{
	snapshot_free(snapshot);
	world_deinit(&world);
}

/* VM 1 with all that a hypervisor tells and two NICs, VM 2 with nothing. */
static void fill_known_vm(struct period *period)
{
	struct period_vif *vif;

	make_vif(period, 1, "default", 30000);
	make_vif(period, 2, "default", 30000);
	make_vif(period, 3, "storage", 30000);
	for (size_t i = 0; i <= 2; i += 2) {
		vif = &period->vifs[i];
		snprintf(vif->vm_id, sizeof vif->vm_id, UUID);
		snprintf(vif->vm_name, sizeof vif->vm_name, "web1");
		snprintf(vif->os_type, sizeof vif->os_type, "hvm");
		vif->oper_state = OPER_STATE_PAUSED;
		vif->persistent = TRUTH_TRUE;
		vif->autostart = TRUTH_FALSE;
		vif->vcpu = 2;
		vif->vcpu_max = 4;
		vif->memory_bytes = (UINT64_C(1) << 30) + 5;
		vif->memory_max_bytes = UINT64_C(3) << 30;
		vif->cpu_time_us = UINT64_C(1) << 40;
	}
	vif = &period->vifs[1];
	vif->vm_name[0] = '\0';
	vif->vcpu = 0;
	vif->memory_bytes = 0;
}

static void feed_known(void)
{
	struct period *period = make_period(START);

	fill_known_vm(period);
	world_feed(&world, make_sorted(period));
	show(1000);
	walk_take(&mib_vm_view, snapshot);
}

static void feed_vms(int64_t end, unsigned first, unsigned last)
{
	struct period *period = make_period(end);

	for (unsigned vm = first; vm <= last; vm++)
		make_vm(period, vm);
	world_feed(&world, make_sorted(period));
}

#define READ(...)                                                                                  \
	walk_read((const mib_number[]){__VA_ARGS__},                                               \
	    sizeof((const mib_number[]){__VA_ARGS__}) / sizeof(mib_number), &now)
#define VM(column, number) READ(MIB_VM_ENTRY, column, number)

static bool is_text(const struct mib_value *value, const char *text)
{
	return value->type == MIB_OCTETS && value->length == strlen(text) &&
	       memcmp(value->octets, text, value->length) == 0;
}

START_TEST(what_a_hypervisor_told)
{
	static const uint8_t uuid[] = {0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 0x47, 0x89, 0x8a, 0xbc,
	    0xde, 0xf0, 0x12, 0x34, 0x56, 0x78};
	const struct mib_value *value;

	feed_known();
	ck_assert(is_text(VM(VM_NAME, 1), "web1"));
	value = VM(VM_UUID, 1);
	ck_assert_uint_eq(value->length, 16);
	ck_assert_mem_eq(value->octets, uuid, 16);
	ck_assert(is_text(VM(VM_OS_TYPE, 1), "hvm"));
	ck_assert_int_eq(VM(VM_ADMIN_STATE, 1)->integer, 3);
	ck_assert_int_eq(VM(VM_OPER_STATE, 1)->integer, 8);
	ck_assert_int_eq(VM(VM_AUTO_START, 1)->integer, 3);
	ck_assert_int_eq(VM(VM_PERSISTENT, 1)->integer, 2);
	ck_assert_int_eq(VM(VM_CUR_CPUS, 1)->integer, 2);
	ck_assert_int_eq(VM(VM_MIN_CPUS, 1)->integer, -1);
	ck_assert_int_eq(VM(VM_MAX_CPUS, 1)->integer, 4);
	ck_assert_int_eq(VM(VM_MEM_UNIT, 1)->integer, 1048576);
	ck_assert_int_eq(VM(VM_CUR_MEM, 1)->integer, 1024);
	ck_assert_int_eq(VM(VM_MIN_MEM, 1)->integer, -1);
	ck_assert_int_eq(VM(VM_MAX_MEM, 1)->integer, 3072);
	value = VM(VM_CPU_TIME, 1);
	ck_assert_int_eq(value->type, MIB_COUNTER64);
	ck_assert_uint_eq(value->counter, UINT64_C(1) << 40);
}
END_TEST

START_TEST(what_nobody_told)
{
	feed_known();
	ck_assert(is_text(VM(VM_NAME, 2), "mac-020000000002"));
	ck_assert(is_text(VM(VM_UUID, 2), ""));
	ck_assert(is_text(VM(VM_OS_TYPE, 2), ""));
	ck_assert_int_eq(VM(VM_ADMIN_STATE, 2)->integer, 1);
	ck_assert_int_eq(VM(VM_OPER_STATE, 2)->integer, 1);
	ck_assert_int_eq(VM(VM_AUTO_START, 2)->integer, 1);
	ck_assert_int_eq(VM(VM_PERSISTENT, 2)->integer, 1);
	ck_assert_int_eq(VM(VM_CUR_CPUS, 2)->integer, 0);
	ck_assert_int_eq(VM(VM_MAX_CPUS, 2)->integer, -1);
	ck_assert_int_eq(VM(VM_CUR_MEM, 2)->integer, 0);
	ck_assert_int_eq(VM(VM_MAX_MEM, 2)->integer, -1);
	ck_assert_uint_eq(VM(VM_CPU_TIME, 2)->counter, 0);
}
END_TEST

START_TEST(scalars)
{
	const struct mib_value *value;

	feed_known();
	ck_assert(is_text(READ(MIB_HV, MIB_HV_SOFTWARE, 0), ""));
	ck_assert_int_eq(READ(MIB_HV, MIB_HV_OBJECT_ID, 0)->type, MIB_NO_IDENTIFIER);
	value = READ(MIB_HV, MIB_HV_UP_TIME, 0);
	ck_assert_int_eq(value->type, MIB_TICKS);
	ck_assert_uint_eq(value->number, 123456);
	value = READ(MIB_VM_NUMBER, 0);
	ck_assert_int_eq(value->type, MIB_INTEGER);
	ck_assert_int_eq(value->integer, 2);
	value = READ(MIB_VM_LAST_CHANGE, 0);
	ck_assert_int_eq(value->type, MIB_TICKS);
	ck_assert_uint_eq(value->number, 1000);
	ck_assert_int_eq(READ(MIB_VM_EACH_NOTIFIES, 0)->integer, 2);
	ck_assert_int_eq(READ(MIB_VM_BULK_NOTIFIES, 0)->integer, 2);
}
END_TEST

START_TEST(nics)
{
	const uint8_t mac[] = {2, 0, 0, 0, 0, 3};
	const struct mib_value *value;

	feed_known();
	/* VM 1 has the vifs 1 and 3, VM 2 has 2. */
	value = READ(MIB_VM_NETWORK, VM_NETWORK_PHYS_ADDRESS, 1, 3);
	ck_assert_uint_eq(value->length, sizeof mac);
	ck_assert_mem_eq(value->octets, mac, sizeof mac);
	ck_assert_int_eq(READ(MIB_VM_NETWORK, VM_NETWORK_IF_INDEX, 2, 2)->integer, 42);
	ck_assert_int_eq(READ(MIB_VM_NETWORK, VM_NETWORK_IF_INDEX, 1, 1)->integer, 0);
	ck_assert_int_eq(READ(MIB_VM_NETWORK, VM_NETWORK_PARENT, 1, 1)->integer, 0);
	ck_assert(is_text(READ(MIB_VM_NETWORK, VM_NETWORK_MODEL, 1, 1), ""));
}
END_TEST

START_TEST(any_oid)
{
	feed_known();
	feed_vms(START + 30, 1, 9);
	show(2000);
	/* scalars, 9 VMs of 15 columns, their NICs of 4; the VM with the UUID has left */
	ck_assert_uint_eq(walk_take(&mib_vm_view, snapshot), 8 + 9 * 15 + 9 * 4);
	walk_check_near();
	walk_check_random(20000);
	walk_check_longest();
}
END_TEST

START_TEST(without_vms_there_are_scalars)
{
	show(5);
	ck_assert_uint_eq(walk_take(&mib_vm_view, snapshot), 8);
	ck_assert_int_eq(READ(MIB_VM_NUMBER, 0)->integer, 0);
	walk_check_near();
}
END_TEST

START_TEST(the_last_change)
{
	static const struct {
		unsigned first, last;
		uint64_t uptime_cs, wanted_cs;
	} steps[] = {{1, 3, 100, 100}, {1, 3, 200, 100}, {1, 4, 300, 300}, {1, 4, 400, 300},
	    {2, 4, 500, 500}, {1, 3, 600, 600}, {1, 3, 700, 600}, {1, 3, UINT64_C(1) << 32, 600},
	    {1, 2, (UINT64_C(1) << 32) + 7, 7}};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		feed_vms(START + 30 * (int64_t)i, steps[i].first, steps[i].last);
		show(steps[i].uptime_cs);
		walk_take(&mib_vm_view, snapshot);
		ck_assert_uint_eq(READ(MIB_VM_LAST_CHANGE, 0)->number, steps[i].wanted_cs);
		ck_assert_int_eq(
		    READ(MIB_VM_NUMBER, 0)->integer, (int)(steps[i].last - steps[i].first + 1));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mib_vm");
	TCase *tcase = tcase_create("mib_vm");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, what_a_hypervisor_told);
	tcase_add_test(tcase, what_nobody_told);
	tcase_add_test(tcase, scalars);
	tcase_add_test(tcase, nics);
	tcase_add_test(tcase, any_oid);
	tcase_add_test(tcase, without_vms_there_are_scalars);
	tcase_add_test(tcase, the_last_change);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
