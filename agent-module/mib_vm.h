/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects of VM-MIB (RFC 7666) over a snapshot: the hypervisor's scalars, vmTable
 * and vmNetworkTable, read-only, as far as the sensor knows them. Only VMs of the newest
 * period have rows. vmUpTime and the tables of processors and storage are not served,
 * since nobody tells the sensor. Pure; one thread.
 */
#ifndef GRAPPE_AGENT_MIB_VM_H
#define GRAPPE_AGENT_MIB_VM_H

#include "common/mib_value.h"

#define MIB_VM_ROOT 1, 3, 6, 1, 2, 1, 236 /* vmMIB */
#define MIB_VM_OBJECTS MIB_VM_ROOT, 1

/* Scalars: MIB_HV, n, 0. */
#define MIB_HV MIB_VM_OBJECTS, 1
enum mib_hv_scalar {
	MIB_HV_SOFTWARE = 1, /* text, "" = not known, as the version */
	MIB_HV_VERSION = 2,
	MIB_HV_OBJECT_ID = 3, /* 0.0 = not known */
	MIB_HV_UP_TIME = 4    /* TimeTicks: the kernel is the hypervisor */
};
#define MIB_VM_NUMBER MIB_VM_OBJECTS, 2         /* Integer32, rows of vmTable */
#define MIB_VM_LAST_CHANGE MIB_VM_OBJECTS, 3    /* TimeTicks, vmHvUpTime when a row came or went */
#define MIB_VM_EACH_NOTIFIES MIB_VM_OBJECTS, 9  /* TruthValue: no notifications are sent */
#define MIB_VM_BULK_NOTIFIES MIB_VM_OBJECTS, 10 /* TruthValue */

/* vmTable: MIB_VM_ENTRY, column, vmIndex (grappeVmIndex). */
#define MIB_VM_ENTRY MIB_VM_OBJECTS, 4, 1
enum mib_vm_entry_column {
	VM_NAME = 2,
	VM_UUID = 3, /* 16 octets; none: has no UUID */
	VM_OS_TYPE = 4,
	VM_ADMIN_STATE = 5,
	VM_OPER_STATE = 6,
	VM_AUTO_START = 7,
	VM_PERSISTENT = 8,
	VM_CUR_CPUS = 9,
	VM_MIN_CPUS = 10, /* -1 = not known, as the next and the limits of memory */
	VM_MAX_CPUS = 11,
	VM_MEM_UNIT = 12, /* octets */
	VM_CUR_MEM = 13,  /* in units */
	VM_MIN_MEM = 14,
	VM_MAX_MEM = 15,
	VM_UP_TIME = 16, /* not served */
	VM_CPU_TIME = 17 /* Counter64, us */
};

/* vmNetworkTable: MIB_VM_NETWORK, column, vmIndex, vmNetworkIndex (grappeVifIndex). */
#define MIB_VM_NETWORK MIB_VM_OBJECTS, 8, 1
enum mib_vm_network_column {
	VM_NETWORK_IF_INDEX = 2, /* 0 = not known, as the next */
	VM_NETWORK_PARENT = 3,
	VM_NETWORK_MODEL = 4, /* "" = not known */
	VM_NETWORK_PHYS_ADDRESS = 5
};

extern const struct mib_view mib_vm_view;

#endif
