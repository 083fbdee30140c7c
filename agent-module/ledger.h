/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's memory over periods: which number each VM and vif has in the MIB, and
 * the cumulative counters. It grows by one period at a time, in ascending order, and
 * goes to disk as one file of bytes, so that a restarted agent continues: what the
 * file does not know yet is in the period files that are still there.
 *
 * A vif is the same vif as long as VM id, segment and first MAC are; its number is
 * never given to another. Numbers are forgotten a month after their last period.
 *
 * Life-cycle: ledger_new() or ledger_decode(), ledger_account() per period,
 * ledger_encode() now and then, ledger_free(). Pure; one thread.
 */
#ifndef GRAPPE_AGENT_LEDGER_H
#define GRAPPE_AGENT_LEDGER_H

#include "agent-module/tally.h"
#include "common/buffer.h"
#include "common/period.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_ROWS_MAX 250000             /* rows kept; beyond, the longest idle go */
#define LEDGER_BYTES_MAX PERIOD_BYTES_MAX  /* longest state file that is read */
#define LEDGER_ROW_IDLE_S (24 * 3600)      /* an idle row is kept so long ... */
#define LEDGER_VIF_IDLE_S (30 * 24 * 3600) /* ... and the number of a vif so long */

struct ledger_vif {
	uint32_t number;       /* grappeVifIndex, from 1 */
	uint32_t vm_number;    /* grappeVmIndex, from 1 */
	uint32_t last_end;     /* newest period it was in */
	bool key_with_mac;     /* another vif of this VM and segment had its number earlier */
	struct period_vif vif; /* as in that period, but counters are cumulative */
};

struct ledger {
	uint32_t start_s;  /* epoch s; the counters hold everything from here on; 0 = empty */
	uint32_t last_end; /* newest period accounted; 0 = none */
	uint32_t length_s; /* its length */
	uint32_t next_vif, next_vm; /* numbers to give out next */
	/* packets, cumulative */
	uint64_t drops, overflow, unmatched, unmatched_octets, estimated, malformed;
	uint64_t forgotten_rows; /* rows that had to go because of LEDGER_ROWS_MAX, since this
				    object lives */
	struct ledger_vif *vifs; /* owned; ascending by number */
	size_t nvifs, vifs_capacity;
	uint32_t *order;       /* owned; positions in vifs, ascending by identity */
	struct tally_set rows; /* owned */
};

/* ledger_new - an empty one, or NULL without memory. */
struct ledger *ledger_new(void);
/* ledger_free - NULL is allowed. */
void ledger_free(struct ledger *ledger);

/* ledger_reset - counters start again from zero with the next period; numbers stay. */
void ledger_reset(struct ledger *ledger);

/*
 * ledger_number - numbers[i] = number of the i-th vif of the period; new vifs get one. numbers has
 * room for period->nvifs. *added tells whether a number was given out, also on error.
 * Returns 0, GRAPPE_EMEMORY or GRAPPE_ELIMIT (no room or no numbers left).
 */
int ledger_number(
    struct ledger *ledger, const struct period *period, uint32_t *numbers, bool *added);

/*
 * ledger_account - adds a period; its end must be later than last_end. numbers as ledger_number()
 * gave them; rows = tally_from_period() of it. Nothing changes on error.
 * Returns 0, GRAPPE_ERANGE (not later), GRAPPE_EMEMORY.
 */
int ledger_account(struct ledger *ledger, const struct period *period, const uint32_t *numbers,
    const struct tally_set *rows);

/* ledger_find_vif - the vif with this number, or NULL. */
const struct ledger_vif *ledger_find_vif(const struct ledger *ledger, uint32_t number);

/* ledger_encode - appends the whole state to out. Returns 0, GRAPPE_EMEMORY, or GRAPPE_EINVALID
 * while no period is accounted: there is nothing to keep then. */
int ledger_encode(const struct ledger *ledger, struct buffer *out);
/* ledger_decode - reads what ledger_encode() wrote, maybe damaged. On success *out is the caller's;
 * on error it is NULL: GRAPPE_EFORMAT, GRAPPE_ETRUNCATED, GRAPPE_ECHECKSUM, GRAPPE_EVERSION,
 * GRAPPE_ELIMIT, GRAPPE_EMEMORY. */
int ledger_decode(const void *bytes, size_t length, struct ledger **out);

#endif
