/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes planted in noise (M-6): many seeds, sizes 4 to 64, several kinds of noise. */
#include "common/error.h"
#include "manager/graph.h"
#include "manager/groups.h"
#include "manager/shape.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT 100000.0
#define SEEDS 10
#define NODES_MAX 64

/* A pattern under construction: who talks how much to whom. */
struct plot {
	unsigned n, order[NODES_MAX];
	double weight[NODES_MAX][NODES_MAX]; /* a < b; names are scattered by order[] */
	unsigned short random[3];
};

static double uniform(struct plot *plot, double low, double high)
{
	return low + (high - low) * erand48(plot->random);
}

static double normal(struct plot *plot)
{
	return sqrt(-2 * log(1 - erand48(plot->random))) * cos(2 * M_PI * erand48(plot->random));
}

static double pareto(struct plot *plot)
{
	return fmin(100, pow(1 - erand48(plot->random), -1 / 1.5));
}

static void add(struct plot *plot, unsigned a, unsigned b, double weight)
{
	plot->weight[a < b ? a : b][a < b ? b : a] += weight;
}

static void link_up(struct plot *plot, unsigned a, unsigned b)
{
	add(plot, a, b, WEIGHT);
}

static void plant_chain(struct plot *plot, unsigned width)
{
	(void)width;
	for (unsigned i = 0; i + 1 < plot->n; i++)
		link_up(plot, i, i + 1);
}

static void plant_ring(struct plot *plot, unsigned width)
{
	plant_chain(plot, width);
	link_up(plot, plot->n - 1, 0);
}

static void plant_star(struct plot *plot, unsigned width)
{
	(void)width;
	for (unsigned i = 1; i < plot->n; i++)
		link_up(plot, 0, i);
}

static void plant_full(struct plot *plot, unsigned width)
{
	(void)width;
	for (unsigned a = 0; a < plot->n; a++)
		for (unsigned b = a + 1; b < plot->n; b++)
			link_up(plot, a, b);
}

static void plant_mesh(struct plot *plot, unsigned width)
{
	for (unsigned i = 0; i < plot->n; i++) {
		if ((i + 1) % width != 0)
			link_up(plot, i, i + 1);
		if (i + width < plot->n)
			link_up(plot, i, i + width);
	}
}

static void plant_cube(struct plot *plot, unsigned width)
{
	(void)width;
	for (unsigned i = 0; i < plot->n; i++)
		for (unsigned bit = 1; bit < plot->n; bit <<= 1)
			if ((i & bit) == 0)
				link_up(plot, i, i | bit);
}

static const struct {
	const char *name;
	void (*plant)(struct plot *plot, unsigned width);
	unsigned sizes[14], widths[14];
} shapes[] = {
    {"chain", plant_chain, {4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 64}, {0}},
    {"ring", plant_ring, {4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 64}, {0}},
    {"star", plant_star, {4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 64}, {0}},
    {"all-to-all", plant_full, {4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 64}, {0}},
    {"mesh", plant_mesh, {6, 8, 9, 10, 12, 12, 16, 16, 20, 24, 32, 36, 49, 64},
	{2, 2, 3, 2, 2, 3, 2, 4, 4, 3, 4, 6, 7, 8}},
    {"hypercube", plant_cube, {8, 16, 32, 64}, {0}},
};

/* ---- noise ---- */

/* Every link differs by up to 20 %, every other pair has up to 20 % of a link. */
static void spread(struct plot *plot)
{
	for (unsigned a = 0; a < plot->n; a++)
		for (unsigned b = a + 1; b < plot->n; b++)
			plot->weight[a][b] = plot->weight[a][b] * uniform(plot, 0.8, 1.2) +
					     uniform(plot, 0, 0.2) * WEIGHT;
}

