/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/picture.h"

#include "collector/marks.h"
#include "collector/slot.h"
#include "common/clock.h"
#include "common/error.h"
#include "rrd/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From so many pairs on, those that no period in memory has any more are forgotten now and then. */
#define CATALOGUE_PRUNE_FROM 65536

struct picture {
	struct picture_config config;
	struct slot *slots; /* by end / length modulo config.slots */
	int64_t newest_s, oldest_s;
	int64_t ended_s; /* newest end that had passed when time was last told */
	uint32_t agents, agents_capacity;
	uint8_t *removed;         /* by agent */
	int64_t *first_s;         /* by agent: first end it is expected in */
	struct marks *marks;      /* how far the archives are */
	struct matrix *catalogue; /* ids and pairs of all periods in memory, numbered */
	size_t catalogue_prune_at;
	unsigned holders; /* picture_hold() */
	struct picture_counts counts;
	char conflict[160];
	/* Where picture_next_update() goes on; cursor_s 0: from the oldest. */
	int64_t cursor_s;
	size_t cursor_receiver;
	bool cursor_kept; /* something of the cursor's slot may not leave yet */
};

struct picture *picture_new(const struct picture_config *config)
{
	struct picture *picture = calloc(1, sizeof *picture);

	if (picture == NULL)
		return NULL;
	picture->config = *config;
	picture->slots = calloc(config->slots, sizeof *picture->slots);
	picture->marks = marks_new(config->last_written, config->context);
	picture->catalogue = matrix_new();
	picture->catalogue_prune_at = CATALOGUE_PRUNE_FROM;
	if (picture->slots == NULL || picture->marks == NULL || picture->catalogue == NULL) {
		picture_free(picture);
		return NULL;
	}
	return picture;
}

void picture_free(struct picture *picture)
{
	if (picture == NULL)
		return;
	for (uint32_t i = 0; i < picture->config.slots && picture->slots != NULL; i++)
		slot_deinit(&picture->slots[i], picture->agents);
	free(picture->slots);
	free(picture->removed);
	free(picture->first_s);
	marks_free(picture->marks);
	matrix_free(picture->catalogue);
	free(picture);
}

static struct slot *slot_at(const struct picture *picture, int64_t end_s)
{
	const int64_t length_s = picture->config.length_s;
	struct slot *slot;

	if (end_s <= 0 || end_s % length_s != 0)
		return NULL;
	slot = &picture->slots[end_s / length_s % picture->config.slots];
	return slot->end_s == end_s ? slot : NULL;
}

static struct slot *slot_before(const struct picture *picture, const struct slot *slot)
{
	return slot_at(picture, slot->end_s - picture->config.length_s);
}

/* ---- the catalogue ---- */

/* The number of an old pair in the fresh catalogue; added when new. */
static int carry_pair(const struct picture *picture, struct matrix *fresh, uint32_t pair)
{
	size_t npairs;
	const struct matrix_pair *old = matrix_pairs(picture->catalogue, &npairs) + pair;
	const int source = matrix_node(fresh, matrix_name(picture->catalogue, old->source));
	const int receiver = matrix_node(fresh, matrix_name(picture->catalogue, old->receiver));

	if (source < 0 || receiver < 0)
		return GRAPPE_EMEMORY;
	return matrix_pair(fresh, (uint32_t)source, (uint32_t)receiver);
}

/* Fills numbers (by old pair) and nodes (by old node) for all that the slots still name. */
static int carry_over(
    const struct picture *picture, struct matrix *fresh, uint32_t *numbers, uint32_t *nodes)
{
	for (uint32_t i = 0; i < picture->config.slots; i++) {
		const struct resolved *view = picture->slots[i].view;

		for (size_t r = 0; view != NULL && r < view->nreceivers; r++) {
			const uint32_t old = view->receivers[r].node;
			const int node =
			    nodes[old] != UINT32_MAX
				? (int)nodes[old]
				: matrix_node(fresh, matrix_name(picture->catalogue, old));

			if (node < 0)
				return node;
			nodes[old] = (uint32_t)node;
		}
		for (size_t r = 0; view != NULL && r < view->nrows; r++) {
			const uint32_t old = view->rows[r].pair;
			const int pair = numbers[old] != UINT32_MAX
					     ? (int)numbers[old]
					     : carry_pair(picture, fresh, old);

			if (pair < 0)
				return pair;
			numbers[old] = (uint32_t)pair;
		}
	}
	return GRAPPE_OK;
}

