/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the objects of mibs/GRAPPE-MIB.txt hang: shared by the agent that serves them
 * and by those who ask for them. GRAPPE_MIB_ROOT comes from configure. A test compares
 * these numbers with the MIB file.
 */
#ifndef GRAPPE_COMMON_MIB_H
#define GRAPPE_COMMON_MIB_H

#include "config.h"

#define MIB_OBJECTS GRAPPE_MIB_ROOT, 1

/* Scalars: MIB_AGENT, n, 0. */
#define MIB_AGENT MIB_OBJECTS, 1
enum mib_agent_scalar {
	MIB_AGENT_VERSION = 1,       /* text */
	MIB_AGENT_PERIOD_LENGTH = 2, /* Unsigned32, s */
	MIB_AGENT_LAST_END = 3, /* Unsigned32, epoch s of the newest whole period; 0 = none yet */
	MIB_AGENT_HISTORY_DEPTH = 4,    /* Unsigned32, periods kept at most */
	MIB_AGENT_START_TIME = 5,       /* Unsigned32, epoch s; counters start from here */
	MIB_AGENT_DROPS = 6,            /* Counter64, packets lost by the kernel */
	MIB_AGENT_OVERFLOW = 7,         /* Counter64, packets counted as "other" */
	MIB_AGENT_UNMATCHED = 8,        /* Counter64, unicast packets for no known vif */
	MIB_AGENT_CLOCK_STATE = 9,      /* enum mib_clock_state */
	MIB_AGENT_CLOCK_OFFSET = 10,    /* Integer32, us */
	MIB_AGENT_PAIR_ROWS = 11,       /* Gauge32 */
	MIB_AGENT_VMS = 12,             /* Gauge32 */
	MIB_AGENT_VIFS = 13,            /* Gauge32 */
	MIB_AGENT_CAPTURE_STATE = 14,   /* enum mib_capture_state */
	MIB_AGENT_ESTIMATED = 15,       /* Counter64, packets that are estimates */
	MIB_AGENT_MALFORMED = 16,       /* Counter64, frames whose headers could not be read */
	MIB_AGENT_BACKEND = 17,         /* enum mib_backend */
	MIB_AGENT_BACKEND_REASON = 18,  /* text */
	MIB_AGENT_UNMATCHED_OCTETS = 19 /* Counter64 */
};
enum mib_clock_state {
	MIB_CLOCK_SYNCHRONISED = 1,
	MIB_CLOCK_UNSYNCHRONISED = 2,
	MIB_CLOCK_STEPPED = 3
};
enum mib_capture_state {
	MIB_CAPTURE_RUNNING = 1, /* the newest period is as new as it should be */
	MIB_CAPTURE_STALE = 2,   /* periods stopped coming */
	MIB_CAPTURE_ABSENT = 3   /* no period at all yet */
};

enum mib_backend {
	MIB_BACKEND_UNKNOWN = 1,
	MIB_BACKEND_PCAP = 2,
	MIB_BACKEND_BPF = 3,
	MIB_BACKEND_MIXED = 4 /* some interfaces by one, some by the other */
};

/* grappePeriodInfoTable: MIB_PERIOD_INFO, column, end. */
#define MIB_PERIOD_INFO MIB_OBJECTS, 2, 1
enum mib_period_info_column {
	MIB_INFO_LENGTH = 2, /* Unsigned32, s */
	MIB_INFO_FLAGS = 3,  /* Unsigned32, enum period_flag */
	MIB_INFO_ROWS = 4,   /* Unsigned32 */
	MIB_INFO_CHUNKS = 5, /* Unsigned32, blocks of the encoding */
	MIB_INFO_BYTES = 6,  /* Unsigned32, length of the encoding */
	MIB_INFO_CRC = 7,    /* Unsigned32, CRC-32 of the whole encoding */
	MIB_INFO_DROPS = 8,  /* CounterBasedGauge64 form, as the next three */
	MIB_INFO_UNMATCHED = 9,
	MIB_INFO_ESTIMATED = 10,
	MIB_INFO_MALFORMED = 11,
	MIB_INFO_BACKEND = 12 /* enum mib_backend */
};

/* grappePeriodBlockTable: MIB_PERIOD_BLOCK, column, end, chunk (from 1). Blocks are the encoding of
 * common/period.h cut every MIB_BLOCK_BYTES bytes. */
