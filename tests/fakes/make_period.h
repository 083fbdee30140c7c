/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Periods for tests, built in a few words. VM number N has the id "mac-02000000NNNN", the name
 * "vmN" and, unless the test says otherwise, the address 10.0.X.Y with N = 256 X + Y. Failures end
 * the test.
 */
#ifndef GRAPPE_TESTS_FAKES_MAKE_PERIOD_H
#define GRAPPE_TESTS_FAKES_MAKE_PERIOD_H

#include "common/period.h"

#define MAKE_LENGTH_S 30

/* make_period - an empty one of MAKE_LENGTH_S. */
struct period *make_period(int64_t end_s);
/* make_id / make_address - of VM number n; a static text, overwritten after eight further calls. */
const char *make_id(unsigned n);
const char *make_address(unsigned n);
/* make_vif - a NIC of VM n on a segment, watched so long. Returns its index. */
uint32_t make_vif(struct period *period, unsigned n, const char *segment, uint32_t covered_ms);
/* make_claim - the NIC has the address with this evidence. */
void make_claim(
    struct period *period, uint32_t vif, const char *address, enum address_evidence evidence);
/* make_row - a row; call make_sorted() after the last. */
void make_row(struct period *period, uint32_t vif, enum period_direction direction,
    const char *peer, uint64_t packets, uint64_t octets);
/* make_vm - NIC on the default segment watched for the whole period, with its claimed address. */
uint32_t make_vm(struct period *period, unsigned n);
/* make_received - VM behind the NIC got so much from VM n's address. */
void make_received(
    struct period *period, uint32_t vif, unsigned from, uint64_t packets, uint64_t octets);
struct period *make_sorted(struct period *period);

#endif
