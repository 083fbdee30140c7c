/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/group_join.h"

#include "common/error.h"
#include "manager/group_strand.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define ROUNDS_MAX 20
#define STEEPEST 6.0 /* exponent of the power law; equal weights would make it infinite */
#define UPPER_QUARTILE_SHARE 0.25

/* A link between two parts, a < b. */
struct border {
	uint32_t a, b;
	double weight;
	size_t link; /* of the graph */
};

/* Two parts that may be joined. */
struct pair {
	uint32_t a, b;
	double chance;  /* that noise alone makes such links */
	double traffic; /* over what a node exchanges inside */
	bool goes_on;   /* one is a strand that goes on in the other */
};

struct strength {
	uint32_t part;
	double inside; /* what a node exchanges with its own part */
};

/* One round: the parts as they stand. */
struct round {
	const struct graph *graph;
	uint32_t *part_of;
	uint32_t nparts;
	struct border *borders;
	size_t nborders;
	double *weights;     /* of borders, ascending; before, scratch */
	uint32_t *nlinks_of; /* per part: over its border */
	double *cohesion;    /* per part: lower eighth of its nodes' strengths */
	struct strength *strengths;
	struct pair *pairs;
	size_t npairs;
	uint32_t *into; /* per part */
	bool *goes_on;  /* per link of the graph */
	double upper_quartile, exponent;
};

static int compare_doubles(const void *left, const void *right)
{
	const double x = *(const double *)left, y = *(const double *)right;

	return x < y ? -1 : x > y;
}

/* By pair of parts, heavy links first. */
static int compare_borders(const void *left, const void *right)
{
	const struct border *x = left, *y = right;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	if (x->b != y->b)
		return x->b < y->b ? -1 : 1;
	return x->weight > y->weight ? -1 : x->weight < y->weight;
}

static int compare_strengths(const void *left, const void *right)
{
	const struct strength *x = left, *y = right;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return x->inside < y->inside ? -1 : x->inside > y->inside;
}