/* Every link differs by 20 % (standard deviation). */
static void jitter(struct plot *plot)
{
	for (unsigned a = 0; a < plot->n; a++)
		for (unsigned b = a + 1; b < plot->n; b++)
			plot->weight[a][b] *= fmax(0.05, 1 + 0.2 * normal(plot));
}

static double total(const struct plot *plot)
{
	double sum = 0;

	for (unsigned a = 0; a < plot->n; a++)
		for (unsigned b = a + 1; b < plot->n; b++)
			sum += plot->weight[a][b];
	return sum;
}

/* A fifth of all traffic goes from each VM to two to five others anywhere; heavy_tailed: as flows
 * do, a few of them carry most. */
static void stray(struct plot *plot, bool heavy_tailed)
{
	double sum = 0, noise[NODES_MAX][NODES_MAX] = {{0}};
	const double traffic = total(plot);

	for (unsigned a = 0; a < plot->n; a++) {
		for (unsigned k = (unsigned)uniform(plot, 2, 6); k > 0; k--) {
			const unsigned b = (unsigned)uniform(plot, 0, plot->n);
			const double weight = heavy_tailed ? pareto(plot) : uniform(plot, 0.5, 1.5);

			if (a == b)
				continue;
			noise[a < b ? a : b][a < b ? b : a] += weight;
			sum += weight;
		}
	}
	for (unsigned a = 0; a < plot->n; a++)
		for (unsigned b = a + 1; b < plot->n; b++)
			plot->weight[a][b] = plot->weight[a][b] * uniform(plot, 0.8, 1.2) +
					     (sum > 0 ? noise[a][b] * 0.25 * traffic / sum : 0);
}

static void stray_even(struct plot *plot)
{
	stray(plot, false);
}

static void stray_tailed(struct plot *plot)
{
	stray(plot, true);
}

static const struct {
	const char *name;
	void (*make)(struct plot *plot);
	double least; /* share that must be right, of each shape */
} noises[] = {
    {"links +-20 %, every other pair up to 20 %", spread, 0.95},
    {"links of 20 % standard deviation", jitter, 0.95},
    {"links +-20 %, a fifth of the traffic stray", stray_even, 0.95},
    {"the same, heavy-tailed", stray_tailed, 0.6},
};

/* ---- judging ---- */

static struct matrix *matrix_of(const struct plot *plot)
{
	struct matrix *matrix = matrix_new();
	char name[16];

	for (unsigned i = 0; i < plot->n; i++) {
		snprintf(name, sizeof name, "vm%u", i);
		ck_assert_int_eq(matrix_node(matrix, name), (int)i);
	}
	for (unsigned a = 0; a < plot->n; a++)
		for (unsigned b = a + 1; b < plot->n; b++)
			if (plot->weight[a][b] > 0)
				ck_assert_int_eq(matrix_add(matrix, plot->order[a], plot->order[b],
						     round(plot->weight[a][b]),
						     round(1000 * plot->weight[a][b])),
				    0);
	return matrix;
}

static void scatter(struct plot *plot)
{
	for (unsigned i = 0; i < plot->n; i++)
		plot->order[i] = i;
	for (unsigned i = plot->n; i > 1; i--) {
		const unsigned other = (unsigned)uniform(plot, 0, i), kept = plot->order[i - 1];

		plot->order[i - 1] = plot->order[other];
		plot->order[other] = kept;
	}
}

struct verdict {
	unsigned tried, shape, group; /* right ones: shape of the whole, one group of that shape */
};

static void judge(const struct plot *plot, const char *expected, struct verdict *verdict)
{
	struct matrix *matrix = matrix_of(plot);
	struct groups groups;
	char text[SHAPE_TEXT_SIZE];

	ck_assert_int_eq(groups_find(matrix, &groups_rules_default, &groups), GRAPPE_OK);
	verdict->tried++;
	if (strcmp(shape_format(&groups.shape, text), expected) == 0)
		verdict->shape++;
	else if (getenv("SHAPE_NOISE_VERBOSE") != NULL)
		printf("  %s of %u: %s\n", expected, plot->n, text);
	if (groups.count == 1 && groups.items[0].members.count == plot->n)
		verdict->group++;
	groups_deinit(&groups);
	matrix_free(matrix);
}

