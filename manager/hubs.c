/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/hubs.h"

#include "common/error.h"
#include "manager/group_flow.h"

#include <stdlib.h>
#include <string.h>

/* The graph without the candidates, and room to look at one of them. */
struct survey {
	const struct graph *graph;
	const bool *candidate;
	uint32_t *part_of, *size; /* parts of the others, their nodes */
	double *home, *all;       /* per node: what it exchanges with its part, with all */
	uint32_t *met;            /* per part: partners of the candidate looked at */
	double *share, *ratio;    /* per partner: home over all, home over the link to the hub */
};

static int compare_sizes(const void *left, const void *right)
{
	const size_t x = *(const size_t *)left, y = *(const size_t *)right;

	return x < y ? -1 : x > y;
}

static int compare_doubles(const void *left, const void *right)
{
	const double x = *(const double *)left, y = *(const double *)right;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, compare_doubles);
	return values[count / 2];
}

/* Marks nodes with many links. Returns how many there are or GRAPPE_EMEMORY. */
static int find_candidates(const struct graph *graph, bool *candidate)
{
	size_t *degrees = calloc(graph->nnodes + 1, sizeof *degrees);
	size_t count = 0, limit = 0;
	int candidates = 0;

	if (degrees == NULL)
		return GRAPPE_EMEMORY;
	for (uint32_t i = 0; i < graph->nnodes; i++)
		if (graph_degree(graph, i) > 0)
			degrees[count++] = graph_degree(graph, i);
	qsort(degrees, count, sizeof *degrees, compare_sizes);
	if (count > 0)
		limit = HUB_DEGREE_RATIO * degrees[(count - 1) / 2];
	if (limit < HUB_DEGREE_MIN)
		limit = HUB_DEGREE_MIN;
	free(degrees);
	for (uint32_t i = 0; i < graph->nnodes; i++) {
		candidate[i] = graph_degree(graph, i) >= limit;
		candidates += candidate[i];
	}
	return candidates;
}

static void survey_deinit(struct survey *survey)
{
	free(survey->part_of);
	free(survey->size);
	free(survey->home);
	free(survey->all);
	free(survey->met);
	free(survey->share);
	free(survey->ratio);
}

static int survey_init(struct survey *survey, const struct graph *graph, const bool *candidate)
{
	const size_t room = graph->nnodes + 1;

	*survey = (struct survey){
	    .graph = graph,
	    .candidate = candidate,
	    .part_of = calloc(room, sizeof *survey->part_of),
	    .size = calloc(room, sizeof *survey->size),
	    .home = calloc(room, sizeof *survey->home),
	    .all = calloc(room, sizeof *survey->all),
	    .met = calloc(room, sizeof *survey->met),
	    .share = calloc(room, sizeof *survey->share),
	    .ratio = calloc(room, sizeof *survey->ratio),
	};
	return survey->part_of != NULL && survey->size != NULL && survey->home != NULL &&
		       survey->all != NULL && survey->met != NULL && survey->share != NULL &&
		       survey->ratio != NULL
		   ? GRAPPE_OK
		   : GRAPPE_EMEMORY;
}

static void add_up(struct survey *survey)
{
	const struct graph *graph = survey->graph;

	for (uint32_t i = 0; i < graph->nnodes; i++)
		if (survey->part_of[i] != GROUP_ALONE)
			survey->size[survey->part_of[i]]++;
	for (size_t i = 0; i < graph->nlinks; i++) {
		const struct graph_link *link = &graph->links[i];

		if (survey->candidate[link->a] || survey->candidate[link->b])
			continue;
		survey->all[link->a] += link->weight;
		survey->all[link->b] += link->weight;
		if (survey->part_of[link->a] != survey->part_of[link->b])
			continue;
		survey->home[link->a] += link->weight;
		survey->home[link->b] += link->weight;
	}
}

static bool is_hub(struct survey *survey, uint32_t node)
{
	const struct graph *graph = survey->graph;
	size_t partners = 0, housed = 0, parts = 0, most = 0;
	double share;

	memset(survey->met, 0, graph->nnodes * sizeof *survey->met);
	for (size_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
		const uint32_t other = graph->neighbours[i].node;
		const uint32_t part = survey->part_of[other];

		if (survey->candidate[other])
			continue;
		survey->share[partners] =
		    survey->all[other] > 0 ? survey->home[other] / survey->all[other] : 0;
		survey->ratio[partners++] = survey->home[other] / graph->neighbours[i].weight;
		if (survey->size[part] < 2)
			continue;
		housed++;
		parts += survey->met[part]++ == 0;
		if (survey->met[part] > most)
			most = survey->met[part];
	}
	if (parts < HUB_PARTS_MIN || (double)most > HUB_PART_SHARE * (double)housed)
		return false;
	share = median(survey->share, partners);
	return share >= HUB_HOME_CLEAR ||
	       (share >= HUB_HOME_SHARE && median(survey->ratio, partners) >= 1);
}

int hubs_find(const struct graph *graph, bool *hub)
{
	struct survey survey;
	bool *candidate = calloc(graph->nnodes + 1, sizeof *candidate);
	int count = 0, rc = candidate != NULL ? find_candidates(graph, candidate) : GRAPPE_EMEMORY;

	memset(hub, 0, graph->nnodes * sizeof *hub);
	if (rc > 0) {
		rc = survey_init(&survey, graph, candidate);
		if (rc == GRAPPE_OK)
			rc = group_flow(graph, candidate, survey.part_of);
		if (rc >= 0) {
			add_up(&survey);
			for (uint32_t i = 0; i < graph->nnodes; i++) {
				hub[i] = candidate[i] && is_hub(&survey, i);
				count += hub[i];
			}
		}
		survey_deinit(&survey);
	}
	free(candidate);
	return rc >= 0 ? count : rc;
}
