/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/poller.h"

#include "common/clock.h"
#include "common/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_TRIES 3  /* time-outs in a row before a fetch is given up */
#define NONSENSE_TRIES 3 /* unusable copies of one period before it is given up */
#define PAUSE_MIN_MS 200 /* before the same thing is asked again */
#define PAUSE_MAX_MS 2000
#define EVENTS_MAX 8

enum end_state { END_NONE, END_WANTED, END_DELIVERED, END_LOST };

/* What became of one period. */
struct end {
	int64_t end_s;
	enum end_state state;
	bool missed;           /* its deadline passed */
	unsigned nonsense;     /* unusable copies so far */
	int64_t not_before_ns; /* monotonic: do not ask earlier */
};

enum step { STEP_IDLE, STEP_INFO, STEP_BLOCKS };

/* A request that is out. */
struct flight {
	bool used;
	bool sent; /* false: to be sent (again) */
	struct poller_request request;
	unsigned timeouts;
};

struct poller {
	struct poller_config config;
	int64_t offset_ns; /* this agent's delay after a period's end */
	int64_t newest_s;  /* newest end that has passed, as far as seen */
	int64_t first_s;   /* nothing before it is wanted */
	struct end *ends;  /* by end / length modulo history + 1 */
	uint32_t wanted;   /* how many of them are END_WANTED */
	int64_t rest_ns;   /* monotonic: after no answer the agent is not asked earlier */
	bool join;         /* the first block comes with the description */
	/* the fetch in hand */
	enum step step;
	int64_t fetch_s;
	bool live; /* it is the newest period */
	uint32_t chunks, bytes, crc, next_chunk, chunks_got;
	uint8_t *encoding; /* owned, `bytes` long */
	struct flight flights[POLLER_IN_FLIGHT_MAX];
	uint32_t next_id;
	struct poller_event events[EVENTS_MAX];
	size_t nevents;
	struct poller_status status;
};

struct poller *poller_new(const struct poller_config *config, uint64_t seed)
{
	struct poller *poller = calloc(1, sizeof *poller);

	if (poller == NULL)
		return NULL;
	poller->config = *config;
	poller->next_id = 1;
	poller->offset_ns = config->delay_ms * CLOCK_MILLISECOND_NS;
	if (config->spread_ms > 0)
		poller->offset_ns += (int64_t)(seed % (uint64_t)(config->spread_ms * 1000)) * 1000;
	poller->ends = calloc(config->history + 1, sizeof *poller->ends);
	if (poller->ends == NULL) {
		free(poller);
		return NULL;
	}
	return poller;
}

void poller_free(struct poller *poller)
{
	if (poller == NULL)
		return;
	for (size_t i = 0; i < poller->nevents; i++)
		period_free(poller->events[i].period);
	free(poller->encoding);
	free(poller->ends);
	free(poller);
}

void poller_join_first(struct poller *poller, bool join)
{
	poller->join = join;
}

void poller_begin(struct poller *poller, int64_t first_end_s)
{
	poller->first_s = first_end_s;
}

static struct end *end_at(struct poller *poller, int64_t end_s)
{
	return &poller->ends[end_s / poller->config.length_s % (poller->config.history + 1)];
}

static void mark_end(struct poller *poller, struct end *end, enum end_state state)
{
	poller->wanted -= end->state == END_WANTED;
	poller->wanted += state == END_WANTED;
	end->state = state;
}

static int64_t pause_ns(const struct poller *poller)
{
	int64_t pause_ms = poller->config.deadline_ms / 10;

	if (pause_ms < PAUSE_MIN_MS)
		pause_ms = PAUSE_MIN_MS;
	return (pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms) * CLOCK_MILLISECOND_NS;
}

static void push_event(
    struct poller *poller, enum poller_event_kind kind, int64_t end_s, struct period *period)
{
	if (poller->nevents == EVENTS_MAX) {
		/* Only reached when nobody takes events; a period must not be lost for that. */
		if (poller->events[0].period != NULL)
			mark_end(poller, end_at(poller, poller->events[0].end_s), END_WANTED);
		period_free(poller->events[0].period);
		memmove(&poller->events[0], &poller->events[1],
		    (EVENTS_MAX - 1) * sizeof poller->events[0]);
		poller->nevents--;
	}
	poller->events[poller->nevents++] =
	    (struct poller_event){.kind = kind, .end_s = end_s, .period = period};
}