static void renumber(struct picture *picture, const struct matrix *fresh, const uint32_t *numbers,
    const uint32_t *nodes)
{
	for (uint32_t i = 0; i < picture->config.slots; i++) {
		struct resolved *view = picture->slots[i].view;

		if (view == NULL)
			continue;
		view->catalogue = fresh;
		for (size_t r = 0; r < view->nreceivers; r++)
			view->receivers[r].node = nodes[view->receivers[r].node];
		for (size_t r = 0; r < view->nrows; r++)
			view->rows[r].pair = numbers[view->rows[r].pair];
	}
}

/* Forgets ids and pairs that no period in memory names any more. */
static void prune_catalogue(struct picture *picture)
{
	struct matrix *fresh;
	uint32_t *numbers, *nodes;
	size_t count;

	matrix_pairs(picture->catalogue, &count);
	if (count < picture->catalogue_prune_at || picture->holders > 0)
		return;
	fresh = matrix_new();
	numbers = malloc(count * sizeof *numbers);
	nodes = malloc(matrix_nodes(picture->catalogue) * sizeof *nodes);
	picture->catalogue_prune_at = 2 * count;
	if (fresh != NULL && numbers != NULL && nodes != NULL) {
		memset(numbers, 0xff, count * sizeof *numbers);
		memset(nodes, 0xff, matrix_nodes(picture->catalogue) * sizeof *nodes);
		if (carry_over(picture, fresh, numbers, nodes) == GRAPPE_OK) {
			renumber(picture, fresh, numbers, nodes);
			matrix_free(picture->catalogue);
			picture->catalogue = fresh;
			fresh = NULL;
			matrix_pairs(picture->catalogue, &count);
			picture->catalogue_prune_at =
			    2 * count > CATALOGUE_PRUNE_FROM ? 2 * count : CATALOGUE_PRUNE_FROM;
		}
	}
	matrix_free(fresh);
	free(numbers);
	free(nodes);
}

struct matrix *picture_catalogue(struct picture *picture)
{
	return picture->catalogue;
}

void picture_hold(struct picture *picture)
{
	picture->holders++;
}

void picture_release(struct picture *picture)
{
	picture->holders--;
}

/* ---- joining ---- */

/* The last inventory before the slot of an agent that is missing in it, or NULL. */
static const struct delivery *remembered(
    const struct picture *picture, const struct slot *slot, uint32_t agent)
{
	for (uint32_t i = 0; i <= picture->config.history; i++) {
		slot = slot_before(picture, slot);
		if (slot == NULL)
			return NULL;
		if (delivery_is_held(&slot->deliveries[agent]))
			return &slot->deliveries[agent];
	}
	return NULL;
}

/* unpacked: room for a pointer for each agent; as many as *count tells are set, and the caller
 * frees the periods. Returns 0 or GRAPPE_EMEMORY. */
static int gather_inputs(const struct picture *picture, const struct slot *slot,
    struct resolve_input *inputs, struct period **unpacked, size_t *count)
{
	*count = 0;

	for (uint32_t a = 0; a < picture->agents; a++) {
		const bool here = slot->states[a] == PICTURE_DELIVERED;
		const struct delivery *delivery = here ? &slot->deliveries[a] : NULL;
		const struct period *period;

		if (!here && slot->states[a] != PICTURE_ABSENT)
			delivery = remembered(picture, slot, a);
		if (delivery == NULL)
			continue;
		period = delivery_open(delivery, &unpacked[*count]);
		if (period == NULL)
			return GRAPPE_EMEMORY;
		inputs[(*count)++] =
		    (struct resolve_input){.agent = a, .period = period, .remembered = !here};
	}
	return GRAPPE_OK;
}

