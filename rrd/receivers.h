/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the writing side remembers with rrdcached, so that in the steady state no file is opened: of
 * each receiver which periods were handed over and which are committed, of each pair the time of
 * its last update as handed over and as seen in its file. Internal to rrd/; one thread.
 */
#ifndef GRAPPE_RRD_RECEIVERS_H
#define GRAPPE_RRD_RECEIVERS_H

#include "common/identity.h"
#include "rrd/archive_layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIVERS_PAIRS_MAX                                                                        \
	1000000             /* remembered; beyond it those that are at rest are forgotten          \
			     */
#define RECEIVERS_RECENT 64 /* committed periods that are remembered, of each receiver */

struct pair {
	char sender[VM_ID_SIZE];
	int64_t handed_s; /* last update as handed to rrdcached, or as in the file */
	int64_t stored_s; /* last update as seen in the file; < handed_s: not yet there */
	bool kept;      /* its head is kept (rrd/heads.h) as it was before what is not committed */
	bool looked_at; /* by the commit that is at work: its head is to be kept from then on */
};

/* A period that was handed over. */
struct handed {
	int64_t end_s;
	bool known;
	double covered; /* what coverage.rrd will hold */
};

struct receiver {
	char id[VM_ID_SIZE];
	struct receiver *next;
	bool covered_before;          /* coverage.rrd exists; then: */
	struct archive_layout layout; /* its */
	int64_t committed_s;          /* its last update; 0: none */
	int64_t handed_s;             /* newest period that was handed over or committed */
	int64_t spooled_s;            /* newest period in the spool */
	int64_t adopted_s; /* newest period in the spool that an earlier process left there */
	bool failing;      /* some pair is not in its file though it should be */
	/* all periods after recent_from_s, ascending: committed ones, then those that are not */
	int64_t recent_from_s;
	struct handed *recent;
	size_t nrecent, recent_capacity;
	struct pair *pairs; /* sorted by sender */
	size_t npairs, pairs_capacity;
};

struct receivers; /* opaque */

/* receivers_new - NULL without memory. */
struct receivers *receivers_new(void);
/* receivers_free - NULL is allowed. */
void receivers_free(struct receivers *receivers);

/* receivers_find - NULL when it is not remembered. */
struct receiver *receivers_find(const struct receivers *receivers, const char *id);
/* receivers_add - a new one with nothing but its id; not remembered before. NULL without memory. */
struct receiver *receivers_add(struct receivers *receivers, const char *id);
/* receivers_next - walks over all; receiver NULL: the first. NULL: the end. */
struct receiver *receivers_next(const struct receivers *receivers, const struct receiver *receiver);
/* receivers_remove - forgets it and all its pairs. */
void receivers_remove(struct receivers *receivers, const char *id);
/* receivers_forget_pairs - of all receivers: after rrdcached was lost, nothing is known of what it
 * held. */
void receivers_forget_pairs(struct receivers *receivers);

/* receiver_find_pair - NULL when it is not remembered. Valid until a pair is added or dropped. */
struct pair *receiver_find_pair(const struct receiver *receiver, const char *sender);
/* receiver_set_pair - remembers the pair with these times. Returns 0 or GRAPPE_EMEMORY. */
int receiver_set_pair(struct receivers *receivers, struct receiver *receiver, const char *sender,
    int64_t handed_s, int64_t stored_s);
/* receiver_drop_pair - forgets one. */
void receiver_drop_pair(struct receivers *receivers, struct receiver *receiver, struct pair *pair);

/* receiver_add_handed - one more period, later than all before. Returns 0 or GRAPPE_EMEMORY. */
int receiver_add_handed(struct receiver *receiver, const struct handed *period);
/* receiver_commit - the periods up to end_s are committed; the older ones of them are forgotten. */
void receiver_commit(struct receiver *receiver, int64_t end_s);

#endif