#define MIB_PERIOD_BLOCK MIB_OBJECTS, 3, 1
enum mib_period_block_column { MIB_BLOCK_DATA = 2 };
#define MIB_BLOCK_BYTES 1200

/* grappeVmTable: MIB_VM, column, vmIndex. */
#define MIB_VM MIB_OBJECTS, 4, 1
enum mib_vm_column {
	MIB_VM_ID = 2,          /* text, common/identity.h */
	MIB_VM_NAME = 3,        /* text */
	MIB_VM_VCPUS = 4,       /* Unsigned32, 0 = unknown */
	MIB_VM_MEMORY = 5,      /* Unsigned32, MiB, 0 = unknown */
	MIB_VM_VIFS = 6,        /* Unsigned32 */
	MIB_VM_APPLICATION = 7, /* text */
	MIB_VM_LAST_END = 8     /* Unsigned32, newest period it was in */
};

/* grappeVifTable: MIB_VIF, column, vifIndex. */
#define MIB_VIF MIB_OBJECTS, 5, 1
enum mib_vif_column {
	MIB_VIF_VM = 2,                /* vmIndex */
	MIB_VIF_SEGMENT = 3,           /* text */
	MIB_VIF_INTERFACE = 4,         /* text */
	MIB_VIF_MACS = 5,              /* text, space separated */
	MIB_VIF_ADDRESSES = 6,         /* text, space separated */
	MIB_VIF_ROUTER = 7,            /* TruthValue */
	MIB_VIF_COVERED = 8,           /* Unsigned32, ms of the newest period */
	MIB_VIF_MULTICAST_PACKETS = 9, /* Counter64 from here on */
	MIB_VIF_MULTICAST_OCTETS = 10,
	MIB_VIF_OTHER_PACKETS = 11,
	MIB_VIF_OTHER_OCTETS = 12,
	MIB_VIF_NON_IP_PACKETS = 13,
	MIB_VIF_EVIDENCE = 14 /* text, a word for each address */
};

/* grappePairTable: MIB_PAIR, column, vifIndex, InetAddressType, InetAddress (length-prefixed). */
#define MIB_PAIR MIB_OBJECTS, 6, 1
enum mib_pair_column {
	MIB_PAIR_PACKETS = 3,      /* Counter64, received */
	MIB_PAIR_OCTETS = 4,       /* Counter64, received */
	MIB_PAIR_SENT_PACKETS = 5, /* Counter64, to a named endpoint only */
	MIB_PAIR_SENT_OCTETS = 6,
	MIB_PAIR_KEY = 7,     /* text, unique and stable: "VM-ID/SEGMENT/PEER" */
	MIB_PAIR_PEER = 8,    /* text, the peer's address */
	MIB_PAIR_LAST_END = 9, /* Unsigned32, newest period with traffic */
	MIB_PAIR_VM_NAME = 10  /* text, the display name of the VM */
};

/* grappePeriodTable: MIB_PERIOD, column, end, vifIndex, InetAddressType, InetAddress. */
#define MIB_PERIOD MIB_OBJECTS, 7, 1
enum mib_period_column {
	MIB_PERIOD_PACKETS = 5, /* CounterBasedGauge64 form: of this period alone */
	MIB_PERIOD_OCTETS = 6,
	MIB_PERIOD_SENT_PACKETS = 7,
	MIB_PERIOD_SENT_OCTETS = 8
};

