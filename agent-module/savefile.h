/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts a savefile of tcpdump(1) and the like and prints the matrix: what
 * `grappe-capture --read` and `grappe-agent --read` do. pcap and pcapng files, also compressed
 * with gzip, or standard input. The same decoder and the same counting of wire packets as live.
 *
 * Without a list of MACs every unicast destination MAC is a VM. A pair is (source address,
 * destination address) as in the packets, its bytes are IP-level.
 *
 * Life-cycle: savefile_read(), look or savefile_print(), savefile_deinit(); or all in one
 * savefile_run(). One thread; no state of its own.
 */
#ifndef GRAPPE_AGENT_MODULE_SAVEFILE_H
#define GRAPPE_AGENT_MODULE_SAVEFILE_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum savefile_format { SAVEFILE_TEXT, SAVEFILE_CSV };

#define SAVEFILE_PAIRS_MAX 4000000

struct savefile_options {
	const char *path; /* "-": standard input */
	enum savefile_format format;
	uint32_t mtu;          /* of the interface captured on; 0 = MSS_MTU_DEFAULT */
	const struct mac *vms; /* the MACs that are VMs; borrowed */
	size_t nvms;           /* 0 = every unicast destination */
};

struct savefile_pair {
	struct address source, destination;
	uint64_t packets, octets; /* wire packets, IP-level bytes */
};

struct savefile_result {
	struct savefile_pair *pairs; /* owned; sorted by source, then destination */
	size_t npairs;
	uint64_t frames;            /* records read from the file */
	uint64_t pair_frames;       /* those that went into pairs */
	uint64_t packets, octets;   /* sums over all pairs */
	uint64_t estimated_packets; /* wire packets that were estimated */
	uint64_t multicast_frames, multicast_packets, multicast_octets;
	uint64_t nonip_frames;     /* unicast ARP and the like */
	uint64_t unmatched_frames; /* unicast to a MAC that is not in the list */
	uint64_t malformed_frames;
	uint64_t other_packets,
	    other_octets;          /* found no room: more than SAVEFILE_PAIRS_MAX pairs */
	int64_t first_ns, last_ns; /* time stamps, ns since the epoch; 0 without frames */
	uint32_t vms;              /* MACs that received, multicast aside */
	bool truncated;            /* the file ends in the middle: what was read is here */
};

/*
 * savefile_read - reads all of the file into *result.
 * Returns 0; GRAPPE_ETRUNCATED: the file breaks off or is damaged from some point on, *result holds
 * what came before; GRAPPE_EUNSUPPORTED: not Ethernet frames; GRAPPE_EFORMAT: not a savefile;
 * GRAPPE_EIO (errno): cannot be opened; GRAPPE_EMEMORY. On any error message[size] says why in
 * words. savefile_deinit() in any case.
 */
int savefile_read(const struct savefile_options *options, struct savefile_result *result,
    char *message, size_t size);
void savefile_deinit(struct savefile_result *result);

/* savefile_print - writes the matrix to out. Returns 0 or GRAPPE_EIO when out refuses it. */
int savefile_print(
    const struct savefile_options *options, const struct savefile_result *result, FILE *out);

/*
 * savefile_parse - options from the texts of a command line. format: "text", "csv" or NULL (text);
 * mtu: decimal or NULL. Returns 0, or GRAPPE_EINVALID with the reason in message[size].
 */
int savefile_parse(const char *path, const char *format, const char *mtu,
    struct savefile_options *options, char *message, size_t size);

/* savefile_run - reads, prints to standard output, logs what went wrong. A file that breaks off is
 * printed as far as it goes. Returns the exit code: 0, or 1 after any error, also a file that
 * breaks off. */
int savefile_run(const struct savefile_options *options);

#endif
