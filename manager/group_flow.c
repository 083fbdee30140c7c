/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/group_flow.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_MAX 50    /* over all nodes of a level; a few are enough nearly always */
#define ROUNDS_MAX 3     /* of single nodes after parts were moved */
#define LEAST_GAIN 1e-10 /* bits; below it is rounding */

/* A graph whose nodes are those of the search, or parts of a level below. All weights are shares:
 * the flow of all nodes is 1. */
struct level {
	size_t nnodes;
	size_t *first; /* nnodes + 1 offsets */
	struct graph_neighbour *neighbours;
	double *flow;  /* of a node: its links, and those inside it */
	double *leave; /* of a node: its links to other nodes */
};

/* A partition of a level and what the map equation needs of it. */
struct parts {
	uint32_t *of;         /* per node of the level */
	double *flow, *leave; /* per part: of its nodes; over its border */
	uint32_t *size;       /* nodes */
	double leaving;       /* sum of leave[] */
	uint32_t *spare;      /* parts without nodes */
	size_t nspare;
};

/* Where one node could go: the parts of its neighbours and what it exchanges with each. */
struct search {
	double *exchange; /* per part */
	bool *seen;       /* per part */
	uint32_t *near;   /* the parts seen */
	size_t nnear;
	uint32_t *order; /* in which nodes are visited */
	bool *due;       /* nodes whose neighbourhood changed since they were visited */
	uint64_t random;
};

static double plogp(double p)
{
	return p > 0 ? p * log2(p) : 0;
}

/* xorshift64: the order of visits must not follow names, but repeat. */
static uint32_t next_random(struct search *search)
{
	search->random ^= search->random << 13;
	search->random ^= search->random >> 7;
	search->random ^= search->random << 17;
	return (uint32_t)(search->random >> 32);
}

/* ---- levels ---- */

static void level_deinit(struct level *level)
{
	free(level->first);
	free(level->neighbours);
	free(level->flow);
	free(level->leave);
	*level = (struct level){0};
}

static int level_init(struct level *level, size_t nnodes, size_t nneighbours)
{
	*level = (struct level){.nnodes = nnodes};
	level->first = calloc(nnodes + 1, sizeof *level->first);
	level->neighbours = calloc(nneighbours + 1, sizeof *level->neighbours);
	level->flow = calloc(nnodes + 1, sizeof *level->flow);
	level->leave = calloc(nnodes + 1, sizeof *level->leave);
	if (level->first != NULL && level->neighbours != NULL && level->flow != NULL &&
	    level->leave != NULL)
		return GRAPPE_OK;
	level_deinit(level);
	return GRAPPE_EMEMORY;
}

/* The nodes of the graph themselves, those left out without links. */
static int level_from_graph(struct level *level, const struct graph *graph, const bool *leave_out)
{
	double total = 0;
	size_t fill = 0;

	if (level_init(level, graph->nnodes, graph->first[graph->nnodes]) != GRAPPE_OK)
		return GRAPPE_EMEMORY;
	for (uint32_t node = 0; node < graph->nnodes; node++) {
		for (size_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
			const struct graph_neighbour *to = &graph->neighbours[i];

			if (leave_out != NULL && (leave_out[node] || leave_out[to->node]))
				continue;
			level->neighbours[fill] =
			    (struct graph_neighbour){to->node, sqrt(to->weight)};
			total += level->neighbours[fill++].weight;
		}
		level->first[node + 1] = fill;
	}
	for (size_t node = 0; node < level->nnodes; node++) {
		for (size_t i = level->first[node]; i < level->first[node + 1]; i++) {
			level->neighbours[i].weight /= total;
			level->leave[node] += level->neighbours[i].weight;
		}
		level->flow[node] = level->leave[node];
	}
	return GRAPPE_OK;
}

/* Lists the nodes of each part: those of part p stand at members[first[p]] … */
static void list_members(const struct level *below, const uint32_t *part_of, size_t nparts,
    size_t *first, uint32_t *members)
{
	for (size_t i = 0; i < below->nnodes; i++)
		first[part_of[i] + 1]++;
	for (size_t p = 0; p < nparts; p++)
		first[p + 1] += first[p];
	for (uint32_t i = 0; i < below->nnodes; i++)
		members[first[part_of[i]]++] = i;
	memmove(first + 1, first, nparts * sizeof *first);
	first[0] = 0;
}

