/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which back end watches an interface: bpf where the kernel lets it, else pcap, or what the
 * configuration says. Joins the bpf counter, if there is one, with the accounting.
 *
 * Life-cycle: backend_new(), backend_open() per interface, backend_tick() and backend_collect() as
 * bpf_counter.h says, backend_free() when all sources are closed. One thread.
 */
#ifndef GRAPPE_AGENT_MODULE_BACKEND_H
#define GRAPPE_AGENT_MODULE_BACKEND_H

#include "agent-module/account.h"
#include "agent-module/discover.h"
#include "agent-module/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum backend_choice { CAPTURE_AUTO, CAPTURE_BPF, CAPTURE_PCAP };

struct backend_options {
	enum backend_choice choice;
	int way;                 /* enum bpf_way */
	struct account *account; /* borrowed */
	uint32_t length_s;       /* of a period */
	uint32_t pairs_total;    /* room for pairs in the bpf table */
	uint32_t pairs_per_vif;
	uint32_t snaplen;                /* of pcap */
	const struct address *endpoints; /* borrowed */
	size_t nendpoints;
};

struct backend; /* opaque */

/* backend_new - logs what was chosen and why. Returns NULL (logged) without memory, or when bpf is
 * demanded and not to be had. */
struct backend *backend_new(const struct backend_options *options);
/* backend_free - NULL is allowed. */
void backend_free(struct backend *backend);

/* backend_open - starts watching an interface. *buffer_bytes: of the ring if it is pcap; set to 0
 * when there is none. Returns 0 or an error with the reason in message[size]. */
int backend_open(struct backend *backend, const struct discover_port *port, uint32_t *buffer_bytes,
    struct source **out, char *message, size_t size);

/* backend_has_bpf, backend_has_pcap - whether an interface may still be watched in that way. */
bool backend_has_bpf(const struct backend *backend);
bool backend_has_pcap(const struct backend *backend);

/* backend_tick, backend_collect, backend_stop - see bpf_counter.h; without bpf they do nothing. */
void backend_tick(struct backend *backend, int64_t wall_ns, int64_t monotonic_ns);
void backend_collect(struct backend *backend);
void backend_stop(struct backend *backend);

#endif
