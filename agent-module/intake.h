/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where periods come in: reads the sealed files that grappe-capture leaves in a folder,
 * each once and in the order of their ends, into the ring and the ledger, and keeps the
 * ledger's file. What is no good period is said once, counted and left alone.
 *
 * A sealed file has the period's end in decimal digits as its name. The counters go on
 * over a restart when the folder still reaches back to the last period that the state
 * file holds; otherwise periods may be lost and they start again from zero.
 *
 * Life-cycle: intake_new(), intake_scan() whenever the folder may have changed,
 * intake_save() at the end, intake_free(). One thread; blocks on files only.
 */
#ifndef GRAPPE_AGENT_INTAKE_H
#define GRAPPE_AGENT_INTAKE_H

#include "agent-module/ledger.h"
#include "agent-module/ring.h"

#include <stddef.h>
#include <stdint.h>

struct intake;

/*
 * intake_new - folder: where the period files are (need not exist yet); state_folder: made if it is
 * missing; history: periods to keep, 1…RING_PERIODS_MAX. Reads the state file; a damaged one is set
 * aside, said, and counting starts afresh. NULL without memory.
 */
struct intake *intake_new(const char *folder, const char *state_folder, size_t history);
/* intake_free - NULL is allowed. Does not save. */
void intake_free(struct intake *intake);

/*
 * intake_scan - takes in what is new. now_s: wall clock, epoch s; periods that end later wait.
 * monotonic_ns: any steady clock. Returns the number of periods taken in, or GRAPPE_EIO when the
 * folder cannot be read (said once).
 */
int intake_scan(struct intake *intake, int64_t now_s, int64_t monotonic_ns);

/* intake_save - writes the ledger's file if it has changed. Returns 0 or an error (said once). */
int intake_save(struct intake *intake);

const struct ledger *intake_ledger(const struct intake *intake);
const struct ring *intake_ring(const struct intake *intake);
/* intake_refused - files that were no good period since the start. */
uint64_t intake_refused(const struct intake *intake);

#endif