/* The node `part` of `level`: its members' links summed by part. */
static void sum_part(struct level *level, uint32_t part, const struct level *below,
    const uint32_t *part_of, const uint32_t *members, size_t count, size_t *place, size_t *fill)
{
	const size_t begin = *fill;

	for (size_t m = 0; m < count; m++) {
		level->flow[part] += below->flow[members[m]];
		for (size_t i = below->first[members[m]]; i < below->first[members[m] + 1]; i++) {
			const struct graph_neighbour *to = &below->neighbours[i];
			const uint32_t other = part_of[to->node];

			if (other == part)
				continue;
			/* place[]: where the sum of a part stands, plus one; up to `begin` it is
			 * that of a node before. */
			if (place[other] <= begin) {
				level->neighbours[*fill] = (struct graph_neighbour){other, 0};
				place[other] = ++*fill;
			}
			level->neighbours[place[other] - 1].weight += to->weight;
			level->leave[part] += to->weight;
		}
	}
	level->first[part + 1] = *fill;
}

/* The parts of a level as nodes; part_of[] must count them from 0 without gaps. */
static int level_from_parts(
    struct level *level, const struct level *below, const uint32_t *part_of, size_t nparts)
{
	size_t *first = calloc(nparts + 2, sizeof *first),
	       *place = calloc(nparts + 1, sizeof *place);
	uint32_t *members = calloc(below->nnodes + 1, sizeof *members);
	size_t fill = 0;
	int rc = GRAPPE_EMEMORY;

	if (first != NULL && place != NULL && members != NULL)
		rc = level_init(level, nparts, below->first[below->nnodes]);
	if (rc == GRAPPE_OK) {
		list_members(below, part_of, nparts, first, members);
		for (uint32_t p = 0; p < nparts; p++)
			sum_part(level, p, below, part_of, members + first[p],
			    first[p + 1] - first[p], place, &fill);
	}
	free(first);
	free(place);
	free(members);
	return rc;
}

/* ---- parts ---- */

static void parts_deinit(struct parts *parts)
{
	free(parts->of);
	free(parts->flow);
	free(parts->leave);
	free(parts->size);
	free(parts->spare);
	*parts = (struct parts){0};
}

static int parts_init(struct parts *parts, size_t nnodes)
{
	*parts = (struct parts){
	    .of = calloc(nnodes + 1, sizeof *parts->of),
	    .flow = calloc(nnodes + 1, sizeof *parts->flow),
	    .leave = calloc(nnodes + 1, sizeof *parts->leave),
	    .size = calloc(nnodes + 1, sizeof *parts->size),
	    .spare = calloc(nnodes + 1, sizeof *parts->spare),
	};
	if (parts->of != NULL && parts->flow != NULL && parts->leave != NULL &&
	    parts->size != NULL && parts->spare != NULL)
		return GRAPPE_OK;
	parts_deinit(parts);
	return GRAPPE_EMEMORY;
}

/* Fills everything from parts->of. */
static void parts_count(struct parts *parts, const struct level *level)
{
	memset(parts->flow, 0, level->nnodes * sizeof *parts->flow);
	memset(parts->leave, 0, level->nnodes * sizeof *parts->leave);
	memset(parts->size, 0, level->nnodes * sizeof *parts->size);
	parts->leaving = 0;
	parts->nspare = 0;
	for (uint32_t node = 0; node < level->nnodes; node++) {
		const uint32_t part = parts->of[node];

		parts->size[part]++;
		parts->flow[part] += level->flow[node];
		for (size_t i = level->first[node]; i < level->first[node + 1]; i++) {
			if (parts->of[level->neighbours[i].node] == part)
				continue;
			parts->leave[part] += level->neighbours[i].weight;
			parts->leaving += level->neighbours[i].weight;
		}
	}
	for (uint32_t part = (uint32_t)level->nnodes; part-- > 0;)
		if (parts->size[part] == 0)
			parts->spare[parts->nspare++] = part;
}

