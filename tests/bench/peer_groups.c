/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grouping methods on one graph: those of the manager and those of igraph. Called by groups.sh.
 *
 * usage: peer_groups MATRIX TRUTH packets|octets
 * MATRIX: a matrix file of 30 s. TRUTH: a line "VM group" for each VM. Writes a line "method,
 * adjusted Rand index, CPU seconds, groups" for each method, separated by tabs.
 *
 * All get the links that the manager makes of the matrix. CPU is user and system time of the
 * search: for igraph the call alone, with a graph that stands in memory; for the manager
 * groups_find(), which also makes the graph, sets hubs aside and names shapes. VMs in no group and
 * hubs count as groups of one. */
#include "common/error.h"
#include "manager/groups.h"
#include "manager/source.h"
#include "tests/fakes/planted.h"

#include <igraph/igraph.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SECONDS 30
#define TRIALS_BELOW 50000 /* nodes: more than one trial takes minutes above */

struct world {
	struct matrix *matrix;
	struct groups_rules rules;
	struct graph graph;
	uint32_t *truth, *found; /* per node of the graph; of the matrix */
	igraph_t peer;
	igraph_vector_t weights, strengths;
};

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "peer_groups: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void tell(const struct world *world, const char *method, double began_s, size_t groups)
{
	const double spent_s = cpu_s() - began_s;

	printf("%s\t%.4f\t%.4f\t%zu\n", method,
	    planted_agreement(world->found, world->truth, (uint32_t)world->graph.nnodes), spent_s,
	    groups);
	fflush(stdout);
}

/* ---- the manager's ---- */

static void note(struct world *world, const struct groups_nodes *set, bool together, uint32_t *next)
{
	for (size_t i = 0; i < set->count; i++)
		world->found[set->nodes[i]] = together ? *next : (*next)++;
	*next += together;
}

static void try_manager(struct world *world, const char *name, enum groups_method method)
{
	struct groups groups;
	uint32_t next = 0;
	double began_s;

	world->rules.method = method;
	began_s = cpu_s();
	if (groups_find(world->matrix, &world->rules, &groups) != GRAPPE_OK)
		complain(name, "failed");
	for (size_t i = 0; i < groups.count; i++)
		note(world, &groups.items[i].members, true, &next);
	note(world, &groups.alone, false, &next);
	note(world, &groups.hubs, false, &next);
	tell(world, name, began_s, groups.count);
	groups_deinit(&groups);
}

/* ---- igraph's ---- */

static void note_peer(struct world *world, const igraph_vector_int_t *member)
{
	for (size_t i = 0; i < world->graph.nnodes; i++)
		world->found[world->graph.matrix_node[i]] = (uint32_t)VECTOR(*member)[i];
}

/* Communities of the nodes of world->peer. */
typedef igraph_error_t (*peer_method)(const struct world *world, igraph_vector_int_t *member);

static igraph_error_t infomap(
    const struct world *world, igraph_integer_t trials, igraph_vector_int_t *member)
{
	igraph_real_t length;

	return igraph_community_infomap(
	    &world->peer, &world->weights, NULL, trials, member, &length);
}

static igraph_error_t infomap_once(const struct world *world, igraph_vector_int_t *member)
{
	return infomap(world, 1, member);
}

static igraph_error_t infomap_ten_times(const struct world *world, igraph_vector_int_t *member)
{
	return infomap(world, 10, member);
}

static igraph_error_t leiden(const struct world *world, igraph_vector_int_t *member)
{
	const double both = 2 * igraph_vector_sum(&world->weights);
	igraph_integer_t count;
	igraph_real_t quality;

	return igraph_community_leiden(&world->peer, &world->weights, &world->strengths, 1 / both,
	    0.01, false, -1, member, &count, &quality);
}

static void try_peer(struct world *world, const char *name, peer_method method)
{
	igraph_vector_int_t member;
	double began_s;

	igraph_vector_int_init(&member, 0);
	igraph_rng_seed(igraph_rng_default(), 1);
	began_s = cpu_s();
	if (method(world, &member) != IGRAPH_SUCCESS)
		complain(name, "failed");
	note_peer(world, &member);
	tell(world, name, began_s, (size_t)igraph_vector_int_max(&member) + 1);
	igraph_vector_int_destroy(&member);
}

static void make_peer(struct world *world)
{
	const struct graph *graph = &world->graph;
	igraph_vector_int_t edges;

	igraph_vector_int_init(&edges, 2 * (igraph_integer_t)graph->nlinks);
	igraph_vector_init(&world->weights, (igraph_integer_t)graph->nlinks);
	igraph_vector_init(&world->strengths, (igraph_integer_t)graph->nnodes);
	for (size_t i = 0; i < graph->nlinks; i++) {
		const struct graph_link *link = &graph->links[i];

		VECTOR(edges)[2 * i] = link->a;
		VECTOR(edges)[2 * i + 1] = link->b;
		VECTOR(world->weights)[i] = link->weight;
		VECTOR(world->strengths)[link->a] += link->weight;
		VECTOR(world->strengths)[link->b] += link->weight;
	}
	igraph_create(&world->peer, &edges, (igraph_integer_t)graph->nnodes, IGRAPH_UNDIRECTED);
	igraph_vector_int_destroy(&edges);
}

/* ---- input ---- */

static void read_truth(struct world *world, const char *path)
{
	FILE *file = fopen(path, "r");
	char name[64];
	unsigned group;

	if (file == NULL)
		complain(path, "cannot be opened");
	while (fscanf(file, "%63s %u", name, &group) == 2) {
		const int node = matrix_find(world->matrix, name);

		if (node >= 0)
			world->truth[node] = group;
	}
	fclose(file);
}

static void read_world(struct world *world, char **arguments)
{
	char message[256];

	world->matrix = matrix_new();
	if (source_read_matrix_file(
		arguments[0], SECONDS, world->matrix, message, sizeof message) != GRAPPE_OK)
		complain(arguments[0], message);
	world->rules = groups_rules_default;
	world->rules.graph.by_octets = strcmp(arguments[2], "octets") == 0;
	world->rules.graph.window_s = SECONDS;
	world->truth = calloc(matrix_nodes(world->matrix) + 1, sizeof *world->truth);
	world->found = calloc(matrix_nodes(world->matrix) + 1, sizeof *world->found);
	if (world->truth == NULL || world->found == NULL ||
	    graph_build(world->matrix, &world->rules.graph, &world->graph) != GRAPPE_OK)
		complain(arguments[0], "memory is short");
	read_truth(world, arguments[1]);
	make_peer(world);
}

int main(int argc, char **argv)
{
	struct world world = {0};

	if (argc != 4)
		complain("usage", "peer_groups MATRIX TRUTH packets|octets");
	read_world(&world, argv + 1);
	try_peer(&world, "Infomap, 1 trial", infomap_once);
	if (world.graph.nnodes < TRIALS_BELOW)
		try_peer(&world, "Infomap, 10 trials", infomap_ten_times);
	try_peer(&world, "Leiden, modularity", leiden);
	try_manager(&world, "thesis", GROUPS_THESIS);
	try_manager(&world, "auto", GROUPS_AUTO);
	return EXIT_SUCCESS;
}
