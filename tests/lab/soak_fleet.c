/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lab/soak_fleet.h"

#include "tests/fakes/make_period.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOT_MS 3000         /* from the sensor's start to the agent's first answer */
#define SILENT_HOURS 0.3     /* share of hours in which a pair says nothing at all */
#define ACTIVE_PERIODS 0.6   /* and of periods in the others in which it says something */
#define EXTERNAL_PERIODS 0.1 /* share of periods in which a VM hears from outside */
#define EXTERNAL_MAX 16      /* addresses outside in one period */
#define MULTICAST_PERIODS 0.03
#define ENDPOINT_PERIODS 0.05
#define SPANS_MAX 4096

/* What fleet_random() is asked for, so that no two questions share an answer. */
enum topic {
	TOPIC_FAULT = 1,
	TOPIC_MOVE,
	TOPIC_SEAL,
	TOPIC_HOUR,
	TOPIC_PERIOD,
	TOPIC_AMOUNT,
	TOPIC_SENT,
};

struct spans {
	struct fleet_span *items;
	enum fleet_mood *moods;
	size_t count;
};

/* A stay of a VM; agent -1: it is nowhere. */
struct stay {
	int64_t from_ms;
	int agent;
};

struct stays {
	struct stay *items;
	size_t count;
};

struct fleet {
	struct fleet_config config;
	struct spans *up;      /* by agent: its host runs */
	struct spans *blocked; /* by agent: no answer */
	struct stays *stays;   /* by VM */
};

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		abort();
	return memory;
}

static uint64_t mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

double fleet_random(const struct fleet *fleet, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t hash = mix(mix(mix(mix(fleet->config.seed) ^ a) ^ b) ^ c);

	return (double)(hash >> 11) / 9007199254740992.0;
}

/* A draw from a stream: each call gives the next number of (topic, which). */
struct stream {
	const struct fleet *fleet;
	uint64_t topic, which, next;
};

static double draw(struct stream *stream)
{
	return fleet_random(stream->fleet, stream->topic, stream->which, stream->next++);
}

static int64_t draw_between(struct stream *stream, int64_t low, int64_t high)
{
	return low + (int64_t)(draw(stream) * (double)(high - low));
}

static int64_t draw_gap(struct stream *stream, int64_t mean_ms)
{
	return 1000 - (int64_t)(log(1 - draw(stream)) * (double)mean_ms);
}

/* ---- history ---- */

static void add_span(struct spans *spans, struct fleet_span span, enum fleet_mood mood)
{
	if (spans->items == NULL) {
		spans->items = allocate(SPANS_MAX, sizeof *spans->items);
		spans->moods = allocate(SPANS_MAX, sizeof *spans->moods);
	}
	if (spans->count == SPANS_MAX)
		abort();
	spans->moods[spans->count] = mood;
	spans->items[spans->count++] = span;
}

void fleet_hide(struct fleet *fleet, int agent, struct fleet_span span)
{
	add_span(&fleet->blocked[agent], span, FLEET_SILENT);
}

void fleet_move(struct fleet *fleet, int vm, int agent, int64_t at_ms)
{
	struct stays *stays = &fleet->stays[vm];

	if (stays->items == NULL)
		stays->items = allocate(SPANS_MAX, sizeof *stays->items);
	if (stays->count == SPANS_MAX)
		abort();
	stays->items[stays->count++] = (struct stay){at_ms, agent};
}

/* One fault of an agent from at_ms on; returns when it is over. up_ms: since when its host runs. */
static int64_t add_fault(
    struct fleet *fleet, int agent, struct stream *stream, int64_t at_ms, int64_t *up_ms)
{
	const double kind = draw(stream);
	struct fleet_span span = {.from_ms = at_ms};

	if (kind < 0.4) {
		span.to_ms = at_ms + draw_between(stream, 3000, 60000);
		add_span(&fleet->blocked[agent], span, FLEET_NO_AGENT);
	} else if (kind < 0.75) {
		span.to_ms = at_ms + draw_between(stream, FLEET_MINUTE_MS, 15 * FLEET_MINUTE_MS);
		add_span(&fleet->blocked[agent], span, FLEET_SILENT);
	} else {
		span.to_ms = at_ms + draw_between(stream, 40000, 4 * FLEET_MINUTE_MS);
		add_span(&fleet->up[agent], (struct fleet_span){*up_ms, at_ms}, FLEET_ANSWERS);
		*up_ms = span.to_ms;
		add_span(&fleet->blocked[agent], span, FLEET_SILENT);
		add_span(&fleet->blocked[agent],
		    (struct fleet_span){span.to_ms, span.to_ms + BOOT_MS}, FLEET_NO_AGENT);
		span.to_ms += BOOT_MS;
	}
	return span.to_ms;
}

