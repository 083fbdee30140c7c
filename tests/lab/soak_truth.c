/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lab/soak_truth.h"

#include "tests/lab/soak_parts.h"

#include <stdlib.h>
#include <string.h>

/* How long a dead agent is taken for dead: pauses of a late fetch included. */
#define UNANSWERED_MS 5000
#define NEVER_MS INT64_MAX

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		abort();
	return memory;
}

struct truth *truth_new(const struct fleet *fleet, int64_t periods)
{
	const size_t agents = (size_t)fleet_config(fleet)->agents;
	struct truth *truth = allocate(1, sizeof *truth);

	truth->fleet = fleet;
	truth->periods = periods;
	truth->members = allocate(agents, sizeof *truth->members);
	truth->deaf = allocate(agents, sizeof *truth->deaf);
	truth->parts = allocate(agents * (size_t)periods, sizeof *truth->parts);
	for (size_t a = 0; a < agents; a++)
		truth->members[a].configured = true;
	return truth;
}

void truth_free(struct truth *truth)
{
	if (truth == NULL)
		return;
	for (int a = 0; a < fleet_config(truth->fleet)->agents; a++)
		free(truth->deaf[a].items);
	free(truth->members);
	free(truth->deaf);
	free(truth->parts);
	free(truth);
}

struct part *truth_part(const struct truth *truth, int agent, int64_t number)
{
	return &truth->parts[agent * truth->periods + number];
}

/* ---- what happens ---- */

/* What a collector that starts at this time asks for first. */
static int64_t oldest_number(int64_t at_ms)
{
	const int64_t number = at_ms / FLEET_LENGTH_MS - (FLEET_RING - 1);

	return number > 0 ? number : 0;
}

void truth_begin_run(struct truth *truth, int64_t at_ms, int64_t deadline_ms)
{
	if (truth->run++ == 0)
		truth->first = oldest_number(at_ms);
	truth->begin_ms = at_ms;
	truth->deadline_ms = deadline_ms;
	for (int a = 0; a < fleet_config(truth->fleet)->agents; a++) {
		struct member *member = &truth->members[a];

		member->span.from_ms = member->configured ? at_ms : NEVER_MS;
		member->span.to_ms = NEVER_MS;
		member->first = 0;
	}
}

void truth_join(struct truth *truth, int agent, int64_t at_ms)
{
	struct member *member = &truth->members[agent];

	member->configured = true;
	member->span = (struct fleet_span){at_ms, NEVER_MS};
	/* The first period that ends after it is asked for. */
	member->first = at_ms / FLEET_LENGTH_MS + 1;
}

void truth_leave(struct truth *truth, int agent, int64_t at_ms)
{
	truth->members[agent].configured = false;
	truth->members[agent].span.to_ms = at_ms;
}

static void settle(struct truth *truth, int agent, int64_t number, int64_t at_ms)
{
	struct part *part = truth_part(truth, agent, number);

	if (part->settled_run == truth->run)
		return;
	part->settled_run = truth->run;
	part->settled_ms = at_ms;
}

void truth_fetched(struct truth *truth, int agent, int64_t number, int64_t at_ms)
{
	truth_part(truth, agent, number)->may = true;
	settle(truth, agent, number, at_ms);
}

void truth_refused(struct truth *truth, int agent, int64_t number, int64_t at_ms)
{
	settle(truth, agent, number, at_ms);
}

static void add_deaf(struct deaf *deaf, struct fleet_span span)
{
	if (deaf->count == deaf->capacity) {
		deaf->capacity = deaf->capacity > 0 ? 2 * deaf->capacity : 64;
		deaf->items = reallocarray(deaf->items, deaf->capacity, sizeof *deaf->items);
		if (deaf->items == NULL)
			abort();
	}
	deaf->items[deaf->count++] = span;
}

void truth_unanswered(struct truth *truth, int agent, int64_t at_ms)
{
	add_deaf(&truth->deaf[agent], (struct fleet_span){at_ms, at_ms + UNANSWERED_MS});
}

void truth_excuse(struct truth *truth, struct fleet_span span)
{
	for (int a = 0; a < fleet_config(truth->fleet)->agents; a++)
		add_deaf(&truth->deaf[a], span);
}

