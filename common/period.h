/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A period: what one sensor counted between two instants of the wall clock, and the
 * one codec for it. The same bytes lie in period files, travel in SNMP blocks and
 * feed replay tests (doc/period-format.md).
 *
 * Life-cycle: period_new() or period_decode(), fill, period_sort(), period_encode(),
 * period_free(). Pure; one thread at a time per object.
 */
#ifndef GRAPPE_COMMON_PERIOD_H
#define GRAPPE_COMMON_PERIOD_H

#include "common/address.h"
#include "common/buffer.h"
#include "common/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERIOD_LENGTH_DEFAULT_S 30
#define PERIOD_LENGTH_MAX_S 86400
#define PERIOD_END_MAX_S INT64_C(253402300799) /* year 9999: room for sums in ns */
#define PERIOD_MACS_MAX 8                      /* MACs of one virtual NIC */
#define PERIOD_ADDRESSES_MAX 16                /* learnt addresses of one virtual NIC */
#define PERIOD_REASON_SIZE 96                  /* why a back end counts, with its final zero */
#define PERIOD_LABEL_SIZE 64                   /* label of an application, UTF-8 */
#define PERIOD_OS_TYPE_SIZE 32
#define PERIOD_VIFS_MAX 65536
#define PERIOD_ROWS_MAX 4000000
#define PERIOD_BYTES_MAX (64u << 20) /* longest encoding that is read */

enum period_flag {
	PERIOD_PARTIAL = 1 << 0,        /* the sensor did not run all of it (S-7) */
	PERIOD_CLOCK_UNSYNCED = 1 << 1, /* the host's clock was not synchronised */
	PERIOD_CLOCK_STEPPED = 1 << 2,  /* the wall clock jumped inside it */
	PERIOD_ESTIMATED = 1 << 3,      /* some wire packets are estimates (unknown MSS) */
	PERIOD_TEST_LENGTH = 1 << 4,    /* shorter than 30 s by the test switch */
	PERIOD_MERGED = 1 << 5, /* the sensor was held up: holds counts of the time after it, too */
};

/* Which back ends of the sensor counted in a period; a set. */
enum period_backend {
	BACKEND_PCAP = 1 << 0,
	BACKEND_BPF = 1 << 1,
};

struct period_header {
	int64_t end_s; /* name of the period: its end, epoch seconds, a multiple of length_s */
	uint32_t length_s;
	uint8_t boot_id[16];     /* identifies one run of the sensor (fresh at each start) */
	uint32_t flags;          /* enum period_flag */
	int64_t clock_offset_ns; /* as adjtimex(2) told at the end of the period */
	uint64_t
	    dropped_packets; /* lost by the kernel before counting; with pcap at most so many: a
				lost frame may be one of the few that were only to be learnt from */
	uint64_t unmatched_packets; /* unicast on a watched interface that is no vif's MAC */
	uint64_t unmatched_octets;
	uint64_t estimated_packets;              /* of all wire packets, how many are estimates */
	uint64_t malformed_packets;              /* frames whose headers could not be read */
	uint32_t backends;                       /* enum period_backend; 0 = unknown */
	char backend_reason[PERIOD_REASON_SIZE]; /* why these, in words; "" = unknown */
};

enum address_evidence {
	EVIDENCE_CONFIGURED = 1, /* said by an operator */
	EVIDENCE_CLAIMED = 2,    /* ARP or neighbour discovery sent by the VM */
	EVIDENCE_SOURCE = 3,     /* only seen as a source address */
};

struct period_address {
	struct address address;
	uint8_t evidence; /* enum address_evidence */
};

enum period_vif_flag {
	VIF_ROUTER = 1 << 0, /* many source addresses behind one MAC */
};

/* State of a VM, numbered as VirtualMachineOperState of RFC 7666. */
enum period_oper_state {
	OPER_STATE_NONE = 0, /* the sensor has no word on it */
	OPER_STATE_UNKNOWN = 1,
	OPER_STATE_OTHER = 2,
	OPER_STATE_PREPARING = 3,
	OPER_STATE_RUNNING = 4,
	OPER_STATE_SUSPENDING = 5,
	OPER_STATE_SUSPENDED = 6,
	OPER_STATE_RESUMING = 7,
	OPER_STATE_PAUSED = 8,
	OPER_STATE_MIGRATING = 9,
	OPER_STATE_SHUTTING_DOWN = 10,
	OPER_STATE_SHUTDOWN = 11,
	OPER_STATE_CRASHED = 12,
};