/* The collector, by grappe-collector-agent. Scalars: MIB_COLLECTOR_INFO, n, 0. */
#define MIB_COLLECTOR GRAPPE_MIB_ROOT, 3
#define MIB_COLLECTOR_INFO MIB_COLLECTOR, 1
enum mib_collector_scalar {
	MIB_COLLECTOR_STATE = 1,              /* enum mib_collector_state */
	MIB_COLLECTOR_ERROR = 2,              /* text */
	MIB_COLLECTOR_AGE = 3,                /* Gauge32, s */
	MIB_COLLECTOR_ANSWER_TIME = 4,        /* Unsigned32, epoch s */
	MIB_COLLECTOR_VERSION = 5,            /* text */
	MIB_COLLECTOR_START_TIME = 6,         /* Unsigned32, epoch s */
	MIB_COLLECTOR_PERIOD_LENGTH = 7,      /* Unsigned32, s */
	MIB_COLLECTOR_AGENTS_TOTAL = 8,       /* Gauge32 */
	MIB_COLLECTOR_AGENTS_UP = 9,          /* Gauge32 */
	MIB_COLLECTOR_AGENTS_DOWN = 10,       /* Gauge32 */
	MIB_COLLECTOR_AGENTS_REFUSED = 11,    /* Gauge32 */
	MIB_COLLECTOR_NEWEST_END = 12,        /* Unsigned32, epoch s */
	MIB_COLLECTOR_NEWEST_COMPLETE = 13,   /* TruthValue */
	MIB_COLLECTOR_COMPLETE_END = 14,      /* Unsigned32, epoch s */
	MIB_COLLECTOR_LAG = 15,               /* Gauge32, s */
	MIB_COLLECTOR_HOUR_PERIODS = 16,      /* Gauge32 */
	MIB_COLLECTOR_HOUR_COMPLETE = 17,     /* Gauge32 */
	MIB_COLLECTOR_PAIRS = 18,             /* Gauge32 */
	MIB_COLLECTOR_RECEIVERS = 19,         /* Gauge32 */
	MIB_COLLECTOR_DROPS = 20,             /* Counter64 */
	MIB_COLLECTOR_ARCHIVE_STATE = 21,     /* enum mib_health */
	MIB_COLLECTOR_ARCHIVE_ERROR = 22,     /* text */
	MIB_COLLECTOR_ARCHIVE_END = 23,       /* Unsigned32, epoch s */
	MIB_COLLECTOR_ARCHIVE_LAG = 24,       /* Gauge32, s */
	MIB_COLLECTOR_ARCHIVE_QUEUE = 25,     /* Gauge32 */
	MIB_COLLECTOR_ARCHIVE_FAILURES = 26,  /* Counter64 */
	MIB_COLLECTOR_ARCHIVE_LOST = 27,      /* Counter64 */
	MIB_COLLECTOR_FOLDER_STATE = 28,      /* enum mib_health */
	MIB_COLLECTOR_PERIODS_DELIVERED = 29, /* Counter64 */
	MIB_COLLECTOR_PERIODS_LOST = 30,      /* Counter64 */
	MIB_COLLECTOR_ADDRESS_CONFLICTS = 31, /* Gauge32 */
	MIB_COLLECTOR_VM_CONFLICTS = 32,      /* Gauge32 */
	MIB_COLLECTOR_MEMORY = 33             /* Gauge32, KiB */
};
enum mib_collector_state { MIB_COLLECTOR_UP = 1, MIB_COLLECTOR_DOWN = 2 };
enum mib_health { MIB_HEALTH_OK = 1, MIB_HEALTH_FAILING = 2, MIB_HEALTH_UNKNOWN = 3 };

/* grappeCollectorAgentTable: MIB_COLLECTOR_AGENT, column, name (IMPLIED). */
#define MIB_COLLECTOR_AGENT MIB_COLLECTOR, 2, 1
enum mib_collector_agent_column {
	MIB_COLLECTOR_AGENT_ADDRESS = 2,     /* text */
	MIB_COLLECTOR_AGENT_HOST = 3,        /* text */
	MIB_COLLECTOR_AGENT_ENVIRONMENT = 4, /* text */
	MIB_COLLECTOR_AGENT_STATE = 5,       /* enum mib_collector_agent_state */
	MIB_COLLECTOR_AGENT_LAST_END = 6,    /* Unsigned32, epoch s */
	MIB_COLLECTOR_AGENT_LAG = 7,         /* Gauge32, s */
	MIB_COLLECTOR_AGENT_MISSED = 8,      /* Counter64 */
	MIB_COLLECTOR_AGENT_LOST = 9,        /* Counter64 */
	MIB_COLLECTOR_AGENT_TIMEOUTS = 10,   /* Counter64 */
	MIB_COLLECTOR_AGENT_DROPS = 11,      /* Counter64 */
	MIB_COLLECTOR_AGENT_CLOCK = 12,      /* enum mib_clock_state or MIB_CLOCK_UNKNOWN */
	MIB_COLLECTOR_AGENT_ERROR = 13       /* text */
};
enum mib_collector_agent_state {
	MIB_COLLECTOR_AGENT_IS_UP = 1,
	MIB_COLLECTOR_AGENT_IS_DOWN = 2,
	MIB_COLLECTOR_AGENT_IS_REFUSED = 3,
	MIB_COLLECTOR_AGENT_IS_NEW = 4,
	MIB_COLLECTOR_AGENT_IS_UNKNOWN = 5
};
#define MIB_CLOCK_UNKNOWN 4

#endif