bool poller_next_event(struct poller *poller, struct poller_event *event)
{
	if (poller->nevents == 0)
		return false;
	*event = poller->events[0];
	memmove(
	    &poller->events[0], &poller->events[1], --poller->nevents * sizeof poller->events[0]);
	return true;
}

static void __attribute__((format(printf, 3, 4)))
set_state(struct poller *poller, enum poller_state state, const char *format, ...)
{
	va_list arguments;

	poller->status.state = state;
	va_start(arguments, format);
	vsnprintf(poller->status.error, sizeof poller->status.error, format, arguments);
	va_end(arguments);
}

/* ---- the fetch in hand ---- */

static void end_fetch(struct poller *poller)
{
	poller->step = STEP_IDLE;
	free(poller->encoding);
	poller->encoding = NULL;
	memset(poller->flights, 0, sizeof poller->flights);
}

/* The fetch failed; its period may be asked for again after a pause, a late one after a long one.
 * */
static void pause_fetch(struct poller *poller, const struct poller_time *now)
{
	end_at(poller, poller->fetch_s)->not_before_ns =
	    now->monotonic_ns +
	    (poller->live ? pause_ns(poller) : poller->config.length_s * CLOCK_SECOND_NS);
	end_fetch(poller);
}

/* The agent did not answer, whatever it was asked for. */
static void rest_agent(struct poller *poller, const struct poller_time *now)
{
	poller->rest_ns = now->monotonic_ns + pause_ns(poller);
	end_fetch(poller);
}

static void lose_fetch(struct poller *poller)
{
	mark_end(poller, end_at(poller, poller->fetch_s), END_LOST);
	poller->status.lost++;
	push_event(poller, POLLER_LOST, poller->fetch_s, NULL);
	end_fetch(poller);
}

/* The agent says what cannot be true: after a few copies the period is given up. */
static void reject_fetch(struct poller *poller, const struct poller_time *now, const char *why)
{
	poller->status.nonsense++;
	set_state(poller, POLLER_REFUSED, "%s", why);
	if (++end_at(poller, poller->fetch_s)->nonsense >= NONSENSE_TRIES)
		lose_fetch(poller);
	else
		pause_fetch(poller, now);
}

static struct flight *new_flight(struct poller *poller, enum poller_kind kind)
{
	for (uint32_t i = 0; i < poller->config.in_flight; i++) {
		struct flight *flight = &poller->flights[i];

		if (flight->used)
			continue;
		*flight = (struct flight){.used = true,
		    .request = {.id = poller->next_id++, .kind = kind, .end_s = poller->fetch_s}};
		return flight;
	}
	return NULL;
}

static void start_fetch(struct poller *poller, int64_t end_s, bool live)
{
	struct flight *flight;

	poller->fetch_s = end_s;
	poller->live = live;
	poller->step = STEP_INFO;
	flight = new_flight(poller, POLLER_INFO);
	flight->request.first = 1;
	flight->request.count = poller->join;
}

static void fill_flights(struct poller *poller)
{
	struct flight *flight;

	while (poller->next_chunk <= poller->chunks &&
	       (flight = new_flight(poller, POLLER_BLOCKS)) != NULL) {
		const uint32_t left = poller->chunks - poller->next_chunk + 1;

		flight->request.first = poller->next_chunk;
		flight->request.count = left < poller->config.blocks ? left : poller->config.blocks;
		poller->next_chunk += flight->request.count;
	}
}

/* ---- what to fetch ---- */