/* ---- search ---- */

static void search_deinit(struct search *search)
{
	free(search->exchange);
	free(search->seen);
	free(search->near);
	free(search->order);
	free(search->due);
}

static int search_init(struct search *search, size_t nnodes)
{
	*search = (struct search){
	    .exchange = calloc(nnodes + 1, sizeof *search->exchange),
	    .seen = calloc(nnodes + 1, sizeof *search->seen),
	    .near = calloc(nnodes + 1, sizeof *search->near),
	    .order = calloc(nnodes + 1, sizeof *search->order),
	    .due = calloc(nnodes + 1, sizeof *search->due),
	    .random = UINT64_C(88172645463325252),
	};
	if (search->exchange != NULL && search->seen != NULL && search->near != NULL &&
	    search->order != NULL && search->due != NULL)
		return GRAPPE_OK;
	search_deinit(search);
	return GRAPPE_EMEMORY;
}

static void look_around(
    struct search *search, const struct level *level, const struct parts *parts, uint32_t node)
{
	while (search->nnear > 0)
		search->seen[search->near[--search->nnear]] = false;
	for (size_t i = level->first[node]; i < level->first[node + 1]; i++) {
		const uint32_t part = parts->of[level->neighbours[i].node];

		if (!search->seen[part]) {
			search->seen[part] = true;
			search->exchange[part] = 0;
			search->near[search->nnear++] = part;
		}
		search->exchange[part] += level->neighbours[i].weight;
	}
}

/* What a part adds to the length of the description, apart from the sum of all borders. */
static double part_bits(double leave, double flow)
{
	return plogp(leave + flow) - 2 * plogp(leave);
}

static double positive(double value)
{
	return value > 0 ? value : 0;
}

/* A move of one node from its part to another: both parts after it, and the bits it saves. */
struct move {
	uint32_t from, to;
	double from_leave, from_flow, to_leave;
	double saves;
};

static void try_part(const struct search *search, const struct level *level,
    const struct parts *parts, uint32_t node, uint32_t to, double base, struct move *best)
{
	const double exchange = search->seen[to] ? search->exchange[to] : 0;
	const double leave = positive(parts->leave[to] + level->leave[node] - 2 * exchange);
	const double leaving =
	    parts->leaving - parts->leave[best->from] - parts->leave[to] + best->from_leave + leave;
	const double bits = plogp(positive(leaving)) - plogp(parts->leaving) + base +
			    part_bits(leave, parts->flow[to] + level->flow[node]) -
			    part_bits(parts->leave[to], parts->flow[to]);

	if (-bits > best->saves) {
		best->saves = -bits;
		best->to = to;
		best->to_leave = leave;
	}
}

/* The best move of a node; moves nowhere when none saves anything. */
static struct move find_move(
    struct search *search, const struct level *level, const struct parts *parts, uint32_t node)
{
	const uint32_t from = parts->of[node];
	struct move best = {.from = from, .to = from, .saves = LEAST_GAIN};
	double base;

	look_around(search, level, parts, node);
	if (parts->size[from] > 1) {
		best.from_leave = positive(parts->leave[from] - level->leave[node] +
					   2 * (search->seen[from] ? search->exchange[from] : 0));
		best.from_flow = positive(parts->flow[from] - level->flow[node]);
	}
	base = part_bits(best.from_leave, best.from_flow) -
	       part_bits(parts->leave[from], parts->flow[from]);
	for (size_t i = 0; i < search->nnear; i++)
		if (search->near[i] != from)
			try_part(search, level, parts, node, search->near[i], base, &best);
	if (parts->size[from] > 1 && parts->nspare > 0)
		try_part(search, level, parts, node, parts->spare[parts->nspare - 1], base, &best);
	return best;
}