/* Receivers that a now missing agent watched in the period before. */
static size_t gather_ghosts(
    const struct picture *picture, const struct slot *slot, struct resolve_ghost **out)
{
	const struct slot *before = slot_is_missing(slot) ? slot_before(picture, slot) : NULL;
	size_t count = 0;

	*out = NULL;
	if (before == NULL || before->view == NULL || before->view->nreceivers == 0)
		return 0;
	*out = calloc(before->view->nreceivers, sizeof **out);
	for (size_t i = 0; i < before->view->nreceivers && *out != NULL; i++) {
		const struct resolved_receiver *receiver = &before->view->receivers[i];

		if (receiver->agent < picture->agents &&
		    (slot->states[receiver->agent] == PICTURE_PENDING ||
			slot->states[receiver->agent] == PICTURE_LOST))
			(*out)[count++] = (struct resolve_ghost){
			    .id = resolve_id(before->view, receiver), .agent = receiver->agent};
	}
	return count;
}

static void join_slot(struct picture *picture, struct slot *slot)
{
	struct resolve_request request = {.config = &picture->config.resolve,
	    .catalogue = picture->catalogue,
	    .length_s = picture->config.length_s,
	    .expected = slot->expected};
	struct resolve_input *inputs = calloc(picture->agents + 1, sizeof *inputs);
	struct period **unpacked = calloc(picture->agents + 1, sizeof *unpacked);
	struct resolve_ghost *ghosts = NULL;

	if (inputs == NULL || unpacked == NULL)
		goto out;
	if (gather_inputs(picture, slot, inputs, unpacked, &request.ninputs) != GRAPPE_OK)
		goto out;
	request.inputs = inputs;
	request.nghosts = gather_ghosts(picture, slot, &ghosts);
	request.ghosts = ghosts;
	if (resolve_periods(&request, &slot->view) == GRAPPE_OK &&
	    slot->end_s == picture->newest_s) {
		picture->counts.address_conflicts = slot->view->address_conflicts;
		picture->counts.vm_conflicts = slot->view->vm_conflicts;
		picture->counts.foreign_sent = slot->view->foreign_sent;
		snprintf(picture->conflict, sizeof picture->conflict, "%s", slot->view->conflict);
	}
out:
	for (size_t i = 0; i < request.ninputs; i++)
		period_free(unpacked[i]);
	free(unpacked);
	free(inputs);
	free(ghosts);
}

/* A slot with missing agents leans on the one before it: join from the oldest that is needed. */
static const struct resolved *ensure_view(struct picture *picture, struct slot *slot)
{
	const int64_t wanted_s = slot->end_s;
	struct slot *before;

	while (slot->view == NULL && slot_is_missing(slot) &&
	       (before = slot_before(picture, slot)) != NULL && before->view == NULL)
		slot = before;
	for (; slot->end_s < wanted_s;
	     slot = slot_at(picture, slot->end_s + picture->config.length_s))
		if (slot->view == NULL)
			join_slot(picture, slot);
	if (slot->view == NULL)
		join_slot(picture, slot);
	return slot->view;
}

/* The slot changed: it, and those after it that lean on it, must be joined again. */
static void invalidate(struct picture *picture, struct slot *slot)
{
	do {
		resolve_free(slot->view);
		slot->view = NULL;
		slot->handed = false;
		slot = slot_at(picture, slot->end_s + picture->config.length_s);
	} while (slot != NULL && slot_is_missing(slot));
	picture->cursor_s = 0;
}

/* ---- slots ---- */

static void count_evicted(struct picture *picture, const struct slot *slot)
{
	for (size_t i = 0; slot->view != NULL && i < slot->view->nreceivers; i++) {
		const struct resolved_receiver *receiver = &slot->view->receivers[i];
		const int64_t *mark = marks_of(picture->marks, resolve_id(slot->view, receiver));

		if (receiver->known > 0 && mark != NULL && *mark < slot->end_s)
			picture->counts.evicted++;
	}
}

