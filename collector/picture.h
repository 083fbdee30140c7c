/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The global picture (C-2): the periods of the last hour or so, what each agent delivered of
 * them, joined by collector/resolve.h when somebody looks. It also decides when a receiver's
 * period is final and may go to the archives.
 *
 * A period is a slot of a ring. In a slot each agent is pending (it may still deliver),
 * delivered, lost (it never will) or absent (not expected: it was not configured then). A slot is
 * settled when none is pending. It is "in" when it is settled or the deadline has passed: then it
 * is answered as it is.
 *
 * Watermark: updates of one receiver leave strictly in the order of period ends. One may leave
 * when the slot is settled, or when the receiver was watched for the whole period and each of its
 * senders is known; and never past an older slot that may still bring something for this
 * receiver.
 *
 * Pure: no I/O, time comes as an argument. One thread. Life-cycle: picture_new(),
 * picture_add_agent(), picture_advance() at least once a period,
 * picture_deliver()/picture_lose(), picture_next_update(), picture_free().
 */
#ifndef GRAPPE_COLLECTOR_PICTURE_H
#define GRAPPE_COLLECTOR_PICTURE_H

#include "collector/resolve.h"
#include "common/period.h"

struct archive_update; /* rrd/archive.h */
struct picture;        /* opaque */

#define PICTURE_AGENTS_MAX 20000

enum picture_state {
	PICTURE_ABSENT,    /* not expected */
	PICTURE_PENDING,   /* may still come */
	PICTURE_DELIVERED, /* here */
	PICTURE_LOST,      /* will never come */
};

struct picture_config {
	uint32_t length_s;   /* of a period, > 0 */
	uint32_t slots;      /* periods kept in memory, > history */
	uint32_t history;    /* periods that an agent keeps: older ones will not come, > 0 */
	int64_t deadline_ms; /* after a period's end, < its length */
	struct resolve_config resolve; /* what it points to must stay */
	/* End of the newest period that the archives hold for a receiver, 0 = none. Asked once for
	 * each receiver; NULL: none is held. */
	int64_t (*last_written)(void *context, const char *receiver);
	void *context;
};

struct picture_counts {
	uint64_t delivered; /* periods of agents taken */
	uint64_t lost;      /* periods of agents that will never come */
	uint64_t refused;   /* delivered, but from the future, too old or known already */
	uint64_t updates;   /* handed out for the archives */
	uint64_t evicted;   /* receiver periods that left memory before the archives took them */
	uint64_t address_conflicts; /* of the newest resolved period */
	uint64_t vm_conflicts;
	uint64_t foreign_sent;
};

/* picture_new - an empty picture, or NULL without memory. */
struct picture *picture_new(const struct picture_config *config);
/* picture_free - NULL is allowed. */
void picture_free(struct picture *picture);

/* picture_add_agent - one more agent, expected in every period whose end is >= first_end_s.
 * Returns its number (>= 0), GRAPPE_EMEMORY or GRAPPE_ELIMIT. */
int picture_add_agent(struct picture *picture, int64_t first_end_s);
/* picture_remove_agent - what it has not delivered will never come, and it is not expected any
 * more. */
void picture_remove_agent(struct picture *picture, uint32_t agent);

/* picture_advance - the wall clock shows wall_ns: slots for periods that have ended are there,
 * and what no ring of an agent can still hold is lost. Goes back never. */
void picture_advance(struct picture *picture, int64_t wall_ns);

/* picture_deliver - an agent's period. Takes period in any case. Returns 0, GRAPPE_EEXISTS (known
 * already: the first one stays), GRAPPE_ERANGE (too old, settled, or from the future) or
 * GRAPPE_EINVALID (other length). */
int picture_deliver(struct picture *picture, uint32_t agent, struct period *period);
/* picture_lose - the agent will never deliver this period. Without effect unless it is pending. */
void picture_lose(struct picture *picture, uint32_t agent, int64_t end_s);
enum picture_state picture_state_of(const struct picture *picture, uint32_t agent, int64_t end_s);

/* picture_newest / picture_oldest - ends of the newest and oldest slot; 0 when there is none. */
int64_t picture_newest(const struct picture *picture);
int64_t picture_oldest(const struct picture *picture);
/* picture_has - whether the period is in memory. */
bool picture_has(const struct picture *picture, int64_t end_s);
/* picture_is_in - settled, or its deadline has passed at wall_ns. */
bool picture_is_in(const struct picture *picture, int64_t end_s, int64_t wall_ns);
/* picture_is_complete - every expected agent (one at least) delivered it whole. */
bool picture_is_complete(const struct picture *picture, int64_t end_s);
/* picture_flags - enum period_flag of all that was delivered of the period together; *delivered: by
 * how many agents. */
uint32_t picture_flags(const struct picture *picture, int64_t end_s, uint32_t *delivered);
/* picture_missing - how many agents are expected in the period and have not delivered it;
 * `agents`: the numbers of all agents are below it. */
struct picture_agents {
	uint32_t agents, expected, missing;
};
struct picture_agents picture_missing(const struct picture *picture, int64_t end_s);
/* picture_view - the joined period, or NULL (not in memory, or no memory to join it). Owned by the
 * picture, valid until the next call that changes it. */
const struct resolved *picture_view(struct picture *picture, int64_t end_s);
/* picture_catalogue - the numbers of ids and pairs in all views (resolved.catalogue). Whoever
 * answers from the archives may add to it. It is replaced now and then, and views are numbered
 * anew, inside picture_advance(), but not between picture_hold() and picture_release(). */
struct matrix *picture_catalogue(struct picture *picture);
void picture_hold(struct picture *picture);
void picture_release(struct picture *picture);

/* picture_next_update - one receiver period that is final now and was not handed out yet. *out is
 * the caller's (archive_update_free()). Returns 1, 0 when there is none, or GRAPPE_EMEMORY. */
int picture_next_update(struct picture *picture, struct archive_update **out);

uint32_t picture_length(const struct picture *picture);
int64_t picture_deadline_ms(const struct picture *picture);
struct picture_counts picture_counts(const struct picture *picture);
/* picture_conflict - words for a conflict of the newest joined period, "" when there is none. */
const char *picture_conflict(const struct picture *picture);

#endif