static void open_ends(struct poller *poller, int64_t ended_s)
{
	const int64_t length_s = poller->config.length_s;
	const int64_t reach_s = length_s * (poller->config.history - 1);
	int64_t end_s = poller->newest_s + length_s;

	if (end_s < ended_s - reach_s)
		end_s = ended_s - reach_s;
	for (; end_s <= ended_s; end_s += length_s) {
		struct end *end = end_at(poller, end_s);

		mark_end(poller, end, END_NONE);
		*end = (struct end){.end_s = end_s};
		if (end_s >= poller->first_s)
			mark_end(poller, end, END_WANTED);
	}
	poller->newest_s = ended_s;
}

/* New periods that have ended; after a step back over all that is remembered, a new start. */
static void follow_clock(struct poller *poller, int64_t ended_s)
{
	const int64_t reach_s = (int64_t)poller->config.length_s * poller->config.history;

	if (ended_s < poller->newest_s - reach_s) {
		memset(poller->ends, 0, (poller->config.history + 1) * sizeof *poller->ends);
		poller->newest_s = 0;
		poller->wanted = 0;
	}
	if (ended_s > poller->newest_s)
		open_ends(poller, ended_s);
	if (poller->step != STEP_IDLE && end_at(poller, poller->fetch_s)->end_s != poller->fetch_s)
		end_fetch(poller);
}

/* After a step back of the clock, what was given up for being late may come true after all. */
static struct end *current_end(struct poller *poller, int64_t ended_s)
{
	struct end *end = end_at(poller, ended_s);

	if (end->end_s != ended_s)
		return NULL;
	if (end->state == END_LOST && ended_s < poller->newest_s)
		mark_end(poller, end, END_WANTED);
	return end->state == END_WANTED ? end : NULL;
}

/* Oldest period that is wanted and may be asked for now; before_s is exclusive. */
static struct end *oldest_wanted(
    struct poller *poller, int64_t before_s, const struct poller_time *now)
{
	struct end *oldest = NULL;

	for (uint32_t i = 0; i <= poller->config.history; i++) {
		struct end *end = &poller->ends[i];

		if (end->state == END_WANTED && end->end_s < before_s &&
		    end->not_before_ns <= now->monotonic_ns &&
		    (oldest == NULL || end->end_s < oldest->end_s))
			oldest = end;
	}
	return oldest;
}

static void note_missed(struct poller *poller, struct end *end)
{
	if (end->missed)
		return;
	end->missed = true;
	poller->status.missed++;
	push_event(poller, POLLER_MISSED, end->end_s, NULL);
}

void poller_tick(struct poller *poller, const struct poller_time *now)
{
	const int64_t length_s = poller->config.length_s;
	const int64_t ended_s = now->wall_ns / CLOCK_SECOND_NS / length_s * length_s;
	const int64_t deadline_ns =
	    ended_s * CLOCK_SECOND_NS + poller->config.deadline_ms * CLOCK_MILLISECOND_NS;
	const bool in_time = now->wall_ns < deadline_ns;
	const bool due = now->wall_ns >= ended_s * CLOCK_SECOND_NS + poller->offset_ns;
	struct end *current, *late;

	if (now->wall_ns <= 0 || ended_s <= length_s * (int64_t)poller->config.history)
		return;
	/* Nearly always, for nearly all agents, there is nothing to do. */
	if (ended_s == poller->newest_s && poller->wanted == 0 && poller->step == STEP_IDLE)
		return;
	follow_clock(poller, ended_s);
	current = current_end(poller, ended_s);
	if (current != NULL && !in_time)
		note_missed(poller, current);
	if (poller->step != STEP_IDLE && poller->live && poller->fetch_s != ended_s) {
		/* The next period is there before this one was: it is late now. */
		note_missed(poller, end_at(poller, poller->fetch_s));
		poller->live = false;
	}
	if (poller->step == STEP_IDLE && now->monotonic_ns < poller->rest_ns)
		return;
	if (current != NULL && due && in_time && current->not_before_ns <= now->monotonic_ns &&
	    (poller->step == STEP_IDLE || !poller->live)) {
		end_fetch(poller);
		start_fetch(poller, ended_s, true);
		return;
	}
	/* Whether an agent is there tells the newest period, as long as that is waited for; later
	 * the oldest one does, which may be the next to leave its ring. */
	if (poller->step != STEP_IDLE ||
	    (current != NULL && in_time &&
		(poller->status.state == POLLER_DOWN || poller->status.state == POLLER_NEW)))
		return;
	late = oldest_wanted(poller, in_time ? ended_s : ended_s + 1, now);
	if (late != NULL)
		start_fetch(poller, late->end_s, false);
}

