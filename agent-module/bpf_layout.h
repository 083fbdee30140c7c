/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's side and the program's side of the bpf back end share: the entries of the maps.
 * bpf_count.bpf.c fills them, bpf_counter.c reads them. Plain fixed-size types in host byte order,
 * so that both compilers lay them out alike. Includes nothing: who includes it has the fixed-width
 * types.
 */
#ifndef GRAPPE_AGENT_MODULE_BPF_LAYOUT_H
#define GRAPPE_AGENT_MODULE_BPF_LAYOUT_H

#define BPF_TABLES 2         /* two periods can be counted apart: the present one and the next */
#define BPF_PROBES 32        /* rows looked at for one pair before it is counted as "other" */
#define BPF_VIFS_MAX 8192    /* virtual NICs, number 0 (none) included */
#define BPF_SEEN_MAX 4096    /* source addresses remembered as told */
#define BPF_SEEN_PLACES 4    /* where one of them may be; a power of two */
#define BPF_SEEN_GIVE_UP 256 /* of so many that find all places taken, so many as places get one   \
			      */
#define BPF_TOLD_MAX 64      /* frames that one NIC may tell between two readings */
#define BPF_LEARNT_BYTES 128 /* of a frame worth learning from */

/* bpf_row.key: the number of the virtual NIC and what follows; 0 = the row is free. */
#define BPF_KEY_VIF 0x0000ffffu
#define BPF_KEY_SENT 0x00010000u  /* sent to a named endpoint, not received */
#define BPF_KEY_IPV6 0x00020000u  /* peer is 16 bytes; else IPv4 in the first 4 bytes of peer[1] */
#define BPF_KEY_TAKEN 0xffffffffu /* another processor is just writing this row */

/*
 * One pair in one table. Two rows fill a cache line. A row is found by hashing key and peer, then
 * looking at others ever further behind it; two rows of one pair can come about when two processors
 * enter it at once: they add up. packets counts on modulo 2^32; the reader takes counts out often
 * enough.
 */
struct bpf_row {
	uint32_t key;
	uint32_t packets;
	uint64_t peer[2]; /* network byte order */
	uint64_t octets;
};

/* What a virtual NIC received beside its pairs, in one table. Of number 0: packets that were for
 * none (other_*), frames that could not be read (nonip_packets), and frames to learn from that
 * found no room (multicast_packets). */
struct bpf_vif_counts {
	uint64_t multicast_packets, multicast_octets;
	uint64_t other_packets,
	    other_octets; /* no room among the rows, or more than the NIC may have */
	uint64_t nonip_packets;
	uint64_t pairs; /* rows taken by what was received */
	uint64_t told;  /* frames handed over since the last reading; in the first table only */
};

/* The one entry of the map "settings". */
struct bpf_settings {
	/* CLOCK_MONOTONIC in ns at which the present table ends, its lowest bit replaced by the
	 * number of the present table; 0: count nothing. One word, so that a change is seen whole.
	 */
	uint64_t boundary;
	uint64_t secret[2]; /* of the hash: guests choose the addresses */
	uint32_t rows;      /* of one table; a power of two */
	uint32_t pairs_per_vif;
	uint32_t endpoints; /* entries of the map of that name */
	uint32_t reserved;
};

/* Key of the map "stations": a MAC behind an interface; all zero: the NIC that gets what is sent to
 * all. Its value is the number of the virtual NIC. */
struct bpf_station {
	uint32_t ifindex;
	uint8_t mac[6];
	uint8_t reserved[2];
};

/* Key of the map "endpoints". */
struct bpf_endpoint {
	uint64_t peer[2];
	uint64_t family; /* 0 or BPF_KEY_IPV6 */
};

/* A record of the ring "learnt". */
struct bpf_learnt {
	uint32_t ifindex;
	uint32_t captured, length; /* of the frame; captured <= BPF_LEARNT_BYTES */
	uint32_t reserved;
	uint8_t bytes[BPF_LEARNT_BYTES];
};

#endif
