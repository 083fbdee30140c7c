/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A virtual machine as the hypervisor's management tells of it (libvirt calls it a domain), and the
 * records in which one process tells another. The reader trusts no byte of them.
 *
 * A list of domains is told whole each time: DOMAIN_BEGIN, a DOMAIN_ONE for each, DOMAIN_END.
 * Between lists a DOMAIN_TROUBLE may say why none comes; the next list ends it. A record is one
 * datagram. Pure.
 */
#ifndef GRAPPE_AGENT_MODULE_DOMAIN_H
#define GRAPPE_AGENT_MODULE_DOMAIN_H

#include "agent-module/links.h"
#include "common/buffer.h"
#include "common/period.h"

#include <stddef.h>
#include <stdint.h>

#define DOMAIN_NICS_MAX 32
#define DOMAIN_VLAN_MAX 4094
#define DOMAIN_RECORD_MAX 8192
#define DOMAIN_REASON_SIZE 200
#define DOMAINS_MAX 8192

enum domain_record_type {
	DOMAIN_BEGIN = 1,
	DOMAIN_ONE = 2,
	DOMAIN_END = 3,
	DOMAIN_TROUBLE = 4,
};

struct domain_nic {
	struct mac mac;
	char interface[NETLINK_NAME_SIZE]; /* the host's end; "" = unknown */
	struct links_place place;          /* the bridge it is plugged into, and its VLAN there */
};

struct domain {
	struct period_vif facts; /* vm_id, name, sizes and details; nothing of a single NIC */
	uint32_t nnics;
	struct domain_nic nics[DOMAIN_NICS_MAX];
};

struct domain_record {
	enum domain_record_type type;
	struct domain domain;            /* DOMAIN_ONE */
	char reason[DOMAIN_REASON_SIZE]; /* DOMAIN_TROUBLE */
};

/* domain_record_encode - appends the record to out. */
void domain_record_encode(const struct domain_record *record, struct buffer *out);
/* domain_record_decode - reads one record, which may be hostile. Returns 0, GRAPPE_EFORMAT or
 * GRAPPE_ETRUNCATED. */
int domain_record_decode(const void *bytes, size_t length, struct domain_record *record);

#endif