bool poller_next_request(struct poller *poller, struct poller_request *request)
{
	if (poller->step == STEP_IDLE)
		return false;
	for (uint32_t i = 0; i < POLLER_IN_FLIGHT_MAX; i++) {
		struct flight *flight = &poller->flights[i];

		if (!flight->used || flight->sent)
			continue;
		flight->sent = true;
		*request = flight->request;
		poller->status.requests++;
		return true;
	}
	return false;
}

/* ---- replies ---- */

/* All blocks are here. */
static void finish_fetch(struct poller *poller, const struct poller_time *now)
{
	const int64_t end_s = poller->fetch_s;
	struct period *period;
	int rc;

	if (period_checksum(poller->encoding, poller->bytes) != poller->crc) {
		reject_fetch(poller, now, "the checksum of a period does not fit its blocks");
		return;
	}
	rc = period_decode(poller->encoding, poller->bytes, &period);
	if (rc == GRAPPE_EMEMORY) {
		pause_fetch(poller, now);
		return;
	}
	if (rc != GRAPPE_OK) {
		char why[POLLER_TEXT_SIZE];

		snprintf(why, sizeof why, "a period cannot be read: %s", error_text(rc));
		reject_fetch(poller, now, why);
		return;
	}
	if (period->header.end_s != end_s || period->header.length_s != poller->config.length_s) {
		period_free(period);
		reject_fetch(poller, now, "a period is another one than it was asked for");
		return;
	}
	mark_end(poller, end_at(poller, end_s), END_DELIVERED);
	poller->status.delivered++;
	if (end_s > poller->status.last_end_s)
		poller->status.last_end_s = end_s;
	set_state(poller, POLLER_UP, "%s", "");
	end_fetch(poller);
	push_event(poller, POLLER_DELIVERED, end_s, period);
}

static void take_blocks(struct poller *poller, const struct poller_time *now,
    const struct poller_request *request, const struct poller_reply *reply)
{
	for (uint32_t i = 0; i < request->count; i++) {
		const uint32_t offset = (request->first + i - 1) * MIB_BLOCK_BYTES;
		const uint32_t left = poller->bytes - offset;
		const uint32_t wanted = left < MIB_BLOCK_BYTES ? left : MIB_BLOCK_BYTES;

		if (reply->blocks[i] == NULL) {
			/* The ring went on, or the agent was restarted: begin anew. */
			pause_fetch(poller, now);
			return;
		}
		if (reply->lengths[i] != wanted) {
			reject_fetch(poller, now, "a block of a period has a wrong length");
			return;
		}
		memcpy(poller->encoding + offset, reply->blocks[i], wanted);
	}
	poller->chunks_got += request->count;
	if (poller->chunks_got == poller->chunks)
		finish_fetch(poller, now);
	else
		fill_flights(poller);
}

