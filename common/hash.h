/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hashes of texts and numbers for tables in memory: the same on every machine and at each start, so
 * no defence against keys that a stranger chooses (common/address.h has one). Pure, any thread.
 */
#ifndef GRAPPE_COMMON_HASH_H
#define GRAPPE_COMMON_HASH_H

#include <stdint.h>

/* hash_mix - spreads all bits of a number over all bits (the finaliser of SplitMix64). */
uint64_t hash_mix(uint64_t number);
/* hash_text - of a text (FNV-1a, 64 bits, mixed). before: 0, or a hash of what belongs before it.
 */
uint64_t hash_text(uint64_t before, const char *text);

#endif