static void open_slot(struct picture *picture, int64_t end_s)
{
	struct slot *slot =
	    &picture->slots[end_s / picture->config.length_s % picture->config.slots];

	if (slot->end_s != 0)
		count_evicted(picture, slot);
	slot_clear(slot, picture->agents);
	if (slot_reserve(slot, picture->agents_capacity) != GRAPPE_OK)
		return;
	slot->end_s = end_s;
	for (uint32_t a = 0; a < picture->agents; a++) {
		const bool expected = !picture->removed[a] && end_s >= picture->first_s[a];

		slot->states[a] = expected ? PICTURE_PENDING : PICTURE_ABSENT;
		slot->expected += expected;
		slot->pending += expected;
	}
}

/*
 * Nothing can change the slot any more. Of its deliveries only the inventory may still be needed,
 * by a later slot that misses the agent: not when the agent told a newer one.
 */
static void close_slot(struct picture *picture, struct slot *slot)
{
	const int64_t length_s = picture->config.length_s;
	const struct slot *after = slot_at(picture, slot->end_s + length_s);
	/* The last one that looks so far back. */
	const struct slot *last =
	    slot_at(picture, slot->end_s + length_s * (picture->config.history + 1));
	const bool old = last != NULL && last->closed;
	bool held = false;

	if (ensure_view(picture, slot) == NULL)
		return;
	for (uint32_t a = 0; a < picture->agents; a++) {
		struct delivery *delivery = &slot->deliveries[a];

		if (old || picture->removed[a] ||
		    (after != NULL && after->states[a] == PICTURE_DELIVERED))
			delivery_let_go(delivery);
		if (delivery->period != NULL)
			period_drop_rows(delivery->period);
		delivery_pack(delivery);
		held = held || delivery_is_held(delivery);
	}
	slot->closed = slot->packed = true;
	slot->empty = !held;
}

static void pack_slot(const struct picture *picture, struct slot *slot)
{
	for (uint32_t a = 0; a < picture->agents && !slot->packed; a++)
		delivery_pack(&slot->deliveries[a]);
	slot->packed = true;
}

/* Gives memory back: closes slots up to the first that may still change, packs those after it. */
static void shrink_slots(struct picture *picture)
{
	bool open = false;

	for (int64_t end_s = picture->oldest_s; end_s < picture->newest_s && end_s > 0;
	     end_s += picture->config.length_s) {
		struct slot *slot = slot_at(picture, end_s);

		open = open || (slot != NULL && slot->pending > 0);
		if (slot == NULL || slot->delivered == 0)
			continue;
		if (open)
			pack_slot(picture, slot);
		else if (!slot->empty)
			close_slot(picture, slot);
	}
}

static void expire(struct picture *picture, int64_t wall_ns)
{
	const int64_t length_s = picture->config.length_s;
	const int64_t held_s = length_s * picture->config.history;

	for (int64_t end_s = picture->oldest_s; end_s <= picture->newest_s; end_s += length_s) {
		struct slot *slot = slot_at(picture, end_s);
		const int64_t limit_ns = (end_s + held_s) * CLOCK_SECOND_NS +
					 picture->config.deadline_ms * CLOCK_MILLISECOND_NS;

		if (slot == NULL)
			continue;
		if (limit_ns > wall_ns)
			break;
		for (uint32_t a = 0; a < picture->agents && slot->pending > 0; a++)
			picture_lose(picture, a, end_s);
	}
	shrink_slots(picture);
}

/* The clock was set back. Periods of its future that nobody delivered are no periods yet, and what
 * was given up as too old, but is in the rings still, may come after all. */