static void take_info(struct poller *poller, const struct poller_time *now,
    const struct poller_request *request, const struct poller_reply *reply)
{
	const int64_t length_s = poller->config.length_s;
	const int64_t latest_s = now->wall_ns / CLOCK_SECOND_NS + length_s;

	if (!reply->has_agent) {
		set_state(poller, POLLER_DOWN,
		    "snmpd answers, but no grappe-agent behind it, or it may not be seen");
		rest_agent(poller, now);
		return;
	}
	/* An agent that has no period yet tells a length of 0: nothing is given up for that. */
	if (reply->period_length_s != length_s && reply->period_length_s != 0) {
		set_state(poller, POLLER_REFUSED,
		    "its periods are %" PRIu32 " s long, the collector's are %" PRId64 " s",
		    reply->period_length_s, length_s);
		lose_fetch(poller);
		return;
	}
	if (reply->last_end_s > latest_s) {
		set_state(poller, POLLER_REFUSED,
		    "its newest period ends %" PRId64 " s in the future: a clock is wrong",
		    reply->last_end_s - now->wall_ns / CLOCK_SECOND_NS);
		/* Perhaps it is ours: nothing is given up. */
		pause_fetch(poller, now);
		return;
	}
	if (!reply->has_info) {
		/* Not yet, or no longer. */
		if (poller->status.state != POLLER_REFUSED ||
		    end_at(poller, poller->fetch_s)->nonsense == 0)
			set_state(poller, POLLER_UP, "%s", "");
		if (reply->last_end_s > poller->fetch_s)
			lose_fetch(poller);
		else
			pause_fetch(poller, now);
		return;
	}
	if (reply->info_length_s != length_s || reply->info_bytes == 0 ||
	    reply->info_bytes > POLLER_BYTES_MAX ||
	    reply->info_chunks != (reply->info_bytes + MIB_BLOCK_BYTES - 1) / MIB_BLOCK_BYTES) {
		reject_fetch(poller, now, "it describes a period that cannot be");
		return;
	}
	poller->chunks = reply->info_chunks;
	poller->bytes = reply->info_bytes;
	poller->crc = reply->info_crc;
	poller->next_chunk = 1;
	poller->chunks_got = 0;
	poller->encoding = malloc(poller->bytes);
	if (poller->encoding == NULL) {
		pause_fetch(poller, now);
		return;
	}
	poller->step = STEP_BLOCKS;
	if (request->count > 0 && reply->blocks[0] != NULL) {
		poller->next_chunk += request->count;
		take_blocks(poller, now, request, reply);
	} else {
		fill_flights(poller);
	}
}

static void take_error(struct poller *poller, const struct poller_time *now, struct flight *flight,
    const struct poller_reply *reply)
{
	if (reply->error == GRAPPE_ETIMEOUT) {
		poller->status.timeouts++;
		if (++flight->timeouts < REQUEST_TRIES) {
			flight->used = true;
			flight->sent = false;
			flight->request.id = poller->next_id++;
			return;
		}
		set_state(
		    poller, POLLER_DOWN, "%s", reply->text[0] != '\0' ? reply->text : "no answer");
		rest_agent(poller, now);
		return;
	}
	if (reply->error == GRAPPE_EFORMAT) {
		reject_fetch(poller, now, reply->text[0] != '\0' ? reply->text : "nonsense");
		return;
	}
	set_state(poller, reply->error == GRAPPE_EPEER ? POLLER_REFUSED : POLLER_DOWN, "%s",
	    reply->text[0] != '\0' ? reply->text : error_text(reply->error));
	if (reply->error == GRAPPE_EPEER)
		pause_fetch(poller, now);
	else
		rest_agent(poller, now);
}

void poller_reply(
    struct poller *poller, const struct poller_time *now, const struct poller_reply *reply)
{
	struct flight *flight = NULL;
	struct poller_request request;

	for (uint32_t i = 0; i < POLLER_IN_FLIGHT_MAX && flight == NULL; i++)
		if (poller->flights[i].used && poller->flights[i].sent &&
		    poller->flights[i].request.id == reply->id)
			flight = &poller->flights[i];
	if (flight == NULL || poller->step == STEP_IDLE)
		return;
	request = flight->request;
	flight->used = false;
	if (reply->error != GRAPPE_OK)
		take_error(poller, now, flight, reply);
	else if (request.kind == POLLER_INFO)
		take_info(poller, now, &request, reply);
	else
		take_blocks(poller, now, &request, reply);
}

void poller_restart(struct poller *poller)
{
	if (poller->status.state != POLLER_UP)
		set_state(poller, POLLER_NEW, "%s", "");
	poller->rest_ns = 0;
	if (poller->step == STEP_IDLE)
		return;
	end_at(poller, poller->fetch_s)->not_before_ns = 0;
	end_fetch(poller);
}

const struct poller_status *poller_status(const struct poller *poller)
{
	return &poller->status;
}
