/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The addresses of one virtual NIC, learnt from what it sends, with the evidence for each
 * (S-9): said by an operator, claimed by ARP or neighbour discovery, or only seen as a source. A
 * claim beats a mere source; what was not seen for long is forgotten; a NIC with many mere sources
 * forwards for others and is a router. Bounded; pure; no allocation.
 */
#ifndef GRAPPE_AGENT_MODULE_LEARNT_H
#define GRAPPE_AGENT_MODULE_LEARNT_H

#include "common/period.h"

#include <stdbool.h>
#include <stdint.h>

#define LEARNT_CLAIM_AGE_S                                                                         \
	3600 /* a claim is forgotten after so long without any sign of the address */
#define LEARNT_SOURCE_AGE_S 600 /* a mere source address */
#define LEARNT_ROUTER_SOURCES 4 /* more mere sources than this: a router */

struct learnt {
	struct {
		struct period_address entry;
		int64_t seen_s; /* wall clock, epoch seconds */
	} items[PERIOD_ADDRESSES_MAX];
	uint32_t count;
};

/* learnt_note - the NIC showed this address at now_s. Loopback, multicast and unspecified addresses
 * are ignored. When full, a mere source makes room for a claim; the oldest source for a newer one.
 */
void learnt_note(struct learnt *learnt, const struct address *address,
    enum address_evidence evidence, int64_t now_s);
/* learnt_drop_claim - another NIC of the same segment claims the address now: forget it unless
 * configured. */
void learnt_drop_claim(struct learnt *learnt, const struct address *address);
/* learnt_expire - forgets what is too old at now_s; an entry from the future (the clock stepped
 * back) counts as seen now. */
void learnt_expire(struct learnt *learnt, int64_t now_s);
/* learnt_is_router - see above. */
bool learnt_is_router(const struct learnt *learnt);
/* learnt_export - writes addresses in their order into vif->addresses and sets or clears
 * VIF_ROUTER. */
void learnt_export(const struct learnt *learnt, struct period_vif *vif);

#endif
