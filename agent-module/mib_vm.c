/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/mib_vm.h"

#include "agent-module/snapshot.h"

#include <string.h>

#define MEMORY_UNIT (1 << 20) /* octets in vmMemUnit */
#define NOT_KNOWN (-1)        /* of limits */

/* ---- scalars ---- */

/* A scalar alone: its zero is the column. */
static bool seek_single(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	(void)rows;
	(void)numbers;
	*row = (struct mib_row){0};
	return length == 0 && !after;
}

static void index_single(void *rows, struct mib_row row, struct mib_index *index)
{
	(void)rows;
	(void)row;
	index->length = 0;
}

static void read_hypervisor(
    mib_number scalar, const struct mib_moment *now, struct mib_value *value)
{
	switch ((enum mib_hv_scalar)scalar) {
	case MIB_HV_SOFTWARE:
	case MIB_HV_VERSION:
		mib_set_text(value, "");
		break;
	case MIB_HV_OBJECT_ID:
		value->type = MIB_NO_IDENTIFIER;
		break;
	case MIB_HV_UP_TIME:
		mib_set_ticks(value, now->uptime_cs);
		break;
	}
}

/* ---- vmTable {vmIndex} ---- */

static void index_vm(void *rows, struct mib_row row, struct mib_index *index)
{
	const struct snapshot *snapshot = rows;

	index->numbers[0] = snapshot->vms[snapshot->present[row.item]].number;
	index->length = 1;
}

static bool seek_vm(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	const struct snapshot *snapshot = rows;

	row->part = 0;
	return mib_seek_array(
	    rows, snapshot->npresent, index_vm, 0, numbers, length, after, &row->item);
}

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

/* The 16 octets of an id that is a UUID; none for other ids. */
static void read_uuid(const char *id, struct mib_value *value)
{
	size_t count = 0;

	if (strncmp(id, "mac-", 4) == 0)
		id = "";
	for (; id[0] != '\0' && count < 16; id++) {
		if (id[0] == '-')
			continue;
		if (digit_of(id[0]) < 0 || digit_of(id[1]) < 0)
			break;
		value->text[count++] = (char)(digit_of(id[0]) << 4 | digit_of(id[1]));
		id++;
	}
	mib_set_octets(value, value->text, count == 16 ? count : 0);
}

/* VirtualMachineAdminState that goes with each VirtualMachineOperState. A VM whose state nobody
 * told is here: it runs. */
enum { ADMIN_RUNNING = 1, ADMIN_SUSPENDED = 2, ADMIN_PAUSED = 3, ADMIN_SHUTDOWN = 4 };
static const uint8_t admin_states[] = {[OPER_STATE_NONE] = ADMIN_RUNNING,
    [OPER_STATE_UNKNOWN] = ADMIN_RUNNING,
    [OPER_STATE_OTHER] = ADMIN_RUNNING,
    [OPER_STATE_PREPARING] = ADMIN_RUNNING,
    [OPER_STATE_RUNNING] = ADMIN_RUNNING,
    [OPER_STATE_SUSPENDING] = ADMIN_SUSPENDED,
    [OPER_STATE_SUSPENDED] = ADMIN_SUSPENDED,
    [OPER_STATE_RESUMING] = ADMIN_RUNNING,
    [OPER_STATE_PAUSED] = ADMIN_PAUSED,
    [OPER_STATE_MIGRATING] = ADMIN_RUNNING,
    [OPER_STATE_SHUTTING_DOWN] = ADMIN_SHUTDOWN,
    [OPER_STATE_SHUTDOWN] = ADMIN_SHUTDOWN,
    [OPER_STATE_CRASHED] = ADMIN_SHUTDOWN};

/* unknown(1), yes(2), no(3): VirtualMachineAutoStart and VirtualMachinePersistent. */
static int truth_of(uint8_t truth)
{
	return truth == TRUTH_TRUE ? 2 : truth == TRUTH_FALSE ? 3 : 1;
}

static int64_t limit_of(uint64_t limit, uint64_t unit)
{
	return limit == 0 ? NOT_KNOWN : (int64_t)(limit / unit);
}

static void read_vm(const struct period_vif *facts, mib_number column, struct mib_value *value)
{
	switch ((enum mib_vm_entry_column)column) {
	case VM_NAME:
		mib_set_text(value, facts->vm_name[0] != '\0' ? facts->vm_name : facts->vm_id);
		break;
	case VM_UUID:
		read_uuid(facts->vm_id, value);
		break;
	case VM_OS_TYPE:
		mib_set_text(value, facts->os_type);
		break;
	case VM_ADMIN_STATE:
		mib_set_integer(value, admin_states[facts->oper_state]);
		break;
	case VM_OPER_STATE:
		mib_set_integer(value,
		    facts->oper_state != OPER_STATE_NONE ? facts->oper_state : OPER_STATE_UNKNOWN);
		break;
	case VM_AUTO_START:
		mib_set_integer(value, truth_of(facts->autostart));
		break;
	case VM_PERSISTENT:
		mib_set_integer(value, truth_of(facts->persistent));
		break;
	case VM_CUR_CPUS:
		mib_set_integer(value, facts->vcpu);
		break;
	case VM_MAX_CPUS:
		mib_set_integer(value, limit_of(facts->vcpu_max, 1));
		break;
	case VM_MEM_UNIT:
		mib_set_integer(value, MEMORY_UNIT);
		break;
	case VM_CUR_MEM:
		mib_set_integer(value, (int64_t)(facts->memory_bytes / MEMORY_UNIT));
		break;
	case VM_MAX_MEM:
		mib_set_integer(value, limit_of(facts->memory_max_bytes, MEMORY_UNIT));
		break;
	case VM_MIN_CPUS:
	case VM_MIN_MEM:
		mib_set_integer(value, NOT_KNOWN);
		break;
	case VM_CPU_TIME:
		mib_set_counter(value, facts->cpu_time_us);
		break;
	case VM_UP_TIME:
		break;
	}
}