/* ---- what follows ---- */

/* The first stretch without answers that ends after at_ms. */
static bool next_break(const struct truth *truth, int agent, int64_t at_ms, struct fleet_span *out)
{
	const struct deaf *deaf = &truth->deaf[agent];
	bool found = fleet_next_blocked(truth->fleet, agent, at_ms, out);
	size_t i = deaf->count;

	/* They are in order, and of interest only when they are the last ones. */
	while (i > 0 && deaf->items[i - 1].to_ms > at_ms)
		i--;
	if (i < deaf->count && (!found || deaf->items[i].from_ms < out->from_ms)) {
		*out = deaf->items[i];
		found = true;
	}
	return found;
}

/* Whether the agent answered long enough within the window; returned_ms: end of the last time
 * before it in which it did not. */
static bool could_fetch(
    const struct truth *truth, int agent, struct fleet_span window, int64_t returned_ms)
{
	struct fleet_span silent;
	int64_t from_ms = window.from_ms;

	while (from_ms < window.to_ms) {
		const bool is_break = next_break(truth, agent, from_ms, &silent);
		const int64_t until_ms =
		    is_break && silent.from_ms < window.to_ms ? silent.from_ms : window.to_ms;

		if (until_ms - from_ms >= TRUTH_FETCH_MS &&
		    until_ms - returned_ms >= TRUTH_RETURN_MS)
			return true;
		if (!is_break)
			return false;
		from_ms = returned_ms = silent.to_ms;
	}
	return false;
}

/* End of the last time without answers that was over at at_ms; NEVER: long ago. */
static int64_t last_return(const struct truth *truth, int agent, int64_t at_ms)
{
	int64_t returned_ms = INT64_MIN / 2, look_ms = at_ms - TRUTH_RETURN_MS;
	struct fleet_span silent;

	while (next_break(truth, agent, look_ms, &silent) && silent.to_ms <= at_ms)
		returned_ms = look_ms = silent.to_ms;
	return returned_ms;
}

/* Whether this run had to fetch the part. */
static bool had_to_fetch(const struct truth *truth, int agent, int64_t number, int64_t end_ms)
{
	const struct member *member = &truth->members[agent];
	struct fleet_span window;

	if (number < member->first || !fleet_held(truth->fleet, agent, number, &window))
		return false;
	if (window.from_ms < member->span.from_ms)
		window.from_ms = member->span.from_ms;
	if (window.to_ms > member->span.to_ms)
		window.to_ms = member->span.to_ms;
	if (window.to_ms > end_ms)
		window.to_ms = end_ms;
	return could_fetch(truth, agent, window, last_return(truth, agent, window.from_ms));
}

/* When nothing more could come for the part in this run. */
static int64_t settled_ms(const struct truth *truth, int agent, int64_t number)
{
	const struct member *member = &truth->members[agent];
	const struct part *part = truth_part(truth, agent, number);
	int64_t at_ms = (number + FLEET_RING) * FLEET_LENGTH_MS + truth->deadline_ms;

	if (number < member->first || member->span.from_ms == NEVER_MS)
		return 0;
	if (part->settled_run == truth->run && part->settled_ms < at_ms)
		at_ms = part->settled_ms;
	return member->span.to_ms < at_ms ? member->span.to_ms : at_ms;
}

void truth_end_run(struct truth *truth, int64_t at_ms)
{
	const int agents = fleet_config(truth->fleet)->agents;
	int64_t settled = 0;

	truth->last = at_ms / FLEET_LENGTH_MS;
	if (truth->last >= truth->periods)
		abort();
	for (int64_t number = oldest_number(truth->begin_ms); number <= truth->last; number++) {
		for (int a = 0; a < agents; a++) {
			const int64_t ms = settled_ms(truth, a, number);

			settled = ms > settled ? ms : settled;
		}
		if (settled + TRUTH_WRITE_MS > at_ms)
			break;
		for (int a = 0; a < agents; a++)
			if (had_to_fetch(truth, a, number, at_ms))
				truth_part(truth, a, number)->must = true;
	}
}