static void trouble_agent(struct fleet *fleet, int agent)
{
	struct stream stream = {fleet, TOPIC_FAULT, (uint64_t)agent, 0};
	const struct fleet_config *config = &fleet->config;
	int64_t up_ms = -FLEET_LENGTH_MS * FLEET_RING, at_ms = 0;

	while (config->calm_ms > 0) {
		at_ms += draw_gap(&stream, config->fault_gap_ms);
		/* The longest fault is over when calm begins. */
		if (at_ms + 16 * FLEET_MINUTE_MS > config->calm_ms)
			break;
		at_ms = add_fault(fleet, agent, &stream, at_ms, &up_ms);
	}
	add_span(&fleet->up[agent], (struct fleet_span){up_ms, INT64_MAX}, FLEET_ANSWERS);
}

static void move_vm(struct fleet *fleet, int vm)
{
	struct stream stream = {fleet, TOPIC_MOVE, (uint64_t)vm, 0};
	const struct fleet_config *config = &fleet->config;
	int64_t at_ms = 0;

	fleet_move(fleet, vm, vm % config->agents, INT64_MIN / 2);
	while (config->calm_ms > 0) {
		at_ms += draw_gap(&stream, config->move_gap_ms);
		if (at_ms + 21 * FLEET_MINUTE_MS > config->calm_ms)
			break;
		/* Many about the end of a period, where one host has next to nothing of it. */
		if (draw(&stream) < 0.25)
			at_ms = (at_ms / FLEET_LENGTH_MS + 1) * FLEET_LENGTH_MS +
				draw_between(&stream, -40, 40);
		/* A migration stops the VM for a moment; one in five times it is gone for long. */
		fleet_move(fleet, vm, -1, at_ms);
		at_ms += draw(&stream) < 0.2
			     ? draw_between(&stream, FLEET_MINUTE_MS, 20 * FLEET_MINUTE_MS)
			     : draw_between(&stream, 0, 2) * draw_between(&stream, 1, 2000);
		fleet_move(fleet, vm, (int)draw_between(&stream, 0, config->agents), at_ms);
	}
}

struct fleet *fleet_new(const struct fleet_config *config)
{
	struct fleet *fleet = allocate(1, sizeof *fleet);

	fleet->config = *config;
	fleet->up = allocate((size_t)config->agents, sizeof *fleet->up);
	fleet->blocked = allocate((size_t)config->agents, sizeof *fleet->blocked);
	fleet->stays = allocate((size_t)config->vms, sizeof *fleet->stays);
	for (int a = 0; a < config->agents; a++)
		trouble_agent(fleet, a);
	for (int v = 0; v < config->vms; v++)
		move_vm(fleet, v);
	return fleet;
}

void fleet_free(struct fleet *fleet)
{
	if (fleet == NULL)
		return;
	for (int a = 0; a < fleet->config.agents; a++) {
		free(fleet->up[a].items);
		free(fleet->up[a].moods);
		free(fleet->blocked[a].items);
		free(fleet->blocked[a].moods);
	}
	for (int v = 0; v < fleet->config.vms; v++)
		free(fleet->stays[v].items);
	free(fleet->up);
	free(fleet->blocked);
	free(fleet->stays);
	free(fleet);
}

const struct fleet_config *fleet_config(const struct fleet *fleet)
{
	return &fleet->config;
}

/* ---- where and when ---- */