static void step_back(struct picture *picture)
{
	const int64_t length_s = picture->config.length_s;
	struct slot *slot;

	for (; picture->newest_s > picture->ended_s; picture->newest_s -= length_s) {
		slot = slot_at(picture, picture->newest_s);
		if (slot != NULL && slot->delivered > 0)
			break;
		if (slot != NULL)
			slot_clear(slot, picture->agents);
	}
	for (int64_t end_s = picture->newest_s;
	     end_s > picture->ended_s - length_s * picture->config.history; end_s -= length_s)
		if ((slot = slot_at(picture, end_s)) != NULL)
			slot_reopen(slot, picture->removed, picture->agents);
	picture->cursor_s = 0;
}

void picture_advance(struct picture *picture, int64_t wall_ns)
{
	const int64_t length_s = picture->config.length_s;
	const int64_t ended_s = wall_ns > 0 ? wall_ns / CLOCK_SECOND_NS / length_s * length_s : 0;
	const int64_t reach_s = length_s * (picture->config.slots - 1);

	if (ended_s <= length_s * picture->config.history)
		return;
	if (ended_s < picture->oldest_s) {
		/* The clock was set back past all that is in memory: start over. */
		for (uint32_t i = 0; i < picture->config.slots; i++)
			slot_clear(&picture->slots[i], picture->agents);
		picture->newest_s = picture->oldest_s = 0;
	}
	if (ended_s < picture->ended_s) {
		picture->ended_s = ended_s;
		step_back(picture);
	}
	picture->ended_s = ended_s;
	if (ended_s > picture->newest_s) {
		int64_t end_s = picture->newest_s + length_s;

		if (picture->newest_s == 0)
			end_s = ended_s - length_s * (picture->config.history - 1);
		else if (ended_s - end_s > reach_s)
			end_s = ended_s - reach_s;
		if (picture->newest_s == 0)
			picture->oldest_s = end_s;
		for (; end_s <= ended_s; end_s += length_s) {
			open_slot(picture, end_s);
			picture->newest_s = end_s;
		}
		if (picture->oldest_s < ended_s - reach_s)
			picture->oldest_s = ended_s - reach_s;
		picture->cursor_s = 0;
		marks_prune(picture->marks, picture->oldest_s);
		prune_catalogue(picture);
	}
	expire(picture, wall_ns);
}

/* ---- agents ---- */

static int grow_agents(struct picture *picture)
{
	const uint32_t wanted = picture->agents_capacity ? picture->agents_capacity * 2 : 8;
	void *bigger;

	bigger = reallocarray(picture->removed, wanted, sizeof *picture->removed);
	if (bigger == NULL)
		return GRAPPE_EMEMORY;
	picture->removed = bigger;
	bigger = reallocarray(picture->first_s, wanted, sizeof *picture->first_s);
	if (bigger == NULL)
		return GRAPPE_EMEMORY;
	picture->first_s = bigger;
	for (uint32_t i = 0; i < picture->config.slots; i++) {
		struct slot *slot = &picture->slots[i];

		if (slot->states == NULL)
			continue;
		bigger = reallocarray(slot->states, wanted + 1, sizeof *slot->states);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		slot->states = bigger;
		bigger = reallocarray(slot->deliveries, wanted + 1, sizeof *slot->deliveries);
		if (bigger == NULL)
			return GRAPPE_EMEMORY;
		slot->deliveries = bigger;
	}
	picture->agents_capacity = wanted;
	return GRAPPE_OK;
}

