/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/solve_search.h"

#include "common/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- random numbers (splitmix64) ---- */

static uint64_t lots_next(struct lots *lots)
{
	uint64_t z = lots->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void solve_lots_init(struct lots *lots, uint64_t seed)
{
	lots->state = seed * UINT64_C(0xd1342543de82ef95) + 1;
}

uint32_t solve_lots_draw(struct lots *lots, uint32_t count)
{
	return (uint32_t)(((lots_next(lots) >> 32) * count) >> 32);
}

double solve_lots_share(struct lots *lots)
{
	return (double)(lots_next(lots) >> 11) * 0x1p-53;
}

/* ---- budget ---- */

#define WORK_PER_S 65e6   /* what a slow machine of today does */
#define CLOCK_LEAD 0.05   /* share by which the clock may run ahead of the work */
#define LOOK_EVERY 200000 /* units of work */

void solve_budget_init(struct budget *budget, double limit_s, double (*cpu_s)(void))
{
	*budget = (struct budget){
	    .total = (uint64_t)(limit_s * WORK_PER_S) + 1, .limit_s = limit_s, .cpu_s = cpu_s};
}

void solve_budget_spend(struct budget *budget, uint64_t work)
{
	budget->done += work;
	if (budget->cpu_s == NULL || budget->done < budget->look_at)
		return;
	budget->look_at = budget->done + LOOK_EVERY;
	budget->clock = budget->cpu_s() / budget->limit_s;
	if (budget->clock > (double)budget->done / (double)budget->total + CLOCK_LEAD)
		budget->late = true;
}

double solve_budget_progress(const struct budget *budget)
{
	const double work = (double)budget->done / (double)budget->total;

	return budget->late ? fmax(budget->clock, work) : work;
}

/* ---- what all searches need ---- */

static bool is_within_moves(const struct solve_search *search, int64_t more)
{
	return search->max_moved == SEARCH_NO_LIMIT || more < 0 ||
	       (int64_t)search->state->moved + more <= (int64_t)search->max_moved;
}

static void spend(struct solve_search *search, uint64_t work)
{
	solve_budget_spend(search->budget, work + search->state->work);
	search->state->work = 0;
}

#define SAMPLES 2000

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double solve_search_scale(struct solve_search *search)
{
	const struct solve_state *s = search->state;
	double samples[SAMPLES];
	size_t count = 0;

	for (int i = 0; i < SAMPLES && s->g->nodes > 0; i++) {
		const uint32_t node = solve_lots_draw(search->lots, s->g->nodes);
		const double delta =
		    fabs(solve_state_delta(s, node, solve_lots_draw(search->lots, s->g->envs)));

		if (delta > 0)
			samples[count++] = delta;
	}
	if (count == 0)
		return 1e-9;
	qsort(samples, count, sizeof *samples, compare_doubles);
	return samples[count / 2];
}

/* ---- descent ---- */

#define SWAP_TRIES 48
#define PARTNER_NODES 5000 /* of a graph where few moves are worth so many tries */
#define EPSILON 1e-9

struct descent {
	struct solve_search *search;
	uint32_t *queue; /* a ring of the nodes to look at */
	bool *queued;
	uint32_t head, length;
};

static void enqueue(struct descent *d, uint32_t node)
{
	const uint32_t size = d->search->state->g->nodes;

	if (d->queued[node])
		return;
	d->queued[node] = true;
	d->queue[(d->head + d->length++) % size] = node;
}

static void enqueue_neighbours(struct descent *d, uint32_t node)
{
	const struct solve_graph *g = d->search->state->g;

	for (size_t k = g->first[node]; k < g->first[node + 1]; k++)
		enqueue(d, g->edges[k].to);
	enqueue(d, node);
}

/* The partner in env with whom to swap at the best gain, or GRAPH_NOWHERE. */
static uint32_t find_partner(struct solve_search *search, uint32_t node, uint32_t env, double *best)
{
	const struct solve_state *s = search->state;
	const uint32_t count = s->count[env], tries = count < SWAP_TRIES ? count : SWAP_TRIES;
	const uint32_t begin = count > tries ? solve_lots_draw(search->lots, count) : 0;
	uint32_t found = GRAPH_NOWHERE;

	for (uint32_t i = 0; i < tries; i++) {
		const uint32_t other = s->members[(size_t)env * s->g->nodes + (begin + i) % count];
		double delta;

		if (!solve_state_may_swap(s, node, other) ||
		    !is_within_moves(search, solve_state_moved_by(s, node, env) +
						 solve_state_moved_by(s, other, s->place[node])))
			continue;
		delta = solve_state_delta_two(s, node, env, other, s->place[node]);
		if (delta < *best) {
			*best = delta;
			found = other;
		}
	}
	search->state->work += 2 + tries;
	return found;
}

static bool descend_node(struct descent *d, uint32_t node)
{
	struct solve_state *s = d->search->state;
	const uint32_t here = s->place[node];
	uint32_t target = GRAPH_NOWHERE, partner = GRAPH_NOWHERE;
	double best = -EPSILON;

	for (uint32_t e = 0; e < s->g->envs; e++) {
		const double delta = solve_state_delta(s, node, e);

		if (delta >= best || e == here || (s->g->allowed[node] >> e & 1) == 0)
			continue;
		if (solve_state_may(s, node, e) &&
		    is_within_moves(d->search, solve_state_moved_by(s, node, e))) {
			best = delta;
			target = e;
			partner = GRAPH_NOWHERE;
		} else if (d->search->max_moved == SEARCH_NO_LIMIT ||
			   s->g->nodes <= PARTNER_NODES) {
			const uint32_t other = find_partner(d->search, node, e, &best);

			target = other != GRAPH_NOWHERE ? e : target;
			partner = other != GRAPH_NOWHERE ? other : partner;
		}
	}
	if (target == GRAPH_NOWHERE)
		return false;
	solve_state_put(s, node, target);
	if (partner != GRAPH_NOWHERE) {
		solve_state_put(s, partner, here);
		enqueue_neighbours(d, partner);
	}
	enqueue_neighbours(d, node);
	return true;
}

int solve_search_descend(struct solve_search *search)
{
	const uint32_t nodes = search->state->g->nodes;
	struct descent d = {.search = search,
	    .queue = calloc(nodes + 1, sizeof *d.queue),
	    .queued = calloc(nodes + 1, sizeof *d.queued)};
	int rc = d.queue != NULL && d.queued != NULL ? GRAPPE_OK : GRAPPE_EMEMORY;

	for (uint32_t i = 0; rc == GRAPPE_OK && i < nodes; i++)
		enqueue(&d, i);
	while (rc == GRAPPE_OK && d.length > 0) {
		const uint32_t node = d.queue[d.head];

		d.head = (d.head + 1) % nodes;
		d.length--;
		d.queued[node] = false;
		descend_node(&d, node);
		spend(search, 2 + search->state->g->envs / 4);
		if (solve_budget_progress(search->budget) >= 1.05)
			break;
	}
	free(d.queue);
	free(d.queued);
	return rc;
}

/* ---- annealing ---- */

#define TRADED 4          /* nodes that one is traded against */
#define TRADING_NODES 400 /* of a graph with trades */
#define OVERLOAD_RISE 9
#define BATCH 256 /* proposals between looks at the budget */
#define LOGS 4096 /* acceptance thresholds made ahead */
#define FAR 16    /* temperatures above which nothing is accepted */

struct annealing {
	struct solve_search *search;
	double temperature;
	double logs[LOGS]; /* -log(u), u even in 0 … 1 */
	uint32_t *movable; /* nodes with a choice */
	uint32_t nmovable;
	uint32_t *away; /* nodes that took a voluntary move, and some that went back */
	uint32_t naway;
	double overload;   /* as in the search, at the present temperature */
	struct load usual; /* of a node */
	bool trades;       /* whether trades of several nodes are cheap enough to be tried */
	uint8_t *home;     /* environment where a node takes fewest voluntary moves */
};

static bool accepts(struct annealing *a, double delta)
{
	return delta <= 0 ||
	       (delta < FAR * a->temperature &&
		   delta < a->temperature * a->logs[solve_lots_draw(a->search->lots, LOGS)]);
}

static void note_away(struct annealing *a, uint32_t node)
{
	const struct solve_state *s = a->search->state;

	if (a->search->max_moved == SEARCH_NO_LIMIT || s->place[node] == a->home[node])
		return;
	if (a->naway == s->g->nodes) {
		/* Those that went back leave; each node stands there once. */
		uint32_t kept = 0;

		for (uint32_t i = 0; i < s->g->nodes; i++)
			if (s->place[i] != a->home[i] && i != node)
				a->away[kept++] = i;
		a->naway = kept;
	}
	a->away[a->naway++] = node;
}

/* Someone who is away, or GRAPH_NOWHERE. */
static uint32_t draw_away(struct annealing *a)
{
	const struct solve_state *s = a->search->state;

	for (int tries = 0; tries < 4 && a->naway > 0; tries++) {
		const uint32_t at = solve_lots_draw(a->search->lots, a->naway);
		const uint32_t node = a->away[at];

		if (s->place[node] != a->home[node])
			return node;
		a->away[at] = a->away[--a->naway];
	}
	return GRAPH_NOWHERE;
}

/* The number of moves is used up: another node goes back instead. */
static void propose_exchange(struct annealing *a, uint32_t node, uint32_t env)
{
	struct solve_state *s = a->search->state;
	const uint32_t other = draw_away(a);
	const uint32_t from = s->place[node];
	double delta;

	if (other == GRAPH_NOWHERE || other == node || !solve_state_may(s, node, env))
		return;
	if (!is_within_moves(a->search, solve_state_moved_by(s, node, env) +
					    solve_state_moved_by(s, other, a->home[other])))
		return;
	delta = solve_state_delta_two(s, node, env, other, a->home[other]);
	if (!accepts(a, delta))
		return;
	solve_state_put(s, node, env);
	if (!solve_state_may(s, other, a->home[other])) {
		solve_state_put(s, node, from);
		return;
	}
	solve_state_put(s, other, a->home[other]);
	note_away(a, node);
}

static void propose_swap(struct annealing *a, uint32_t node, uint32_t env)
{
	struct solve_state *s = a->search->state;
	const uint32_t here = s->place[node];
	uint32_t other;

	if (s->count[env] == 0)
		return;
	other =
	    s->members[(size_t)env * s->g->nodes + solve_lots_draw(a->search->lots, s->count[env])];
	if (solve_state_delta(s, node, env) + solve_state_delta(s, other, here) >
		2 * FAR * a->temperature ||
	    !solve_state_may_swap(s, node, other) ||
	    !is_within_moves(a->search,
		solve_state_moved_by(s, node, env) + solve_state_moved_by(s, other, here)) ||
	    !accepts(a, solve_state_delta_two(s, node, env, other, here)))
		return;
	solve_state_put(s, node, env);
	solve_state_put(s, other, here);
	note_away(a, node);
	note_away(a, other);
}

/* A large node against several small ones of a full environment, who go where it was. */
static void propose_trade(struct annealing *a, uint32_t node, uint32_t env)
{
	struct solve_state *s = a->search->state;
	const uint32_t here = s->place[node];
	uint32_t traded[TRADED];
	double delta = solve_state_delta(s, node, env);
	int count = 0;
	bool good = solve_state_apart(s, node, env, GRAPH_NOWHERE);

	solve_state_put(s, node, env);
	while (good && solve_state_over(s, env)) {
		const uint32_t other = s->members[(size_t)env * s->g->nodes +
						  solve_lots_draw(a->search->lots, s->count[env])];

		good = count < TRADED && other != node && (s->g->allowed[other] >> here & 1) != 0 &&
		       solve_state_apart(s, other, here, GRAPH_NOWHERE);
		if (!good)
			break;
		delta += solve_state_delta(s, other, here);
		solve_state_put(s, other, here);
		traded[count++] = other;
	}
	good = good && !solve_state_over(s, here) && is_within_moves(a->search, 0) &&
	       accepts(a, delta);
	for (int i = 0; i < count && good; i++)
		note_away(a, traded[i]);
	if (good) {
		note_away(a, node);
		return;
	}
	while (count > 0)
		solve_state_put(s, traded[--count], env);
	solve_state_put(s, node, here);
}

/* Where to: half of the time where a neighbour is. */
static uint32_t draw_target(struct annealing *a, uint32_t node)
{
	const struct solve_state *s = a->search->state;
	const size_t degree = s->g->first[node + 1] - s->g->first[node];

	if (degree > 0 && s->g->terms > 0 && solve_lots_draw(a->search->lots, 2) == 0)
		return s->place[s->g->edges[s->g->first[node] +
					    solve_lots_draw(a->search->lots, (uint32_t)degree)]
				    .to];
	return solve_lots_draw(a->search->lots, s->g->envs);
}

static void propose(struct annealing *a)
{
	struct solve_state *s = a->search->state;
	const uint32_t node = a->movable[solve_lots_draw(a->search->lots, a->nmovable)];
	const uint32_t env = draw_target(a, node);
	double delta;

	if (env == s->place[node] || (s->g->allowed[node] >> env & 1) == 0)
		return;
	delta = solve_state_delta(s, node, env);
	if (!solve_state_room(s, env, &s->g->load[node])) {
		if (a->trades && solve_lots_draw(a->search->lots, 4) == 0)
			propose_trade(a, node, env);
		else
			propose_swap(a, node, env);
	} else if (!is_within_moves(a->search, solve_state_moved_by(s, node, env))) {
		propose_exchange(a, node, env);
	} else if (accepts(a, delta) && solve_state_apart(s, node, env, GRAPH_NOWHERE)) {
		solve_state_put(s, node, env);
		note_away(a, node);
	}
}

/* ---- with limits that cost ---- */

static double overload_of(const struct annealing *a, uint32_t env, double vcpu, double mem)
{
	const struct load *limit = &a->search->state->g->limit[env];
	const struct load *used = &a->search->state->used[env];

	return fmax(0, used->vcpu + vcpu - limit->vcpu) / a->usual.vcpu +
	       fmax(0, used->mem_GiB + mem - limit->mem_GiB) / a->usual.mem_GiB;
}

/* What it costs in overload that so much goes from one environment to another. */
static double overload_by(
    const struct annealing *a, uint32_t from, uint32_t to, double vcpu, double mem)
{
	return a->overload * (overload_of(a, to, vcpu, mem) - overload_of(a, to, 0, 0) +
				 overload_of(a, from, -vcpu, -mem) - overload_of(a, from, 0, 0));
}

static void propose_loose_swap(struct annealing *a, uint32_t node, uint32_t env)
{
	struct solve_state *s = a->search->state;
	const uint32_t here = s->place[node];
	const uint32_t other =
	    s->members[(size_t)env * s->g->nodes + solve_lots_draw(a->search->lots, s->count[env])];
	const struct load *load = &s->g->load[node], *back = &s->g->load[other];
	double delta;

	if ((s->g->allowed[other] >> here & 1) == 0 || !solve_state_apart(s, node, env, other) ||
	    !solve_state_apart(s, other, here, node))
		return;
	delta = solve_state_delta_two(s, node, env, other, here) +
		overload_by(a, here, env, load->vcpu - back->vcpu, load->mem_GiB - back->mem_GiB);
	if (!accepts(a, delta))
		return;
	solve_state_put(s, node, env);
	solve_state_put(s, other, here);
}

static void propose_loosely(struct annealing *a)
{
	struct solve_state *s = a->search->state;
	const uint32_t node = a->movable[solve_lots_draw(a->search->lots, a->nmovable)];
	const uint32_t env = draw_target(a, node), here = s->place[node];
	const struct load *load = &s->g->load[node];
	double delta;

	if (env == here || (s->g->allowed[node] >> env & 1) == 0)
		return;
	if (s->count[env] > 0 && solve_lots_draw(a->search->lots, 4) == 0) {
		propose_loose_swap(a, node, env);
		return;
	}
	delta =
	    solve_state_delta(s, node, env) + overload_by(a, here, env, load->vcpu, load->mem_GiB);
	if (accepts(a, delta) && solve_state_apart(s, node, env, GRAPH_NOWHERE))
		solve_state_put(s, node, env);
}

/* ---- the run ---- */

static uint8_t find_home(const struct solve_graph *g, uint32_t node)
{
	uint8_t home = 0;

	for (uint32_t e = 1; e < g->envs; e++)
		if (g->moved[(size_t)node * g->stride + e] <
		    g->moved[(size_t)node * g->stride + home])
			home = (uint8_t)e;
	return home;
}

static int annealing_init(struct annealing *a, struct solve_search *search)
{
	const struct solve_graph *g = search->state->g;

	*a = (struct annealing){.search = search,
	    .movable = calloc(g->nodes + 1, sizeof *a->movable),
	    .away = calloc(g->nodes + 1, sizeof *a->away),
	    .home = calloc(g->nodes + 1, sizeof *a->home)};
	if (a->movable == NULL || a->away == NULL || a->home == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < g->nodes; i++)
		load_add(&a->usual, &g->load[i]);
	a->usual.vcpu = fmax(a->usual.vcpu / (g->nodes + 1), 1e-9);
	a->usual.mem_GiB = fmax(a->usual.mem_GiB / (g->nodes + 1), 1e-9);
	a->trades = g->nodes <= TRADING_NODES;
	for (int i = 0; i < LOGS; i++)
		a->logs[i] = -log((i + 0.5) / LOGS);
	for (uint32_t i = 0; i < g->nodes; i++) {
		if ((g->allowed[i] & (g->allowed[i] - 1)) != 0)
			a->movable[a->nmovable++] = i;
		a->home[i] = find_home(g, i);
		if (search->max_moved != SEARCH_NO_LIMIT && search->state->place[i] != a->home[i])
			a->away[a->naway++] = i;
	}
	return GRAPPE_OK;
}

int solve_search_anneal(struct solve_search *search, double end, double hot, double cold)
{
	struct annealing *a = malloc(sizeof *a);
	const double begin = solve_budget_progress(search->budget);
	/* What a proposal costs when its rows are not in the cache. */
	const uint64_t each = solve_graph_bytes(search->state->g) > (1u << 20) ? 5 : 2;
	int rc = a == NULL ? GRAPPE_EMEMORY : annealing_init(a, search);

	while (rc == GRAPPE_OK && a->nmovable > 0) {
		const double progress = solve_budget_progress(search->budget);

		if (progress >= end)
			break;
		a->temperature = hot * pow(cold / hot, (progress - begin) / (end - begin));
		a->overload =
		    search->overload * (1 + OVERLOAD_RISE * (progress - begin) / (end - begin));
		for (int i = 0; i < BATCH; i++) {
			if (search->overload > 0)
				propose_loosely(a);
			else
				propose(a);
		}
		spend(search, BATCH * each);
	}
	if (a != NULL) {
		free(a->movable);
		free(a->away);
		free(a->home);
	}
	free(a);
	return rc;
}

/* ---- best-first ---- */

/* A tree whose root is the node with the greatest gain. */
struct reaping {
	struct solve_search *search;
	double *gain;    /* per node */
	uint8_t *target; /* per node */
	uint32_t *tree;
	uint32_t leaves;
};

static void find_gain(struct reaping *r, uint32_t node)
{
	const struct solve_state *s = r->search->state;

	r->gain[node] = 0;
	for (uint32_t e = 0; e < s->g->envs; e++) {
		const int64_t more = solve_state_moved_by(s, node, e);
		const double delta = solve_state_delta(s, node, e);
		const double gain = -delta / (more > 0 ? (double)more : 0.5);

		if (e == s->place[node] || delta >= -EPSILON || gain <= r->gain[node] ||
		    !solve_state_may(s, node, e) || !is_within_moves(r->search, more))
			continue;
		r->gain[node] = gain;
		r->target[node] = (uint8_t)e;
	}
}

static void raise_gain(struct reaping *r, uint32_t node)
{
	uint32_t at = (r->leaves + node) / 2;

	find_gain(r, node);
	for (; at > 0; at /= 2) {
		const uint32_t a = r->tree[2 * at], b = r->tree[2 * at + 1];

		r->tree[at] = r->gain[b] > r->gain[a] ? b : a;
	}
}

static int reaping_init(struct reaping *r, struct solve_search *search)
{
	const uint32_t nodes = search->state->g->nodes;

	*r = (struct reaping){.search = search, .leaves = 2};
	while (r->leaves < nodes)
		r->leaves *= 2;
	r->gain = calloc(r->leaves, sizeof *r->gain);
	r->target = calloc(nodes + 1, sizeof *r->target);
	r->tree = calloc(2 * (size_t)r->leaves, sizeof *r->tree);
	if (r->gain == NULL || r->target == NULL || r->tree == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < r->leaves; i++)
		r->tree[r->leaves + i] = i;
	for (uint32_t i = 0; i < nodes; i++)
		find_gain(r, i);
	for (uint32_t at = r->leaves - 1; at > 0; at--) {
		const uint32_t a = r->tree[2 * at], b = r->tree[2 * at + 1];

		r->tree[at] = r->gain[b] > r->gain[a] ? b : a;
	}
	return GRAPPE_OK;
}

int solve_search_reap(struct solve_search *search)
{
	struct solve_state *s = search->state;
	struct reaping r;
	int rc = reaping_init(&r, search);

	while (rc == GRAPPE_OK && solve_budget_progress(search->budget) < 1) {
		const uint32_t node = r.tree[1];

		if (r.gain[node] <= 0)
			break;
		/* Rooms and moves left may have changed since it was looked at. */
		if (!solve_state_may(s, node, r.target[node]) ||
		    !is_within_moves(search, solve_state_moved_by(s, node, r.target[node]))) {
			raise_gain(&r, node);
			spend(search, 2 + s->g->envs / 4);
			continue;
		}
		solve_state_put(s, node, r.target[node]);
		raise_gain(&r, node);
		for (size_t k = s->g->first[node]; k < s->g->first[node + 1]; k++)
			raise_gain(&r, s->g->edges[k].to);
		spend(search, (s->g->first[node + 1] - s->g->first[node]) * (4 + s->g->envs / 4));
	}
	free(r.gain);
	free(r.target);
	free(r.tree);
	return rc;
}