/* Index of the first span that ends after at_ms. */
static size_t find_span(const struct spans *spans, int64_t at_ms)
{
	size_t low = 0, high = spans->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (spans->items[middle].to_ms <= at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool fleet_next_blocked(const struct fleet *fleet, int agent, int64_t at_ms, struct fleet_span *out)
{
	const struct spans *blocked = &fleet->blocked[agent];
	const size_t at = find_span(blocked, at_ms);

	if (at < blocked->count)
		*out = blocked->items[at];
	return at < blocked->count;
}

enum fleet_mood fleet_mood(const struct fleet *fleet, int agent, int64_t at_ms)
{
	const struct spans *blocked = &fleet->blocked[agent];
	const size_t at = find_span(blocked, at_ms);

	return at < blocked->count && blocked->items[at].from_ms <= at_ms ? blocked->moods[at]
									  : FLEET_ANSWERS;
}

/* When the sensor has finished the period: most within two seconds, some later. */
static int64_t sealed_ms(const struct fleet *fleet, int agent, int64_t number)
{
	const double luck = fleet_random(fleet, TOPIC_SEAL, (uint64_t)agent, (uint64_t)number);
	const double delay_ms = luck < 0.95 ? 200 + 1500 * luck : 1500 + 60000 * (luck - 0.95);

	return number * FLEET_LENGTH_MS + (int64_t)delay_ms;
}

/* The run of the host in which it finished the period, or NULL. */
static const struct fleet_span *run_of(const struct fleet *fleet, int agent, int64_t number)
{
	const struct spans *up = &fleet->up[agent];
	const int64_t end_ms = number * FLEET_LENGTH_MS;
	const size_t at = find_span(up, end_ms);
	const struct fleet_span *run;

	if (at == up->count)
		return NULL;
	run = &up->items[at];
	return run->from_ms < end_ms && sealed_ms(fleet, agent, number) < run->to_ms ? run : NULL;
}

bool fleet_held(const struct fleet *fleet, int agent, int64_t number, struct fleet_span *out)
{
	const struct fleet_span *run = run_of(fleet, agent, number);
	int64_t pushed_ms;

	if (run == NULL)
		return false;
	pushed_ms = sealed_ms(fleet, agent, number + FLEET_RING);
	out->from_ms = sealed_ms(fleet, agent, number);
	out->to_ms = pushed_ms < run->to_ms ? pushed_ms : run->to_ms;
	return true;
}

int64_t fleet_newest(const struct fleet *fleet, int agent, int64_t at_ms)
{
	int64_t number = at_ms / FLEET_LENGTH_MS;
	struct fleet_span held;

	/* Newer ones push older ones out, so the newest is one of the last two. */
	for (int i = 0; i < 2; i++, number--)
		if (fleet_held(fleet, agent, number, &held) && held.from_ms <= at_ms &&
		    at_ms < held.to_ms)
			return number;
	return 0;
}

static int64_t overlap_ms(struct fleet_span a, struct fleet_span b)
{
	const int64_t from_ms = a.from_ms > b.from_ms ? a.from_ms : b.from_ms;
	const int64_t to_ms = a.to_ms < b.to_ms ? a.to_ms : b.to_ms;

	return to_ms > from_ms ? to_ms - from_ms : 0;
}

/* Index of the stay that holds at_ms. */
static size_t find_stay(const struct stays *stays, int64_t at_ms)
{
	size_t low = 0, high = stays->count - 1;

	while (low < high) {
		const size_t middle = low + (high - low + 1) / 2;

		if (stays->items[middle].from_ms <= at_ms)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

int64_t fleet_covered_ms(const struct fleet *fleet, int agent, int64_t number, int vm)
{
	const struct stays *stays = &fleet->stays[vm];
	const struct fleet_span *run = run_of(fleet, agent, number);
	struct fleet_span watched = {(number - 1) * FLEET_LENGTH_MS, number * FLEET_LENGTH_MS};
	int64_t sum_ms = 0;

	if (run == NULL)
		return 0;
	if (run->from_ms > watched.from_ms)
		watched.from_ms = run->from_ms;
	for (size_t i = find_stay(stays, watched.from_ms);
	     i < stays->count && stays->items[i].from_ms < watched.to_ms; i++) {
		const struct fleet_span stay = {stays->items[i].from_ms,
		    i + 1 < stays->count ? stays->items[i + 1].from_ms : INT64_MAX};

		if (stays->items[i].agent == agent)
			sum_ms += overlap_ms(watched, stay);
	}
	return sum_ms;
}

/* ---- what was counted ---- */

static double pair_random(
    const struct fleet *fleet, enum topic topic, int vm, int sender, int64_t when, int agent)
{
	return fleet_random(fleet, (uint64_t)topic << 32 | (uint64_t)when,
	    (uint64_t)vm << 32 | (uint32_t)sender, (uint64_t)agent);
}

static bool is_somewhere(const struct fleet *fleet, int64_t number, int vm)
{
	for (int a = 0; a < fleet->config.agents; a++)
		if (fleet_covered_ms(fleet, a, number, vm) > 0)
			return true;
	return false;
}

static bool talks(const struct fleet *fleet, int64_t number, int vm, int sender)
{
	const double period = pair_random(fleet, TOPIC_PERIOD, vm, sender, number, 0);

	if (sender == FLEET_EXTERNAL)
		return period < EXTERNAL_PERIODS;
	if (sender == FLEET_MULTICAST)
		return period < MULTICAST_PERIODS;
	if (sender == FLEET_ENDPOINT)
		return fleet->config.endpoint && period < ENDPOINT_PERIODS;
	return sender != vm && sender / FLEET_GROUP == vm / FLEET_GROUP &&
	       period < ACTIVE_PERIODS &&
	       pair_random(fleet, TOPIC_HOUR, vm, sender, number / 120, 0) >= SILENT_HOURS &&
	       is_somewhere(fleet, number, sender);
}

static struct fleet_count count_of(double size)
{
	const uint64_t packets = 1 + (uint64_t)(size * size * size * 1e6);

	return (struct fleet_count){packets, packets * (60 + (uint64_t)(size * 1e6) % 1400)};
}

struct fleet_count fleet_count(
    const struct fleet *fleet, int agent, int64_t number, int vm, int sender)
{
	if (fleet_covered_ms(fleet, agent, number, vm) == 0 || !talks(fleet, number, vm, sender))
		return (struct fleet_count){0};
	return count_of(pair_random(fleet, TOPIC_AMOUNT, vm, sender, number, agent));
}

struct fleet_count fleet_sent(const struct fleet *fleet, int agent, int64_t number, int vm)
{
	if (!fleet->config.endpoint || fleet_covered_ms(fleet, agent, number, vm) == 0 ||
	    pair_random(fleet, TOPIC_SENT, vm, 0, number, -1) >= ENDPOINT_PERIODS)
		return (struct fleet_count){0};
	return count_of(pair_random(fleet, TOPIC_SENT, vm, 0, number, agent));
}

const char *fleet_vm_id(int vm)
{
	return make_id((unsigned)vm + 1);
}

/* What came from outside, spread over several addresses; the sum is the count. */
static void add_external(struct period *period, uint32_t vif, struct fleet_count count)
{
	const uint64_t addresses = 1 + count.octets % EXTERNAL_MAX;
	char text[ADDRESS_TEXT_SIZE];

	for (uint64_t left = addresses; left > 0 && count.packets > 0; left--) {
		const struct fleet_count part = {count.packets / left, count.octets / left};

		if (part.packets == 0)
			continue;
		snprintf(text, sizeof text, "198.51.100.%u", (unsigned)left);
		make_row(period, vif, ROW_RECEIVED, text, part.packets, part.octets);
		count.packets -= part.packets;
		count.octets -= part.octets;
	}
}

static void add_vm(const struct fleet *fleet, struct period *period, int agent, int64_t number,
    int vm, int64_t covered_ms)
{
	const uint32_t vif =
	    make_vif(period, (unsigned)vm + 1, SEGMENT_DEFAULT, (uint32_t)covered_ms);
	const int first = vm / FLEET_GROUP * FLEET_GROUP;
	struct fleet_count count = fleet_count(fleet, agent, number, vm, FLEET_MULTICAST);

	make_claim(period, vif, make_address((unsigned)vm + 1), EVIDENCE_CLAIMED);
	period->vifs[vif].multicast_packets = count.packets;
	period->vifs[vif].multicast_octets = count.octets;
	add_external(period, vif, fleet_count(fleet, agent, number, vm, FLEET_EXTERNAL));
	count = fleet_count(fleet, agent, number, vm, FLEET_ENDPOINT);
	if (count.packets > 0)
		make_row(
		    period, vif, ROW_RECEIVED, FLEET_ENDPOINT_ADDRESS, count.packets, count.octets);
	count = fleet_sent(fleet, agent, number, vm);
	if (count.packets > 0)
		make_row(
		    period, vif, ROW_SENT, FLEET_ENDPOINT_ADDRESS, count.packets, count.octets);
	for (int s = first; s < first + FLEET_GROUP && s < fleet->config.vms; s++) {
		count = fleet_count(fleet, agent, number, vm, s);
		if (count.packets > 0)
			make_received(period, vif, (unsigned)s + 1, count.packets, count.octets);
	}
}

struct period *fleet_period(const struct fleet *fleet, int agent, int64_t number)
{
	struct period *period =
	    make_period(fleet->config.start_s + number * (FLEET_LENGTH_MS / 1000));
	const struct fleet_span *run = run_of(fleet, agent, number);

	if (run == NULL)
		abort();
	if (run->from_ms > (number - 1) * FLEET_LENGTH_MS)
		period->header.flags |= PERIOD_PARTIAL;
	for (int v = 0; v < fleet->config.vms; v++) {
		const int64_t covered_ms = fleet_covered_ms(fleet, agent, number, v);

		if (covered_ms > 0)
			add_vm(fleet, period, agent, number, v, covered_ms);
	}
	return make_sorted(period);
}