static void make_move(struct search *search, const struct level *level, struct parts *parts,
    uint32_t node, const struct move *move)
{
	if (parts->size[move->to] == 0)
		parts->nspare--;
	parts->leaving = positive(parts->leaving + move->from_leave - parts->leave[move->from] +
				  move->to_leave - parts->leave[move->to]);
	parts->leave[move->from] = move->from_leave;
	parts->flow[move->from] = move->from_flow;
	parts->leave[move->to] = move->to_leave;
	parts->flow[move->to] += level->flow[node];
	parts->size[move->to]++;
	if (--parts->size[move->from] == 0)
		parts->spare[parts->nspare++] = move->from;
	parts->of[node] = move->to;
	for (size_t i = level->first[node]; i < level->first[node + 1]; i++)
		search->due[level->neighbours[i].node] = true;
}

static void shuffle(struct search *search, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		const size_t other = next_random(search) % i;
		const uint32_t kept = search->order[i - 1];

		search->order[i - 1] = search->order[other];
		search->order[other] = kept;
	}
}

/* Moves nodes while that saves bits; returns the bits saved. parts->of is the start. */
static double move_nodes(struct search *search, const struct level *level, struct parts *parts)
{
	double saved = 0, pass_saved = 1;

	parts_count(parts, level);
	memset(search->seen, 0, level->nnodes * sizeof *search->seen);
	search->nnear = 0;
	for (uint32_t i = 0; i < level->nnodes; i++) {
		search->order[i] = i;
		search->due[i] = true;
	}
	for (int pass = 0; pass < PASSES_MAX && pass_saved > LEAST_GAIN; pass++) {
		pass_saved = 0;
		shuffle(search, level->nnodes);
		for (size_t i = 0; i < level->nnodes; i++) {
			const uint32_t node = search->order[i];
			struct move move;

			if (!search->due[node])
				continue;
			search->due[node] = false;
			move = find_move(search, level, parts, node);
			if (move.to == move.from)
				continue;
			make_move(search, level, parts, node, &move);
			pass_saved += move.saves;
		}
		saved += pass_saved;
	}
	return saved;
}

/* Takes the parts of `below` for nodes and moves them, once. Returns 1 when some moved, 0 when
 * none did, or GRAPPE_EMEMORY. */
static int move_parts(struct search *search, const struct level *below, uint32_t *part_of)
{
	const int nparts = group_number(part_of, below->nnodes, 1);
	struct level level = {0};
	struct parts parts = {0};
	int rc = nparts < 0 ? nparts : level_from_parts(&level, below, part_of, (size_t)nparts);

	if (rc == GRAPPE_OK)
		rc = parts_init(&parts, level.nnodes);
	if (rc == GRAPPE_OK) {
		for (uint32_t i = 0; i < level.nnodes; i++)
			parts.of[i] = i;
		rc = move_nodes(search, &level, &parts) > LEAST_GAIN;
		for (size_t i = 0; i < below->nnodes; i++)
			part_of[i] = parts.of[part_of[i]];
	}
	parts_deinit(&parts);
	level_deinit(&level);
	return rc;
}

static int find_parts(struct search *search, const struct level *level, struct parts *parts)
{
	int rc = GRAPPE_OK;

	for (uint32_t i = 0; i < level->nnodes; i++)
		parts->of[i] = i;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		if (move_nodes(search, level, parts) <= LEAST_GAIN)
			break;
		do
			rc = move_parts(search, level, parts->of);
		while (rc > 0);
		if (rc < 0)
			return rc;
	}
	return GRAPPE_OK;
}

int group_flow(const struct graph *graph, const bool *leave_out, uint32_t *part_of)
{
	struct level level = {0};
	struct parts parts = {0};
	struct search search = {0};
	int rc = level_from_graph(&level, graph, leave_out);

	if (rc == GRAPPE_OK)
		rc = parts_init(&parts, graph->nnodes);
	if (rc == GRAPPE_OK)
		rc = search_init(&search, graph->nnodes);
	if (rc == GRAPPE_OK)
		rc = find_parts(&search, &level, &parts);
	if (rc == GRAPPE_OK) {
		for (size_t i = 0; i < graph->nnodes; i++)
			part_of[i] = leave_out != NULL && leave_out[i] ? GROUP_ALONE : parts.of[i];
		rc = group_number(part_of, graph->nnodes, 1);
	}
	level_deinit(&level);
	parts_deinit(&parts);
	search_deinit(&search);
	return rc;
}