/* The least likely to be noise first. */
static int compare_pairs(const void *left, const void *right)
{
	const struct pair *x = left, *y = right;

	if (x->chance != y->chance)
		return x->chance < y->chance ? -1 : 1;
	if (x->traffic != y->traffic)
		return x->traffic > y->traffic ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static int round_init(struct round *round, const struct graph *graph, uint32_t *part_of)
{
	const size_t nodes = graph->nnodes + 1, links = graph->nlinks + 1;

	*round = (struct round){
	    .graph = graph,
	    .part_of = part_of,
	    .borders = calloc(links, sizeof *round->borders),
	    .weights = calloc(links, sizeof *round->weights),
	    .nlinks_of = calloc(nodes, sizeof *round->nlinks_of),
	    .cohesion = calloc(nodes, sizeof *round->cohesion),
	    .strengths = calloc(nodes, sizeof *round->strengths),
	    .pairs = calloc(links, sizeof *round->pairs),
	    .into = calloc(nodes, sizeof *round->into),
	    .goes_on = calloc(links, sizeof *round->goes_on),
	};
	return round->borders != NULL && round->weights != NULL && round->nlinks_of != NULL &&
		       round->cohesion != NULL && round->strengths != NULL &&
		       round->pairs != NULL && round->into != NULL && round->goes_on != NULL
		   ? GRAPPE_OK
		   : GRAPPE_EMEMORY;
}

static void round_deinit(struct round *round)
{
	free(round->borders);
	free(round->weights);
	free(round->nlinks_of);
	free(round->cohesion);
	free(round->strengths);
	free(round->pairs);
	free(round->into);
	free(round->goes_on);
}

/* Sets cohesion[]; strengths[] holds every node. */
static void measure_cohesion(struct round *round)
{
	struct strength *strengths = round->strengths;
	const size_t count = round->graph->nnodes;

	qsort(strengths, count, sizeof *strengths, compare_strengths);
	for (size_t i = 0, end; i < count && strengths[i].part != GROUP_ALONE; i = end) {
		for (end = i; end < count && strengths[end].part == strengths[i].part; end++)
			;
		round->cohesion[strengths[i].part] = strengths[i + (end - i) / 8].inside;
	}
}

/* Sorts links into those inside a part and those between two; returns the median weight inside, 0
 * when there is none. */
static double sort_links(struct round *round)
{
	const struct graph *graph = round->graph;
	size_t ninside = 0;

	for (uint32_t i = 0; i < graph->nnodes; i++)
		round->strengths[i] = (struct strength){round->part_of[i], 0};
	for (uint32_t part = 0; part < round->nparts; part++) {
		round->nlinks_of[part] = 0;
		round->cohesion[part] = 0;
	}
	round->nborders = 0;
	for (size_t i = 0; i < graph->nlinks; i++) {
		const struct graph_link *link = &graph->links[i];
		const uint32_t a = round->part_of[link->a], b = round->part_of[link->b];

		if (a == GROUP_ALONE || b == GROUP_ALONE)
			continue;
		if (a == b) {
			round->weights[ninside++] = link->weight;
			round->strengths[link->a].inside += link->weight;
			round->strengths[link->b].inside += link->weight;
			continue;
		}
		round->borders[round->nborders++] =
		    (struct border){a < b ? a : b, a < b ? b : a, link->weight, i};
		round->nlinks_of[a]++;
		round->nlinks_of[b]++;
	}
	measure_cohesion(round);
	qsort(round->weights, ninside, sizeof *round->weights, compare_doubles);
	return ninside > 0 ? round->weights[ninside / 2] : 0;
}

/* What noise looks like. Returns whether there is any. */
static bool measure_noise(struct round *round, double median_inside)
{
	const size_t last = round->nborders - 1;
	double median, steepness;

	for (size_t i = 0; i < round->nborders; i++)
		round->weights[i] = round->borders[i].weight;
	qsort(round->weights, round->nborders, sizeof *round->weights, compare_doubles);
	median = round->weights[last / 2];
	round->upper_quartile = round->weights[last * 3 / 4];
	steepness = log(round->upper_quartile / median);
	round->exponent = steepness > M_LN2 / STEEPEST ? M_LN2 / steepness : STEEPEST;
	return median <= JOIN_CONTRAST * median_inside;
}

/* The share of noise links that are at least so heavy. */
static double heavy_share(const struct round *round, double weight)
{
	if (weight <= round->upper_quartile)
		return 1;
	return UPPER_QUARTILE_SHARE * pow(weight / round->upper_quartile, -round->exponent);
}

/* The chance of `count` or more events of which `mean` are expected (Poisson). */
static double chance_of(double mean, size_t count)
{
	double term, sum = 0;

	if (mean <= 0)
		return 0;
	if (mean >= (double)count)
		return 1;
	term = exp((double)count * log(mean) - mean - lgamma((double)count + 1));
	for (size_t i = count + 1; term > 1e-9 * sum; i++) {
		sum += term;
		term *= mean / (double)i;
	}
	return sum;
}

/* borders[begin … end) are all links between two parts. */
static struct pair judge_pair(const struct round *round, size_t begin, size_t end)
{
	const struct border *first = &round->borders[begin];
	const double both = (double)round->nlinks_of[first->a] * (double)round->nlinks_of[first->b];
	struct pair pair = {.a = first->a, .b = first->b, .chance = 1};
	double cohesion = round->cohesion[pair.a];

	for (size_t i = begin; i < end; i++) {
		const double weight = round->borders[i].weight;
		const double mean =
		    both / (2.0 * (double)round->nborders) * heavy_share(round, weight);
		const double chance = chance_of(mean, i - begin + 1);

		pair.traffic += weight;
		pair.goes_on |= round->goes_on[round->borders[i].link] &&
				heavy_share(round, weight) < JOIN_STRAND_NOISE;
		if (chance < pair.chance)
			pair.chance = chance;
	}
	if (round->cohesion[pair.b] < cohesion)
		cohesion = round->cohesion[pair.b];
	pair.traffic = cohesion > 0 ? pair.traffic / cohesion : INFINITY;
	return pair;
}

static void find_pairs(struct round *round)
{
	size_t end;

	qsort(round->borders, round->nborders, sizeof *round->borders, compare_borders);
	round->npairs = 0;
	for (size_t i = 0; i < round->nborders; i = end) {
		struct pair pair;

		for (end = i;
		     end < round->nborders && round->borders[end].a == round->borders[i].a &&
		     round->borders[end].b == round->borders[i].b;
		     end++)
			;
		pair = judge_pair(round, i, end);
		if (pair.goes_on ||
		    (pair.chance * round->nparts < JOIN_CHANCE && pair.traffic >= JOIN_COHESION))
			round->pairs[round->npairs++] = pair;
	}
	qsort(round->pairs, round->npairs, sizeof *round->pairs, compare_pairs);
}

/* Joins pairs, each part once in a round: what it is part of then is judged anew. Returns the
 * number of parts left or GRAPPE_EMEMORY. */
static int join_pairs(struct round *round)
{
	for (uint32_t part = 0; part < round->nparts; part++)
		round->into[part] = GROUP_ALONE;
	for (size_t i = 0; i < round->npairs; i++) {
		const struct pair *pair = &round->pairs[i];

		if (round->into[pair->a] != GROUP_ALONE || round->into[pair->b] != GROUP_ALONE)
			continue;
		round->into[pair->a] = round->into[pair->b] = pair->a;
	}
	for (size_t i = 0; i < round->graph->nnodes; i++) {
		const uint32_t part = round->part_of[i];

		if (part != GROUP_ALONE && round->into[part] != GROUP_ALONE)
			round->part_of[i] = round->into[part];
	}
	return group_number(round->part_of, round->graph->nnodes, 1);
}

int group_join(const struct graph *graph, uint32_t *part_of, uint32_t nparts)
{
	struct round round;
	int rc = round_init(&round, graph, part_of);

	round.nparts = nparts;
	for (int i = 0; rc == GRAPPE_OK && i < ROUNDS_MAX; i++) {
		const double median_inside = sort_links(&round);
		int left;

		if (round.nborders == 0 || !measure_noise(&round, median_inside))
			break;
		rc = group_strand_mark(
		    graph, part_of, round.nparts, round.upper_quartile, round.goes_on);
		if (rc != GRAPPE_OK)
			break;
		find_pairs(&round);
		if (round.npairs == 0)
			break;
		left = join_pairs(&round);
		if (left < 0)
			rc = left;
		else
			round.nparts = (uint32_t)left;
	}
	round_deinit(&round);
	return rc == GRAPPE_OK ? (int)round.nparts : rc;
}