/* What may be unknown. */
enum period_truth { TRUTH_UNKNOWN = 0, TRUTH_TRUE = 1, TRUTH_FALSE = 2 };

/* One virtual NIC: the counting unit. */
struct period_vif {
	char vm_id[VM_ID_SIZE]; /* common/identity.h */
	char vm_name[VM_NAME_SIZE];
	char segment[SEGMENT_SIZE];
	char interface[16];    /* handle on this host only; never an identity */
	uint32_t flags;        /* enum period_vif_flag */
	uint32_t covered_ms;   /* how long of the period this sensor watched it */
	uint32_t vcpu;         /* of the VM; 0 = unknown */
	uint64_t memory_bytes; /* of the VM; 0 = unknown */
	uint32_t nmacs;
	struct mac macs[PERIOD_MACS_MAX];
	uint32_t naddresses;
	struct period_address addresses[PERIOD_ADDRESSES_MAX];
	/* counted, but in no pair (S-4, S-11) */
	uint64_t multicast_packets, multicast_octets;
	uint64_t other_packets, other_octets; /* the table of pairs was full */
	uint64_t nonip_packets;               /* ARP and the like, unicast */
	/* details of the VM that a hypervisor told; zeros and "" = unknown */
	char application[PERIOD_LABEL_SIZE]; /* group or application it belongs to */
	char os_type[PERIOD_OS_TYPE_SIZE];
	uint8_t oper_state; /* enum period_oper_state */
	uint8_t persistent; /* enum period_truth: defined beyond its run */
	uint8_t autostart;  /* enum period_truth: starts with its host */
	uint32_t vcpu_max;
	uint64_t memory_max_bytes;
	uint64_t cpu_time_us; /* consumed since the VM's start */
};

enum period_direction {
	ROW_RECEIVED = 0, /* the vif received it; peer is the source (S-3) */
	ROW_SENT = 1,     /* the vif sent it to a named endpoint; peer is the destination (S-5) */
};

/* Wire packets and IP-level octets of one (vif, peer address). */
struct period_row {
	uint32_t vif;      /* index into vifs */
	uint8_t direction; /* enum period_direction */
	struct address peer;
	uint64_t packets, octets;
};

struct period {
	struct period_header header;
	struct period_vif *vifs; /* owned */
	size_t nvifs, vifs_capacity;
	struct period_row *rows; /* owned; sorted by vif, direction, peer */
	size_t nrows, rows_capacity;
};

/* period_new - an empty period, or NULL without memory. */
struct period *period_new(void);
/* period_free - NULL is allowed. */
void period_free(struct period *period);
/* period_add_vif / period_add_row - append a copy. Returns the index or a negative error
 * (GRAPPE_EMEMORY, GRAPPE_ELIMIT). Control characters in the texts of a vif, which a guest or a
 * hypervisor chose, are replaced by '?', so that they cannot make a period unreadable. */
int period_add_vif(struct period *period, const struct period_vif *vif);
int period_add_row(struct period *period, const struct period_row *row);
/* period_drop_rows - forgets all rows and gives their memory back; the inventory stays. */
void period_drop_rows(struct period *period);
/* period_sort - brings rows into their order; needed before period_encode(). */
void period_sort(struct period *period);

/* period_encode - appends the encoding of a sorted period to out.
 * Returns 0, GRAPPE_EMEMORY, or GRAPPE_EINVALID for what period_decode() would refuse: rows not
 * strictly ascending or of an unknown vif, a vm_id that is none, a header or a detail out of its
 * ranges, an address without type. Control characters in the header's text are written as '?'. */
int period_encode(const struct period *period, struct buffer *out);

/* period_decode - reads an encoding that may be hostile. On success *out is owned by the caller.
 * Unknown chunks and additions to known ones are skipped; what an older sensor did not write is
 * left unknown; a wrong or missing checksum, unsorted or
 * duplicate rows, counts beyond the limits above or trailing bytes are errors: GRAPPE_EFORMAT,
 * GRAPPE_ETRUNCATED, GRAPPE_ECHECKSUM, GRAPPE_EVERSION, GRAPPE_ELIMIT, GRAPPE_EMEMORY. On error
 * *out is NULL. */
int period_decode(const void *bytes, size_t length, struct period **out);

/* period_checksum - CRC-32 (IEEE 802.3, as zlib) over bytes; what the last chunk of an encoding
 * holds. */
uint32_t period_checksum(const void *bytes, size_t length);

#endif