static void try_size(size_t shape, unsigned index, size_t noise, struct verdict *verdict)
{
	const unsigned n = shapes[shape].sizes[index], width = shapes[shape].widths[index];
	char expected[SHAPE_TEXT_SIZE];

	snprintf(expected, sizeof expected, width > 0 ? "%s %ux%u" : "%s", shapes[shape].name,
	    width, width > 0 ? n / width : 0);
	if (n == 4 && strcmp(shapes[shape].name, "mesh") == 0)
		snprintf(expected, sizeof expected, "ring");
	for (unsigned short seed = 0; seed < SEEDS; seed++) {
		static struct plot plot;

		memset(&plot, 0, sizeof plot);
		plot.n = n;
		plot.random[0] = seed;
		plot.random[1] = (unsigned short)(100 * shape + noise);
		plot.random[2] = (unsigned short)n;
		scatter(&plot);
		shapes[shape].plant(&plot, width);
		noises[noise].make(&plot);
		judge(&plot, expected, verdict);
	}
}

START_TEST(planted_shapes_are_named_in_noise)
{
	struct verdict all = {0, 0, 0};

	printf("%s:\n", noises[_i].name);
	for (size_t shape = 0; shape < sizeof shapes / sizeof *shapes; shape++) {
		struct verdict verdict = {0, 0, 0};

		for (unsigned k = 0; k < 14 && shapes[shape].sizes[k] > 0; k++)
			try_size(shape, k, (size_t)_i, &verdict);
		printf("  %-10s %u of %u named, %u one group\n", shapes[shape].name, verdict.shape,
		    verdict.tried, verdict.group);
		all.tried += verdict.tried;
		all.shape += verdict.shape;
		all.group += verdict.group;
		ck_assert_msg(verdict.shape >= noises[_i].least * verdict.tried, "%s: %u of %u",
		    shapes[shape].name, verdict.shape, verdict.tried);
	}
	printf("  all        %.1f %% named, %.1f %% one group\n", 100.0 * all.shape / all.tried,
	    100.0 * all.group / all.tried);
}
END_TEST

/* Links between random pairs: as many as a ring, a mesh, a cube have. */
START_TEST(random_graphs_have_no_shape)
{
	static const unsigned sizes[] = {8, 12, 16, 24, 32, 64};
	static struct plot plot;
	unsigned named = 0, tried = 0;

	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		for (unsigned short seed = 0; seed < 40; seed++) {
			struct verdict verdict = {0, 0, 0};

			memset(&plot, 0, sizeof plot);
			plot.n = sizes[k];
			plot.random[0] = seed;
			plot.random[1] = (unsigned short)k;
			scatter(&plot);
			for (unsigned i = 1; i < plot.n; i++)
				link_up(&plot, (unsigned)uniform(&plot, 0, i), i);
			for (unsigned i = seed % 4 * plot.n / 3 + 1; i > 0; i--) {
				const unsigned a = (unsigned)uniform(&plot, 0, plot.n - 1);

				link_up(&plot, a, (unsigned)uniform(&plot, a + 1, plot.n));
			}
			jitter(&plot);
			judge(&plot, "none", &verdict);
			tried++;
			named += verdict.shape == 0;
		}
	}
	printf("random graphs: %u of %u named\n", named, tried);
	ck_assert_uint_le(named, tried / 50);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shape_noise");
	TCase *cases = tcase_create("planted");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    cases, planted_shapes_are_named_in_noise, 0, (int)(sizeof noises / sizeof *noises));
	tcase_add_test(cases, random_graphs_have_no_shape);
	tcase_set_timeout(cases, 120);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