/* ---- vmNetworkTable {vmIndex, vmNetworkIndex} ---- */

static void index_nic(void *rows, struct mib_row row, struct mib_index *index)
{
	const struct snapshot *snapshot = rows;
	const struct snapshot_nic *nic = &snapshot->nics[row.item];

	index->numbers[0] = nic->vm_number;
	index->numbers[1] = snapshot->vifs[nic->place].number;
	index->length = 2;
}

static bool seek_nic(
    void *rows, const mib_number *numbers, size_t length, bool after, struct mib_row *row)
{
	const struct snapshot *snapshot = rows;

	row->part = 0;
	return mib_seek_array(
	    rows, snapshot->nnics, index_nic, 0, numbers, length, after, &row->item);
}

static void read_nic(const struct snapshot *snapshot, const struct snapshot_nic *nic,
    mib_number column, struct mib_value *value)
{
	const struct period_vif *vif = &snapshot->vifs[nic->place].vif;

	switch ((enum mib_vm_network_column)column) {
	case VM_NETWORK_IF_INDEX:
		mib_set_integer(value, nic->ifindex);
		break;
	case VM_NETWORK_PARENT:
		mib_set_integer(value, 0);
		break;
	case VM_NETWORK_MODEL:
		mib_set_text(value, "");
		break;
	case VM_NETWORK_PHYS_ADDRESS:
		mib_set_octets(
		    value, vif->macs[0].bytes, vif->nmacs > 0 ? sizeof vif->macs[0].bytes : 0);
		break;
	}
}

/* ---- all tables ---- */

enum table { HYPERVISOR, NUMBER, LAST_CHANGE, VM, NETWORK, EACH_NOTIFIES, BULK_NOTIFIES };

static const struct mib_table tables[] = {
    [HYPERVISOR] = {MIB_NUMBERS(node, MIB_HV), MIB_HV_SOFTWARE, MIB_HV_UP_TIME, 0, mib_seek_scalar,
	mib_index_scalar},
    [NUMBER] = {MIB_NUMBERS(node, MIB_VM_NUMBER), 0, 0, 0, seek_single, index_single},
    [LAST_CHANGE] = {MIB_NUMBERS(node, MIB_VM_LAST_CHANGE), 0, 0, 0, seek_single, index_single},
    [VM] = {MIB_NUMBERS(node, MIB_VM_ENTRY), VM_NAME, VM_CPU_TIME, UINT64_C(1) << VM_UP_TIME,
	seek_vm, index_vm},
    [NETWORK] = {MIB_NUMBERS(node, MIB_VM_NETWORK), VM_NETWORK_IF_INDEX, VM_NETWORK_PHYS_ADDRESS, 0,
	seek_nic, index_nic},
    [EACH_NOTIFIES] = {MIB_NUMBERS(node, MIB_VM_EACH_NOTIFIES), 0, 0, 0, seek_single, index_single},
    [BULK_NOTIFIES] = {MIB_NUMBERS(node, MIB_VM_BULK_NOTIFIES), 0, 0, 0, seek_single, index_single},
};

static void read_object(void *rows, const struct mib_place *place, const struct mib_moment *now,
    struct mib_value *value)
{
	struct snapshot *snapshot = rows;
	static const int false_value = 2; /* TruthValue */
	const size_t item = place->row.item;

	switch ((enum table)place->table) {
	case HYPERVISOR:
		read_hypervisor(place->column, now, value);
		break;
	case NUMBER:
		mib_set_integer(value, (int64_t)snapshot->npresent);
		break;
	case LAST_CHANGE:
		mib_set_ticks(value, snapshot->vms_changed_cs);
		break;
	case VM:
		read_vm(snapshot->vms[snapshot->present[item]].facts, place->column, value);
		break;
	case NETWORK:
		read_nic(snapshot, &snapshot->nics[item], place->column, value);
		break;
	case EACH_NOTIFIES:
	case BULK_NOTIFIES:
		mib_set_integer(value, false_value);
		break;
	}
}

const struct mib_view mib_vm_view = {.name = "VM-MIB",
    MIB_NUMBERS(root, MIB_VM_ROOT),
    .tables = tables,
    .ntables = sizeof tables / sizeof *tables,
    .read = read_object};