int picture_add_agent(struct picture *picture, int64_t first_end_s)
{
	const uint32_t agent = picture->agents;

	if (agent >= PICTURE_AGENTS_MAX)
		return GRAPPE_ELIMIT;
	if (agent >= picture->agents_capacity && grow_agents(picture) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	picture->agents++;
	picture->removed[agent] = false;
	picture->first_s[agent] = first_end_s;
	for (uint32_t i = 0; i < picture->config.slots; i++) {
		struct slot *slot = &picture->slots[i];
		const bool expected =
		    slot->end_s != 0 && slot->end_s >= first_end_s && !slot->closed;

		if (slot->states == NULL)
			continue;
		slot->states[agent] = expected ? PICTURE_PENDING : PICTURE_ABSENT;
		slot->deliveries[agent] = (struct delivery){0};
		slot->expected += expected;
		slot->pending += expected;
	}
	return (int)agent;
}

void picture_remove_agent(struct picture *picture, uint32_t agent)
{
	if (agent >= picture->agents)
		return;
	picture->removed[agent] = true;
	for (uint32_t i = 0; i < picture->config.slots; i++)
		if (picture->slots[i].end_s != 0)
			picture_lose(picture, agent, picture->slots[i].end_s);
}

int picture_deliver(struct picture *picture, uint32_t agent, struct period *period)
{
	struct slot *slot = slot_at(picture, period->header.end_s);
	int rc = GRAPPE_OK;

	if (period->header.length_s != picture->config.length_s || agent >= picture->agents)
		rc = GRAPPE_EINVALID;
	else if (slot == NULL || slot->states[agent] == PICTURE_ABSENT)
		rc = GRAPPE_ERANGE;
	else if (slot->states[agent] == PICTURE_DELIVERED)
		rc = GRAPPE_EEXISTS;
	else if (slot->closed)
		rc = GRAPPE_ERANGE;
	if (rc != GRAPPE_OK) {
		picture->counts.refused++;
		period_free(period);
		return rc;
	}
	slot->pending -= slot->states[agent] == PICTURE_PENDING;
	slot->delivered++;
	slot->states[agent] = PICTURE_DELIVERED;
	slot->deliveries[agent].period = period;
	slot->packed = false;
	slot->flags |= period->header.flags;
	picture->counts.delivered++;
	invalidate(picture, slot);
	return GRAPPE_OK;
}

void picture_lose(struct picture *picture, uint32_t agent, int64_t end_s)
{
	struct slot *slot = slot_at(picture, end_s);

	if (slot == NULL || agent >= picture->agents || slot->states[agent] != PICTURE_PENDING)
		return;
	slot->states[agent] = PICTURE_LOST;
	slot->pending--;
	picture->counts.lost++;
	picture->cursor_s = 0;
}

enum picture_state picture_state_of(const struct picture *picture, uint32_t agent, int64_t end_s)
{
	const struct slot *slot = slot_at(picture, end_s);

	return slot != NULL && agent < picture->agents ? slot->states[agent] : PICTURE_ABSENT;
}

/* ---- looking ---- */

int64_t picture_newest(const struct picture *picture)
{
	return picture->newest_s;
}

int64_t picture_oldest(const struct picture *picture)
{
	return picture->oldest_s;
}

bool picture_has(const struct picture *picture, int64_t end_s)
{
	return slot_at(picture, end_s) != NULL;
}

bool picture_is_in(const struct picture *picture, int64_t end_s, int64_t wall_ns)
{
	const struct slot *slot = slot_at(picture, end_s);

	if (slot == NULL)
		return false;
	return (slot->pending == 0 && slot->expected > 0) ||
	       wall_ns >=
		   end_s * CLOCK_SECOND_NS + picture->config.deadline_ms * CLOCK_MILLISECOND_NS;
}

bool picture_is_complete(const struct picture *picture, int64_t end_s)
{
	const struct slot *slot = slot_at(picture, end_s);

	return slot != NULL && slot->expected > 0 && slot->delivered == slot->expected &&
	       (slot->flags & PERIOD_PARTIAL) == 0;
}

uint32_t picture_flags(const struct picture *picture, int64_t end_s, uint32_t *delivered)
{
	const struct slot *slot = slot_at(picture, end_s);

	*delivered = slot != NULL ? slot->delivered : 0;
	return slot != NULL ? slot->flags : 0;
}

struct picture_agents picture_missing(const struct picture *picture, int64_t end_s)
{
	const struct slot *slot = slot_at(picture, end_s);
	struct picture_agents result = {.agents = picture->agents};

	if (slot != NULL) {
		result.expected = slot->expected;
		result.missing = slot->expected - slot->delivered;
	}
	return result;
}

const struct resolved *picture_view(struct picture *picture, int64_t end_s)
{
	struct slot *slot = slot_at(picture, end_s);

	return slot != NULL ? ensure_view(picture, slot) : NULL;
}

/* ---- updates for the archives ---- */

static struct archive_update *build_update(
    const struct resolved *view, const struct resolved_receiver *receiver, int64_t end_s)
{
	const uint32_t nsenders = receiver->known > 0 ? receiver->nrows : 0;
	struct archive_update *update =
	    archive_update_new(resolve_id(view, receiver), end_s, receiver->known, nsenders);

	if (update != NULL)
		update->flags = receiver->flags;
	for (uint32_t i = 0; i < nsenders && update != NULL; i++) {
		const struct matrix_pair pair = resolve_row(view, receiver->first_row + i);
		struct archive_sender *sender = &update->senders[i];

		snprintf(sender->sender, sizeof sender->sender, "%s",
		    matrix_name(view->catalogue, pair.source));
		sender->packets = pair.packets;
		sender->octets = pair.octets;
	}
	return update;
}

/* The next update of one slot. blocked_s: end of the newest older slot that may still bring
 * something. */
static int next_of_slot(
    struct picture *picture, struct slot *slot, int64_t blocked_s, struct archive_update **out)
{
	const struct resolved *view = ensure_view(picture, slot);

	if (view == NULL)
		return GRAPPE_EMEMORY;
	if (picture->cursor_receiver == 0)
		picture->cursor_kept = slot->pending > 0;
	for (; picture->cursor_receiver < view->nreceivers; picture->cursor_receiver++) {
		const struct resolved_receiver *receiver =
		    &view->receivers[picture->cursor_receiver];
		int64_t *mark = marks_of(picture->marks, resolve_id(view, receiver));

		if (mark == NULL)
			return GRAPPE_EMEMORY;
		if (*mark >= slot->end_s)
			continue;
		if (*mark < blocked_s ||
		    (slot->pending > 0 && (receiver->known < 1 || receiver->uncertain))) {
			picture->cursor_kept = true;
			continue;
		}
		*out = build_update(view, receiver, slot->end_s);
		if (*out == NULL)
			return GRAPPE_EMEMORY;
		*mark = slot->end_s;
		picture->counts.updates++;
		picture->cursor_receiver++;
		return 1;
	}
	slot->handed = !picture->cursor_kept;
	return 0;
}

int picture_next_update(struct picture *picture, struct archive_update **out)
{
	const int64_t length_s = picture->config.length_s;
	int64_t blocked_s = 0;

	*out = NULL;
	if (picture->cursor_s == 0) {
		picture->cursor_s = picture->oldest_s;
		picture->cursor_receiver = 0;
	}
	for (int64_t end_s = picture->oldest_s; end_s <= picture->newest_s && end_s > 0;
	     end_s += length_s) {
		struct slot *slot = slot_at(picture, end_s);

		/* Of a period that nobody delivered there is nothing to say. */
		if (slot != NULL && end_s >= picture->cursor_s && slot->delivered > 0 &&
		    !slot->handed) {
			int rc;

			if (end_s > picture->cursor_s) {
				picture->cursor_s = end_s;
				picture->cursor_receiver = 0;
			}
			rc = next_of_slot(picture, slot, blocked_s, out);
			if (rc != 0)
				return rc;
		}
		if (slot != NULL && slot->pending > 0)
			blocked_s = end_s;
	}
	picture->cursor_s = picture->newest_s + length_s;
	return 0;
}

/* ---- the rest ---- */

uint32_t picture_length(const struct picture *picture)
{
	return picture->config.length_s;
}

int64_t picture_deadline_ms(const struct picture *picture)
{
	return picture->config.deadline_ms;
}

struct picture_counts picture_counts(const struct picture *picture)
{
	return picture->counts;
}

const char *picture_conflict(const struct picture *picture)
{
	return picture->conflict;
}
