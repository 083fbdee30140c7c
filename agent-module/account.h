/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The accounting core: frames in, closed periods out. Knows virtual NICs (vifs) by port and
 * MAC, sums what each receives per peer (S-3, S-4) and sends to named endpoints (S-5), and cuts
 * time into periods (S-6, S-7). Pure: no I/O, time comes as an argument.
 *
 * Life-cycle: account_new(); account_watch() and account_unwatch() as interfaces come and go; for
 * each batch account_tick(), then account_frame(); account_close() until it has nothing more;
 * account_finish() once at the end; account_free(). One thread.
 *
 * Time. A frame belongs to the period [end - length, end) that holds its own time stamp. A period
 * stays open for ACCOUNT_MARGIN_NS after its end, because the kernel hands frames over in
 * blocks. A frame that comes later still is counted in the oldest open period when it is late by no
 * more than one period, and counted in account_statistics.late; a frame older than that is counted
 * as dropped. So every frame is somewhere, and once.
 *
 * The clock. Periods follow the wall clock; a difference of more than ACCOUNT_STEP_NS between the
 * wall clock's advance and the monotonic clock's is a step and marks the open periods
 * PERIOD_CLOCK_STEPPED. Forward: the periods jumped over are never issued (no time passed in them).
 * Back by up to one period: the open period stays open until its end is reached again. Back
 * further: what is open is closed at once as partial. An end that was issued is never issued again:
 * the time lived twice falls under the rule for late frames above.
 */
#ifndef GRAPPE_AGENT_MODULE_ACCOUNT_H
#define GRAPPE_AGENT_MODULE_ACCOUNT_H

#include "agent-module/counted.h"
#include "agent-module/decode.h"
#include "common/clock.h"
#include "common/period.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCOUNT_MARGIN_NS (400 * CLOCK_MILLISECOND_NS)
#define ACCOUNT_STEP_NS (100 * CLOCK_MILLISECOND_NS)
#define ACCOUNT_OPEN_MAX 32 /* periods that can be open at once, when the program was held up */
#define ACCOUNT_ROWS_MAX 1000000 /* pairs of one period over all vifs */

struct account_options {
	uint32_t length_s; /* of a period, > 0 */
	bool test_length;  /* shorter than allowed: every period is marked PERIOD_TEST_LENGTH */
	uint32_t pairs_per_vif; /* more go to the vif's "other" counters (S-11) */
	uint8_t boot_id[16];
	const struct address *endpoints; /* named endpoints; copied */
	size_t nendpoints;
	uint32_t
	    connections; /* TCP connections whose MSS is remembered; 0 = MSS_CONNECTIONS_DEFAULT */
};

struct account_statistics {
	uint64_t frames;  /* all that account_frame() saw */
	uint64_t late;    /* counted in a later period than their time stamp says */
	uint64_t dropped; /* frames too old for any period; also in a header's dropped_packets */
	uint64_t steps;   /* of the wall clock */
};

struct account; /* opaque */

/* account_new - starts at this instant; the period that holds it will be partial. NULL without
 * memory. */
struct account *account_new(
    const struct account_options *options, int64_t wall_ns, int64_t monotonic_ns);
/* account_free - NULL is allowed. */
void account_free(struct account *account);

/*
 * account_watch - from since_ns (wall clock) on, frames on `port` for one of the vif's MACs are
 * this vif's. vif: identity, MACs, size and configured addresses are copied, its counters ignored.
 * A vif with the same VM id, segment and first MAC that was watched before in an open period goes
 * on counting there, so a NIC that moves between ports or blinks stays one vif. A MAC known on the
 * port already moves to this vif. Returns a handle (>= 0) for account_unwatch(), GRAPPE_EEXISTS
 * when that vif is being watched now, GRAPPE_ELIMIT or GRAPPE_EMEMORY.
 */
int account_watch(
    struct account *account, uint32_t port, const struct period_vif *vif, int64_t since_ns);
/* account_identify - the vif is known to be of this VM now: what it has in the open periods goes
 * along. Returns false, and does nothing, when such a vif of that VM is known already. */
bool account_identify(struct account *account, int handle, const char *vm_id);
/* account_describe - what is new about a vif that is being watched: name, sizes, label and the
 * other facts that do not identify it. */
void account_describe(struct account *account, int handle, const struct period_vif *vif);

/* account_unwatch - the vif's coverage ends at until_ns; its counts stay in the open periods. */
void account_unwatch(struct account *account, int handle, int64_t until_ns);

/* account_tick - tells the time; sync may be NULL when unknown (then not synchronised). To be
 * called before each batch of frames and at least once a second. */
void account_tick(
    struct account *account, int64_t wall_ns, int64_t monotonic_ns, const struct clock_sync *sync);

/* account_frame - one frame seen on `port`. sent: the guest sent it; else it was delivered to the
 * guest. mtu: of the port's interface. */
void account_frame(struct account *account, uint32_t port, const struct frame *frame,
    int64_t stamp_ns, bool sent, uint32_t mtu);
/* account_learn - takes from a frame that a guest sent on `port` what it tells of the guest's
 * addresses, without counting it. For back ends that count by themselves, as the next two. */
void account_learn(struct account *account, uint32_t port, const struct frame *frame);

/* account_counted - adds a sum. What belongs to no open period is treated as a frame of that time.
 */
void account_counted(struct account *account, const struct counted *counted);

/* account_set_backends - what the headers of the open and the coming periods say of the back ends
 * (enum period_backend) and why they are in use. */
void account_set_backends(struct account *account, uint32_t backends, const char *reason);

/* account_merged - what was counted between the end of the period end_s and until_ns (wall clock)
 * is in that period's sums: it is marked PERIOD_MERGED, the periods after it up to until_ns are
 * partial and cover nothing. */
void account_merged(struct account *account, int64_t end_s, int64_t until_ns);

/* account_drops - so many frames were lost before they could be seen; they count in the oldest open
 * period. */
void account_drops(struct account *account, uint64_t frames);

/* account_mark_issued - the period of this end exists already (an earlier run published it). */
void account_mark_issued(struct account *account, int64_t end_s);

/*
 * account_close - takes out the oldest period if it may be closed at the time of the last
 * account_tick(). Returns 1 and *out (period_free() by the caller), 0 when none is due, or
 * GRAPPE_EMEMORY: try again later.
 */
int account_close(struct account *account, struct period **out);
/* account_finish - takes out the oldest period, due or not, covered until until_ns and partial if
 * that is inside it. For the end of the program. Returns as account_close(). */
int account_finish(struct account *account, int64_t until_ns, struct period **out);
/* account_due_ns - wall clock time at which account_close() will have something. */
int64_t account_due_ns(const struct account *account);

const struct account_statistics *account_statistics(const struct account *account);

#endif
